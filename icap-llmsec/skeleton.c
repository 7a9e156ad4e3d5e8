/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <utf8proc.h>

#include "icap-llmsec/skeleton.h"
#include "lib/utf8.h"

#define SPACED_MIN	4	/* single letters in a row that make a word: "p. s. a." is not enough */
#define WORD_LETTERS	128	/* longer words are taken apart */
#define SPACED_NEXT	2	/* after such a word */

struct skel {
	const struct norm *in;
	struct norm	*out;
};

static void
put(struct skel *s, uint32_t c, size_t at)
{
	char u[4];
	size_t k = utf8_encode(u, c);

	for (size_t i = 0; i < k; i++) {
		s->out->map[s->out->len] = s->in->map[at];
		s->out->text[s->out->len++] = u[i];
	}
}

static bool
ascii_letter(uint32_t c)
{
	return c >= 'a' && c <= 'z';
}

/* A letter without its accents: e for e with acute. */
static uint32_t
bare(uint32_t c)
{
	utf8proc_int32_t d[8];
	int bound = 0;
	utf8proc_ssize_t n;

	if (c < 0xc0 || c > 0x1fff)
		return c;
	n = utf8proc_decompose_char((utf8proc_int32_t)c, d, 8, UTF8PROC_DECOMPOSE, &bound);
	return n > 1 && n <= 8 && utf8proc_category(d[1]) == UTF8PROC_CATEGORY_MN ? (uint32_t)d[0] : c;
}

/* What digits and signs stand for inside a word; 0: for themselves. */
static char
leet(uint32_t c)
{
	switch (c) {
	case '0': return 'o';
	case '1': case '!': return 'i';
	case '3': case 0x20ac: return 'e';
	case '4': case '@': return 'a';
	case '5': case '$': return 's';
	case '7': case '+': return 't';
	case '8': return 'b';
	case '9': return 'g';
	case '|': return 'l';
	default: return '\0';
	}
}

/* A letter, digit or sign that may stand for one. */
static bool
wordish(uint32_t c)
{
	int cat;

	if (c < 0x80)
		return ascii_letter(c) || (c >= '0' && c <= '9') || leet(c) != '\0';
	cat = utf8proc_category((utf8proc_int32_t)c);
	return (cat >= UTF8PROC_CATEGORY_LU && cat <= UTF8PROC_CATEGORY_LO) || c == 0x20ac || c == UTF8_REPLACEMENT;
}

struct word_facts {
	size_t	 latin, alike, other, leet;
};

static struct word_facts
facts(const struct letter *w, size_t n)
{
	struct word_facts f = {0, 0, 0, 0};

	for (size_t i = 0; i < n; i++) {
		uint32_t c = bare(w[i].c);

		if (ascii_letter(c))
			f.latin++;
		else if (norm_lookalike(c) != '\0')
			f.alike++;
		else if (leet(c) != '\0')
			f.leet++;
		else if (c != UTF8_REPLACEMENT)
			f.other++;
	}
	return f;
}

/*
 * Letters become what they look like where the word mixes them with Latin ones or has nothing else.  Digits and
 * signs become letters where the word then has no other character and there are at most twice as many as real
 * letters: "h264", "2nd", "$100" keep theirs.
 */
static void
put_word(struct skel *s, const struct letter *w, size_t n)
{
	struct word_facts f;
	bool alike, code;

	while (n > 1 && leet(w[n - 1].c) == 'i' && w[n - 1].c == '!')
		n--;			/* an exclamation mark at the end is one */
	f = facts(w, n);
	alike = f.other == 0;
	code = f.leet > 0 && f.other == 0 && n >= 3 && f.leet <= 2 * (f.latin + f.alike);
	for (size_t i = 0; i < n; i++) {
		uint32_t c = w[i].c, b = bare(c);
		char as = ascii_letter(b) ? (char)b : alike ? norm_lookalike(b) : '\0';

		if (as == '\0' && code) {
			as = leet(c);
			if (c == '1' && ((i > 0 && w[i - 1].c == '1') || (i + 1 < n && w[i + 1].c == '1')))
				as = 'l';	/* "a11" */
		}
		if (as != '\0' && (uint32_t)as != c)
			c = (uint32_t)as;
		if (c == UTF8_REPLACEMENT)
			continue;
		put(s, c, w[i].at);
	}
}

static size_t
next_letter(const struct norm *in, size_t at, struct letter *l)
{
	size_t k;

	l->at = (uint32_t)at;
	l->c = (unsigned char)in->text[at];
	if (l->c < 0x80)
		return 1;
	k = utf8_decode(in->text + at, in->len - at, &l->c, NULL);
	return k > 0 ? k : 1;
}

/*
 * Does a run like "i-g-n-o-r-e" begin at byte <at>?  Its letters go into w[0..*n-1]; the result is the bytes that
 * it takes, 0: no run.  More than one blank in the original, which norm_text() made one, is a gap between words.
 */
static size_t
spaced_run(const struct norm *in, size_t at, struct letter *w, size_t *n, size_t min)
{
	struct letter sep, l;
	uint32_t gap = 0;
	size_t k, i = at, end;

	*n = 0;
	for (end = i; i < in->len && *n < WORD_LETTERS; i += k) {
		k = next_letter(in, i, &l);
		if (!wordish(l.c))
			break;
		end = i + k;
		if (end >= in->len) {
			w[(*n)++] = l;
			break;
		}
		k += next_letter(in, end, &sep);
		if (wordish(sep.c))
			break;		/* "a-b-c-def": the last one isn't single */
		w[(*n)++] = l;
		if (*n == 1)
			gap = sep.c;
		i += k;
		k = 0;
		if (sep.c != gap || sep.c >= 0x3000 || i >= in->len || (gap == ' ' && in->map[i] - in->map[sep.at] > 1))
			break;
		continue;
	}
	if (*n < min)
		return 0;
	l = w[*n - 1];
	return l.at + next_letter(in, l.at, &l) - at;
}

static void
put_spaced(struct skel *s, const struct letter *w, size_t n)
{
	for (size_t i = 0, len; i < n; i += len) {
		len = skeleton_first_word(w + i, n - i);
		if (i > 0)
			put(s, ' ', w[i].at);
		put_word(s, w + i, len);
	}
}

/* The word that begins at <at>, or as much of it as there is room for; else the one character. */
static size_t
put_next(struct skel *s, size_t at, struct letter *w)
{
	size_t n = 0, i = at, k;

	while (i < s->in->len && n < WORD_LETTERS) {
		k = next_letter(s->in, i, &w[n]);
		if (!wordish(w[n].c))
			break;
		i += k;
		n++;
	}
	if (n > 0) {
		put_word(s, w, n);
		return i - at;
	}
	k = next_letter(s->in, at, &w[0]);
	put(s, w[0].c, at);
	return k;
}

/* Nothing here could look like something else: letters in words, digits on their own, no letter single four times. */
static bool
plain(const struct norm *in)
{
	unsigned single = 0;
	size_t n = 0;		/* letters of the word so far */

	for (size_t i = 0; i <= in->len; i++) {
		unsigned char c = i < in->len ? (unsigned char)in->text[i] : ' ';

		if (c >= 0x80)
			return false;
		if (ascii_letter(c)) {
			n++;
			continue;
		}
		if (leet(c) != '\0' && ((n > 0 && i + 1 < in->len && wordish((unsigned char)in->text[i + 1])) ||
		    (n > 0 && c != '!') || (i + 1 < in->len && ascii_letter((unsigned char)in->text[i + 1]))))
			return false;
		if (n == 1 && ++single >= SPACED_MIN)
			return false;
		if (n > 1)
			single = 0;
		n = 0;
	}
	return true;
}

int
norm_skeleton(struct norm *out, const struct norm *in, bool *differs, struct arena *a)
{
	struct skel s = {in, out};
	struct letter w[WORD_LETTERS];
	size_t k, n, chained = 0;	/* up to here, a shorter run is one: there was one just before */

	*differs = false;
	if (plain(in))
		return 0;
	out->len = 0;
	out->text = arena_alloc(a, 2 * in->len + 1);
	out->map = arena_alloc(a, (2 * in->len + 1) * sizeof(*out->map));
	if (out->text == NULL || out->map == NULL)
		return -ENOMEM;
	for (size_t at = 0; at < in->len; at += k) {
		k = spaced_run(in, at, w, &n, at > 0 && at <= chained ? SPACED_NEXT : SPACED_MIN);
		if (k > 0) {
			put_spaced(&s, w, n);
			chained = at + k + 1;
		} else {
			k = put_next(&s, at, w);
		}
	}
	out->text[out->len] = '\0';
	out->map[out->len] = in->map[in->len];
	*differs = out->len != in->len || memcmp(out->text, in->text, in->len) != 0;
	return 0;
}
