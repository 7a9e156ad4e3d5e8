/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a model file, and as the concept trie of one whose digest is right: never read outside, never
 * without an answer.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/model_private.h"
#include "lib/diag.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
as_file(const uint8_t *p, size_t n)
{
	struct diag *d = diag_new();
	struct model *m = NULL;
	uint64_t *copy = malloc(n + 8);		/* aligned as a mapping is */

	if (d == NULL || copy == NULL)
		abort();
	if (n > 0)
		memcpy(copy, p, n);
	if (model_load_mem(&m, "fuzz", copy, n, d) == 0)
		model_free(&m);
	else if (diag_errors(d) != 1)
		abort();
	free(copy);
	diag_free(&d);
}

/* The first bytes say how many states there are, then come the states, the rest is text. */
static void
as_trie(const uint8_t *p, size_t n)
{
	static struct concept_node node[32];
	static uint8_t value[32];
	struct concept_trie t = { node, value, 0 };
	struct feature_scan s;
	struct feature_token k;

	if (n < 2)
		return;
	t.n = 1 + p[0] % 32;
	for (size_t i = 0; i < t.n; i++) {
		node[i].base = 2 + 4 * i < n ? (int8_t)p[1 + 4 * i] : -1;
		node[i].check = 3 + 4 * i < n ? (int8_t)p[2 + 4 * i] : 0;
		value[i] = 4 + 4 * i < n ? p[3 + 4 * i] : 0xff;
	}
	feature_start(&s, &t, (const char *)p, n, NULL);
	while (feature_next(&s, &k))
		for (unsigned i = 0; i < k.n_concept; i++)
			if (k.c[i] >= FEATURE_CONCEPT_TABLE)
				abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	as_file(p, n);
	as_trie(p, n);
	return 0;
}
