/* SPDX-License-Identifier: MIT */
/* Any bytes, UTF-8 or not: tokens go forwards, stay inside, and their features fit the tables. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/feature.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x) do { if (!(x)) abort(); } while (0)

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct feature_explain e;
	struct feature_scan s;
	struct feature_token t;
	char *text = malloc(n + 1);		/* exactly as long as it says: a byte too far is found */
	size_t last = 0;

	MUST(text != NULL);
	if (n > 0)
		memcpy(text, p, n);
	feature_start(&s, NULL, text, n, NULL);
	s.explain = &e;
	while (feature_next(&s, &t)) {
		MUST(t.start >= last && t.end > t.start && t.end <= n && t.n > 0 && t.n <= FEATURE_TOKEN_MAX);
		for (unsigned i = 0; i < t.n; i++)
			MUST(t.v[i] < FEATURE_TABLE && e.start[i] < e.end[i] && e.end[i] == t.end);
		last = t.end;
	}
	for (size_t i = last; i < n; i++)
		MUST(text[i] == ' ');
	free(text);
	return 0;
}
