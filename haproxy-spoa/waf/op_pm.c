/* SPDX-License-Identifier: MIT */
/*
 * @pm and @pmFromFile: phrases without regard to (ASCII) case.  The plan finds the phrases of all rules in one
 * scan with one automaton; what is here serves a single rule - for the capture, after the scan said yes, and
 * for runs without prefilter - and keeps only the sorted phrases with an index of first bytes: a dense
 * automaton for each of the twenty phrase files of the CRS would cost more memory than the rest of the rule set.
 *
 * Reported is what a scan from left to right meets first: the occurrence that ends first; of several that end
 * there, the longest.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/waf/op_private.h"

struct op_phrases {
	struct waf_str	*v;		/* sorted, no two equal; none starts behind a shorter prefix of it */
	size_t		 n, cap;
	char		*bytes;		/* of all phrases */
	uint32_t	 first[257];	/* v[first[b]..first[b+1]-1] begin with b */
	uint64_t	 pair[1024];	/* bit b0 << 8 | b1: a phrase begins so, or is just b0 */
};

static inline unsigned char
fold(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* |hh hh| at p[0]: bytes into <buf>; its length, 0 if it is no such thing. */
static size_t
hex_snippet(const char *p, size_t n, char *buf, size_t *made)
{
	int high = -1, d;
	size_t i;

	*made = 0;
	for (i = 1; i < n && p[i] != '|'; i++) {
		if (p[i] == ' ' && high < 0)
			continue;
		if ((d = hex_digit(p[i])) < 0)
			return 0;
		if (high >= 0)
			buf[(*made)++] = (char)(high << 4 | d);
		high = high >= 0 ? -1 : d;
	}
	return i < n && high < 0 && *made != 0 ? i + 1 : 0;
}

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

size_t
op_phrase_next(struct waf_str *in, char *buf, bool spaced)
{
	const char *p = in->p, *end = in->p + in->n;
	size_t o = 0, k, made;

	while (spaced && p < end && is_blank(*p))
		p++;
	while (p < end && !(spaced && is_blank(*p))) {
		if (*p == '|' && (k = hex_snippet(p, (size_t)(end - p), buf + o, &made)) != 0) {
			p += k;
			o += made;
			continue;
		}
		if (*p == '\\' && end - p > 1 && strchr(":;\\\"", p[1]) != NULL && p[1] != '\0')
			p++;
		buf[o++] = *p++;
	}
	*in = (struct waf_str){ p, (size_t)(end - p) };
	return o;
}

/* As memcmp does: a prefix comes before what it begins. */
static int
phrase_cmp(const void *va, const void *vb)
{
	const struct waf_str *a = va, *b = vb;
	int c = memcmp(a->p, b->p, a->n < b->n ? a->n : b->n);

	return c != 0 ? c : (a->n > b->n) - (a->n < b->n);
}

static void
phrases_free(struct op_phrases **pp)
{
	if (*pp == NULL)
		return;
	free((*pp)->v);
	free((*pp)->bytes);
	free(*pp);
	*pp = NULL;
}

/* Takes the phrase that stands at the end of ph->bytes. */
static bool
phrase_add(struct op_phrases *ph, char *p, size_t n)
{
	struct waf_str *more;

	if (ph->n == ph->cap) {
		more = realloc(ph->v, (ph->cap + 64) * 2 * sizeof(*more));
		if (more == NULL)
			return false;
		ph->v = more;
		ph->cap = (ph->cap + 64) * 2;
	}
	for (size_t i = 0; i < n; i++)
		p[i] = (char)fold(p[i]);
	ph->v[ph->n++] = (struct waf_str){ p, n };
	return true;
}

static void
phrases_index(struct op_phrases *ph)
{
	size_t out = 0, b = 0;
	unsigned b0;

	qsort(ph->v, ph->n, sizeof(*ph->v), phrase_cmp);
	for (size_t i = 0; i < ph->n; i++)
		if (out == 0 || phrase_cmp(&ph->v[out - 1], &ph->v[i]) != 0)
			ph->v[out++] = ph->v[i];
	ph->n = out;
	for (size_t i = 0; i < ph->n; i++) {
		b0 = (unsigned char)ph->v[i].p[0];
		while (b <= b0)
			ph->first[b++] = (uint32_t)i;
		if (ph->v[i].n == 1)
			memset(&ph->pair[b0 * 4], 0xff, 4 * sizeof(ph->pair[0]));
		else
			ph->pair[b0 * 4 + (unsigned char)ph->v[i].p[1] / 64] |=
			    (uint64_t)1 << ((unsigned char)ph->v[i].p[1] % 64);
	}
	while (b <= 256)
		ph->first[b++] = (uint32_t)ph->n;
}

static struct op_phrases *
phrases_new(size_t room)
{
	struct op_phrases *ph = calloc(1, sizeof(*ph));

	if (ph == NULL || (ph->bytes = malloc(room + 1)) == NULL)
		phrases_free(&ph);
	return ph;
}

/* Settle u.phrases, or say why not. */
static int
phrases_done(struct waf_op *op, const struct op_ctx *ctx, struct op_phrases *ph, bool ok)
{
	if (ok && ph->n != 0) {
		phrases_index(ph);
		op->u.phrases = ph;
		return 0;
	}
	op_error(ctx, op, "%s", ok ? "no phrases" : "out of memory");
	phrases_free(&ph);
	return ok ? -EINVAL : -ENOMEM;
}

static int
pm_init(struct waf_op *op, const struct op_ctx *ctx)
{
	struct op_phrases *ph = phrases_new(op->arg.n);
	struct waf_str in = op->arg;
	bool ok = ph != NULL;
	char *at = ok ? ph->bytes : NULL;
	size_t n;

	while (ok && (n = op_phrase_next(&in, at, true)) != 0) {
		ok = phrase_add(ph, at, n);
		at += n;
	}
	return phrases_done(op, ctx, ph, ok);
}

/* The next line without the blanks around it; false at the end. */
static bool
next_line(struct waf_str *text, struct waf_str *line)
{
	const char *nl;
	size_t n;

	if (text->n == 0)
		return false;
	nl = memchr(text->p, '\n', text->n);
	n = nl != NULL ? (size_t)(nl - text->p) : text->n;
	*line = (struct waf_str){ text->p, n };
	n += nl != NULL;
	*text = (struct waf_str){ text->p + n, text->n - n };
	while (line->n != 0 && is_blank(line->p[line->n - 1]))
		line->n--;
	while (line->n != 0 && is_blank(line->p[0])) {
		line->p++;
		line->n--;
	}
	return true;
}

static int
pm_file_init(struct waf_op *op, const struct op_ctx *ctx)
{
	struct op_phrases *ph;
	struct waf_str text, line;
	char *file, *at;
	size_t n;
	bool ok;

	file = op_read_file(ctx, op, &text.n);
	if (file == NULL)
		return -ENOENT;
	text.p = file;
	ph = phrases_new(text.n);
	ok = ph != NULL;
	at = ok ? ph->bytes : NULL;
	while (ok && next_line(&text, &line)) {
		if (line.n == 0 || line.p[0] == '#')
			continue;
		n = op_phrase_next(&line, at, false);
		ok = phrase_add(ph, at, n);
		at += n;
	}
	free(file);
	return phrases_done(op, ctx, ph, ok);
}

static void
pm_free(struct waf_op *op)
{
	phrases_free(&op->u.phrases);
}

/*
 * Length of the shortest phrase at p[0], 0: none.  v[lo..hi-1] are the phrases that begin with p[0..d-1]; the
 * shortest of them, if it ends there, is the first.
 */
static size_t
phrase_at(const struct op_phrases *ph, const char *p, size_t n)
{
	size_t lo = ph->first[fold(p[0])], hi = ph->first[fold(p[0]) + 1], a, b, m, d = 1;
	unsigned char c;

	while (lo < hi) {
		if (ph->v[lo].n == d)
			return d;
		if (d == n)
			return 0;
		c = fold(p[d]);
		for (a = lo, b = hi; a < b;) {
			m = a + (b - a) / 2;
			if ((unsigned char)ph->v[m].p[d] < c)
				a = m + 1;
			else
				b = m;
		}
		for (lo = a, b = hi; a < b;) {
			m = a + (b - a) / 2;
			if ((unsigned char)ph->v[m].p[d] <= c)
				a = m + 1;
			else
				b = m;
		}
		hi = a;
		d++;
	}
	return 0;
}

static bool
pair_begins(const struct op_phrases *ph, const char *p, size_t n)
{
	unsigned b0 = fold(p[0]), b1 = n > 1 ? fold(p[1]) : 0;

	/* Before the end of the text any one-byte phrase has all bits set, so 0 does. */
	return ph->pair[b0 * 4 + b1 / 64] >> (b1 % 64) & 1;
}

static int
pm_eval(const struct waf_op *op, struct waf_op_scratch *s, struct waf_str arg, struct waf_str v, bool want,
    struct waf_op_result *r)
{
	const struct op_phrases *ph = op->u.phrases;
	size_t end = SIZE_MAX, from = 0, k, n = v.n;

	(void)s;
	(void)arg;
	for (size_t i = 0; i < n; i++) {
		if (!pair_begins(ph, v.p + i, n - i) || (k = phrase_at(ph, v.p + i, n - i)) == 0)
			continue;
		if (i + k < end) {
			from = i;
			end = i + k;
			n = end - 1;	/* a later start has to end before that */
		}
	}
	if (end == SIZE_MAX)
		return 0;
	op_matched(r, v, from, end, want);
	return 1;
}

const struct op_class op_class_pm = { .init = pm_init, .eval = pm_eval, .free = pm_free, .macro_free = true },
    op_class_pm_file = { .init = pm_file_init, .eval = pm_eval, .free = pm_free, .macro_free = true };

size_t
waf_op_phrases(const struct waf_op *op, const struct waf_str **phrases)
{
	if (op->class != &op_class_pm && op->class != &op_class_pm_file) {
		*phrases = NULL;
		return 0;
	}
	*phrases = op->u.phrases->v;
	return op->u.phrases->n;
}
