/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "icap-llmsec/extract.h"
#include "lib/arena.h"
#include "lib/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Any file: an answer, a reason exactly where it isn't all of the text, never more than the limit. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct extract_limits lim = {.text = 65536, .unpacked = 1 << 20, .entries = 64, .depth = 32};
	struct arena *a = arena_new(0);
	struct extracted x;

	if (a == NULL)
		return 0;
	if (extract_text(p, n, &lim, a, &x) == 0 && (x.len > lim.text || (x.code == EXTRACT_OK) != (x.why == NULL) || x.text == NULL))
		abort();
	arena_free(&a);
	return 0;
}
