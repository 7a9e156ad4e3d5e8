/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "icap-llmsec/view_marks.h"

#define STEP	16

/* Bytes side by side; comparing makes each -1 or 0.  What is not ASCII is negative. */
typedef signed char bytes __attribute__((vector_size(STEP)));

/* One bit for each. */
static inline uint64_t
bits(bytes v)
{
#ifdef __SSE2__
	return (uint64_t)(unsigned)_mm_movemask_epi8((__m128i)v);
#else
	uint64_t all = 0;

	for (unsigned i = 0; i < STEP; i++)
		all |= (uint64_t)(v[i] & 1) << i;
	return all;
#endif
}

static inline void
mark_step(bytes v, uint64_t out[MARKS], unsigned shift)
{
	bytes small = v | 32;
	bytes digit = (v > '/') & (v < ':');
	bytes letter = (small > '`') & (small < '{');
	bytes capital = (v > '@') & (v < '[');
	bytes high = v < 0;
	bytes white = (v == ' ') | (v == '\n') | (v == '\r') | (v == '\t');
	bytes graph = (v > ' ') & (v < 0x7f);
	bytes dash = (v == '-') | (v == '_');
	bytes coded = capital | digit | dash | (v == '+') | (v == '/');
	bytes two_seven = (v > '1') & (v < '8');
	bytes all[MARKS] = {
		[MARK_HIGH] = high, [MARK_ODD] = ~(graph | white), [MARK_WHITE] = white, [MARK_WORD] = letter | digit | high, [MARK_DIGIT] = digit,
		[MARK_SIGN] = graph & ~(letter | digit), [MARK_ESCAPE] = (v == '%') | (v == '=') | (v == '&') | (v == '\\'),
		[MARK_MORSE] = high | dash | (v == '.') | (v == '*'), [MARK_PART] = (v == '\n') | (v == ':') | (v == '"') | (v == '`'),
		[MARK_BASE64] = coded | letter, [MARK_CODED] = coded, [MARK_BASE32] = letter | two_seven,
		[MARK_BASE32_WIDE] = capital | two_seven | white,
		[MARK_LEAD] = (v == (signed char)0xc2) | (v == (signed char)0xe2) | (v == (signed char)0xf0),
	};

#pragma GCC unroll 16
	for (int k = 0; k < MARKS; k++)
		out[k] |= bits(all[k]) << shift;
}

/* <n>: at most 64; behind them there is nothing. */
static inline void
mark_word(struct marks *m, const char *p, size_t word, size_t n)
{
	uint64_t out[MARKS] = { 0 };
	bytes v;

	for (unsigned i = 0; i < 64; i += STEP) {
		memcpy(&v, p + i, STEP);
		mark_step(v, out, i);
	}
	for (int k = 0; k < MARKS; k++)
		m->bits[(size_t)k * m->stride + word] = n < 64 ? out[k] & ~(UINT64_MAX << n) : out[k];
}

void
marks_make(struct marks *m, const char *p, size_t n, uint64_t *room)
{
	char end[64] = { 0 };
	size_t i;

	*m = (struct marks){ n, n / 64 + 1, room };
	for (i = 0; n - i >= 64; i += 64)
		mark_word(m, p + i, i / 64, 64);
	if (n > i)
		memcpy(end, p + i, n - i);
	mark_word(m, end, i / 64, n - i);
}
