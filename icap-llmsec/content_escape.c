/* SPDX-License-Identifier: MIT */
/*
 * Escapes undone wherever they stand, with no grammar around them: what a lenient reader takes (comments, trailing commas, NaN, lone
 * surrogates, lines of JSON, JSON within a string), a strict one would refuse to look at.
 */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "icap-llmsec/content_private.h"
#include "lib/utf8.h"

static int
digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* <n> hex digits at <p>; -1: they aren't there. */
static int32_t
hex(const char *p, size_t len, unsigned n)
{
	int32_t v = 0;

	if (len < n)
		return -1;
	for (unsigned i = 0; i < n; i++) {
		int d = digit((unsigned char)p[i]);

		if (d < 0)
			return -1;
		v = v * 16 + d;
	}
	return v;
}

/* \uXXXX, two of them for a character beyond the BMP.  Bytes used, 0: it's none. */
static size_t
unicode_escape(const char *p, size_t len, uint32_t *cp)
{
	int32_t a = hex(p + 2, len - 2, 4), b;

	if (a < 0)
		return 0;
	*cp = (uint32_t)a;
	if (a >= 0xd800 && a < 0xdc00 && len >= 12 && p[6] == '\\' && p[7] == 'u' && (b = hex(p + 8, len - 8, 4)) >= 0xdc00 && b < 0xe000) {
		*cp = 0x10000 + (((uint32_t)a - 0xd800) << 10) + ((uint32_t)b - 0xdc00);
		return 12;
	}
	return 6;
}

/* RFC 8259 section 7, and what JSON5, JavaScript and YAML add: \xHH, \v, \0, \', a line end that is none. */
static size_t
json_escape(const char *p, size_t len, char *out, size_t *n)
{
	static const char from[] = "bfnrtv0", to[] = "\b\f\n\r\t\v";
	const char *at;
	uint32_t cp;
	size_t used;

	if (len < 2)
		return 0;
	if (p[1] == 'u' || p[1] == 'x') {
		int32_t v = p[1] == 'x' ? hex(p + 2, len - 2, 2) : -1;

		used = p[1] == 'u' ? unicode_escape(p, len, &cp) : v >= 0 ? 4 : 0;
		if (used == 0)
			return 0;
		if (p[1] == 'x')
			cp = (uint32_t)v;
		*n = utf8_encode(out, cp);
		if (*n == 0)	/* half a pair: some readers keep it, some put this in its place */
			*n = utf8_encode(out, UTF8_REPLACEMENT);
		return used;
	}
	*n = p[1] != '\n';
	at = p[1] != '\0' ? strchr(from, p[1]) : NULL;
	*out = at != NULL ? to[at - from] : p[1];
	return 2;
}

/* Where the next sign that may begin an escape stands. */
static size_t
plain_run(const char *p, size_t len, unsigned kinds)
{
	size_t n = 0;

	while (n < len && p[n] != '%' && p[n] != '\\' && (p[n] != '+' || (kinds & CONTENT_PLUS) == 0))
		n++;
	return n;
}

static size_t
escape(const char *p, size_t len, unsigned kinds, char *out, size_t *n)
{
	int32_t v;

	if (*p == '\\')
		return (kinds & CONTENT_BACKSLASH) != 0 ? json_escape(p, len, out, n) : 0;
	if (*p != '%' || (kinds & CONTENT_PERCENT) == 0 || (v = hex(p + 1, len - 1, 2)) < 0)
		return 0;
	*out = (char)v;
	*n = 1;
	return 3;
}

size_t
content_unescape(const char *p, size_t len, char *out, unsigned kinds, bool *any)
{
	size_t n = 0, i = 0, used, k = 0;
	char c[4];

	*any = false;
	for (;;) {
		k = plain_run(p + i, len - i, kinds);
		memmove(out + n, p + i, k);
		n += k;
		i += k;
		if (i == len)
			return n;
		used = escape(p + i, len - i, kinds, c, &k);
		*any = *any || used > 0;
		if (used > 0) {
			memcpy(out + n, c, k);
			n += k;
			i += used;
		} else {
			out[n++] = p[i] == '+' && (kinds & CONTENT_PLUS) != 0 ? ' ' : p[i];
			i++;
		}
	}
}

size_t
content_narrow(char *p, size_t len, bool *all)
{
	size_t n = 0, i = 0;

	*all = true;
	while (i < len) {
		uint32_t cp;
		bool bad = false;
		size_t k = (unsigned char)p[i] < 0x80 ? 1 : utf8_decode(p + i, len - i, &cp, &bad);

		if (k > 1 && !bad && cp > 0xff) {
			*all = false;
			break;
		}
		p[n++] = k > 1 && !bad ? (char)cp : p[i];
		i += k > 1 && !bad ? k : 1;	/* what is no UTF-8 stands for itself */
	}
	return n;
}
