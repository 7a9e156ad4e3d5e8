/* SPDX-License-Identifier: MIT */
/*
 * Transformations against judges, on some ten thousand texts made of the bytes that matter to each: PCRE2's
 * substitution where a pattern says it all, OpenSSL for base64, and slow ways with the C library for the rest.
 */
#include "config.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <ctype.h>
#include <openssl/evp.h>
#include <pcre2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "haproxy-spoa/waf/transform.h"
#include "lib/arena.h"

#define TEXT_MAX	80
#define OUT_MAX		(TEXT_MAX * 4)
#define ROUNDS		3000

static struct arena *arena;

static uint32_t
rng(void)	/* xorshift64*, Vigna 2014 */
{
	static uint64_t s = 88172645463325252ULL;

	s ^= s >> 12;
	s ^= s << 25;
	s ^= s >> 27;
	return (uint32_t)((s * 2685821657736338717ULL) >> 32);
}

/* Up to TEXT_MAX bytes, most of them of <letters>. */
static size_t
make_text(char *p, const char *letters, size_t n_letters)
{
	size_t n = rng() % TEXT_MAX;

	for (size_t i = 0; i < n; i++)
		p[i] = rng() % 16 == 0 ? (char)rng() : letters[rng() % n_letters];
	return n;
}

static void
compare(enum waf_tfn t, const char *in, size_t n, const char *expect, size_t expect_n)
{
	struct waf_str out;
	int rc;

	arena_reset(arena);
	rc = waf_tfn_apply(t, NULL, (struct waf_str){ in, n }, &out, arena);
	if (out.n != expect_n || memcmp(out.p, expect, out.n) != 0)
		fail_msg("%s on \"%.*s\": \"%.*s\", expected \"%.*s\"", waf_tfn_name(t), (int)n, in, (int)out.n, out.p,
		    (int)expect_n, expect);
	assert_int_equal(rc, !(expect_n == n && memcmp(in, expect, n) == 0));
	assert_true(rc != 0 || out.p == in);
}

struct step {
	const char	*pattern, *by;
};

/* One substitution, in place. */
static size_t
substitute(const struct step *s, char *text, size_t n)
{
	pcre2_code *code;
	char out[OUT_MAX];
	size_t at, len = sizeof(out);
	int err;

	code = pcre2_compile((PCRE2_SPTR)s->pattern, PCRE2_ZERO_TERMINATED, PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY, &err, &at, NULL);
	assert_non_null(code);
	assert_true(pcre2_substitute(code, (PCRE2_SPTR)text, n, 0, PCRE2_SUBSTITUTE_GLOBAL | PCRE2_SUBSTITUTE_EXTENDED, NULL,
	    NULL, (PCRE2_SPTR)s->by, PCRE2_ZERO_TERMINATED, (PCRE2_UCHAR *)out, &len) >= 0);
	memcpy(text, out, len);
	pcre2_code_free(code);
	return len;
}

/* Steps are done one after the other, each on the whole text. */
static const struct {
	enum waf_tfn	 t;
	const char	*letters;
	size_t		 n;
	struct step	 step[5];
} by_pattern[] = {
#define LETTERS(s)	s, sizeof(s) - 1
	{ WAF_T_replaceComments, LETTERS("ab/*/*"), { { "/\\*(?:.*?\\*/|.*)", " " } } },
	{ WAF_T_removeComments, LETTERS("ab/*/*<!-->#"), {
	    { "(?:/\\*|<!--)(?:.*?(?:\\*/|-->)|(.*))|(?:--|#).*", "${1:+ }" } } },
	{ WAF_T_removeCommentsChar, LETTERS("ab/*/*<!-->#"), { { "<!--|-->|/\\*|\\*/|--|#", "" } } },
	{ WAF_T_compressWhitespace, LETTERS("ab \t\n\v\xa0"), { { "[\\s\\xa0]+", " " } } },
	{ WAF_T_removeWhitespace, LETTERS("ab \t\n\f\xa0"), { { "[\\s\\xa0]+", "" } } },
	{ WAF_T_removeNulls, LETTERS("ab\0"), { { "\\x00", "" } } },
	{ WAF_T_replaceNulls, LETTERS("ab\0"), { { "\\x00", " " } } },
	{ WAF_T_trim, LETTERS(" \t\n\v\f\ra"), { { "\\A\\s+|\\s+\\z", "" } } },
	{ WAF_T_trimLeft, LETTERS(" \t\n\v\f\ra"), { { "\\A\\s+", "" } } },
	{ WAF_T_trimRight, LETTERS(" \t\n\v\f\ra"), { { "\\s+\\z", "" } } },
	{ WAF_T_lowercase, LETTERS("abcXYZ@[`{"), { { "([A-Z])", "\\L$1" } } },
	{ WAF_T_uppercase, LETTERS("abcXYZ@[`{"), { { "([a-z])", "\\U$1" } } },
	{ WAF_T_cmdLine, LETTERS("aB \t;,\"'\\^/("), {
	    { "[\"'\\\\^]", "" }, { "[ \\t\\r\\n,;]+", " " }, { " (?=[/(])", "" }, { "([A-Z])", "\\L$1" } } },
};

/* A comment without end and without text behind its mark: the group is set, but empty, and ${1:+ } is its blank. */
static void
test_by_pattern(void **state)
{
	char in[TEXT_MAX], expect[OUT_MAX];
	size_t n, e;

	(void)state;
	for (size_t i = 0; i < sizeof(by_pattern) / sizeof(by_pattern[0]); i++) {
		for (int round = 0; round < ROUNDS; round++) {
			n = make_text(in, by_pattern[i].letters, by_pattern[i].n);
			memcpy(expect, in, n);
			e = n;
			for (const struct step *s = by_pattern[i].step; s->pattern != NULL; s++)
				e = substitute(s, expect, e);
			compare(by_pattern[i].t, in, n, expect, e);
		}
	}
}

/* Escapes decoded one at a time by strtoul; returns bytes used, 0: no escape here. */
typedef size_t one_fn(const char *p, size_t n, char *c);

static bool
all(const char *p, size_t n, int (*is)(int))
{
	for (size_t i = 0; i < n; i++)
		if (!is((unsigned char)p[i]))
			return false;
	return true;
}

static unsigned long
number(const char *p, size_t n, int base)
{
	char text[32];

	snprintf(text, sizeof(text), "%.*s", (int)n, p);
	return strtoul(text, NULL, base);
}

static char
narrow(unsigned long v)
{
	return (char)(v >= 0xff01 && v <= 0xff5e ? v - 0xff00 + 0x20 : v);
}

static int
is_octal(int c)
{
	return c >= '0' && c <= '7';
}

static size_t
one_url(const char *p, size_t n, char *c)
{
	if (p[0] == '+') {
		*c = ' ';
		return 1;
	}
	if (p[0] != '%' || n < 3 || !all(p + 1, 2, isxdigit))
		return 0;
	*c = (char)number(p + 1, 2, 16);
	return 3;
}

static size_t
one_url_uni(const char *p, size_t n, char *c)
{
	if (n >= 6 && p[0] == '%' && tolower(p[1]) == 'u' && all(p + 2, 4, isxdigit)) {
		*c = narrow(number(p + 2, 4, 16));
		return 6;
	}
	return one_url(p, n, c);
}

static size_t
one_c(const char *p, size_t n, char *c)
{
	static const char from[] = "abfnrtv", to[] = "\a\b\f\n\r\t\v";
	size_t k;

	if (p[0] != '\\' || n < 2)
		return 0;
	for (k = 0; k < 3 && k + 1 < n && is_octal(p[1 + k]); k++)
		;
	if (k != 0) {
		*c = (char)number(p + 1, k, 8);
		return 1 + k;
	}
	if (tolower(p[1]) == 'x' && n >= 4 && all(p + 2, 2, isxdigit)) {
		*c = (char)number(p + 2, 2, 16);
		return 4;
	}
	*c = p[1] != 0 && strchr(from, p[1]) != NULL ? to[strchr(from, p[1]) - from] : p[1];
	return 2;
}

static size_t
one_js(const char *p, size_t n, char *c)
{
	if (n >= 6 && p[0] == '\\' && p[1] == 'u' && all(p + 2, 4, isxdigit)) {
		*c = narrow(number(p + 2, 4, 16));
		return 6;
	}
	if (n >= 4 && p[0] == '\\' && p[1] > '3' && all(p + 1, 3, is_octal)) {
		*c = (char)number(p + 1, 2, 8);
		return 3;
	}
	if (n >= 2 && p[0] == '\\' && p[1] == 'X') {
		*c = 'X';
		return 2;
	}
	return one_c(p, n, c);
}

static size_t
one_entity(const char *p, size_t n, char *c)
{
	static const struct { const char *name; char c; } t[] = {
		{ "quot", '"' }, { "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "nbsp", '\xa0' },
	};
	size_t head = 1, k, i;

	if (p[0] != '&')
		return 0;
	if (n > 1 && p[1] == '#')
		head = n > 2 && tolower(p[2]) == 'x' ? 3 : 2;
	for (k = head; k < n && (head == 1 ? isalnum((unsigned char)p[k]) : head == 2 ? isdigit((unsigned char)p[k]) :
	    isxdigit((unsigned char)p[k])); k++)
		;
	if (k == head)
		return 0;
	if (head == 1) {
		for (i = 0; i < 5 && !(strlen(t[i].name) == k - 1 && strncasecmp(t[i].name, p + 1, k - 1) == 0); i++)
			;
		if (i == 5)
			return 0;
		*c = t[i].c;
	} else
		*c = (char)number(p + head, k - head, head == 2 ? 10 : 16);
	return k + (k < n && p[k] == ';');
}

static const struct {
	enum waf_tfn	 t;
	const char	*letters;
	one_fn		*one;
} by_one[] = {
	{ WAF_T_urlDecode, "%%%+24aFguU", one_url }, { WAF_T_urlDecodeUni, "%%%+204aFguuU", one_url_uni },
	{ WAF_T_jsDecode, "\\\\\\\\xuX01237890afFgntv", one_js },
	{ WAF_T_escapeSeqDecode, "\\\\\\xX01237890afgbnrtv?'\"", one_c },
	{ WAF_T_htmlEntityDecode, "&&&&##xX;;0123ltgamp", one_entity },
	{ WAF_T_htmlEntityDecode, "&&&nbspquotLTAMP;", one_entity },
};

static void
test_one_by_one(void **state)
{
	char in[TEXT_MAX], expect[TEXT_MAX];
	size_t n, e, i, k;

	(void)state;
	for (size_t t = 0; t < sizeof(by_one) / sizeof(by_one[0]); t++) {
		for (int round = 0; round < ROUNDS * 3; round++) {
			n = make_text(in, by_one[t].letters, strlen(by_one[t].letters));
			for (i = e = 0; i < n; i += k, e++)
				if ((k = by_one[t].one(in + i, n - i, &expect[e])) == 0) {
					expect[e] = in[i];
					k = 1;
				}
			compare(by_one[t].t, in, n, expect, e);
		}
	}
}

/* The longest well-formed beginning goes through OpenSSL, which wants whole groups of four. */
static void
test_base64(void **state)
{
	unsigned char in[TEXT_MAX + 4], out[OUT_MAX], back[OUT_MAX];
	size_t n, k;
	int len;

	(void)state;
	for (int round = 0; round < ROUNDS * 3; round++) {
		n = make_text((char *)in, "ABC xyz019+/", 12);
		len = EVP_EncodeBlock(out, in, (int)n);
		compare(WAF_T_base64Encode, (char *)in, n, (char *)out, (size_t)len);
		compare(WAF_T_base64Decode, (char *)out, (size_t)len, (char *)in, n);
		n = make_text((char *)in, "ABCDwxyz0189+/", 14);
		for (k = 0; k < n && (isalnum(in[k]) || in[k] == '+' || in[k] == '/'); k++)
			;
		memcpy(back, in, k);
		memset(back + k, 'A', 4);
		len = EVP_DecodeBlock(out, back, (int)((k + 3) / 4 * 4));
		assert_true(len >= 0);
		compare(WAF_T_base64Decode, (char *)in, n, (char *)out, k / 4 * 3 + (k % 4 == 0 ? 0 : k % 4 - 1));
	}
}

/* A path as a list of names. */
static size_t
path_slowly(const char *in, size_t n, char *out)
{
	char seg[TEXT_MAX][TEXT_MAX];
	size_t len[TEXT_MAX], count = 0, i = 0, k, o = 0;
	bool root = n != 0 && in[0] == '/';

	for (; i < n; i = k + 1) {
		for (k = i; k < n && in[k] != '/'; k++)
			;
		if (k == i || (k - i == 1 && in[i] == '.'))
			continue;
		if (k - i == 2 && in[i] == '.' && in[i + 1] == '.') {
			if (count != 0 && !(len[count - 1] == 2 && memcmp(seg[count - 1], "..", 2) == 0)) {
				count--;
				continue;
			}
			if (root)
				continue;
		}
		memcpy(seg[count], in + i, k - i);
		len[count++] = k - i;
	}
	if (root)
		out[o++] = '/';
	for (i = 0; i < count; i++) {
		memcpy(out + o, seg[i], len[i]);
		o += len[i];
		if (i + 1 < count || in[n - 1] == '/')
			out[o++] = '/';
	}
	return o;
}

static void
test_path(void **state)
{
	char in[TEXT_MAX], turned[TEXT_MAX], expect[OUT_MAX];
	size_t n, e;

	(void)state;
	for (int round = 0; round < ROUNDS * 5; round++) {
		n = make_text(in, "/../..a\\", 8);
		compare(WAF_T_normalizePath, in, n, expect, path_slowly(in, n, expect));
		for (size_t i = 0; i < n; i++)
			turned[i] = (char)(in[i] == '\\' ? '/' : in[i]);
		e = path_slowly(turned, n, expect);
		compare(WAF_T_normalizePathWin, in, n, expect, e);
	}
}

static int
setup(void **state)
{
	(void)state;
	arena = arena_new(0);
	return arena == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_pattern), cmocka_unit_test(test_one_by_one), cmocka_unit_test(test_base64),
		cmocka_unit_test(test_path),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
