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
#define FILTERS_MAX	4
#define COLORS_MAX	32		/* more than any colour space has; 8.6.6.5 allows 32 */

/* What comes with one filter (7.4.4.3, tables 8 and 10). */
struct parms {
	bool	early;			/* of LZW: codes become longer one code before they must */
	size_t	predictor, colors, bits, columns;
};

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

/* 7.4.4.2: codes of 9 to 12 bits, the first bit the highest. */
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

/* --- predictors (7.4.4.4) ------------------------------------------------------------------------------- */

/* The nearest of left, above and the corner (ISO/IEC 15948, 9.4). */
static unsigned char
paeth(int a, int b, int c)
{
	int p = a + b - c, pa = p > a ? p - a : a - p, pb = p > b ? p - b : b - p, pc = p > c ? p - c : c - p;

	return (unsigned char)(pa <= pb && pa <= pc ? a : pb <= pc ? b : c);
}

/* A row of <n> bytes after its tag; <up> is the row above, NULL: zeros; <bpp>: bytes back to the pixel on the left. */
static bool
png_row(unsigned tag, const unsigned char *in, size_t n, const unsigned char *up, size_t bpp, unsigned char *out)
{
	if (tag > 4)
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned char a = i >= bpp ? out[i - bpp] : 0, b = up != NULL ? up[i] : 0, c = up != NULL && i >= bpp ? up[i - bpp] : 0;
		const unsigned char add[5] = {0, a, b, (unsigned char)((a + b) / 2), paeth(a, b, c)};

		out[i] = (unsigned char)(in[i] + add[tag]);
	}
	return true;
}

/* Every row says in a byte before it how it was predicted; the number in Predictor says nothing more.  The last row may be short. */
static bool
png(const unsigned char *in, size_t n, const struct parms *p, size_t row, struct buf *to)
{
	size_t bpp = (p->colors * p->bits + 7) / 8, done = 0;
	unsigned char *out = (unsigned char *)buf_room(to, n), *up = NULL;

	if (out == NULL)
		return true;	/* pdf_unpack() sees it */
	while (n > 1) {
		size_t k = n - 1 < row ? n - 1 : row;

		if (!png_row(in[0], in + 1, k, up, bpp, out + done))
			return false;
		up = out + done;
		done += k;
		in += k + 1;
		n -= k + 1;
	}
	buf_wrote(to, done);
	return true;
}

/* One row: each component is the difference to the one of the pixel on the left, modulo its width. */
static void
tiff_row(unsigned char *row, size_t n, const struct parms *p)
{
	unsigned left[COLORS_MAX] = {0}, mask = (1u << p->bits) - 1;
	size_t color = 0;

	for (size_t bit = 0; bit + p->bits <= n * 8; bit += p->bits) {
		unsigned char *at = row + bit / 8;
		unsigned shift = p->bits < 8 ? 8 - (unsigned)(bit % 8) - (unsigned)p->bits : 0;
		unsigned v = p->bits == 16 ? (unsigned)at[0] << 8 | at[1] : (unsigned)at[0] >> shift & mask;

		left[color] = v = (v + left[color]) & mask;
		if (p->bits == 16) {
			at[0] = (unsigned char)(v >> 8);
			at[1] = (unsigned char)v;
		} else
			at[0] = (unsigned char)((at[0] & ~(mask << shift)) | v << shift);
		color = color + 1 < p->colors ? color + 1 : 0;
	}
}

static bool
tiff(const unsigned char *in, size_t n, const struct parms *p, size_t row, struct buf *to)
{
	unsigned char *out = (unsigned char *)buf_room(to, n);

	if (out == NULL)
		return true;
	if (n > 0)
		memcpy(out, in, n);
	for (size_t at = 0; at < n; at += row)
		tiff_row(out + at, n - at < row ? n - at : row, p);
	buf_wrote(to, n);
	return true;
}

/* In place of what a filter gave.  False: unheard of. */
static bool
unpredict(const struct parms *p, struct buf *out)
{
	struct buf b = {.max = STREAM_MAX};
	size_t row;
	bool ok;

	if (p->predictor == 1)
		return true;
	if ((p->predictor != 2 && (p->predictor < 10 || p->predictor > 15)) || p->colors < 1 || p->colors > COLORS_MAX ||
	    (p->bits != 1 && p->bits != 2 && p->bits != 4 && p->bits != 8 && p->bits != 16) || p->columns < 1 || p->columns > STREAM_MAX)
		return false;
	if (buf_len(out) == 0)
		return true;
	row = (p->columns * p->colors * p->bits + 7) / 8;
	ok = (p->predictor == 2 ? tiff : png)((const unsigned char *)buf_ptr(out), buf_len(out), p, row, &b);
	buf_free(out);
	*out = b;
	return ok;
}

/* One filter of a chain.  False: there is no reader for it, or not for this. */
static bool
filter(struct extraction *x, struct pdf_text name, const char *in, size_t n, const struct parms *p, struct buf *out)
{
	bool flate = pdf_is(name, "/FlateDecode") || pdf_is(name, "/Fl"), is_lzw = pdf_is(name, "/LZWDecode") || pdf_is(name, "/LZW"), ok = true;

	out->max = STREAM_MAX;
	if (flate)
		inflate_to(x, in, n, out);
	else {
		if (pdf_is(name, "/ASCII85Decode") || pdf_is(name, "/A85"))
			ok = ascii85(in, n, out);
		else if (is_lzw)
			ok = lzw(in, n, p->early, out);
		else
			ok = (pdf_is(name, "/ASCIIHexDecode") || pdf_is(name, "/AHx")) && ascii_hex(in, n, out);
		extract_unpacked(x, buf_len(out));
	}
	if (ok && out->err == 0 && !x->spent)	/* only these two have predictors; with another one nobody knows what a reader does */
		ok = flate || is_lzw ? unpredict(p, out) : p->predictor == 1;
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

/* A whole number, <or> where there is none.  False: it is something else. */
static bool
parm(const struct pdf *f, struct pdf_text dict, const char *key, size_t or, size_t *n)
{
	struct pdf_text v;

	*n = or;
	return value(f, dict, key, &v) && (is_null(v) || pdf_number(v, n));
}

/* One dictionary of parameters, or none.  False: they can't be read. */
static bool
parms_read(struct pdf *f, struct pdf_text v, struct parms *p)
{
	size_t early;

	*p = (struct parms){true, 1, 1, 8, 1};
	if (pdf_is(v, "null"))
		return true;
	if (v.p == NULL || v.n < 2 || v.p[0] != '<' || v.p[1] != '<' || !pdf_work(f, 5 * v.n))
		return false;
	if (!parm(f, v, "Predictor", 1, &p->predictor) || !parm(f, v, "Colors", 1, &p->colors) || !parm(f, v, "BitsPerComponent", 8, &p->bits) ||
	    !parm(f, v, "Columns", 1, &p->columns) || !parm(f, v, "EarlyChange", 1, &early))
		return false;
	p->early = early != 0;
	return true;
}

/*
 * The parameters of all filters, in their order; defaults where there are none.  <several>: the filters stand in an array.  What a reader does with
 * parameters that don't fit the filters - one dictionary for several, a second key - is not known: false, if they would change anything.
 */
static bool
parms_all(struct pdf *f, struct pdf_text dict, bool several, struct parms all[FILTERS_MAX])
{
	static const char *const keys[] = {"DecodeParms", "DP"};
	struct pdf_text at, v;
	struct parms p;
	bool given = false;

	for (unsigned i = 0; i < FILTERS_MAX; i++)
		all[i] = (struct parms){true, 1, 1, 8, 1};
	for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
		unsigned n = 0;
		bool fits;

		if (!value(f, dict, keys[k], &at))
			return false;
		if (is_null(at))
			continue;
		fits = !given && (!several || *at.p == '[');
		given = true;
		for (; member(f, &at, &v); n++) {
			if (!parms_read(f, v, &p))
				return false;
			if (fits && n < FILTERS_MAX)
				all[n] = p;
			else if (p.predictor != 1 || !p.early)
				return false;
		}
	}
	return true;
}

/* Data in another file (7.3.8.2, F), and names that aren't any, have no reader. */
static bool
unpack(struct pdf *f, struct pdf_text dict, struct buf *out)
{
	struct parms parms[FILTERS_MAX];
	struct pdf_text at, other, name;
	unsigned n = 0;

	if (!value(f, dict, "Filter", &at) || !value(f, dict, "F", &other) || (!is_null(at) && !is_null(other)))
		return false;
	if (is_null(at))
		at = other;
	if (!parms_all(f, dict, !is_null(at) && at.n > 0 && *at.p == '[', parms))
		return false;
	for (; member(f, &at, &name); n++) {
		struct buf b = {0};

		if (n == FILTERS_MAX)
			return false;
		if (pdf_is(name, "null"))
			continue;
		if (name.p == NULL || !filter(f->x, name, buf_ptr(out), buf_len(out), &parms[n], &b)) {
			buf_free(&b);
			return false;
		}
		f->oom = f->oom || b.err == -ENOMEM;
		buf_free(out);
		*out = b;
	}
	for (; n < FILTERS_MAX; n++)	/* parameters of no filter */
		if (parms[n].predictor != 1)
			return false;
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
