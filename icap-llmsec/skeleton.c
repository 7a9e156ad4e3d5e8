/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <utf8proc.h>

#include "icap-llmsec/skeleton.h"
#include "lib/utf8.h"

#define WORD_LETTERS	128	/* longer words are taken apart */
#define ROW_NEXT	2	/* letters of a row after another one */
#define HEAD		64	/* letters that tell whether a long word begins with one of those */
#define PART_MEAN	3	/* letters of words that were run together, on average at least */

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

/* A letter without its accents: e for e with acute. */
static uint32_t
bare(uint32_t c)
{
	utf8proc_int32_t d[8];
	int bound = 0;
	utf8proc_ssize_t n;

	if (c < 0xc0 || c > 0x1fff || (c >= 0x430 && c < 0x450 && c != 0x439) || (c >= 0x5d0 && c < 0x5eb) || (c >= 0x627 && c < 0x64b))
		return c;	/* most Cyrillic, Hebrew and Arabic letters have no mark */
	n = utf8proc_decompose_char((utf8proc_int32_t)c, d, 8, UTF8PROC_DECOMPOSE, &bound);
	return n > 1 && n <= 8 && utf8proc_category(d[1]) == UTF8PROC_CATEGORY_MN ? (uint32_t)d[0] : c;
}

char
skeleton_leet(uint32_t c)
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

bool
skeleton_wordish(uint32_t c)
{
	int cat;

	if (c < 0x80)
		return ascii_letter(c) || (c >= '0' && c <= '9') || skeleton_leet(c) != '\0';
	if (norm_plain(c))
		return true;
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
		else if (skeleton_leet(c) != '\0')
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

	while (n > 1 && skeleton_leet(w[n - 1].c) == 'i' && w[n - 1].c == '!')
		n--;			/* an exclamation mark at the end is one */
	f = facts(w, n);
	alike = f.other == 0;
	code = f.leet > 0 && f.other == 0 && n >= 3 && f.leet <= 2 * (f.latin + f.alike);
	for (size_t i = 0; i < n; i++) {
		uint32_t c = w[i].c, b = bare(c);
		char as = ascii_letter(b) ? (char)b : alike ? norm_lookalike(b) : '\0';

		if (as == '\0' && code) {
			as = skeleton_leet(c);
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

size_t
skeleton_letter(const struct norm *in, size_t at, struct letter *l)
{
	size_t k;

	l->at = (uint32_t)at;
	l->c = (unsigned char)in->text[at];
	if (l->c < 0x80)
		return 1;
	k = utf8_take(in->text + at, in->len - at, &l->c, NULL);
	return k > 0 ? k : 1;
}

bool
skeleton_deceptive(uint32_t c)
{
	return c == UTF8_REPLACEMENT || c == 0x20ac || norm_lookalike(c) != '\0' || bare(c) != c;
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
		k = skeleton_letter(in, i, &l);
		if (!skeleton_wordish(l.c))
			break;
		end = i + k;
		if (end >= in->len) {
			w[(*n)++] = l;
			break;
		}
		k += skeleton_letter(in, end, &sep);
		if (skeleton_wordish(sep.c))
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
	return l.at + skeleton_letter(in, l.at, &l) - at;
}

static void
put_spaced(struct skel *s, const struct letter *w, size_t n)
{
	uint16_t lengths[WORD_LETTERS];

	skeleton_lengths(w, n, lengths);
	for (size_t i = 0, len; i < n; i += len) {
		len = skeleton_first_word(lengths + i, n - i);
		if (i > 0)
			put(s, ' ', w[i].at);
		put_word(s, w + i, len);
	}
}

/* Words run together: "ignoreallpreviousinstructions".  False: not, or not all of it. */
static bool
put_divided(struct skel *s, const struct letter *w, size_t n)
{
	uint16_t lengths[WORD_LETTERS];
	size_t parts = 0, len, head = n < HEAD ? n : HEAD;

	for (size_t i = 0; i < n; i++)
		if (!ascii_letter(w[i].c))
			return false;
	skeleton_lengths(w, head, lengths);
	for (size_t i = 0; i == 0 || i + SKELETON_LOOK < head; i += len, parts++)	/* by their beginning, nearly all aren't */
		if ((len = skeleton_first_word(lengths + i, head - i)) > WORD_MAX || (parts >= 4 && i < PART_MEAN * parts))
			return false;
	parts = 0;
	skeleton_lengths(w, n, lengths);
	for (size_t i = 0; i < n; i += len, parts++)
		if ((len = skeleton_first_word(lengths + i, n - i)) > WORD_MAX || (len == n - i && !(lengths[i] >> len & 1)) ||
		    (parts >= 4 && i < PART_MEAN * parts))
			return false;
	if (parts < 2 || n < PART_MEAN * parts)
		return false;
	put_spaced(s, w, n);
	return true;
}

/* The letters of the word at <at>, as many as there is room for; the bytes that they take. */
static size_t
take_word(const struct norm *in, size_t at, struct letter *w, size_t *n)
{
	size_t i = at, k;

	for (*n = 0; i < in->len && *n < WORD_LETTERS; i += k, ++*n) {
		k = skeleton_letter(in, i, &w[*n]);
		if (!skeleton_wordish(w[*n].c))
			break;
	}
	return i - at;
}

struct turning {
	const struct norm *in;
	struct letter	 w[WORD_LETTERS];
	size_t		 n;
	struct norm	 word;		/* what they look like */
	char		 text[5 * WORD_LETTERS];
	uint32_t	 map[5 * WORD_LETTERS];
};

/* The word or row in <t> that begins at <at> and takes <k> bytes: does it look other than it is written? */
static bool
turn(struct turning *t, bool row, size_t at, size_t k)
{
	struct skel s = {t->in, &t->word};

	t->word = (struct norm){t->text, t->map, 0, NULL};
	if (row)
		put_spaced(&s, t->w, t->n);
	else if (t->n < LONG_WORD || !put_divided(&s, t->w, t->n))
		put_word(&s, t->w, t->n);
	return t->word.len != k || memcmp(t->text, t->in->text + at, k) != 0;
}

/* A row that begins at the word at <suspect> or at one of the single characters before it, not before <from>. */
static size_t
find_row(struct turning *t, size_t from, size_t suspect, size_t *at)
{
	struct letter l;
	size_t k = 0;

	for (*at = skeleton_row_begin(t->in, suspect, from); *at <= suspect && *at < t->in->len; *at += skeleton_letter(t->in, *at, &l)) {
		k = spaced_run(t->in, *at, t->w, &t->n, ROW_MIN);
		if (k > 0)
			return k;
	}
	*at = suspect;
	return 0;
}

/* <change>: text, map and len have room. */
static void
put_turned(struct norm *out, const struct norm *change)
{
	memcpy(out->text + out->len, change->text, change->len);
	memcpy(out->map + out->len, change->map, change->len * sizeof(*change->map));
	out->len += change->len;
}

static int
out_new(struct norm *out, size_t len, struct arena *a)
{
	size_t cap = len + len / PART_MEAN + len / SKELETON_AROUND + 2;	/* blanks between words that had none */

	out->len = 0;
	out->lines = NULL;
	out->text = arena_alloc(a, cap);
	out->map = arena_alloc(a, cap * sizeof(*out->map));
	return out->text != NULL && out->map != NULL ? 0 : -ENOMEM;
}

int
norm_skeleton(struct norm *out, const struct norm *in, bool *differs, struct arena *a)
{
	struct turning t;
	struct skeleton_scan sc = {0};
	size_t at, k, done = 0;		/* done: the end of the last change */

	t.in = in;
	*differs = false;
	for (size_t seen = 0; (at = skeleton_suspect(&sc, in)) < in->len; skeleton_scan_from(&sc, seen = at)) {
		bool row = (k = find_row(&t, seen, at, &at)) > 0;

		if (!row)
			k = take_word(in, at, t.w, &t.n);
		while (k > 0) {
			if (turn(&t, row, at, k)) {
				if (!*differs && out_new(out, in->len, a) < 0)
					return -ENOMEM;
				skeleton_between(out, in, done, at, *differs ? 0 : BETWEEN_FIRST);
				put_turned(out, &t.word);
				*differs = true;
				done = at + k;
			}
			at += k;
			if (!row || at >= in->len)
				break;
			/* after a row, a shorter one is one as well */
			k = skeleton_letter(in, at, &t.w[0]);
			k = at + k < in->len ? spaced_run(in, at + k, t.w, &t.n, ROW_NEXT) : 0;
			at += k > 0 ? skeleton_letter(in, at, &(struct letter){0, 0}) : 0;
		}
		if (k == 0 && !row)
			at += skeleton_letter(in, at, &t.w[0]);
	}
	if (*differs) {
		skeleton_between(out, in, done, in->len, BETWEEN_LAST);
		out->text[out->len] = '\0';
	}
	return 0;
}
