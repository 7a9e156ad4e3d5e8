/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/decode.h"

#define MAX_OUT	((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* First byte: coding and piece size.  Pieces and the whole must agree, and the bound must hold. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const names[] = { "gzip", "deflate", "br", "identity" };
	struct buf a = { 0 }, b = { 0 };
	const char *name;
	struct decode *d;
	size_t step;
	int ra, rb = 0;

	if (n == 0 || n > 65536)
		return 0;
	name = names[p[0] & 3];
	step = 1 + (p[0] >> 2);
	p++;
	n--;
	ra = decode_all(name, p, n, MAX_OUT, &a);
	if (decode_new(&d, decode_coding(name), MAX_OUT) != 0)
		abort();
	for (size_t at = 0; rb == 0 && at < n; at += step)
		rb = decode_feed(d, p + at, n - at < step ? n - at : step, &b);
	if (rb == 0)
		rb = decode_finish(d);
	decode_free(&d);
	if (buf_len(&a) > MAX_OUT || buf_len(&b) > MAX_OUT || ra != rb)
		abort();
	if (ra == 0 && (buf_len(&a) != buf_len(&b) || memcmp(buf_ptr(&a), buf_ptr(&b), buf_len(&a)) != 0))
		abort();
	buf_free(&a);
	buf_free(&b);
	return 0;
}
