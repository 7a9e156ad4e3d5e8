/* SPDX-License-Identifier: MIT */
/*
 * Numbers that carry a check: a pattern finds candidates, arithmetic confirms.  The pattern is the operator's
 * argument; every match is tried, and the first that holds is reported.
 */
#include "config.h"

#include "haproxy-spoa/waf/op_private.h"

#define DIGITS_MAX	19	/* ISO/IEC 7812 */

/* The digits of a candidate, whatever stands between them.  More than fit: 0. */
static int
digits(struct waf_str t, int d[DIGITS_MAX])
{
	int n = 0;

	for (size_t i = 0; i < t.n; i++) {
		if (t.p[i] < '0' || t.p[i] > '9')
			continue;
		if (n == DIGITS_MAX)
			return 0;
		d[n++] = t.p[i] - '0';
	}
	return n;
}

/* d[i+1] - d[i] is <step> throughout. */
static bool
regular(const int *d, int n, int step)
{
	for (int i = 0; i + 1 < n; i++)
		if (d[i + 1] - d[i] != step)
			return false;
	return true;
}

/* Luhn, US patent 2950048. */
static bool
cc_holds(const int *d, int n)
{
	int sum = 0, x;

	for (int i = 0; i < n; i++) {
		x = d[n - 1 - i] << (i & 1);
		sum += x > 9 ? x - 9 : x;
	}
	return n > 0 && sum % 10 == 0;
}

/* Area, group and serial are never 0; areas 666 and 9xx are never given out (SSA, "SSN randomization", 2011). */
static bool
ssn_holds(const int *d, int n)
{
	int area;

	if (n != 9 || regular(d, n, 0) || regular(d, n, 1))
		return false;
	area = d[0] * 100 + d[1] * 10 + d[2];
	return area != 0 && area != 666 && area < 900 && (d[3] | d[4]) != 0 && (d[5] | d[6] | d[7] | d[8]) != 0;
}

static int
cpf_check_digit(const int *d, int n)
{
	int sum = 0;

	for (int i = 0; i < n; i++)
		sum += d[i] * (n + 1 - i);
	sum = sum * 10 % 11;
	return sum == 10 ? 0 : sum;
}

/* Cadastro de Pessoas Fisicas: nine digits, two modulo 11 over those before them. */
static bool
cpf_holds(const int *d, int n)
{
	return n == 11 && !regular(d, n, 0) && cpf_check_digit(d, 9) == d[9] && cpf_check_digit(d, 10) == d[10];
}

static int
verify_with(const struct waf_rx *rx, bool (*holds)(const int *, int), struct waf_op_scratch *s, struct waf_str v,
    bool want, struct waf_op_result *r)
{
	int d[DIGITS_MAX], n, rc;
	const size_t *ov;
	size_t at = 0;

	while (at <= v.n && (rc = op_rx_exec(rx, s, v, at, &ov, &n)) != 0) {
		if (rc < 0)
			return rc;
		if (ov[0] <= ov[1] && holds(d, digits((struct waf_str){ v.p + ov[0], ov[1] - ov[0] }, d))) {
			op_matched(r, v, ov[0], ov[1], want);
			return 1;
		}
		/* One on, not behind the match: candidates may overlap. */
		at = (ov[0] > at ? ov[0] : at) + 1;
	}
	return 0;
}

static int
verify(const struct waf_op *op, bool (*holds)(const int *, int), struct waf_op_scratch *s, struct waf_str arg,
    struct waf_str v, bool want, struct waf_op_result *r)
{
	struct waf_rx *rx;
	int rc;

	if (!op->has_macro)
		return verify_with(op->u.rx, holds, s, v, want, r);
	rx = op_rx_once(arg);
	rc = rx != NULL ? verify_with(rx, holds, s, v, want, r) : 0;
	waf_rx_free(&rx);
	return rc;
}

#define VERIFY(name) \
	static int name##_eval(const struct waf_op *op, struct waf_op_scratch *s, struct waf_str arg, \
	    struct waf_str v, bool want, struct waf_op_result *r) \
	{ return verify(op, name##_holds, s, arg, v, want, r); } \
	const struct op_class op_class_##name = { .init = op_rx_init, .eval = name##_eval, .free = op_rx_drop }

VERIFY(cc);
VERIFY(cpf);
VERIFY(ssn);
