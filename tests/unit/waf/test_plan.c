/* SPDX-License-Identifier: MIT */
/*
 * What the plan claims about bytes must be true: a transformation whose trigger classes are absent changes
 * nothing, libinjection finds nothing where its gate is shut, an exclusion's prefix hides no key, and with and
 * without gates rules say the same about random texts.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "haproxy-spoa/waf/plan.h"
#include "tests/unit/waf/exec_rig.h"

static uint64_t seed = 42;

static unsigned
rnd(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % n;
}

/* Bytes of the allowed classes only; punctuation and letters that mean something more often. */
static size_t
text_of(char *out, size_t max, uint64_t allowed)
{
	static const char hot[] = "%+&\\;#<=/*.-'\"^,()uxXnNaA0192;&#x26;/../ \t\n";
	size_t n = rnd((unsigned)max), i = 0;
	int tries = 0;

	while (i < n && tries++ < 1000) {
		unsigned char c = (unsigned char)(rnd(2) ? hot[rnd(sizeof(hot) - 1)] : (char)rnd(256));

		if (plan_class_bit[c] & allowed)
			out[i++] = (char)c;
	}
	return i;
}

static void
test_triggers(void **state)
{
	struct arena *a = arena_new(0);
	char buf[48];
	int t, k;

	(void)state;
	for (t = 0; t < WAF_T_MAX; t++) {
		uint64_t trigger = plan_class_trigger((enum waf_tfn)t);

		for (k = 0; k < 20000 && trigger != ~UINT64_C(0); k++) {
			struct waf_str in = {buf, text_of(buf, sizeof(buf), ~trigger)}, out;

			assert_int_equal(plan_class_map(in.p, in.n) & trigger, 0);
			if (waf_tfn_apply((enum waf_tfn)t, NULL, in, &out, a) == 0)
				continue;
			if (out.n != in.n || memcmp(out.p, in.p, in.n) != 0)
				fail_msg("%s changes \"%.*s\" without its trigger", waf_tfn_name((enum waf_tfn)t), (int)in.n, in.p);
		}
		arena_reset(a);
	}
	arena_free(&a);
}

/* Each class has bytes, each byte is in one class, and the map is the union. */
static void
test_classes(void **state)
{
	uint64_t all = 0;
	char every[256];
	int b;

	(void)state;
	for (b = 0; b < 256; b++) {
		assert_int_equal(__builtin_popcountll(plan_class_bit[b]), 1);
		all |= plan_class_bit[b];
		every[b] = (char)b;
	}
	assert_true(all == plan_class_all());
	assert_true(plan_class_map(every, 256) == all);
	assert_true(plan_class_map("", 0) == 0);
	for (b = 0; b < 256; b++) {
		uint64_t set[4] = {0};
		char seven[7] = {'a', 'a', 'a', 'a', 'a', 'a', 'a'};

		seven[b % 7] = (char)b;
		assert_true((plan_class_map(seven, 7) & plan_class_bit[b]) != 0);
		set[b / 64] = UINT64_C(1) << (b % 64);
		assert_true(plan_class_cover(set) == plan_class_bit[b]);
	}
}

static void
injection(const char *rules, bool (*allowed)(unsigned char))
{
	static const char *const words[] = {"select", "union", "or", "and", "having", "limit", "onload", "script", "x", "1", "0x41",
	    "1e5", "sleep", "user", "admin", "javascript", "_", "0b1", "null", "svg", "style", "href"};
	struct waf_op_scratch *s = waf_op_scratch_new();
	struct diag *d = diag_new();
	struct waf_op_result res;
	struct waf_op *op = waf_op_new(waf_op_find(rules, strlen(rules)), WAF_STR(""), false, NULL, d, "test", 1);
	char buf[256];
	int k, r;

	assert_non_null(op);
	for (k = 0; k < 300000; k++) {
		size_t n = 0, i;

		for (i = 0; i < 4 && n < 128; i++) {
			const char *w = words[rnd(sizeof(words) / sizeof(*words))];

			n += (size_t)sprintf(buf + n, "%s", w);
			buf[n] = (char)rnd(256);
			n += allowed((unsigned char)buf[n]) && buf[n] != '\0';
		}
		r = waf_op_eval(op, s, (struct waf_str){0}, (struct waf_str){buf, n}, false, &res);
		if (r == 1)
			fail_msg("%s finds \"%.*s\"", rules, (int)n, buf);
	}
	waf_op_free(&op);
	waf_op_scratch_free(&s);
	diag_free(&d);
}

static bool
not_tag(unsigned char c)
{
	return c != '<' && c != '=';
}

static bool
word(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static void
test_injection(void **state)
{
	(void)state;
	if (!waf_op_have_libinjection())
		skip();
	injection("detectXSS", not_tag);
	injection("detectSQLi", word);
}

/* An exclusion with a prefix, and one whose pattern says the same in a way that has none. */
static void
test_prefix(void **state)
{
	static const char *const patterns[] = {"^json\\.messages", "^ab?", "^a|^b", "^(?:ab|b)", "^ab{0,1}c", "^a[)|(]b|c", "^a(b|c)d",
	    "^ab*", "^ab+", "^a.b", "^abc$", "^a\\x62", "^a\\bb", "^a\\Qb|\\Ec", "^a(?#|)b", "^a(?i:b)|c", "^", "^\\w", "^a[[:alpha:](]|c",
	    "^ab(?x: |c)|d"};
	static const char *const keys[] = {"json.messages", "JSON.MESSAGES.x", "json_messages", "a", "ab", "abc", "ac", "b", "bc", "c", "abd",
	    "acd", "a.b", "axb", "a)b", "a|b", "a(b", "abbb", "d", "xa", "A", "aBc"};
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
		for (k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
			char rules[512], request[256], bare[64];
			struct rig rig = {.rules = rules, .request = request};

			snprintf(request, sizeof(request), "GET /?%s=1 HTTP/1.1\r\nHost: a\r\n\r\n", keys[k]);
			snprintf(rules, sizeof(rules), "SecAction \"id:1,phase:1,pass,nolog,ctl:'ruleRemoveTargetById=2;ARGS:/%s/'\"\n"
			    "SecRule ARGS \"@rx 1\" \"id:2,phase:2,pass,log\"", patterns[i]);
			snprintf(bare, sizeof(bare), "%s", rig_run(&rig));
			snprintf(rules, sizeof(rules), "SecAction \"id:1,phase:1,pass,nolog,ctl:'ruleRemoveTargetById=2;ARGS:/(?:%s)/'\"\n"
			    "SecRule ARGS \"@rx 1\" \"id:2,phase:2,pass,log\"", patterns[i]);
			assert_string_equal(rig_run(&rig), bare);
		}
}

/* Gates on, gates off: the same matches, for texts made of what the patterns are about. */
static void
test_gates_agree(void **state)
{
	static const char rules[] = "SecArgumentsLimit 4000\n"
	    "SecRule ARGS|ARGS_NAMES \"@rx (?i)un(?:ion|ix)\\s+select\" \"id:1,phase:2,pass,log,t:urlDecodeUni\"\n"
	    "SecRule ARGS \"@rx <script[^>]*>\" \"id:2,phase:2,pass,log,t:htmlEntityDecode,t:lowercase\"\n"
	    "SecRule ARGS \"@pm foo <script select\" \"id:3,phase:2,pass,log,t:removeWhitespace\"\n"
	    "SecRule ARGS \"!@rx (?:select|foo|unix)\" \"id:4,phase:2,pass,log\"\n"
	    "SecRule ARGS \"@rx (?:foo|[!;]x)\" \"id:5,phase:2,pass,log,multiMatch,t:lowercase,t:removeWhitespace\"\n"
	    "SecRule ARGS \"@rx [^a-z<]{3}\" \"id:6,phase:2,pass,log,t:lowercase\"\n"
	    "SecRule ARGS \"@detectXSS\" \"id:7,phase:2,pass,log\"\nSecRule ARGS \"@detectSQLi\" \"id:8,phase:2,pass,log\"\n"
	    "SecRule ARGS \"@rx select\" \"id:9,phase:2,pass,log,chain\"\nSecRule ARGS \"@rx (?i)FOO\" \"t:lowercase\"\n";
	static const char *const words[] = {"union", "UNIX", "%20", "select", "+", "<script", "%26lt;script", ">", "foo", "F oo", "!x", ";X",
	    "sel+ect", "a", "%3c", "1'or'1'='1", "%00", "="};
	struct waf_options off = {.no_prefilter = true};
	int k, i;

	(void)state;
	for (k = 0; k < 300; k++) {
		char request[2048] = "GET /?a=", with[8192];
		struct rig rig = {.rules = rules, .request = request};

		for (i = (int)rnd(12); i >= 0; i--) {
			strcat(request, words[rnd(sizeof(words) / sizeof(*words))]);
			if (rnd(4) == 0)
				strcat(request, "&b=");
		}
		strcat(request, " HTTP/1.1\r\nHost: a\r\n\r\n");
		snprintf(with, sizeof(with), "%s", rig_run(&rig));
		rig.opt = &off;
		assert_string_equal(rig_run(&rig), with);
	}
}

static void
test_atoi(void **state)
{
	(void)state;
	assert_int_equal(plan_atoi(WAF_STR("")), 0);
	assert_int_equal(plan_atoi(WAF_STR("12")), 12);
	assert_int_equal(plan_atoi(WAF_STR(" -12x")), -12);
	assert_int_equal(plan_atoi(WAF_STR("+7")), 7);
	assert_int_equal(plan_atoi(WAF_STR("x7")), 0);
	assert_true(plan_atoi(WAF_STR("99999999999999999999999999")) > INT64_C(100000000000));
}

static int
done(void **state)
{
	(void)state;
	rig_done();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_triggers),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_injection),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_gates_agree),
		cmocka_unit_test(test_atoi),
	};

	return cmocka_run_group_tests(tests, NULL, done);
}
