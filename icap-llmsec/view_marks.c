/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "icap-llmsec/bytes.h"
#include "icap-llmsec/view_marks.h"

static inline void
mark_step(byte_row v, uint64_t out[MARKS], unsigned shift)
{
	byte_row small = v | 32;
	byte_row digit = (v > '/') & (v < ':');
	byte_row letter = (small > '`') & (small < '{');
	byte_row capital = (v > '@') & (v < '[');
	byte_row high = v < 0;
	byte_row white = (v == ' ') | (v == '\n') | (v == '\r') | (v == '\t');
	byte_row graph = (v > ' ') & (v < 0x7f);
	byte_row dash = (v == '-') | (v == '_');
	byte_row coded = capital | digit | dash | (v == '+') | (v == '/');
	byte_row two_seven = (v > '1') & (v < '8');
	byte_row all[MARKS] = {
		[MARK_HIGH] = high, [MARK_ODD] = ~(graph | white), [MARK_WHITE] = white, [MARK_WORD] = letter | digit | high, [MARK_DIGIT] = digit,
		[MARK_SIGN] = graph & ~(letter | digit), [MARK_ESCAPE] = (v == '%') | (v == '=') | (v == '&') | (v == '\\'),
		[MARK_MORSE] = high | dash | (v == '.') | (v == '*'), [MARK_PART] = (v == '\n') | (v == ':') | (v == '"') | (v == '`'),
		[MARK_BASE64] = coded | letter, [MARK_CODED] = coded, [MARK_BASE32] = letter | two_seven,
		[MARK_BASE32_WIDE] = capital | two_seven | white,
		[MARK_LEAD] = (v == (signed char)0xc2) | (v == (signed char)0xe2) | (v == (signed char)0xf0),
	};

#pragma GCC unroll 16
	for (int k = 0; k < MARKS; k++)
		out[k] |= bytes_bits(all[k]) << shift;
}

/* <n>: at most 64; behind them there is nothing. */
static inline void
mark_word(struct marks *m, const char *p, size_t word, size_t n)
{
	uint64_t out[MARKS] = { 0 };

	for (unsigned i = 0; i < 64; i += BYTES)
		mark_step(bytes_at(p + i), out, i);
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
