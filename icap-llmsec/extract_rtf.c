/* SPDX-License-Identifier: MIT */
/*
 * RTF (Rich Text Format Specification 1.9.1).  One pass; every group's text is read, shown or not, names of fonts and of styles too, for a list of
 * destinations to skip would be somebody's way around; only the digits of pictures and themes are left out.  Letters are \u, or bytes in the
 * code page of the document or of the font in force.  Embedded objects and binary data make a file UNREADABLE.
 */
#include "config.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/extract_private.h"
#include "lib/utf8.h"

#define FONTS_MAX	32768	/* whose character set is remembered; Word's own begin at 31500 */
#define PAGES_MAX	32	/* code pages of one file: opening one costs as much as reading 100 kB */
#define WORD_MAX	32	/* of a control word; longer ones are unknown */
#define RUN_MAX		4096	/* bytes that are decoded at once */

struct group {
	unsigned	 skip;		/* characters that stand for one \u where it isn't known */
	unsigned	 font;
	bool		 apart;		/* its text isn't its surroundings' */
	bool		 digits;	/* of a picture */
};

struct rtf {
	struct extraction *x;
	const unsigned char *p;
	size_t		 n;
	struct group	*g;		/* [lim.depth] */
	size_t		 depth;
	unsigned	 skipping;	/* characters behind a \u */
	uint32_t	 high;		/* half of a surrogate pair; 0: none */
	unsigned	 page;		/* code page of the document */
	uint16_t	 font_page[FONTS_MAX];	/* 0: the document's */
	char		 run[RUN_MAX];	/* bytes that wait for more of their character */
	size_t		 run_len;
	unsigned	 run_page;
	struct { unsigned page; iconv_t cd; } open[PAGES_MAX];	/* (iconv_t)-1: none that can be read */
	size_t		 n_open;
};

/* \fcharset: the code pages of Windows' character sets (section "Character Set"). */
static unsigned
page_of_charset(long v)
{
	static const struct { uint8_t set; uint16_t page; } t[] = {
		{77, 10000}, {128, 932}, {129, 949}, {130, 1361}, {134, 936}, {136, 950}, {161, 1253}, {162, 1254}, {163, 1258}, {177, 1255},
		{178, 1256}, {186, 1257}, {204, 1251}, {222, 874}, {238, 1250}, {254, 437}, {255, 850},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++)
		if (t[i].set == v)
			return t[i].page;
	return 0;
}

/* RTF is ASCII (section "RTF Syntax"); in EBCDIC, say, its own letters would be others. */
static bool
has_ascii(iconv_t cd)
{
	char in[] = "azAZ09 -", out[sizeof(in)], *from = in, *to = out;
	size_t left = sizeof(in) - 1, room = sizeof(out);

	return iconv(cd, &from, &left, &to, &room) != (size_t)-1 && iconv(cd, NULL, NULL, &to, &room) != (size_t)-1 &&
	    (size_t)(to - out) == sizeof(in) - 1 && memcmp(in, out, sizeof(in) - 1) == 0;
}

/* (iconv_t)-1: none that can be read. */
static iconv_t
open_page(unsigned page)
{
	char name[16] = "CP";
	iconv_t cd;

	if (page == 10000)
		return iconv_open("UTF-8", "MACINTOSH");
	if (page == 65001)
		return iconv_open("UTF-8", "UTF-8");
	for (unsigned k = 10000, at = 2; k > 0; k /= 10)
		if (page >= k)
			name[at++] = (char)('0' + page / k % 10);
	cd = iconv_open("UTF-8", name);
	if (cd == (iconv_t)-1 || has_ascii(cd))
		return cd;
	iconv_close(cd);
	return (iconv_t)-1;
}

/* Each page is opened once, however often a file goes back to it. */
static iconv_t
find_page(struct rtf *r, unsigned page)
{
	if (page == 1252)
		return (iconv_t)-1;	/* extract_char() knows it */
	for (size_t i = 0; i < r->n_open; i++)
		if (r->open[i].page == page)
			return r->open[i].cd;
	if (r->n_open == PAGES_MAX) {
		extract_stop(r->x, EXTRACT_LIMIT, "it has more code pages than are looked at");
		return (iconv_t)-1;
	}
	r->open[r->n_open].page = page;
	return r->open[r->n_open++].cd = open_page(page);
}

/* What has gathered, decoded.  What is ASCII can be read in whatever page; letters of one that isn't known make the file UNREADABLE. */
static void
flush(struct rtf *r)
{
	char *in = r->run, out[4 * RUN_MAX], *to = out;
	size_t left = r->run_len, room = sizeof(out), k;
	iconv_t cd;
	uint32_t cp;

	r->run_len = 0;
	if (left == 0)
		return;
	cd = find_page(r, r->run_page);
	while (cd != (iconv_t)-1 && left > 0 && iconv(cd, &in, &left, &to, &room) == (size_t)-1) {
		if (left == 0 || room < 8)
			break;
		iconv(cd, NULL, NULL, &to, &room);	/* a letter before it */
		to += utf8_encode(to, UTF8_REPLACEMENT);
		room = sizeof(out) - (size_t)(to - out);
		in++;
		left--;
	}
	if (cd != (iconv_t)-1)	/* some hold a letter back that a mark might follow (CP1255, CP1258): its place is here */
		iconv(cd, NULL, NULL, &to, &room);
	buf_add(&r->x->text, out, (size_t)(to - out));
	for (; left > 0; in += k, left -= k) {
		if (r->run_page != 1252 && (unsigned char)*in >= 0x80)
			extract_stop(r->x, EXTRACT_UNREADABLE, "it has letters in a code page that isn't known");
		k = extract_char(in, 1, &cp);
		extract_put(r->x, cp);
	}
}

/* Is this character only a stand-in for the \u before it? */
static bool
stand_in(struct rtf *r)
{
	if (r->skipping == 0)
		return false;
	r->skipping--;
	return true;
}

static void
put_byte(struct rtf *r, unsigned char c)
{
	const struct group *g = &r->g[r->depth];
	unsigned page = g->font < FONTS_MAX && r->font_page[g->font] != 0 ? r->font_page[g->font] : r->page;

	if (stand_in(r))
		return;
	if (r->run_len > 0 && (r->run_page != page || r->run_len == RUN_MAX))
		flush(r);
	r->run_page = page;
	r->run[r->run_len++] = (char)c;
}

static void
put_char(struct rtf *r, uint32_t c)
{
	flush(r);
	extract_put(r->x, c);
}

/* \uN, a signed number of 16 bits; characters beyond them are two. */
static void
put_unicode(struct rtf *r, long v)
{
	uint32_t u = (uint32_t)(v < 0 ? v + 65536 : v) & 0xffff;

	r->skipping = r->g[r->depth].skip;
	if (u >= 0xd800 && u < 0xdc00) {
		r->high = u;
		return;
	}
	if (u >= 0xdc00 && u < 0xe000)
		u = r->high != 0 ? 0x10000 + ((r->high - 0xd800) << 10) + (u - 0xdc00) : UTF8_REPLACEMENT;
	r->high = 0;
	if (u >= 0xf000 && u < 0xf100)	/* symbol fonts have theirs there */
		u -= 0xf000;
	put_char(r, u);
}

static bool
one_of(const char *word, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

static void
control_word(struct rtf *r, const char *w, long v, bool has_v)
{
	static const char *const lines[] = {"par", "line", "sect", "page", "row", "cell", "nestcell", "nestrow", "column", "softline", NULL},
	    *const apart[] = {"fonttbl", "colortbl", "stylesheet", "info", "footnote", "header", "footer", "headerl", "headerr", "headerf", "footerl",
	    "footerr", "footerf", "annotation", "fldrslt", "fldinst", "listtext", "pntext", "title", "subject", "author", "keywords", "comment", NULL},
	    *const digits[] = {"pict", "themedata", "colorschememapping", "datastore", "blipuid", NULL};
	static const struct { const char *word; uint16_t c; } chars[] = {{"tab", '\t'}, {"emdash", 0x2014}, {"endash", 0x2013}, {"lquote", 0x2018},
	    {"rquote", 0x2019}, {"ldblquote", 0x201c}, {"rdblquote", 0x201d}, {"bullet", 0x2022}, {"emspace", ' '}, {"enspace", ' '}, {"qmspace", ' '},
	    {"zwj", 0x200d}, {"zwnj", 0x200c}, {"zwbo", 0x200b}, {"zwnbo", 0x2060}};
	struct group *g = &r->g[r->depth];

	if (strcmp(w, "u") == 0 && has_v)
		put_unicode(r, v);
	else if (strcmp(w, "uc") == 0)
		g->skip = v >= 0 && v < 16 ? (unsigned)v : 1;
	else if (strcmp(w, "f") == 0)
		g->font = v >= 0 && v < FONTS_MAX ? (unsigned)v : FONTS_MAX;
	else if (strcmp(w, "fcharset") == 0 && g->font < FONTS_MAX)
		r->font_page[g->font] = (uint16_t)page_of_charset(v);
	else if (strcmp(w, "fcharset") == 0 && page_of_charset(v) != 0)
		extract_stop(r->x, EXTRACT_UNREADABLE, "it has more fonts than are looked at");
	else if (strcmp(w, "ansicpg") == 0)
		r->page = v > 0 && v <= 65535 ? (unsigned)v : 1252;
	else if (strcmp(w, "mac") == 0 || strcmp(w, "pc") == 0 || strcmp(w, "pca") == 0)
		r->page = w[0] == 'm' ? 10000 : w[2] == 'a' ? 850 : 437;
	else if (strcmp(w, "objdata") == 0)
		extract_stop(r->x, EXTRACT_UNREADABLE, "it embeds a file");
	else if (strcmp(w, "bin") == 0 && v > 0)
		extract_stop(r->x, EXTRACT_UNREADABLE, "it holds binary data");
	else if (one_of(w, lines))
		put_char(r, '\n');
	else if (one_of(w, digits))
		g->digits = true;
	else if (one_of(w, apart)) {
		g->apart = true;
		put_char(r, '\n');
	}
	for (size_t i = 0; i < sizeof(chars) / sizeof(*chars); i++)
		if (strcmp(w, chars[i].word) == 0 && !stand_in(r))
			put_char(r, chars[i].c);
}

static int
hex(unsigned char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

/* What follows a backslash at p[0] and is no word.  Bytes of it. */
static size_t
control_symbol(struct rtf *r, const unsigned char *p, size_t n)
{
	switch (p[0]) {
	case '\'':
		if (n < 3 || hex(p[1]) < 0 || hex(p[2]) < 0)
			return 1;
		put_byte(r, (unsigned char)(hex(p[1]) << 4 | hex(p[2])));
		return 3;
	case '*':
		r->g[r->depth].apart = true;
		put_char(r, '\n');
		return 1;
	case '~':
	case '-':
	case '_':
		if (!stand_in(r) && p[0] != '-')	/* where a word may be divided */
			put_char(r, p[0] == '~' ? ' ' : '-');
		return 1;
	case '\n':
	case '\r':
		put_char(r, '\n');
		return 1;
	default:
		put_byte(r, p[0]);
		return 1;
	}
}

/* A control behind the backslash at p[0].  Bytes, the backslash included. */
static size_t
control(struct rtf *r, const unsigned char *p, size_t n)
{
	char word[WORD_MAX + 1];
	size_t i = 1, k = 0;
	bool minus, has_v = false;
	long v = 0;

	if (n < 2)
		return 1;
	if ((p[1] | 0x20) < 'a' || (p[1] | 0x20) > 'z')
		return 1 + control_symbol(r, p + 1, n - 1);
	for (; i < n && (p[i] | 0x20) >= 'a' && (p[i] | 0x20) <= 'z'; i++)
		if (k < WORD_MAX)
			word[k++] = (char)p[i];
	word[k] = '\0';
	minus = i + 1 < n && p[i] == '-' && p[i + 1] >= '0' && p[i + 1] <= '9';
	for (i += minus; i < n && p[i] >= '0' && p[i] <= '9'; i++, has_v = true)
		v = v < 100000000 ? v * 10 + (p[i] - '0') : v;
	i += i < n && p[i] == ' ';	/* belongs to it */
	control_word(r, word, minus ? -v : v, has_v);
	return i;
}

static bool
group_open(struct rtf *r)
{
	if (r->depth + 1 >= r->x->lim.depth) {
		extract_stop(r->x, EXTRACT_LIMIT, "its groups are nested too deeply");
		return false;
	}
	r->g[r->depth + 1] = r->g[r->depth];
	r->g[++r->depth].apart = false;
	return true;
}

static void
group_close(struct rtf *r)
{
	flush(r);
	if (r->g[r->depth].apart)
		extract_put(r->x, '\n');
	if (r->depth > 0)
		r->depth--;
}

static void
read_all(struct rtf *r)
{
	const unsigned char *p = r->p;
	size_t k;

	for (size_t i = 0; i < r->n && r->x->text.err == 0; i += k) {
		k = 1;
		if (p[i] == '\\')
			k = control(r, p + i, r->n - i);
		else if (p[i] == '{' || p[i] == '}') {
			r->skipping = 0;
			if (p[i] == '}')
				group_close(r);
			else if (!group_open(r))
				break;
		} else if (p[i] != '\r' && p[i] != '\n' && !(r->g[r->depth].digits && hex(p[i]) >= 0))
			put_byte(r, p[i]);
	}
	flush(r);
}

void
extract_rtf(struct extraction *x)
{
	struct rtf *r = calloc(1, sizeof(*r));
	struct group *g = calloc(x->lim.depth, sizeof(*g));

	if (r == NULL || g == NULL)
		x->text.err = -ENOMEM;
	else {
		r->x = x;
		r->p = x->data;
		r->n = x->len;
		r->g = g;
		r->page = 1252;
		g[0].skip = 1;
		read_all(r);
		for (size_t i = 0; i < r->n_open; i++)
			if (r->open[i].cd != (iconv_t)-1)
				iconv_close(r->open[i].cd);
	}
	free(g);
	free(r);
}
