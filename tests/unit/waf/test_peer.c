/* SPDX-License-Identifier: MIT */
/*
 * Transformations and operators against libmodsecurity, an implementation that owes us nothing: random values,
 * made of the bytes that matter to each, go through a rule there and through the function here.  What is not in
 * the tables, or is left out of their pieces, differs on purpose: docs/waf-differences.md.  It has other judges.
 */
#include "config.h"

#include <modsecurity/modsecurity.h>
#include <modsecurity/rules_set.h>
#include <modsecurity/transaction.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "haproxy-spoa/waf/op.h"
#include "haproxy-spoa/waf/transform.h"
#include "lib/arena.h"
#include "lib/diag.h"

#define VALUE_MAX	40
#define ROUNDS		200

static ModSecurity *peer;
static struct arena *arena;
static struct waf_op_scratch *scratch;
static struct diag *diag;

/* Of the last transaction: whether the rule fired, and its logdata. */
static bool fired;
static char logged[1024];

static void
peer_log(void *data, const void *line)
{
	const char *from = strstr(line, "[data \""), *to;

	(void)data;
	fired = true;
	logged[0] = '\0';
	if (from != NULL && (to = strchr(from += 7, '"')) != NULL)
		snprintf(logged, sizeof(logged), "%.*s", (int)(to - from), from);
}

static RulesSet *
peer_rule(const char *op, const char *actions)
{
	RulesSet *rules = msc_create_rules_set();
	const char *error = NULL;
	char text[512];

	snprintf(text, sizeof(text), "SecRuleEngine DetectionOnly\nSecRule ARGS:x \"%s\" \"id:1,phase:1,pass,log%s\"\n", op,
	    actions);
	if (msc_rules_add(rules, text, &error) < 0)
		fail_msg("%s: %s", text, error);
	return rules;
}

static void
peer_run(RulesSet *rules, struct waf_str v)
{
	char uri[8 + 3 * VALUE_MAX] = "/?x=";
	Transaction *tx = msc_new_transaction(peer, rules, NULL);
	size_t o = 4;

	for (size_t i = 0; i < v.n; i++)
		o += (size_t)snprintf(uri + o, sizeof(uri) - o, "%%%02x", (unsigned char)v.p[i]);
	fired = false;
	msc_process_connection(tx, "192.0.2.1", 1, "192.0.2.2", 2);
	msc_process_uri(tx, uri, "GET", "1.1");
	msc_process_request_headers(tx);
	msc_transaction_cleanup(tx);
}

static uint32_t
rng(void)	/* xorshift64*, Vigna 2014 */
{
	static uint64_t s = 88172645463325252ULL;

	s ^= s >> 12;
	s ^= s << 25;
	s ^= s >> 27;
	return (uint32_t)((s * 2685821657736338717ULL) >> 32);
}

/* Pieces, one after the other; now and then any byte, if <wild>. */
static struct waf_str
make_value(char *buf, const char *const *piece, bool wild)
{
	size_t n_pieces = 0, o = 0, len;
	const char *p;

	while (piece[n_pieces] != NULL)
		n_pieces++;
	for (unsigned k = rng() % 12; k > 0; k--) {
		p = piece[rng() % n_pieces];
		len = strlen(p);
		if (o + len + 1 > VALUE_MAX)
			break;
		memcpy(buf + o, p, len);
		o += len;
		if (wild && rng() % 16 == 0)
			buf[o++] = (char)rng();
	}
	return (struct waf_str){ buf, o };
}

static void
show(char *to, size_t cap, struct waf_str v)
{
	size_t o = 0;

	to[0] = '\0';
	for (size_t i = 0; i < v.n && o + 5 < cap; i++)
		o += (size_t)snprintf(to + o, cap - o, v.p[i] > ' ' && v.p[i] < 127 ? "%c" : "\\x%02x", (unsigned char)v.p[i]);
}

/* One byte a list of addresses, in libmodsecurity: LeakSanitizer asks for this by name. */
const char	*__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:CPTCreateHead\n";
}

#define P(...)	(const char *const[]){ __VA_ARGS__, NULL }

static const struct {
	enum waf_tfn	 t;
	const char	*const *piece;
	bool		 wild;
} transformations[] = {
	{ WAF_T_base64Encode, P("a", "bc", "d+/"), true },
	{ WAF_T_cmdLine, P("a", "B", " ", "\t", ";", ",", "\"", "'", "\\", "^", "/", "(", "\v"), true },
	{ WAF_T_cssDecode, P("\\", "\\", "\\f", "ff", "41", "9", "a", " ", "\n", "\t", "x"), false },
	{ WAF_T_escapeSeqDecode, P("\\", "\\", "x4", "X", "01", "2", "78", "a", "f", "n", "r", "t", "v", "?", "\""), true },
	{ WAF_T_hexDecode, P("0", "12", "9a", "F", "g", "z"), true }, { WAF_T_hexEncode, P("ab", "c"), true },
	{ WAF_T_htmlEntityDecode, P("&", "&#", "&#x", "x", ";", "0", "12", "lt", "gt", "amp", "quot", "nbsp", "A"), true },
	{ WAF_T_jsDecode, P("\\", "\\", "x", "u", "uff", "01", "27", "8", "a", "f", "n", "r", "t", "v"), true },
	{ WAF_T_length, P("a", "b"), true }, { WAF_T_lowercase, P("aB", "Z["), true },
	{ WAF_T_md5, P("a", "b"), true },
	{ WAF_T_normalizePath, P("/", "//", "/../xy", "/./xy", "dir", "ab"), false },
	{ WAF_T_normalizePathWin, P("/xy", "\\ab", "\\..\\xy", "/./xy", "dir"), false },
	{ WAF_T_parityEven7bit, P("a", "b", "\x01", "\x7f"), false },
	{ WAF_T_parityOdd7bit, P("a", "b", "\x01", "\x7f"), false },
	{ WAF_T_parityZero7bit, P("a", "\x80", "\xff"), true },
	{ WAF_T_removeCommentsChar, P("a", "/*", "*/", "<!--", "-->", "--", "#", "-", "/"), true },
	{ WAF_T_removeNulls, P("a", "b"), true },
	{ WAF_T_removeWhitespace, P("a", " ", "\t\n", "\v\f\r"), false },
	{ WAF_T_replaceComments, P("a", "/*", "*/", "/", "*"), true },
	{ WAF_T_replaceNulls, P("a", "b"), true },
	{ WAF_T_sha1, P("a", "b"), true }, { WAF_T_trim, P(" ", "\t\n", "a"), false },
	{ WAF_T_trimLeft, P(" ", "\v\f", "a"), false }, { WAF_T_trimRight, P(" ", "\r", "a"), false },
	{ WAF_T_uppercase, P("aB", "z{"), true },
	{ WAF_T_urlDecode, P("%", "%4", "1", "+", "a", "%uff", "%%"), true },
	{ WAF_T_urlDecodeUni, P("%", "%u", "%uff", "01", "4", "+", "a", "%U", "g"), true },
	{ WAF_T_urlEncode, P("a", "Z*", "-_. ", "~"), true },
	{ WAF_T_utf8toUnicode, P("a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"), false },
};

static bool
transformation_one(enum waf_tfn t, RulesSet *rules, struct waf_str v)
{
	struct waf_str out, hex;
	char text[4 * VALUE_MAX + 1];

	arena_reset(arena);
	assert_true(waf_tfn_apply(t, NULL, v, &out, arena) >= 0);
	assert_true(waf_tfn_apply(WAF_T_hexEncode, NULL, out, &hex, arena) >= 0);
	peer_run(rules, v);
	assert_true(fired);
	if (strlen(logged + 1) != hex.n || memcmp(logged + 1, hex.p, hex.n) != 0) {
		show(text, sizeof(text), v);
		print_error("%s on %s: %.*s, libmodsecurity %s\n", waf_tfn_name(t), text, (int)hex.n, hex.p, logged + 1);
		return false;
	}
	return true;
}

static void
test_transformations(void **state)
{
	char buf[VALUE_MAX], actions[128];
	RulesSet *rules;
	int differ = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(transformations) / sizeof(transformations[0]); i++) {
		snprintf(actions, sizeof(actions), ",t:none,t:%s,t:hexEncode,logdata:'=%%{MATCHED_VAR}'",
		    waf_tfn_name(transformations[i].t));
		rules = peer_rule("@unconditionalMatch", actions);
		for (int k = 0; k < ROUNDS; k++)
			if (!transformation_one(transformations[i].t, rules,
			    make_value(buf, transformations[i].piece, transformations[i].wild)))
				differ = k = ROUNDS;
		msc_rules_cleanup(rules);
	}
	assert_int_equal(differ, 0);
}

static const struct {
	enum waf_op_id	 op;
	const char	*arg;
	const char	*const *piece;
	bool		 wild;
} operators[] = {
	{ WAF_O_beginsWith, "ab", P("a", "b", "ab"), true }, { WAF_O_endsWith, "ab", P("a", "b", "ab"), true },
	{ WAF_O_contains, "aba", P("a", "b"), true }, { WAF_O_streq, "aba", P("a", "b", "aba"), true },
	{ WAF_O_containsWord, "ab", P("ab", "a", " ", "-"), false },
	{ WAF_O_strmatch, "aba", P("a", "b"), true },
	{ WAF_O_within, "GET POST HEAD", P("GET", "POST", " ", "G"), false },
	{ WAF_O_eq, "12", P("1", "2", "0", "12", " ", "-", "+", "a"), false },
	{ WAF_O_ge, "12", P("1", "2", "0", "-", "a"), false },
	{ WAF_O_gt, "12", P("1", "2", "0", "-", "a"), false },
	{ WAF_O_le, "12", P("1", "2", "0", "-", "a"), false },
	{ WAF_O_lt, "-1", P("1", "2", "0", "-", "a"), false },
	{ WAF_O_pm, "foo Bar b", P("f", "o", "oo", "BA", "r", "xb"), true },
	{ WAF_O_ipMatch, "10.0.0.0/9,10.1.1.1,172.16.0.0/12,2001:db8::/33", P("10.", "127.", "172.", "16.", "1", "1.1", "0.0.", "0"), false },
	{ WAF_O_ipMatch, "10.0.0.0/9,2001:db8::/33", P("2001:", "db8:", "7fff:", "8000:", ":", "1", ":1"), false },
	{ WAF_O_validateByteRange, "9,10,13,32-126", P("a", "\t", "\x7f", "\x80", "~", " "), true },
	{ WAF_O_validateUrlEncoding, "", P("%4", "1", "a", "%", "g", "F"), false },
	{ WAF_O_validateUtf8Encoding, "", P("a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xe2", "\x80", "\xed\xa0\x80", "\xc0\xaf"), false },
	{ WAF_O_verifyCC, "\\d{13,16}", P("4111", "1111", "5", "0", "4", "x"), false },
	{ WAF_O_verifySSN, "\\d{9}", P("078", "05", "1120", "000", "1", "666"), false },
	{ WAF_O_verifyCPF, "\\d{11}", P("529", "982", "247", "25", "1", "x"), false },
	{ WAF_O_rx, "^a.b$|(c+)x|\\bd", P("a", "b", "c", "x", " ", "d"), false },
	{ WAF_O_detectSQLi, "", P("1", "'", " or ", "=", "--", "union select", "a", ";", "(", ")"), false },
	{ WAF_O_detectXSS, "", P("<", "script", ">", "a", " onload=", "'", "x", "/", "javascript:"), false },
};

static bool
operator_one(const struct waf_op *op, RulesSet *rules, struct waf_str v)
{
	struct waf_op_result r;
	int rc = waf_op_eval(op, scratch, (struct waf_str){ NULL, 0 }, v, false, &r);
	char text[4 * VALUE_MAX + 1];

	peer_run(rules, v);
	if (rc != fired) {
		show(text, sizeof(text), v);
		print_error("@%s on %s: %d, libmodsecurity %d\n", waf_op_name(waf_op_which(op)), text, rc, fired);
	}
	return rc == fired;
}

static void
test_operators(void **state)
{
	char buf[VALUE_MAX], text[256];
	struct waf_op *op;
	RulesSet *rules;
	int differ = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		if (!waf_op_have_libinjection() && (operators[i].op == WAF_O_detectSQLi || operators[i].op == WAF_O_detectXSS))
			continue;
		snprintf(text, sizeof(text), "@%s %s", waf_op_name(operators[i].op), operators[i].arg);
		rules = peer_rule(text, ",t:none");
		op = waf_op_new(operators[i].op, (struct waf_str){ operators[i].arg, strlen(operators[i].arg) }, false, NULL, diag,
		    "t.conf", 1);
		assert_non_null(op);
		for (int k = 0; k < ROUNDS * 3; k++)
			if (!operator_one(op, rules, make_value(buf, operators[i].piece, operators[i].wild)))
				differ = k = ROUNDS * 3;
		waf_op_free(&op);
		msc_rules_cleanup(rules);
	}
	assert_int_equal(differ, 0);
}

static int
setup(void **state)
{
	(void)state;
	peer = msc_init();
	msc_set_log_cb(peer, peer_log);
	arena = arena_new(0);
	scratch = waf_op_scratch_new();
	diag = diag_new();
	return peer == NULL || arena == NULL || scratch == NULL || diag == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	diag_free(&diag);
	waf_op_scratch_free(&scratch);
	arena_free(&arena);
	msc_cleanup(peer);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transformations), cmocka_unit_test(test_operators),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
