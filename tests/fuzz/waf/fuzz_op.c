/* SPDX-License-Identifier: MIT */
/*
 * "<operator's name>\n<argument>\n<value>": whatever loads gives the same answer with and without captures and
 * with its argument from a macro (for @rx: JIT against the interpreter), and points into the value; @pm finds
 * what a slow search finds.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/waf/op.h"
#include "lib/diag.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x) do { if (!(x)) abort(); } while (0)
#define ARG_MAX_LEN	256

static struct waf_op_scratch *scratch;

static struct waf_str
next_line(struct waf_str *in)
{
	const char *nl = in->n != 0 ? memchr(in->p, '\n', in->n) : NULL;
	struct waf_str line = { in->p, nl != NULL ? (size_t)(nl - in->p) : in->n };
	size_t used = line.n + (nl != NULL);

	*in = (struct waf_str){ in->p + used, in->n - used };
	return line;
}

static void
check_result(enum waf_op_id id, int rc, bool want, struct waf_str v, const struct waf_op_result *r)
{
	MUST(rc == 0 || rc == 1 || rc == -E2BIG);
	MUST(r->matched.p >= v.p && r->matched.p + r->matched.n <= v.p + v.n);
	MUST(r->n_captures >= 0 && r->n_captures <= (want && rc == 1 ? WAF_CAPTURES : 0));
	for (int i = 0; i < r->n_captures; i++)
		if (r->capture[i].p != NULL && id != WAF_O_detectSQLi)
			MUST(r->capture[i].p >= v.p && r->capture[i].p + r->capture[i].n <= v.p + v.n);
}

static char
fold(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static bool
phrase_ends(struct waf_str ph, struct waf_str v, size_t end)
{
	size_t i;

	if (ph.n > end)
		return false;
	for (i = 0; i < ph.n && fold(v.p[end - ph.n + i]) == ph.p[i]; i++)
		;
	return i == ph.n;
}

/* The first end at which any phrase ends, and the longest that does. */
static void
check_pm(const struct waf_op *op, struct waf_str v, int rc, const struct waf_op_result *r)
{
	const struct waf_str *ph;
	size_t n = waf_op_phrases(op, &ph), longest = 0, end;

	for (end = 1; end <= v.n && longest == 0; end++)
		for (size_t i = 0; i < n; i++)
			if (ph[i].n > longest && phrase_ends(ph[i], v, end))
				longest = ph[i].n;
	MUST(rc == (longest != 0));
	if (rc == 1)
		MUST(r->matched.n == longest && (size_t)(r->matched.p - v.p) + longest == end - 1);
}

static bool
takes_macro(enum waf_op_id id)
{
	return id != WAF_O_pm && id != WAF_O_strmatch && id != WAF_O_geoLookup && id != WAF_O_rbl;
}

static void
check_macro(enum waf_op_id id, struct waf_str arg, struct waf_str v, int rc, const struct waf_op_result *r)
{
	struct waf_op_result r2;
	struct diag *diag = diag_new();
	struct waf_op *op = waf_op_new(id, WAF_STR("%{tx.a}"), true, NULL, diag, "fuzz", 1);
	int rc2;

	MUST(op != NULL && diag != NULL);
	rc2 = waf_op_eval(op, scratch, arg, v, false, &r2);
	check_result(id, rc2, false, v, &r2);
	/* JIT and interpreter count their steps differently. */
	if (rc != -E2BIG && rc2 != -E2BIG)
		MUST(rc == rc2 && r->matched.p == r2.matched.p && r->matched.n == r2.matched.n);
	waf_op_free(&op);
	diag_free(&diag);
}

static void
check_op(enum waf_op_id id, struct waf_str arg, struct waf_str v)
{
	struct diag *diag = diag_new();
	struct waf_op *op = waf_op_new(id, arg, false, NULL, diag, "fuzz", 1);
	struct waf_op_result plain, captures;
	int rc;

	MUST(diag != NULL && (op == NULL) == (diag_errors(diag) != 0));
	if (op != NULL) {
		rc = waf_op_eval(op, scratch, (struct waf_str){ NULL, 0 }, v, false, &plain);
		check_result(id, rc, false, v, &plain);
		MUST(waf_op_eval(op, scratch, (struct waf_str){ NULL, 0 }, v, true, &captures) == rc || id == WAF_O_rxGlobal);
		check_result(id, rc, true, v, &captures);
		MUST(plain.matched.p == captures.matched.p && plain.matched.n == captures.matched.n);
		if (id == WAF_O_pm)
			check_pm(op, v, rc, &plain);
		if (takes_macro(id))
			check_macro(id, arg, v, rc, &plain);
	}
	waf_op_free(&op);
	diag_free(&diag);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct waf_str in = { n != 0 ? (const char *)data : "", n }, name = next_line(&in), arg = next_line(&in);
	enum waf_op_id id = waf_op_find(name.p, name.n);

	if (scratch == NULL) {
		scratch = waf_op_scratch_new();
		MUST(scratch != NULL);
		waf_op_scratch_limits(scratch, 2000, 2000);
	}
	if (id != WAF_O_MAX && id != WAF_O_pmFromFile && id != WAF_O_ipMatchFromFile && arg.n <= ARG_MAX_LEN)
		check_op(id, arg, in);
	return 0;
}
