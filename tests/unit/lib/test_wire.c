/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/wire.h"

static void
test_read(void **state)
{
	static const uint8_t in[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 'a', 'b', 'c', 'd', 'e' };
	struct wire w;
	size_t n;

	wire_init(&w, in, sizeof(in));
	assert_int_equal(wire_u8(&w), 1);
	assert_int_equal(wire_be16(&w), 0x0203);
	assert_int_equal(wire_be24(&w), 0x040506);
	assert_int_equal(wire_be32(&w), 0x0708090a);
	assert_true(wire_be64(&w) == 0x0b0c0d0e0f101112ULL);
	assert_ptr_equal(wire_bytes(&w, 2), in + 18);
	wire_skip(&w, 1);
	assert_int_equal(wire_left(&w), 2);
	assert_ptr_equal(wire_rest(&w, &n), in + 21);
	assert_int_equal(n, 2);
	assert_int_equal(wire_left(&w), 0);
	assert_int_equal(w.err, 0);
	assert_non_null(wire_bytes(&w, 0));
	assert_int_equal(w.err, 0);
}

/* One read too many, and nothing is read any more, however small. */
static void
check_sticky(struct wire *w, int err)
{
	size_t n = 99;

	assert_int_equal(w->err, err);
	assert_int_equal(wire_left(w), 0);
	assert_int_equal(wire_u8(w), 0);
	assert_int_equal(wire_be16(w), 0);
	assert_int_equal(wire_be24(w), 0);
	assert_int_equal(wire_be32(w), 0);
	assert_true(wire_be64(w) == 0);
	assert_true(wire_varint(w) == 0);
	assert_null(wire_bytes(w, 0));
	assert_null(wire_bytes(w, 1));
	assert_null(wire_rest(w, &n));
	assert_int_equal(n, 0);
	wire_skip(w, 0);
	assert_int_equal(w->err, err);
}

static void
test_read_errors_stick(void **state)
{
	static const uint8_t in[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct wire w;

	for (size_t have = 0; have < 8; have++) {
		wire_init(&w, in, have);
		assert_true(wire_be64(&w) == 0);
		check_sticky(&w, -ENODATA);
		wire_init(&w, in, have);
		assert_null(wire_bytes(&w, have + 1));
		check_sticky(&w, -ENODATA);
		wire_init(&w, in, have);
		wire_skip(&w, SIZE_MAX);
		check_sticky(&w, -ENODATA);
	}
	wire_init(&w, NULL, 0);
	assert_int_equal(wire_left(&w), 0);
	assert_int_equal(w.err, 0);
	wire_skip(&w, 0);
	assert_int_equal(w.err, 0);
	assert_int_equal(wire_u8(&w), 0);
	check_sticky(&w, -ENODATA);
}

/* Lengths by the table of HAProxy's SPOE.txt; the bytes of a few by hand. */
static void
test_varint(void **state)
{
	static const struct {
		uint64_t v;
		size_t	 len;
		uint8_t	 bytes[10];
	} t[] = {
		{ 0, 1, { 0 } }, { 239, 1, { 0xef } }, { 240, 2, { 0xf0, 0 } }, { 241, 2, { 0xf1, 0 } },
		{ 2287, 2, { 0xff, 0x7f } }, { 2288, 3, { 0xf0, 0x80, 0 } }, { 264431, 3, { 0xff, 0xff, 0x7f } },
		{ 264432, 4, { 0xf0, 0x80, 0x80, 0 } }, { 33818863, 4, { 0xff, 0xff, 0xff, 0x7f } },
		{ 33818864, 5, { 0xf0, 0x80, 0x80, 0x80, 0 } }, { 4328786159ULL, 5, { 0xff, 0xff, 0xff, 0xff, 0x7f } },
		{ 4328786160ULL, 6, { 0xf0, 0x80, 0x80, 0x80, 0x80, 0 } },
		{ UINT64_MAX, 10, { 0xff, 0xf0, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0x0e } },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		uint8_t out[10];
		struct wire_out o;
		struct wire w;

		wire_out_init(&o, out, sizeof(out));
		wire_put_varint(&o, t[i].v);
		assert_int_equal(o.err, 0);
		assert_int_equal(wire_out_len(&o), t[i].len);
		assert_memory_equal(out, t[i].bytes, t[i].len);
		wire_init(&w, out, t[i].len);
		assert_true(wire_varint(&w) == t[i].v);
		assert_int_equal(w.err, 0);
		assert_int_equal(wire_left(&w), 0);
		for (size_t cut = 0; cut < t[i].len; cut++) {
			wire_init(&w, out, cut);
			assert_true(wire_varint(&w) == 0);
			check_sticky(&w, -ENODATA);
			wire_out_init(&o, out + 1, cut);	/* all of it or nothing */
			out[1] = 0xaa;
			wire_put_varint(&o, t[i].v);
			assert_int_equal(o.err, -ENOSPC);
			assert_int_equal(wire_out_len(&o), 0);
			assert_int_equal(out[1], 0xaa);
			memcpy(out, t[i].bytes, t[i].len);
		}
	}
}

static void
test_varint_every_small_value(void **state)
{
	uint8_t out[10];

	for (uint64_t v = 0; v < 600000; v++) {
		struct wire_out o;
		struct wire w;

		wire_out_init(&o, out, sizeof(out));
		wire_put_varint(&o, v);
		wire_init(&w, out, wire_out_len(&o));
		if (wire_varint(&w) != v || w.err != 0 || wire_left(&w) != 0)
			fail_msg("%u comes back as another", (unsigned)v);
	}
}

static void
test_varint_beyond_64_bits(void **state)
{
	static const uint8_t in[][12] = {
		{ 0xff, 0xf1, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0x0e },	/* 2^64 */
		{ 0xff, 0xf0, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0x0f },
		{ 0xf0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
		{ 0xf0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00 },
		{ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
	};

	for (size_t i = 0; i < sizeof(in) / sizeof(*in); i++) {
		struct wire w;

		wire_init(&w, in[i], sizeof(in[i]));
		assert_true(wire_varint(&w) == 0);
		check_sticky(&w, -EPROTO);
	}
}

static void
test_write(void **state)
{
	static const uint8_t want[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 'x', 2, 'y', 'z', 0 };
	uint8_t out[sizeof(want)];
	struct wire_out o;

	for (size_t room = 0; room <= sizeof(want); room++) {
		memset(out, 0xaa, sizeof(out));
		wire_out_init(&o, out, room);
		wire_put_u8(&o, 1);
		wire_put_be16(&o, 0x0203);
		wire_put_be32(&o, 0x04050607);
		wire_put_be64(&o, 0x08090a0b0c0d0e0fULL);
		wire_put_bytes(&o, "x", 1);
		wire_put_bytes(&o, NULL, 0);
		wire_put_str(&o, "yz", 2);
		wire_put_str(&o, NULL, 0);
		assert_int_equal(o.err, room < sizeof(want) ? -ENOSPC : 0);
		assert_true(wire_out_len(&o) <= room);
		assert_memory_equal(out, want, wire_out_len(&o));
		for (size_t i = wire_out_len(&o); i < sizeof(out); i++)
			assert_int_equal(out[i], 0xaa);
	}
	assert_int_equal(wire_out_len(&o), sizeof(want));
	/* A write that fits after one that didn't would leave a hole. */
	wire_out_init(&o, out, 3);
	wire_put_be32(&o, 1);
	wire_put_u8(&o, 1);
	assert_int_equal(o.err, -ENOSPC);
	assert_int_equal(wire_out_len(&o), 0);
	wire_out_init(&o, NULL, 0);
	wire_put_bytes(&o, NULL, 0);
	assert_int_equal(o.err, 0);
	wire_put_u8(&o, 1);
	assert_int_equal(o.err, -ENOSPC);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_errors_stick),
		cmocka_unit_test(test_varint),
		cmocka_unit_test(test_varint_every_small_value),
		cmocka_unit_test(test_varint_beyond_64_bits),
		cmocka_unit_test(test_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
