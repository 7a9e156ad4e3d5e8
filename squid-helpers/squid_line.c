/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "lib/buf.h"
#include "squid-helpers/squid_line.h"

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* Length of the channel id and the space after it, 0 if the line has none. */
static size_t
channel_scan(const char *line, size_t n)
{
	size_t k = 0;

	while (k < n && line[k] >= '0' && line[k] <= '9')
		k++;
	return k > 0 && k <= SQUID_CHANNEL_MAX && k < n && is_space(line[k]) ? k + 1 : 0;
}

static void
channel_take(struct squid_line *l, const char *line, size_t k)
{
	if (k > 0)
		memcpy(l->channel, line, k - 1);
	l->channel[k > 0 ? k - 1 : 0] = '\0';
}

void
squid_line_channel(struct squid_line *l, const char *line, size_t n)
{
	channel_take(l, line, channel_scan(line, n));
}

/*
 * Where an escaped field, or the part of it that needs no decoding, ends: at a space, a tab or a percent sign.  Sixteen bytes at
 * a time: a line has about a hundred, and nothing else of the helper looks at each of them.
 */
static size_t
plain_length(const char *p, size_t n)
{
	static const bool stop[256] = { [' '] = 1, ['\t'] = 1, ['%'] = 1 };
	size_t i = 0;

#ifdef __SSE2__
	for (; n - i >= 16; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
		__m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(' ')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\t'))),
		    _mm_cmpeq_epi8(v, _mm_set1_epi8('%')));
		unsigned bits = (unsigned)_mm_movemask_epi8(hit);

		if (bits != 0)
			return i + (size_t)__builtin_ctz(bits);
	}
#endif
	while (i < n && !stop[(unsigned char)p[i]])
		i++;
	return i;
}

/* Both decoders write over what they have read; they return the bytes read, 0 on error. */
static size_t
field_escaped(struct squid_field *f, char *p, size_t n, const char **err)
{
	size_t i = plain_length(p, n);

	f->p = p;
	f->n = i;
	if (i == n || p[i] != '%')
		return i;
	while (i < n && !is_space(p[i])) {
		char c = p[i++];

		if (c == '%') {
			int hi = i + 1 < n ? hex_digit(p[i]) : -1;
			int lo = i + 1 < n ? hex_digit(p[i + 1]) : -1;

			if (hi < 0 || lo < 0) {
				*err = "bad percent escape";
				return 0;
			}
			/* An escaped "?" or "/" doesn't end a path, or a segment of it, as a plain one does. */
			if ((hi << 4 | lo) != '?' && (hi << 4 | lo) != '/') {
				c = (char)(hi << 4 | lo);
				i += 2;
			}
		}
		p[f->n++] = c;
	}
	return i;
}

static size_t
field_quoted(struct squid_field *f, char *p, size_t n, const char **err)
{
	size_t i = 1;

	f->p = p;
	f->n = 0;
	while (i < n && p[i] != '"') {
		char c = p[i++];

		if (c == '\\' && i < n) {
			c = p[i++];
			c = c == 'n' ? '\n' : c == 'r' ? '\r' : c;
		}
		p[f->n++] = c;
	}
	if (i == n) {
		*err = "quote without end";
		return 0;
	}
	i++;
	if (i < n && !is_space(p[i])) {
		*err = "bytes after a closing quote";
		return 0;
	}
	return i;
}

int
squid_line_parse(struct squid_line *l, char *line, size_t n)
{
	size_t at = channel_scan(line, n);

	l->n = 0;
	l->err = NULL;
	channel_take(l, line, at);
	if (n > 0 && line[n - 1] == '\r')
		n--;
	for (;;) {
		struct squid_field *f = &l->field[l->n];
		size_t k;

		while (at < n && is_space(line[at]))
			at++;
		if (at >= n)
			break;
		/* Most fields are a hyphen: Squid has nothing to say there. */
		if (line[at] == '-' && n - at > 1 && line[at + 1] == ' ' && l->n < SQUID_FIELDS_MAX) {
			*f = (struct squid_field){ line + at, 1 };
			l->n++;
			at += 2;
			continue;
		}
		if (l->n == SQUID_FIELDS_MAX) {
			l->err = "too many fields";
			return -EPROTO;
		}
		if (line[at] == '"')
			k = field_quoted(f, line + at, n - at, &l->err);
		else
			k = field_escaped(f, line + at, n - at, &l->err);
		if (k == 0)
			return -EPROTO;
		l->n++;
		at += k;
	}
	if (l->n == 0) {
		l->err = "empty line";
		return -EPROTO;
	}
	return 0;
}

/* --- answers: one reservation per piece, then plain stores ------------------------------------- */

void
squid_reply_begin(struct buf *b, const struct squid_line *l, const char *result)
{
	size_t c = strlen(l->channel), r = strlen(result);
	char *w = buf_room(b, c + 1 + r);

	if (w == NULL)
		return;
	if (c > 0) {
		memcpy(w, l->channel, c);
		w[c++] = ' ';
	}
	memcpy(w + c, result, r);
	buf_wrote(b, c + r);
}

/* Squid takes a bare value for URL-escaped, so '%' makes quotes necessary. */
static const bool bare[256] = {
	['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1, ['e'] = 1, ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1,
	['j'] = 1, ['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1, ['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1,
	['s'] = 1, ['t'] = 1, ['u'] = 1, ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1,
	['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1, ['E'] = 1, ['F'] = 1, ['G'] = 1, ['H'] = 1, ['I'] = 1,
	['J'] = 1, ['K'] = 1, ['L'] = 1, ['M'] = 1, ['N'] = 1, ['O'] = 1, ['P'] = 1, ['Q'] = 1, ['R'] = 1,
	['S'] = 1, ['T'] = 1, ['U'] = 1, ['V'] = 1, ['W'] = 1, ['X'] = 1, ['Y'] = 1, ['Z'] = 1,
	['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1, ['8'] = 1,
	['9'] = 1, ['.'] = 1, ['_'] = 1, [':'] = 1, ['/'] = 1, ['@'] = 1, [','] = 1, ['+'] = 1, ['-'] = 1,
};

#define BYTES(b)	(0x0101010101010101ULL * (b))

/*
 * Is one of these eight bytes a control byte, DEL, a quote or a backslash?  Exact or too cautious: bytes above
 * 0x7f count, too.  ("Determine if a word has a byte less than n" / "equal to n", S. Anderson, Bit Twiddling Hacks.)
 */
static inline bool
eight_need_care(uint64_t v)
{
	uint64_t quote = v ^ BYTES(0x22), back = v ^ BYTES(0x5c), del = v ^ BYTES(0x7f);

	return ((v | (v - BYTES(0x20)) | (quote - BYTES(1)) | (back - BYTES(1)) | (del - BYTES(1))) & BYTES(0x80)) != 0;
}

static char *
value_quoted(char *w, const char *value, size_t n)
{
	size_t i = 0;
	uint64_t v;

	*w++ = '"';
	while (i < n) {
		if (n - i >= sizeof(v)) {
			memcpy(&v, value + i, sizeof(v));
			if (!eight_need_care(v)) {
				memcpy(w, &v, sizeof(v));
				w += sizeof(v);
				i += sizeof(v);
				continue;
			}
		}
		unsigned char c = (unsigned char)value[i++];

		if (c == '"' || c == '\\')
			*w++ = '\\';
		*w++ = c < 0x20 || c == 0x7f ? '?' : (char)c;
	}
	*w++ = '"';
	return w;
}

void
squid_reply_key(struct buf *b, const char *key, const char *value)
{
	size_t k = strlen(key), n = strlen(value), i = 0;
	char *start = buf_room(b, k + 2 * n + 4), *w = start;

	if (start == NULL)
		return;
	*w++ = ' ';
	memcpy(w, key, k);
	w += k;
	*w++ = '=';
	while (i < n && bare[(unsigned char)value[i]])
		i++;
	if (n > 0 && i == n) {
		memcpy(w, value, n);
		w += n;
	} else {
		w = value_quoted(w, value, n);
	}
	buf_wrote(b, (size_t)(w - start));
}

void
squid_reply_word(struct buf *b, const char *key, const char *word)
{
	size_t k = strlen(key), n = strlen(word);
	char *w = buf_room(b, k + n + 2);

	if (w == NULL)
		return;
	w[0] = ' ';
	memcpy(w + 1, key, k);
	w[k + 1] = '=';
	memcpy(w + k + 2, word, n);
	buf_wrote(b, k + n + 2);
}

void
squid_reply_end(struct buf *b)
{
	buf_addc(b, '\n');
}
