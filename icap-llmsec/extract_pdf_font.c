/* SPDX-License-Identifier: MIT */
/*
 * What the codes of a PDF's strings mean: a ToUnicode table (9.10.3), or an encoding (9.6.6, annex D) with the differences a font names, by
 * names of the Adobe Glyph List.  What neither says, nobody but a reader of pictures knows.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/extract_pdf.h"

#define FONTS_MAX	2000
#define RANGES_MAX	200000	/* of all fonts */

/* Codes 0x80 to 0x9f of WinAnsiEncoding: those of Windows code page 1252; the rest is Latin 1. */
static const uint16_t win_ansi[32] = {
	0x20ac, 0x2022, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x2022, 0x017d, 0x2022,
	0x2022, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x2022, 0x017e, 0x0178,
};

/* MacRomanEncoding from 0x80 on: Apple's ROMAN.TXT at unicode.org. */
static const uint16_t mac_roman[128] = {
	0x00c4, 0x00c5, 0x00c7, 0x00c9, 0x00d1, 0x00d6, 0x00dc, 0x00e1, 0x00e0, 0x00e2, 0x00e4, 0x00e3, 0x00e5, 0x00e7, 0x00e9, 0x00e8,
	0x00ea, 0x00eb, 0x00ed, 0x00ec, 0x00ee, 0x00ef, 0x00f1, 0x00f3, 0x00f2, 0x00f4, 0x00f6, 0x00f5, 0x00fa, 0x00f9, 0x00fb, 0x00fc,
	0x2020, 0x00b0, 0x00a2, 0x00a3, 0x00a7, 0x2022, 0x00b6, 0x00df, 0x00ae, 0x00a9, 0x2122, 0x00b4, 0x00a8, 0x2260, 0x00c6, 0x00d8,
	0x221e, 0x00b1, 0x2264, 0x2265, 0x00a5, 0x00b5, 0x2202, 0x2211, 0x220f, 0x03c0, 0x222b, 0x00aa, 0x00ba, 0x03a9, 0x00e6, 0x00f8,
	0x00bf, 0x00a1, 0x00ac, 0x221a, 0x0192, 0x2248, 0x2206, 0x00ab, 0x00bb, 0x2026, 0x00a0, 0x00c0, 0x00c3, 0x00d5, 0x0152, 0x0153,
	0x2013, 0x2014, 0x201c, 0x201d, 0x2018, 0x2019, 0x00f7, 0x25ca, 0x00ff, 0x0178, 0x2044, 0x20ac, 0x2039, 0x203a, 0xfb01, 0xfb02,
	0x2021, 0x00b7, 0x201a, 0x201e, 0x2030, 0x00c2, 0x00ca, 0x00c1, 0x00cb, 0x00c8, 0x00cd, 0x00ce, 0x00cf, 0x00cc, 0x00d3, 0x00d4,
	0xf8ff, 0x00d2, 0x00da, 0x00db, 0x00d9, 0x0131, 0x02c6, 0x02dc, 0x00af, 0x02d8, 0x02d9, 0x02da, 0x00b8, 0x02dd, 0x02db, 0x02c7,
};

/* StandardEncoding from 0xa0 on (annex D.2); 0: no glyph. */
static const uint16_t standard[96] = {
	0, 0x00a1, 0x00a2, 0x00a3, 0x2044, 0x00a5, 0x0192, 0x00a7, 0x00a4, 0x0027, 0x201c, 0x00ab, 0x2039, 0x203a, 0xfb01, 0xfb02,
	0, 0x2013, 0x2020, 0x2021, 0x00b7, 0, 0x00b6, 0x2022, 0x201a, 0x201e, 0x201d, 0x00bb, 0x2026, 0x2030, 0, 0x00bf,
	0, 0x0060, 0x00b4, 0x02c6, 0x02dc, 0x00af, 0x02d8, 0x02d9, 0x00a8, 0, 0x02da, 0x00b8, 0, 0x02dd, 0x02db, 0x02c7,
	0x2014, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0x00c6, 0, 0x00aa, 0, 0, 0, 0, 0x0141, 0x00d8, 0x0152, 0x00ba, 0, 0, 0, 0,
	0, 0x00e6, 0, 0, 0, 0x0131, 0, 0, 0x0142, 0x00f8, 0x0153, 0x00df, 0, 0, 0, 0,
};

/* Names of glyphs that aren't a letter's own; sorted.  Adobe Glyph List, the part that Latin fonts use, and TeX's ligatures. */
static const struct { const char *name; uint16_t cp; } glyphs[] = {
	{"AE", 0xc6}, {"Aacute", 0xc1}, {"Acircumflex", 0xc2}, {"Adieresis", 0xc4}, {"Agrave", 0xc0}, {"Aring", 0xc5}, {"Atilde", 0xc3},
	{"Ccedilla", 0xc7}, {"Delta", 0x394}, {"Eacute", 0xc9}, {"Ecircumflex", 0xca}, {"Edieresis", 0xcb}, {"Egrave", 0xc8}, {"Eth", 0xd0},
	{"Euro", 0x20ac}, {"Gamma", 0x393}, {"Iacute", 0xcd}, {"Icircumflex", 0xce}, {"Idieresis", 0xcf}, {"Igrave", 0xcc}, {"Lambda", 0x39b},
	{"Lslash", 0x141}, {"Ntilde", 0xd1}, {"OE", 0x152}, {"Oacute", 0xd3}, {"Ocircumflex", 0xd4}, {"Odieresis", 0xd6}, {"Ograve", 0xd2},
	{"Omega", 0x3a9}, {"Oslash", 0xd8}, {"Otilde", 0xd5}, {"Phi", 0x3a6}, {"Pi", 0x3a0}, {"Psi", 0x3a8}, {"Scaron", 0x160}, {"Sigma", 0x3a3},
	{"Theta", 0x398}, {"Thorn", 0xde}, {"Uacute", 0xda}, {"Ucircumflex", 0xdb}, {"Udieresis", 0xdc}, {"Ugrave", 0xd9}, {"Upsilon", 0x3a5},
	{"Xi", 0x39e}, {"Yacute", 0xdd}, {"Ydieresis", 0x178}, {"Zcaron", 0x17d}, {"aacute", 0xe1}, {"acircumflex", 0xe2}, {"acute", 0xb4},
	{"adieresis", 0xe4}, {"ae", 0xe6}, {"agrave", 0xe0}, {"alpha", 0x3b1}, {"ampersand", '&'}, {"aring", 0xe5}, {"asciicircum", '^'},
	{"asciitilde", '~'}, {"asterisk", '*'}, {"at", '@'}, {"atilde", 0xe3}, {"backslash", '\\'}, {"bar", '|'}, {"beta", 0x3b2},
	{"braceleft", '{'}, {"braceright", '}'}, {"bracketleft", '['}, {"bracketright", ']'}, {"breve", 0x2d8}, {"brokenbar", 0xa6},
	{"bullet", 0x2022}, {"caron", 0x2c7}, {"ccedilla", 0xe7}, {"cedilla", 0xb8}, {"cent", 0xa2}, {"chi", 0x3c7}, {"circumflex", 0x2c6},
	{"colon", ':'}, {"comma", ','}, {"copyright", 0xa9}, {"currency", 0xa4}, {"dagger", 0x2020}, {"daggerdbl", 0x2021}, {"degree", 0xb0},
	{"delta", 0x3b4}, {"dieresis", 0xa8}, {"divide", 0xf7}, {"dollar", '$'}, {"dotaccent", 0x2d9}, {"dotlessi", 0x131}, {"dotlessj", 0x237},
	{"eacute", 0xe9}, {"ecircumflex", 0xea}, {"edieresis", 0xeb}, {"egrave", 0xe8}, {"eight", '8'}, {"ellipsis", 0x2026}, {"emdash", 0x2014},
	{"endash", 0x2013}, {"epsilon", 0x3b5}, {"equal", '='}, {"eta", 0x3b7}, {"eth", 0xf0}, {"exclam", '!'}, {"exclamdown", 0xa1}, {"ff", 0xfb00},
	{"ffi", 0xfb03}, {"ffl", 0xfb04}, {"fi", 0xfb01}, {"five", '5'}, {"fl", 0xfb02}, {"florin", 0x192}, {"four", '4'}, {"fraction", 0x2044},
	{"gamma", 0x3b3}, {"germandbls", 0xdf}, {"grave", '`'}, {"greater", '>'}, {"guillemotleft", 0xab}, {"guillemotright", 0xbb},
	{"guilsinglleft", 0x2039}, {"guilsinglright", 0x203a}, {"hungarumlaut", 0x2dd}, {"hyphen", '-'}, {"iacute", 0xed}, {"icircumflex", 0xee},
	{"idieresis", 0xef}, {"igrave", 0xec}, {"iota", 0x3b9}, {"kappa", 0x3ba}, {"lambda", 0x3bb}, {"less", '<'}, {"logicalnot", 0xac},
	{"lslash", 0x142}, {"macron", 0xaf}, {"minus", 0x2212}, {"mu", 0xb5}, {"multiply", 0xd7}, {"nbspace", 0xa0}, {"nine", '9'}, {"ntilde", 0xf1},
	{"nu", 0x3bd}, {"numbersign", '#'}, {"oacute", 0xf3}, {"ocircumflex", 0xf4}, {"odieresis", 0xf6}, {"oe", 0x153}, {"ogonek", 0x2db},
	{"ograve", 0xf2}, {"omega", 0x3c9}, {"one", '1'}, {"onehalf", 0xbd}, {"onequarter", 0xbc}, {"onesuperior", 0xb9}, {"ordfeminine", 0xaa},
	{"ordmasculine", 0xba}, {"oslash", 0xf8}, {"otilde", 0xf5}, {"paragraph", 0xb6}, {"parenleft", '('}, {"parenright", ')'}, {"percent", '%'},
	{"period", '.'}, {"periodcentered", 0xb7}, {"perthousand", 0x2030}, {"phi", 0x3c6}, {"pi", 0x3c0}, {"plus", '+'}, {"plusminus", 0xb1},
	{"psi", 0x3c8}, {"question", '?'}, {"questiondown", 0xbf}, {"quotedbl", '"'}, {"quotedblbase", 0x201e}, {"quotedblleft", 0x201c},
	{"quotedblright", 0x201d}, {"quoteleft", 0x2018}, {"quoteright", 0x2019}, {"quotesinglbase", 0x201a}, {"quotesingle", '\''},
	{"registered", 0xae}, {"rho", 0x3c1}, {"ring", 0x2da}, {"scaron", 0x161}, {"section", 0xa7}, {"semicolon", ';'}, {"seven", '7'},
	{"sfthyphen", '-'}, {"sigma", 0x3c3}, {"six", '6'}, {"slash", '/'}, {"space", ' '}, {"sterling", 0xa3}, {"tau", 0x3c4}, {"theta", 0x3b8},
	{"thorn", 0xfe}, {"three", '3'}, {"threequarters", 0xbe}, {"threesuperior", 0xb3}, {"tilde", 0x2dc}, {"trademark", 0x2122}, {"two", '2'},
	{"twosuperior", 0xb2}, {"uacute", 0xfa}, {"ucircumflex", 0xfb}, {"udieresis", 0xfc}, {"ugrave", 0xf9}, {"underscore", '_'},
	{"upsilon", 0x3c5}, {"xi", 0x3be}, {"yacute", 0xfd}, {"ydieresis", 0xff}, {"yen", 0xa5}, {"zcaron", 0x17e}, {"zero", '0'}, {"zeta", 0x3b6},
};

static int
hex_of(unsigned char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

static uint32_t
hex_number(const unsigned char *p, size_t n)
{
	uint32_t v = 0;

	for (size_t i = 0; i < n; i++) {
		if (hex_of(p[i]) < 0)
			return 0;
		v = v << 4 | (uint32_t)hex_of(p[i]);
	}
	return v;
}

/* 0: a name that says nothing. */
static uint32_t
glyph(const unsigned char *s, size_t n)
{
	const unsigned char *dot = memchr(s, '.', n);
	size_t lo = 0, hi = sizeof(glyphs) / sizeof(*glyphs);

	if (dot != NULL && dot > s)	/* "a.alt" is an a */
		n = (size_t)(dot - s);
	if (n == 1)
		return s[0];
	if (n == 7 && memcmp(s, "uni", 3) == 0)
		return hex_number(s + 3, 4);
	if (n >= 5 && n <= 7 && s[0] == 'u')
		if (hex_number(s + 1, n - 1) != 0)
			return hex_number(s + 1, n - 1);
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2, k = strlen(glyphs[mid].name);
		int c = memcmp(s, glyphs[mid].name, n < k ? n : k);

		if (c == 0 && n == k)
			return glyphs[mid].cp;
		if (c > 0 || (c == 0 && n > k))
			lo = mid + 1;
		else
			hi = mid;
	}
	return 0;
}

/* --- encodings ---------------------------------------------------------------------------------------- */

static void
encode_as(struct pdf_font *f, struct pdf_text name)
{
	for (uint32_t c = 0; c < 256; c++) {
		uint32_t cp = c >= 0x20 && c < 0x7f ? c : 0;

		if (c == '\n' || c == '\r' || c == '\t')
			cp = ' ';
		if (c >= 0x80 && pdf_is(name, "/MacRomanEncoding"))
			cp = mac_roman[c - 0x80];
		else if (c >= 0xa0 && pdf_is(name, "/StandardEncoding"))
			cp = standard[c - 0xa0];
		else if (c >= 0xa0)
			cp = c;
		else if (c >= 0x80)
			cp = win_ansi[c - 0x80];
		f->simple[c] = cp;
	}
}

/* [ 27 /ff /fi 65 /A ]: a number, then the names of that code and the next ones. */
static void
differences(struct pdf_font *f, struct pdf_text t)
{
	uint32_t code = 0;

	for (size_t i = 1; i < t.n;) {
		size_t n = pdf_skip((struct pdf_text){t.p + i, t.n - i});

		if (t.p[i] == '/') {
			if (code < 256)
				f->simple[code++] = glyph(t.p + i + 1, n - 1);
		} else if (t.p[i] >= '0' && t.p[i] <= '9') {
			code = 0;
			for (size_t k = 0; k < n && k < 4; k++)
				code = code * 10 + (uint32_t)(t.p[i + k] - '0');
		}
		i += n;
	}
}

static void
encoding(struct pdf *d, struct pdf_font *f, struct pdf_text font)
{
	struct pdf_text e = pdf_deref(d, pdf_get(font, "Encoding")), base;

	if (e.p != NULL && e.n > 1 && e.p[0] == '<' && e.p[1] == '<') {
		base = pdf_deref(d, pdf_get(e, "BaseEncoding"));
		encode_as(f, base);
		e = pdf_deref(d, pdf_get(e, "Differences"));
		if (e.p != NULL && pdf_work(d, e.n))
			differences(f, e);
	} else
		encode_as(f, e);
}

/* --- ToUnicode ---------------------------------------------------------------------------------------- */

static struct pdf_text
next_value(struct pdf_text *t)
{
	struct pdf_text v;

	while (t->n > 0 && (*t->p <= ' ' || *t->p == ']'))
		t->p++, t->n--;
	v = (struct pdf_text){t->p, 0};
	if (t->n > 0 && *t->p == '[')	/* of a bfrange: its members come one by one */
		v.n = 1;
	else
		v.n = pdf_skip(*t);
	t->p += v.n;
	t->n -= v.n;
	return v;
}

static bool
is_hex(struct pdf_text v)
{
	return v.n >= 2 && v.p[0] == '<' && v.p[1] != '<';
}

static uint32_t
code_of(struct pdf_text v)
{
	return v.n - 2 <= 8 ? hex_number(v.p + 1, v.n - 2) : 0;
}

/* <00660069>: UTF-16, up to four letters. */
static void
letters_of(struct pdf_text v, uint32_t cp[4])
{
	size_t k = 0;

	memset(cp, 0, 4 * sizeof(*cp));
	for (size_t i = 1; i + 4 < v.n && k < 4; i += 4) {
		uint32_t u = hex_number(v.p + i, 4);

		if (u >= 0xdc00 && u < 0xe000 && k > 0 && cp[k - 1] >= 0xd800 && cp[k - 1] < 0xdc00)
			cp[k - 1] = 0x10000 + ((cp[k - 1] - 0xd800) << 10) + (u - 0xdc00);
		else
			cp[k++] = u;
	}
}

static void
range_add(struct pdf *d, struct pdf_font *f, size_t *cap, uint32_t lo, uint32_t hi, struct pdf_text to)
{
	struct pdf_range *r;

	if (hi < lo || d->n_ranges == RANGES_MAX) {
		if (hi >= lo)
			extract_stop(d->x, EXTRACT_LIMIT, "its fonts are larger than is looked at");
		return;
	}
	if (f->n_ranges == *cap) {
		*cap = *cap > 0 ? *cap * 2 : 64;
		r = realloc(f->range, *cap * sizeof(*r));
		if (r == NULL) {
			d->oom = true;
			return;
		}
		f->range = r;
	}
	r = &f->range[f->n_ranges++];
	d->n_ranges++;
	r->lo = lo;
	r->hi = hi;
	letters_of(to, r->cp);
}

static void
read_range(struct pdf *d, struct pdf_font *f, size_t *cap, struct pdf_text *t, struct pdf_text first)
{
	struct pdf_text last = next_value(t), to;
	uint32_t lo, hi;

	if (!is_hex(last))
		return;
	lo = code_of(first);
	hi = code_of(last);
	to = next_value(t);
	if (is_hex(to)) {
		range_add(d, f, cap, lo, hi, to);
		return;
	}
	for (; to.n == 1 && *to.p == '[' && lo <= hi && t->n > 0 && !d->x->spent; lo++) {
		struct pdf_text v = next_value(t);

		if (!is_hex(v))
			return;
		range_add(d, f, cap, lo, lo, v);
	}
}

static int
range_cmp(const void *a, const void *b)
{
	const struct pdf_range *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

static void
to_unicode(struct pdf *d, struct pdf_font *f, struct pdf_text cmap)
{
	bool ranges = false, chars = false;
	size_t cap = 0;

	while (cmap.n > 0 && !d->oom && !d->x->spent) {
		struct pdf_text v = next_value(&cmap);

		if (v.n == 0)
			break;
		if (pdf_is(v, "beginbfrange"))
			ranges = true;
		else if (pdf_is(v, "beginbfchar"))
			chars = true;
		else if (pdf_is(v, "endbfrange") || pdf_is(v, "endbfchar"))
			ranges = chars = false;
		else if (is_hex(v) && ranges)
			read_range(d, f, &cap, &cmap, v);
		else if (is_hex(v) && chars)
			range_add(d, f, &cap, code_of(v), code_of(v), next_value(&cmap));
	}
	if (f->n_ranges > 0)
		qsort(f->range, f->n_ranges, sizeof(*f->range), range_cmp);
}

/* --- fonts ---------------------------------------------------------------------------------------------- */

static bool
has(struct pdf_text t, const char *word)
{
	return t.p != NULL && memmem(t.p, t.n, word, strlen(word)) != NULL;
}

static void
font_read(struct pdf *d, struct pdf_font *f, struct pdf_text font)
{
	struct pdf_text e = pdf_deref(d, pdf_get(font, "Encoding"));
	const struct pdf_object *o = pdf_object(d, pdf_ref(pdf_get(font, "ToUnicode")));
	struct buf b = {0};

	/* fonts may share a table or an encoding */
	if (!pdf_work(d, font.n * 5 + e.n * 4 + (o != NULL ? o->data.n : 0)))
		return;
	f->wide = pdf_is(pdf_get(font, "Subtype"), "/Type0");
	if (o != NULL && o->data.p != NULL && pdf_unpack(d, o->dict, o->data, &b))
		to_unicode(d, f, (struct pdf_text){(const unsigned char *)buf_ptr(&b), buf_len(&b)});
	buf_free(&b);
	if (!f->wide)
		encoding(d, f, font);
	else if (has(e, "/Uni") && (has(e, "UTF16") || has(e, "UCS2")))
		f->utf16 = true;
}

static struct pdf_font *
font_find(struct pdf *d, struct pdf_text font, uint32_t num)
{
	struct pdf_font *f, **v;

	for (size_t i = d->n_fonts; i > 0; i--)
		if (d->font[i - 1]->dict == font.p)
			return d->font[i - 1];
	if (d->n_fonts == FONTS_MAX) {
		extract_stop(d->x, EXTRACT_LIMIT, "it has more fonts than are looked at");
		return NULL;
	}
	if (d->n_fonts % 16 == 0) {	/* full */
		v = realloc(d->font, (d->n_fonts + 16) * sizeof(*v));
		if (v == NULL) {
			d->oom = true;
			return NULL;
		}
		d->font = v;
	}
	f = calloc(1, sizeof(*f));
	if (f == NULL) {
		d->oom = true;
		return NULL;
	}
	f->num = num;
	f->dict = font.p;
	d->font[d->n_fonts++] = f;
	font_read(d, f, font);
	return f;
}

struct pdf_font *
pdf_font(struct pdf *d, struct pdf_text resources, struct pdf_text name)
{
	struct pdf_text fonts, ref, font;
	char key[128];

	if (name.n < 2 || name.n > sizeof(key) || !pdf_work(d, resources.n))
		return NULL;
	fonts = pdf_deref(d, pdf_get(resources, "Font"));
	if (!pdf_work(d, fonts.n + d->n_fonts * 8))
		return NULL;
	key[pdf_name((struct pdf_text){name.p + 1, name.n - 1}, key, sizeof(key) - 1)] = '\0';
	ref = pdf_get(fonts, key);
	font = pdf_deref(d, ref);
	return font.p != NULL ? font_find(d, font, pdf_ref(ref)) : NULL;
}

static bool
put_mapped(struct pdf *d, const struct pdf_font *f, uint32_t code)
{
	size_t lo = 0, hi = f->n_ranges;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->range[mid].lo <= code)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || f->range[lo - 1].hi < code || f->range[lo - 1].cp[0] == 0)
		return false;
	for (size_t i = 0; i < 4 && f->range[lo - 1].cp[i] != 0; i++) {
		bool last = i == 3 || f->range[lo - 1].cp[i + 1] == 0;

		extract_put(d->x, f->range[lo - 1].cp[i] + (last ? code - f->range[lo - 1].lo : 0));
	}
	return true;
}

/* A few may be bullets and marks. */
static void
blind(struct pdf *d, struct pdf_font *f, uint32_t code)
{
	uint32_t bit = (uint32_t)1 << (code & 31), *w = &f->unknown[code >> 5 & 7];

	if (code != 0 && ++d->blind_run >= PDF_BLIND_ROW) {
		d->blind_words += d->blind_run == PDF_BLIND_ROW ? PDF_BLIND_ROW : 1;
		if (d->blind_words > PDF_BLIND_WORDS)
			extract_stop(d->x, EXTRACT_UNREADABLE, "a font of it numbers its letters");
	}
	if (code == 0 || *w & bit)
		return;
	*w |= bit;
	if (++d->blind_codes > PDF_BLIND_MAX)
		extract_stop(d->x, EXTRACT_UNREADABLE, "a font of it numbers its letters");
}

void
pdf_show(struct pdf *d, struct pdf_font *f, const unsigned char *p, size_t n)
{
	size_t step = f != NULL && (f->wide || f->utf16) ? 2 : 1;

	for (size_t i = 0; i + step <= n && d->x->text.err == 0; i += step) {
		uint32_t code = step == 2 ? (uint32_t)p[i] << 8 | p[i + 1] : p[i], cp;

		if (f != NULL && put_mapped(d, f, code)) {
			d->blind_run = 0;
			continue;
		}
		if (f == NULL)	/* no font is known here: Latin 1 is close to most */
			cp = code >= 0x20 || code == '\n' || code == '\r' || code == '\t' ? code : 0;
		else
			cp = f->utf16 ? code : step == 1 ? f->simple[code] : 0;
		if (cp != 0) {
			d->blind_run = 0;
			extract_put(d->x, cp);
		}
		else if (f != NULL)
			blind(d, f, code);
		else
			extract_stop(d->x, EXTRACT_UNREADABLE, "a font of it numbers its letters");
	}
}
