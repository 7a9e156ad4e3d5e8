/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/arena.h"

static uint32_t
rng(uint32_t *s)
{
	*s = *s * 1664525u + 1013904223u;
	return *s >> 8;
}

/* Whatever sizes are asked for: aligned, none overlaps another, all keep what was written. */
static void
test_many_sizes(void **state)
{
	static unsigned char *p[2000];
	static size_t len[2000];
	struct arena *a = arena_new(0);
	uint32_t seed = 1;
	size_t sum = 0;

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 2000; i++) {
			len[i] = rng(&seed) % (i % 50 == 0 ? 40000 : 200);
			p[i] = arena_alloc(a, len[i]);
			assert_non_null(p[i]);
			assert_int_equal((uintptr_t)p[i] % 16, 0);
			memset(p[i], (int)(i % 251), len[i]);
			sum += len[i];
		}
		for (size_t i = 0; i < 2000; i++) {
			for (size_t k = 0; k < len[i]; k++)
				if (p[i][k] != i % 251)
					fail_msg("piece %zu was overwritten at %zu", i, k);
			if (i > 0)
				assert_ptr_not_equal(p[i], p[i - 1]);
		}
		assert_int_equal(arena_used(a), sum);
		arena_reset(a);
		assert_int_equal(arena_used(a), 0);
		sum = 0;
	}
	arena_free(&a);
	assert_null(a);
	arena_free(&a);
}

static void
test_limit(void **state)
{
	struct arena *a = arena_new(1000);

	assert_non_null(arena_alloc(a, 600));
	assert_false(arena_failed(a));
	assert_null(arena_alloc(a, 401));
	assert_true(arena_failed(a));
	/* The mark stays, so that a caller may look once at the end. */
	assert_null(arena_alloc(a, 1));
	assert_null(arena_strndup(a, "x", 1));
	assert_null(arena_printf(a, "x"));
	assert_int_equal(arena_used(a), 600);
	arena_reset(a);
	assert_false(arena_failed(a));
	assert_non_null(arena_alloc(a, 1000));
	assert_null(arena_alloc(a, 1));
	arena_free(&a);
}

static void
test_absurd_sizes(void **state)
{
	struct arena *a = arena_new(0);

	assert_null(arena_alloc(a, SIZE_MAX));
	assert_true(arena_failed(a));
	arena_reset(a);
	assert_null(arena_calloc(a, SIZE_MAX / 2, 3));
	assert_true(arena_failed(a));
	arena_reset(a);
	assert_null(arena_strndup(a, "x", SIZE_MAX));
	arena_reset(a);
	assert_null(arena_alloc(a, ((size_t)64 << 20) + 1));
	arena_reset(a);
	assert_non_null(arena_calloc(a, 0, 8));
	assert_non_null(arena_calloc(a, 8, 0));
	assert_false(arena_failed(a));
	arena_free(&a);
}

static void
test_copies(void **state)
{
	struct arena *a = arena_new(0);
	char *s = arena_alloc(a, 64), *t;

	memset(s, '!', 64);
	arena_reset(a);
	t = arena_calloc(a, 8, 8);	/* the same bytes again, and clean */
	assert_ptr_equal(t, s);
	for (int i = 0; i < 64; i++)
		assert_int_equal(t[i], 0);
	s = arena_strndup(a, "ab\0cd", 5);
	assert_memory_equal(s, "ab\0cd", 6);
	assert_memory_equal(arena_memdup(a, "xyz", 3), "xyz", 3);
	assert_non_null(arena_memdup(a, NULL, 0));
	assert_string_equal(arena_strndup(a, NULL, 0), "");
	assert_string_equal(arena_printf(a, "%d-%s", 42, "x"), "42-x");
	assert_string_equal(arena_printf(a, "%s", ""), "");
	t = arena_printf(a, "%0*d", 50000, 7);
	assert_int_equal(strlen(t), 50000);
	assert_int_equal(t[49999], '7');
	arena_free(&a);
}

/* What lies before a mark stays; the memory behind it serves again, large pieces too. */
static void
test_marks(void **state)
{
	static const size_t sizes[] = {1, 100, 5000, 40000, 300000};
	struct arena *a = arena_new(0);
	char *first = arena_strndup(a, "first", 5), *again[5] = {NULL};
	struct arena_mark outer = arena_mark(a), inner;
	size_t used = arena_used(a);

	for (int round = 0; round < 4; round++) {
		for (size_t i = 0; i < 5; i++) {
			char *p = arena_alloc(a, sizes[i]);

			assert_non_null(p);
			memset(p, 'a' + round, sizes[i]);
			if (round > 1)
				assert_ptr_equal(p, again[i]);
			again[i] = p;
			inner = arena_mark(a);
			assert_non_null(arena_alloc(a, 20000));
			arena_rewind(a, inner);
		}
		arena_rewind(a, outer);
		assert_int_equal(arena_used(a), used);
		assert_string_equal(first, "first");
	}
	arena_reset(a);
	assert_int_equal(arena_used(a), 0);
	arena_free(&a);
	a = arena_new(100);
	outer = arena_mark(a);
	assert_null(arena_alloc(a, 200));
	arena_rewind(a, outer);
	assert_true(arena_failed(a));	/* a failure is not forgotten */
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_sizes),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_absurd_sizes),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
