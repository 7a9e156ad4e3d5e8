/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <utf8proc.h>

#include "icap-llmsec/bytes.h"
#include "icap-llmsec/norm.h"
#include "lib/utf8.h"

#define GROWTH		3	/* output bytes for each input byte: also what a bad byte becomes, U+FFFD */
#define MARKS_MAX	3	/* on one letter of a script that needs them; what goes beyond is decoration */
#define DECOMP_MAX	18	/* code points of the longest compatibility decomposition, U+FDFA */

struct norming {
	struct norm	*n;
	size_t		 last;		/* where the last character begins, n->len if there is none */
	unsigned	 marks;		/* already on it */
};

/* Quotes and dashes that keyboards and word processors make of ASCII. */
static uint32_t
plain_punct(uint32_t c)
{
	switch (c) {
	case 0x2018: case 0x2019: case 0x201b: case 0x2032: case 0xb4:
		return '\'';
	case 0x201c: case 0x201d: case 0x201e: case 0xab: case 0xbb:
		return '"';
	case 0x2010: case 0x2011: case 0x2012: case 0x2013: case 0x2014: case 0x2212:
		return '-';
	default:
		return c;
	}
}

/* Letters in disks and boxes, white on black, and regional indicators, of which flags are made: NFKC leaves them. */
static uint32_t
boxed_letter(uint32_t c)
{
	if (c >= 0x1f150 && c <= 0x1f169)
		return 'a' + (c - 0x1f150);
	if (c >= 0x1f170 && c <= 0x1f189)
		return 'a' + (c - 0x1f170);
	return c >= 0x1f1e6 && c <= 0x1f1ff ? 'a' + (c - 0x1f1e6) : c;
}

/* Braille's letters, in the order of their dots from U+2800; a full stop: no letter. */
static const char braille[] = " a.b.k.l.cif.msp.e.h.o.r.djg.ntq.....u.v.....x.......z....w..y..";

static uint32_t
braille_letter(uint32_t c)
{
	return braille[c - 0x2800] != '.' ? (unsigned char)braille[c - 0x2800] : c;
}

/*
 * Default_Ignorable_Code_Point (DerivedCoreProperties; utf8proc has it of assigned characters only), and what else nobody sees: format characters, C1 controls, private use,
 * noncharacters, the place of an object and of a note without a head.
 */
bool
norm_invisible(uint32_t c)
{
	const utf8proc_property_t *p;

	if (c < 0xad)
		return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || (c >= 0x7f && c < 0xa0 && c != 0x85);
	if (norm_plain(c))
		return false;
	p = utf8proc_get_property((utf8proc_int32_t)c);
	return p->ignorable || c == 0x2065 || (c >= 0xfff0 && c <= 0xfff8) || (c >= 0xe0000 && c <= 0xe0fff) || p->category == UTF8PROC_CATEGORY_CF || p->category == UTF8PROC_CATEGORY_CO || (c & 0xfffe) == 0xfffe ||
	    (c >= 0xfdd0 && c <= 0xfdef) || c == 0xfffc || c == 0x1d159;
}

static bool
space(uint32_t c)
{
	return c == ' ' || (c >= 9 && c <= 13) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
	    (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* Scripts whose letters have their marks composed, or, as Hebrew and Arabic, are written without; any mark left over is there to hide the letter. */
static bool
composing_script(uint32_t c)
{
	return c < 0x700 || (c >= 0x1e00 && c <= 0x1fff) || (c >= 0x2000 && c <= 0x2bff);
}

static void
put(struct norming *g, uint32_t c, size_t from)
{
	struct norm *n = g->n;
	char u[4];
	size_t k = utf8_encode(u, c);

	g->last = n->len;
	g->marks = 0;
	for (size_t i = 0; i < k; i++) {
		n->map[n->len] = (uint32_t)from;
		n->text[n->len++] = u[i];
	}
}

/* A combining mark: onto the character before it, kept, or dropped. */
static void
put_mark(struct norming *g, uint32_t mark, size_t from)
{
	struct norm *n = g->n;
	utf8proc_int32_t pair[4] = {0, (utf8proc_int32_t)mark};
	uint32_t base;

	if (g->last >= n->len)
		return;
	utf8_take(n->text + g->last, n->len - g->last, &base, NULL);
	pair[0] = (utf8proc_int32_t)base;
	if (utf8proc_normalize_utf32(pair, 2, UTF8PROC_COMPOSE | UTF8PROC_STABLE) == 1) {
		size_t at = n->map[g->last], old = g->last;

		n->len = old;
		put(g, (uint32_t)pair[0], at);
	} else if (!composing_script(base) && g->marks < MARKS_MAX) {
		size_t last = g->last;
		unsigned marks = g->marks + 1;

		put(g, mark, from);
		g->last = last;
		g->marks = marks;
	}
}

static void
put_char(struct norming *g, uint32_t c, size_t from)
{
	struct norm *n = g->n;

	if (space(c)) {
		if (n->len > 0 && n->text[n->len - 1] != ' ')
			put(g, ' ', from);
		if (n->len > 0 && (c == '\n' || c == '\r' || c == 0x2028 || c == 0x2029))
			n->lines[(n->len - 1) / 64] |= (uint64_t)1 << (n->len - 1) % 64;
	} else if (!norm_invisible(c) && c != 0x640) {	/* tatweel only makes Arabic words longer */
		put(g, c, from);
	}
}

/* One character beyond ASCII that came as <k> bytes. */
static void
put_wide(struct norming *g, uint32_t c, size_t k, size_t from)
{
	const utf8proc_property_t *p;
	utf8proc_int32_t d[DECOMP_MAX];
	utf8proc_ssize_t n = 0;
	size_t bytes = 0;
	char u[4];
	int bound = 0;

	if (norm_plain(c)) {
		put(g, c, from);
		return;
	}
	p = utf8proc_get_property((utf8proc_int32_t)c);
	if (p->category == UTF8PROC_CATEGORY_MN || p->category == UTF8PROC_CATEGORY_ME) {
		if (!norm_invisible(c))
			put_mark(g, c, from);
		return;
	}
	c = plain_punct(c);
	if (c >= 0x1f150 && c <= 0x1f1ff && boxed_letter(c) != c) {
		put_char(g, boxed_letter(c), from);
		return;
	}
	if (c >= 0x2800 && c < 0x2840) {
		put_char(g, braille_letter(c), from);
		return;
	}
	if (p->decomp_type != 0 && c >= 0x80 && !space(c))
		n = utf8proc_decompose_char((utf8proc_int32_t)c, d, DECOMP_MAX, UTF8PROC_COMPAT | UTF8PROC_COMPOSE, &bound);
	for (utf8proc_ssize_t i = 0; i < n && i < DECOMP_MAX; i++)
		bytes += utf8_encode(u, (uint32_t)d[i]);
	if (n <= 0 || n > DECOMP_MAX || bytes > GROWTH * k) {
		put_char(g, (uint32_t)utf8proc_tolower((utf8proc_int32_t)c), from);
		return;
	}
	for (utf8proc_ssize_t i = 0; i < n; i++) {
		int cat = utf8proc_category(d[i]);

		if (cat == UTF8PROC_CATEGORY_MN)
			put_mark(g, (uint32_t)d[i], from);
		else
			put_char(g, plain_punct((uint32_t)utf8proc_tolower(d[i])), from);
	}
}

/* What ASCII and other bytes become, at most. */
static size_t
room(const char *p, size_t len)
{
	size_t high = 0, i;
	uint64_t bits;

	for (i = 0; len - i >= BYTES; i += BYTES)
		if ((bits = bytes_bits(bytes_at(p + i) < 0)) != 0)
			high += (size_t)__builtin_popcountll(bits);
	for (; i < len; i++)
		high += (unsigned char)p[i] >= 0x80;
	return len + (GROWTH - 1) * high;
}

typedef uint32_t places __attribute__((vector_size(4 * sizeof(uint32_t))));

/*
 * As many of the BYTES bytes at <from> as are printable ASCII without two blanks in a row: nearly everything.  There is room for all of them.
 */
static size_t
put_ascii(struct norming *g, const char *p, size_t from)
{
	struct norm *n = g->n;
	byte_row v = bytes_at(p), blank = v == ' ', graph = (v > ' ') & (v < 0x7f), lower = v + ((v > '@') & (v < '[') & 32);
	uint64_t blanks = bytes_bits(blank), before = blanks << 1 | (n->len == 0 || n->text[n->len - 1] == ' ');
	uint64_t stop = (bytes_bits(~(graph | blank)) | (blanks & before)) | (uint64_t)1 << BYTES;
	size_t k = (size_t)__builtin_ctzll(stop);
	uint32_t at = (uint32_t)from;
	places from4 = {at, at + 1, at + 2, at + 3};

	memcpy(n->text + n->len, &lower, sizeof(lower));
	for (unsigned i = 0; i < BYTES; i += 4) {
		memcpy(n->map + n->len + i, &from4, sizeof(from4));
		from4 += 4;
	}
	if (k > 0) {
		n->len += k;
		g->last = n->len - 1;
		g->marks = 0;
	}
	return k;
}

int
norm_text(struct norm *n, const char *p, size_t len, struct arena *a)
{
	struct norming g = {.n = n};
	size_t cap = 1 + BYTES, k;
	uint32_t c;

	if (len >= UINT32_MAX / (GROWTH + 1))
		return -EFBIG;
	cap += room(p, len);
	n->len = 0;
	n->text = arena_alloc(a, cap);
	n->map = arena_alloc(a, cap * sizeof(*n->map));
	n->lines = arena_calloc(a, cap / 64 + 1, sizeof(*n->lines));
	if (n->text == NULL || n->map == NULL || n->lines == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < len; i += k) {
		c = (unsigned char)p[i];
		if (c >= ' ' && c < 0x7f && len - i >= BYTES && (k = put_ascii(&g, p + i, i)) > 0)
			continue;
		k = 1;
		if (c > ' ' && c < 0x7f) {
			g.last = n->len;
			g.marks = 0;
			n->map[n->len] = (uint32_t)i;
			n->text[n->len++] = (char)(c - 'A' < 26 ? c + 32 : c);
			continue;
		}
		if (c >= 0x80 && (k = utf8_take(p + i, len - i, &c, NULL)) == 0) {
			k = len - i;
			c = UTF8_REPLACEMENT;
		}
		if (c >= 0xe0020 && c <= 0xe007e)
			c -= 0xe0000;
		if (c >= 0x80)
			put_wide(&g, c, k, i);
		else
			put_char(&g, c - 'A' < 26 ? c + 32 : c, i);
	}
	n->text[n->len] = '\0';
	n->map[n->len] = (uint32_t)len;
	return 0;
}
