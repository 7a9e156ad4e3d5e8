/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/diag.h"
#include "lib/set_dom.h"
#include "tests/unit/lib/temp.h"

static const char *const names[] = {"malware", "ads"};
static const struct set_meta meta = {
	.created = 1700000000, .generation = 7, .categories = names, .n_categories = 2, .key = "0123456789abcde",
};
static const struct set_class malware = {1, 90, 0}, ads = {2, 40, 0}, pass = {0, 0, SET_PASS};

static char dir[TEMP_PATH], path[TEMP_PATH + 16];

static int
setup(void **state)
{
	temp_new(dir);
	snprintf(path, sizeof(path), "%s/d.set", dir);
	return 0;
}

static int
teardown(void **state)
{
	temp_remove(dir);
	return 0;
}

static void
add(struct set_dom_writer *w, const char *name, const struct set_class *c)
{
	assert_int_equal(set_dom_writer_add(w, name, strlen(name), c), 0);
}

static struct set_dom *
small(void)
{
	struct set_dom_writer *w = set_dom_writer_new(&meta);
	struct set_dom *s;

	assert_non_null(w);
	add(w, "example.com", &malware);
	add(w, "good.example.com", &pass);
	add(w, "bad.good.example.com", &ads);
	add(w, "a-label-that-is-longer-than-eight.example.net", &ads);
	assert_int_equal(set_dom_writer_write(w, path), 0);
	set_dom_writer_free(&w);
	assert_int_equal(set_dom_open(&s, path, 0, NULL), 0);
	return s;
}

static bool
find(const struct set_dom *s, const char *name, struct set_hit *h)
{
	memset(h, 0, sizeof(*h));
	return set_dom_find(s, name, strlen(name), h);
}

static void
test_suffixes(void **state)
{
	struct set_dom *s = small();
	struct set_info info;
	struct set_hit h;

	assert_true(find(s, "example.com", &h));
	assert_int_equal(h.categories, 1);
	assert_int_equal(h.confidence, 90);
	assert_int_equal(h.depth, 2);
	assert_true(find(s, "x.y.example.com", &h));
	assert_false(find(s, "notexample.com", &h));
	assert_false(find(s, "com", &h));
	assert_false(find(s, "good.example.com", &h));
	assert_false(find(s, "x.good.example.com", &h));
	assert_true(find(s, "bad.good.example.com", &h));
	assert_int_equal(h.categories, 2);
	assert_int_equal(h.depth, 4);
	assert_true(find(s, "w.a-label-that-is-longer-than-eight.example.net", &h));
	assert_false(find(s, "example.net", &h));
	assert_false(find(s, "", &h));
	assert_false(find(s, ".", &h));
	assert_false(find(s, "example.com.", &h));
	assert_false(set_dom_find(NULL, "example.com", 11, NULL));
	set_dom_info(s, &info);
	assert_int_equal(info.entries, 4);
	assert_int_equal(info.generation, 7);
	assert_int_equal(info.created, 1700000000);
	assert_string_equal(set_dom_category(s, 1), "ads");
	assert_null(set_dom_category(s, 2));
	set_dom_close(&s);
}

static void
test_top(void **state)
{
	struct set_dom_writer *w = set_dom_writer_new(&meta);
	struct set_dom *s;
	struct set_hit h;

	add(w, "zip", &malware);
	add(w, "example.com", &ads);
	assert_int_equal(set_dom_writer_write(w, path), 0);
	set_dom_writer_free(&w);
	assert_int_equal(set_dom_open(&s, path, 0, NULL), 0);
	assert_true(find(s, "zip", &h));
	assert_true(find(s, "a.b.zip", &h));
	assert_int_equal(h.depth, 1);
	assert_true(find(s, "www.example.com", &h));
	assert_false(find(s, "zipper", &h));
	set_dom_close(&s);
}

static void
test_empty(void **state)
{
	struct set_dom_writer *w = set_dom_writer_new(&meta);
	struct set_dom *s;
	struct set_hit h;

	assert_int_equal(set_dom_writer_write(w, path), 0);
	set_dom_writer_free(&w);
	assert_int_equal(set_dom_open(&s, path, 0, NULL), 0);
	assert_false(find(s, "example.com", &h));
	set_dom_close(&s);
}

static void
test_refused_names(void **state)
{
	struct set_dom_writer *w = set_dom_writer_new(&meta);
	static const char *const bad[] = {"", ".", "a.", ".a", "a..b"};
	char longest[255];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_true(set_dom_writer_add(w, bad[i], strlen(bad[i]), &ads) < 0);
	memset(longest, 'a', sizeof(longest));
	assert_true(set_dom_writer_add(w, longest, 254, &ads) < 0);
	assert_int_equal(set_dom_writer_add(w, longest, 253, &ads), 0);
	set_dom_writer_free(&w);
}

/* Many names, and classes enough that one byte doesn't do. */
static void
many(size_t n, unsigned classes)
{
	struct set_dom_writer *w = set_dom_writer_new(&meta);
	struct set_dom *s;
	char name[64];

	for (size_t i = 0; i < n; i++) {
		struct set_class c = {1 + i % classes, (uint8_t)(i % 101), 0};

		snprintf(name, sizeof(name), "n%zu.dom%zu.example", i, i / 3);
		add(w, name, &c);
	}
	assert_int_equal(set_dom_writer_entries(w), n);
	assert_int_equal(set_dom_writer_write(w, path), 0);
	set_dom_writer_free(&w);
	assert_int_equal(set_dom_open(&s, path, 0, NULL), 0);
	for (size_t i = 0; i < n; i++) {
		struct set_hit h;

		snprintf(name, sizeof(name), "www.n%zu.dom%zu.example", i, i / 3);
		assert_true(find(s, name, &h));
		assert_int_equal(h.categories, 1 + i % classes);
		assert_int_equal(h.confidence, i % 101);
		snprintf(name, sizeof(name), "m%zu.dom%zu.example", i, i / 3);
		assert_false(find(s, name, &h));
	}
	set_dom_close(&s);
}

static void
test_many(void **state)
{
	many(1, 1);
	many(20000, 2);
	many(20000, 300);
}

/* A hoster with more names than a bucket holds, itself listed, with exceptions and names below names. */
static void
test_hoster(void **state)
{
	struct set_dom_writer *w = set_dom_writer_new(&meta);
	struct set_dom *s;
	struct set_info info;
	struct set_hit h;
	char name[64];

	add(w, "hoster.net", &ads);
	add(w, "sub.n5.hoster.net", &malware);
	add(w, "fine.n6.hoster.net", &pass);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "n%d.hoster.net", i);
		add(w, name, i % 2 == 0 ? &malware : &ads);
	}
	assert_int_equal(set_dom_writer_write(w, path), 0);
	set_dom_writer_free(&w);
	assert_int_equal(set_dom_open(&s, path, 0, NULL), 0);
	set_dom_info(s, &info);
	assert_int_equal(info.entries, 503);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "x.y.n%d.hoster.net", i);
		assert_true(find(s, name, &h));
		assert_int_equal(h.categories, i % 2 == 0 ? 1 : 2);
		assert_int_equal(h.depth, 3);
	}
	assert_true(find(s, "other.hoster.net", &h));
	assert_int_equal(h.categories, 2);
	assert_int_equal(h.depth, 2);
	assert_true(find(s, "hoster.net", &h));
	assert_true(find(s, "www.sub.n5.hoster.net", &h));
	assert_int_equal(h.depth, 4);
	assert_false(find(s, "www.fine.n6.hoster.net", &h));
	assert_true(find(s, "www.n6.hoster.net", &h));
	set_dom_close(&s);
}

static size_t
slurp(uint8_t *b, size_t max)
{
	FILE *f = fopen(path, "r");
	size_t n = fread(b, 1, max, f);

	fclose(f);
	return n;
}

/* Its version is the first thing that differs: refused by that, so that somebody knows what to do. */
static void
test_version(void **state)
{
	static uint8_t b[65536] __attribute__((aligned(64)));
	struct set_dom *s = small();
	size_t n = slurp(b, sizeof(b));

	set_dom_close(&s);
	for (int version = 1; version <= 3; version += 2) {
		struct diag *d = diag_new();
		uint32_t crc;

		b[8] = (uint8_t)version;
		crc = htole32(set_crc32c(0, b, 252));
		memcpy(b + 252, &crc, sizeof(crc));
		assert_int_equal(set_dom_open_mem(&s, b, n, 0, d), -EBADMSG);
		assert_non_null(strstr(diag_first(d), version == 1 ? "an older version" : "a newer version"));
		diag_free(&d);
	}
}

static void
test_collides(void **state)
{
	struct set_dom_writer *w = set_dom_writer_new(&meta);

	assert_false(set_dom_writer_collides(w, "example.org", 11));
	add(w, "example.com", &ads);
	assert_false(set_dom_writer_collides(w, "example.org", 11));
	assert_true(set_dom_writer_collides(w, "example.com", 11));
	add(w, "example.com", &ads);
	assert_int_equal(set_dom_writer_write(w, path), -EEXIST);
	set_dom_writer_free(&w);
}

/* Whatever byte is flipped, wherever it is cut: refused, with a reason. */
static void
test_damage(void **state)
{
	static uint8_t b[65536] __attribute__((aligned(64)));
	struct set_dom *s = small();
	size_t n = slurp(b, sizeof(b));
	struct diag *d = diag_new();

	set_dom_close(&s);
	assert_int_equal(set_dom_open_mem(&s, b, n, 0, d), 0);
	set_dom_close(&s);
	for (size_t i = 0; i < n; i++) {
		b[i] ^= 0x10;
		assert_int_equal(set_dom_open_mem(&s, b, n, 0, d), -EBADMSG);
		assert_null(s);
		b[i] ^= 0x10;
	}
	for (size_t i = 0; i < n; i++)
		assert_int_equal(set_dom_open_mem(&s, b, i, SET_QUICK, d), -EBADMSG);
	assert_true(diag_errors(d) > 0);
	diag_free(&d);
	d = diag_new();
	assert_int_equal(truncate(path, (off_t)n - 64), 0);
	assert_int_equal(set_dom_open(&s, path, SET_QUICK, d), -EBADMSG);
	assert_non_null(strstr(diag_first(d), "cut short"));
	assert_int_equal(set_dom_open(&s, dir, 0, d), -EBADMSG);
	assert_true(set_dom_open(&s, "/nonexistent/d.set", 0, d) < 0);
	diag_free(&d);
}

static void
test_stamp(void **state)
{
	struct set_stamp a, b;
	struct set_dom *s = small();

	set_dom_close(&s);
	set_stamp_take(&a, path);
	set_stamp_take(&b, path);
	assert_true(set_stamp_same(&a, &b));
	s = small();
	set_dom_close(&s);
	set_stamp_take(&b, path);
	assert_false(set_stamp_same(&a, &b));
	set_stamp_take(&b, "/nonexistent");
	assert_int_equal(b.size, 0);
}

static void
test_crc(void **state)	/* RFC 3720 B.4 */
{
	uint8_t b[32] = {0};

	assert_int_equal(set_crc32c(0, "123456789", 9), 0xe3069283u);
	assert_int_equal(set_crc32c(0, b, 32), 0x8a9136aau);
	memset(b, 0xff, sizeof(b));
	assert_int_equal(set_crc32c(0, b, 32), 0x62a8ab43u);
	assert_int_equal(set_crc32c(set_crc32c(0, "1234", 4), "56789", 5), 0xe3069283u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_suffixes), cmocka_unit_test(test_top), cmocka_unit_test(test_empty),
		cmocka_unit_test(test_refused_names), cmocka_unit_test(test_many), cmocka_unit_test(test_hoster),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_collides), cmocka_unit_test(test_damage), cmocka_unit_test(test_stamp),
		cmocka_unit_test(test_crc),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
