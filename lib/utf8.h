/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_UTF8_H
#define LLMSEC_UTF8_H
/* UTF-8 (RFC 3629) base of the text normaliser: strict decoding, repair, boundaries.  Pure functions. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_REPLACEMENT 0xfffdu

/* Decode one code point at p[0..n-1], n > 0.  Returns bytes used (1..4) and *cp; on an ill-formed
   sequence *cp = UTF8_REPLACEMENT and the length of the maximal subpart (Unicode 15, 3.9, U+FFFD
   substitution), *bad (if not NULL) = true.  A truncated but so far valid sequence returns 0. */
size_t	utf8_decode(const char *p, size_t n, uint32_t *cp, bool *bad);
/* The same, without a call for what most text in other scripts consists of. */
static inline size_t
utf8_take(const char *p, size_t n, uint32_t *cp, bool *bad)
{
	const uint8_t *u = (const uint8_t *)p;
	size_t k = 0;

	if (n >= 2 && u[0] >= 0xc2 && u[0] <= 0xdf && (u[1] & 0xc0) == 0x80) {
		*cp = (u[0] & 0x1fu) << 6 | (u[1] & 0x3fu);
		k = 2;
	} else if (n >= 3 && u[0] >= 0xe1 && u[0] <= 0xef && u[0] != 0xed && (u[1] & 0xc0) == 0x80 && (u[2] & 0xc0) == 0x80) {
		*cp = (u[0] & 0xfu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu);
		k = 3;
	}
	if (k == 0)
		return utf8_decode(p, n, cp, bad);
	if (bad != NULL)
		*bad = false;
	return k;
}
/* Encode; returns 1..4, 0 for surrogates and > U+10FFFF. */
size_t	utf8_encode(char out[4], uint32_t cp);
bool	utf8_valid(const char *p, size_t n);
/* Length of the longest prefix of well-formed characters that are not ASCII. */
size_t	utf8_multi_run(const char *p, size_t n);
/* Copy with ill-formed parts replaced by U+FFFD; out has room for 3*n.  Returns bytes written. */
size_t	utf8_repair(char *out, const char *p, size_t n);
/* The largest k <= n such that p[0..k-1] doesn't end inside a character. */
size_t	utf8_floor(const char *p, size_t n);
#endif
