/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdbool.h>
#include <string.h>

#include "icap-llmsec/stream_mend.h"
#include "lib/utf8.h"

#define LOST	"\xef\xbf\xbd"	/* U+FFFD */

/* The number of an escape \uXXXX, -1: it is none. */
static int
unit_at(const char *p, const char *end)
{
	int v = 0;

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		char c = p[i];

		if (c >= '0' && c <= '9')
			v = v * 16 + c - '0';
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			v = v * 16 + (c | 32) - 'a' + 10;
		else
			return -1;
	}
	return v;
}

static bool
is_high(int v)
{
	return v >= 0xd800 && v < 0xdc00;
}

static bool
is_low(int v)
{
	return v >= 0xdc00 && v < 0xe000;
}

/* Half a pair.  Returns how much of the text it is. */
static size_t
mend_half(struct json_mend *m, const char *p, const char *end, bool first, struct buf *out)
{
	int v = unit_at(p, end);

	if (is_high(v) && m != NULL && p + 6 < end && p[6] == '"')
		*m = (struct json_mend){.high = (unsigned)v};
	else if (is_low(v) && m != NULL && first && m->high != 0) {
		buf_printf(out, "\\u%04x\\u%04x", m->high, (unsigned)v);
		m->high = 0;
	} else
		buf_adds(out, LOST);
	return 6;
}

static size_t
mend_escape(struct json_mend *m, const char *p, const char *end, bool first, struct buf *out)
{
	int v = unit_at(p, end);
	size_t n = v < 0 ? 2 : 6;

	if (is_high(v) && is_low(unit_at(p + 6, end)))
		n = 12;
	else if (is_high(v) || is_low(v))
		return mend_half(m, p, end, first, out);
	n = n < (size_t)(end - p) ? n : (size_t)(end - p);
	buf_add(out, p, n);
	return n;
}

/* Bytes that are no character.  Returns how many. */
static size_t
mend_bytes(struct json_mend *m, const char *p, size_t len, size_t bad, bool first, struct buf *out)
{
	char both[8];
	uint32_t cp;
	size_t n;

	if (m != NULL && first && m->n > 0) {
		memcpy(both, m->part, m->n);
		n = len < 4 ? len : 4;
		memcpy(both + m->n, p, n);
		n = utf8_decode(both, m->n + n, &cp, NULL);
		if (n > m->n && cp != UTF8_REPLACEMENT) {
			size_t used = n - m->n;

			buf_add(out, both, n);
			m->n = 0;
			return used;
		}
	}
	if (m != NULL && bad < 4 && bad < len && p[bad] == '"' && (unsigned char)*p >= 0xc2 && (unsigned char)*p < 0xf5) {
		*m = (struct json_mend){.n = bad};
		memcpy(m->part, p, bad);
	} else
		buf_adds(out, LOST);
	return bad;
}

static size_t
mend_char(struct json_mend *m, const char *p, const char *end, bool first, struct buf *out)
{
	size_t len = (size_t)(end - p), n;
	uint32_t cp;
	bool bad = false;

	if (*p == '\\')
		return mend_escape(m, p, end, first, out);
	n = utf8_decode(p, len, &cp, &bad);
	if (n == 0 || bad)
		return mend_bytes(m, p, len, n == 0 ? len : n, first, out);
	buf_add(out, p, n);
	return n;
}

int
json_mend(struct json_mend *m, const char *json, size_t len, struct buf *out)
{
	const char *p = json, *end = json + len;
	bool inside = false, first = false;

	while (p < end) {
		if (!inside || *p == '"') {
			inside = *p == '"' ? !inside : inside;
			first = inside;
			buf_addc(out, *p++);
			continue;
		}
		p += mend_char(m, p, end, first, out);
		first = false;
	}
	return out->err;
}
