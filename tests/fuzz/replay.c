/* SPDX-License-Identifier: MIT */
/*
 * main() for fuzz targets in an ordinary build: every file of $srcdir/tests/fuzz/ROOM/fuzz_x.in/ goes
 * through the target, then REPLAY_MUTATIONS (default 200) deterministic mutations of each, so that
 * `make check` exercises the parsers with garbage under whatever sanitizer the build has.  Prints TAP.
 * Files or folders given as arguments replace the default folder.
 */
#include "config.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static uint64_t rng_state;
static unsigned n_tests;

static uint32_t
rng(void)	/* xorshift64*, Vigna 2014 */
{
	rng_state ^= rng_state >> 12;
	rng_state ^= rng_state << 25;
	rng_state ^= rng_state >> 27;
	return (uint32_t)((rng_state * 2685821657736338717ULL) >> 32);
}

/* A private, exactly sized heap copy lets the sanitizers see one byte of overrun. */
static void
run_one(const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	if (copy == NULL)
		abort();
	if (n)
		memcpy(copy, p, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void
mutate_and_run(const uint8_t *p, size_t n, unsigned rounds)
{
	uint8_t *m = malloc(n + 64);
	size_t k;

	if (m == NULL)
		abort();
	while (rounds-- > 0) {
		if (n)
			memcpy(m, p, n);
		k = n;
		for (unsigned i = 1 + rng() % 4; i > 0; i--) {
			switch (rng() % 4) {
			case 0:
				if (k)
					m[rng() % k] = (uint8_t)rng();
				break;
			case 1:
				if (k)
					m[rng() % k] ^= (uint8_t)(1u << rng() % 8);
				break;
			case 2:
				if (k)
					k = rng() % k;
				break;
			default:
				if (k < n + 60)
					m[k++] = (uint8_t)rng();
			}
		}
		run_one(m, k);
	}
	free(m);
}

static void
replay_file(const char *path, unsigned rounds)
{
	FILE *f = fopen(path, "rb");
	long n = -1;
	uint8_t *p = NULL;

	if (f != NULL && fseek(f, 0, SEEK_END) == 0 && (n = ftell(f)) >= 0 && fseek(f, 0, SEEK_SET) == 0 &&
	    (p = malloc((size_t)n + 1)) != NULL && fread(p, 1, (size_t)n, f) == (size_t)n) {
		rng_state = 88172645463325252ULL ^ (uint64_t)n;
		run_one(p, (size_t)n);
		mutate_and_run(p, (size_t)n, n > 65536 ? rounds / 20 : rounds);
		printf("ok %u - %s\n", ++n_tests, strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
	} else
		printf("not ok %u - %s: cannot read\n", ++n_tests, path);
	fflush(stdout);
	free(p);
	if (f)
		fclose(f);
}

static void
replay_path(const char *path, unsigned rounds)
{
	struct stat st;
	struct dirent **list;
	char name[4096];
	int n;

	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
		replay_file(path, rounds);
		return;
	}
	n = scandir(path, &list, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		if (list[i]->d_name[0] != '.') {
			snprintf(name, sizeof(name), "%s/%s", path, list[i]->d_name);
			replay_file(name, rounds);
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

int
main(int argc, char **argv)
{
	const char *src = getenv("srcdir"), *rounds_s = getenv("REPLAY_MUTATIONS"), *rel;
	unsigned rounds = rounds_s ? (unsigned)atoi(rounds_s) : 200;
	char dir[4096];

	if (argc > 1) {
		for (int i = 1; i < argc; i++)
			replay_path(argv[i], rounds);
	} else {
		rel = strstr(argv[0], "tests/fuzz/");
		snprintf(dir, sizeof(dir), "%s/%s.in", src ? src : ".", rel ? rel : argv[0]);
		replay_path(dir, rounds);
	}
	if (n_tests == 0)
		printf("not ok %u - no seeds found\n", ++n_tests);
	printf("1..%u\n", n_tests);
	return 0;
}
