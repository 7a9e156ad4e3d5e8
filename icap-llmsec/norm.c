/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>

#include "icap-llmsec/norm.h"
#include "lib/utf8.h"

/* Simple one-to-one folding, Unicode CaseFolding.txt status C/S for the ranges named in norm.h. */
static uint32_t
fold(uint32_t c)
{
	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + 32 : c;
	if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9) || (c >= 0x410 && c <= 0x42f))
		return c + 32;
	if (c >= 0x400 && c <= 0x40f)
		return c + 80;
	if (c >= 0x100 && c <= 0x17f && c != 0x130 && c != 0x131 && c != 0x138 && c != 0x149 && c != 0x178 && c != 0x17f) {
		if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
			return c & 1 ? c + 1 : c;
		return c & 1 ? c : c + 1;
	}
	if (c >= 0xff01 && c <= 0xff5e)
		return fold(c - 0xff01 + '!');
	switch (c) {
	case 0x2018: case 0x2019: case 0x201b: case 0x2032: case 0xb4:
		return '\'';
	case 0x201c: case 0x201d: case 0x201e: case 0xab: case 0xbb:
		return '"';
	case 0x2010: case 0x2011: case 0x2012: case 0x2013: case 0x2014:
		return '-';
	case 0x178:
		return 0xff;
	default:
		return c;
	}
}

static int
invisible(uint32_t c)
{
	return c == 0xad || c == 0x34f || c == 0x61c || c == 0x180e || (c >= 0x200b && c <= 0x200f) ||
	    (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || (c >= 0xfe00 && c <= 0xfe0f) ||
	    c == 0xfeff || (c >= 0xe0000 && c <= 0xe01ef) || (c < 0x20 && c != '\t' && c != '\n' && c != '\r');
}

static int
space(uint32_t c)
{
	return c == ' ' || (c >= 9 && c <= 13) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
	    (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static void
norm_put(struct norm *n, uint32_t c, size_t from)
{
	char u[4];
	size_t k = utf8_encode(u, c);

	for (size_t i = 0; i < k; i++) {
		n->map[n->len] = (uint32_t)from;
		n->text[n->len++] = u[i];
	}
}

int
norm_text(struct norm *n, const char *p, size_t len, struct arena *a)
{
	size_t cap = len * 3 + 1, k;	/* a bad byte becomes U+FFFD: three */
	uint32_t c;

	if (len >= UINT32_MAX / 3)
		return -EFBIG;
	n->len = 0;
	n->text = arena_alloc(a, cap);
	n->map = arena_alloc(a, cap * sizeof(*n->map));
	if (n->text == NULL || n->map == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < len; i += k) {
		if ((unsigned char)p[i] < 0x80) {
			c = (unsigned char)p[i];
			k = 1;
		} else if ((k = utf8_decode(p + i, len - i, &c, NULL)) == 0) {
			k = len - i;
			c = UTF8_REPLACEMENT;
		}
		if (c >= 0xe0020 && c <= 0xe007e)
			c -= 0xe0000;
		if (space(c)) {
			if (n->len > 0 && n->text[n->len - 1] != ' ')
				norm_put(n, ' ', i);
		} else if (!invisible(c))
			norm_put(n, fold(c), i);
	}
	n->text[n->len] = '\0';
	n->map[n->len] = (uint32_t)len;
	return 0;
}
