/* SPDX-License-Identifier: MIT */
/* Text with characters written as escapes: the text as whoever unescapes it would see it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/views.h"
#include "lib/utf8.h"

#define ESCAPES_MIN	2	/* one alone is no disguise */

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 32);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* <min> to <max> digits of base 8, 10 or 16; how many there were, 0: too few. */
static size_t
number(const char *p, size_t n, unsigned base, size_t min, size_t max, uint32_t *v)
{
	size_t k = 0;
	int d;

	*v = 0;
	while (k < n && k < max && (d = hex(p[k])) >= 0 && (unsigned)d < base) {
		*v = *v * base + (unsigned)d;
		k++;
	}
	return k >= min ? k : 0;
}

/* Named character references (HTML, 13.5) that stand for what words, code and mark-up are made of, or for nothing to be seen. */
static const struct { const char *name; uint16_t c; } entities[] = {
	{"Tab;", '\t'}, {"amp;", '&'}, {"apos;", '\''}, {"ast;", '*'}, {"bsol;", '\\'}, {"colon;", ':'}, {"comma;", ','}, {"commat;", '@'},
	{"dollar;", '$'}, {"equals;", '='}, {"excl;", '!'}, {"grave;", '`'}, {"gt;", '>'}, {"hyphen;", '-'}, {"lbrace;", '{'},
	{"lbrack;", '['}, {"lowbar;", '_'}, {"lpar;", '('}, {"lt;", '<'}, {"nbsp;", ' '}, {"num;", '#'}, {"percnt;", '%'}, {"period;", '.'},
	{"plus;", '+'}, {"quest;", '?'}, {"quot;", '"'}, {"rbrace;", '}'}, {"rbrack;", ']'}, {"rpar;", ')'}, {"semi;", ';'}, {"sol;", '/'},
	{"verbar;", '|'},
	{"ApplyFunction;", 0x2061}, {"InvisibleComma;", 0x2063}, {"InvisibleTimes;", 0x2062}, {"NegativeThinSpace;", 0x200b}, {"NoBreak;", 0x2060},
	{"ZeroWidthSpace;", 0x200b}, {"af;", 0x2061}, {"ic;", 0x2063}, {"it;", 0x2062}, {"lrm;", 0x200e}, {"rlm;", 0x200f}, {"shy;", 0xad},
	{"zwj;", 0x200d}, {"zwnj;", 0x200c},
};

static size_t
entity(const char *p, size_t n, uint32_t *c)
{
	size_t k, at = 2;

	if (n > 3 && p[1] == '#') {
		bool x = (p[2] | 32) == 'x';

		at += x;
		k = number(p + at, n - at, x ? 16 : 10, 1, 8, c);
		return k == 0 ? 0 : at + k + (at + k < n && p[at + k] == ';');
	}
	for (size_t i = 0; i < sizeof(entities) / sizeof(*entities); i++) {
		k = strlen(entities[i].name);
		if (n > k && memcmp(p + 1, entities[i].name, k) == 0) {
			*c = entities[i].c;
			return k + 1;
		}
	}
	return 0;
}

/* \n is one, too: a line break. */
static size_t
backslash(const char *p, size_t n, uint32_t *c)
{
	static const char from[] = "nrt\"'/", to[] = "\n\r\t\"'/";
	const char *s;
	size_t k;

	if (n < 2)
		return 0;
	switch (p[1]) {
	case 'x':
		k = n > 2 && p[2] == '{' ? number(p + 3, n - 3, 16, 1, 6, c) : 0;
		if (k > 0)
			return 3 + k < n && p[3 + k] == '}' ? k + 4 : 0;
		k = number(p + 2, n - 2, 16, 2, 2, c);
		return k ? k + 2 : 0;
	case 'u':
		k = n > 2 && p[2] == '{' ? number(p + 3, n - 3, 16, 1, 6, c) : 0;
		if (k > 0)
			return 3 + k < n && p[3 + k] == '}' ? k + 4 : 0;
		k = number(p + 2, n - 2, 16, 4, 4, c);
		return k ? k + 2 : 0;
	case 'U':
		k = number(p + 2, n - 2, 16, 8, 8, c);
		return k ? k + 2 : 0;
	default:
		k = number(p + 1, n - 1, 8, 2, 3, c);
		if (k > 0)
			return k + 1;
		s = p[1] != '\0' ? strchr(from, p[1]) : NULL;
		*c = s != NULL ? (unsigned char)to[s - from] : 0;
		return s != NULL ? 2 : 0;
	}
}

/* The escape at p[0]; how long it is, 0: none.  *byte: *c is a byte of some encoding's, not a character. */
static size_t
escape(const char *p, size_t n, uint32_t *c, bool *byte)
{
	size_t k = 0;

	*byte = false;
	switch (p[0]) {
	case '%':
		*byte = true;
		if (n > 5 && (p[1] | 32) == 'u' && (k = number(p + 2, n - 2, 16, 4, 4, c)) > 0) {
			*byte = false;
			return k + 2;
		}
		k = number(p + 1, n - 1, 16, 2, 2, c);
		return k ? k + 1 : 0;
	case '=':			/* quoted-printable (RFC 2045, 6.7) writes capitals */
		*byte = true;
		k = n > 2 && (p[1] < 'a') && (p[2] < 'a') ? number(p + 1, n - 1, 16, 2, 2, c) : 0;
		return k ? k + 1 : 0;
	case '&':
		return entity(p, n, c);
	case '\\':
		k = backslash(p, n, c);
		*byte = k == 4 && p[1] == 'x';
		return k;
	default:
		return 0;
	}
}

static size_t
encode(char u[4], uint32_t c, bool byte)
{
	size_t k;

	if (byte) {
		u[0] = (char)c;
		return 1;
	}
	k = c > 0 ? utf8_encode(u, c) : 0;
	return k > 0 ? k : utf8_encode(u, UTF8_REPLACEMENT);
}

/* The text around escapes, with what they stand for: what has none is not derived a second time. */
void
view_escapes(struct derived *d, const char *p, size_t n, const struct marks *m, struct arena *a)
{
	size_t done = 0, k;
	uint32_t c = 0;
	bool byte;
	char u[4];

	(void)a;
	for (size_t i = 0; (i = marks_next(m, MARK_ESCAPE, i)) < n; i += k) {
		k = escape(p + i, n - i, &c, &byte);
		if (k == 0) {
			k = 1;
			continue;
		}
		derived_between(d, p, done, i);
		derived_add(d, u, encode(u, c, byte), i, i + k);
		d->found += !byte && c >= 0x80 && norm_invisible(c) ? ESCAPES_MIN : 1;
		done = i + k;
	}
	if (d->found < ESCAPES_MIN) {
		d->found = 0;
		return;
	}
	derived_after(d, p, n, done);
}

/* U+FE00..FE0F are bytes 0..15, U+E0100..E01EF 16..255: a way to hide bytes behind any character. */
void
view_selectors(struct derived *d, const char *p, size_t n, const struct marks *m, struct arena *a)
{
	char *out = NULL;
	size_t len = 0, start = 0, k;
	uint32_t c;

	if (n == 0 || (memchr(p, 0xef, n) == NULL && memchr(p, 0xf3, n) == NULL))
		return;
	for (size_t i = 0; i <= n; i += k) {
		int b = -1;

		if (len == 0)
			i = marks_next(m, MARK_HIGH, i);
		k = 1;
		if (i < n && ((unsigned char)p[i] == 0xef || (unsigned char)p[i] == 0xf3)) {
			k = utf8_take(p + i, n - i, &c, NULL);
			k = k > 0 ? k : 1;
			b = c >= 0xfe00 && c <= 0xfe0f ? (int)(c - 0xfe00) : c >= 0xe0100 && c <= 0xe01ef ? (int)(c - 0xe0100 + 16) : -1;
		}
		if (b >= 0 && out == NULL && (out = arena_alloc(a, n / 3 + 1)) == NULL)
			return;
		if (b >= 0) {
			start = len == 0 ? i : start;
			out[len++] = (char)b;
		} else if (len > 0) {
			derived_add_text(d, out, len, 4, start, i);
			len = 0;
		}
	}
}
