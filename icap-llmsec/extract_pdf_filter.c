/* SPDX-License-Identifier: MIT */
/*
 * Filters of a PDF's streams (ISO 32000-1, 7.4).  What isn't understood is never taken for "no filter": it makes the file UNREADABLE.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "icap-llmsec/extract_pdf.h"

#define STREAM_MAX	((size_t)16 << 20)

static void
inflate_to(struct extraction *x, const char *in, size_t n, struct buf *out)
{
	z_stream z = {.next_in = (unsigned char *)(uintptr_t)in, .avail_in = (uInt)n};
	int rc = Z_OK;

	if (n == 0)
		return;
	if (inflateInit(&z) != Z_OK) {
		extract_stop(x, EXTRACT_UNREADABLE, "it cannot be unpacked");
		return;
	}
	while (rc == Z_OK) {
		char *room = buf_room(out, 65536);

		if (room == NULL)
			break;	/* pdf_unpack() sees it */
		z.next_out = (unsigned char *)room;
		z.avail_out = 65536;
		rc = inflate(&z, Z_NO_FLUSH);
		buf_wrote(out, 65536 - z.avail_out);
		if (!extract_unpacked(x, 65536 - z.avail_out))
			break;
	}
	if (rc != Z_STREAM_END && !x->spent && out->err == 0)	/* cut short is damaged too: a reader may know of more */
		extract_stop(x, EXTRACT_UNREADABLE, "a stream of it is damaged");
	inflateEnd(&z);
}

/* 7.4.3; "z" is four zero bytes, a group that ends early has a byte less than letters. */
static bool
ascii85(const char *in, size_t n, struct buf *out)
{
	uint32_t v = 0;
	unsigned have = 0;

	for (size_t i = 0; i < n && in[i] != '~'; i++) {
		if (pdf_is_space((unsigned char)in[i]))
			continue;
		if (in[i] == 'z' && have == 0) {
			buf_add(out, "\0\0\0\0", 4);
			continue;
		}
		if (in[i] < '!' || in[i] > 'u')
			return false;
		v = v * 85 + (uint32_t)(in[i] - '!');
		if (++have == 5) {
			buf_add(out, (char[4]){(char)(v >> 24), (char)(v >> 16), (char)(v >> 8), (char)v}, 4);
			v = have = 0;
		}
	}
	if (have > 1) {
		for (unsigned i = have; i < 5; i++)
			v = v * 85 + 84;
		buf_add(out, (char[4]){(char)(v >> 24), (char)(v >> 16), (char)(v >> 8), (char)v}, have - 1);
	}
	return true;
}

static bool
ascii_hex(const char *in, size_t n, struct buf *out)
{
	unsigned v = 0, digits = 0;

	for (size_t i = 0; i < n && in[i] != '>'; i++) {
		unsigned c = (unsigned char)in[i] | 0x20u;

		if (in[i] >= '0' && in[i] <= '9')
			v = v * 16 + (unsigned)(in[i] - '0');
		else if (c >= 'a' && c <= 'f')
			v = v * 16 + (c - 'a' + 10);
		else if (pdf_is_space((unsigned char)in[i]))
			continue;
		else
			return false;
		if (++digits % 2 == 0) {
			buf_addc(out, (char)v);
			v = 0;
		}
	}
	if (digits % 2 == 1)
		buf_addc(out, (char)(v * 16));
	return true;
}

#define LZW_CODES	4096
#define LZW_CLEAR	256
#define LZW_END		257

struct lzw {
	uint16_t	prefix[LZW_CODES], len[LZW_CODES];
	unsigned char	last[LZW_CODES], first[LZW_CODES];
	unsigned	next, width;
	unsigned	before;		/* the code before this one; LZW_END: none */
};

static void
lzw_clear(struct lzw *z)
{
	z->next = LZW_END + 1;
	z->width = 9;
	z->before = LZW_END;
}

static void
lzw_add(struct lzw *z, unsigned char c)
{
	if (z->before == LZW_END || z->next == LZW_CODES)
		return;
	z->prefix[z->next] = (uint16_t)z->before;
	z->last[z->next] = c;
	z->first[z->next] = z->first[z->before];
	z->len[z->next] = (uint16_t)(z->len[z->before] + 1);
	z->next++;
}

static bool
lzw_code(struct lzw *z, unsigned code, bool early, struct buf *out)
{
	size_t n;
	char *to;

	if (code > z->next || (code == z->next && (z->before == LZW_END || code == LZW_CODES)) || (z->before == LZW_END && code >= LZW_CLEAR))
		return false;
	lzw_add(z, code < z->next ? z->first[code] : z->first[z->before]);
	n = z->len[code];
	to = buf_room(out, n);
	if (to == NULL)
		return true;	/* pdf_unpack() sees it */
	buf_wrote(out, n);
	z->before = code;
	for (; n > 0; code = z->prefix[code])
		to[--n] = (char)z->last[code];
	if (z->next + early >= 1u << z->width && z->width < 12)
		z->width++;
	return true;
}

/* 7.4.4.2: codes of 9 to 12 bits, the first bit the highest; <early>: they become longer one code before they must. */
static bool
lzw(const char *in, size_t n, bool early, struct buf *out)
{
	struct lzw z;
	uint32_t acc = 0;
	unsigned have = 0, code;

	for (unsigned i = 0; i < 256; i++) {
		z.first[i] = z.last[i] = (unsigned char)i;
		z.len[i] = 1;
		z.prefix[i] = 0;
	}
	z.len[LZW_CLEAR] = z.len[LZW_END] = 0;
	z.first[LZW_CLEAR] = z.first[LZW_END] = 0;
	lzw_clear(&z);
	for (size_t i = 0; i < n && out->err == 0; i++) {
		acc = acc << 8 | (unsigned char)in[i];
		have += 8;
		if (have < z.width)
			continue;
		have -= z.width;
		code = acc >> have & ((1u << z.width) - 1);
		if (code == LZW_END)
			return true;
		if (code == LZW_CLEAR)
			lzw_clear(&z);
		else if (!lzw_code(&z, code, early, out))
			return false;
	}
	return true;
}

/* One filter of a chain.  False: there is no reader for it, or not for this. */
static bool
filter(struct extraction *x, struct pdf_text name, const char *in, size_t n, bool early, struct buf *out)
{
	bool ok = true;

	out->max = STREAM_MAX;
	if (pdf_is(name, "/FlateDecode") || pdf_is(name, "/Fl"))
		inflate_to(x, in, n, out);
	else {
		if (pdf_is(name, "/ASCII85Decode") || pdf_is(name, "/A85"))
			ok = ascii85(in, n, out);
		else if (pdf_is(name, "/LZWDecode") || pdf_is(name, "/LZW"))
			ok = lzw(in, n, early, out);
		else
			ok = (pdf_is(name, "/ASCIIHexDecode") || pdf_is(name, "/AHx")) && ascii_hex(in, n, out);
		extract_unpacked(x, buf_len(out));
	}
	if (out->err == -EFBIG)
		extract_stop(x, EXTRACT_LIMIT, "it unpacks to more than is looked at");
	return ok;
}

static bool
is_null(struct pdf_text v)
{
	return v.p == NULL || pdf_is(v, "null");
}

/* The next member of the array at <at>, dereferenced, or the one value that is no array.  False: there is no other. */
static bool
member(const struct pdf *f, struct pdf_text *at, struct pdf_text *v)
{
	size_t n;

	if (at->p == NULL || at->n == 0)
		return false;
	if (*at->p == '[')
		*at = pdf_after(*at, 1);
	if (at->n == 0 || *at->p == ']')
		return false;
	n = pdf_skip_value(*at);
	*v = pdf_deref(f, (struct pdf_text){at->p, n});
	*at = pdf_after(*at, n);
	return true;
}

/* A key's value.  False: it refers to an object that was not found, which a reader may know (by 7.3.10 it would be null). */
static bool
value(const struct pdf *f, struct pdf_text dict, const char *key, struct pdf_text *v)
{
	struct pdf_text raw = pdf_get(dict, key);

	*v = pdf_deref(f, raw);
	return raw.p == NULL || v->p != NULL;
}

/* Only a predictor (7.4.4.4) and LZW's EarlyChange change what a filter with a reader gives. */
static bool
has_predictor(struct pdf *f, struct pdf_text dict, bool *early)
{
	static const char *const keys[] = {"DecodeParms", "DP"};
	struct pdf_text at, v, p;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		if (!value(f, dict, keys[i], &at))
			return true;
		while (member(f, &at, &v)) {
			if (pdf_is(v, "null"))
				continue;
			if (v.p == NULL || v.n < 2 || v.p[0] != '<' || v.p[1] != '<' || !pdf_work(f, v.n))
				return true;
			if (!value(f, v, "Predictor", &p) || (!is_null(p) && !pdf_is(p, "1")))
				return true;
			if (!value(f, v, "EarlyChange", &p))
				return true;
			*early = *early && !pdf_is(p, "0");
		}
	}
	return false;
}

/* Data in another file (7.3.8.2, F), and names that aren't any, have no reader. */
static bool
unpack(struct pdf *f, struct pdf_text dict, struct buf *out)
{
	struct pdf_text at, other, name;
	unsigned n = 0;
	bool early = true;

	if (!value(f, dict, "Filter", &at) || !value(f, dict, "F", &other) || has_predictor(f, dict, &early) || (!is_null(at) && !is_null(other)))
		return false;
	if (is_null(at))
		at = other;
	while (member(f, &at, &name)) {
		struct buf b = {0};

		if (pdf_is(name, "null"))
			continue;
		if (++n > 4 || name.p == NULL || !filter(f->x, name, buf_ptr(out), buf_len(out), early, &b)) {
			buf_free(&b);
			return false;
		}
		f->oom = f->oom || b.err == -ENOMEM;
		buf_free(out);
		*out = b;
	}
	return true;
}

bool
pdf_unpack(struct pdf *f, struct pdf_text dict, struct pdf_text data, struct buf *out)
{
	buf_free(out);
	if (buf_add(out, data.p, data.n) != 0) {
		f->oom = true;
		return false;
	}
	if (unpack(f, dict, out))
		return true;
	extract_stop(f->x, EXTRACT_UNREADABLE, "a stream of it has a filter without a reader");
	buf_free(out);
	return false;
}
