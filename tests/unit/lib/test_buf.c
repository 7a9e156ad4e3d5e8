/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"

/* Against a plain array: bytes come out as they went in, whatever moves or grows inside. */
static void
test_queue(void **state)
{
	static unsigned char piece[5000];
	struct buf b = { 0 };
	uint32_t seed = 7, in = 0, out = 0;

	for (unsigned round = 0; round < 20000; round++) {
		size_t n;

		seed = seed * 1664525u + 1013904223u;
		n = (seed >> 8) % (round % 100 == 0 ? 5000 : 60);
		if (seed >> 30 != 0) {
			for (size_t i = 0; i < n; i++)
				piece[i] = (unsigned char)((in + i) * 7 >> 3);
			assert_int_equal(buf_add(&b, piece, n), 0);
			in += (uint32_t)n;
		} else {
			n = n * 3 < buf_len(&b) ? n * 3 : buf_len(&b);
			for (size_t i = 0; i < n; i++)
				assert_int_equal((unsigned char)buf_ptr(&b)[i], (unsigned char)((out + i) * 7 >> 3));
			buf_consume(&b, n);
			out += (uint32_t)n;
		}
		assert_int_equal(buf_len(&b), in - out);
	}
	assert_true(out > 10000);
	buf_free(&b);
	assert_null(b.data);
}

/* A queue that stays short doesn't grow however much passes through. */
static void
test_memory_is_reused(void **state)
{
	struct buf b = { 0 };

	assert_int_equal(buf_adds(&b, "left over"), 0);
	for (int i = 0; i < 10000; i++) {
		assert_int_equal(buf_adds(&b, "0123456789abcdef0123456789abcdef"), 0);
		buf_consume(&b, 32);
	}
	assert_int_equal(buf_len(&b), 9);
	assert_true(b.cap <= 1024);
	buf_free(&b);
}

static void
test_limit_sticks(void **state)
{
	struct buf b = { .max = 10 };

	assert_int_equal(buf_adds(&b, "12345678"), 0);
	assert_int_equal(buf_adds(&b, "9ab"), -EFBIG);
	assert_int_equal(b.err, -EFBIG);
	assert_int_equal(buf_addc(&b, '9'), -EFBIG);
	assert_int_equal(buf_printf(&b, "9"), -EFBIG);
	assert_int_equal(buf_add_json(&b, "9", 1), -EFBIG);
	assert_null(buf_room(&b, 1));
	assert_int_equal(buf_add(&b, "", 0), -EFBIG);
	assert_int_equal(buf_len(&b), 8);
	assert_memory_equal(buf_ptr(&b), "12345678", 8);
	buf_clear(&b);
	assert_int_equal(b.err, 0);
	assert_int_equal(buf_adds(&b, "123456789a"), 0);
	buf_consume(&b, 4);
	assert_int_equal(buf_adds(&b, "bcde"), 0);	/* what is consumed doesn't count */
	assert_int_equal(buf_addc(&b, 'f'), -EFBIG);
	assert_memory_equal(buf_ptr(&b), "56789abcde", 10);
	buf_free(&b);
}

static void
test_absurd_size(void **state)
{
	struct buf b = { 0 };

	assert_int_equal(buf_adds(&b, "x"), 0);
	assert_null(buf_room(&b, SIZE_MAX));
	assert_int_equal(b.err, -ENOMEM);
	assert_int_equal(buf_adds(&b, "y"), -ENOMEM);
	assert_int_equal(buf_len(&b), 1);
	buf_free(&b);
}

static void
test_printf(void **state)
{
	struct buf b = { 0 };

	for (int i = 0; i < 300; i++)
		assert_int_equal(buf_printf(&b, "%03d,", i), 0);
	assert_int_equal(buf_len(&b), 1200);
	assert_memory_equal(buf_ptr(&b) + 1196, "299,", 4);
	assert_int_equal(buf_printf(&b, "%s", ""), 0);
	assert_int_equal(buf_len(&b), 1200);
	buf_free(&b);
	assert_string_equal(buf_ptr(&b), "");
}

static void
test_json_text(void **state)
{
	static const char in[] = "plain \"q\" \\ \b\f\n\r\t\x01\x1f\x7f\0 \xc3\xbc\xe2\x82\xac end";
	static const char want[] = "plain \\\"q\\\" \\\\ \\u0008\\u000c\\n\\r\\t\\u0001\\u001f\\u007f\\u0000 "
	    "\xc3\xbc\xe2\x82\xac end";
	struct buf b = { 0 };

	assert_int_equal(buf_add_json(&b, in, sizeof(in) - 1), 0);
	assert_int_equal(buf_len(&b), sizeof(want) - 1);
	assert_memory_equal(buf_ptr(&b), want, sizeof(want) - 1);
	assert_int_equal(buf_add_json(&b, "", 0), 0);
	assert_int_equal(buf_len(&b), sizeof(want) - 1);
	buf_free(&b);
}

static void
test_room(void **state)
{
	struct buf b = { 0 };
	char *p = buf_room(&b, 1000);

	assert_non_null(p);
	memset(p, 'r', 1000);
	buf_wrote(&b, 700);
	assert_int_equal(buf_len(&b), 700);
	assert_ptr_equal(buf_room(&b, 300), p + 700);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_memory_is_reused),
		cmocka_unit_test(test_limit_sticks),
		cmocka_unit_test(test_absurd_size),
		cmocka_unit_test(test_printf),
		cmocka_unit_test(test_json_text),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
