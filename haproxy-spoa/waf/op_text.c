/* SPDX-License-Identifier: MIT */
/* Operators that compare bytes with bytes, and numbers with numbers. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/waf/op_private.h"

#define EVAL_ARGS	const struct waf_op *op, struct waf_op_scratch *s, struct waf_str arg, struct waf_str v, \
			bool want, struct waf_op_result *r
#define UNUSED_ARGS	((void)op, (void)s, (void)want)

size_t
op_find(struct waf_str hay, struct waf_str needle, size_t from)
{
	const char *p;

	if (from > hay.n || needle.n > hay.n - from)
		return SIZE_MAX;
	p = memmem(hay.p + from, hay.n - from, needle.p, needle.n);
	return p != NULL ? (size_t)(p - hay.p) : SIZE_MAX;
}

static bool
same_at(struct waf_str v, size_t at, struct waf_str arg)
{
	return arg.n == 0 || memcmp(v.p + at, arg.p, arg.n) == 0;
}

static int
begins_eval(EVAL_ARGS)
{
	UNUSED_ARGS;
	if (arg.n > v.n || !same_at(v, 0, arg))
		return 0;
	op_matched(r, v, 0, arg.n, false);
	return 1;
}

static int
ends_eval(EVAL_ARGS)
{
	UNUSED_ARGS;
	if (arg.n > v.n || !same_at(v, v.n - arg.n, arg))
		return 0;
	op_matched(r, v, v.n - arg.n, v.n, false);
	return 1;
}

static int
streq_eval(EVAL_ARGS)
{
	UNUSED_ARGS;
	if (arg.n != v.n || !same_at(v, 0, arg))
		return 0;
	op_matched(r, v, 0, v.n, false);
	return 1;
}

static int
contains_eval(EVAL_ARGS)
{
	size_t at = op_find(v, arg, 0);

	UNUSED_ARGS;
	if (at == SIZE_MAX)
		return 0;
	op_matched(r, v, at, at + arg.n, false);
	return 1;
}

static bool
is_word(char c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_';
}

static int
contains_word_eval(EVAL_ARGS)
{
	UNUSED_ARGS;
	for (size_t at = 0; (at = op_find(v, arg, at)) != SIZE_MAX; at++) {
		if (arg.n != 0 && ((at != 0 && is_word(v.p[at - 1])) ||
		    (at + arg.n < v.n && is_word(v.p[at + arg.n]))))
			continue;
		op_matched(r, v, at, at + arg.n, false);
		return 1;
	}
	return 0;
}

/* The value within the argument: the empty value is in every one. */
static int
within_eval(EVAL_ARGS)
{
	UNUSED_ARGS;
	if (op_find(arg, v, 0) == SIZE_MAX)
		return 0;
	op_matched(r, v, 0, v.n, false);
	return 1;
}

/* @strmatch is @contains with the escapes of @pm. */
static int
strmatch_init(struct waf_op *op, const struct op_ctx *ctx)
{
	struct waf_str in = op->arg;
	char *buf = malloc(in.n + 1);

	if (buf == NULL) {
		op_error(ctx, op, "out of memory");
		return -1;
	}
	op->arg.n = op_phrase_next(&in, buf, false);
	buf[op->arg.n] = '\0';
	free((char *)op->arg.p);
	op->arg.p = buf;
	if (op->arg.n == 0) {
		op_error(ctx, op, "nothing to look for");
		return -1;
	}
	return 0;
}

const struct op_class op_class_begins = { .eval = begins_eval }, op_class_ends = { .eval = ends_eval },
    op_class_contains = { .eval = contains_eval }, op_class_contains_word = { .eval = contains_word_eval },
    op_class_streq = { .eval = streq_eval }, op_class_within = { .eval = within_eval },
    op_class_strmatch = { .init = strmatch_init, .eval = contains_eval, .macro_free = true };

/* As atoi(): blanks, a sign, digits; what is no number is 0.  Stays at the ends of the range on overflow. */
static int64_t
number(struct waf_str t)
{
	int64_t u = 0, digit;
	size_t i = 0;
	bool neg;

	while (i < t.n && (t.p[i] == ' ' || (t.p[i] >= '\t' && t.p[i] <= '\r')))
		i++;
	neg = i < t.n && t.p[i] == '-';
	if (i < t.n && (t.p[i] == '-' || t.p[i] == '+'))
		i++;
	for (; i < t.n && t.p[i] >= '0' && t.p[i] <= '9'; i++) {
		digit = t.p[i] - '0';
		if (u > (INT64_MAX - digit) / 10) {
			u = INT64_MAX;
			break;
		}
		u = u * 10 + digit;
	}
	return neg ? -u : u;
}

static int
number_init(struct waf_op *op, const struct op_ctx *ctx)
{
	(void)ctx;
	op->u.number = number(op->arg);
	return 0;
}

/* <0, 0, >0: the value against the argument. */
static int
number_compare(const struct waf_op *op, struct waf_str arg, struct waf_str v)
{
	int64_t a = op->has_macro ? number(arg) : op->u.number, x = number(v);

	return (x > a) - (x < a);
}

static int
number_verdict(bool yes, struct waf_str v, struct waf_op_result *r)
{
	if (yes)
		op_matched(r, v, 0, v.n, false);
	return yes;
}

#define NUMERIC(name, test) \
	static int name##_eval(EVAL_ARGS) \
	{ UNUSED_ARGS; return number_verdict(number_compare(op, arg, v) test 0, v, r); } \
	const struct op_class op_class_##name = { .init = number_init, .eval = name##_eval }

NUMERIC(eq, ==);
NUMERIC(ge, >=);
NUMERIC(gt, >);
NUMERIC(le, <=);
NUMERIC(lt, <);
