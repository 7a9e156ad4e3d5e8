/* SPDX-License-Identifier: MIT */
/* The table of sources: a million of them and their memory, what goes when it is full, threads. */
#include "config.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "haproxy-spoa/behave/sources.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static const struct sip_key key = {3, 5};

static struct sip_hash
hash(uint64_t i)
{
	return siphash(&key, &i, sizeof(i));
}

static void
see(struct sources *s, uint64_t i, uint32_t slot, bool error)
{
	struct window *w = sources_get(s, hash(i), slot);

	assert_non_null(w);
	window_add(w, slot, &(struct window_add){.error = error});
}

static unsigned
requests(const struct sources *s, uint64_t i, uint32_t slot)
{
	const struct window *w = sources_find(s, hash(i));
	struct window_sum sum = {0};

	if (w != NULL)
		window_sum(w, slot, &sum);
	return sum.requests;
}

static long
resident_kb(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[128];
	long kb = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		sscanf(line, "VmRSS: %ld", &kb);
	fclose(f);
	return kb;
}

static void
a_million_sources(void **state)
{
	const uint64_t n = 1000000;
	long before = resident_kb(), after;
	struct sources *s = sources_new(n);
	struct sources_stats st;
	uint64_t held = 0;

	(void)state;
	assert_non_null(s);
	for (uint64_t i = 0; i < n; i++)
		see(s, i, 100, false);
	after = resident_kb();
	for (uint64_t i = 0; i < n; i++)
		held += requests(s, i, 100) == 1;
	sources_stats(s, &st);
	print_message("# 1000000 sources: %.1f MB mapped, %.1f MB resident, %llu held, %llu evicted\n",
	    (double)st.bytes / 1e6, (double)(after - before) * 1024 / 1e6, (unsigned long long)held,
	    (unsigned long long)st.evicted);
	assert_true(st.bytes <= 160000000);
	assert_true(SANITIZED || (after - before) * 1024 <= 160000000);
	assert_int_equal(held + st.evicted, n);
	assert_true(st.evicted <= n / 1000);
	assert_int_equal(st.used, held);
	sources_free(&s);
	assert_null(s);
}

static void
full_is_counted_not_fatal(void **state)
{
	struct sources *s = sources_new(SOURCES_MIN);
	struct sources_stats st;
	unsigned bad = 0, busy = 0;

	(void)state;
	for (uint64_t i = 0; i < 100; i++)
		see(s, i, 50, true);
	for (uint64_t i = 100; i < 200; i++)
		for (int k = 0; k < 20; k++)
			see(s, i, 50, false);
	for (uint64_t i = 1000; i < 21000; i++)
		see(s, i, 51, false);
	sources_stats(s, &st);
	assert_int_equal(st.used, st.places);
	assert_int_equal(st.evicted, 200 + 20000 - st.places);
	assert_int_equal(st.lost, 0);
	/* Who misbehaved and who was busy is still known; the one-off visitors made room for each other. */
	for (uint64_t i = 0; i < 100; i++)
		bad += requests(s, i, 51) == 1;
	for (uint64_t i = 100; i < 200; i++)
		busy += requests(s, i, 51) == 20;
	assert_int_equal(bad, 100);
	assert_int_equal(busy, 100);
	/* The newest is always there. */
	assert_int_equal(requests(s, 20999, 51), 1);
	sources_free(&s);
}

static void
places_are_given_back(void **state)
{
	struct sources *s = sources_new(SOURCES_MIN);
	struct sources_stats st;

	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		see(s, i, 50, false);
	see(s, 7, 56, false);
	sources_stats(s, &st);
	assert_true(st.used > 990);
	sources_sweep(s, st.places, 57);
	sources_stats(s, &st);
	assert_int_equal(st.used, 1);
	assert_int_equal(requests(s, 7, 57), 1);
	/* Full of what is over: new ones evict nobody. */
	for (uint64_t i = 0; i < 1000; i++)
		see(s, i, 60, false);
	for (uint64_t i = 5000; i < 5900; i++)
		see(s, i, 80, false);
	sources_stats(s, &st);
	assert_true(st.evicted < 20);
	sources_free(&s);
}

/* ---- threads ---------------------------------------------------------------------------------- */

#define THREADS	4
#define ROUNDS	30000
#define SHARED	64	/* sources that all threads see */

struct worker {
	pthread_t	 thread;
	struct sources	*s;
	unsigned	 n;
};

static void *
work(void *arg)
{
	struct worker *me = arg;

	for (uint64_t i = 0; i < ROUNDS; i++) {
		uint32_t slot = 100 + (uint32_t)(i * 4 / ROUNDS);
		struct window *w = sources_get(me->s, hash(i % SHARED), slot);
		struct window_sum sum;

		if (w != NULL) {
			window_add(w, slot, &(struct window_add){.error = i & 1, .path = i});
			window_client_add(w, slot, i % 5, i & 1);
			window_sum(w, slot, &sum);
		}
		/* A crowd beside them, so that places change hands all the time. */
		w = sources_get(me->s, hash(1000000 * (me->n + 1) + i), slot);
		if (w != NULL)
			window_add(w, slot, &(struct window_add){0});
	}
	return NULL;
}

/* Under ThreadSanitizer it must be silent; everywhere, the sources that all see lose next to nothing. */
static void
threads_share_the_table(void **state)
{
	struct sources *s = sources_new(20000);
	struct worker w[THREADS];
	struct sources_stats st;
	uint64_t total = 0;

	(void)state;
	for (unsigned i = 0; i < THREADS; i++) {
		w[i] = (struct worker){.s = s, .n = i};
		assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
	}
	for (unsigned i = 0; i < 50; i++)
		sources_sweep(s, 1000, 101);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(w[i].thread, NULL);
	for (uint64_t i = 0; i < SHARED; i++)
		total += requests(s, i, 103);
	sources_stats(s, &st);
	print_message("# %d threads: %llu of %d requests counted, %llu evicted, %llu lost\n", THREADS,
	    (unsigned long long)total, THREADS * ROUNDS, (unsigned long long)st.evicted, (unsigned long long)st.lost);
	assert_true(total <= THREADS * ROUNDS);
	assert_true(total >= THREADS * ROUNDS - THREADS * ROUNDS / 100);
	assert_true(st.used <= st.places);
	sources_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_million_sources), cmocka_unit_test(full_is_counted_not_fatal),
		cmocka_unit_test(places_are_given_back), cmocka_unit_test(threads_share_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
