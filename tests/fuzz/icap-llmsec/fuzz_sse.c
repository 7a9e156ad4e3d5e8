/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/sse.h"

/* Raw spans must add up to the input, and what is dispatched must not depend on where it is cut. */
struct seen { struct buf raw, log; };

static int
note(void *arg, const struct sse_event *e)
{
	struct seen *s = arg;
	struct buf out = { 0 };

	buf_add(&s->raw, e->raw, e->raw_len);
	if (e->has_data) {
		buf_printf(&s->log, "%zu %zu %zu %d.", e->name_len, e->data_len, e->id_len, (int)e->retry);
		buf_add(&s->log, e->data, e->data_len);
		sse_rewrite(&out, e, "{}", 2);
		if (buf_len(&out) == 0)
			abort();
		buf_free(&out);
	}
	return 0;
}

static void
run(struct seen *s, const uint8_t *p, size_t n, size_t step)
{
	struct sse *sse = sse_new(note, s, 1 << 20);

	memset(s, 0, sizeof(*s));
	for (size_t at = 0; sse != NULL && at < n; at += step)
		if (sse_feed(sse, p + at, n - at < step ? n - at : step) != 0)
			abort();
	if (sse == NULL || sse_finish(sse) != 0)
		abort();
	if (buf_len(&s->raw) != n || (n > 0 && memcmp(buf_ptr(&s->raw), p, n) != 0))
		abort();
	sse_free(&sse);
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct seen a, b;

	if (n == 0 || n > 65536)
		return 0;
	run(&a, p + 1, n - 1, n);
	run(&b, p + 1, n - 1, 1 + p[0] % 9);
	if (buf_len(&a.log) != buf_len(&b.log) || memcmp(buf_ptr(&a.log), buf_ptr(&b.log), buf_len(&a.log)) != 0)
		abort();
	buf_free(&a.raw);
	buf_free(&a.log);
	buf_free(&b.raw);
	buf_free(&b.log);
	return 0;
}
