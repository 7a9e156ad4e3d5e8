/* SPDX-License-Identifier: MIT */
/* Any bytes as a rule pack; one that loads has proved its examples and then meets a text. */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/rules.h"
#include "lib/diag.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x) do { if (!(x)) abort(); } while (0)

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct diag *d = diag_new();
	struct arena *a = arena_new(0);
	struct rule_hit *h;
	struct rules *r;
	struct norm t;
	size_t k;
	int rc;

	MUST(d != NULL && a != NULL);
	if (n <= 8192 && rules_load_mem(&r, "fuzz", (const char *)p, n, d) == 0) {
		MUST(diag_errors(d) == 0 && norm_text(&t, (const char *)p, n, a) == 0);
		rc = rules_match(r, RULE_USER | RULE_TOOL, 0, &t, a, &h, &k);
		MUST(rc == 0 || rc == -EOVERFLOW || rc == -ENOMEM);
		for (size_t i = 0; rc == 0 && i < k; i++)
			MUST(h[i].start <= t.len && h[i].len <= t.len - h[i].start && t.map[h[i].start + h[i].len] <= n);
		rules_free(&r);
	}
	diag_free(&d);
	arena_free(&a);
	return 0;
}
