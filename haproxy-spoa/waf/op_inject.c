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

/* Both answer 0 for harmless; newer versions have -1 for a failure inside, which is no reason to let it pass. */
static int
sqli_eval(const struct waf_op *op, struct waf_op_scratch *s, struct waf_str arg, struct waf_str v, bool want,
    struct waf_op_result *r)
{
	char *f = op_scratch_fingerprint(s);

	(void)op;
	(void)arg;
	if (libinjection_sqli(v.p, v.n, f) == 0)
		return 0;
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
