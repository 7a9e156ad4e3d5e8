/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include <utf8proc.h>

#include "icap-llmsec/feature.h"
#include "icap-llmsec/norm.h"
#include "lib/utf8.h"

#define SENTENCE_MAX	48		/* tokens; then another begins, whatever the punctuation says */
#define WORD_CHARS	18		/* characters of a word that n-grams are made of */
#define PUNCT_MAX	8		/* bytes of a run of punctuation */
#define WORD_STEP	3		/* a word is as far as three characters of a script without spaces */
#define NEAR		30		/* steps: how far concepts of a pair lie apart */
#define FAR		48		/* and of a triple */

/* Odd multipliers without structure: digits of the golden ratio and of splitmix64 (Steele et al., OOPSLA 2014). */
#define K0	0x9e3779b97f4a7c15u
#define K1	0xbf58476d1ce4e5b9u
#define K2	0x94d049bb133111ebu
#define K3	0xd6e8feb86659fd93u
#define K4	0xa0761d6478bd642fu
#define K5	0xe7037ed1a0b428dbu

enum char_class { C_SPACE, C_LETTER, C_SINGLE, C_DIGIT, C_PUNCT };

bool
feature_is_single(uint32_t c)
{
	if (c < 0x0e00)
		return false;
	return (c >= 0x0e00 && c <= 0x0eff) || (c >= 0x1000 && c <= 0x109f) || (c >= 0x1780 && c <= 0x17ff) ||
	    (c >= 0x3041 && c <= 0x30ff && c != 0x30fb) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x4e00 && c <= 0x9fff) ||
	    (c >= 0xf900 && c <= 0xfaff) || (c >= 0x20000 && c <= 0x3ffff);
}

static enum char_class
wide_class(uint32_t c)
{
	if (feature_is_single(c))
		return C_SINGLE;
	if (norm_plain(c))
		return C_LETTER;
	switch (utf8proc_category((utf8proc_int32_t)c)) {
	case UTF8PROC_CATEGORY_LU: case UTF8PROC_CATEGORY_LL: case UTF8PROC_CATEGORY_LT: case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO: case UTF8PROC_CATEGORY_MN: case UTF8PROC_CATEGORY_MC: case UTF8PROC_CATEGORY_ME:
		return C_LETTER;
	case UTF8PROC_CATEGORY_ND: case UTF8PROC_CATEGORY_NL: case UTF8PROC_CATEGORY_NO:
		return C_DIGIT;
	default:
		return C_PUNCT;
	}
}

static inline enum char_class
char_class(uint32_t c)
{
	if (c - 'a' < 26u || c - 'A' < 26u)
		return C_LETTER;
	if (c == ' ')
		return C_SPACE;
	if (c - '0' < 10u)
		return C_DIGIT;
	return c < 0x80 ? C_PUNCT : wide_class(c);
}

bool
feature_is_letter(uint32_t c)
{
	return char_class(c) == C_LETTER;
}

/* One character; the text is UTF-8 already, but a fuzzer's need not be. */
static inline size_t
char_at(const struct feature_scan *s, size_t i, uint32_t *c)
{
	size_t k;

	*c = (unsigned char)s->text[i];
	if (*c < 0x80)
		return 1;
	k = utf8_take(s->text + i, s->len - i, c, NULL);
	return k > 0 ? k : s->len - i;
}

static inline uint64_t
mix(uint64_t h)
{
	h ^= h >> 32;
	h *= K1;
	return h ^ h >> 29;
}

/* Where features go.  <x> is NULL but for who explains: all that is told of a feature is its place in the table then. */
struct emitting {
	uint32_t	*v;
	size_t		 n;
	struct feature_explain *x;
};

/* Inlined into emit_token(), which has one copy for each, <v> and <n> stay in registers. */
#define INLINE	inline __attribute__((always_inline))

static INLINE void
emit(struct emitting *e, enum feature_kind kind, uint64_t h, size_t start, size_t end)
{
	if (e->x != NULL) {
		e->x->kind[e->n] = kind;
		e->x->start[e->n] = start;
		e->x->end[e->n] = end;
	}
	h += (uint64_t)kind * K5;
	h ^= h >> 31;
	e->v[e->n++] = (uint32_t)(h * K0 >> (64 - FEATURE_BITS));
}

void
feature_start(struct feature_scan *s, const struct concept_trie *trie, const char *text, size_t len,
    const uint64_t *lines)
{
	*s = (struct feature_scan){ .trie = trie, .text = text, .len = len, .lines = lines, .sentence = true };
}

/* ---- words ----------------------------------------------------------------------------------- */

/* Character n-grams of a word, with its edges: n > 2 characters. */
static INLINE void
emit_chars(struct emitting *e, const struct feature_token *t, const uint32_t *c, size_t n)
{
	for (size_t i = 0; i + 3 <= n; i++) {
		uint64_t h = c[i] * K0 + c[i + 1] * K2 + c[i + 2] * K3;

		emit(e, FEATURE_CHAR3, h ^ h >> 30, t->start, t->end);
		if (i + 4 > n)
			break;
		h += c[i + 3] * K4;
		emit(e, FEATURE_CHAR4, h ^ h >> 30, t->start, t->end);
		if (i + 5 > n)
			continue;
		h += c[i + 4] * K5;
		emit(e, FEATURE_CHAR5, h ^ h >> 30, t->start, t->end);
	}
}

struct word {			/* what n-grams are made of */
	uint32_t	 c[WORD_CHARS + 2];
	size_t		 n;
};

/* A word from s->pos on; its hash. */
static uint64_t
take_word(struct feature_scan *s, struct word *w)
{
	size_t i = s->pos, k = 1;
	uint64_t h = K2;
	uint32_t c;

	w->c[0] = '<';
	for (w->n = 1; i < s->len; i += k) {
		c = (unsigned char)s->text[i];
		k = 1;
		if ((c | 32) - 'a' >= 26u) {
			if (c >= 0x80)
				k = char_at(s, i, &c);
			if ((c < 0x80 || wide_class(c) != C_LETTER) &&	/* don't, l'eau */
			    !(c == '\'' && i + 1 < s->len && i > s->pos && (uint32_t)(unsigned char)s->text[i + 1] - 'a' < 26u))
				break;
		}
		h = (h ^ c) * K3;
		h ^= h >> 32;
		if (w->n <= WORD_CHARS)
			w->c[w->n++] = c;
	}
	s->pos = i;
	w->c[w->n++] = '>';
	return mix(h);
}

/* Numbers are known by their length. */
static uint64_t
take_number(struct feature_scan *s)
{
	size_t i = s->pos, n = 0, k;
	uint32_t c;

	while (i < s->len && (k = char_at(s, i, &c), char_class(c) == C_DIGIT)) {
		i += k;
		n++;
	}
	s->pos = i;
	return mix((n < 5 ? n : n < 9 ? 5 : 6) * K4);
}

/* A run of punctuation; a repeated sign counts three times at most.  *ends: it ends a sentence. */
static uint64_t
take_punct(struct feature_scan *s, bool *ends)
{
	size_t i = s->pos, k, from = s->pos, same = 0;
	uint64_t h = K4;
	uint32_t c, last = 0;
	bool quote = false, sign = false, stop = false, escape = false;

	while (i < s->len && (k = char_at(s, i, &c), char_class(c) == C_PUNCT)) {
		same = c == last ? same + 1 : 1;
		if (same > 3) {
			i += k;
			continue;
		}
		if (i - from >= PUNCT_MAX)
			break;
		last = c;
		h = (h ^ c) * K3;
		h ^= h >> 32;
		i += k;
		quote = quote || c == '"';
		sign = sign || c == ':' || c == ',' || c == '{' || c == '}' || c == '[' || c == ']';
		stop = c == '.' || c == '!' || c == '?' || c == '|' || c == '<' || c == '>' || c == '{' || c == '}' ||
		    c == 0x3002 || c == 0x0964 || c == 0x061f || c == 0x2026 || c == 0x2022 || (stop && (c == '"' || c == '\'' || c == ')'));
		if (c == '\\' && i < s->len && (s->text[i] == 'n' || s->text[i] == 'r' || s->text[i] == 't')) {
			escape = true;		/* a line end that is escaped once more than the text is */
			i++;
			break;
		}
	}
	*ends = escape || (quote && sign) || (stop && (i >= s->len || s->text[i] == ' ' || last >= 0x80 || last == '>' || last == '|'));
	s->pos = i;
	return mix(h);
}

static INLINE void
emit_words(const struct feature_scan *s, struct emitting *e, const struct feature_token *t, uint64_t h)
{
	size_t end = t->end;

	emit(e, FEATURE_WORD, h, t->start, end);
	if (s->h[0] != 0) {
		uint64_t pair = mix(s->h[0] * K3 + h);

		emit(e, FEATURE_PAIR, pair, s->h_start[0], end);
		if (t->sentence == false && s->second)
			emit(e, FEATURE_FIRST2, pair, s->h_start[0], end);
	}
	if (s->h[1] != 0) {
		emit(e, FEATURE_TRIPLE, mix((s->h[1] * K2 + s->h[0]) * K3 + h), s->h_start[1], end);
		emit(e, FEATURE_SKIP1, mix(s->h[1] * K3 + h), s->h_start[1], end);
	}
	if (s->h[2] != 0)
		emit(e, FEATURE_SKIP2, mix(s->h[2] * K3 + h), s->h_start[2], end);
	if (t->sentence)
		emit(e, FEATURE_FIRST, h, t->start, end);
}

#define WORD_FEATURES	7	/* that emit_words() makes, at most */
_Static_assert(3 * WORD_CHARS + WORD_FEATURES <= FEATURE_TOKEN_MAX, "they have room");

/* The features of a token: <w> where it is a word, else NULL. */
static INLINE void
emit_token(const struct feature_scan *s, struct feature_explain *x, struct feature_token *t, const struct word *w, uint64_t h)
{
	struct emitting e = { t->v, 0, x };

	if (w != NULL)
		emit_chars(&e, t, w->c, w->n);
	emit_words(s, &e, t, h);
	t->n = (uint8_t)e.n;
}

/* ---- concepts -------------------------------------------------------------------------------- */

static void
emit_concept(struct feature_scan *s, struct feature_token *t, size_t index, size_t start)
{
	if (t->n_concept == FEATURE_CONCEPT_TOKEN_MAX)
		return;
	if (s->explain != NULL)
		s->explain->c_start[t->n_concept] = start;
	t->c[t->n_concept++] = (uint16_t)index;
}

static size_t
pair_index(unsigned a, unsigned b)
{
	return a < b ? a * 64 + b : b * 64 + a;
}

static size_t
triple_index(unsigned a, unsigned b, unsigned c)
{
	unsigned lo = a < b ? a : b, hi = a < b ? b : a, mid = c;
	uint64_t h;

	if (c < lo) {
		mid = lo;
		lo = c;
	} else if (c > hi) {
		mid = hi;
		hi = c;
	}
	h = (((uint64_t)lo * 64 + mid) * 64 + hi + 1) * K0;
	return (size_t)(h >> (64 - 13));
}

static void
take_concept(struct feature_scan *s, struct feature_token *t)
{
	size_t end = t->end, n = s->place;
	unsigned c;

	if (s->trie == NULL || t->start < s->concept_end ||
	    (c = concept_find(s->trie, s->text, s->len, t->start, &end)) == CONCEPT_NONE)
		return;
	s->concept_end = end;
	t->concept = (uint8_t)c;
	emit_concept(s, t, c, t->start);
	if (t->sentence)
		emit_concept(s, t, 64 + c, t->start);
	for (int i = 0; i < 3 && s->last[i].id != 0 && n - s->last[i].at <= NEAR; i++) {
		if (i == 0)
			emit_concept(s, t, 128 + s->last[0].id * 64u + c, s->last[0].start);
		if (s->last[i].id != c)
			emit_concept(s, t, 128 + 4096 + pair_index(s->last[i].id, c), s->last[i].start);
	}
	if (s->last[1].id != 0 && n - s->last[1].at <= FAR)
		emit_concept(s, t, 128 + 2 * 4096 + triple_index(s->last[0].id, s->last[1].id, c), s->last[1].start);
	if (s->last[2].id != 0 && n - s->last[2].at <= FAR)
		emit_concept(s, t, 128 + 2 * 4096 + triple_index(s->last[0].id, s->last[2].id, c), s->last[2].start);
	s->last[2] = s->last[1];
	s->last[1] = s->last[0];
	s->last[0].id = (uint8_t)c;
	s->last[0].at = n;
	s->last[0].start = t->start;
}

/* ---- tokens ---------------------------------------------------------------------------------- */

bool
feature_next(struct feature_scan *s, struct feature_token *t)
{
	bool ends = false, dropped = s->drop != NULL && s->drop[s->number % s->drop_n] != 0;
	enum char_class class;
	struct word w;
	uint64_t h;
	uint32_t c;
	size_t k;

	for (; s->pos < s->len && s->text[s->pos] == ' '; s->pos++)
		if (s->lines != NULL && (s->lines[s->pos / 64] >> s->pos % 64 & 1))
			s->sentence = true;
	if (s->pos >= s->len)
		return false;
	t->start = s->pos;
	t->n = t->n_concept = 0;
	t->concept = CONCEPT_NONE;
	t->sentence = s->sentence;
	k = char_at(s, s->pos, &c);
	class = char_class(c);
	if (class == C_LETTER) {
		h = take_word(s, &w);
	} else if (class == C_DIGIT) {
		h = take_number(s);
	} else if (class == C_SINGLE) {
		s->pos += k;
		h = mix((c ^ K2) * K3);
	} else {
		h = take_punct(s, &ends);
	}
	t->end = s->pos;
	if (class == C_LETTER || class == C_SINGLE)
		take_concept(s, t);
	h |= 1;
	if (!dropped && s->explain != NULL)
		emit_token(s, s->explain, t, class == C_LETTER ? &w : NULL, h);
	else if (!dropped)
		emit_token(s, NULL, t, class == C_LETTER ? &w : NULL, h);
	s->h[2] = s->h[1];
	s->h[1] = s->h[0];
	s->h[0] = dropped ? 0 : h;
	s->h_start[2] = s->h_start[1];
	s->h_start[1] = s->h_start[0];
	s->h_start[0] = t->start;
	s->second = t->sentence;
	/* What opens a sentence is its first word, not a quotation mark or a bullet before it. */
	s->since = t->sentence ? 1 : s->since + 1;
	s->sentence = ends || s->since >= SENTENCE_MAX || (t->sentence && class == C_PUNCT);
	s->number++;
	s->place += class == C_LETTER ? WORD_STEP : 1;
	return true;
}
