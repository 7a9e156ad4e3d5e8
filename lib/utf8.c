/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "lib/utf8.h"

/*
 * Table 3-7 of the Unicode standard, by lead byte: how long the sequence is and which second bytes
 * may follow.  The narrowed ranges are what keeps overlong forms, surrogates and > U+10FFFF out.
 */
struct utf8_lead {
	uint8_t	len, lo, hi;	/* len 0: cannot lead */
};

static struct utf8_lead
utf8_lead(uint8_t c)
{
	if (c >= 0xc2 && c <= 0xdf)
		return (struct utf8_lead){ 2, 0x80, 0xbf };
	if (c >= 0xe0 && c <= 0xef)
		return (struct utf8_lead){ 3, c == 0xe0 ? 0xa0 : 0x80, c == 0xed ? 0x9f : 0xbf };
	if (c >= 0xf0 && c <= 0xf4)
		return (struct utf8_lead){ 4, c == 0xf0 ? 0x90 : 0x80, c == 0xf4 ? 0x8f : 0xbf };
	return (struct utf8_lead){ 0, 0, 0 };
}

size_t
utf8_decode(const char *p, size_t n, uint32_t *cp, bool *bad)
{
	const uint8_t *u = (const uint8_t *)p;
	struct utf8_lead lead;
	size_t i;

	if (bad != NULL)
		*bad = false;
	if (u[0] < 0x80) {
		*cp = u[0];
		return 1;
	}
	lead = utf8_lead(u[0]);
	if (lead.len == 0) {
		i = 1;
		goto ill;
	}
	*cp = u[0] & (0x7fu >> lead.len);
	for (i = 1; i < lead.len; i++) {
		if (i == n) {
			*cp = UTF8_REPLACEMENT;
			return 0;
		}
		if (u[i] < (i == 1 ? lead.lo : 0x80) || u[i] > (i == 1 ? lead.hi : 0xbf))
			goto ill;
		*cp = *cp << 6 | (u[i] & 0x3fu);
	}
	return lead.len;
ill:
	*cp = UTF8_REPLACEMENT;
	if (bad != NULL)
		*bad = true;
	return i;
}

size_t
utf8_encode(char out[4], uint32_t cp)
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		if (cp >= 0xd800 && cp <= 0xdfff)
			return 0;
		out[0] = (char)(0xe0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		out[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	if (cp > 0x10ffff)
		return 0;
	out[0] = (char)(0xf0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	out[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

/* Three-byte sequences come first: whole pages of CJK or Devanagari are nothing else. */
size_t
utf8_multi_run(const char *p, size_t n)
{
	const uint8_t *u = (const uint8_t *)p, *end = u + n;

	for (;;) {
		if (end - u >= 3 && u[0] >= 0xe1 && u[0] <= 0xef && u[0] != 0xed &&
		    (u[1] & 0xc0) == 0x80 && (u[2] & 0xc0) == 0x80) {
			u += 3;
		} else if (end - u >= 2 && u[0] >= 0xc2 && u[0] <= 0xdf && (u[1] & 0xc0) == 0x80) {
			u += 2;
		} else {
			uint32_t cp;
			bool bad;
			size_t k;

			if (u == end || u[0] < 0x80)
				break;
			k = utf8_decode((const char *)u, (size_t)(end - u), &cp, &bad);
			if (k == 0 || bad)
				break;
			u += k;
		}
	}
	return (size_t)(u - (const uint8_t *)p);
}

static size_t
utf8_ascii_run(const char *p, size_t n)
{
	size_t i = 0;
	uint64_t w;

	for (; n - i >= sizeof(w); i += sizeof(w)) {
		memcpy(&w, p + i, sizeof(w));
		if (w & 0x8080808080808080ULL)
			break;
	}
	while (i < n && (uint8_t)p[i] < 0x80)
		i++;
	return i;
}

/* Length of the longest prefix made of whole, well-formed characters. */
static size_t
utf8_span(const char *p, size_t n)
{
	size_t i = 0, k;

	do {
		k = utf8_ascii_run(p + i, n - i);
		k += utf8_multi_run(p + i + k, n - i - k);
		i += k;
	} while (k != 0 && i < n);
	return i;
}

bool
utf8_valid(const char *p, size_t n)
{
	return n == 0 || utf8_span(p, n) == n;
}

size_t
utf8_repair(char *out, const char *p, size_t n)
{
	size_t i = 0, o = 0, k;
	uint32_t cp;

	while (i < n) {
		k = utf8_span(p + i, n - i);
		memcpy(out + o, p + i, k);
		o += k;
		i += k;
		if (i == n)
			break;
		k = utf8_decode(p + i, n - i, &cp, NULL);
		if (k == 0)		/* a cut sequence is one maximal subpart */
			k = n - i;
		i += k;
		o += utf8_encode(out + o, UTF8_REPLACEMENT);
	}
	return o;
}

size_t
utf8_floor(const char *p, size_t n)
{
	uint32_t cp;

	for (size_t back = 1; back <= 3 && back <= n; back++) {
		if (((uint8_t)p[n - back] & 0xc0) == 0x80)
			continue;
		return utf8_decode(p + n - back, back, &cp, NULL) == 0 ? n - back : n;
	}
	return n;
}
