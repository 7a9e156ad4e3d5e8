/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/pth.h"
#include "lib/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
sound(const struct pth_report *r)
{
	if (r->n > PTH_FINDINGS)
		abort();
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].file == NULL || r->v[i].why == NULL || (unsigned)r->v[i].layer >= PTH_LAYERS)
			abort();
}

static const uint8_t *source;
static size_t n_source;

/* The same text is every module: it imports itself under any name. */
static bool
get(void *arg, const char *from, const char *rel, unsigned n, struct pth_module *m)
{
	size_t len = strlen(rel);

	(void)arg, (void)from;
	*m = (struct pth_module){.file = "m", .data = (const char *)source, .len = n_source};
	return n == 0 && len > 3 && strcmp(rel + len - 3, ".py") == 0;
}

/* The first byte says as what the rest is read. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct pth_limits lim = {.unpacked = 1 << 20, .entries = 100, .depth = 3};
	struct arena *a = arena_new(0);
	struct pth_report r = {0};

	if (n > 0 && a != NULL) {
		if (*p == 'a')
			pth_check_archive("x.whl", p + 1, n - 1, &lim, a, &r);
		else if (*p == 'm') {
			struct pth_source src = {get, NULL};

			source = p + 1;
			n_source = n - 1;
			pth_check(PTH_FILE, "x", "import m.a", 10, a, &r);
			pth_check_imports(&r, NULL, &src, a);
		} else
			pth_check(*p == 's' ? PTH_CUSTOMIZE : PTH_FILE, "x", p + 1, n - 1, a, &r);
		sound(&r);
	}
	arena_free(&a);
	return 0;
}
