/* SPDX-License-Identifier: MIT */
/* Bytes and sets of bytes in a pattern: escapes that stand for some, and bracketed classes (pcre2pattern(3)). */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/waf/rxlit_private.h"

/* The C locale's classes, which PCRE2 uses unless it is given tables.  Ranges in pairs. */
static const struct named {
	const char *name;	/* [:name:] */
	char esc;		/* or \esc; its upper case is the complement */
	unsigned char n;
	unsigned char range[12];
} named[] = {
	{ "alnum", 0, 6, { '0', '9', 'A', 'Z', 'a', 'z' } },
	{ "alpha", 0, 4, { 'A', 'Z', 'a', 'z' } },
	{ "ascii", 0, 2, { 0, 127 } },
	{ "blank", 0, 4, { '\t', '\t', ' ', ' ' } },
	{ "cntrl", 0, 4, { 0, 31, 127, 127 } },
	{ "digit", 'd', 2, { '0', '9' } },
	{ "graph", 0, 2, { 33, 126 } },
	{ "lower", 0, 2, { 'a', 'z' } },
	{ "print", 0, 2, { 32, 126 } },
	{ "punct", 0, 8, { 33, 47, 58, 64, 91, 96, 123, 126 } },
	{ "space", 's', 4, { 9, 13, ' ', ' ' } },
	{ "upper", 0, 2, { 'A', 'Z' } },
	{ "word", 'w', 8, { '0', '9', 'A', 'Z', '_', '_', 'a', 'z' } },
	{ "xdigit", 0, 6, { '0', '9', 'A', 'F', 'a', 'f' } },
	{ NULL, 'h', 6, { '\t', '\t', ' ', ' ', 0xa0, 0xa0 } },
	{ NULL, 'v', 4, { 10, 13, 0x85, 0x85 } },
};

static void
add_range(uint64_t *set, unsigned lo, unsigned hi)
{
	for (unsigned c = lo; c <= hi; c++)
		rx_set_add(set, c);
}

static void
add_named(uint64_t *set, const struct named *n, bool inverted)
{
	uint64_t s[4] = { 0 };

	for (unsigned i = 0; i < n->n; i += 2)
		add_range(s, n->range[i], n->range[i + 1]);
	for (unsigned w = 0; w < 4; w++)
		set[w] |= inverted ? ~s[w] : s[w];
}

void
rx_set_fold(uint64_t set[4])
{
	for (unsigned c = 'a'; c <= 'z'; c++)
		if (rx_set_has(set, c) || rx_set_has(set, c & ~0x20U)) {
			rx_set_add(set, c);
			rx_set_add(set, c & ~0x20U);
		}
}

static int
digit(unsigned c, unsigned base)
{
	int v = c >= '0' && c <= '9' ? (int)c - '0' : c >= 'a' && c <= 'f' ? (int)c - 'a' + 10 :
	    c >= 'A' && c <= 'F' ? (int)c - 'A' + 10 : 99;

	return v < (int)base ? v : -1;
}

/* Up to <max> digits; a value over a byte is PCRE2's error, and so ours. */
static unsigned
number(struct rx_parser *p, unsigned base, unsigned max)
{
	unsigned v = 0;

	for (; max > 0 && p->p < p->end && digit(*p->p, base) >= 0; max--, p->p++)
		v = v * base + (unsigned)digit(*p->p, base);
	if (v > 255)
		p->fail = true;
	return v & 255;
}

/* {digits} */
static unsigned
braced(struct rx_parser *p, unsigned base)
{
	unsigned v;

	p->p++;
	if (p->p < p->end && digit(*p->p, base) < 0)
		p->fail = true;
	v = number(p, base, 8);
	if (p->p == p->end || *p->p != '}') {
		p->fail = true;
		return 0;
	}
	p->p++;
	return v;
}

/* \x, \o, \c, \0: p is behind the letter. */
static unsigned
coded_byte(struct rx_parser *p, unsigned letter)
{
	bool brace = p->p < p->end && *p->p == '{';
	unsigned c;

	switch (letter) {
	case 'x':
		return brace ? braced(p, 16) : number(p, 16, 2);
	case 'o':
		if (!brace)
			p->fail = true;
		return brace ? braced(p, 8) : 0;
	case 'c':
		if (p->p == p->end || *p->p < 0x20 || *p->p > 0x7e) {
			p->fail = true;
			return 0;
		}
		c = *p->p++;
		return (c >= 'a' && c <= 'z' ? c - 0x20 : c) ^ 0x40;
	default:
		return number(p, 8, 2);
	}
}

/* \p{..}, \P{..}, \pL: any byte, near enough. */
static void
property(struct rx_parser *p, struct rx_bytes *b)
{
	const unsigned char *close;

	if (p->p == p->end || (*p->p == '{' && memchr(p->p, '}', (size_t)(p->end - p->p)) == NULL)) {
		p->fail = true;
		return;
	}
	close = *p->p == '{' ? memchr(p->p, '}', (size_t)(p->end - p->p)) : p->p;
	p->p = close + 1;
	memset(b->set, 0xff, sizeof(b->set));
	b->loose = true;
}

static bool
named_escape(unsigned c, struct rx_bytes *b)
{
	for (size_t i = 0; i < sizeof(named) / sizeof(*named); i++)
		if (named[i].esc != 0 && (c | 0x20) == (unsigned char)named[i].esc) {
			add_named(b->set, &named[i], c != (unsigned char)named[i].esc);
			return true;
		}
	return false;
}

/* Octal in a class, where there are no back references; \8 is an 8. */
static unsigned
class_octal(struct rx_parser *p)
{
	if (*p->p >= '8')
		return *p->p++;
	return number(p, 8, 3);
}

bool
rx_escape_bytes(struct rx_parser *p, bool in_class, struct rx_bytes *b)
{
	static const char simple[] = "a\ae\033f\fn\nr\rt\t";
	unsigned c;

	*b = (struct rx_bytes){ .byte = 256 };
	if (p->p == p->end)
		return false;
	c = *p->p;
	if (c >= '1' && c <= '9') {
		if (!in_class)
			return false;
		b->byte = class_octal(p);
		return true;
	}
	for (size_t i = 0; i + 1 < sizeof(simple); i += 2)
		if (c == (unsigned char)simple[i])
			b->byte = (unsigned char)simple[i + 1];
	if (in_class && c == 'b')
		b->byte = '\b';
	if (c >= 128 || c < '0' || (c > '9' && c < 'A') || (c > 'Z' && c < 'a') || c > 'z')
		b->byte = c;
	if (b->byte == 256 && strchr("xoc0pP", (int)c) == NULL && !named_escape(c, b))
		return false;
	p->p++;
	if (c != 0 && strchr("pP", (int)c) != NULL)
		property(p, b);
	else if (c != 0 && strchr("xoc0", (int)c) != NULL)
		b->byte = coded_byte(p, c);
	return true;
}

/* At "[" in a class: does PCRE2 take it for a POSIX class?  (Its own rule: up to ":]" without a "]".) */
static const unsigned char *
posix_end(const struct rx_parser *p)
{
	unsigned term = p->end - p->p > 1 ? p->p[1] : 0;

	if (term != ':' && term != '.' && term != '=')
		return NULL;
	for (const unsigned char *q = p->p + 2; p->end - q >= 2; q++) {
		if (*q == '\\' && (q[1] == ']' || q[1] == '\\'))
			q++;
		else if ((*q == '[' && q[1] == term) || *q == ']')
			return NULL;
		else if (*q == term && q[1] == ']')
			return q;
	}
	return NULL;
}

static void
posix_class(struct rx_parser *p, const unsigned char *end, struct rx_bytes *b)
{
	const char *s = (const char *)p->p + 2;
	bool inverted = *s == '^';
	size_t n;

	s += inverted;
	n = (size_t)((const char *)end - s);
	for (size_t i = 0; p->p[1] == ':' && i < sizeof(named) / sizeof(*named); i++) {
		if (named[i].name == NULL || strlen(named[i].name) != n || memcmp(named[i].name, s, n) != 0)
			continue;
		add_named(b->set, &named[i], inverted);
		/* [:upper:] and [:lower:] mean both cases where letters do; inverted, that is more than any letter. */
		b->loose = p->caseless;
		if (inverted && p->caseless)
			memset(b->set, 0xff, sizeof(b->set));
		p->p = end + 2;
		return;
	}
	p->fail = true;
}

/* One member of a class. */
static void
class_item(struct rx_parser *p, struct rx_bytes *b)
{
	const unsigned char *end;

	*b = (struct rx_bytes){ .byte = 256 };
	if (*p->p == '[' && (end = posix_end(p)) != NULL) {
		posix_class(p, end, b);
	} else if (*p->p == '\\') {
		p->p++;
		/* \Q, \E and whatever is an error there */
		if (!rx_escape_bytes(p, true, b))
			p->fail = true;
	} else
		b->byte = *p->p++;
}

/* Adds the next member, or a range from it. */
static void
class_member(struct rx_parser *p, uint64_t *set, bool *loose)
{
	struct rx_bytes a, z;

	class_item(p, &a);
	*loose |= a.loose;
	for (unsigned w = 0; w < 4; w++)
		set[w] |= a.set[w];
	if (a.byte == 256 || p->fail)
		return;
	rx_set_add(set, a.byte);
	if (p->end - p->p < 2 || p->p[0] != '-' || p->p[1] == ']')
		return;
	p->p++;
	class_item(p, &z);
	if (z.byte == 256)	/* [a-\d]: an error, or the hyphen is one */
		p->fail = true;
	else if (z.byte < a.byte)
		p->fail = true;
	else
		add_range(set, a.byte, z.byte);
}

void
rx_class(struct rx_parser *p, uint64_t set[4])
{
	bool inverted = false, loose = false;

	memset(set, 0, 4 * sizeof(set[0]));
	if (p->p < p->end && *p->p == '^') {
		inverted = true;
		p->p++;
	}
	do {	/* a "]" that comes first is a member */
		if (p->p == p->end) {
			p->fail = true;
			return;
		}
		class_member(p, set, &loose);
	} while (!p->fail && (p->p == p->end || *p->p != ']'));
	if (p->fail)
		return;
	p->p++;
	if (p->caseless)
		rx_set_fold(set);
	for (unsigned w = 0; inverted && w < 4; w++)
		set[w] = loose ? ~0ULL : ~set[w];
}
