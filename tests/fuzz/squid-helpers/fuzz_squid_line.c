/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "squid-helpers/squid_line.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What a field says, put into an answer, reads back as one field of one line. */
static void
round_trip(const struct squid_field *f)
{
	struct squid_line none = { .channel = "" }, back;
	struct buf b = { 0 };
	char *s = strndup(f->p, f->n), *at;

	if (s == NULL)
		abort();
	squid_reply_begin(&b, &none, "OK");
	squid_reply_key(&b, "k", s);
	squid_reply_end(&b);
	if (b.err != 0 || memchr(buf_ptr(&b), '\n', buf_len(&b)) != buf_ptr(&b) + buf_len(&b) - 1)
		abort();
	at = b.data + strlen("OK k=");
	if (squid_line_parse(&back, at, (size_t)(b.data + b.len - 1 - at)) < 0 || back.n != 1 ||
	    back.field[0].n != strlen(s))
		abort();
	free(s);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct squid_line l;
	char *line = malloc(n ? n : 1);

	if (line == NULL)
		abort();
	if (n)
		memcpy(line, p, n);
	if (squid_line_parse(&l, line, n) == 0)
		for (size_t i = 0; i < l.n; i++) {
			if (l.field[i].p < line || l.field[i].p + l.field[i].n > line + n)
				abort();
			round_trip(&l.field[i]);
		}
	free(line);
	return 0;
}
