/* SPDX-License-Identifier: MIT */
/*
 * No text that PCRE2 matches is held back by the literal extractor's gates.  Byte 0: options and how the
 * pattern is spelled (as it is, or one token per byte, which makes more patterns that compile); byte 1: its length.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/waf/rx_gen.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char *const token[] = {
	"a", "b", "c", "A", "B", "ab", "bca", "select", "1", "2", "0", ",", " ", "#", "\n", "-", "_", "=", "x", "E",
	"(", "(", ")", ")", ")", "|", "|", "*", "+", "?", "*?", "++", "?+", "{2}", "{1,3}", "{0,2}", "{3,}", "{,2}", "{ 1 }", "{",
	"}", "[", "]", "[^", "[ab]", "[a-c]", "[^a]", "[]a]", "[^]a]", "[-a]", "[a-]", "[[:alpha:]b]", "[^[:^digit:]]",
	"[[:upper:]]", "[^[:lower:]]", "[\\x41-\\x43]", "[\\d\\-a]", "[\\w.-]", "[^\\W]", "[\\b]", "[\\101]", "[\\8a]",
	"(?:", "(?i)", "(?i:", "(?-i)", "(?-i:", "(?x)", "(?x:", "(?^:", "(?s)", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?|",
	"(?<n>", "(?P<m>", "(?'o'", "(?P=m)", "\\k<n>", "\\k{n}", "\\g1", "\\g{-1}", "\\g{1}", "(?#c)", "(?1)", "(?R)",
	"(?(1)", "(?(DEFINE)", "(*ACCEPT)", "(*F)", "(?C1)", "^", "$", ".", "\\b", "\\B", "\\A", "\\z", "\\Z", "\\G", "\\K",
	"\\d", "\\D", "\\w", "\\W", "\\s", "\\S", "\\h", "\\H", "\\v", "\\V", "\\R", "\\X", "\\N", "\\C", "\\pL", "\\P{Lu}", "\\p{^L}",
	"\\x41", "\\x{62}", "\\x", "\\x6", "\\o{101}", "\\0", "\\01", "\\101", "\\1", "\\2", "\\10", "\\11", "\\81", "\\cA", "\\e",
	"\\t", "\\n", "\\Q", "\\E", "\\Qa.b\\E", "\\\\", "\\.", "\\-", "\\]", "[[:<:]]", "[[:>:]]", "[a\\]b]", "[[a]", "[[:a]", "\\",
	"(?i)a|b", "(?<", "[a-\\d]", "[\\w-c]", "&", "/", "\"", "\\xff", "\\xc0", "@", "`", "(?xx)", "(?n)", "(?J)", "(?U)", "(*UTF)",
};
#define N_TOKEN	(sizeof(token) / sizeof(*token))

static const uint32_t option[] = {
	0, PCRE2_CASELESS, PCRE2_EXTENDED, PCRE2_CASELESS | PCRE2_EXTENDED, PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY, PCRE2_UTF,
	PCRE2_UNGREEDY | PCRE2_NO_AUTO_CAPTURE, PCRE2_MULTILINE,
};

void
rx_caught(const struct rx_case *c, const char *text, size_t n, const char *gate)
{
	fprintf(stderr, "pattern %.*s options %#x text %.*s fails %s\n", (int)c->pattern.n, c->pattern.p,
	    (unsigned)c->options, (int)n, text, gate);
	abort();
}

static size_t
spell(char *out, size_t size, const uint8_t *p, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		const char *t = token[p[i] % N_TOKEN];

		if (k + strlen(t) > size)
			break;
		memcpy(out + k, t, strlen(t));
		k += strlen(t);
	}
	return k;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char spelled[1024];
	struct waf_str pattern;
	struct rx_case c;
	size_t len;
	uint64_t seed = 88172645463325252ULL;

	if (n < 2)
		return 0;
	len = data[1] > n - 2 ? n - 2 : data[1];
	pattern = (struct waf_str){ (const char *)data + 2, len };
	if (data[0] & 0x80)
		pattern = (struct waf_str){ spelled, spell(spelled, sizeof(spelled), data + 2, len) };
	for (size_t i = 0; i < n; i++)
		seed = (seed ^ data[i]) * 1099511628211ULL;
	if (!rx_case_new(&c, pattern, option[data[0] & 7], seed))
		return 0;
	rx_try(&c, (const char *)data + 2 + len, n - 2 - len);
	rx_attack(&c, 24);
	rx_case_free(&c);
	return 0;
}
