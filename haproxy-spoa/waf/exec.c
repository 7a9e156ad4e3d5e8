/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/arena.h"
#include "haproxy-spoa/waf/exec.h"
#include "haproxy-spoa/waf/rxdfa.h"

/*
 * The rules of a phase, in order, as ModSecurity 2 runs them: every target of a rule that matches counts, runs
 * the rule's actions and, at the end of a chain, is logged; a decision ends it all at once.
 */

/* Between two looks at the clock: about 200 us of literal scanning, less of regexes. */
#define WORK_CHECK	(64 * 1024)
/* What an operator call costs beside its bytes. */
#define WORK_CALL	64

uint64_t
xclock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void
xfail(struct waf_tx *tx, enum waf_error e)
{
	if (tx->verdict.action == WAF_PASS) {
		tx->verdict.action = WAF_ERROR;
		tx->verdict.error = e;
		tx->verdict.phase = tx->phase;
	}
	tx->error = e;
	tx->stop = X_STOP_ALL;
}

bool
xwork(struct waf_tx *tx, size_t n)
{
	tx->work += n + WORK_CALL;
	if (tx->work < WORK_CHECK)
		return true;
	tx->work = 0;
	if (tx->deadline_us == 0 || xclock_us() < tx->deadline_us)
		return true;
	xfail(tx, WAF_E_TIME);
	return false;
}

/* As modsecurity.conf-recommended expects it; the other rules still run and may decide. */
static void
regex_limit(struct waf_tx *tx)
{
	struct xval *v = xtx_make(tx, WAF_STR("MSC_PCRE_LIMITS_EXCEEDED"));

	tx->error = WAF_E_REGEX_LIMIT;
	if (v != NULL && !v->pinned)
		*v = (struct xval){.text = WAF_STR("1"), .num = 1, .has_num = true, .set = true};
}

static inline bool
bit(const uint64_t *set, uint32_t i)
{
	return set[i / 64] >> (i % 64) & 1;
}

/* Only ever true for a value that the operator wouldn't match. */
bool
xgate_shut(const struct plan_gate *g, int side, const struct xbuf *b)
{
	if (b->n < g->min_width || (g->class != 0 && (b->map & g->class) == 0))
		return true;
	return g->bit != PLAN_NONE && (b->map & g->or_class) == 0 && b->hits[side] != NULL && !bit(b->hits[side], g->bit);
}

/* xgate_shut for a whole evaluation, without looking at its values. */
static bool
eval_shut(struct waf_tx *tx, const struct plan_rule *pr, struct xeval *ev)
{
	const struct plan_gate *g = &pr->gate;
	const uint64_t *hits;

	if (ev->longest < g->min_width || (g->class != 0 && (ev->map & g->class) == 0))
		return true;
	if (g->bit == PLAN_NONE)
		return false;
	hits = xeval_hits(tx, ev, pr->side);
	return hits == NULL || ((ev->map & g->or_class) == 0 && !bit(hits, g->bit));
}

void
xdfa_drop(struct waf_thread *th)
{
	size_t i;

	for (i = 0; i < th->n_dfas; i++)
		rxdfa_cache_free(&th->dfa[i]);
	free(th->dfa);
	th->dfa = NULL;
	th->n_dfas = 0;
}

static enum rxdfa_answer
dfa_search(struct waf_tx *tx, const struct plan_rule *pr, const struct xbuf *b)
{
	struct waf_thread *th = tx->th;

	if (th->serial != tx->plan->serial) {
		xdfa_drop(th);
		th->serial = tx->plan->serial;
		if ((th->dfa = calloc(tx->plan->n_dfas, sizeof(*th->dfa))) != NULL)
			th->n_dfas = tx->plan->n_dfas;
	}
	if (th->n_dfas == 0)
		return RXDFA_TIRED;
	if (th->dfa[pr->dfa_index] == NULL && (th->dfa[pr->dfa_index] = rxdfa_cache_new(pr->dfa)) == NULL)
		return RXDFA_TIRED;
	return rxdfa_search(pr->dfa, th->dfa[pr->dfa_index], b->p, b->n);
}

bool
xprefilter_no(struct waf_tx *tx, const struct plan_rule *pr, const struct xbuf *b)
{
	return xgate_shut(&pr->gate, pr->side, b) || (pr->dfa != NULL && dfa_search(tx, pr, b) == RXDFA_NO);
}

/* 1, 0, or -1: could not be evaluated, which is no match even when negated. */
static int
op_eval(struct waf_tx *tx, const struct plan_rule *pr, const struct xbuf *b, bool gated, struct waf_op_result *res)
{
	struct waf_str arg = {0}, value = {b->p, b->n};
	int r;

	if (!xwork(tx, b->n))
		return -1;
	if (pr->arg_macro)
		arg = xmacro(tx, &pr->r->op_arg);
	res->n_captures = 0;
	if (gated && pr->dfa != NULL && dfa_search(tx, pr, b) == RXDFA_NO)
		return 0;
	r = waf_op_eval(pr->r->op, tx->scratch, arg, value, pr->capture, res);
	if (r >= 0)
		return r;
	if (r == -E2BIG)
		regex_limit(tx);
	else
		xfail(tx, r == -ETIME ? WAF_E_TIME : WAF_E_MEMORY);
	return -1;
}

static void
capture(struct waf_tx *tx, const struct plan_rule *pr, struct waf_op_result *res)
{
	int i;

	/* libinjection's fingerprint lives in the scratch only until it is called again */
	if (pr->op == WAF_O_detectSQLi || pr->op == WAF_O_detectXSS)
		for (i = 0; i < res->n_captures; i++)
			if (res->capture[i].p != NULL)
				res->capture[i].p =
				    arena_strndup(tx->arena, res->capture[i].p, res->capture[i].n);
	xtx_capture(tx, res);
}

static void
matched(struct waf_tx *tx, const struct plan_rule *pr, const struct xmatched *m, const struct xitem *it)
{
	tx->matched = *m;
	if (plan_grow(tx->arena, &tx->matched_vars, tx->n_matched, &tx->cap_matched, sizeof(*m)) == 0)
		tx->matched_vars[tx->n_matched++] = *m;
	tx->rule = pr;
	if (pr->last && pr->head->r->severity >= 0 && pr->head->r->severity < tx->highest_severity)
		tx->highest_severity = pr->head->r->severity;
	if (pr->n_act > 0)
		xact_run(tx, pr);
	if (pr->last)
		xmatch_disrupt(tx, pr, it);
	if (tx->mode == WAF_MODE_OFF && tx->stop == X_GO)
		tx->stop = X_STOP_ALL;
}

static void
matched_item(struct waf_tx *tx, const struct plan_rule *pr, const struct xitem *it, struct waf_op_result *res)
{
	struct xmatched m = {.var = it->var, .count = it->count, .key = it->key, .value = {it->buf->p, it->buf->n}};

	if (pr->capture && res->n_captures > 0)
		capture(tx, pr, res);
	matched(tx, pr, &m, it);
}

static void
remember_skip(struct waf_tx *tx, const struct plan_rule *pr, struct xeval *ev)
{
	if (plan_grow(tx->arena, &tx->skip, tx->n_skip, &tx->cap_skip, sizeof(*tx->skip)) == 0)
		tx->skip[tx->n_skip++] = (struct xskip){pr, ev};
}

static size_t
eval_items(struct waf_tx *tx, const struct plan_rule *pr, struct xeval *ev, bool gated, unsigned char *no)
{
	struct waf_op_result res;
	size_t i, n = 0;
	int r;

	memset(no, 0, ev->n_distinct);
	for (i = 0; i < ev->n && tx->stop == X_GO; i++) {
		const struct xitem *it = &ev->item[i];

		if (no[it->distinct])
			continue;
		res.n_captures = 0;
		r = gated && xgate_shut(&pr->gate, pr->side, it->buf) ? 0 : op_eval(tx, pr, it->buf, gated, &res);
		if (r < 0 || (r == 1) == pr->negated) {
			no[it->distinct] = 1;
			continue;
		}
		matched_item(tx, pr, it, &res);
		n++;
	}
	return n;
}

static size_t
rule_group(struct waf_tx *tx, const struct plan_rule *pr, uint32_t exset)
{
	unsigned char small[256], *no = small;
	struct xeval *ev = xeval_get(tx, pr->group, exset);
	bool gated = !tx->waf->no_prefilter && (pr->gate.bit != PLAN_NONE || pr->gate.class != 0 ||
	    pr->gate.min_width != 0 || pr->dfa != NULL);

	if (ev == NULL) {
		if (tx->stop == X_GO)
			xfail(tx, WAF_E_MEMORY);
		return 0;
	}
	if (ev->n == 0)
		return 0;
	if (gated) {
		remember_skip(tx, pr, ev);
		if (eval_shut(tx, pr, ev) && !pr->negated)
			return 0;
	}
	if (ev->n_distinct > sizeof(small) && (no = arena_alloc(tx->arena, ev->n_distinct)) == NULL)
		return 0;
	return eval_items(tx, pr, ev, gated, no);
}

static bool
compare(enum waf_op_id op, int64_t a, int64_t b)
{
	switch (op) {
	case WAF_O_lt:
		return a < b;
	case WAF_O_gt:
		return a > b;
	case WAF_O_le:
		return a <= b;
	case WAF_O_ge:
		return a >= b;
	default:
		return a == b;
	}
}

/* Numbers against numbers, without text. */
static size_t
rule_number(struct waf_tx *tx, const struct plan_rule *pr)
{
	const struct waf_target *t = &pr->r->target[0];
	struct xval *v = pr->kind != PLAN_NUM_COUNT ? &tx->slot[pr->slot] : NULL;
	struct xmatched m = {.var = t->var, .count = t->count, .key = t->key};
	int64_t n = pr->num.value;

	if (pr->kind == PLAN_NUM_TX && !v->set)
		return 0;
	if (pr->num.slot != PLAN_NONE)
		n = tx->slot[pr->num.slot].set ? xval_num(&tx->slot[pr->num.slot]) : 0;
	if (pr->kind == PLAN_NUM_TX) {
		m.num = xval_num(v);
		m.value = v->text;
	} else
		m.num = pr->kind == PLAN_NUM_TX_COUNT ? v->set : xtarget_count(tx, t);
	if (compare(pr->op, m.num, n) == pr->negated)
		return 0;
	matched(tx, pr, &m, NULL);
	return 1;
}

static size_t
rule_run(struct waf_tx *tx, const struct plan_rule *pr)
{
	uint32_t exset = tx->exset_of != NULL && pr->head == pr ? tx->exset_of[pr->index] : 0;

	switch (pr->kind) {
	case PLAN_ACTION:
		matched(tx, pr, &tx->matched, NULL);
		return 1;
	case PLAN_NUM_TX:
		return exset == 0 ? rule_number(tx, pr) : rule_group(tx, pr, exset);
	case PLAN_NUM_TX_COUNT:
	case PLAN_NUM_COUNT:
		return rule_number(tx, pr);
	default:
		return rule_group(tx, pr, exset);
	}
}

/* True if every rule of the chain matched. */
static bool
chain_run(struct waf_tx *tx, const struct plan_rule *pr)
{
	tx->n_matched = 0;
	for (; pr != NULL; pr = pr->chained)
		if (rule_run(tx, pr) == 0 || (tx->stop != X_GO && !pr->last))
			return false;
	return true;
}

void
xphase(struct waf_tx *tx, int phase)
{
	const struct plan_phase *ph = &tx->plan->phase[phase];
	size_t i = 0;

	tx->phase = phase;
	while (i < ph->n && tx->stop == X_GO) {
		const struct plan_rule *head = ph->rule[i];

		if (head->marker || bit(tx->removed, head->index) || !chain_run(tx, head) ||
		    head->skip_to == PLAN_NONE || head->skip_to <= i)
			i++;
		else
			i = head->skip_to;
	}
	if (arena_failed(tx->arena) && tx->stop == X_GO)
		xfail(tx, WAF_E_MEMORY);
	if (tx->stop == X_STOP_PHASE)
		tx->stop = X_GO;
}
