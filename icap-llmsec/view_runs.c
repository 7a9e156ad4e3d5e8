/* SPDX-License-Identifier: MIT */
/* Bytes written in letters and digits: base64, base32, base85, and numbers. */
#include "config.h"

#include <string.h>

#include "icap-llmsec/views.h"
#include "lib/utf8.h"

#define TEXT_MIN	8	/* bytes of text that a run must hold */
#define RUN_MIN		16	/* letters of base64 that hold some */
#define NUMBER_BLOCK	128	/* bytes, two words of marks */
#define NUMBER_DIGITS	(TEXT_MIN - 2)

static int
white(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* ---- decoded bytes, of which the stretches that are text go out -------------------------------- */
struct stretch {
	struct derived	*d;
	char		*buf;
	size_t		 len;		/* of the stretch so far */
	size_t		 min;
	size_t		 start;		/* in the source */
	bool		 nul;		/* the last byte was zero: every other one is in UTF-16 */
};

/* Ill-formed UTF-8 divides it. */
static void
stretch_end(struct stretch *s, size_t at)
{
	size_t from = 0, i, k;
	uint32_t c;
	bool bad;

	for (i = 0; i < s->len && s->len >= s->min; i += k) {
		bad = false;
		k = 1;
		if ((unsigned char)s->buf[i] < 0x80 || ((k = utf8_take(s->buf + i, s->len - i, &c, &bad)) > 0 && !bad))
			continue;
		derived_add_text(s->d, s->buf + from, i - from, s->min, s->start, at);
		k = k > 0 ? k : s->len - i;
		from = i + k;
	}
	if (from < s->len)
		derived_add_text(s->d, s->buf + from, s->len - from, s->min, s->start, at);
	s->len = 0;
	s->nul = false;
}

/* One more byte, whose code begins at <from> and ends before <at>.  Control characters end a stretch. */
static inline void
stretch_byte(struct stretch *s, unsigned char b, size_t from, size_t at)
{
	if (b == 0 && s->len > 0 && !s->nul) {
		s->nul = true;
		return;
	}
	s->nul = false;
	if ((b < ' ' && b != '\n' && b != '\t' && b != '\r') || b == 0x7f) {
		stretch_end(s, at);
		return;
	}
	if (s->len == 0)
		s->start = from;
	s->buf[s->len++] = (char)b;
}

/* ---- base64 (RFC 4648, 4 and 5) ---------------------------------------------------------------- */
static const unsigned char b64_table[256] = {	/* value + 1; 0: not of the alphabet */
	['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8, ['I'] = 9, ['J'] = 10, ['K'] = 11,
	['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21,
	['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31,
	['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41,
	['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51,
	['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61,
	['9'] = 62, ['+'] = 63, ['-'] = 63, ['/'] = 64, ['_'] = 64,
};

static int
b64(char c)
{
	return (int)b64_table[(unsigned char)c] - 1;
}

/* Every stretch of readable bytes in p[from..to-1], of which a group begins after <skip> letters.  White space is skipped. */
static void
b64_from(struct stretch *s, const char *p, size_t from, size_t to, unsigned skip)
{
	unsigned bits = 0, acc = 0, have = 0;
	size_t at[4] = {0};
	int v;

	for (size_t i = from; i < to; i++) {
		v = b64(p[i]);
		if (v < 0)
			continue;
		at[have & 3] = i;
		if (have++ < skip)
			continue;
		acc = (acc << 6 | (unsigned)v) & 0xffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			stretch_byte(s, (unsigned char)(acc >> bits), at[(have - 2) & 3], i + 1);
		}
	}
	stretch_end(s, to);
}

/* Can the byte be the next of a text?  <more>: bytes that the character before still lacks (RFC 3629). */
static bool
utf8_step(unsigned *more, unsigned c)
{
	bool tail = (c & 0xc0) == 0x80;

	if (tail != (*more > 0) || (c < 0x80 && (c < ' ' || c == 0x7f)) || c == 0xc0 || c == 0xc1 || c > 0xf4) {
		*more = 0;
		return false;
	}
	*more = tail ? *more - 1 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
	return true;
}

/*
 * The same from behind, for who writes base64 backwards: a look at the last PROBE characters first, which say by their letters, and hardly by chance,
 * whether they hold text.
 */
#define PROBE		64
#define PROBE_TEXT	20	/* readable bytes in a row, of which chance makes one in 10^8 */

static bool
b64_back_probe(const char *p, size_t from, size_t to, unsigned skip)
{
	unsigned more = 0, bits = 0, acc = 0, have = 0, text = 0, seen = 0;
	int v;

	for (size_t i = to; i > from && seen < PROBE && text < PROBE_TEXT; i--) {
		if ((v = b64(p[i - 1])) < 0)
			continue;
		seen++;
		if (have++ < skip)
			continue;
		acc = (acc << 6 | (unsigned)v) & 0xffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			text = utf8_step(&more, acc >> bits & 0xff) ? text + 1 : 0;
		}
	}
	return text >= PROBE_TEXT;
}

static void
b64_back(struct stretch *s, const char *p, size_t from, size_t to, char *turned)
{
	for (unsigned skip = 0; skip < 4; skip++) {
		size_t n = to - from, found = s->d->found, pieces = s->d->n_pieces;

		if (!b64_back_probe(p, from, to, skip))
			continue;
		for (size_t i = 0; i < n; i++)
			turned[i] = p[to - 1 - i];
		b64_from(s, turned, 0, n, skip);
		for (; pieces < s->d->n_pieces; pieces++) {
			struct piece *q = &s->d->piece[pieces];

			*q = (struct piece){q->out, to - q->end, to - q->start};
		}
		if (s->d->found > found)
			return;
	}
}

/* The end of the word of the alphabet's letters at <i>; *coded: prose has no such word. */
static size_t
b64_word(const struct marks *m, size_t i, bool *coded)
{
	size_t end = marks_end(m, MARK_BASE64, i);

	*coded = end - i > 24 || marks_within(m, MARK_CODED, i + 1, end);
	return end;
}

/* Text in base64 is letters for the most part (52 of 64); numbers are none. */
static bool
few_letters(const char *p, size_t from, size_t to)
{
	size_t letters = 0;

	for (size_t i = from; i < to; i++)
		letters += (unsigned char)((p[i] | 32) - 'a') < 26;
	return letters * 8 < to - from;
}

/* Bytes of the run that are no text yet, by what was found from piece <first> on. */
static size_t
unread(const struct derived *d, size_t first, size_t from, size_t to)
{
	size_t n = to - from;

	for (size_t i = first; i < d->n_pieces; i++)
		n -= d->piece[i].end - d->piece[i].start < n ? d->piece[i].end - d->piece[i].start : n;
	return n;
}

/*
 * Words that can't be prose, with white space between them and at most one among them that can.  Where a group
 * begins is not known, so each of the four places is tried; what is no text is noise, which has no readable stretch.
 */
void
view_base64(struct derived *d, const char *p, size_t n, const struct marks *m, struct arena *a)
{
	struct stretch s = {.d = d, .min = 12};
	size_t end, next, k, found, first;
	bool coded, before;

	for (size_t i = 0; (i = marks_next(m, MARK_BASE64, i)) < n; i = end) {
		end = b64_word(m, i, &coded);
		if (!coded && end - i < 2)
			continue;
		before = coded;
		for (next = end; next < n; before = coded, next = end) {
			next = marks_end(m, MARK_WHITE, next);
			k = b64_word(m, next, &coded);
			if (k == next || next == end || (!coded && !before))
				break;
			end = k;
		}
		if (end - i < RUN_MIN || few_letters(p, i, end))
			continue;
		if (s.buf == NULL && (s.buf = arena_alloc(a, 2 * n)) == NULL)
			return;
		found = d->found;
		first = d->n_pieces;
		for (unsigned skip = 0; skip < 4 && unread(d, first, i, end) >= RUN_MIN; skip++)
			b64_from(&s, p, i, end, skip);
		if (d->found == found)
			b64_back(&s, p, i, end, s.buf + n);
	}
}

/* ---- base32 (RFC 4648, 6) ----------------------------------------------------------------------- */
static int
b32(char c)
{
	if (c >= '2' && c <= '7')
		return c - '2' + 26;
	c = (char)(c | 32);
	return c >= 'a' && c <= 'z' ? c - 'a' : -1;
}

static void
b32_run(struct stretch *s, const char *p, size_t from, size_t to)
{
	unsigned acc = 0, bits = 0;

	for (size_t i = from; i < to; i++) {
		if (white(p[i]))
			continue;
		acc = (acc << 5 | (unsigned)b32(p[i])) & 0xffff;
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			stretch_byte(s, (unsigned char)(acc >> bits), i, i + 1);
		}
	}
	stretch_end(s, to);
}

/* Capitals, also in groups; or one long word. */
void
view_base32(struct derived *d, const char *p, size_t n, const struct marks *m, struct arena *a)
{
	struct stretch s = {.d = d, .min = TEXT_MIN};
	size_t end;

	for (size_t i = 0; (i = marks_next(m, MARK_BASE32, i)) < n; i = end) {
		end = marks_end(m, MARK_BASE32, i);
		if (p[i] < 'a')
			end = marks_end(m, MARK_BASE32_WIDE, end);
		if (end - i < 16)
			continue;
		if (s.buf == NULL && (s.buf = arena_alloc(a, n)) == NULL)
			return;
		b32_run(&s, p, i, end);
	}
}

/* ---- base85: Ascii85 (Adobe, PostScript) and Z85 (ZeroMQ RFC 32) -------------------------------------- */
static const char z85_digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
/* RFC 1924's, which Python's base64.b85encode() writes */
static const char b85_digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

/* Value + 1 of each character in an alphabet; 0: not in it. */
static void
b85_values(const char *digits, unsigned char value[256])
{
	memset(value, 0, 256);
	for (unsigned i = 0; digits[i] != '\0'; i++)
		value[(unsigned char)digits[i]] = (unsigned char)(i + 1);
}

/* One token: all of it must decode.  <value> NULL: Ascii85. */
static size_t
b85_token(const char *p, size_t n, const unsigned char *value, char *out)
{
	uint32_t acc = 0;
	size_t len = 0, have = 0, pad = 0;
	unsigned v;

	for (size_t i = 0; i < n || (have != 0 && have != 1); i++) {
		if (i >= n) {
			v = 84;
			pad++;
		} else if (value == NULL) {
			if (p[i] == 'z' && have == 0) {
				memset(out + len, 0, 4);
				len += 4;
				continue;
			}
			v = (unsigned)(p[i] - '!');
		} else {
			v = value[(unsigned char)p[i]] - 1u;	/* none: far over 84 */
		}
		if (v > 84 || (have == 4 && (acc > UINT32_MAX / 85 || acc * 85 > UINT32_MAX - v)))
			return 0;
		acc = acc * 85 + v;
		if (++have < 5)
			continue;
		for (int k = 24; k >= 0; k -= 8)
			out[len++] = (char)(acc >> k);
		acc = 0;
		have = 0;
	}
	return have == 0 && pad <= 3 ? len - pad : 0;
}

void
view_base85(struct derived *d, const char *p, size_t n, const struct marks *m, struct arena *a)
{
	unsigned char values[2][256];
	const unsigned char *const value[] = {NULL, values[0], values[1]};
	size_t end, len;
	char *out = NULL;

	for (size_t i = 0; (i = marks_end(m, MARK_WHITE, i)) < n; i = end) {
		size_t from = i, to;

		to = end = marks_next(m, MARK_WHITE, i);
		if (to - from > 4 && p[from] == '<' && p[from + 1] == '~')
			from += 2;
		if (to - from > 4 && p[to - 1] == '>' && p[to - 2] == '~')
			to -= 2;
		if (to - from < 15)
			continue;
		if (out == NULL) {
			if ((out = arena_alloc(a, 4 * n + 8)) == NULL)
				return;
			b85_values(b85_digits, values[0]);
			b85_values(z85_digits, values[1]);
		}
		for (size_t k = 0; k < 3; k++) {
			len = b85_token(p + from, to - from, value[k], out);
			if (derived_add_text(d, out, len, TEXT_MIN, from, to))
				break;
		}
	}
}

/* ---- numbers: "69 67 6e", "0x69,0x67", "69676e", "01101001 1100111", "105 103 110", "151 147", "U+0069 U+0067" ---------------- */
enum { RADIX_HEX, RADIX_BIN, RADIX_DEC, RADIX_OCT, RADIXES };

static int
digit(char c, int radix)
{
	static const char last[RADIXES] = {'9', '1', '9', '7'};

	if (c >= '0' && c <= last[radix])
		return c - '0';
	c = (char)(c | 32);
	return radix == RADIX_HEX && c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "0x", "\x", "0b", "0o" before digits; their bytes. */
static size_t
radix_mark(const char *p, size_t n, int radix)
{
	static const char mark[RADIXES] = {'x', 'b', '\0', 'o'};

	if (n <= 2 || (p[1] | 32) != mark[radix])
		return 0;
	return p[0] == '0' || (p[0] == '\\' && radix == RADIX_HEX) ? 2 : 0;
}

/* A letter that bytes alone don't hold, as a decimal code point: of Greek to Arabic, or of kana, Han and Hangul. */
static bool
letter_code(unsigned v)
{
	return (v >= 0x370 && v < 0x700) || (v >= 0x3040 && v < 0xd7a4);
}

/* The byte or code point written at p[0]; how long, 0: none.  *code: it is a code point. */
static size_t
one_number(const char *p, size_t n, int radix, unsigned *v, bool *code)
{
	static const unsigned char min[RADIXES] = {2, 6, 2, 2}, max[RADIXES] = {2, 8, 5, 4}, base[RADIXES] = {16, 2, 10, 8};
	size_t k = 0, pre = radix_mark(p, n, radix), most = max[radix];
	int d;

	*code = radix == RADIX_HEX && n > 5 && (p[0] | 32) == 'u' && p[1] == '+';
	if (*code) {
		pre = 2;
		most = 6;
	}
	*v = 0;
	while (pre + k < n && k < most && (d = digit(p[pre + k], radix)) >= 0) {
		*v = *v * base[radix] + (unsigned)d;
		k++;
	}
	if (k < (*code ? 4 : min[radix]) || (*code && *v > 0x10ffff))
		return 0;
	if (!*code && *v > 255) {
		*code = radix == RADIX_DEC && letter_code(*v);
		if (!*code)
			return 0;
	}
	return pre + k;
}

/* What may stand between two byte values, with blanks: "0x49, 0x67", "49:67", "{'49', '67'}", "49.67", "$49 #67", "49/67". */
static bool
separates(char c)
{
	static const bool t[256] = {[' '] = true, ['\n'] = true, ['\r'] = true, ['\t'] = true, [','] = true, [';'] = true, [':'] = true, ['-'] = true,
	    ['|'] = true, ['_'] = true, ['%'] = true, ['['] = true, [']'] = true, ['('] = true, [')'] = true, ['\''] = true, ['"'] = true, ['.'] = true,
	    ['/'] = true, ['$'] = true, ['#'] = true, ['{'] = true, ['}'] = true, ['+'] = true};

	return t[(unsigned char)c];
}

/* How many of them, and the letter that marks a radix behind a number: "49h 67h".  SIZE_MAX: there must be some. */
static size_t
separators(const char *p, size_t n, int radix, size_t digits)
{
	size_t k = 0;

	if (radix == RADIX_HEX && n > 1 && (p[0] | 32) == 'h' && separates(p[1]))
		k = 1;
	while (k < n && k < 5 && separates(p[k]))
		k++;
	if (k > 0 || radix == RADIX_HEX || (radix == RADIX_BIN && digits == 8))
		return k;
	return SIZE_MAX;	/* numbers of no fixed length can't stand together */
}

/* How far a row of numbers goes from p[from]; *count of them. */
static size_t
number_row(const char *p, size_t n, size_t from, int radix, size_t *count)
{
	size_t i = from, end = from, k, gap = 0;
	unsigned v;
	bool code;

	for (*count = 0; i < n && (k = one_number(p + i, n - i, radix, &v, &code)) > 0; i = end + gap) {
		end = i + k;
		++*count;
		if ((gap = separators(p + end, n - end, radix, k)) == SIZE_MAX)
			break;
	}
	return end;
}

static void
stretch_code(struct stretch *s, unsigned v, size_t from, size_t at)
{
	char u[4];
	size_t k = utf8_encode(u, v);

	for (size_t i = 0; i < k; i++)
		stretch_byte(s, (unsigned char)u[i], from, at);
	if (k == 0)
		stretch_end(s, at);
}

static void
number_bytes(struct stretch *s, const char *p, size_t from, size_t to, int radix)
{
	size_t k;
	unsigned v;
	bool code;

	for (size_t i = from; i < to; i += k) {
		k = one_number(p + i, to - i, radix, &v, &code);
		if (k == 0)
			k = 1;
		else if (code)
			stretch_code(s, v, i, i + k);
		else
			stretch_byte(s, (unsigned char)v, i, i + k);
	}
	stretch_end(s, to);
}

static bool
begins_row(const char *p, size_t n, int radix)
{
	if (digit(p[0], radix) < 0)
		return radix == RADIX_HEX && (p[0] == '\\' || ((p[0] | 32) == 'u' && n > 1 && p[1] == '+'));
	return radix == RADIX_DEC || n < 3 || digit(p[1], radix) >= 0 || radix_mark(p, n, radix) > 0;
}

/* The row at p[at], decoded if it is long enough; where it ends, which is not inside a number. */
static size_t
take_row(struct stretch *s, const char *p, size_t at, size_t n, int radix, struct arena *a)
{
	size_t count, end = number_row(p, n, at, radix, &count);

	if (count >= TEXT_MIN) {
		if (s->buf == NULL && (s->buf = arena_alloc(a, n)) == NULL)
			return n;
		number_bytes(s, p, at, end, radix);
	}
	for (end = end > at ? end : at + 1; end < n && digit(p[end - 1], radix) >= 0 && digit(p[end], radix) >= 0; end++)
		;
	return end;
}

/* Digits, those of base 16 too, and what stands before them. */
static const bool row_begins[256] = {
	['0'] = true, ['1'] = true, ['2'] = true, ['3'] = true, ['4'] = true, ['5'] = true, ['6'] = true, ['7'] = true, ['8'] = true, ['9'] = true,
	['a'] = true, ['b'] = true, ['c'] = true, ['d'] = true, ['e'] = true, ['f'] = true, ['A'] = true, ['B'] = true, ['C'] = true, ['D'] = true,
	['E'] = true, ['F'] = true, ['\\'] = true, ['u'] = true, ['U'] = true,
};

/* All rows, of every radix, in p[from..n-1]. */
static void
rows_of(struct stretch *s, const char *p, size_t from, size_t n, struct arena *a)
{
	size_t next[RADIXES] = {from, from, from, from};	/* where one may begin */

	for (size_t i = from; i < n; i++) {
		if (!row_begins[(unsigned char)p[i]])
			continue;
		/* what is no digit begins one in base 16 only, or none */
		for (int radix = RADIX_HEX; radix < (digit(p[i], RADIX_DEC) < 0 ? RADIX_BIN : RADIXES); radix++)
			if (i >= next[radix] && begins_row(p + i, n - i, radix))
				next[radix] = take_row(s, p, i, n, radix, a);
	}
}

/* ---- digits without anything between them: "073103110", "151147156", "11010011100111" --------------------------- */
static const struct run_form { unsigned char base, width; } run_forms[] = {{2, 7}, {10, 3}, {8, 3}};

/* p[from..to-1] in numbers of so many digits each; false: some isn't one. */
static bool
run_bytes(struct stretch *s, const char *p, size_t from, size_t to, const struct run_form *f)
{
	size_t len = 0;

	for (size_t i = from; i < to; i += f->width) {
		unsigned v = 0;

		for (size_t k = 0; k < f->width; k++) {
			if (p[i + k] - '0' >= f->base)
				return false;
			v = v * f->base + (unsigned)(p[i + k] - '0');
		}
		if (v > 255)
			return false;
		s->buf[len++] = (char)v;
	}
	s->len = len;
	s->start = from;
	return true;
}

static void
runs_of(struct stretch *s, const char *p, size_t from, size_t n, struct arena *a)
{
	size_t end, found;

	for (size_t i = from; i < n; i = end) {
		found = s->d->found;
		for (end = i; end < n && (unsigned char)(p[end] - '0') < 10; end++)
			;
		if (end - i >= 3 * TEXT_MIN && s->buf == NULL && (s->buf = arena_alloc(a, n)) == NULL)
			return;
		for (size_t k = 0; end - i >= 3 * TEXT_MIN && k < sizeof(run_forms) / sizeof(*run_forms) && s->d->found == found; k++)
			if ((end - i) % run_forms[k].width == 0 && run_bytes(s, p, i, end, &run_forms[k]))
				stretch_end(s, end);
		s->len = 0;
		end = end > i ? end : i + 1;
	}
}

/*
 * TEXT_MIN bytes in a row are at most TEXT_MIN * (4 + 10) characters long, which is less than a block, and of each the
 * first digit is decimal (text is 0x20 to 0x7f, or has bytes from 0x80 to 0xf4, of which most have more): two blocks in a
 * row without so many digits hold no row.
 */
void
view_numbers(struct derived *d, const char *p, size_t n, const struct marks *m, struct arena *a)
{
	struct stretch s = {.d = d, .min = TEXT_MIN};
	size_t from = 0, end;
	unsigned before = 0, now;
	bool open = false;

	for (size_t i = 0; i < n; i += NUMBER_BLOCK, before = now) {
		now = marks_count(m, MARK_DIGIT, i / 64);
		if (n - i > 64)
			now += marks_count(m, MARK_DIGIT, i / 64 + 1);
		if (before + now >= NUMBER_DIGITS) {
			if (!open)
				from = i >= NUMBER_BLOCK ? i - NUMBER_BLOCK : 0;
			open = true;
		}
		end = i + NUMBER_BLOCK < n ? i + NUMBER_BLOCK : n;
		if (!open || (before + now >= NUMBER_DIGITS && end < n))
			continue;
		open = false;
		rows_of(&s, p, from, end, a);
		runs_of(&s, p, from, end, a);
	}
}
