/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/utf8.h"

/* Every code point survives; surrogates and what lies beyond have no encoding. */
static void
test_all_code_points(void **state)
{
	char out[4];
	uint32_t cp, back;
	size_t n;
	bool bad;

	for (cp = 0; cp < 0x120000; cp++) {
		n = utf8_encode(out, cp);
		if ((cp >= 0xd800 && cp < 0xe000) || cp > 0x10ffff) {
			assert_int_equal(n, 0);
			continue;
		}
		assert_int_equal(n, cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4);
		assert_int_equal(utf8_decode(out, n, &back, &bad), n);
		assert_int_equal(back, cp);
		assert_false(bad);
		assert_true(utf8_valid(out, n));
		for (size_t k = 1; k < n; k++) {
			assert_int_equal(utf8_decode(out, k, &back, &bad), 0);
			assert_false(bad);
			assert_false(utf8_valid(out, k));
			assert_int_equal(utf8_floor(out, k), 0);
		}
		assert_int_equal(utf8_floor(out, n), n);
		assert_int_equal(utf8_multi_run(out, n), n == 1 ? 0 : n);
	}
}

/* What decodes encodes to the same bytes again: no second spelling of anything gets through. */
static void
check_bijection(const char *p, size_t n)
{
	char out[4];
	uint32_t cp;
	bool bad;
	size_t k = utf8_decode(p, n, &cp, &bad);

	if (k == 0 || bad) {
		if (cp != UTF8_REPLACEMENT || k >= n)
			fail_msg("bad decode of %02x %02x %02x", (uint8_t)p[0], (uint8_t)p[1], (uint8_t)p[2]);
	} else if (utf8_encode(out, cp) != k || memcmp(out, p, k) != 0)
		fail_msg("second spelling %02x %02x %02x", (uint8_t)p[0], (uint8_t)p[1], (uint8_t)p[2]);
}

static void
test_every_sequence(void **state)
{
	static const uint8_t edge[] = { 0x00, 0x22, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff };
	char p[4] = { 0 };
	uint32_t i;

	for (i = 0x800000; i < 0x1000000; i += 1) {
		p[0] = (char)(i >> 16);
		p[1] = (char)(i >> 8);
		p[2] = (char)i;
		if ((i & 0xff) < 0x80 && (i & 0xff) > 1)
			continue;
		check_bijection(p, 3);
		check_bijection(p, 4);
	}
	for (i = 0xf00000; i < 0x1000000; i++) {
		p[0] = (char)(i >> 16);
		p[1] = (char)(i >> 8);
		p[2] = (char)i;
		for (size_t k = 0; k < sizeof(edge); k++) {
			p[3] = (char)edge[k];
			check_bijection(p, 4);
		}
	}
}

struct repair_case {
	const char *in, *out;
};

#define FFFD "\xef\xbf\xbd"

/* The last four are the tables 3-8 to 3-11 of the Unicode standard. */
static const struct repair_case repair_cases[] = {
	{ "", "" },
	{ "plain", "plain" },
	{ "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80" },
	{ "\x80", FFFD },
	{ "a\xff" "b", "a" FFFD "b" },
	{ "\xc3", FFFD },
	{ "x\xe2\x82", "x" FFFD },
	{ "x\xf0\x9f\x98", "x" FFFD },
	{ "\xe2\x82" "A", FFFD "A" },
	{ "\xc3\xc3\xbc", FFFD "\xc3\xbc" },
	{ "\xf0\x9f\x98\xe2\x82\xac", FFFD "\xe2\x82\xac" },
	{ "\xc0\xaf\xe0\x80\xbf\xf0\x81\x82" "A", FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A" },
	{ "\xed\xa0\x80\xed\xbf\xbf\xed\xaf" "A", FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A" },
	{ "\xf4\x91\x92\x93\xff" "A\x80\xbf" "B", FFFD FFFD FFFD FFFD FFFD "A" FFFD FFFD "B" },
	{ "\xe1\x80\xe2\xf0\x91\x92\xf1\xbf" "A", FFFD FFFD FFFD FFFD "A" },
};

static void
test_repair(void **state)
{
	char out[128];

	for (size_t i = 0; i < sizeof(repair_cases) / sizeof(*repair_cases); i++) {
		const struct repair_case *c = &repair_cases[i];
		size_t n = strlen(c->in), k = utf8_repair(out, c->in, n);

		assert_int_equal(k, strlen(c->out));
		assert_memory_equal(out, c->out, k);
		assert_int_equal(utf8_valid(c->in, n), strcmp(c->in, c->out) == 0);
		assert_true(utf8_valid(out, k));
	}
}

/* A stray byte anywhere in long text: the word-wise ways miss none. */
static void
test_stray_byte(void **state)
{
	static const uint8_t stray[] = { 0x80, 0xbf, 0xc0, 0xc1, 0xc3, 0xe2, 0xf0, 0xf5, 0xff };
	char text[64], want[64 * 3], got[64 * 3];

	for (size_t n = 1; n < 40; n++)
		for (size_t at = 0; at < n; at++)
			for (size_t k = 0; k < sizeof(stray); k++) {
				memset(text, 'a', n);
				assert_true(utf8_valid(text, n));
				text[at] = (char)stray[k];
				assert_false(utf8_valid(text, n));
				memset(want, 'a', sizeof(want));
				memcpy(want + at, FFFD, 3);
				assert_int_equal(utf8_repair(got, text, n), n + 2);
				assert_memory_equal(got, want, n + 2);
			}
}

static void
test_floor(void **state)
{
	static const char text[] = "a\xc3\xbc" "b\xe2\x82\xac\xf0\x9f\x98\x80z";
	static const size_t want[] = { 0, 1, 1, 3, 4, 4, 4, 7, 7, 7, 7, 11, 12 };

	for (size_t n = 0; n < sizeof(text); n++)
		assert_int_equal(utf8_floor(text, n), want[n]);
	/* What isn't a beginning of anything is not worth waiting for. */
	assert_int_equal(utf8_floor("\x80\x80\x80\x80", 4), 4);
	assert_int_equal(utf8_floor("a\xff", 2), 2);
	assert_int_equal(utf8_floor("a\xe0\x80", 3), 3);
	assert_int_equal(utf8_floor("a\xe0\xa0", 3), 1);
	assert_int_equal(utf8_floor("a\xed\xa0", 3), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_code_points),
		cmocka_unit_test(test_every_sequence),
		cmocka_unit_test(test_repair),
		cmocka_unit_test(test_stray_byte),
		cmocka_unit_test(test_floor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
