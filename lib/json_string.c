/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "lib/json_private.h"
#include "lib/utf8.h"

static inline bool
plain(uint8_t c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static inline size_t
plain_run_bytes(const char *p, size_t i, size_t n)
{
	while (i < n && plain((uint8_t)p[i]))
		i++;
	return i;
}

#define ONES	0x0101010101010101ULL
#define HIGHS	0x8080808080808080ULL

/* High bit set in bytes of <x> that are zero (exact up to the first such byte, which is enough). */
static inline uint64_t
zero_bytes(uint64_t x)
{
	return (x - ONES) & ~x & HIGHS;
}

size_t
json_plain_run_swar(const char *p, size_t n)
{
	size_t i = 0;
	uint64_t w;

	for (; n - i >= sizeof(w); i += sizeof(w)) {
		memcpy(&w, p + i, sizeof(w));
		if ((w & HIGHS) | ((w - 0x20 * ONES) & ~w & HIGHS) | zero_bytes(w ^ '"' * ONES) |
		    zero_bytes(w ^ '\\' * ONES))
			break;
	}
	return plain_run_bytes(p, i, n);
}

#ifdef __SSE2__
/* Bytes from 0x80 on are negative, so one signed comparison finds them and the controls. */
size_t
json_plain_run(const char *p, size_t n)
{
	const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(0x20);
	size_t i = 0;

	for (; n - i >= 16; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
		int stop = _mm_movemask_epi8(_mm_or_si128(_mm_cmplt_epi8(v, space),
		    _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash))));

		if (stop != 0)
			return i + (size_t)__builtin_ctz((unsigned)stop);
	}
	return plain_run_bytes(p, i, n);
}
#else
size_t
json_plain_run(const char *p, size_t n)
{
	return json_plain_run_swar(p, n);
}
#endif

static uint32_t
hex4(const char *p)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++)
		v = v << 4 | (p[i] <= '9' ? (uint32_t)(p[i] - '0') : (uint32_t)((p[i] | 0x20) - 'a' + 10));
	return v;
}

static char
short_escape(char c)
{
	switch (c) {
	case 'b': return '\b';
	case 'f': return '\f';
	case 'n': return '\n';
	case 'r': return '\r';
	case 't': return '\t';
	default: return c;	/* " \ / */
	}
}

size_t
json_unescape(char *out, const char *raw, size_t n)
{
	const char *p = raw, *end = raw + n, *bs;
	char *o = out;
	uint32_t cp;

	while ((bs = memchr(p, '\\', (size_t)(end - p))) != NULL) {
		memcpy(o, p, (size_t)(bs - p));
		o += bs - p;
		if (bs[1] != 'u') {
			*o++ = short_escape(bs[1]);
			p = bs + 2;
			continue;
		}
		cp = hex4(bs + 2);
		p = bs + 6;
		if (cp >= 0xd800 && cp <= 0xdbff) {
			cp = 0x10000 + ((cp - 0xd800) << 10) + (hex4(p + 2) - 0xdc00);
			p += 6;
		}
		o += utf8_encode(o, cp);
	}
	memcpy(o, p, (size_t)(end - p));
	return (size_t)(o + (end - p) - out);
}
