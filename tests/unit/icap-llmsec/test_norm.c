/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <utf8proc.h>

#include "icap-llmsec/feature.h"
#include "icap-llmsec/norm.h"
#include "lib/utf8.h"

static struct arena *arena;

static struct norm
norm(const char *text, size_t len)
{
	struct norm n;

	arena_reset(arena);
	assert_int_equal(norm_text(&n, text, len, arena), 0);
	assert_int_equal(n.text[n.len], '\0');
	assert_true(utf8_valid(n.text, n.len));
	assert_int_equal(n.map[n.len], len);
	for (size_t i = 0; i < n.len; i++)
		assert_true(n.map[i] < len && n.map[i] <= n.map[i + 1]);
	return n;
}

static void
test_text(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "", "" },
		{ "Hello World", "hello world" },
		{ " \t\r\n a \xc2\xa0\xe3\x80\x80\xe2\x80\xa8 b\n", "a b " },
		{ "\xc3\x84\xc3\x96\xc3\x97\xc3\x9f", "\xc3\xa4\xc3\xb6\xc3\x97\xc3\x9f" },	/* latin: AE OE times ss */
		{ "\xc4\x80\xc4\xb9\xc5\xb9\xc5\xb8\xc4\xb1", "\xc4\x81\xc4\xba\xc5\xba\xc3\xbf\xc4\xb1" },
		{ "\xce\x91\xce\xa9", "\xce\xb1\xcf\x89" },					/* greek */
		{ "\xd0\x90\xd0\xaf\xd0\x81", "\xd0\xb0\xd1\x8f\xd1\x91" },			/* cyrillic */
		{ "\xef\xbc\xa1\xef\xbd\x82\xef\xbc\x91", "ab1" },				/* full width */
		{ "\xe2\x80\x98x\xe2\x80\x99 \xe2\x80\x9cy\xe2\x80\x9d \xc2\xabz\xc2\xbb", "'x' \"y\" \"z\"" },
		{ "a\xe2\x80\x93" "b\xe2\x80\x94", "a-b-" },
		{ "i\xe2\x80\x8bg\xe2\x81\xa0n\xc2\xado\xef\xbb\xbfr\xef\xb8\x8f" "e\x01", "ignore" },	/* invisible */
		{ "\xe2\x80\xae" "abc\xe2\x80\xac", "abc" },						/* bidi */
		{ "x\xf3\xa0\x81\x89\xf3\xa0\x81\xa7\xf3\xa0\x80\xa0y\xf3\xa0\x81\xbf", "xig y" },	/* tags */
		{ "a\xff\xc3(", "a\xef\xbf\xbd\xef\xbf\xbd(" },
		{ "a\xe2\x80", "a\xef\xbf\xbd" },
		{ "`x`", "`x`" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct norm n = norm(t[i].in, strlen(t[i].in));

		if (n.len != strlen(t[i].out) || memcmp(n.text, t[i].out, n.len) != 0)
			fail_msg("%zu: \"%s\"", i, n.text);
	}
	assert_int_equal(norm("a\0b", 3).len, 2);
}

static void
test_map(void **state)
{
	struct norm n = norm("\xef\xbb\xbf\xef\xbc\xa1 \t\xc3\x84x", 11);

	assert_int_equal(n.len, 5);	/* "a", blank, two bytes, "x" */
	assert_int_equal(n.map[0], 3);
	assert_int_equal(n.map[1], 6);
	assert_int_equal(n.map[2], 8);
	assert_int_equal(n.map[3], 8);
	assert_int_equal(n.map[4], 10);
	n = norm("\na b \n c\r\nd \xe2\x80\xa8", 15);
	assert_string_equal(n.text, "a b c d ");
	for (size_t i = 0; i < n.len; i++)
		assert_int_equal(norm_line_end(&n, i), i == 3 || i == 5 || i == 7);
}

/* Any two bytes in any text: valid UTF-8, places in order; norm() checks it. */
static void
test_any_bytes(void **state)
{
	char s[6] = "a..b";

	for (unsigned i = 0; i < 65536; i++) {
		s[1] = (char)(i >> 8);
		s[2] = (char)i;
		norm(s, 4);
	}
}

/* What norm_plain() says of a character is what Unicode does. */
static void
test_plain(void **state)
{
	size_t plain = 0;

	for (uint32_t c = 0x80; c < 0x110000; c++) {
		const utf8proc_property_t *p = utf8proc_get_property((utf8proc_int32_t)c);
		char s[6] = "a";
		size_t k = utf8_encode(s + 1, c);

		if (!norm_plain(c))
			continue;
		plain++;
		s[1 + k] = '\0';
		assert_true(p->category == UTF8PROC_CATEGORY_LL || p->category == UTF8PROC_CATEGORY_LO);
		assert_int_equal(p->decomp_type, 0);
		assert_false(p->ignorable);
		assert_int_equal(utf8proc_tolower((utf8proc_int32_t)c), c);
		assert_true(feature_is_letter(c) || feature_is_single(c));
		assert_string_equal(norm(s, k + 1).text, s);
	}
	assert_true(plain > 38000);
}

/* ASCII goes in steps of 16 bytes; here one at a time. */
static void
test_ascii(void **state)
{
	static const char alphabet[] = "aaaaaaaaZ~!0  \t\n\r\x7f\x01";
	unsigned seed = 1;
	char text[100], want[100];

	for (int t = 0; t < 20000; t++) {
		size_t n = (size_t)rand_r(&seed) % sizeof(text), len = 0, of = (size_t)(t % 2 ? sizeof(alphabet) - 1 : 14);
		uint32_t map[100];
		bool lines[100] = { false };
		struct norm got;

		for (size_t i = 0; i < n; i++) {
			unsigned char c = (unsigned char)(text[i] = alphabet[(size_t)rand_r(&seed) % of]);
			bool end = c == '\n' || c == '\r', white = c == ' ' || c == '\t' || end;

			if ((c > ' ' && c < 0x7f) || (white && len > 0 && want[len - 1] != ' ')) {
				map[len] = (uint32_t)i;
				want[len++] = (char)(white ? ' ' : c >= 'A' && c <= 'Z' ? c + 32 : c);
			}
			if (end && len > 0)
				lines[len - 1] = true;
		}
		arena_reset(arena);
		assert_int_equal(norm_text(&got, text, n, arena), 0);
		assert_int_equal(got.len, len);
		assert_memory_equal(got.text, want, len);
		assert_memory_equal(got.map, map, len * sizeof(*map));
		for (size_t i = 0; i < len; i++)
			assert_int_equal(norm_line_end(&got, i), lines[i]);
	}
}

static int
setup(void **state)
{
	arena = arena_new(0);
	return arena == NULL;
}

static int
teardown(void **state)
{
	arena_free(&arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text), cmocka_unit_test(test_map), cmocka_unit_test(test_any_bytes), cmocka_unit_test(test_plain), cmocka_unit_test(test_ascii),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
