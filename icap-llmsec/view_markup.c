/* SPDX-License-Identifier: MIT */
/* Words that mark-up or stray signs take apart: the text as it reads once they are gone. */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "icap-llmsec/views.h"

#define PART_SHORT	2	/* letters: syllables have more */
#define PARTS_MIN	3	/* short parts that make a word */
#define PARTS_SURE	5	/* so many are no accident: "e.g.", "U.S.A." have less */
#define WORD_PARTS	256	/* longer words are taken apart */

/*
 * Elements that end a word (HTML, 15.3: what browsers draw as blocks, cells and line breaks).  Any other one leaves the word whole,
 * a made-up one too.  Sorted by nothing: few, and only asked for tags that stand between letters.
 */
static const char *const blocks[] = {
	"p", "br", "div", "li", "ul", "ol", "dl", "dt", "dd", "td", "th", "tr", "table", "tbody", "thead", "tfoot", "caption", "h1", "h2", "h3",
	"h4", "h5", "h6", "hr", "pre", "blockquote", "section", "article", "aside", "header", "footer", "main", "nav", "form", "fieldset",
	"option", "select", "textarea", "button", "figure", "figcaption", "address", "title", "body", "head", "html", "details", "summary",
};

struct part {			/* letters without anything between them */
	size_t	from, to;
};

struct word {
	struct part	 part[WORD_PARTS];
	size_t		 n;
	size_t		 letters, digits;	/* characters */
	size_t		 longest;		/* part */
	bool		 marked;	/* mark-up stands between two parts: no accident either */
};

static bool
is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

/* Of a word: letters, digits, and whatever isn't ASCII. */
static bool
is_letter(unsigned char c)
{
	return c >= 0x80 || ((c | 32) >= 'a' && (c | 32) <= 'z') || is_digit(c);
}

/*
 * A character that nobody writes inside a word: U+2028, U+2029, pictures (U+2600 to U+27BF, U+1F000 and up, but not the letters in boxes among
 * them; with their variation selector), all *marked; or a dot in the middle.  Its bytes; 0: p[0] begins another one.
 */
static size_t
odd_char(const char *p, size_t n, bool *marked)
{
	unsigned char c = (unsigned char)p[0], c1 = n > 1 ? (unsigned char)p[1] : 0, c2 = n > 2 ? (unsigned char)p[2] : 0;
	size_t k = 0;

	if (c == 0xe2 && c1 == 0x80 && (c2 == 0xa8 || c2 == 0xa9))
		k = 3;
	else if (c == 0xe2 && c1 >= 0x98 && c1 <= 0x9e && n > 2)
		k = 3;
	else if (c == 0xf0 && c1 == 0x9f && (c2 < 0x84 || c2 > 0x87) && n > 3)
		k = 4;
	if (k > 0) {
		*marked = true;
		return n >= k + 3 && memcmp(p + k, "\xef\xb8\x8f", 3) == 0 ? k + 3 : k;
	}
	if (c == 0xc2)
		return c1 == 0xb7 ? 2 : 0;
	return c == 0xe2 && ((c1 == 0x80 && c2 == 0xa2) || (c1 == 0x88 && c2 == 0x99)) ? 3 : 0;
}

/* Of a word, at p[0]. */
static bool
goes_on(const char *p, size_t n)
{
	unsigned char c = (unsigned char)p[0];
	bool marked;

	return is_letter(c) && ((c != 0xc2 && c != 0xe2 && c != 0xf0) || odd_char(p, n, &marked) == 0);
}

static bool
is_sign(unsigned char c)
{
	return c > ' ' && c < 0x7f && !is_letter(c);
}

static bool
ends_word(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++)
		if (n > 0 && blocks[i][0] == (name[0] | 32) && strncasecmp(blocks[i], name, n) == 0 && blocks[i][n] == '\0')
			return true;
	return false;
}

/*
 * A tag or comment at p[0], '<'; 0: none, or one that ends a word.  None has another '<' in it here, so that no byte is looked at from two of
 * them, however long they are.  A comment ends with --> or --!> (HTML, 13.2.5.51), <!--> is one, too.
 */
static size_t
tag(const char *p, size_t n)
{
	size_t i = 1, name;
	bool comment = false;

	i += i < n && p[i] == '/';
	if (i == n || !((p[i] | 32) >= 'a' && (p[i] | 32) <= 'z')) {
		if (n < 4 || memcmp(p, "<!--", 4) != 0)
			return 0;
		comment = true;
	} else {
		for (name = i; i < n && is_letter((unsigned char)p[i]); i++)
			;
		if (ends_word(p + name, i - name))
			return 0;
	}
	for (; i < n && p[i] != '<'; i++)
		if (p[i] == '>' && (!comment || (i >= 4 && memcmp(p + i - 2, "--", 2) == 0) || (i >= 6 && memcmp(p + i - 3, "--!", 3) == 0)))
			return i + 1;
	return 0;
}

/*
 * Signs and tags behind which no word goes on.  A word in one of these tags has the rest of them behind it, so that a row of tags
 * would be looked at from each of its tags: its end is known once it was found.  Every '<' in it begins a step of noise().
 */
struct dead {
	size_t	from, to;
};

/* What stands between two parts of a word at p[at]: how many bytes, 0: nothing goes on behind it; *marked: a reader does not see it, or only as emphasis. */
static size_t
noise(const char *all, size_t len, size_t at, const struct dead *dead, bool *marked)
{
	const char *p = all + at;
	size_t k, i = 0, n = len - at;

	while (i < n) {
		if (p[i] == '<' && at + i >= dead->from && at + i < dead->to)
			return 0;
		if ((unsigned char)p[i] >= 0x80 && (k = odd_char(p + i, n - i, marked)) > 0) {
			i += k;
			continue;
		}
		if (!is_sign((unsigned char)p[i]))
			break;
		if (p[i] == '<' && (k = tag(p + i, n - i)) > 0) {
			*marked = true;
			i += k;
			continue;
		}
		if (strchr("*_~`", p[i]) != NULL && i + 1 < n && p[i + 1] == p[i]) {
			*marked = true;
			i++;
		}
		i++;
	}
	return i;
}

/* The word that begins at p[i], and where it ends. */
static size_t
take_word(struct word *w, const char *p, size_t n, size_t i, struct dead *dead)
{
	size_t k, end = i;
	bool marked = false;

	size_t had;

	w->n = w->letters = w->digits = w->longest = 0;
	w->marked = false;
	while (i < n && w->n < WORD_PARTS) {
		struct part *q = &w->part[w->n++];

		had = w->letters;
		for (q->from = i; i < n && goes_on(p + i, n - i); i++) {
			w->digits += is_digit((unsigned char)p[i]);
			w->letters += ((unsigned char)p[i] & 0xc0) != 0x80;
		}
		q->to = end = i;
		w->longest = w->letters - had > w->longest ? w->letters - had : w->longest;
		w->marked |= marked;
		k = noise(p, n, i, dead, &marked);
		if (k > 0 && (i + k >= n || !goes_on(p + i + k, n - i - k))) {
			if (i + k > dead->to)
				*dead = (struct dead){i, i + k};
			break;
		}
		if (k == 0)
			break;
		i += k;
	}
	return end;
}

/* Numbers, versions, addresses, dates and hashes have signs in them by nature. */
static bool
is_torn(const struct word *w)
{
	if (w->n < 2 || 2 * w->digits >= w->letters)
		return false;
	return w->marked || (w->n >= PARTS_MIN && w->longest <= PART_SHORT);
}

/*
 * Most words are not torn at a glance: letters up to a blank, or up to signs that a blank follows.  Where the next word may begin, 0 if that takes a closer
 * look.
 */
static size_t
whole_word(const char *p, const struct marks *m, size_t i)
{
	size_t end = marks_end(m, MARK_WORD, i), signs;

	if (end == i || marks_within(m, MARK_LEAD, i, end))
		return 0;
	signs = marks_end(m, MARK_SIGN, end);
	if (marks_at(m, MARK_WORD, signs) || (signs > end && memchr(p + end, '<', signs - end) != NULL))
		return 0;
	return marks_next(m, MARK_WORD, signs);
}

/* Emphasis that begins or ends with the word, the backslash of its first letter. */
static bool
hugs(char c)
{
	return c == '*' || c == '_' || c == '~' || c == '`' || c == '\\';
}

/*
 * "i**g**nore", "<b>i</b>gnore", "\i\g\n\o\r\e", "i_g-n.o*r/e".  Signs count by themselves only where they leave parts of one or two letters, so that
 * paths, identifiers and formulas stay what they are; and not where there are only a few such words, which are abbreviations.
 */
void
view_markup(struct derived *d, const char *p, size_t n, const struct marks *m, struct arena *a)
{
	struct word *w = arena_alloc(a, sizeof(*w));
	struct dead dead = {0, 0};
	size_t done = 0, end;
	bool sure = false;

	for (size_t i = 0; w != NULL && i < n; i = end) {
		bool marked;

		if ((end = whole_word(p, m, i)) > 0)
			continue;
		end = i + 1;
		if (!goes_on(p + i, n - i)) {
			if ((unsigned char)p[i] >= 0x80)
				end = i + odd_char(p + i, n - i, &marked);
			continue;
		}
		end = take_word(w, p, n, i, &dead);
		if (!is_torn(w))
			continue;
		while (i > done && hugs(p[i - 1]))
			i--;
		derived_between(d, p, done, i);
		for (size_t k = 0; k < w->n; k++)
			derived_add(d, p + w->part[k].from, w->part[k].to - w->part[k].from, w->part[k].from, w->part[k].to);
		d->found++;
		sure |= w->marked || w->n >= PARTS_SURE;
		while (end < n && hugs(p[end]))
			end++;
		done = end;
	}
	if (sure)
		derived_after(d, p, n, done);
	else
		d->found = 0;
}
