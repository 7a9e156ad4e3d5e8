/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_SKELETON_H
#define LLMSEC_ICAP_SKELETON_H
/*
 * Between the parts of norm_skeleton(): where to look (skeleton_scan.c), what words look like (skeleton.c), where words
 * end (skeleton_words.c).  The skeleton holds what looks other than it is written, and the text around it: most text
 * has little of that, and what would only repeat the text need not be judged twice.
 */
#include "icap-llmsec/norm.h"

#define ROW_MIN		4	/* single letters in a row that make a word: "p. s. a." is not enough */
#define LONG_WORD	18	/* letters; few have so many that weren't run together */
#define SKELETON_AROUND	256	/* bytes of the text to each side of a change: what the longest patterns need */

struct letter {			/* one character of the normalised text */
	uint32_t	 c;
	uint32_t	 at;	/* its first byte there */
};

/* The character at byte <at>; its bytes. */
size_t	skeleton_letter(const struct norm *, size_t at, struct letter *);
/* A letter, digit or sign that may stand for one. */
bool	skeleton_wordish(uint32_t);
/* What digits and signs stand for inside a word; 0: for themselves. */
char	skeleton_leet(uint32_t);
/* Not ASCII: could it look like a letter that it is not? */
bool	skeleton_deceptive(uint32_t);

static inline bool
ascii_letter(uint32_t c)
{
	return c >= 'a' && c <= 'z';
}

struct skeleton_scan {
	size_t	 i;			/* the next byte to look at */
	size_t	 word;			/* where the word that <i> stands in begins */
	size_t	 letters;		/* of it */
	unsigned single;		/* words of one letter just before */
};

/* Go on at byte <at>, where no word goes on. */
void	skeleton_scan_from(struct skeleton_scan *, size_t at);
/* The next word in which something could look like something else, that is long, or that is the fourth single letter in a row: where
   it begins; the text's length if there is none. */
size_t	skeleton_suspect(struct skeleton_scan *, const struct norm *);
/* Where the row of single characters begins to which the one at <at> belongs; not before <from>, at most 64 back. */
size_t	skeleton_row_begin(const struct norm *, size_t at, size_t from);

enum { BETWEEN_FIRST = 1, BETWEEN_LAST = 2 };
/* Append what is kept of the unchanged text between the last change, which ended at <done>, and the next at <at>; the
   text's length behind the last.  Sets the map's last element. */
void	skeleton_between(struct norm *out, const struct norm *in, size_t done, size_t at, unsigned flags);

/*
 * Letters that stood apart, all with the same gap, don't say where a word ends.  skeleton_lengths(): bit k of lengths[i] is set where
 * v[i..i+k-1] is one of the words that attacks are made of.  skeleton_first_word(): how many of the letters that lengths[0..n-1] belong to,
 * n > 0, the first word takes; all of them where the words are others.
 */
#define WORD_MAX	14	/* letters */
#define SKELETON_LOOK	48	/* letters that must divide for a blank to be set: some words ahead */
void	skeleton_lengths(const struct letter *v, size_t n, uint16_t *lengths);
size_t	skeleton_first_word(const uint16_t *lengths, size_t n);
#endif
