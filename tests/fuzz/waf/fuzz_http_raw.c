/* SPDX-License-Identifier: MIT */
/* Any bytes are a message: everything handed out lies in the input or the arena, and joins are never longer. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/waf/http_raw.h"
#include "lib/arena.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x) do { if (!(x)) abort(); } while (0)

static unsigned char sum;

/* Reading every byte lets the sanitizer see a pointer that leads astray. */
static void
touch(struct waf_str s)
{
	for (size_t i = 0; i < s.n; i++)
		sum ^= (unsigned char)s.p[i];
}

static void
look(const struct http_raw *h, size_t n)
{
	touch(h->line);
	touch(h->method);
	touch(h->uri);
	touch(h->protocol);
	touch(h->body);
	MUST(h->used <= n && h->body.n <= n && h->n_headers <= n);
	MUST((h->used < n) == ((h->flaws & HTTP_RAW_LONG) != 0));
	for (size_t i = 0; i < h->n_headers; i++) {
		touch(h->headers[i].name);
		touch(h->headers[i].value);
		MUST(h->headers[i].name.n + h->headers[i].value.n <= n);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(0);
	struct http_raw h;

	if (a == NULL)
		abort();
	MUST(http_raw_request(&h, a, (const char *)data, n, 0) == 0);
	look(&h, n);
	MUST(http_raw_request(&h, a, (const char *)data, n, HTTP_RAW_TO_END) == 0);
	look(&h, n);
	MUST(http_raw_response(&h, a, (const char *)data, n) == 0);
	look(&h, n);
	arena_free(&a);
	return 0;
}
