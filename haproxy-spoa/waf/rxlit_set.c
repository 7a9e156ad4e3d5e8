/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/waf/rxlit_set.h"
#include "lib/arena.h"

const struct lits lits_empty_string = { &(const struct waf_str){ "", 0 }, 1 };

static int
by_bytes(const void *a, const void *b)
{
	const struct waf_str *x = a, *y = b;
	int d = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

	return d != 0 ? d : (x->n > y->n) - (x->n < y->n);
}

static int
by_last_bytes(const void *a, const void *b)
{
	const struct waf_str *x = a, *y = b;
	size_t n = x->n < y->n ? x->n : y->n;

	for (size_t i = 1; i <= n; i++) {
		unsigned char c = (unsigned char)x->p[x->n - i], d = (unsigned char)y->p[y->n - i];

		if (c != d)
			return c < d ? -1 : 1;
	}
	return (x->n > y->n) - (x->n < y->n);
}

static void
sort(struct waf_str *v, size_t n, int (*order)(const void *, const void *))
{
	for (size_t i = 1; i < n; i++)
		if (order(&v[i - 1], &v[i]) > 0) {	/* most come sorted */
			qsort(v, n, sizeof(*v), order);
			return;
		}
}

static size_t
sort_unique(struct waf_str *v, size_t n)
{
	size_t k = 0;

	sort(v, n, by_bytes);
	for (size_t i = 0; i < n; i++)
		if (k == 0 || by_bytes(&v[k - 1], &v[i]) != 0)
			v[k++] = v[i];
	return k;
}

static struct waf_str *
copy(struct lits s, struct arena *a)
{
	struct waf_str *v = arena_alloc(a, (s.n + 1) * sizeof(*v));

	if (v != NULL && s.n > 0)
		memcpy(v, s.v, s.n * sizeof(*v));
	return v;
}

bool
lits_cross(struct lits *out, struct lits x, struct lits y, size_t max, struct arena *a)
{
	struct waf_str *v;
	size_t k = 0, len = 0;
	char *s;

	if (x.n == 0 || y.n == 0 || x.n > max / y.n)
		return false;
	v = arena_alloc(a, x.n * y.n * sizeof(*v));
	for (size_t i = 0; i < x.n; i++)
		len += x.v[i].n * y.n;
	for (size_t j = 0; j < y.n; j++)
		len += y.v[j].n * x.n;
	s = arena_alloc(a, len);
	if (v == NULL || s == NULL)
		return false;
	for (size_t i = 0; i < x.n; i++)
		for (size_t j = 0; j < y.n; j++) {
			memcpy(s, x.v[i].p, x.v[i].n);
			memcpy(s + x.v[i].n, y.v[j].p, y.v[j].n);
			v[k] = (struct waf_str){ s, x.v[i].n + y.v[j].n };
			s += v[k++].n;
		}
	*out = (struct lits){ v, sort_unique(v, k) };
	return true;
}

bool
lits_union(struct lits *out, const struct lits *sets, size_t n, size_t max, struct arena *a)
{
	struct waf_str *v;
	size_t all = 0, k = 0;

	for (size_t i = 0; i < n; i++)
		all += sets[i].n;
	if (all > 4 * max)
		return false;
	v = arena_alloc(a, all * sizeof(*v));
	if (v == NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < sets[i].n; j++)
			v[k++] = sets[i].v[j];
	k = sort_unique(v, k);
	if (k > max)
		return false;
	*out = (struct lits){ v, k };
	return true;
}

bool
lits_cut(struct lits *out, struct lits s, size_t len, enum lits_end keep, struct arena *a)
{
	struct waf_str *v = copy(s, a);

	if (v == NULL)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (v[i].n > len) {
			v[i].p += keep == LITS_END ? v[i].n - len : 0;
			v[i].n = len;
		}
	*out = (struct lits){ v, sort_unique(v, s.n) };
	return true;
}

static bool
begins(const struct waf_str *s, const struct waf_str *with, enum lits_end e)
{
	return s->n >= with->n && memcmp(e == LITS_START ? s->p : s->p + (s->n - with->n), with->p, with->n) == 0;
}

/* In order, whatever begins with a string stands behind it without a gap. */
bool
lits_shortest(struct lits *out, struct lits s, enum lits_end e, struct arena *a)
{
	struct waf_str *v = copy(s, a);
	size_t k = 0;

	if (v == NULL)
		return false;
	sort(v, s.n, e == LITS_START ? by_bytes : by_last_bytes);
	for (size_t i = 0; i < s.n; i++)
		if (k == 0 || !begins(&v[i], &v[k - 1], e))
			v[k++] = v[i];
	*out = (struct lits){ v, k };
	return true;
}

static int
by_length(const void *a, const void *b)
{
	const struct waf_str *x = a, *y = b;

	return x->n != y->n ? (x->n > y->n) - (x->n < y->n) : by_bytes(a, b);
}

bool
lits_innermost(struct lits *out, struct lits s, struct arena *a)
{
	struct waf_str *v = copy(s, a);
	size_t k = 0, i, j;

	if (v == NULL)
		return false;
	sort(v, s.n, by_length);
	for (i = 0; i < s.n; i++) {
		for (j = 0; j < k && memmem(v[i].p, v[i].n, v[j].p, v[j].n) == NULL; j++)
			;
		if (j == k)
			v[k++] = v[i];
	}
	*out = (struct lits){ v, k };
	return true;
}

size_t
lits_min_len(struct lits s)
{
	size_t n = s.n > 0 ? SIZE_MAX : 0;

	for (size_t i = 0; i < s.n; i++)
		n = s.v[i].n < n ? s.v[i].n : n;
	return n;
}

size_t
lits_max_len(struct lits s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n = s.v[i].n > n ? s.v[i].n : n;
	return n;
}

/* Rough, of headers, JSON, prose and code; only comparisons are made with it. */
double
lits_byte_frequency(unsigned char c)
{
	static const char rank[] = /* of 0x20 to 0x7e */
	    "50200020000022222222222222220200"
	    "04333433341133443144431313100002"
	    "0433343334113344314443131310000";
	static const double frequency[] = { 0.004, 0.006, 0.015, 0.025, 0.06, 0.12 };

	if (c >= 0x20 && c <= 0x7e)
		return frequency[rank[c - 0x20] - '0'];
	return c == '\n' ? 0.015 : 0.002;
}

double
lits_frequency(struct lits s)
{
	double sum = 0;

	for (size_t i = 0; i < s.n; i++) {
		double f = 1;

		for (size_t k = 0; k < s.v[i].n; k++)
			f *= lits_byte_frequency((unsigned char)s.v[i].p[k]);
		sum += f;
	}
	return sum;
}
