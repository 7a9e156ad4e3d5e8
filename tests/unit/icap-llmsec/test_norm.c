/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

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
		cmocka_unit_test(test_text), cmocka_unit_test(test_map), cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
