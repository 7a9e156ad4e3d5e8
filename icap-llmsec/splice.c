/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "icap-llmsec/span.h"

static int
edit_cmp(const void *a, const void *b)
{
	const struct edit *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

int
span_splice(struct buf *out, const void *body, size_t len, struct edit *e, size_t n)
{
	const char *p = body;
	uint64_t at = 0;

	if (n > 1)
		qsort(e, n, sizeof(*e), edit_cmp);
	for (size_t i = 0; i < n; i++)
		if (e[i].start >= e[i].end || e[i].end > len || (i > 0 && e[i].start < e[i - 1].end))
			return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		buf_add(out, p + at, e[i].start - at);
		buf_addc(out, '"');
		buf_add_json(out, e[i].text, e[i].len);
		buf_addc(out, '"');
		at = e[i].end;
	}
	return buf_add(out, p + at, len - at);
}
