/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "lib/wire.h"

void
wire_init(struct wire *w, const void *p, size_t n)
{
	w->p = p;
	w->end = n ? w->p + n : w->p;	/* p may be NULL when n is 0 */
	w->err = 0;
}

size_t
wire_left(const struct wire *w)
{
	return (size_t)(w->end - w->p);
}

/* After an error the cursor is empty, so that every later read fails the same way. */
static void
wire_fail(struct wire *w, int err)
{
	if (w->err == 0)
		w->err = err;
	w->p = w->end;
}

const uint8_t *
wire_bytes(struct wire *w, size_t n)
{
	const uint8_t *p = w->p;

	if (w->err || n > wire_left(w)) {
		wire_fail(w, -ENODATA);
		return NULL;
	}
	if (n)
		w->p += n;
	return p;
}

const uint8_t *
wire_rest(struct wire *w, size_t *n)
{
	*n = w->err ? 0 : wire_left(w);
	return wire_bytes(w, *n);
}

void
wire_skip(struct wire *w, size_t n)
{
	wire_bytes(w, n);
}

static uint64_t
wire_be(struct wire *w, size_t n)
{
	const uint8_t *p = wire_bytes(w, n);
	uint64_t v = 0;

	if (p == NULL)
		return 0;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

uint8_t
wire_u8(struct wire *w)
{
	return (uint8_t)wire_be(w, 1);
}

uint16_t
wire_be16(struct wire *w)
{
	return (uint16_t)wire_be(w, 2);
}

uint32_t
wire_be24(struct wire *w)
{
	return (uint32_t)wire_be(w, 3);
}

uint32_t
wire_be32(struct wire *w)
{
	return (uint32_t)wire_be(w, 4);
}

uint64_t
wire_be64(struct wire *w)
{
	return wire_be(w, 8);
}

/*
 * The first byte carries 4 bits once it is >= 240, each later one 7, and every step subtracts its
 * own threshold, so a value has one encoding only; what can go wrong is running past 64 bits.
 */
uint64_t
wire_varint(struct wire *w)
{
	uint64_t v = wire_u8(w), add;
	uint8_t b;

	if (w->err || v < 240)
		return v;
	for (unsigned shift = 4;; shift += 7) {
		b = wire_u8(w);
		if (w->err)
			return 0;
		if (shift > 63 || (add = (uint64_t)b << shift) >> shift != b ||
		    __builtin_add_overflow(v, add, &v)) {
			wire_fail(w, -EPROTO);
			return 0;
		}
		if (b < 128)
			return v;
	}
}

void
wire_out_init(struct wire_out *w, void *p, size_t n)
{
	w->base = w->p = p;
	w->end = n ? w->p + n : w->p;
	w->err = 0;
}

size_t
wire_out_len(const struct wire_out *w)
{
	return (size_t)(w->p - w->base);
}

void
wire_put_bytes(struct wire_out *w, const void *p, size_t n)
{
	if (w->err)
		return;
	if (n > (size_t)(w->end - w->p)) {
		w->err = -ENOSPC;
		return;
	}
	if (n) {
		memcpy(w->p, p, n);
		w->p += n;
	}
}

static void
wire_put_be(struct wire_out *w, uint64_t v, size_t n)
{
	uint8_t b[8];

	for (size_t i = n; i > 0; v >>= 8)
		b[--i] = (uint8_t)v;
	wire_put_bytes(w, b, n);
}

void
wire_put_u8(struct wire_out *w, uint8_t v)
{
	wire_put_be(w, v, 1);
}

void
wire_put_be16(struct wire_out *w, uint16_t v)
{
	wire_put_be(w, v, 2);
}

void
wire_put_be32(struct wire_out *w, uint32_t v)
{
	wire_put_be(w, v, 4);
}

void
wire_put_be64(struct wire_out *w, uint64_t v)
{
	wire_put_be(w, v, 8);
}

void
wire_put_varint(struct wire_out *w, uint64_t v)
{
	uint8_t b[10];
	size_t n = 0;

	if (v < 240) {
		b[n++] = (uint8_t)v;
	} else {
		b[n++] = (uint8_t)(v | 240);
		for (v = (v - 240) >> 4; v >= 128; v = (v - 128) >> 7)
			b[n++] = (uint8_t)(v | 128);
		b[n++] = (uint8_t)v;
	}
	wire_put_bytes(w, b, n);	/* all of it or nothing */
}

void
wire_put_str(struct wire_out *w, const void *p, size_t n)
{
	wire_put_varint(w, n);
	wire_put_bytes(w, p, n);
}
