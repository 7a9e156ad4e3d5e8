/* SPDX-License-Identifier: MIT */
/*
 * Patterns: PCRE2 with the options of ModSecurity 2, bytes and never UTF.  A search is bounded three times: by
 * PCRE2's match and depth limits, by the memory for going back (JIT stack, or heap of the interpreter, which
 * needs ten times as much and is no help where the stack was too small), and by the transaction's deadline,
 * for which long subjects are searched in slices.
 */
#include "config.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "haproxy-spoa/waf/op_private.h"
#include "lib/diag.h"

#define RX_OPTIONS	(PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | \
			PCRE2_USE_OFFSET_LIMIT)
#define JIT_STACK_MIN	(32 * 1024)
#define JIT_STACK_MAX	(4 * 1024 * 1024)	/* an alternation in a loop takes 26 to 52 bytes a turn */
#define HEAP_KIB	(16 * 1024)
#define MATCH_LIMIT	1000000u
#define DEPTH_LIMIT	100000u
#define SLICED_FROM	512		/* bytes; shorter values cost at most 512 * 512 * MATCH_LIMIT's worth */
#define SLICE_MAX	256		/* start offsets between two looks at the clock; a power of 4 */
#define SLICE_US	100		/* a slice that took longer does not grow */
#define SLICE_STEPS	(1ull << 27)	/* starts * steps back * bytes that a step may scan: some 50 ms */
#define START_STEPS	(1ull << 29)	/* the same of one start alone: some 200 ms */
#define LIMIT_MIN	16u

struct waf_rx {
	pcre2_code	*code;
	bool		 jit;
	bool		 whole;		/* has \G or (*..): cannot be searched in slices */
};

struct waf_op_scratch {
	pcre2_match_data *md;
	pcre2_match_context *mctx;
	pcre2_jit_stack	*stack;
	uint64_t	 deadline_us;
	uint32_t	 match_limit;
	char		 fingerprint[8];
	struct op_memo	 memo[OP_MEMO_TEXTS];
};

uint32_t
waf_rx_options(void)
{
	return RX_OPTIONS;
}

struct waf_op_scratch *
waf_op_scratch_new(void)
{
	struct waf_op_scratch *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->md = pcre2_match_data_create(WAF_CAPTURES, NULL);
	s->mctx = pcre2_match_context_create(NULL);
	s->stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
	if (s->md == NULL || s->mctx == NULL) {
		waf_op_scratch_free(&s);
		return NULL;
	}
	/* Without a stack of ours (PCRE2 built without JIT) nothing asks for it. */
	if (s->stack != NULL)
		pcre2_jit_stack_assign(s->mctx, NULL, s->stack);
	pcre2_set_heap_limit(s->mctx, HEAP_KIB);
	waf_op_scratch_limits(s, 0, 0);
	return s;
}

void
waf_op_scratch_free(struct waf_op_scratch **sp)
{
	struct waf_op_scratch *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	pcre2_match_data_free(s->md);
	pcre2_match_context_free(s->mctx);
	pcre2_jit_stack_free(s->stack);
	free(s);
}

void
waf_op_scratch_limits(struct waf_op_scratch *s, uint32_t match, uint32_t depth)
{
	s->match_limit = match ? match : MATCH_LIMIT;
	pcre2_set_match_limit(s->mctx, s->match_limit);
	pcre2_set_depth_limit(s->mctx, depth ? depth : DEPTH_LIMIT);
}

void
waf_op_scratch_deadline(struct waf_op_scratch *s, uint64_t monotonic_us)
{
	s->deadline_us = monotonic_us;
}

char *
op_scratch_fingerprint(struct waf_op_scratch *s)
{
	return s->fingerprint;
}

struct op_memo *
op_scratch_memo(struct waf_op_scratch *s)
{
	return s->memo;
}

/* <err>, <at>: as pcre2_compile leaves them. */
static struct waf_rx *
rx_compile(struct waf_str pattern, uint32_t more, bool jit, int *err, size_t *at)
{
	struct waf_rx *rx = calloc(1, sizeof(*rx));

	*err = 0;
	*at = 0;
	if (rx == NULL)
		return NULL;
	if (pattern.p == NULL)
		pattern.p = "";
	rx->code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n, RX_OPTIONS | more, err, at, NULL);
	if (rx->code == NULL) {
		free(rx);
		return NULL;
	}
	/* What JIT doesn't know (few, rare constructs) or can't get memory for is interpreted: same result. */
	rx->jit = jit && pcre2_jit_compile(rx->code, PCRE2_JIT_COMPLETE) == 0;
	rx->whole = memmem(pattern.p, pattern.n, "\\G", 2) != NULL || memmem(pattern.p, pattern.n, "(*", 2) != NULL;
	return rx;
}

struct waf_rx *
op_rx_once(struct waf_str pattern)
{
	size_t at;
	int err;

	return rx_compile(pattern, 0, false, &err, &at);
}

struct waf_rx *
waf_rx_new(struct waf_str pattern, bool caseless, struct diag *diag, const char *file, int line)
{
	struct waf_rx *rx;
	PCRE2_UCHAR text[256];
	size_t at;
	int err;

	rx = rx_compile(pattern, caseless ? PCRE2_CASELESS : 0, true, &err, &at);
	if (rx != NULL)
		return rx;
	if (err == 0 || pcre2_get_error_message(err, text, sizeof(text)) < 0)
		memcpy(text, "out of memory", sizeof("out of memory"));
	diag_error(diag, file, line, 0, "pattern, at offset %zu: %s", at, (const char *)text);
	return NULL;
}

void
waf_rx_free(struct waf_rx **rxp)
{
	if (*rxp == NULL)
		return;
	pcre2_code_free((*rxp)->code);
	free(*rxp);
	*rxp = NULL;
}

static int
rx_result(int rc)
{
	switch (rc) {
	case PCRE2_ERROR_NOMATCH:
		return 0;
	case PCRE2_ERROR_NOMEMORY:
		return -ENOMEM;
	default:
		/* Limits of matching, depth, stack, heap; anything else cannot be judged either. */
		return rc >= 0 ? 1 : -E2BIG;
	}
}

/* One search whose match begins in [start, stop]. */
static int
rx_try(const struct waf_rx *rx, struct waf_op_scratch *s, struct waf_str v, size_t start, size_t stop, int *n, int *raw)
{
	int rc;

	pcre2_set_offset_limit(s->mctx, stop);
	if (rx->jit)
		rc = pcre2_jit_match(rx->code, (PCRE2_SPTR)v.p, v.n, start, 0, s->md, s->mctx);
	else
		rc = pcre2_match(rx->code, (PCRE2_SPTR)v.p, v.n, start, PCRE2_NO_JIT, s->md, s->mctx);
	*raw = rc;
	/* 0: more groups than pairs, all pairs are filled. */
	*n = rc == 0 ? WAF_CAPTURES : rc;
	return rx_result(rc);
}

static uint64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* <starts> places to begin at, each with so many steps back that all of them together stay within the budget. */
static uint32_t
slice_limit(const struct waf_op_scratch *s, size_t n, size_t starts)
{
	uint64_t limit = starts > 1 ? SLICE_STEPS / ((uint64_t)n * starts) : START_STEPS / n;

	if (limit < LIMIT_MIN)
		limit = LIMIT_MIN;
	return limit < s->match_limit ? (uint32_t)limit : s->match_limit;
}

/*
 * PCRE2 counts its match limit anew for every start offset, does not count the bytes that a step scans, and can't be
 * interrupted: a pattern such as <[\s\S]*[\s/]...  on 16 KB of "<" costs 0.1 s for each start, and has 16384.  So
 * the start offsets are cut into slices, none of which changes what is looked at before or after it, with a
 * look at the clock after each.  A slice has few starts or few steps for each; one that needs more steps is
 * searched again with fewer starts, which harmless text hardly ever asks for.
 */
static int
rx_sliced(const struct waf_rx *rx, struct waf_op_scratch *s, struct waf_str v, size_t start, int *n)
{
	size_t starts = SLICE_MAX / 4, stop;
	uint64_t t0 = now_us(), t1;
	int rc, raw;

	for (;;) {
		stop = v.n - start >= starts ? start + starts - 1 : v.n;
		pcre2_set_match_limit(s->mctx, slice_limit(s, v.n, starts));
		rc = rx_try(rx, s, v, start, stop, n, &raw);
		t1 = now_us();
		if (raw == PCRE2_ERROR_MATCHLIMIT && starts > 1 && t1 < s->deadline_us) {
			starts /= 4;
			t0 = t1;
			continue;
		}
		if (rc != 0 || stop == v.n)
			break;
		if (t1 >= s->deadline_us) {
			rc = -ETIME;
			break;
		}
		if (t1 - t0 < SLICE_US && starts < SLICE_MAX)
			starts *= 4;
		else if (t1 - t0 > 4 * SLICE_US && starts > 1)
			starts /= 4;
		t0 = t1;
		start = stop + 1;
	}
	pcre2_set_match_limit(s->mctx, s->match_limit);
	return rc == -E2BIG && now_us() >= s->deadline_us ? -ETIME : rc;
}

int
op_rx_exec(const struct waf_rx *rx, struct waf_op_scratch *s, struct waf_str v, size_t start, const size_t **ov,
    int *n)
{
	int raw;

	*ov = pcre2_get_ovector_pointer(s->md);
	if (s->deadline_us != 0 && !rx->whole && v.n - start > SLICED_FROM)
		return rx_sliced(rx, s, v, start, n);
	return rx_try(rx, s, v, start, v.n, n, &raw);
}

int
waf_rx_search(const struct waf_rx *rx, struct waf_op_scratch *s, struct waf_str value)
{
	const size_t *ov;
	int n;

	if (value.p == NULL)
		value.p = "";
	return op_rx_exec(rx, s, value, 0, &ov, &n);
}

int
op_rx_init(struct waf_op *op, const struct op_ctx *ctx)
{
	op->u.rx = waf_rx_new(op->arg, false, ctx->diag, ctx->file, ctx->line);
	return op->u.rx != NULL ? 0 : -EINVAL;
}

void
op_rx_drop(struct waf_op *op)
{
	waf_rx_free(&op->u.rx);
}

/* Groups of one match behind those that <r> has already. */
static void
rx_captures(struct waf_op_result *r, struct waf_str v, const size_t *ov, int n)
{
	for (int i = 0; i < n && r->n_captures < WAF_CAPTURES; i++) {
		struct waf_str *c = &r->capture[r->n_captures++];

		/* \K in a look-ahead can put the start behind the end: PCRE2 passes that on. */
		if (ov[2 * i] > ov[2 * i + 1] || ov[2 * i] == PCRE2_UNSET)
			*c = (struct waf_str){ NULL, 0 };
		else
			*c = (struct waf_str){ v.p + ov[2 * i], ov[2 * i + 1] - ov[2 * i] };
	}
}

static void
rx_matched(struct waf_op_result *r, struct waf_str v, const size_t *ov)
{
	if (ov[0] <= ov[1])
		op_matched(r, v, ov[0], ov[1], false);
}

static int
rx_one(const struct waf_rx *rx, struct waf_op_scratch *s, struct waf_str v, bool want, struct waf_op_result *r)
{
	const size_t *ov;
	int n, rc = op_rx_exec(rx, s, v, 0, &ov, &n);

	if (rc != 1)
		return rc;
	rx_matched(r, v, ov);
	if (want)
		rx_captures(r, v, ov, n);
	return 1;
}

/* Every match in turn; the groups of all of them, in order, become the captures until ten are taken. */
static int
rx_all(const struct waf_rx *rx, struct waf_op_scratch *s, struct waf_str v, bool want, struct waf_op_result *r)
{
	const size_t *ov;
	size_t at = 0;
	int n, rc, found = 0;

	while (at <= v.n && (rc = op_rx_exec(rx, s, v, at, &ov, &n)) != 0) {
		if (rc < 0)
			return rc;
		if (found++ == 0)
			rx_matched(r, v, ov);
		if (!want)
			break;
		rx_captures(r, v, ov, n);
		if (r->n_captures == WAF_CAPTURES)
			break;
		at = ov[1] > at ? ov[1] : at + 1;
	}
	return found != 0;
}

typedef int rx_fn(const struct waf_rx *, struct waf_op_scratch *, struct waf_str, bool, struct waf_op_result *);

static int
rx_with(rx_fn *fn, const struct waf_op *op, struct waf_op_scratch *s, struct waf_str arg, struct waf_str v,
    bool want, struct waf_op_result *r)
{
	struct waf_rx *rx;
	int rc;

	if (!op->has_macro)
		return fn(op->u.rx, s, v, want, r);
	/* An expansion that is no pattern matches nothing: ModSecurity logs it and goes on. */
	rx = op_rx_once(arg);
	rc = rx != NULL ? fn(rx, s, v, want, r) : 0;
	waf_rx_free(&rx);
	return rc;
}

static int
rx_eval(const struct waf_op *op, struct waf_op_scratch *s, struct waf_str arg, struct waf_str v, bool want,
    struct waf_op_result *r)
{
	return rx_with(rx_one, op, s, arg, v, want, r);
}

static int
rx_global_eval(const struct waf_op *op, struct waf_op_scratch *s, struct waf_str arg, struct waf_str v, bool want,
    struct waf_op_result *r)
{
	return rx_with(rx_all, op, s, arg, v, want, r);
}

const struct op_class op_class_rx = { .init = op_rx_init, .eval = rx_eval, .free = op_rx_drop },
    op_class_rx_global = { .init = op_rx_init, .eval = rx_global_eval, .free = op_rx_drop };

bool
waf_op_anchored(const struct waf_op *op)
{
	uint32_t options = 0;

	return op->id == WAF_O_rx && !op->has_macro &&
	    pcre2_pattern_info(op->u.rx->code, PCRE2_INFO_ALLOPTIONS, &options) == 0 && (options & PCRE2_ANCHORED) != 0;
}

struct waf_str
waf_op_pattern(const struct waf_op *op)
{
	return op->id == WAF_O_rx && !op->has_macro ? op->arg : (struct waf_str){ NULL, 0 };
}
