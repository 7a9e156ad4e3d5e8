/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "icap-llmsec/literals.h"

static uint64_t seed;

static unsigned
rnd(unsigned n)	/* xorshift64*, Vigna 2014 */
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (unsigned)((seed * 2685821657736338717ULL) >> 33) % n;
}

static size_t
random_word(char *p, size_t max, unsigned letters)
{
	size_t n = 1 + rnd((unsigned)max);

	for (size_t i = 0; i < n; i++)
		p[i] = (char)('a' + rnd(letters));
	return n;
}

/* One pass finds what searching for each one finds: words inside words, at the ends, with one id for several. */
static void
test_like_memmem(void **state)
{
	for (unsigned round = 1; round <= 2000; round++) {
		struct literals *l = literals_new();
		char word[150][6], text[80];
		size_t len[150], n, n_text;
		uint64_t hits[2] = { 0 }, want[2] = { 0 };

		seed = 88172645463325252ULL * round;
		n = 1 + rnd(150);
		for (size_t i = 0; i < n; i++) {
			len[i] = random_word(word[i], sizeof(word[i]), 2 + round % 4);
			assert_int_equal(literals_add(l, word[i], len[i], (uint32_t)(i % 100)), 0);
		}
		assert_int_equal(literals_build(l), 0);
		n_text = random_word(text, sizeof(text), 2 + round % 4 + round % 2);
		literals_scan(l, text, n_text, hits);
		for (size_t i = 0; i < n; i++)
			if (memmem(text, n_text, word[i], len[i]) != NULL)
				want[i % 100 / 64] |= 1ULL << i % 100 % 64;
		assert_memory_equal(hits, want, sizeof(hits));
		literals_free(&l);
		assert_null(l);
	}
}

static void
test_edges(void **state)
{
	struct literals *l = literals_new();
	uint64_t hits = 0;

	assert_int_equal(literals_add(l, "", 0, 1), -EINVAL);
	assert_int_equal(literals_build(l), 0);	/* no literals at all */
	literals_scan(l, "abc", 3, &hits);
	assert_int_equal(hits, 0);
	literals_free(&l);
	l = literals_new();
	assert_int_equal(literals_add(l, "\0\xff", 2, 63), 0);
	assert_int_equal(literals_build(l), 0);
	literals_scan(l, "a\0\xff", 3, &hits);
	assert_true(hits == 1ULL << 63);
	hits = 0;
	literals_scan(l, "", 0, &hits);
	literals_scan(l, "\0", 1, &hits);
	literals_scan(l, "\xff", 1, &hits);	/* a text ends where it ends */
	assert_int_equal(hits, 0);
	literals_free(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_like_memmem), cmocka_unit_test(test_edges) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
