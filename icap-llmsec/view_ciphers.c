/* SPDX-License-Identifier: MIT */
/* Text under a cipher that anyone, and any model, undoes at sight: rotations (ROT13 and the others), Atbash, text backwards, Morse. */
#include "config.h"

#include <string.h>

#include "icap-llmsec/views.h"
#include "lib/utf8.h"

#define LINE_PAIRS_MIN	10	/* letter pairs that a line must have to be judged */

/* What characters are to pairs of letters: 1 to 26 for letters; strange: digits and signs, but those that stand at the end or in the middle of words. */
enum { NO_LETTER, STRANGE = 27, KINDS };

#define S	STRANGE
static const unsigned char kind_of[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, S, S, S, S, S, 0, 0, 0, S, S, 0, 0, 0, S,
	S, S, S, S, S, S, S, S, S, S, S, 0, S, S, S, 0,
	S, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, S, S, S, S, S,
	S, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, S, S, S, S, 0,
};
#undef S

/*
 * How much more often two letters stand beside each other in English words than if all were as frequent: 8 log2
 * of that ratio, within +-60.  Counted over 6.4 million pairs of the benign English part of the training data
 * (docs/model-card.md).  Other languages in Latin letters are nearer to it than English under a cipher is.  By kinds: nothing for what is no letter.
 */
static const signed char pair_score[KINDS][32] = {
	{0},
	{0, -43, 5, 12, 9, -26, -4, 4, -20, 10, -29, 0, 21, 10, 30, -37, 4, -37, 24, 21, 26, -1, 6, -11, -31, 7, -24},	/* a */
	{0, 4, -22, -34, -45, 15, -60, -60, -60, -4, -29, -60, 3, -44, -45, 7, -60, -60, 1, -17, -42, 4, -47, -59, -60, 0, -60},	/* b */
	{0, 16, -50, -8, -44, 16, -60, -60, 16, 5, -60, 6, 2, -54, -34, 18, -59, -43, 1, -22, 10, -3, -60, -60, -60, -20, -60},	/* c */
	{0, 4, -46, -41, -15, 18, -46, -22, -38, 12, -41, -60, -21, -28, -19, 6, -48, -44, -4, -2, -44, -2, -25, -32, -60, -14, -60},	/* d */
	{0, 20, -14, 11, 23, 11, -2, -3, -22, 0, -47, -18, 15, 7, 26, -7, 0, -21, 30, 26, 13, -17, 8, 1, 4, 3, -31},	/* e */
	{0, -1, -53, -52, -60, 4, -1, -55, -60, 9, -60, -60, -9, -59, -60, 15, -60, -60, 6, -36, -4, -7, -60, -60, -60, -34, -60},	/* f */
	{0, 1, -53, -60, -37, 12, -60, -19, 5, 1, -60, -60, -9, -37, -13, 2, -50, -60, 2, -13, -28, -7, -60, -50, -60, -17, -60},	/* g */
	{0, 22, -34, -55, -38, 34, -55, -60, -56, 19, -60, -60, -24, -31, -19, 15, -57, -56, -6, -27, -1, -9, -60, -36, -60, -13, -60},	/* h */
	{0, 6, -10, 18, 9, 13, 1, 5, -54, -37, -45, -5, 14, 7, 32, 17, -8, -30, 9, 24, 22, -22, 7, -47, -22, -49, -13},	/* i */
	{0, -12, -60, -60, -60, -16, -60, -60, -60, -29, -60, -60, -60, -60, -60, -8, -59, -60, -60, -54, -60, -8, -60, -60, -60, -60, -60},	/* j */
	{0, -15, -45, -60, -55, 9, -47, -36, -42, 0, -60, -49, -25, -42, -11, -17, -51, -60, -38, -8, -53, -33, -60, -49, -60, -29, -60},	/* k */
	{0, 15, -23, -25, 7, 21, -17, -32, -58, 17, -60, -21, 18, -11, -41, 14, -16, -60, -29, 2, -3, -4, -23, -32, -60, 10, -60},	/* l */
	{0, 15, -6, -37, -56, 19, -43, -48, -58, 8, -60, -60, -40, -5, -38, 11, 3, -60, -29, -8, -56, -4, -60, -60, -60, -6, -60},	/* m */
	{0, 9, -35, 11, 24, 18, -10, 23, -30, 9, -26, -8, -13, -23, -5, 11, -35, -40, -25, 14, 21, -8, -14, -27, -52, -4, -40},	/* n */
	{0, -11, -7, 1, 3, -10, 19, -6, -18, -5, -38, -5, 12, 15, 28, 8, 5, -60, 25, 7, 11, 22, 5, 12, -25, -15, -40},	/* o */
	{0, 9, -52, -45, -46, 12, -56, -55, -5, 0, -60, -60, 8, -27, -60, 9, -2, -60, 10, -11, -5, -4, -60, -60, -60, -28, -60},	/* p */
	{0, -51, -60, -60, -60, -60, -60, -60, -60, -48, -60, -60, -60, -60, -60, -60, -60, -60, -60, -60, -60, 4, -60, -60, -60, -60, -60},	/* q */
	{0, 17, -14, -1, 4, 28, -15, -3, -35, 18, -60, -4, -3, 1, 2, 18, -19, -57, -1, 12, 11, -2, -11, -26, -60, 5, -60},	/* r */
	{0, 7, -31, 1, -23, 21, -21, -39, 9, 13, -60, -13, -12, -12, -19, 12, 1, -35, -36, 9, 24, 8, -57, -4, -60, -17, -60},	/* s */
	{0, 13, -35, -14, -48, 25, -38, -39, 36, 24, -60, -60, -3, -19, -28, 24, -30, -60, 11, 9, 1, 4, -36, -4, -60, 2, -43},	/* t */
	{0, -3, -7, 1, -6, 5, -26, -1, -50, -6, -60, -28, 8, -1, 11, -39, 0, -57, 13, 13, 12, -60, -38, -60, -47, -26, -39},	/* u */
	{0, -4, -60, -60, -49, 20, -60, -60, -60, 10, -60, -60, -60, -60, -60, -12, -60, -60, -54, -39, -60, -50, -60, -60, -60, -41, -60},	/* v */
	{0, 13, -56, -56, -44, 11, -48, -60, 13, 13, -60, -48, -19, -60, -6, 7, -60, -60, -12, -12, -39, -54, -60, -51, -60, -44, -60},	/* w */
	{0, -25, -60, -25, -60, -24, -53, -60, -49, -20, -60, -60, -60, -60, -60, -57, -12, -60, -60, -60, -8, -39, -60, -60, -60, -40, -60},	/* x */
	{0, -20, -32, -33, -35, -2, -50, -40, -60, -17, -60, -59, -23, -23, -27, 7, -23, -60, -34, -8, -22, -39, -60, -37, -60, -60, -56},	/* y */
	{0, -21, -60, -60, -60, -13, -60, -60, -55, -25, -60, -60, -60, -60, -60, -31, -60, -60, -60, -60, -60, -47, -60, -60, -60, -45, -42},	/* z */
};

static int
letter(char c)
{
	c = (char)(c | 32);
	return c >= 'a' && c <= 'z' ? c - 'a' : -1;
}

struct pairs {			/* of one line: each pair that occurs, and how often */
	unsigned	n, kinds;
	unsigned short	seen[26][26];
	unsigned char	first[676], second[676];
};

#define PAIRS_MAX	60000	/* of a line; what follows isn't looked at */

static void
count_pairs(struct pairs *q, const char *p, size_t n)
{
	int a = -1, b;

	for (unsigned i = 0; i < q->kinds; i++)
		q->seen[q->first[i]][q->second[i]] = 0;
	q->n = q->kinds = 0;
	for (size_t i = 0; i < n && q->n < PAIRS_MAX; i++, a = b) {
		b = letter(p[i]);
		if (a < 0 || b < 0)
			continue;
		if (q->seen[a][b]++ == 0) {
			q->first[q->kinds] = (unsigned char)a;
			q->second[q->kinds++] = (unsigned char)b;
		}
		q->n++;
	}
}

static int
pair_of(const struct pairs *q, unsigned i, const unsigned char to[26])
{
	return pair_score[to[q->first[i]] + 1u][to[q->second[i]] + 1u];
}

/*
 * A wrong alphabet shows after a few pairs: it has -25 each, plus or minus 30, the right one 6, plus or minus 20.  Looked at after 8 and 24 of them,
 * which the right one survives in 999 of 1000 lines.
 */
static bool
is_hopeless(const struct pairs *q, const unsigned char to[26])
{
	int sum = 0;

	for (unsigned i = 0; i < q->kinds && i < 24; i++) {
		sum += pair_of(q, i, to);
		if (i == 7 && sum < -8 * 16)
			return true;
	}
	return q->kinds >= 24 && sum < -24 * 8;
}

#define HOPELESS	(-1000)

/* Every rotation of the alphabet begins somewhere in the first one, every one of its reverse in the second. */
static const unsigned char rotations[2][52] = {
	{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
	    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25},
	{25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0,
	    25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0},
};

/* Score per pair, were the letters turned: c -> sign * c + shift. */
static int
score(const struct pairs *q, int sign, int shift)
{
	const unsigned char *to = sign > 0 ? rotations[0] + shift : rotations[1] + 25 - shift;
	long sum = 0;

	if (is_hopeless(q, to))
		return HOPELESS;
	for (unsigned i = 0; i < q->kinds; i++)
		sum += (long)q->seen[q->first[i]][q->second[i]] * pair_of(q, i, to);
	return (int)(sum / (long)q->n);
}

/* What is judged as one: a line, or the part of it up to a colon or quotation mark, behind which a cipher may begin.  Those that could be one. */
struct cipher_line {
	size_t	from, to;
	int	plain, back;	/* score per pair, as it stands and read from the end */
	bool	pairs;		/* there are enough of them, and it is made of words */
	bool	other;		/* it runs backwards in another script */
};

struct cipher_lines {
	struct cipher_line *v;
	size_t	n;
};

static void
line_pairs(struct cipher_line *l, const char *p)
{
	unsigned n = 0, mixed = 0, a = STRANGE, b;
	long plain = 0, back = 0;

	for (size_t i = l->from; i < l->to && n < PAIRS_MAX; i++, a = b) {
		bool la = a - 1 < 26, lb;

		b = kind_of[(unsigned char)p[i]];
		lb = b - 1 < 26;
		n += la & lb;
		mixed += (la & (b == STRANGE)) | (lb & (a == STRANGE));
		plain += pair_score[a][b];
		back += pair_score[b][a];
	}
	if (n < LINE_PAIRS_MIN || 2 * mixed > n)
		return;
	l->pairs = true;
	l->plain = (int)(plain / (long)n);
	l->back = (int)(back / (long)n);
}

/* Both decoders below ask for them, of the same text. */
static const struct cipher_lines *
cipher_lines(struct derived *d, const char *p, size_t n, const struct marks *m, struct arena *a)
{
	struct cipher_lines *all = d->lines;
	struct cipher_line l;

	if (all != NULL)
		return all;
	all = arena_alloc(a, sizeof(*all));
	if (all == NULL || (all->v = arena_alloc(a, (n / LINE_PAIRS_MIN + 1) * sizeof(*all->v))) == NULL)
		return NULL;
	all->n = 0;
	for (size_t i = 0; i < n; i = l.to + 1) {
		l = (struct cipher_line){.from = i, .to = marks_next(m, MARK_PART, i)};
		if (l.to - i <= LINE_PAIRS_MIN)
			continue;
		l.other = marks_within(m, MARK_HIGH, i, l.to) && view_runs_backwards(p + i, l.to - i);
		line_pairs(&l, p);
		if (l.pairs || l.other)
			all->v[all->n++] = l;
	}
	d->lines = all;
	return all;
}

static void
add_turned(struct derived *d, const char *p, size_t from, size_t to, int sign, int shift)
{
	char b[256];
	size_t k = 0;

	for (size_t i = from; i < to; i++) {
		int c = letter(p[i]);

		b[k++] = c < 0 ? p[i] : (char)('a' + ((sign * c + shift) % 26 + 26) % 26);
		if (k == sizeof(b) || i + 1 == to) {
			derived_add(d, b, k, i + 1 - k, i + 1);
			k = 0;
		}
	}
	derived_add(d, "\n", 1, to, to);
	d->found++;
}

void
view_rotated(struct derived *d, const char *p, size_t n, const struct marks *m, struct arena *a)
{
	const struct cipher_lines *lines = cipher_lines(d, p, n, m, a);
	struct pairs q = {0};

	for (size_t i = 0; lines != NULL && i < lines->n; i++) {
		const struct cipher_line *l = &lines->v[i];
		int best = 0, sign = 1, shift = 0;

		if (!l->pairs || l->plain >= 3)
			continue;
		count_pairs(&q, p + l->from, l->to - l->from);
		for (int k = 1; k < 52; k++) {
			int s = score(&q, k < 26 ? 1 : -1, k % 26);

			if (s > best) {
				best = s;
				sign = k < 26 ? 1 : -1;
				shift = k % 26;
			}
		}
		if (best >= 6 && best >= l->plain + 10)
			add_turned(d, p, l->from, l->to, sign, shift);
	}
}

/* <words>: each word turned round where it stands. */
static void
add_backwards(struct derived *d, const char *p, size_t from, size_t to, bool words, char *buf)
{
	size_t len = to - from, at = 0, k, end;

	for (size_t i = from; i < to; i = end) {
		end = words ? i : to;
		while (end < to && p[end] != ' ')
			end++;
		for (size_t j = end; j > i; j -= k) {	/* character by character */
			for (k = 1; k < 4 && j - k > i && ((unsigned char)p[j - k] & 0xc0) == 0x80; k++)
				;
			memcpy(buf + at, p + j - k, k);
			at += k;
		}
		for (; end < to && p[end] == ' '; end++)
			buf[at++] = ' ';
	}
	/* One place for the whole line: a byte less, so that the places don't count as the line's own bytes. */
	derived_add(d, buf, len, from, to);
	derived_add(d, "\n", 1, to, to);
	d->found++;
}

void
view_reversed(struct derived *d, const char *p, size_t n, const struct marks *m, struct arena *a)
{
	const struct cipher_lines *lines = cipher_lines(d, p, n, m, a);
	char *buf = NULL;

	for (size_t i = 0; lines != NULL && i < lines->n; i++) {
		const struct cipher_line *l = &lines->v[i];

		if ((!l->other && (l->back < 5 || l->back < l->plain + 5)) || (buf == NULL && (buf = arena_alloc(a, n)) == NULL))
			continue;
		add_backwards(d, p, l->from, l->to, false, buf);
		add_backwards(d, p, l->from, l->to, true, buf);
	}
}

/* ---- Morse (ITU-R M.1677-1) --------------------------------------------------------------------- */
static const char *const morse[] = {	/* a..z, 0..9 */
	".-", "-...", "-.-.", "-..", ".", "..-.", "--.", "....", "..", ".---", "-.-", ".-..", "--", "-.", "---", ".--.", "--.-", ".-.",
	"...", "-", "..-", "...-", ".--", "-..-", "-.--", "--..",
	"-----", ".----", "..---", "...--", "....-", ".....", "-....", "--...", "---..", "----.",
};

static char
morse_char(const char *p, size_t n)
{
	for (size_t i = 0; i < sizeof(morse) / sizeof(*morse); i++)
		if (strlen(morse[i]) == n && memcmp(morse[i], p, n) == 0)
			return (char)(i < 26 ? 'a' + i : '0' + i - 26);
	return '\0';
}

/* What people write for a dot, '.', and a dash, '-', beside the two of ASCII; *k: its bytes.  '\0': none of them. */
static char
morse_sign(const char *p, size_t n, size_t *k)
{
	uint32_t c = (unsigned char)p[0];

	*k = 1;
	if (c < 0x80)
		return c == '.' || c == '*' ? '.' : c == '-' || c == '_' ? '-' : '\0';
	*k = utf8_take(p, n, &c, NULL);
	switch (c) {
	case 0xb7: case 0x2022: case 0x2024: case 0x2219: case 0x22c5: case 0x25cf: case 0x25cb: case 0x26ab: case 0x30fb: case 0xff0e: case 0xff65:
		return '.';
	case 0xaf: case 0x2010: case 0x2011: case 0x2012: case 0x2013: case 0x2014: case 0x2015: case 0x2212: case 0x2500: case 0x2501: case 0x25ac:
	case 0x30fc: case 0xff0d: case 0xff3f: case 0xff70:
		return '-';
	default:
		*k = *k > 0 ? *k : 1;
		return '\0';
	}
}

/* UTF-8: can it begin one of those? */
static bool
leads_sign(unsigned char c)
{
	return c == 0xc2 || c == 0xe2 || c == 0xe3 || c == 0xef;
}

/* The signs of one character at p[0] as ASCII; *k: their bytes.  More than 6 are none. */
static char
morse_read(const char *p, size_t n, size_t *k)
{
	char sign[7];
	size_t len = 0, step;

	for (*k = 0; *k < n && len < sizeof(sign) && (sign[len] = morse_sign(p + *k, n - *k, &step)) != '\0'; len++)
		*k += step;
	return len > 0 && len < 6 ? morse_char(sign, len) : '\0';
}

static bool
in_word(char c)
{
	return (unsigned char)((c | 32) - 'a') < 26 || (c >= '0' && c <= '9');
}

void
view_morse(struct derived *d, const char *p, size_t n, const struct marks *m, struct arena *a)
{
	size_t len = 0, start = 0, k, gap;
	char *out = NULL;
	char c;

	for (size_t i = 0; i < n; i += gap > 0 ? gap : 1) {
		gap = 0;
		if (len == 0 && (i = marks_next(m, MARK_MORSE, i)) == n)
			break;
		if (len == 0 && (unsigned char)p[i] >= 0x80 && !leads_sign((unsigned char)p[i]))
			continue;
		if (len == 0 && (unsigned char)p[i] < 0x80 &&
		    ((p[i] != '.' && p[i] != '-' && p[i] != '_' && p[i] != '*') || (i > 0 && in_word(p[i - 1]))))
			continue;		/* no sign, or one inside or at the end of a word */
		c = morse_read(p + i, n - i, &k);
		if (c != '\0' && out == NULL && (out = arena_alloc(a, 2 * n + 2)) == NULL)
			return;
		if (c != '\0') {
			start = len == 0 ? i : start;
			out[len++] = c;
		}
		for (gap = 0; i + k + gap < n && (p[i + k + gap] == ' ' || p[i + k + gap] == '/' || p[i + k + gap] == '|' || p[i + k + gap] == '\n'); gap++)
			;
		if (c != '\0' && gap > 0 && (gap > 1 || p[i + k] != ' '))
			out[len++] = ' ';
		if (len > 0 && (c == '\0' || gap == 0 || i + k + gap >= n)) {
			derived_add_text(d, out, len, 8, start, i + k);
			len = 0;
		}
		gap += k;
	}
}
