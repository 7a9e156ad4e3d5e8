/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "lib/literals.h"

#define WORDS	150
#define IDS	100

static uint64_t seed;

static unsigned
rnd(unsigned n)	/* xorshift64*, Vigna 2014 */
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (unsigned)((seed * 2685821657736338717ULL) >> 33) % n;
}

/* Letters of both cases and, where there are more than four, bytes that a sloppy fold would take for letters. */
static size_t
random_word(char *p, size_t max, unsigned letters)
{
	static const char abc[] = "abABc@`[{\0\x20\xe1\xc1";
	size_t n = 1 + rnd((unsigned)max);

	for (size_t i = 0; i < n; i++)
		p[i] = abc[rnd(letters)];
	return n;
}

static bool
occurs_at(const char *text, const char *word, size_t len, bool caseless)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char a = (unsigned char)text[i], b = (unsigned char)word[i];

		if (caseless && a >= 'A' && a <= 'Z')
			a |= 0x20;
		if (caseless && b >= 'A' && b <= 'Z')
			b |= 0x20;
		if (a != b)
			return false;
	}
	return true;
}

struct model {
	char		 word[WORDS][24], text[120];
	size_t		 len[WORDS], n, n_text;
	bool		 caseless;
	uint64_t	 hits[2];
	struct literals_hit first;
	size_t		 count;
};

/* Searches for each word at each place. */
static void
ask_model(struct model *m)
{
	memset(m->hits, 0, sizeof(m->hits));
	m->first.end = SIZE_MAX;
	m->count = 0;
	for (size_t w = 0; w < m->n; w++)
		for (size_t at = 0; at + m->len[w] <= m->n_text; at++) {
			size_t end = at + m->len[w];

			if (!occurs_at(m->text + at, m->word[w], m->len[w], m->caseless))
				continue;
			m->count++;
			m->hits[w % IDS / 64] |= 1ULL << w % IDS % 64;
			if (end < m->first.end || (end == m->first.end && at < m->first.start))
				m->first = (struct literals_hit){ (uint32_t)(w % IDS), at, end };
		}
}

static bool
count_to(void *arg, const struct literals_hit *h)
{
	size_t *left = arg;

	return --*left != 0;
}

static void
compare(struct model *m, const struct literals *l)
{
	char *exact = malloc(m->n_text);	/* so that a sanitizer sees one byte of overrun */
	struct literals_hit first;
	uint64_t hits[2] = { 0 };
	size_t left = m->count + 1;

	assert_non_null(exact);
	memcpy(exact, m->text, m->n_text);
	ask_model(m);
	literals_scan(l, exact, m->n_text, hits);
	assert_memory_equal(hits, m->hits, sizeof(hits));
	assert_int_equal(literals_first(l, exact, m->n_text, &first), m->count > 0);
	if (m->count > 0) {
		assert_int_equal(first.start, m->first.start);
		assert_int_equal(first.end, m->first.end);
	}
	left = m->count + 1;
	assert_true(literals_each(l, exact, m->n_text, count_to, &left));
	assert_int_equal(left, 1);
	left = m->count;
	if (left > 0)
		assert_false(literals_each(l, exact, m->n_text, count_to, &left));
	free(exact);
}

/* One scan finds what searching for each word finds: words in words, at the ends, of any length, with shared ids. */
static void
test_like_naive(void **state)
{
	static struct model m;

	for (unsigned round = 1; round <= 4000; round++) {
		struct literals *l;
		unsigned letters = 2 + round % 12, longest = 1 + round % 23;

		seed = 88172645463325252ULL * round;
		m.caseless = round % 3 != 0;
		l = literals_new(m.caseless);
		assert_non_null(l);
		m.n = 1 + rnd(WORDS);
		for (size_t i = 0; i < m.n; i++) {
			m.len[i] = random_word(m.word[i], longest, letters);
			assert_int_equal(literals_add(l, m.word[i], m.len[i], (uint32_t)(i % IDS)), 0);
		}
		assert_int_equal(literals_build(l), 0);
		for (unsigned t = 0; t < 3; t++) {
			m.n_text = random_word(m.text, sizeof(m.text), 2 + (letters - 2 + t) % 12);
			compare(&m, l);
		}
		literals_free(&l);
		assert_null(l);
	}
}

/* Thousands of words, one text per word: each is found, wherever it stands. */
static void
test_many(void **state)
{
	enum { N = 5000 };
	static char word[N][12];
	struct literals *l = literals_new(true);
	uint64_t hits[(N + 63) / 64];
	char text[64];
	size_t len[N];

	seed = 1;
	for (uint32_t i = 0; i < N; i++) {
		len[i] = 4 + rnd(8);
		for (size_t k = 0; k < len[i]; k++)
			word[i][k] = (char)('a' + rnd(26));
		assert_int_equal(literals_add(l, word[i], len[i], i), 0);
	}
	assert_int_equal(literals_build(l), 0);
	assert_true(literals_memory(l) < 2048 * 1024);
	for (uint32_t i = 0; i < N; i++) {
		size_t n = rnd(20), after = rnd(20);

		memset(text, '-', sizeof(text));
		for (size_t k = 0; k < len[i]; k++)
			text[n + k] = (char)(word[i][k] & ~(rnd(2) << 5));
		memset(hits, 0, sizeof(hits));
		literals_scan(l, text, n + len[i] + after, hits);
		assert_true(hits[i / 64] >> i % 64 & 1);
	}
	literals_free(&l);
}

static void
test_edges(void **state)
{
	struct literals *l = literals_new(false);
	struct literals_hit h;
	uint64_t hits = 0;

	assert_int_equal(literals_add(l, "", 0, 1), -EINVAL);
	assert_int_equal(literals_build(l), 0);	/* no literals at all */
	literals_scan(l, "abc", 3, &hits);
	literals_scan(l, NULL, 0, &hits);
	assert_int_equal(hits, 0);
	literals_free(&l);
	literals_free(&l);
	l = literals_new(true);
	assert_int_equal(literals_add(l, "\0\xff", 2, 63), 0);
	assert_int_equal(literals_build(l), 0);
	literals_scan(l, "a\0\xff", 3, &hits);
	assert_true(hits == 1ULL << 63);
	hits = 0;
	literals_scan(l, "", 0, &hits);
	literals_scan(l, "\0", 1, &hits);
	literals_scan(l, "\xff", 1, &hits);	/* a text ends where it ends */
	literals_scan(l, "\xff\0", 2, &hits);
	assert_int_equal(hits, 0);
	assert_false(literals_first(l, "\0", 1, &h));
	literals_free(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_like_naive),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
