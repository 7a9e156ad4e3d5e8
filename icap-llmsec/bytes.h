/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_BYTES_H
#define LLMSEC_ICAP_BYTES_H
/* Sixteen bytes of a text side by side.  Comparing makes each -1 or 0; what is not ASCII is negative. */
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define BYTES	16

typedef signed char byte_row __attribute__((vector_size(BYTES)));

static inline byte_row
bytes_at(const char *p)
{
	byte_row v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* One bit for each, of what a comparison made. */
static inline uint64_t
bytes_bits(byte_row v)
{
#ifdef __SSE2__
	return (uint64_t)(unsigned)_mm_movemask_epi8((__m128i)v);
#else
	uint64_t all = 0;

	for (unsigned i = 0; i < BYTES; i++)
		all |= (uint64_t)(v[i] & 1) << i;
	return all;
#endif
}
#endif
