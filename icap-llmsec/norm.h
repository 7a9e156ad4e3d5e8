/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_NORM_H
#define LLMSEC_ICAP_NORM_H
/*
 * Normalisation before rules run.  norm_text(): ill-formed UTF-8 repaired; compatibility forms resolved and
 * combining marks composed (NFKC, UAX #15, by utf8proc's tables); lower case; invisible characters (all that Unicode calls
 * default ignorable or format, controls, private use) dropped; tag characters (U+E0020..E007E) decoded; typographic
 * quotes and dashes to ASCII; runs of white space to one space.  Two deviations from NFKC: a mark that composes
 * with no Latin, Greek, Cyrillic, Hebrew or Arabic letter is dropped, and a form that would grow to more than three times its
 * size stays as it is, so that output is bounded by the input.  Linear.  Every output byte knows where it came from.
 *
 * norm_skeleton(): what a reader takes the text for (after UTS #39): in words of mixed scripts, or of nothing but
 * look-alikes, letters become the Latin ones they look like; accents fall; digits and signs inside words become
 * letters (leet); letters with something between each two of them are joined.  For matching only: it makes nonsense of
 * some honest words.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"

struct norm {
	char		*text;	/* valid UTF-8, NUL-terminated */
	uint32_t	*map;	/* map[i]: offset in the original of output byte i; map[len] = original length */
	size_t		 len;
	uint64_t	*lines;	/* bit i: byte i is a blank, and a line ended there; NULL: not known */
};

static inline bool
norm_line_end(const struct norm *n, size_t i)
{
	return n->lines != NULL && (n->lines[i / 64] >> i % 64 & 1);
}

/* 0, -ENOMEM, -EFBIG (over 1 GiB). */
int	norm_text(struct norm *, const char *text, size_t len, struct arena *);
/* From the output of norm_text(); the map leads to the same original.  *differs: it isn't the same text, else nothing may be
   in <norm>.  0, -ENOMEM. */
int	norm_skeleton(struct norm *, const struct norm *, bool *differs, struct arena *);
/* Zero width, a direction's control, a variation selector, a tag, a control character: norm_text() drops it. */
bool	norm_invisible(uint32_t c);
/*
 * Small letters and those without case that make up most of the text in other scripts: norm_text() keeps them as they are.  Others may be so, too.  Latin-1, Greek,
 * Cyrillic, Hebrew, Arabic, Devanagari, kana, Han, Hangul.
 */
static inline bool
norm_plain(uint32_t c)
{
	if (c >= 0x3400)
		return c < 0xd7a4 && (c >= 0xac00 || c < 0x4dc0 || (c >= 0x4e00 && c < 0xa000));
	if (c >= 0x3041)
		return c < 0x3097 || (c >= 0x30a1 && c < 0x30fb);
	if (c < 0x460)
		return c >= 0x430 || (c >= 0x3ac && c < 0x3cf) || (c >= 0xdf && c < 0x100 && c != 0xf7);
	return (c >= 0x5d0 && c < 0x5eb) || (c >= 0x620 && c < 0x64b && c != 0x640) || (c >= 0x904 && c < 0x93a);
}
/* The ASCII letter that <c> looks like; 0: none.  <c> in lower case. */
char	norm_lookalike(uint32_t c);
#endif
