/* SPDX-License-Identifier: MIT */
/*
 * CPU time of the scores alone, for each request of tests/unit/bot/cases.txt: headers read, User-Agent classified, features
 * judged; crawlers' proofs out of the cache.  No network, no other engine.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "haproxy-spoa/bot/prove.h"
#include "tests/unit/bot/cases.h"

#define ROUNDS	9
#define TIMES	2000

static double
cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int
double_compare(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static int
no_name(void *arg, const struct sockaddr *sa, socklen_t len, char *host, size_t size)
{
	(void)arg, (void)sa, (void)len, (void)host, (void)size;
	return -ENOENT;
}

static int
no_host(void *arg, const char *host, const struct sockaddr *sa)
{
	(void)arg, (void)host, (void)sa;
	return 0;
}

static enum bot_proof
prove_cached(void *arg, const struct bot_agent *a, const char *ip)
{
	return prove_ask(arg, a, ip);
}

/* The median of several rounds: one of them may have been interrupted. */
static double
case_time(const struct bot *b, const struct bot_input *in)
{
	double t[ROUNDS], start;
	struct bot_report r;

	for (int i = 0; i < ROUNDS; i++) {
		start = cpu_ns();
		for (int k = 0; k < TIMES; k++)
			bot_judge(&r, b, in);
		t[i] = (cpu_ns() - start) / TIMES;
	}
	qsort(t, ROUNDS, sizeof(t[0]), double_compare);
	return t[ROUNDS / 2];
}

int
main(int argc, char **argv)
{
	static const struct prove_resolver nobody = {no_name, no_host, NULL};
	const struct prove_conf pc = {&nobody, 1, 60, 60, 60};
	struct arena *a = arena_new(0);
	struct prove *p = NULL;
	struct bot_options o;
	struct bot_case *c;
	struct bot *b;
	double *t;
	size_t n;

	if (argc < 2 || a == NULL || prove_new(&p, &pc) != 0) {
		fputs("usage: bot_bench CASES [-v]\n", stderr);
		return 2;
	}
	c = cases_load(argv[1], &n, a);
	cases_options(&o);
	b = bot_new(&o);
	t = arena_calloc(a, n, sizeof(*t));
	if (b == NULL || t == NULL)
		return 1;
	for (size_t i = 0; i < n; i++) {
		c[i].in.prove = prove_cached;
		c[i].in.prove_arg = p;
		t[i] = case_time(b, &c[i].in);
		if (argc > 2)
			printf("%8.0f ns  %s\n", t[i], c[i].name);
	}
	qsort(t, n, sizeof(*t), double_compare);
	printf("scores: %zu requests, CPU per request: median %.0f ns, p90 %.0f ns, worst %.0f ns\n", n, t[n / 2], t[n * 9 / 10],
	    t[n - 1]);
	prove_release(&p);
	bot_free(&b);
	arena_free(&a);
	return 0;
}
