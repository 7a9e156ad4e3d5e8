/* SPDX-License-Identifier: MIT */
/* Operators that judge the encoding of a value: they match what is not as it should be. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "haproxy-spoa/waf/op_private.h"
#include "lib/utf8.h"

/* A decimal byte at *p; -1 if there is none. */
static int
byte_number(const char **p, const char *end)
{
	int v = 0, digits = 0;

	while (*p < end && (**p == ' ' || **p == '\t'))
		++*p;
	for (; *p < end && **p >= '0' && **p <= '9' && v <= 255; ++*p, digits++)
		v = v * 10 + (**p - '0');
	while (*p < end && (**p == ' ' || **p == '\t'))
		++*p;
	return digits == 0 || v > 255 ? -1 : v;
}

/* "9,10,13,32-126": false if it is not such a list. */
static bool
byte_ranges(struct op_bytes *set, struct waf_str text)
{
	const char *p = text.p, *end = text.p + text.n;
	int lo, hi;

	memset(set, 0, sizeof(*set));
	for (;;) {
		lo = hi = byte_number(&p, end);
		if (lo >= 0 && p < end && *p == '-') {
			p++;
			hi = byte_number(&p, end);
		}
		if (lo < 0 || hi < lo)
			return false;
		for (; lo <= hi; lo++)
			set->w[lo / 64] |= (uint64_t)1 << (lo % 64);
		if (p == end)
			return true;
		if (*p++ != ',')
			return false;
	}
}

static int
bytes_init(struct waf_op *op, const struct op_ctx *ctx)
{
	if (byte_ranges(&op->u.bytes, op->arg))
		return 0;
	op_error(ctx, op, "not a list of bytes and ranges: %s", op->arg.p);
	return -EINVAL;
}

static int
bytes_eval(const struct waf_op *op, struct waf_op_scratch *s, struct waf_str arg, struct waf_str v, bool want,
    struct waf_op_result *r)
{
	struct op_bytes own;
	const struct op_bytes *set = &op->u.bytes;

	(void)s;
	(void)want;
	if (op->has_macro) {
		if (!byte_ranges(&own, arg))
			return 0;
		set = &own;
	}
	for (size_t i = 0; i < v.n; i++) {
		unsigned char c = (unsigned char)v.p[i];

		if (!(set->w[c / 64] >> (c % 64) & 1)) {
			op_matched(r, v, i, i + 1, false);
			return 1;
		}
	}
	return 0;
}

static int
url_eval(const struct waf_op *op, struct waf_op_scratch *s, struct waf_str arg, struct waf_str v, bool want,
    struct waf_op_result *r)
{
	const char *p = v.p, *end = v.p + v.n;

	(void)op; (void)s; (void)arg; (void)want;
	while (p < end && (p = memchr(p, '%', (size_t)(end - p))) != NULL) {
		if (end - p < 3 || !isxdigit((unsigned char)p[1]) || !isxdigit((unsigned char)p[2])) {
			op_matched(r, v, (size_t)(p - v.p), (size_t)((end - p < 3 ? end : p + 3) - v.p), false);
			return 1;
		}
		p += 3;
	}
	return 0;
}

static int
utf8_eval(const struct waf_op *op, struct waf_op_scratch *s, struct waf_str arg, struct waf_str v, bool want,
    struct waf_op_result *r)
{
	uint32_t cp;
	size_t i, k = 0;
	bool bad = false;

	(void)op; (void)s; (void)arg; (void)want;
	if (utf8_valid(v.p, v.n))
		return 0;
	for (i = 0; i < v.n; i += k)
		if ((k = utf8_decode(v.p + i, v.n - i, &cp, &bad)) == 0 || bad)
			break;
	op_matched(r, v, i, k == 0 ? v.n : i + k, false);
	return 1;
}

const struct op_class op_class_bytes = { .init = bytes_init, .eval = bytes_eval },
    op_class_url = { .eval = url_eval }, op_class_utf8 = { .eval = utf8_eval };
