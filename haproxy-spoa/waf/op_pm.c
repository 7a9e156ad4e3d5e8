/* SPDX-License-Identifier: MIT */
/*
 * @pm and @pmFromFile: phrases without regard to (ASCII) case.  The plan finds the phrases of all rules in one
 * scan of its own; the scanner here serves a single rule - for the capture, after the plan's scan said yes, and
 * for runs without prefilter.  Reported is the occurrence that ends first; of several that end there, the longest.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/waf/op_private.h"
#include "lib/literals.h"

struct op_phrases {
	struct waf_str	*v;		/* lower case, in the order written */
	size_t		 n, cap;
	char		*bytes;		/* of all phrases */
	struct literals	*scan;
};

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

static void
phrases_free(struct op_phrases **pp)
{
	if (*pp == NULL)
		return;
	literals_free(&(*pp)->scan);
	free((*pp)->v);
	free((*pp)->bytes);
	free(*pp);
	*pp = NULL;
}

/* Takes the phrase at <p>, which points into ph->bytes. */
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
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] |= 32;
	ph->v[ph->n++] = (struct waf_str){ p, n };
	return literals_add(ph->scan, p, n, (uint32_t)(ph->n - 1)) == 0;
}

static struct op_phrases *
phrases_new(size_t room)
{
	struct op_phrases *ph = calloc(1, sizeof(*ph));

	if (ph == NULL || (ph->bytes = malloc(room + 1)) == NULL || (ph->scan = literals_new(true)) == NULL)
		phrases_free(&ph);
	return ph;
}

/* Settle u.phrases, or say why not. */
static int
phrases_done(struct waf_op *op, const struct op_ctx *ctx, struct op_phrases *ph, bool ok)
{
	ok = ok && (ph->n == 0 || literals_build(ph->scan) == 0);
	if (ok && ph->n != 0) {
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

static int
pm_eval(const struct waf_op *op, struct waf_op_scratch *s, struct waf_str arg, struct waf_str v, bool want,
    struct waf_op_result *r)
{
	struct literals_hit hit;

	(void)s;
	(void)arg;
	if (!literals_first(op->u.phrases->scan, v.p, v.n, &hit))
		return 0;
	op_matched(r, v, hit.start, hit.end, want);
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
