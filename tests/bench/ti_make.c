/* SPDX-License-Identifier: MIT */
/*
 * A feed of N domains, as feeds really look: upper case, dots at the end, comments, blank lines, white space,
 * URLs, addresses, entries twice, parents of other entries, and what nobody should list.
 * usage: ti_make N [clean]
 */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/ti_corpus.h"

#define SEED	20261126

static void
messy(char *name, size_t n, uint64_t i)
{
	static const char *const junk[] = {"# a comment", "", "localhost", "co.uk", "10.0.0.1", "not_a name at all",
	    "-bad-.com", "xn--a.com", "http://"};
	unsigned k = (unsigned)(ti_corpus_mix(i ^ SEED) % 1000);

	if (k < 20)
		for (size_t c = 0; c < n; c++)
			name[c] = (char)toupper((unsigned char)name[c]);
	if (k >= 20 && k < 30)
		printf("http://%s/path?x=%llu\n", name, (unsigned long long)i);
	else if (k >= 30 && k < 40)
		printf("  %s.  # seen\r\n", name);
	else if (k >= 40 && k < 50)
		printf("*.%s\n", name);
	else
		printf("%s\n", name);
	if (k >= 990)
		puts(junk[k % (sizeof(junk) / sizeof(*junk))]);
	if (k >= 980 && k < 990)
		printf("%s\n", name);
}

int
main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 231000;
	char name[TI_CORPUS_NAME];

	for (uint64_t i = 0; i < n; i++) {
		size_t len = ti_corpus_name(name, SEED, i);

		if (argc > 2)
			puts(name);
		else
			messy(name, len, i);
	}
	return ferror(stdout) != 0;
}
