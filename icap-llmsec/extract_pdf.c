/* SPDX-License-Identifier: MIT */
/*
 * PDF (ISO 32000-1): streams are found by their keywords, as damaged files are repaired, so that no cross-reference table can
 * lead past one; FlateDecode is undone, and what stands between ( ) in a content stream is the text.  Hexadecimal strings are read the
 * same way.  Fonts with their own numbering need a table that this reader doesn't apply: their text isn't seen, and so a file
 * with such a font, another filter or encryption is UNREADABLE.
 */
#include "config.h"

#include <string.h>
#include <zlib.h>

#include "icap-llmsec/extract_private.h"

static bool
has(const unsigned char *p, size_t n, const char *word)
{
	return memmem(p, n, word, strlen(word)) != NULL;
}

/* Codes outside of text encodings (below a blank) mean a font that numbers its glyphs. */
static void
put_byte(struct extraction *x, unsigned c)
{
	if (c < 0x20 && c != '\n' && c != '\r' && c != '\t')
		extract_stop(x, EXTRACT_UNREADABLE, "a font of it numbers its letters");
	else
		extract_put(x, c);	/* Latin 1 is close enough to the standard encodings */
}

/* p[0] is '('.  Bytes used. */
static size_t
literal(struct extraction *x, const unsigned char *p, size_t n)
{
	unsigned depth = 1, v;
	size_t i = 1;

	for (; i < n && depth > 0 && x->text.err == 0; i++) {
		if (p[i] == '\\' && i + 1 < n) {
			i++;
			if (p[i] >= '0' && p[i] <= '7') {
				v = p[i] - '0';
				for (int k = 0; k < 2 && i + 1 < n && p[i + 1] >= '0' && p[i + 1] <= '7'; k++)
					v = v * 8 + (p[++i] - '0');
				put_byte(x, v & 0xff);
			} else if (p[i] != '\n' && p[i] != '\r')
				put_byte(x, p[i] == 'n' || p[i] == 'r' ? '\n' : p[i] == 't' || p[i] == 'b' || p[i] == 'f' ? ' ' : p[i]);
			continue;
		}
		depth += p[i] == '(';
		depth -= p[i] == ')';
		if (depth > 0)
			put_byte(x, p[i]);
	}
	return i;
}

static size_t
hex_string(struct extraction *x, const unsigned char *p, size_t n)
{
	unsigned v = 0, digits = 0, c;
	size_t i = 1;

	for (; i < n && p[i] != '>' && x->text.err == 0; i++) {
		c = p[i] | 0x20u;
		if (p[i] >= '0' && p[i] <= '9')
			v = v * 16 + (p[i] - '0');
		else if (c >= 'a' && c <= 'f')
			v = v * 16 + (c - 'a' + 10);
		else
			continue;
		if (++digits % 2 == 0) {
			put_byte(x, v & 0xff);
			v = 0;
		}
	}
	return i;
}

/* Text operators and what they show; a large negative number in a TJ array is the gap between words (9.4.3). */
static void
content(struct extraction *x, const unsigned char *p, size_t n)
{
	bool gap = false;

	for (size_t i = 0; i < n && x->text.err == 0;) {
		if (p[i] == '(')
			i += literal(x, p + i, n - i);
		else if (p[i] == '<' && i + 1 < n && p[i + 1] != '<')
			i += hex_string(x, p + i, n - i);
		else if (p[i] == '<')
			i += 2;
		else {
			gap = p[i] == '-' && i + 3 < n && p[i + 1] >= '1' && p[i + 2] >= '0' && p[i + 2] <= '9' && p[i + 3] >= '0' && p[i + 3] <= '9';
			if (gap)
				buf_addc(&x->text, ' ');
			if (p[i] == 'T' && i + 1 < n && (p[i + 1] == 'd' || p[i + 1] == 'D' || p[i + 1] == '*' || p[i + 1] == 'm'))
				buf_addc(&x->text, '\n');
			i++;
		}
	}
}

/* A content stream shows text between BT and ET; without them it's a picture, a font or a table. */
static void
maybe_content(struct extraction *x, const unsigned char *p, size_t n)
{
	if (has(p, n, "begincmap"))
		extract_stop(x, EXTRACT_UNREADABLE, "a font of it numbers its letters");
	else if (has(p, n, "BT") && has(p, n, "ET") && (has(p, n, "Tj") || has(p, n, "TJ") || has(p, n, "'") || has(p, n, "\"")))
		content(x, p, n);
}

/* Words outside of pages: notes, form fields, titles, alternative texts (12.5.2, 12.7.3, 14.3.3, 14.9.3). */
static void
dictionary(struct extraction *x, const unsigned char *p, size_t n)
{
	static const char *const keys[] = {"/Contents", "/Title", "/Subject", "/Keywords", "/V", "/TU", "/Alt", "/ActualText", "/RC"};

	for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
		const unsigned char *at = p, *end = p + n, *hit;

		while (x->text.err == 0 && (hit = memmem(at, (size_t)(end - at), keys[k], strlen(keys[k]))) != NULL) {
			at = hit + strlen(keys[k]);
			while (at < end && (*at == ' ' || *at == '\n' || *at == '\r'))
				at++;
			if (at < end && *at == '(')
				at += literal(x, at, (size_t)(end - at));
			else if (at + 1 < end && *at == '<' && at[1] != '<')
				at += hex_string(x, at, (size_t)(end - at));
			else
				continue;
			buf_addc(&x->text, '\n');
		}
	}
}

static void
inflated(struct extraction *x, const unsigned char *p, size_t n, bool objects)
{
	z_stream z = {.next_in = (unsigned char *)(uintptr_t)p, .avail_in = (uInt)n};
	struct buf out = {.max = (size_t)16 << 20};
	int rc = Z_OK;

	if (inflateInit(&z) != Z_OK) {
		extract_stop(x, EXTRACT_UNREADABLE, "it cannot be unpacked");
		return;
	}
	while (rc == Z_OK) {
		char *room = buf_room(&out, 65536);

		if (room == NULL) {
			extract_stop(x, EXTRACT_LIMIT, "it unpacks to more than is looked at");
			break;
		}
		z.next_out = (unsigned char *)room;
		z.avail_out = 65536;
		rc = inflate(&z, Z_NO_FLUSH);
		buf_wrote(&out, 65536 - z.avail_out);
		if (!extract_unpacked(x, 65536 - z.avail_out))
			break;
	}
	if (rc != Z_STREAM_END && rc != Z_OK && rc != Z_BUF_ERROR)
		extract_stop(x, EXTRACT_UNREADABLE, "a stream of it is damaged");
	inflateEnd(&z);
	if (objects)
		dictionary(x, (const unsigned char *)buf_ptr(&out), buf_len(&out));
	else
		maybe_content(x, (const unsigned char *)buf_ptr(&out), buf_len(&out));
	buf_free(&out);
}

/* One stream: <dict> is what stands before the keyword, back to its object. */
static void
stream(struct extraction *x, const unsigned char *dict, size_t nd, const unsigned char *p, size_t n)
{
	if (has(dict, nd, "/Image"))
		return;
	if (has(dict, nd, "/ObjStm") && has(dict, nd, "/Encrypt"))
		extract_stop(x, EXTRACT_UNREADABLE, "it is encrypted");
	else if (has(dict, nd, "ASCII85") || has(dict, nd, "LZWDecode") || has(dict, nd, "ASCIIHex") || has(dict, nd, "RunLength") ||
	    has(dict, nd, "/Crypt"))
		extract_stop(x, EXTRACT_UNREADABLE, "a stream of it has a filter without a reader");
	else if (has(dict, nd, "/FlateDecode") || has(dict, nd, "/Fl "))
		inflated(x, p, n, has(dict, nd, "/ObjStm"));
	else if (has(dict, nd, "/Filter"))
		extract_stop(x, EXTRACT_UNREADABLE, "a stream of it has a filter without a reader");
	else
		maybe_content(x, p, n);
}

void
extract_pdf(struct extraction *x)
{
	const unsigned char *p = x->data, *s, *e;
	size_t at = 0, n = 0, prev = 0, before;

	if (has(p, x->len, "/Encrypt"))
		extract_stop(x, EXTRACT_UNREADABLE, "it is encrypted");
	while (x->text.err == 0 && x->code != EXTRACT_LIMIT && (s = memmem(p + at, x->len - at, "stream", 6)) != NULL) {
		if (++n > x->lim.entries) {
			extract_stop(x, EXTRACT_LIMIT, "it has more parts than are looked at");
			break;
		}
		before = (size_t)(s - p);
		s += 6;
		s += s < p + x->len && *s == '\r';
		s += s < p + x->len && *s == '\n';
		at = (size_t)(s - p);
		if ((e = memmem(s, x->len - at, "endstream", 9)) == NULL)
			e = p + x->len;
		dictionary(x, p + prev, before - prev);
		stream(x, p + prev, before - prev, s, (size_t)(e - s));
		at = (size_t)(e - p) + (e < p + x->len ? 9 : 0);
		prev = at;
	}
	if (x->text.err == 0)
		dictionary(x, p + prev, x->len - prev);
	if (x->code == EXTRACT_OK && buf_len(&x->text) == 0) {
		x->pictures = true;
		extract_stop(x, EXTRACT_UNREADABLE, "no text was found in it");
	}
}
