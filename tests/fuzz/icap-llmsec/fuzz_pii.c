/* SPDX-License-Identifier: MIT */
/* Any bytes as a text: what is found lies in it, in order, without overlaps, and is found again. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/pii.h"
#include "lib/arena.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x) do { if (!(x)) abort(); } while (0)

static struct pii *
engine(void)
{
	static struct pii *e;
	struct pii_conf c;

	memset(&c, 0, sizeof(c));
	c.all = DETECT_MASK;
	for (size_t i = 0; i < sizeof(c.mode) / sizeof(c.mode[0]); i++)
		c.mode[i] = -1;
	if (e == NULL)
		MUST(pii_new(&e, &c) == 0);
	return e;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new(0);
	struct pii_hit *v, *w;
	size_t k, m, at = 0;
	char *text;

	MUST(a != NULL);
	text = malloc(n + (n == 0));
	MUST(text != NULL);
	if (n > 0)
		memcpy(text, p, n);
	if (n > 0 && n <= 65536) {
		MUST(pii_find(engine(), text, n, a, &v, &k) == 0);
		for (size_t i = 0; i < k; i++) {
			MUST(v[i].len > 0 && v[i].start >= at && v[i].start + v[i].len <= n);
			at = v[i].start + v[i].len;
		}
		MUST(pii_find(engine(), text, n, a, &w, &m) == 0 && m == k);
		for (size_t i = 0; i < k; i++)
			MUST(v[i].start == w[i].start && v[i].what == w[i].what);
	}
	free(text);
	arena_free(&a);
	return 0;
}
