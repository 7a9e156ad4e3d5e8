/* SPDX-License-Identifier: MIT */
/* @detectSQLi and @detectXSS are libinjection's.  Its header is not shipped: the two functions are declared here. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "haproxy-spoa/waf/op_private.h"

#ifdef HAVE_LIBINJECTION
int	libinjection_sqli(const char *, size_t, char fingerprint[8]);
int	libinjection_xss(const char *, size_t);

bool
waf_op_have_libinjection(void)
{
	return true;
}

/*
 * Names of JSON fields (json.messages.array_3.content) come with every request, and one costs libinjection a
 * microsecond.  So "nothing found" is remembered for texts like names; anything that could be more is asked anew.
 * The place where <v> is or would be; NULL: not such a text.
 */
static struct op_memo *
memo_of(struct waf_op_scratch *s, struct waf_str v)
{
	uint32_t h = 2166136261U;	/* FNV-1a */

	if (v.n == 0 || v.n > sizeof(((struct op_memo *)NULL)->text))
		return NULL;
	for (size_t i = 0; i < v.n; i++) {
		unsigned char c = (unsigned char)v.p[i];

		if (!((c | 32) >= 'a' && (c | 32) <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
			return NULL;
		h = (h ^ c) * 16777619U;
	}
	return &op_scratch_memo(s)[(h ^ h >> 16) % OP_MEMO_TEXTS];
}

/* Both answer 0 for harmless; newer versions have -1 for a failure inside, which is no reason to let it pass. */
static int
sqli_eval(const struct waf_op *op, struct waf_op_scratch *s, struct waf_str arg, struct waf_str v, bool want,
    struct waf_op_result *r)
{
	char *f = op_scratch_fingerprint(s);
	struct op_memo *memo = memo_of(s, v);

	(void)op;
	(void)arg;
	if (memo != NULL && memo->n == v.n && memcmp(memo->text, v.p, v.n) == 0)
		return 0;
	if (libinjection_sqli(v.p, v.n, f) == 0) {
		if (memo != NULL) {
			memo->n = (unsigned char)v.n;
			memcpy(memo->text, v.p, v.n);
		}
		return 0;
	}
	op_matched(r, v, 0, v.n, false);
	if (want) {
		r->capture[0] = (struct waf_str){ f, strnlen(f, 8) };
		r->n_captures = 1;
	}
	return 1;
}

static int
xss_eval(const struct waf_op *op, struct waf_op_scratch *s, struct waf_str arg, struct waf_str v, bool want,
    struct waf_op_result *r)
{
	(void)op;
	(void)s;
	(void)arg;
	if (libinjection_xss(v.p, v.n) == 0)
		return 0;
	op_matched(r, v, 0, v.n, want);
	return 1;
}

const struct op_class op_class_sqli = { .eval = sqli_eval }, op_class_xss = { .eval = xss_eval };
#else
bool
waf_op_have_libinjection(void)
{
	return false;
}

const struct op_class op_class_sqli = { .why = "needs libinjection, which this build did not find" },
    op_class_xss = { .why = "needs libinjection, which this build did not find" };
#endif
