/* SPDX-License-Identifier: MIT */
/*
 * Reads chosen by the input from the input, against a reader of one line each: same values, the first
 * error sticks, nothing is read past the end.  Every varint that decodes encodes to the same bytes.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wire.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x) do { if (!(x)) abort(); } while (0)

static uint64_t
big_endian(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v * 256 + *p++;
	return v;
}

static void
read_number(struct wire *w, unsigned width)
{
	const uint8_t *p = w->p;
	size_t left = wire_left(w);
	uint64_t v = width == 1 ? wire_u8(w) : width == 2 ? wire_be16(w) : width == 3 ? wire_be24(w) :
	    width == 4 ? wire_be32(w) : wire_be64(w);

	MUST(left >= width ? v == big_endian(p, width) && w->p == p + width : v == 0 && w->err == -ENODATA);
}

static void
read_varint(struct wire *w)
{
	const uint8_t *p = w->p;
	uint64_t v = wire_varint(w);
	uint8_t out[10];
	struct wire_out o;

	if (w->err != 0) {
		MUST(v == 0 && (w->err == -ENODATA || w->err == -EPROTO));
		return;
	}
	wire_out_init(&o, out, sizeof(out));
	wire_put_varint(&o, v);
	MUST(o.err == 0 && wire_out_len(&o) == (size_t)(w->p - p) && memcmp(out, p, wire_out_len(&o)) == 0);
}

static void
read_bytes(struct wire *w, size_t n)
{
	size_t left = wire_left(w);
	const uint8_t *p = w->p, *got = wire_bytes(w, n);

	MUST(n <= left ? got == p && wire_left(w) == left - n : got == NULL && w->err == -ENODATA);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	size_t ops = n > 0 ? data[0] % 32 : 0, k;
	struct wire w;
	int err = 0;

	if (n < 1 + ops)
		return 0;
	wire_init(&w, data + 1 + ops, n - 1 - ops);
	for (size_t i = 1; i <= ops; i++) {
		if (err == 0) {
			switch (data[i] % 8) {
			case 0: case 1: case 2: case 3:
				read_number(&w, 1 + data[i] % 4u);
				break;
			case 4:
				read_number(&w, 8);
				break;
			case 5: case 6:
				read_varint(&w);
				break;
			default:
				read_bytes(&w, data[i] == 255 ? SIZE_MAX : data[i] / 8u);
			}
			err = w.err;
		} else
			MUST(wire_u8(&w) == 0 && wire_varint(&w) == 0 && wire_bytes(&w, 0) == NULL);
		MUST(w.err == err && (err == 0 || wire_left(&w) == 0));
	}
	wire_rest(&w, &k);
	MUST(wire_left(&w) == 0 && (err == 0 || k == 0));
	return 0;
}
