/* SPDX-License-Identifier: MIT */
/* What stands between a part of a request and its bytes: base64 (RFC 4648) and data: URLs (RFC 2397). */
#include "config.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "icap-llmsec/attach.h"

#define BAD	0x80
#define BLANK	0x81
#define PAD	0x82
#define HEADER_MAX	1024	/* of a data: URL, up to its comma */

#define _	BAD
static const uint8_t value[256] = {
	_, _, _, _, _, _, _, _, _, BLANK, BLANK, _, _, BLANK, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _,
	_, _, _, _, _, _, _, _, _, _, _, 62, _, 62, _, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, _, _, _, PAD, _, _,
	_, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, _, _, _, _, 63,
	_, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, _, _, _, _, _,
	_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _,
	_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _,
	_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _,
	_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _,
};
#undef _

/* Groups of four letters, as long as they are nothing else.  Letters used. */
static size_t
whole_groups(char **out, const unsigned char *p, size_t n)
{
	size_t i = 0;
	char *o = *out;

	for (; i + 4 <= n; i += 4) {
		uint32_t a = value[p[i]], b = value[p[i + 1]], c = value[p[i + 2]], d = value[p[i + 3]];
		uint32_t v = a << 18 | b << 12 | c << 6 | d;

		if ((a | b | c | d) & BAD)
			break;
		o[0] = (char)(v >> 16);
		o[1] = (char)(v >> 8);
		o[2] = (char)v;
		o += 3;
	}
	*out = o;
	return i;
}

ptrdiff_t
attach_base64(char *out, const char *in, size_t n)
{
	const unsigned char *p = (const unsigned char *)in;
	uint32_t bits = 0;
	unsigned have = 0, pads = 0;
	char *o = out;

	for (size_t i = 0; i < n; i++) {
		uint8_t v;

		if (have == 0 && pads == 0) {
			i += whole_groups(&o, p + i, n - i);
			if (i == n)
				break;
		}
		v = value[p[i]];
		if (v == BLANK)
			continue;
		if (v == PAD && ++pads <= 2 && have >= 2)
			continue;
		if (v & BAD || pads > 0)	/* nothing but blanks comes behind padding */
			return -1;
		bits = bits << 6 | v;
		if (++have == 4) {
			*o++ = (char)(bits >> 16);
			*o++ = (char)(bits >> 8);
			*o++ = (char)bits;
			have = 0;
		}
	}
	if (have == 1 || (pads > 0 && have + pads != 4))
		return -1;
	if (have >= 2)
		*o++ = (char)(bits >> (have == 2 ? 4 : 10));
	if (have == 3)
		*o++ = (char)(bits >> 2);
	return o - out;
}

bool
data_url_parse(const char *s, size_t n, struct data_url *u)
{
	const char *comma, *semi;
	size_t head;

	if (n < 6 || strncasecmp(s, "data:", 5) != 0)
		return false;
	comma = memchr(s + 5, ',', n - 5 < HEADER_MAX ? n - 5 : HEADER_MAX);
	if (comma == NULL)
		return false;
	head = (size_t)(comma - s) - 5;
	*u = (struct data_url){.mime = s + 5, .mime_len = head, .data = comma + 1, .len = n - head - 6};
	while (head > 0 && s[5 + head - 1] == ' ')
		head--;
	if (head >= 7 && strncasecmp(s + 5 + head - 7, ";base64", 7) == 0) {
		u->base64 = true;
		u->mime_len = head - 7;
	}
	semi = memchr(u->mime, ';', u->mime_len);
	if (semi != NULL)
		u->mime_len = (size_t)(semi - u->mime);
	return true;
}
