/* SPDX-License-Identifier: MIT */
/* Text that was turned upside down, with letters that look like others on their heads. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/views.h"
#include "lib/utf8.h"

#define TURNED_MIN	4	/* different letters in one line: a word in phonetic script has less */

/* What they are when they stand upright.  Sorted. */
static const struct { uint16_t c; char as; } turned[] = {
	{0x00a1, '!'}, {0x00bf, '?'}, {0x0131, 'i'}, {0x017f, 'j'}, {0x0183, 'g'}, {0x0186, 'c'}, {0x018e, 'e'}, {0x01dd, 'e'},
	{0x0250, 'a'}, {0x0254, 'c'}, {0x025f, 'f'}, {0x0265, 'h'}, {0x026f, 'm'}, {0x0279, 'r'}, {0x027e, 'j'}, {0x0283, 'l'},
	{0x0287, 't'}, {0x028c, 'v'}, {0x028d, 'w'}, {0x028e, 'y'}, {0x029e, 'k'}, {0x02d9, '.'}, {0x038c, 'q'}, {0x039b, 'v'},
	{0x0500, 'p'}, {0x0548, 'u'}, {0x1d08, 'e'}, {0x1d09, 'i'}, {0x1d0e, 'n'}, {0x1d1a, 'r'}, {0x1d77, 'g'}, {0x201e, '"'},
	{0x203e, '_'}, {0x2129, 'i'}, {0x2132, 'f'}, {0x2141, 'g'}, {0x2142, 'l'}, {0x2144, 'y'}, {0x214b, '&'}, {0x2200, 'a'},
	{0x2c6f, 'a'}, {0x2e15, '?'}, {0xa4d5, 't'}, {0xa4d8, 'k'}, {0xa4e4, 'r'}, {0xa4ed, 'b'}, {0xa4f7, 'd'}, {0xa780, 'l'},
};

/* ASCII that changes: b and q, d and p, n and u are each other's.  So do few capitals: those who turn text write small ones. */
static const char ascii_from[] = "bqdpnu6/9\\MW()[]{}<>,'", ascii_as[] = "qbpdun9\\6/WM)(][}{><',";

static int
cmp(const void *key, const void *row)
{
	uint32_t c = *(const uint32_t *)key, r = *(const uint16_t *)row;

	return c < r ? -1 : c > r;
}

/* The row of a character that isn't ASCII; none: -1. */
static int
turned_row(uint32_t c)
{
	/* other scripts have none */
	bool none = (c > 0x39b && c < 0x500) || (c > 0x548 && c < 0x1d00) || (c > 0x2e15 && c < 0xa4d5) || c > 0xffff;
	const char *row = !none ? bsearch(&c, turned, sizeof(turned) / sizeof(*turned), sizeof(*turned), cmp) : NULL;

	return row != NULL ? (int)((size_t)(row - (const char *)turned) / sizeof(*turned)) : -1;
}

static size_t
kinds_in(const char *p, size_t n)
{
	uint64_t seen = 0;
	uint32_t c;
	int row;

	_Static_assert(sizeof(turned) / sizeof(*turned) <= 64, "a bit each");
	for (size_t i = 0, k; i < n; i += k) {
		k = 1;
		if ((unsigned char)p[i] < 0x80)
			continue;
		if ((k = utf8_take(p + i, n - i, &c, NULL)) == 0)
			break;
		if ((row = turned_row(c)) >= 0 && turned[row].as >= 'a')
			seen |= (uint64_t)1 << row;
	}
	return (size_t)__builtin_popcountll(seen);
}

/* The line upright, as it stands; what is no longer than it was.  Its length. */
static size_t
upright(const char *p, size_t n, char *out)
{
	size_t len = 0;
	const char *s;
	uint32_t c;
	int row;

	for (size_t i = 0, k; i < n; i += k) {
		k = 1;
		if ((unsigned char)p[i] < 0x80) {
			s = p[i] != '\0' ? strchr(ascii_from, p[i]) : NULL;
			out[len++] = s != NULL ? ascii_as[s - ascii_from] : p[i];
			continue;
		}
		if ((k = utf8_take(p + i, n - i, &c, NULL)) == 0)
			break;
		if ((row = turned_row(c)) >= 0)
			out[len++] = turned[row].as;
		else {
			memcpy(out + len, p + i, k);
			len += k;
		}
	}
	return len;
}

static void
reverse(char *to, const char *p, size_t n)
{
	size_t at = n, k;

	for (size_t i = 0; i < n; i += k) {
		for (k = 1; i + k < n && ((unsigned char)p[i + k] & 0xc0) == 0x80; k++)
			;
		at -= k;
		memcpy(to + at, p + i, k);
	}
}

/* Whoever turns a line turns its order too; some programs don't. */
void
view_turned(struct derived *d, const char *p, size_t n, const struct marks *m, struct arena *a)
{
	char *buf = NULL;
	size_t end, len, high = marks_next(m, MARK_HIGH, 0);

	for (size_t i = 0; high < n; i = end + 1, high = marks_next(m, MARK_HIGH, i)) {
		const char *nl = memchr(p + high, '\n', n - high), *before = memrchr(p + i, '\n', high - i);

		i = before != NULL ? (size_t)(before - p) + 1 : i;
		end = nl != NULL ? (size_t)(nl - p) : n;
		if (kinds_in(p + i, end - i) < TURNED_MIN || (buf == NULL && (buf = arena_alloc(a, 2 * n)) == NULL))
			continue;
		len = upright(p + i, end - i, buf);
		reverse(buf + n, buf, len);
		derived_add(d, buf + n, len, i, end);
		derived_add(d, "\n", 1, end, end);
		derived_add(d, buf, len, i, end);
		derived_add(d, "\n", 1, end, end);
		d->found++;
	}
}
