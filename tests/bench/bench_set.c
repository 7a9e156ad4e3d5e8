/* SPDX-License-Identifier: MIT */
/*
 * domains.set beside a plain hash of strings: bytes, building, opening, and nanoseconds of a lookup with random
 * hosts, half a set of hits and a set of misses, by the clock and in CPU time (the clock is nothing to go by while others
 * use the machine, and their use of its cache is in both).  usage: bench_set [NAMES]
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/set_dom.h"
#include "tests/bench/ti_corpus.h"

#define ASKED	((size_t)1 << 20)
#define SEED	20261126

static double
clock_read(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
now(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

/* ---- the peer: open addressing over whole strings, FNV-1a, half full ------------------------------- */

struct plain {
	const char	**slot;
	char		*text;
	size_t		 mask, bytes;
};

static uint64_t
fnv(const char *p, size_t n)
{
	uint64_t h = 14695981039346656037ULL;

	while (n-- > 0)
		h = (h ^ (uint8_t)*p++) * 1099511628211ULL;
	return h ^ h >> 32;
}

static const char **
plain_slot(const struct plain *t, const char *p, size_t n)
{
	size_t i = (size_t)fnv(p, n) & t->mask;

	while (t->slot[i] != NULL && (memcmp(t->slot[i], p, n) != 0 || t->slot[i][n] != '\0'))
		i = (i + 1) & t->mask;
	return &t->slot[i];
}

static bool
plain_find(const struct plain *t, const char *p, size_t n)
{
	for (;;) {
		const char *dot;

		if (*plain_slot(t, p, n) != NULL)
			return true;
		dot = memchr(p, '.', n);
		if (dot == NULL)
			return false;
		n -= (size_t)(dot + 1 - p);
		p = dot + 1;
	}
}

static void
plain_build(struct plain *t, size_t names)
{
	size_t size = 16, used = 0;
	char name[TI_CORPUS_NAME];

	while (size < 2 * names)
		size *= 2;
	t->mask = size - 1;
	t->slot = calloc(size, sizeof(*t->slot));
	t->text = malloc(names * TI_CORPUS_NAME);
	for (size_t i = 0; i < names; i++) {
		size_t n = ti_corpus_name(name, SEED, i);
		const char **slot = plain_slot(t, name, n);

		if (*slot != NULL)
			continue;
		memcpy(t->text + used, name, n + 1);
		*slot = t->text + used;
		used += n + 1;
	}
	t->bytes = used + size * sizeof(*t->slot);
}

/* ---- questions ------------------------------------------------------------------------------------- */

/* Packed, so that reading the questions costs little beside answering them. */
struct asked {
	char		*text;
	uint32_t	*at;		/* ASKED + 1 */
};

static struct asked
questions(const struct plain *t, size_t names, bool hits)
{
	struct asked q = {malloc(ASKED * TI_CORPUS_NAME), calloc(ASKED + 1, sizeof(uint32_t))};

	for (size_t i = 0, k = 0; i < ASKED; k++) {
		size_t n = ti_corpus_host(q.text + q.at[i], hits ? SEED : SEED + 1, hits ? ti_corpus_mix(k) % names : k);

		if (!hits && plain_find(t, q.text + q.at[i], n))
			continue;
		q.at[i + 1] = q.at[i] + (uint32_t)n;
		i++;
	}
	return q;
}

#define MEASURE(what, expr) do {						\
	double best = 1e9, cpu = 1e9;						\
	size_t found = 0;							\
	for (int round = 0; round < 5; round++) {				\
		double took = now(), used = clock_read(CLOCK_THREAD_CPUTIME_ID);	\
		found = 0;							\
		for (size_t i = 0; i < ASKED; i++)				\
			found += (expr);					\
		took = now() - took;						\
		used = clock_read(CLOCK_THREAD_CPUTIME_ID) - used;		\
		best = took < best ? took : best;				\
		cpu = used < cpu ? used : cpu;					\
	}									\
	printf("%-28s %7.1f ns, %7.1f of CPU  (%.2f %% found)\n", what, best * 1e9 / (double)ASKED,	\
	    cpu * 1e9 / (double)ASKED, 100.0 * (double)found / (double)ASKED);				\
} while (0)

static void
set_build(const struct plain *t, const char *path)
{
	static const char *const cats[] = {"malware", "ads"};
	struct set_meta meta = {.created = 1, .categories = cats, .n_categories = 2, .key = "bench"};
	struct set_dom_writer *w = set_dom_writer_new(&meta);
	struct stat st;
	double at = now();

	for (size_t i = 0; i <= t->mask; i++) {
		struct set_class c = {1u << i % 2, (uint8_t)(50 + i % 3 * 20), 0};

		if (t->slot[i] != NULL && set_dom_writer_add(w, t->slot[i], strlen(t->slot[i]), &c) != 0)
			abort();
	}
	if (set_dom_writer_write(w, path) != 0)
		abort();
	printf("%zu different names; hashed, built and fsynced in %.2f s\n", set_dom_writer_entries(w), now() - at);
	stat(path, &st);
	printf("%-28s %7.2f bytes a name\n", "domains.set", (double)st.st_size / (double)set_dom_writer_entries(w));
	printf("%-28s %7.2f bytes a name\n", "plain hash of strings", (double)t->bytes / (double)set_dom_writer_entries(w));
	set_dom_writer_free(&w);
}

static struct set_dom *
set_reopen(const char *path, unsigned flags, const char *how)
{
	struct set_dom *s;
	double at = now();

	if (set_dom_open(&s, path, flags, NULL) < 0)
		abort();
	printf("%-28s %7.3f ms\n", how, (now() - at) * 1e3);
	return s;
}

int
main(int argc, char **argv)
{
	size_t names = argc > 1 ? strtoull(argv[1], NULL, 10) : 3000000;
	struct asked hit, miss;
	struct plain t;
	struct set_dom *s, *copy;
	char path[64];

	snprintf(path, sizeof(path), "/tmp/bench_set.%d", (int)getpid());
	plain_build(&t, names);
	set_build(&t, path);
	s = set_reopen(path, SET_QUICK, "open, SET_QUICK");
	set_dom_close(&s);
	copy = set_reopen(path, SET_COPY, "open, SET_COPY, verified");
	s = set_reopen(path, 0, "open, verified");
	unlink(path);
	hit = questions(&t, names, true);
	miss = questions(&t, names, false);
	MEASURE("domains.set, hit", set_dom_find(s, hit.text + hit.at[i], hit.at[i + 1] - hit.at[i], NULL));
	MEASURE("domains.set, miss", set_dom_find(s, miss.text + miss.at[i], miss.at[i + 1] - miss.at[i], NULL));
	MEASURE("  SET_COPY, hit", set_dom_find(copy, hit.text + hit.at[i], hit.at[i + 1] - hit.at[i], NULL));
	MEASURE("  SET_COPY, miss", set_dom_find(copy, miss.text + miss.at[i], miss.at[i + 1] - miss.at[i], NULL));
	MEASURE("plain hash, hit", plain_find(&t, hit.text + hit.at[i], hit.at[i + 1] - hit.at[i]));
	MEASURE("plain hash, miss", plain_find(&t, miss.text + miss.at[i], miss.at[i + 1] - miss.at[i]));
	set_dom_close(&s);
	set_dom_close(&copy);
	return 0;
}
