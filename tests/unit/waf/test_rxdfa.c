/* SPDX-License-Identifier: MIT */
/* What the automaton says no to, and that it stays within its means.  That it never says no to a match: test_rxlit. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/waf/crs_rx.h"
#include "tests/unit/waf/rx_gen.h"
#include "lib/arena.h"

#define WAF_OPTIONS	(PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY)

void
rx_caught(const struct rx_case *c, const char *text, size_t n, const char *gate)
{
	fail_msg("%.*s matches %.*s and fails %s", (int)c->pattern.n, c->pattern.p, (int)n, text, gate);
}

static enum rxdfa_answer
ask(const char *pattern, uint32_t options, const char *text, size_t n)
{
	struct rxdfa *d = rxdfa_new((struct waf_str){ pattern, strlen(pattern) }, options);
	struct rxdfa_cache *c;
	enum rxdfa_answer a, again;

	assert_non_null(d);
	assert_true(rxdfa_memory(d) > 0);
	c = rxdfa_cache_new(d);
	assert_non_null(c);
	a = rxdfa_search(d, c, text, n);
	again = rxdfa_search(d, c, text, n);
	assert_int_equal(a, again);
	rxdfa_cache_free(&c);
	rxdfa_free(&d);
	return a;
}

static const struct {
	const char *pattern, *no, *maybe;	/* texts; NULL: not looked at */
} table[] = {
	{ "abc", "ab abd aabbcc", "xxabc" },
	{ "a.c", "ac", "a\nc" },
	{ "ab?c", "abb", "ac" },
	{ "a(?:b|cd)*e", "abcdcf", "abcdcdbe" },
	{ "^abc", "xabc", "abcx" },
	{ "^abc|d", "xabc", "xd" },
	{ "(?:x|^)abc", "yabc", "xabc" },
	{ "a^b", "ab", NULL },
	{ "\\Aabc", "xabc", "abc" },
	{ "(?m)^abc", "bc", "x\nabc" },
	{ "(?i)select\\s+from", "selectfrom SELECT  fro", "x SeLeCt \t fRom" },
	{ "[^a]b", "ab", "xb" },
	{ "x{3}", "xxyxx", "xxx" },
	{ "x{2,3}y", "xy", "xxxxy" },
	{ "x{9}", "xxx", "xxxx" },		/* it counts to four */
	{ "x{0}y", "x", "y" },
	{ "(a)\\1b", "a", "ab" },		/* a reference is anything */
	{ "\\bab\\b", "a b", "xabx" },	/* borders are nothing */
	{ "<[^>]*script", "<> script", "< script" },
	{ "a*?b", "aaa", "b" },
	{ "(?>a+)b", "aac", "aab" },
	{ "(?:(?:a|b)*c)*d", "abcabc", "abcabcd" },
};

static void
test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		if (ask(table[i].pattern, WAF_OPTIONS, table[i].no, strlen(table[i].no)) != RXDFA_NO)
			fail_msg("%s on %s: not no", table[i].pattern, table[i].no);
		if (table[i].maybe != NULL &&
		    ask(table[i].pattern, WAF_OPTIONS, table[i].maybe, strlen(table[i].maybe)) != RXDFA_MAYBE)
			fail_msg("%s on %s: not maybe", table[i].pattern, table[i].maybe);
	}
	assert_int_equal(ask("a\\x00b", 0, "xa\0b", 4), RXDFA_MAYBE);
	assert_int_equal(ask("AB", PCRE2_CASELESS, "xab", 3), RXDFA_MAYBE);
	assert_int_equal(ask("ab", 0, "", 0), RXDFA_NO);
}

static void
test_none(void **state)
{
	static const char *const none[] = { "", "a*", "a|", "^", "(?:a?b?)*", "(?R)?a", "(?C1)a", "(a", "$", "(?=a)" };
	char big[20000];
	struct rxdfa *d;

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		d = rxdfa_new((struct waf_str){ none[i], strlen(none[i]) }, WAF_OPTIONS);
		if (d != NULL)
			fail_msg("there is one for %s", none[i]);
	}
	memset(big, 'a', sizeof(big));
	assert_null(rxdfa_new((struct waf_str){ big, sizeof(big) }, 0));
	d = rxdfa_new(WAF_STR("(?:(?:(?:(?:(?:(?:x{4}){4}){4}){4}){4}){4}){4}"), 0);
	assert_null(d);
	assert_int_equal(rxdfa_memory(d), 0);
}

/* 2^n states in the making: every text has its own.  Either they are made anew again and again, or it gets tired; and rests. */
static void
test_many_states(void **state)
{
	static const char pattern[] = "a[ab]{4}[ab]{4}[ab]{4}[ab]{4}c[ab]{4}[ab]{4}d";
	struct rxdfa *d = rxdfa_new((struct waf_str){ pattern, sizeof(pattern) - 1 }, 0);
	struct rxdfa_cache *c;
	char *text = malloc(1 << 20);
	uint32_t rng = 1;
	enum rxdfa_answer a;

	(void)state;
	assert_non_null(d);
	c = rxdfa_cache_new(d);
	for (size_t i = 0; i < 1 << 20; i++) {
		rng = rng * 1664525 + 1013904223;
		text[i] = "abc"[(rng >> 24) % 3];
	}
	a = rxdfa_search(d, c, text, 1 << 20);
	assert_int_equal(a, RXDFA_TIRED);
	assert_int_equal(rxdfa_search(d, c, text + 1000, 100), RXDFA_TIRED);
	memset(text, 'x', 1 << 20);
	assert_int_equal(rxdfa_search(d, c, text, 1 << 20), RXDFA_NO);
	memcpy(text + 1000, "a" "abababababababab" "c" "abababab" "d", 27);
	assert_int_equal(rxdfa_search(d, c, text, 1 << 20), RXDFA_MAYBE);
	rxdfa_cache_free(&c);
	rxdfa_free(&d);
	free(text);
}

/* One cache, many texts that match after it was filled and emptied. */
static void
test_full_cache(void **state)
{
	static const char pattern[] = "^x[a-p]*q|[a-p]z|(?i:[a-h]{2}[i-p]{3}[a-d]{2}[e-p]{3}y)";
	struct rx_case c;

	(void)state;
	assert_true(rx_case_new(&c, (struct waf_str){ pattern, sizeof(pattern) - 1 }, WAF_OPTIONS, 7));
	assert_non_null(c.cache);
	assert_true(rx_attack(&c, 20000) > 1000);
	rx_case_free(&c);
}

static void
test_crs(void **state)
{
	struct arena *a = arena_new(0);
	struct crs_rx *v;
	size_t n, with = 0;

	(void)state;
	v = crs_rx_read("/usr/share/modsecurity-crs/rules", a, &n);
	if (n == 0) {
		arena_free(&a);
		skip();
	}
	for (size_t i = 0; i < n; i++) {
		struct rxdfa *d = rxdfa_new(v[i].pattern, WAF_OPTIONS);

		with += d != NULL;
		rxdfa_free(&d);
	}
	print_message("# %zu of %zu patterns have an automaton\n", with, n);
	assert_true(with * 100 >= n * 90);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table), cmocka_unit_test(test_none), cmocka_unit_test(test_many_states),
		cmocka_unit_test(test_full_cache), cmocka_unit_test(test_crs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
