/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "icap-llmsec/decode.h"

static const char text[] = "event: x\ndata: {\"a\": \"b\"}\n\n";
/* <text> as brotli -q 11 writes it */
static const unsigned char br[] = {
	0x0f, 0x0d, 0x80, 0x65, 0x76, 0x65, 0x6e, 0x74, 0x3a, 0x20, 0x78, 0x0a, 0x64, 0x61, 0x74, 0x61, 0x3a,
	0x20, 0x7b, 0x22, 0x61, 0x22, 0x3a, 0x20, 0x22, 0x62, 0x22, 0x7d, 0x0a, 0x0a, 0x03,
};

/* <bits>: 31 gzip, 15 zlib, -15 bare; a sync flush after every <step> bytes (0: none). */
static struct buf
packed(int bits, const void *p, size_t len, size_t step)
{
	struct buf b = { 0 };
	z_stream z = { 0 };

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (unsigned char *)(uintptr_t)p;
	for (size_t at = 0; at <= len; at += step) {
		size_t n = step == 0 || len - at < step ? len - at : step;

		z.avail_in = (unsigned)n;
		z.next_out = (unsigned char *)buf_room(&b, n + 4096);
		z.avail_out = (unsigned)n + 4096;
		assert_non_null(z.next_out);
		deflate(&z, at + n == len ? Z_FINISH : Z_SYNC_FLUSH);
		buf_wrote(&b, n + 4096 - z.avail_out);
		if (at + n == len)
			break;
	}
	deflateEnd(&z);
	return b;
}

static void
expect(const char *coding, const void *p, size_t len, const void *want, size_t want_len)
{
	struct buf out = { 0 };
	struct decode *d;

	assert_int_equal(decode_all(coding, p, len, 1 << 20, &out), 0);
	assert_int_equal(buf_len(&out), want_len);
	assert_memory_equal(buf_ptr(&out), want, want_len);
	buf_free(&out);
	for (size_t cut = 1; cut < len; cut++) {
		assert_int_equal(decode_new(&d, decode_coding(coding), 1 << 20), 0);
		assert_int_equal(decode_feed(d, p, cut, &out), 0);
		if (decode_coding(coding) != DECODE_IDENTITY)
			assert_int_equal(decode_finish(d), -ENODATA);
		assert_int_equal(decode_feed(d, (const char *)p + cut, len - cut, &out), 0);
		assert_int_equal(decode_finish(d), 0);
		assert_int_equal(buf_len(&out), want_len);
		assert_memory_equal(buf_ptr(&out), want, want_len);
		decode_free(&d);
		buf_free(&out);
	}
}

static void
test_codings(void **state)
{
	static const struct { const char *name; int bits; } t[] = {
		{ "gzip", 31 }, { "x-gzip", 31 }, { "GZIP", 31 }, { "deflate", 15 }, { "deflate", -15 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		for (size_t step = 0; step < 9; step += 4) {
			struct buf b = packed(t[i].bits, text, sizeof(text) - 1, step);

			expect(t[i].name, buf_ptr(&b), buf_len(&b), text, sizeof(text) - 1);
			buf_free(&b);
		}
	expect("identity", text, sizeof(text) - 1, text, sizeof(text) - 1);
	expect(" br ", br, sizeof(br), text, sizeof(text) - 1);
}

static void
test_names(void **state)
{
	assert_int_equal(decode_coding(NULL), DECODE_IDENTITY);
	assert_int_equal(decode_coding("  "), DECODE_IDENTITY);
	assert_int_equal(decode_coding("zstd"), DECODE_UNKNOWN);
	assert_int_equal(decode_coding("gzip, br"), DECODE_UNKNOWN);
	assert_int_equal(decode_coding("gzip,gzip"), DECODE_UNKNOWN);
	assert_int_equal(decode_coding("gzipx"), DECODE_UNKNOWN);
}

/* What was flushed comes out at once: the client of a stream is waiting for it. */
static void
test_flushed(void **state)
{
	struct buf b = packed(31, text, sizeof(text) - 1, 10), out = { 0 };
	struct decode *d;
	size_t at = 0, seen = 0;

	assert_int_equal(decode_new(&d, DECODE_GZIP, 1 << 20), 0);
	while (at < buf_len(&b) && buf_len(&out) < 10)
		assert_int_equal(decode_feed(d, buf_ptr(&b) + at++, 1, &out), 0);
	seen = buf_len(&out);
	assert_true(seen >= 10 && seen < 20);
	assert_true(at < buf_len(&b));
	decode_free(&d);
	buf_free(&b);
	buf_free(&out);
}

static void
test_members(void **state)
{
	struct buf a = packed(31, "one ", 4, 0), b = packed(31, "two", 3, 0), out = { 0 };

	buf_add(&a, buf_ptr(&b), buf_len(&b));
	assert_int_equal(decode_all("gzip", buf_ptr(&a), buf_len(&a), 100, &out), 0);
	assert_int_equal(buf_len(&out), 7);
	assert_memory_equal(buf_ptr(&out), "one two", 7);
	buf_free(&a);
	buf_free(&b);
	buf_free(&out);
}

static void
test_bad(void **state)
{
	struct buf b = packed(31, text, sizeof(text) - 1, 0), z = packed(15, text, sizeof(text) - 1, 0), out = { 0 };

	assert_int_equal(decode_all("gzip", buf_ptr(&b), buf_len(&b) - 1, 100, &out), -ENODATA);
	assert_int_equal(decode_all("gzip", text, sizeof(text) - 1, 100, &out), -EILSEQ);
	assert_int_equal(decode_all("br", text, sizeof(text) - 1, 100, &out), -EILSEQ);
	assert_int_equal(decode_all("br", br, sizeof(br) - 1, 100, &out), -ENODATA);
	assert_int_equal(decode_all("zstd", text, sizeof(text) - 1, 100, &out), -EOPNOTSUPP);
	assert_int_equal(decode_all("gzip", buf_ptr(&b), buf_len(&b), 5, &out), -EFBIG);
	buf_adds(&z, "x");
	assert_int_equal(decode_all("deflate", buf_ptr(&z), buf_len(&z), 100, &out), -EILSEQ);
	b.data[b.len - 5] ^= 1;		/* checksum */
	buf_clear(&out);
	assert_int_equal(decode_all("gzip", buf_ptr(&b), buf_len(&b), 100, &out), -EILSEQ);
	buf_free(&b);
	buf_free(&z);
	buf_free(&out);
}

static void
test_bomb(void **state)
{
	size_t n = (size_t)32 << 20;
	char *zeros = calloc(1, n);
	struct buf b, out = { 0 };

	assert_non_null(zeros);
	b = packed(31, zeros, n, 0);
	assert_int_equal(decode_all("gzip", buf_ptr(&b), buf_len(&b), n, &out), -EFBIG);
	assert_true(buf_len(&out) <= (size_t)16 << 20);
	free(zeros);
	buf_free(&b);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codings), cmocka_unit_test(test_names), cmocka_unit_test(test_flushed),
		cmocka_unit_test(test_members), cmocka_unit_test(test_bad), cmocka_unit_test(test_bomb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
