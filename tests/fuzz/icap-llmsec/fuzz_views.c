/* SPDX-License-Identifier: MIT */
/* Any bytes as a text: every view is well-formed, leads back into the text, and all together are bounded. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/views.h"
#include "lib/utf8.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x) do { if (!(x)) abort(); } while (0)

static void
check(const struct view *v, size_t n)
{
	const struct norm *t = &v->norm;

	MUST(utf8_valid(t->text, t->len) && t->text[t->len] == '\0');
	for (size_t i = 0; i <= t->len; i++)
		MUST(t->map[i] <= n);
	for (size_t i = 0; v->depth == 0 && i < t->len; i++)
		MUST(t->map[i] < n && t->map[i] <= t->map[i + 1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new(0);
	struct views vs;
	size_t total = 0;

	MUST(a != NULL);
	if (n <= 65536) {
		MUST(views_make(&vs, (const char *)p, n, a) == 0);
		for (size_t i = 0; i < vs.n; i++) {
			check(&vs.v[i], n);
			total += vs.v[i].depth > 0 ? vs.v[i].norm.len : 0;
		}
		MUST(total <= 6 * VIEW_GROWTH * n);
	}
	arena_free(&a);
	return 0;
}
