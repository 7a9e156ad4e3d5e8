/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/waf/crs_rx.h"
#include "tests/unit/waf/rx_gen.h"
#include "haproxy-spoa/waf/rxlit_private.h"
#include "lib/arena.h"

#define CRS_RULES	"/usr/share/modsecurity-crs/rules"
#define WAF_OPTIONS	(PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY)

/* Literals between "~", "" for none, "@" for NUL.  Width.  Bytes of the class; NULL: not looked at. */
static const struct {
	const char *pattern, *lits;
	unsigned width;
	const char *class;
} table[] = {
	/* sequences and alternatives */
	{ "abc", "abc", 3, "b" },
	{ "", "", 0, NULL },
	{ "a", "", 1, "a" },
	{ "colou?r", "color~colour", 5, "c" },
	{ "foo|barx?", "bar~foo", 3, "bf" },
	{ "foo|", "", 0, NULL },
	{ "foo|b", "", 1, "bf" },
	{ "a(?:b|cd)e", "abe~acde", 3, "bc" },
	{ "select.+from", "select", 11, "l" },
	{ "a.bc", "bc", 4, "b" },
	{ "x{3}", "xxx", 3, "x" },
	{ "x{3,}", "xxx", 3, "x" },
	{ "x{2,3}y", "xxy", 3, "x" },
	{ "(?:xy)*z", "", 1, "z" },
	{ "(?:xy)+z", "xyz", 3, "x" },
	{ "(?:xy){0}za", "za", 2, "z" },
	{ "x??yz", "yz", 2, "z" },
	{ "x*+yz", "yz", 2, "z" },
	{ "[^\\d]{2,}/x{40}", "/xxxxxxxx", 43, "x" },
	{ "on", "", 2, "o" },		/* in every text */
	/* classes */
	{ "[jk]z", "jz~kz", 2, "z" },
	{ "[a-c]z", "az~bz~cz", 2, "z" },
	{ "[^\\x01-\\xff]q", "@q", 2, NULL },
	{ "[]a]q", "]q~aq", 2, "q" },
	{ "[^]]q", "", 2, "q" },
	{ "[-a]q|[a-]q", "-q~aq", 2, "q" },
	{ "[+--]q", "+q~,q~-q", 2, "q" },
	{ "[a\\-c]q", "-q~aq~cq", 2, "q" },
	{ "[\\b]q", "\bq", 2, NULL },
	{ "[\\101]q", "aq", 2, NULL },
	{ "[[:digit:]]", "", 1, "0123456789" },
	{ "[[a]q", "[q~aq", 2, "q" },
	{ "[[:a]q", ":q~[q~aq", 2, "q" },
	{ "[^\\W]", "", 1, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz" },
	{ "(?i)[^a-y0-9 -@\\[-`\\{-~\\x00-\\x1f\\x7f-\\xff]", "", 1, "Zz" },
	/* case */
	{ "(?i)SELECT", "select", 6, "Ll" },
	{ "q(?i)z", "qz", 2, NULL },
	{ "(?i:Z)b", "zb", 2, "Zz" },
	{ "(?:q(?i)z|x)j", "qzj~xj", 2, NULL },
	{ "(?i)q(?-i)Z", "qz", 2, "Z" },
	{ "(?i)q(?^:Z)", "qz", 2, "Z" },
	/* escapes */
	{ "\\x5a\\x{58}\\103\\o{104}", "zx", 3, NULL },	/* \103 may be a reference */
	{ "\\x4g\\e\\cA", "\x04g\x1b\x01", 4, NULL },
	{ "\\Qa.b|\\E+c", "a.b|", 5, NULL },	/* the bar is quantified */
	{ "\\Qa\\", "a\\", 2, "\\" },
	{ "a\\.b\\/c", "a.b/c", 5, NULL },
	{ "\\bunion\\b", "union", 5, "u" },
	{ "a\\Kbc", "abc", 3, "b" },
	{ "\\R", "", 1, "\n\v\f\r\x85" },
	{ "(a)\\1bcd", "bcd", 4, "b" },
	{ "(?<n>ab)\\k<n>(?P=n)\\g{n}cd", "cd", 4, "b" },
	/* groups that consume nothing, and those that do */
	{ "(?=xyz)qz", "qz", 2, "q" },
	{ "(?<!x)(?!y)(?<=z)qx", "qx", 2, "q" },
	{ "(?>ab|a)cd", "abcd~acd", 3, "c" },
	{ "(?|ab|(c))de", "abde~cde", 3, "d" },
	{ "(?<n>a)(?P<m>b)(?'o'c)", "abc", 3, "b" },
	{ "a(?#x{3)bc", "abc", 3, "b" },
	{ "^qz$", "qz", 2, "q" },
	{ "a^*b\\b+c", "abc", 3, "b" },
	{ "[[:<:]]qz[[:>:]]", "qz", 2, "q" },
	/* extended mode */
	{ "(?x) a b # x|y\nc\\ [ ] d", "abc  d", 6, "b" },
	{ "(?x: a +b)c d", "abc d", 5, NULL },
	/* braces that aren't quantifiers, or are for newer versions only */
	{ "a{b}c{", "a{b}c{", 6, NULL },
	{ "ab{,2}cd", "cd", 3, "c" },
	{ "ab{ 1 }cd", "cd", 3, "c" },
	/* not understood: nothing is said */
	{ "ab(*ACCEPT)cd", "", 0, NULL },
	{ "(*UTF)abc", "", 0, NULL },
	{ "(?(?=a)ab|cd)", "", 0, NULL },
	{ "(a(?1)?b)", "", 0, NULL },
	{ "(?R)?abc", "", 0, NULL },
	{ "(?C1)abc", "", 0, NULL },
	{ "(?xx)[a b]c", "", 0, NULL },
	{ "(ab", "", 0, NULL },
	{ "[ab", "", 0, NULL },
	{ "ab\\", "", 0, NULL },
	{ "*ab", "", 0, NULL },
	{ "ab)", "", 0, NULL },
};

static bool
same_class(const struct rxlit *l, const char *want)
{
	uint64_t set[4] = { 0 };

	for (; *want != '\0'; want++)
		rx_set_add(set, (unsigned char)*want);
	return l->needs_class && memcmp(set, l->class, sizeof(set)) == 0;
}

static bool
among(const struct waf_str *s, const char *want)
{
	for (;;) {
		size_t n = strcspn(want, "~"), k = 0;

		while (k < n && k < s->n && (want[k] == s->p[k] || (want[k] == '@' && s->p[k] == '\0')))
			k++;
		if (k == n && n == s->n)
			return true;
		if (want[n] == '\0')
			return false;
		want += n + 1;
	}
}

static void
test_table(void **state)
{
	struct arena *a = arena_new(0);
	struct rxlit l;

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		size_t want = *table[i].lits != '\0', min = SIZE_MAX;

		for (const char *s = table[i].lits; (s = strchr(s, '~')) != NULL; s++)
			want++;
		rxlit_extract(&l, (struct waf_str){ table[i].pattern, strlen(table[i].pattern) }, WAF_OPTIONS, a);
		if (l.n != want || l.min_width != table[i].width ||
		    (table[i].class != NULL && !same_class(&l, table[i].class)))
			fail_msg("%s: %zu literals, width %u", table[i].pattern, l.n, l.min_width);
		for (size_t k = 0; k < l.n; k++) {
			min = l.lit[k].n < min ? l.lit[k].n : min;
			if (!among(&l.lit[k], table[i].lits))
				fail_msg("%s: %.*s", table[i].pattern, (int)l.lit[k].n, l.lit[k].p);
		}
		assert_int_equal(l.min_len, l.n > 0 ? min : 0);
	}
	arena_free(&a);
}

static void
extract(struct rxlit *l, const char *pattern, size_t n, uint32_t options, struct arena *a)
{
	rxlit_extract(l, (struct waf_str){ pattern, n }, options, a);
}

static void
test_options_and_limits(void **state)
{
	struct arena *a = arena_new(0);
	char deep[2000];
	struct rxlit l;

	extract(&l, "AB c", 4, PCRE2_EXTENDED, a);
	assert_int_equal(l.n, 1);
	assert_memory_equal(l.lit[0].p, "abc", 3);
	assert_true(rx_set_has(l.class, 'B') && !rx_set_has(l.class, 'b'));
	extract(&l, "AB", 2, PCRE2_CASELESS, a);
	assert_true(rx_set_has(l.class, 'B') && rx_set_has(l.class, 'b'));
	extract(&l, "a\0b", 4, 0, a);
	assert_int_equal(l.n, 1);
	assert_memory_equal(l.lit[0].p, "a\0b", 3);
	extract(&l, "abc", 3, PCRE2_UTF, a);
	assert_true(l.n == 0 && l.min_width == 0 && !l.needs_class);
	extract(&l, "a.c", 3, PCRE2_LITERAL, a);
	assert_true(l.n == 0 && l.min_width == 0 && !l.needs_class);
	memset(deep, '(', 1000);
	memset(deep + 1000, ')', 1000);
	extract(&l, deep, 2000, 0, a);
	assert_int_equal(l.n, 0);
	/* Where one alternative has a literal and the other only a byte. */
	extract(&l, "(?i).(?:select|\\s!\\d|[@!]+|x@yz).*", 34, 0, a);
	assert_true(l.n == 0 && l.n_mixed == 1 && l.mixed[0].n == 6);
	assert_memory_equal(l.mixed[0].p, "select", 6);	/* x@yz has a byte of the class */
	assert_true(l.or_class[0] == 1ULL << '!' && l.or_class[1] == 1ULL << ('@' - 64) && l.or_class[2] == 0);
	/* A product of sets is cut where it grows, not given up. */
	extract(&l, "[ab][cd][ef][gh][ij][kl][mn][op][qr]", 36, 0, a);
	assert_true(l.n > 0 && l.n <= 64 && l.min_len >= 4);
	extract(&l, "(?:(?:(?:x{60000}){60000}){60000}){60000}", 41, 0, a);
	assert_true(l.n == 1 && l.min_width > 1000000);
	arena_free(&a);
}

void
rx_caught(const struct rx_case *c, const char *text, size_t n, const char *gate)
{
	fail_msg("%.*s matches a text of %zu bytes (%.*s) that fails %s", (int)c->pattern.n, c->pattern.p, n, (int)n, text,
	    gate);
}

/* One item of one byte: the parser's set is PCRE2's, byte by byte. */
static const char *const items[] = {
	"[[:alnum:]]", "[[:alpha:]]", "[[:ascii:]]", "[[:blank:]]", "[[:cntrl:]]", "[[:digit:]]", "[[:graph:]]", "[[:lower:]]",
	"[[:print:]]", "[[:punct:]]", "[[:space:]]", "[[:upper:]]", "[[:word:]]", "[[:xdigit:]]", "[[:^xdigit:]]", "[^[:^punct:]x]",
	"\\d", "\\D", "\\w", "\\W", "\\s", "\\S", "\\h", "\\H", "\\v", "\\V", "\\a", "\\e", "\\f", "\\n", "\\r", "\\t", "\\ca",
	"\\cZ", "\\c[", "\\c?", "\\x", "\\x4", "\\x4A", "\\xfF", "\\x{e9}", "\\x{041}", "\\o{351}", "\\0", "\\07", "\\011", "\\!", "\\ ",
	"[\\d]", "[^\\d\\s]", "[\\W]", "[\\H\\x20]", "[\\V]", "[\\b]", "[\\cA-\\cC]", "[\\1-\\17]", "[\\101-\\x43]", "[\\8]", "[\\0]",
	"[a-f]", "[^a-f]", "[-a]", "[a-]", "[]a]", "[^]a]", "[a-c-e]", "[+--]", "[--/]", "[\\w-]", "[\\d-z]", "[^^]", "[\\^a]", "[[a]",
	"[[:a]", "[[.a]", "[a[:]", "[A-z]", "[^A-Z]", "[\\x80-\\xff]", "[^\\x80-\\xff]", "[\\]\\[\\\\]", "[\\-a]", "[{(*+?.|$^]", "k", "K", "\\K?s",
};

static void
same_bytes(const char *item, uint32_t options, struct arena *a)
{
	struct waf_str pattern = { item, strlen(item) };
	bool loose = options & PCRE2_CASELESS && strstr(item, "[:^") != NULL;	/* more bytes than PCRE2's are all right */
	struct rx_case c;
	struct rxlit l;

	if (!rx_case_new(&c, pattern, options | PCRE2_ANCHORED | PCRE2_ENDANCHORED, 1))
		return;		/* [\d-z] is an error for some versions */
	rxlit_extract(&l, pattern, options, a);
	assert_true(l.min_width == 1 && l.needs_class);
	for (unsigned b = 0; b < 256; b++)
		if (rx_try(&c, &(char){ (char)b }, 1) != rx_set_has(l.class, b) && !loose)
			fail_msg("%s: byte %#x", item, b);
	rx_case_free(&c);
}

static void
test_items(void **state)
{
	struct arena *a = arena_new(0);

	for (size_t i = 0; i < sizeof(items) / sizeof(*items); i++) {
		same_bytes(items[i], WAF_OPTIONS, a);
		same_bytes(items[i], WAF_OPTIONS | PCRE2_CASELESS, a);
	}
	arena_free(&a);
}

/* Patterns with a sting: optional parts, borders, what bypasses were made of. */
static const char *const nasty[] = {
	"(?:\\$(?:\\((?:\\(.*\\)|.*)\\)|\\{.*\\})|[<>]\\(.*\\))", "a?b?c?", "(?:a|)b(?:c|)d", "(?:ab|cd)?(?:ef)+?g",
	"(?i)(?:un|select)(?-i:ION|X)?\\s+all", "x{0}y{0,0}ab", "(?:a{2,3}){2,3}b", "(ab)(?:\\1|c)d", "(?:a*)+b", "(?:|a)+bc",
	"[^a]b[^c]", "(?=ab)a.|cd", "(?!ab)..", "(?<=x)y+", "a(?:b(?:c(?:d(?:e)?)?)?)?", "[\\w-]+@[\\w.]+\\.com", "(?s).+?abc.+?",
	"^(?:abc|(?:de|f)+|g{3,5})$", "a\\Q.*+\\E?b", "\\Rab\\R", "\\Xab", "(?x)a #b\n c", "(?|(a)|(b))\\1c", "([\"'`])x\\1",
	"q\\Rz", "q\\Xz", "(?<n>qz|xj)(?P=n)xz", "(qz|xj)\\g{1}xz", "(?<n>qz|xj)\\k'n'xz", "x[^\\p{Lu}a]z", "\\ca\\cZ", 
	"(?:a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p|q|r|s|t)(?:uv|w)", "(?i)[k-s]elect", "[\\x00-\\x1f]ab\\x00?", "ab{2,}?c{0,2}d{1,}+e",
	"(?:(?:ab)?c|d(?:ef)*)+gh?", "\\bfoo\\B.\\b", "(?:^|;)\\s*id=\\d+", "a.{3,70}b.{0,70}c", "((a)|(b))*cd", "(?>a+)b|c",
};

static void
attack(const char *name, struct waf_str pattern, uint32_t options, unsigned rounds, size_t *hit)
{
	struct rx_case c;

	if (!rx_case_new(&c, pattern, options, pattern.n * 2654435761U))
		fail_msg("%s: PCRE2 doesn't take %.*s", name, (int)pattern.n, pattern.p);
	if (rx_attack(&c, rounds) > 0)
		(*hit)++;
	else
		print_message("# %s: nothing matched %.*s\n", name, (int)pattern.n, pattern.p);
	rx_case_free(&c);
}

static void
test_nasty(void **state)
{
	size_t n = sizeof(nasty) / sizeof(*nasty), hit = 0;

	for (size_t i = 0; i < n; i++)
		for (uint32_t caseless = 0; caseless < 2; caseless++)
			attack("nasty", (struct waf_str){ nasty[i], strlen(nasty[i]) },
			    WAF_OPTIONS | (caseless ? PCRE2_CASELESS : 0), 400, &hit);
	assert_int_equal(hit, 2 * n);	/* each was matched by some text: the proof is about something */
}

/* Texts that PCRE2 matches and that no tree of ours has written: they don't depend on how the parser reads. */
static const struct {
	const char *pattern, *text;
} known[] = {
	{ "q\\Rz", "q\r\nz" }, { "q\\Rz", "q\x85z" }, { "q\\Xz", "q\r\nz" }, { "(qz|zq)\\1jx", "zqzqjx" },
	{ "(?<n>qz)(?P=n)jx", "qzqzjx" }, { "(?i)q(?-i)z|Q", "Q" }, { "(?:j(?i)k|q)x", "jKx" }, { "(?:j(?i)k|q)x", "Qx" },
	{ "(?:(?i)jk)?qx", "JKqx" }, { "jk(?#)?qx", "jqx" }, { "\\Qjk\\E*qx", "jqx" }, { "\\Qj|k", "j|k" }, { "j|kq", "j" },
	{ "(?x)j k # q x\nz", "jkz" }, { "(?x)j\\ k[ ]q", "j k q" }, { "(?x: j k)q x", "jkq x" }, { "(?x)j\x85" "k", "jk" }, { "j(?x) k (?-x) q", "jk q" },
	{ "jk{0}qx", "jqx" }, { "jk{,2}", "jk{,2}" }, { "jk{q}x", "jk{q}x" }, { "(?=jk)..qx", "jkqx" }, { "(?!qx)..jk", "jkjk" },
	{ "(?<=jk)qx", "jkqx" }, { "jk\\Kqx", "jkqx" }, { "j(?|k|q)x", "jqx" }, { "(?:jk|)qx", "qx" }, { "(?:jk)*?qx", "qx" },
	{ "(?:jk|q{2,3}|x+)+z", "qqz" }, { "[^\\Wj]x", "qx" }, { "[\\x41-\\x43]x", "Bx" }, { "\\x4Aq", "Jq" }, { "\\112q", "Jq" },
	{ "j\\nk", "j\nk" }, { "j.k", "j\nk" }, { "^jk$\\z", "jk" }, { "(?s-i:jk)(?i)q", "jkQ" }, { "jk\\E+q", "jkkq" },
	{ "(?>j|jk)x", "jx" }, { "(jk(q)?)?x", "x" }, { "(?:a{2}){2,}b", "aaaab" }, { "(?i)\\x6a\\x{4b}", "JK" }, { "j\\ck", "j\v" },
};

static void
test_known(void **state)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		struct rx_case c;

		assert_true(rx_case_new(&c, (struct waf_str){ known[i].pattern, strlen(known[i].pattern) }, WAF_OPTIONS, 1));
		if (!rx_try(&c, known[i].text, strlen(known[i].text)) && strstr(known[i].pattern, "{,2}") == NULL)
			fail_msg("%s doesn't match %s", known[i].pattern, known[i].text);
		rx_case_free(&c);
	}
}

/* Every pattern of the installed Core Rule Set. */
static void
test_crs(void **state)
{
	struct arena *a = arena_new(0);
	size_t n, hit = 0, with = 0, pl1 = 0, pl1_with = 0;
	struct crs_rx *v = crs_rx_read(CRS_RULES, a, &n);
	struct rxlit l;

	if (n == 0) {
		arena_free(&a);
		skip();
	}
	assert_true(n > 200);
	for (size_t i = 0; i < n; i++) {
		attack("CRS", v[i].pattern, WAF_OPTIONS, 60, &hit);
		rxlit_extract(&l, v[i].pattern, WAF_OPTIONS, a);
		with += l.n > 0;
		pl1 += v[i].paranoia <= 1;
		pl1_with += v[i].paranoia <= 1 && l.n > 0;
	}
	print_message("# %zu patterns, %zu matched by some text, %zu with literals; level 1: %zu of %zu\n", n, hit, with,
	    pl1_with, pl1);
	assert_true(hit * 100 >= n * 90);
	assert_true(pl1_with * 100 >= pl1 * 70);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_options_and_limits),
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_nasty),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_crs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
