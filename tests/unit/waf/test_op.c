/* SPDX-License-Identifier: MIT */
/* Operators by their vectors, one table; what they refuse to load, another. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "haproxy-spoa/waf/op.h"
#include "lib/diag.h"
#include "tests/unit/lib/temp.h"

static struct waf_op_scratch *scratch;
static struct diag *diag;
static char dir[TEMP_PATH];

struct vector {
	enum waf_op_id	 op;
	struct waf_str	 arg, value;
	int		 rc;
	const char	*matched;	/* NULL: not looked at */
	const char	*capture;	/* capture 0; NULL: none */
};
#define S(s)			{ s, sizeof(s) - 1 }
#define YES(op, arg, value)	{ WAF_O_##op, S(arg), S(value), 1, NULL, NULL }
#define PART(op, arg, value, m)	{ WAF_O_##op, S(arg), S(value), 1, m, NULL }
#define CAPT(op, arg, value, m, c) { WAF_O_##op, S(arg), S(value), 1, m, c }
#define NO(op, arg, value)	{ WAF_O_##op, S(arg), S(value), 0, "", NULL }

static const struct vector vectors[] = {
	PART(beginsWith, "abc", "abcd", "abc"), YES(beginsWith, "", "x"), YES(beginsWith, "", ""),
	NO(beginsWith, "abc", "ab"),
	NO(beginsWith, "abc", "xabc"), NO(beginsWith, "abc", "ABC"), NO(beginsWith, "a", ""),
	YES(beginsWith, "a\0b", "a\0bc"),
	PART(endsWith, ".pdf", "x.pdf", ".pdf"), YES(endsWith, "", "x"), NO(endsWith, ".pdf", "pdf"),
	NO(endsWith, ".pdf", "x.pdf "),
	YES(endsWith, "\xff", "a\xff"),
	PART(contains, "b", "abc", "b"), YES(contains, "", ""), YES(contains, "abc", "abc"),
	NO(contains, "abc", "ab"), NO(contains, "B", "abc"),
	PART(contains, "\0x", "a\0\0x", NULL), NO(contains, "a", ""),
	PART(containsWord, "select", "a select b", "select"), YES(containsWord, "select", "select"),
	NO(containsWord, "select", "selected"),
	NO(containsWord, "select", "_select"), YES(containsWord, "select", "xselect,select"),
	YES(containsWord, "", "x"),
	YES(containsWord, "a b", "-a b-"), NO(containsWord, "select", "1select2"),
	YES(containsWord, "x", "\xffx\xff"),
	YES(streq, "abc", "abc"), NO(streq, "abc", "abcd"), NO(streq, "abc", "ABC"), YES(streq, "", ""),
	NO(streq, "", "a"), NO(streq, "a\0b", "a\0c"),
	PART(strmatch, "b|0d 0a|c", "ab\r\ncd", "b\r\nc"), YES(strmatch, "a\\:b", "xa:b"),
	NO(strmatch, "abc", "ABC"), YES(strmatch, "a|b", "xa|bx"),
	YES(strmatch, "|00|", "a\0"), YES(strmatch, "|zz|", "|zz|"), YES(strmatch, "|4|", "|4|"),
	YES(strmatch, "a b", "xa bx"),
	YES(within, "GET POST HEAD", "GET"), YES(within, "GET POST HEAD", ""), NO(within, "GET POST", "PUT"),
	NO(within, "GET POST", "get"),
	PART(within, "GET POST", "T P", "T P"), NO(within, "GE", "GET"), YES(within, "", ""),
	NO(within, "", "x"),

	YES(eq, "15", "15"), YES(eq, "15", " 15abc"), YES(eq, "0", "abc"), YES(eq, "0", ""),
	NO(eq, "15", "16"), YES(eq, "-5", "-5"),
	YES(eq, "x", "y"), YES(eq, "5", "+5"), NO(eq, "5", "- 5"), YES(eq, "5", "\t\n5"), YES(eq, "5", "0005"),
	YES(ge, "15", "15"), YES(ge, "15", "16"), NO(ge, "15", "14"), NO(ge, "1", "x"), YES(gt, "15", "16"),
	NO(gt, "15", "15"),
	NO(gt, "0", "-1"), YES(gt, "1", "99999999999999999999"), YES(lt, "1", "-99999999999999999999"),
	YES(le, "15", "15"),
	NO(le, "15", "16"), YES(le, "15", ""), YES(lt, "15", "14"), NO(lt, "15", "15"), YES(lt, "-1", "-2"),
	NO(eq, "9223372036854775806", "9223372036854775805"),
	YES(gt, "9223372036854775797", "9223372036854775807"),

	CAPT(pm, "foo bar", "xxBARfoo", "BAR", "BAR"), CAPT(pm, "abcd bc", "abcd", "bc", "bc"),
	CAPT(pm, "bc abc", "abc", "abc", "abc"),
	NO(pm, "foo", "fo o"), NO(pm, "foo", ""), CAPT(pm, "FOO", "a foo", "foo", "foo"),
	CAPT(pm, "a|20 62|c", "A bc", "A bc", "A bc"),
	CAPT(pm, "x\\\\y \\q", "X\\Y", "X\\Y", "X\\Y"), CAPT(pm, "\\q", "\\Q", "\\Q", "\\Q"),
	YES(pm, " \t a  ", "a"), YES(pm, "|00|", "x\0"),
	CAPT(pm, "\xe4", "\xe4", "\xe4", "\xe4"), NO(pm, "\xe4", "\xc4"), CAPT(pm, "=", "a=b", "=", "="),
	YES(pm, "<![cdata[ -->", "<![CDATA["),
	CAPT(pmFromFile, "phrases", "run /ETC/passwd", "/ETC/passwd", "/ETC/passwd"),
	CAPT(pmFromFile, "phrases", "two  words", NULL, NULL),
	NO(pmFromFile, "phrases", "# comment"), NO(pmFromFile, "phrases", "two"),
	NO(pmFromFile, "phrases", "|"),
	CAPT(pmFromFile, "phrases", "last", "last", "last"), CAPT(pmFromFile, "phrases", "A|b", "A|b", "A|b"),

	YES(ipMatch, "127.0.0.1,::1", "127.0.0.1"), YES(ipMatch, "127.0.0.1,::1", "::1"),
	NO(ipMatch, "127.0.0.1,::1", "127.0.0.2"),
	YES(ipMatch, "10.0.0.0/8", "10.255.255.255"), NO(ipMatch, "10.0.0.0/8", "11.0.0.0"),
	YES(ipMatch, "10.1.2.3/8", "10.9.9.9"),
	YES(ipMatch, "192.168.1.128/25", "192.168.1.128"), NO(ipMatch, "192.168.1.128/25", "192.168.1.127"),
	YES(ipMatch, "0.0.0.0/0", "1.2.3.4"),
	NO(ipMatch, "0.0.0.0/0", "::1"), NO(ipMatch, "::/0", "1.2.3.4"), YES(ipMatch, "::/0", "fe80::1"),
	YES(ipMatch, "2001:db8::/33", "2001:db8:7fff::1"),
	NO(ipMatch, "2001:db8::/33", "2001:db8:8000::1"), YES(ipMatch, "1.2.3.4", "::ffff:1.2.3.4"),
	YES(ipMatch, "::ffff:1.2.3.0/120", "1.2.3.9"),
	NO(ipMatch, "::ffff:1.2.3.0/120", "1.2.4.9"), NO(ipMatch, "1.2.3.4", "x"), NO(ipMatch, "1.2.3.4", ""),
	NO(ipMatch, "1.2.3.4", "1.2.3.4 "),
	NO(ipMatch, "1.2.3.4", "1.2.3.4\0"), NO(ipMatch, "1.2.3.4", "1.2.3"),
	YES(ipMatch, " 1.1.1.1 , 10.0.0.0/8,10.1.0.0/16, 2.2.2.2/32", "10.200.0.1"),
	YES(ipMatch, "1.1.1.1,10.0.0.0/8,10.1.0.0/16,2.2.2.2/32", "2.2.2.2"),
	YES(ipMatch, "1.1.1.1/31", "1.1.1.0"),
	YES(ipMatchFromFile, "addresses", "10.0.0.7"), YES(ipMatchFromFile, "addresses", "2001:db8::1"),
	NO(ipMatchFromFile, "addresses", "9.9.9.9"),

	NO(validateByteRange, "32-126", "abc"), PART(validateByteRange, "32-126", "ab\tc", "\t"),
	NO(validateByteRange, "1-255", ""),
	PART(validateByteRange, "1-255", "\0", NULL), NO(validateByteRange, "0-255", "\0\xff"),
	NO(validateByteRange, "9,10,13, 32 - 126 ,255", "\t\xff"),
	YES(validateByteRange, "9,10,13,32-126,128-255", "\x7f"), NO(validateByteRange, "97", "aaa"),
	YES(validateByteRange, "97", "aab"),

	NO(validateUrlEncoding, "", "a%20b+"), PART(validateUrlEncoding, "", "a%2", "%2"),
	PART(validateUrlEncoding, "", "%", "%"),
	PART(validateUrlEncoding, "", "%41%zz%", "%zz"), NO(validateUrlEncoding, "", ""),
	YES(validateUrlEncoding, "", "%%41"), NO(validateUrlEncoding, "", "%fF"),
	YES(validateUrlEncoding, "", "%u0041"),

	NO(validateUtf8Encoding, "", "abc"), NO(validateUtf8Encoding, "", ""),
	NO(validateUtf8Encoding, "", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
	PART(validateUtf8Encoding, "", "a\xc0\xaf", NULL), YES(validateUtf8Encoding, "", "\xed\xa0\x80"),
	PART(validateUtf8Encoding, "", "ab\xe2\x82", "\xe2\x82"),
	YES(validateUtf8Encoding, "", "\xf5\x80\x80\x80"), YES(validateUtf8Encoding, "", "\x80"),
	YES(validateUtf8Encoding, "", "\xf4\x90\x80\x80"),
	PART(validateUtf8Encoding, "", "a\xff" "b", "\xff"), YES(validateUtf8Encoding, "", "\xe0\x80\x80"),

	CAPT(verifyCC, "\\d{13,16}", "n=5555555555554444;", "5555555555554444", "5555555555554444"),
	NO(verifyCC, "\\b\\d{13,16}\\b", "5555555555554445"), NO(verifyCC, "\\d{13,16}", "no"),
	YES(verifyCC, "(?:\\d[ -]?){16}", "4111-1111 1111-1111"),
	CAPT(verifyCC, "\\d{16}", "94111111111111111", "4111111111111111", "4111111111111111"),
	NO(verifyCC, "x*", "yyy"), NO(verifyCC, "^.*$", "00000000000000000000000"),
	YES(verifySSN, "\\d{3}-?\\d{2}-?\\d{4}", "ssn 078-05-1120"),
	NO(verifySSN, "\\d{3}-?\\d{2}-?\\d{4}", "666-05-1120"),
	NO(verifySSN, "\\d{3}-?\\d{2}-?\\d{4}", "000-05-1120"),
	NO(verifySSN, "\\d{3}-?\\d{2}-?\\d{4}", "078-00-1120"),
	NO(verifySSN, "\\d{3}-?\\d{2}-?\\d{4}", "078-05-0000"),
	NO(verifySSN, "\\d{3}-?\\d{2}-?\\d{4}", "900-05-1120"),
	NO(verifySSN, "\\d{9}", "111111111"), NO(verifySSN, "\\d{9}", "123456789"),
	NO(verifySSN, "\\d+", "12345"),
	YES(verifyCPF, "\\d{3}\\.?\\d{3}\\.?\\d{3}-?\\d{2}", "529.982.247-25"),
	NO(verifyCPF, "[\\d.-]+", "529.982.247-26"),
	NO(verifyCPF, "[\\d.-]+", "111.111.111-11"), YES(verifyCPF, "\\d{11}", "x11144477735"),
	NO(verifyCPF, "\\d{11}", "5299822472"),

	YES(unconditionalMatch, "", ""), YES(unconditionalMatch, "x", "y"), NO(noMatch, "", ""),
	NO(noMatch, "", "x"),
	NO(geoLookup, "", "1.2.3.4"), NO(rbl, "dnsbl.example", "1.2.3.4"),

	CAPT(rx, "a.c", "xa\nc", "a\nc", "a\nc"), NO(rx, "a.c", "ABC"), NO(rx, "a$", "a\n"),
	YES(rx, "^$", ""), NO(rx, "^b", "a\nb"),
	CAPT(rx, "(?i)UNION", "union", "union", "union"), YES(rx, "", ""),
	CAPT(rx, "\\x00", "a\0b", NULL, NULL), YES(rx, "\xff", "\xff"), YES(rx, "[^\\x00-\\x7f]", "\xc3"),
	CAPT(rx, "b(?=c)", "abc", "b", "b"), CAPT(rx, "(?<!a)b", "abb", "b", "b"), YES(rx, "(a)\\1", "aa"),
	YES(rx, "a++b", "aaab"), NO(rx, "\\x{e9}", "\xc3"),
	YES(rx, "\\x{e9}", "\xe9"),
#ifdef HAVE_LIBINJECTION
	CAPT(detectSQLi, "", "1' or '1'='1", NULL, "s&sos"), NO(detectSQLi, "", "hello"),
	NO(detectSQLi, "", ""), YES(detectSQLi, "", "-1 union select 1,2 -- "),
	CAPT(detectXSS, "", "<script>alert(1)</script>", NULL, "<script>alert(1)</script>"),
	NO(detectXSS, "", "hello"), NO(detectXSS, "", ""),
#endif
};

static bool
same(const char *expect, struct waf_str v)
{
	return v.n == strlen(expect) && memcmp(v.p, expect, v.n) == 0;
}

/* Value and argument in heap blocks of exactly their size: nothing is read behind either. */
static struct waf_str
exact(struct waf_str v)
{
	char *p = malloc(v.n != 0 ? v.n : 1);

	assert_non_null(p);
	memcpy(p, v.p, v.n);
	return (struct waf_str){ p, v.n };
}

static void
check_result(const struct vector *v, int rc, const struct waf_op_result *r, struct waf_str value, const char *how)
{
	if (rc != v->rc)
		fail_msg("@%s, vector %td, %s: %d", waf_op_name(v->op), v - vectors, how, rc);
	assert_true(r->matched.p >= value.p && r->matched.p + r->matched.n <= value.p + value.n);
	if (v->matched != NULL && !same(v->matched, r->matched))
		fail_msg("@%s, vector %td, %s: matched %.*s", waf_op_name(v->op), v - vectors, how, (int)r->matched.n, r->matched.p);
}

static void
check_macro(const struct vector *v, struct waf_str value)
{
	struct waf_op *op;
	struct waf_op_result r;
	struct waf_str arg = exact(v->arg);

	op = waf_op_new(v->op, WAF_STR("%{tx.arg}"), true, dir, diag, "t.conf", 1);
	assert_non_null(op);
	check_result(v, waf_op_eval(op, scratch, arg, value, true, &r), &r, value, "macro");
	waf_op_free(&op);
	free((char *)arg.p);
}

static bool
takes_macro(enum waf_op_id id)
{
	return id != WAF_O_pm && id != WAF_O_pmFromFile && id != WAF_O_ipMatchFromFile && id != WAF_O_strmatch;
}

static void
check(const struct vector *v)
{
	struct waf_op *op = waf_op_new(v->op, v->arg, false, dir, diag, "t.conf", 1);
	struct waf_str value = exact(v->value);
	struct waf_op_result r;
	int rc;

	if (op == NULL)
		fail_msg("@%s, vector %td: %s", waf_op_name(v->op), v - vectors, diag_first(diag));
	assert_int_equal(waf_op_which(op), v->op);
	rc = waf_op_eval(op, scratch, (struct waf_str){ NULL, 0 }, value, false, &r);
	check_result(v, rc, &r, value, "plain");
	assert_int_equal(r.n_captures, 0);
	rc = waf_op_eval(op, scratch, (struct waf_str){ NULL, 0 }, value, true, &r);
	check_result(v, rc, &r, value, "captures");
	if (v->capture != NULL && (r.n_captures < 1 || !same(v->capture, r.capture[0])))
		fail_msg("@%s, vector %td: capture", waf_op_name(v->op), v - vectors);
	if (takes_macro(v->op))
		check_macro(v, value);
	waf_op_free(&op);
	assert_null(op);
	free((char *)value.p);
}

static const char phrases[] = "# comment\n\n  /etc/passwd \r\ntwo  words\na|b\n\t\n# last\nlast";
static const char addresses[] = "# mine\n10.0.0.0/24 # office\n2001:db8::/32, 10.9.9.9\r\n\n";

static void
test_vectors(void **state)
{
	int seen[WAF_O_MAX] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		check(&vectors[i]);
		seen[vectors[i].op]++;
	}
	for (int i = 0; i < WAF_O_MAX; i++)
		if (seen[i] == 0 && i != WAF_O_fuzzyHash && i != WAF_O_inspectFile && i != WAF_O_rsub && i != WAF_O_rxGlobal &&
		    i != WAF_O_validateDTD && i != WAF_O_validateSchema &&
		    (waf_op_have_libinjection() || (i != WAF_O_detectSQLi && i != WAF_O_detectXSS)))
			fail_msg("@%s: no vectors", waf_op_name((enum waf_op_id)i));
	assert_int_equal(diag_errors(diag), 0);
}

/* @detectSQLi remembers texts like names: more of them than it has room for, each asked twice, as a fresh one says. */
static void
test_memo(void **state)
{
	struct waf_op *op = waf_op_new(WAF_O_detectSQLi, (struct waf_str){ NULL, 0 }, false, NULL, diag, "t", 1);
	struct waf_op_scratch *fresh;
	struct waf_op_result r;
	char text[100];
	int found = 0, rc;

	(void)state;
	if (op == NULL)
		skip();
	for (int i = 0; i < 4000; i++) {
		int n = snprintf(text, sizeof(text), i % 7 == 0 ? "1HAVING.%d" : i % 3 ? "json.m.array_%d.x" : "%d-%d.%d.name_of_a_field", i,
		    i, i);
		struct waf_str v = { text, (size_t)n };

		rc = waf_op_eval(op, scratch, (struct waf_str){ NULL, 0 }, v, true, &r);
		assert_int_equal(rc, waf_op_eval(op, scratch, (struct waf_str){ NULL, 0 }, v, true, &r));
		fresh = waf_op_scratch_new();
		if (rc != waf_op_eval(op, fresh, (struct waf_str){ NULL, 0 }, v, false, &r))
			fail_msg("%s: %d", text, rc);
		found += rc;
		waf_op_scratch_free(&fresh);
	}
	assert_in_range(found, 100, 3000);
	memset(text, 'a', sizeof(text));	/* too long to be remembered */
	assert_int_equal(waf_op_eval(op, scratch, (struct waf_str){ NULL, 0 }, (struct waf_str){ text, 64 }, true, &r), 0);
	assert_int_equal(waf_op_eval(op, scratch, (struct waf_str){ NULL, 0 }, (struct waf_str){ text, 63 }, true, &r), 0);
	waf_op_free(&op);
}

static void
test_refused(void **state)
{
	static const struct { enum waf_op_id op; const char *arg, *text; } t[] = {
		{ WAF_O_rx, "a(b", "t.conf:7: error: pattern, at offset 3: missing closing parenthesis" },
		{ WAF_O_rx, "(*UTF)a", "disabled" }, { WAF_O_rx, "[", "missing terminating ]" },
		{ WAF_O_rxGlobal, "*", "t.conf:7" },
		{ WAF_O_verifyCC, "(", "t.conf:7" }, { WAF_O_pm, "", "@pm: no phrases" },
		{ WAF_O_pm, "  ", "no phrases" },
		{ WAF_O_pmFromFile, "none.data", "none.data: No such file" },
		{ WAF_O_pmFromFile, "empty", "no phrases" },
		{ WAF_O_ipMatch, "1.2.3.4/33", "not an address or network: 1.2.3.4/33" },
		{ WAF_O_ipMatch, "::/129", "not an" },
		{ WAF_O_ipMatch, "1.2.3", "not an" }, { WAF_O_ipMatch, "1.2.3.4/", "not an" },
		{ WAF_O_ipMatch, "1.2.3.4/x", "not an" },
		{ WAF_O_ipMatch, "", "no addresses" }, { WAF_O_ipMatch, "::ffff:1.2.3.4/90", "not an" },
		{ WAF_O_ipMatchFromFile, "none", "none: No such file" },
		{ WAF_O_ipMatchFromFile, "phrases", "not an address" },
		{ WAF_O_validateByteRange, "", "not a list" },
		{ WAF_O_validateByteRange, "1-256", "not a list" },
		{ WAF_O_validateByteRange, "5-1", "not a list" },
		{ WAF_O_validateByteRange, "1,,2", "not a list" },
		{ WAF_O_validateByteRange, "a", "not a list" },
		{ WAF_O_validateByteRange, "1 2", "not a list" },
		{ WAF_O_strmatch, "", "nothing to look for" }, { WAF_O_fuzzyHash, "x 1", "not supported" },
		{ WAF_O_inspectFile, "/bin/x", "not supported" },
		{ WAF_O_rsub, "s/a/b/", "not supported" }, { WAF_O_validateDTD, "x", "not supported" },
		{ WAF_O_validateSchema, "x", "not supported" },
	};
	struct diag *d;
	struct waf_op *op;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		d = diag_new();
		op = waf_op_new(t[i].op, (struct waf_str){ t[i].arg, strlen(t[i].arg) }, false, dir, d, "t.conf", 7);
		if (op != NULL || diag_errors(d) != 1 || strstr(diag_first(d), t[i].text) == NULL)
			fail_msg("@%s %s: \"%s\"", waf_op_name(t[i].op), t[i].arg, diag_first(d));
		diag_free(&d);
	}
}

static int
warnings(enum waf_op_id id, const char *arg, bool macro)
{
	struct diag *d = diag_new();
	struct waf_op *op = waf_op_new(id, (struct waf_str){ arg, strlen(arg) }, macro, dir, d, "t.conf", 7);
	int n = diag_warnings(d);

	assert_non_null(op);
	waf_op_free(&op);
	diag_free(&d);
	return n;
}

static void
test_warned(void **state)
{
	(void)state;
	assert_int_equal(warnings(WAF_O_rbl, "x", false), 1);
	assert_int_equal(warnings(WAF_O_geoLookup, "", false), 1);
	assert_int_equal(warnings(WAF_O_rx, "%{tx.a}", true), 1);
	assert_int_equal(warnings(WAF_O_pm, "%{tx.a}", true), 1);
	assert_int_equal(warnings(WAF_O_rx, "a", false), 0);
	assert_int_equal(warnings(WAF_O_eq, "%{tx.a}", true), 0);
}

static void
test_names(void **state)
{
	static const struct { const char *name; enum waf_op_id id; } t[] = {
		{ "RX", WAF_O_rx }, { "pmf", WAF_O_pmFromFile }, { "pmfromfile", WAF_O_pmFromFile },
		{ "ipmatchf", WAF_O_ipMatchFromFile },
		{ "detectsqli", WAF_O_detectSQLi }, { "", WAF_O_MAX }, { "r", WAF_O_MAX }, { "rxx", WAF_O_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(waf_op_find(t[i].name, strlen(t[i].name)), t[i].id);
	for (int i = 0; i < WAF_O_MAX; i++)
		assert_int_equal(waf_op_find(waf_op_name((enum waf_op_id)i), strlen(waf_op_name((enum waf_op_id)i))), i);
}

/* What the plan asks for. */
static void
test_plan(void **state)
{
	const struct waf_str *ph;
	struct waf_op *op;

	(void)state;
	op = waf_op_new(WAF_O_pm, WAF_STR("Foo b|41|R"), false, dir, diag, "t.conf", 1);
	assert_int_equal(waf_op_phrases(op, &ph), 2);
	assert_true(same("foo", ph[0]) && same("bar", ph[1]));
	assert_null(waf_op_pattern(op).p);
	waf_op_free(&op);
	op = waf_op_new(WAF_O_rx, WAF_STR("a+"), false, dir, diag, "t.conf", 1);
	assert_int_equal(waf_op_phrases(op, &ph), 0);
	assert_true(same("a+", waf_op_pattern(op)));
	waf_op_free(&op);
	op = waf_op_new(WAF_O_rx, WAF_STR("%{tx.a}"), true, dir, diag, "t.conf", 1);
	assert_null(waf_op_pattern(op).p);
	waf_op_free(&op);
	waf_op_free(&op);
}

static int
setup(void **state)
{
	(void)state;
	temp_new(dir);
	temp_write(dir, "phrases", phrases, sizeof(phrases) - 1);
	temp_write(dir, "addresses", addresses, sizeof(addresses) - 1);
	temp_write(dir, "empty", "# nothing\n", 10);
	diag = diag_new();
	scratch = waf_op_scratch_new();
	return diag == NULL || scratch == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	waf_op_scratch_free(&scratch);
	diag_free(&diag);
	temp_remove(dir);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors), cmocka_unit_test(test_memo), cmocka_unit_test(test_refused), cmocka_unit_test(test_warned),
		cmocka_unit_test(test_names), cmocka_unit_test(test_plan),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
