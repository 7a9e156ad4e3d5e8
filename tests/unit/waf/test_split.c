/* SPDX-License-Identifier: MIT */
/*
 * A pattern is found in a text if and only if one of its parts is: by table, and by PCRE2 on texts that walk the
 * patterns of the table and of an installed Core Rule Set.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/arena.h"
#include "haproxy-spoa/waf/op.h"
#include "haproxy-spoa/waf/plan_split.h"
#include "tests/unit/waf/crs_rx.h"
#include "tests/unit/waf/rx_gen.h"

#define MAX 24

static const struct {
	const char *pattern, *parts;	/* parts joined by a space and a newline; "": stays whole */
} rows[] = {
	{ "a|b", "a\nb" },
	{ "(?i)a|b", "(?i)a\n(?i)b" },
	{ "(?i:a|b)", "(?i)a\n(?i)b" },
	{ "(?:a|b)", "a\nb" },
	{ "(?i:(?:a|b))", "(?i)a\n(?i)b" },
	{ "x(?:aaaa|bbbb)y", "xaaaay\nxbbbby" },
	{ "x(?i:aaaa|bbbb)y", "x(?i:aaaa)y\nx(?i:bbbb)y" },
	{ "x(?:aaaa|)y", "xaaaay\nxy" },
	{ "|a", "\na" },
	{ "\\b(?:if(?: not| exist)|for)", "\\bif not\n\\bif exist\n\\bfor" },
	{ "[|]a|\\|b", "[|]a\n\\|b" },
	{ "[]|]a|[^]|]b", "[]|]a\n[^]|]b" },
	{ "a[\\]|(]|b", "a[\\]|(]\nb" },
	{ "(?:a|b)(?:c|d)", "" },		/* neither group is more than half */
	{ "x(?:aaaa|bbbb)*", "" },
	{ "x(?:aaaa|bbbb){2}", "" },
	{ "x(?:aaaa|bbbb)?+", "" },
	{ "abc", "" }, { "", "" },
	{ "(a|b)", "" }, { "(a)|b", "" },	/* captures */
	{ "a\\1|b", "" }, { "\\Qa|b\\E", "" }, { "a\\Kb|c", "" }, { "\\Ga|b", "" }, { "a\\g{1}|b", "" }, { "\\Xa|b", "" },
	{ "(?=a|b)", "" }, { "(?!a)b|c", "" }, { "(?<!a)b|c", "" }, { "(?>a|ab)c", "" }, { "(?|a|b)", "" }, { "(?x)a|b", "" },
	{ "(?x: a | b )", "" }, { "a(?i)b|c", "" }, { "(?#|)a|b", "" }, { "(*COMMIT)a|b", "" }, { "[[:alpha:]|]a|b", "" },
	{ "a|b)", "" }, { "(?:a|b", "" }, { "a|[b", "" }, { "a|b\\", "" },
};

static void
test_table(void **state)
{
	struct arena *a = arena_new(0);
	struct waf_str part[MAX];
	char got[512];
	size_t i, k, n;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		n = plan_split((struct waf_str){rows[i].pattern, strlen(rows[i].pattern)}, part, MAX, a);
		for (*got = '\0', k = 0; k < n; k++) {
			strcat(got, k > 0 ? "\n" : "");
			strcat(got, part[k].p);
		}
		if (strcmp(got, rows[i].parts) != 0)
			fail_msg("%s becomes %s", rows[i].pattern, got);
	}
	n = plan_split(WAF_STR("a|b|c"), part, 2, a);	/* too many */
	assert_int_equal(n, 0);
	arena_free(&a);
}

struct parts {
	pcre2_code	*code[MAX];
	size_t		 n;
	size_t		 hits, misses;
};
static struct parts parts;

static bool
any_part(struct rx_case *c, const char *text, size_t n)
{
	size_t i;

	for (i = 0; i < parts.n; i++)
		if (pcre2_match(parts.code[i], (PCRE2_SPTR)text, n, 0, 0, c->md, c->mc) != PCRE2_ERROR_NOMATCH)
			return true;
	return false;
}

static void
judge(struct rx_case *c, const char *text, size_t n)
{
	int whole = pcre2_match(c->code, (PCRE2_SPTR)text, n, 0, 0, c->md, c->mc);
	bool some = any_part(c, text, n);

	if (whole < 0 && whole != PCRE2_ERROR_NOMATCH)
		return;		/* a limit */
	if ((whole >= 0) != some)
		fail_msg("%.*s: whole %d, parts %d on \"%.*s\"", (int)c->pattern.n, c->pattern.p, whole, some, (int)n, text);
	*(some ? &parts.hits : &parts.misses) += 1;
}

/* rx_gen shows each text that the pattern matches as "caught" when a gate would stop it: we want them all. */
void
rx_caught(const struct rx_case *c, const char *text, size_t n, const char *gate)
{
	struct rx_case own = *c;

	(void)gate;
	judge(&own, text, n);
}

/* Bytes of the pattern itself in any order: texts that nearly match. */
static void
near(struct rx_case *c)
{
	char text[64];
	int k;

	for (k = 0; k < 200; k++) {
		size_t n = rx_random(c, sizeof(text)), i = 0;

		while (i < n) {
			size_t at = rx_random(c, (uint32_t)c->pattern.n), len = rx_random(c, 8) + 1;

			for (; len > 0 && at < c->pattern.n && i < n; len--)
				text[i++] = c->pattern.p[at++];
		}
		judge(c, text, n);
	}
}

static void
pattern_test(struct waf_str pattern, unsigned rounds)
{
	struct arena *a = arena_new(0);
	struct waf_str part[MAX];
	struct rx_case c;
	PCRE2_SIZE at;
	size_t i;
	int err;

	parts.n = plan_split(pattern, part, MAX, a);
	if (parts.n > 0 && rx_case_new(&c, pattern, waf_rx_options(), 7)) {
		for (i = 0; i < parts.n; i++) {
			parts.code[i] = pcre2_compile((PCRE2_SPTR)part[i].p, part[i].n, waf_rx_options(), &err, &at, NULL);
			assert_non_null(parts.code[i]);
		}
		/* a gate that nothing passes: every match is shown to rx_caught */
		c.lit.min_width = UINT32_MAX;
		rx_attack(&c, rounds);
		near(&c);
		for (i = 0; i < parts.n; i++)
			pcre2_code_free(parts.code[i]);
		rx_case_free(&c);
	}
	arena_free(&a);
}

static void
test_patterns(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		pattern_test((struct waf_str){rows[i].pattern, strlen(rows[i].pattern)}, 300);
	assert_true(parts.hits > 100);
	assert_true(parts.misses > 100);
}

static void
test_rule_set(void **state)
{
	struct arena *a = arena_new(0);
	struct crs_rx *rx;
	size_t n, i;

	(void)state;
	rx = crs_rx_read("/usr/share/modsecurity-crs/rules", a, &n);
	parts.hits = 0;
	for (i = 0; i < n; i++)
		pattern_test(rx[i].pattern, 10);
	if (n > 0)
		assert_true(parts.hits > 1000);
	arena_free(&a);
	if (n == 0)
		skip();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_rule_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
