/* SPDX-License-Identifier: MIT */
/*
 * What behaviour costs a request: who, look and count, as the agent does them, with few sources (all in the cache) and
 * with a million (none of them); CPU time of the thread.  Usage: bench_behave [requests].
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "haproxy-spoa/behave/behave.h"

#define JA4	"t13d1516h2_8daaf6152771_b0da82dd1658"

static const struct behave_limits limits = {
	.address = {[BEHAVE_REQUESTS] = {1000000, 0, BEHAVE_SCORE, 10}, [BEHAVE_ERRORS] = {60, 50, BEHAVE_BAN, 30},
		[BEHAVE_PATHS] = {150, 0, BEHAVE_SCORE, 20}, [BEHAVE_WAF_HITS] = {10, 20, BEHAVE_BAN, 30}},
	.key = {[BEHAVE_ERRORS] = {300, 90, BEHAVE_BAN, 30}, [BEHAVE_WAF_HITS] = {20, 30, BEHAVE_BAN, 30}},
	.times = {.ms = {60000, 300000, 3600000, 86400000}, .n = 4, .decay_ms = 21600000},
	.shared_factor = 4,
};

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds for <n> requests of <sources> addresses with a key each. */
static double
run(struct behave *b, size_t n, uint32_t sources)
{
	struct behave_did did = {.path = "/v1/chat/completions", .path_len = 20, .err_address = -1, .err_client = -1};
	struct behave_seen seen[BEHAVE_SOURCES];
	struct behave_decision d;
	struct behave_who w;
	uint64_t x = 88172645463325252u;
	char ip[32], key[32];
	double t0 = now();

	for (size_t i = 0; i < n; i++) {
		uint32_t s;

		x ^= x << 13;	/* xorshift64, Marsaglia 2003 */
		x ^= x >> 7;
		x ^= x << 17;
		s = (uint32_t)(x % sources);
		snprintf(ip, sizeof(ip), "10.%u.%u.%u", s >> 16 & 255, s >> 8 & 255, s & 255);
		snprintf(key, sizeof(key), "%016x", s);
		if (b == NULL)
			continue;
		behave_who(b, &w, ip, JA4, key);
		behave_look(b, &w, 1000000 + (int64_t)(i / 1000), NULL, seen);
		behave_count(b, &limits, &w, &did, NULL, 1000000 + (int64_t)(i / 1000), &d);
	}
	return now() - t0;
}

static void
measure(const char *what, size_t n, uint32_t sources)
{
	struct behave *b = behave_new(1000000, 16384, NULL);
	double none, all;

	if (b == NULL)
		exit(1);
	run(b, n, sources);	/* they are there now */
	none = run(NULL, n, sources);
	all = run(b, n, sources);
	printf("%-28s %6.0f ns a request\n", what, (all - none) / (double)n * 1e9);
	behave_free(&b);
}

int
main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;

	measure("10 clients", n, 10);
	measure("1000 clients", n, 1000);
	measure("400000 clients", n, 400000);
	return 0;
}
