/* SPDX-License-Identifier: MIT */
/* Patterns: captures, limits, deadlines, and that slices, JIT and the interpreter agree. */
#include "config.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <pcre2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "haproxy-spoa/waf/op.h"
#include "lib/diag.h"
#include "tests/unit/lib/temp.h"

static struct waf_op_scratch *scratch;
static struct diag *diag;

static struct waf_op *
op_new(enum waf_op_id id, const char *arg)
{
	struct waf_op *op = waf_op_new(id, (struct waf_str){ arg, strlen(arg) }, false, NULL, diag, "t.conf", 1);

	if (op == NULL)
		fail_msg("%s", diag_first(diag));
	return op;
}

static int
eval(const struct waf_op *op, struct waf_str v, struct waf_op_result *r)
{
	return waf_op_eval(op, scratch, (struct waf_str){ NULL, 0 }, v, true, r);
}

/* Captures as text: "0:ab 1:a 2:- " */
static const char *
captures(const struct waf_op_result *r)
{
	static char text[512];
	size_t o = 0;

	text[0] = '\0';
	for (int i = 0; i < r->n_captures; i++)
		o += (size_t)(r->capture[i].p == NULL ? snprintf(text + o, sizeof(text) - o, "%d- ", i) :
		    snprintf(text + o, sizeof(text) - o, "%d:%.*s ", i, (int)r->capture[i].n, r->capture[i].p));
	return text;
}

static void
test_captures(void **state)
{
	static const struct { enum waf_op_id op; const char *pattern, *value, *text; } t[] = {
		{ WAF_O_rx, "a(b)(c)?", "xabc", "0:abc 1:b 2:c " }, { WAF_O_rx, "a(b)(c)?", "ab", "0:ab 1:b " },
		{ WAF_O_rx, "a(x)?(b)", "ab", "0:ab 1- 2:b " }, { WAF_O_rx, "a()", "a", "0:a 1: " },
		{ WAF_O_rx, "(1)(2)(3)(4)(5)(6)(7)(8)(9)(a)(b)", "123456789ab", "0:123456789ab 1:1 2:2 3:3 4:4 5:5 6:6 7:7 8:8 9:9 " },
		{ WAF_O_rx, "a\\Kb", "ab", "0:b " },
		{ WAF_O_rxGlobal, "\\d+", "1 22 333", "0:1 1:22 2:333 " },
		{ WAF_O_rxGlobal, "(a)|b", "ab", "0:a 1:a 2:b " },
		{ WAF_O_rxGlobal, "x*", "ab", "0: 1: 2: " },
		{ WAF_O_rxGlobal, "\\d", "0123456789abc", "0:0 1:1 2:2 3:3 4:4 5:5 6:6 7:7 8:8 9:9 " },
	};
	struct waf_op_result r;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct waf_op *op = op_new(t[i].op, t[i].pattern);

		assert_int_equal(eval(op, (struct waf_str){ t[i].value, strlen(t[i].value) }, &r), 1);
		assert_string_equal(captures(&r), t[i].text);
		waf_op_free(&op);
	}
}

static void
test_macro(void **state)
{
	struct waf_op *op = waf_op_new(WAF_O_rx, WAF_STR("^%{tx.a}$"), true, NULL, diag, "t.conf", 1);
	struct waf_op_result r;

	(void)state;
	assert_int_equal(waf_op_eval(op, scratch, WAF_STR("^utf-8|x(y)$"), WAF_STR("xy"), true, &r), 1);
	assert_string_equal(captures(&r), "0:xy 1:y ");
	assert_int_equal(waf_op_eval(op, scratch, WAF_STR("^a$"), WAF_STR("xy"), true, &r), 0);
	/* An expansion that is no pattern matches nothing. */
	assert_int_equal(waf_op_eval(op, scratch, WAF_STR("("), WAF_STR("("), true, &r), 0);
	assert_int_equal(waf_op_eval(op, scratch, (struct waf_str){ NULL, 0 }, WAF_STR("x"), true, &r), 1);
	waf_op_free(&op);
}

/* <n> bytes of <c>, then <last>. */
static struct waf_str
repeat(char c, size_t n, char last)
{
	char *p = malloc(n + 1);

	assert_non_null(p);
	memset(p, c, n);
	p[n] = last;
	return (struct waf_str){ p, n + 1 };
}

static void
test_match_limit(void **state)
{
	struct waf_op *op = op_new(WAF_O_rx, "^(?:a+)+$"), *global = op_new(WAF_O_rxGlobal, "^(?:a+)+$");
	struct waf_op *cc = op_new(WAF_O_verifyCC, "^(?:a+)+$");
	struct waf_rx *rx = waf_rx_new(WAF_STR("^(?:a+)+$"), true, diag, "t.conf", 1);
	struct waf_str v = repeat('a', 40, 'x');
	struct waf_op_result r;

	(void)state;
	assert_int_equal(eval(op, v, &r), -E2BIG);
	assert_int_equal(r.n_captures, 0);
	assert_int_equal(eval(global, v, &r), -E2BIG);
	assert_int_equal(eval(cc, v, &r), -E2BIG);
	assert_int_equal(waf_rx_search(rx, scratch, v), -E2BIG);
	/* The limit is the one that was set: ten letters need more than 5, and less than 100000. */
	v.p += 30;
	v.n -= 30;
	waf_op_scratch_limits(scratch, 5, 0);
	assert_int_equal(eval(op, v, &r), -E2BIG);
	waf_op_scratch_limits(scratch, 100000, 0);
	assert_int_equal(eval(op, v, &r), 0);
	waf_op_scratch_limits(scratch, 0, 0);
	assert_int_equal(eval(op, (struct waf_str){ v.p, v.n - 1 }, &r), 1);
	free((char *)v.p - 30);
	waf_rx_free(&rx);
	assert_null(rx);
	waf_rx_free(&rx);
	waf_op_free(&op);
	waf_op_free(&global);
	waf_op_free(&cc);
}

/* The JIT stack is ours: PCRE2's own 32 KiB would not do for the first, and the second is too much for ours. */
static void
test_jit_stack(void **state)
{
	struct waf_op *op = op_new(WAF_O_rx, "^(?:(a)|b)*$");
	struct waf_str v = repeat('a', 40000, 'b');
	struct waf_op_result r;

	(void)state;
	assert_int_equal(eval(op, v, &r), 1);
	assert_int_equal(r.matched.n, v.n);
	free((char *)v.p);
	v = repeat('a', 200000, 'b');
	assert_int_equal(eval(op, v, &r), -E2BIG);
	free((char *)v.p);
	waf_op_free(&op);
}

/* A search that would take minutes ends soon after its deadline. */
static void
test_deadline(void **state)
{
	struct waf_op *op = op_new(WAF_O_rx, "(?:a*)*[be]");
	struct waf_str v = repeat('a', 60000, 'c');
	struct waf_op_result r;
	int64_t t0 = temp_clock_ms();
	int rc;

	(void)state;
	waf_op_scratch_deadline(scratch, (uint64_t)t0 * 1000 + 20000);
	rc = eval(op, v, &r);
	assert_true(rc == -ETIME || rc == -E2BIG || rc == 0);
	assert_true(temp_clock_ms() - t0 < 2000);
	waf_op_free(&op);
	op = op_new(WAF_O_rx, "[ac]{1,900}?[de]");
	rc = eval(op, v, &r);
	assert_int_equal(rc, -ETIME);
	assert_true(temp_clock_ms() - t0 < 2000);
	waf_op_scratch_deadline(scratch, 0);
	free((char *)v.p);
	waf_op_free(&op);
}

static uint32_t
rng(uint64_t *s)	/* xorshift64*, Vigna 2014 */
{
	*s ^= *s >> 12;
	*s ^= *s << 25;
	*s ^= *s >> 27;
	return (uint32_t)((*s * 2685821657736338717ULL) >> 32);
}

/* PCRE2's interpreter, in one go, as the judge of JIT and slices. */
static int
judge(const char *pattern, struct waf_str v, size_t ov[2])
{
	pcre2_match_data *md;
	pcre2_code *code;
	size_t at;
	int err, rc;

	code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY, &err, &at, NULL);
	assert_non_null(code);
	md = pcre2_match_data_create_from_pattern(code, NULL);
	rc = pcre2_match(code, (PCRE2_SPTR)v.p, v.n, 0, PCRE2_NO_JIT, md, NULL);
	memcpy(ov, pcre2_get_ovector_pointer(md), 2 * sizeof(*ov));
	pcre2_match_data_free(md);
	pcre2_code_free(code);
	return rc > 0 ? 1 : 0;
}

static const char *const patterns[] = {
	"abc", "^abc", "\\Aa", "(?<=b)c+a", "(?<!a)bbb", "a{3,}b", "c$", "(a|b)+c{2}\\1", "(?m)^b", "\\bab\\b", "[^a]{5}a", "a.*?c.*?b{4}",
	"(?=ab)a", "x", "", "\\Gb", "(*COMMIT)bca", "(?:a(*SKIP)b|c)", "a++b++c++", "(?i)ABCA", "b\\Kc", "(?s:.)z|aaaa", "[b-c]+$", "\\z",
};

static void
compare(const char *pattern, struct waf_str v, bool sliced, int rc, const size_t ov[2])
{
	struct waf_op *op = op_new(WAF_O_rx, pattern);
	struct waf_op_result r;

	waf_op_scratch_deadline(scratch, sliced ? UINT64_MAX : 0);
	if (eval(op, v, &r) != rc)
		fail_msg("%s on %.60s...(%zu), sliced %d: expected %d", pattern, v.p, v.n, sliced, rc);
	if (rc == 1) {
		assert_ptr_equal(r.capture[0].p, v.p + ov[0]);
		assert_int_equal(r.capture[0].n, ov[1] - ov[0]);
	}
	waf_op_free(&op);
}

static void
test_agree(void **state)
{
	uint64_t seed = 42;
	size_t ov[2];
	char text[1600];

	(void)state;
	for (int round = 0; round < 24; round++) {
		size_t n = rng(&seed) % (round < 12 ? 40 : sizeof(text));
		/* Mostly one letter, so that matches are rare and late. */
		unsigned letters = 1 + rng(&seed) % 3;

		for (size_t i = 0; i < n; i++)
			text[i] = "abc"[rng(&seed) % 50 == 0 ? rng(&seed) % 3 : rng(&seed) % letters];
		for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
			int rc = judge(patterns[i], (struct waf_str){ text, n }, ov);

			compare(patterns[i], (struct waf_str){ text, n }, false, rc, ov);
			compare(patterns[i], (struct waf_str){ text, n }, true, rc, ov);
		}
	}
	waf_op_scratch_deadline(scratch, 0);
}

static void
test_selectors(void **state)
{
	static const struct { const char *pattern, *value; bool caseless; int rc; } t[] = {
		{ "^__utm", "__UTMA", true, 1 }, { "__utm", "__UTMA", false, 0 }, { "a.b", "a\nb", true, 1 },
		{ "a$", "a\n", true, 0 }, { "x", "", true, 0 }, { "", "", true, 1 },
	};
	struct waf_rx *rx;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		rx = waf_rx_new((struct waf_str){ t[i].pattern, strlen(t[i].pattern) }, t[i].caseless, diag, "t.conf", 1);
		assert_non_null(rx);
		assert_int_equal(waf_rx_search(rx, scratch, (struct waf_str){ t[i].value, strlen(t[i].value) }), t[i].rc);
		waf_rx_free(&rx);
	}
	rx = waf_rx_new(WAF_STR("x"), true, diag, "t.conf", 1);
	assert_int_equal(waf_rx_search(rx, scratch, (struct waf_str){ NULL, 0 }), 0);
	waf_rx_free(&rx);
	assert_null(waf_rx_new(WAF_STR("a\\"), true, diag, "t.conf", 3));
	assert_string_equal(diag_first(diag), "t.conf:3: error: pattern, at offset 2: \\ at end of pattern");
	assert_true(waf_rx_options() & PCRE2_DOTALL && waf_rx_options() & PCRE2_DOLLAR_ENDONLY && !(waf_rx_options() & PCRE2_MULTILINE));
}

static int
setup(void **state)
{
	(void)state;
	diag = diag_new();
	scratch = waf_op_scratch_new();
	return diag == NULL || scratch == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	waf_op_scratch_free(&scratch);
	waf_op_scratch_free(&scratch);
	diag_free(&diag);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_captures), cmocka_unit_test(test_macro), cmocka_unit_test(test_match_limit),
		cmocka_unit_test(test_jit_stack), cmocka_unit_test(test_deadline), cmocka_unit_test(test_agree),
		cmocka_unit_test(test_selectors),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
