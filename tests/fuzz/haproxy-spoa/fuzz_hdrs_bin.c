/* SPDX-License-Identifier: MIT */
/* req.hdrs_bin and the guard on top of it: whatever decodes gets a definite finding. */
#include "config.h"

#include <stdlib.h>

#include "haproxy-spoa/eng_guard.h"
#include "haproxy-spoa/req_view.h"
#include "lib/arena.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new(0);
	struct req_view r;
	enum guard_finding f;
	size_t found;

	if (a == NULL)
		abort();
	req_view_init(&r);
	if (req_view_headers(&r, p, n, a) == 0) {
		/* Each header takes at least two bytes of input, the end two more. */
		if (r.n_headers * 2 + 2 > n)
			abort();
		req_view_header(&r, "content-length", &found);
		r.flags = 0;
		r.body = (struct span){(const char *)p, n};
		f = guard_find(&r, 16384, 1024);
		if (f == GUARD_UNKNOWN || (f == GUARD_CUT && found == 0 && n < 4096))
			abort();
	}
	arena_free(&a);
	return 0;
}
