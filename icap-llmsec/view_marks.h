/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_VIEW_MARKS_H
#define LLMSEC_ICAP_VIEW_MARKS_H
/*
 * Which bytes of a text are of what kind, a bit each, found in one pass; decoders (views.h) then go from one that matters to them to the
 * next, instead of looking at each byte themselves.  Pure functions.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mark {
	MARK_HIGH,		/* not ASCII */
	MARK_ODD,		/* not ASCII, or a control character but tab and line end */
	MARK_WHITE,		/* blank, tab, line end */
	MARK_WORD,		/* letters, digits, and what is not ASCII */
	MARK_DIGIT,
	MARK_SIGN,		/* printable ASCII but letters and digits */
	MARK_ESCAPE,		/* % = & \ */
	MARK_MORSE,		/* . - _ *, and what is not ASCII */
	MARK_PART,		/* ends what ciphers are judged by: line feed : " ` */
	MARK_BASE64,		/* letters of base64 and base64url */
	MARK_CODED,		/* those but small letters */
	MARK_BASE32,		/* letters, 2 to 7 */
	MARK_BASE32_WIDE,	/* those but small letters, and white space */
	MARK_LEAD,		/* UTF-8: what begins U+0080 to U+00BF, U+2000 to U+2FFF, U+10000 to U+3FFFF */
	MARKS
};

struct marks {
	size_t		 n;		/* bytes of the text */
	size_t		 stride;
	uint64_t	*bits;		/* [MARKS][stride] */
};

/* Words that marks of a text of <n> bytes need. */
static inline size_t
marks_words(size_t n)
{
	return MARKS * (n / 64 + 1);
}

/* <room>: marks_words(n). */
void	marks_make(struct marks *, const char *text, size_t n, uint64_t *room);

static inline const uint64_t *
marks_of(const struct marks *m, enum mark k)
{
	return m->bits + (size_t)k * m->stride;
}

static inline bool
marks_at(const struct marks *m, enum mark k, size_t i)
{
	return marks_of(m, k)[i / 64] >> i % 64 & 1;
}

/* The first one at <i> or behind it, the text's length if there is none. */
static inline size_t
marks_next(const struct marks *m, enum mark k, size_t i)
{
	const uint64_t *s = marks_of(m, k);
	size_t w = i / 64;
	uint64_t v;

	if (i >= m->n)
		return m->n;
	for (v = s[w] & UINT64_MAX << i % 64; v == 0; v = s[w])
		if (++w == m->stride)
			return m->n;
	return w * 64 + (size_t)__builtin_ctzll(v);
}

/* The first byte at <i> or behind it that has no such mark; <i> is at most the text's length, which is the last answer. */
static inline size_t
marks_end(const struct marks *m, enum mark k, size_t i)
{
	const uint64_t *s = marks_of(m, k);
	size_t w = i / 64;
	uint64_t v;

	for (v = ~s[w] & UINT64_MAX << i % 64; v == 0; v = ~s[w])
		w++;
	return w * 64 + (size_t)__builtin_ctzll(v);
}

/* Is there one from <from> on, before <to>?  Costs no more than that is long. */
static inline bool
marks_within(const struct marks *m, enum mark k, size_t from, size_t to)
{
	const uint64_t *s = marks_of(m, k);
	size_t w = from / 64;
	uint64_t v;

	if (from >= to)
		return false;
	for (v = s[w] & UINT64_MAX << from % 64; v == 0 && w < (to - 1) / 64; v = s[w])
		w++;
	return v != 0 && w * 64 + (size_t)__builtin_ctzll(v) < to;
}

/* How many there are in the 64 bytes that begin at 64 * <word>. */
static inline unsigned
marks_count(const struct marks *m, enum mark k, size_t word)
{
	return (unsigned)__builtin_popcountll(marks_of(m, k)[word]);
}
#endif
