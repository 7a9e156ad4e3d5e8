/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_FEATURE_H
#define LLMSEC_ICAP_FEATURE_H
/*
 * Normalised text to tokens, tokens to hashed features: the eyes of the injection model, the same for trainer and
 * inference.  Tokens: words; single characters of scripts that don't put spaces between words; runs of punctuation;
 * numbers by their number of digits.  A feature belongs to the token that it ends with, so that the features of any
 * window of tokens are those of its tokens, each made once.  Features: word 1-3-grams, pairs over one or two words,
 * the first one or two words of a sentence, character 3-5-grams of words (hashing trick: Weinberger et al., "Feature
 * hashing for large scale multitask learning", ICML 2009), and concepts (concept.h): single, pairs, triples without
 * order, in a table of their own, which no hash collision can spoil.
 *
 * A scanner: no allocation, constant memory, linear time, pure.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "icap-llmsec/concept.h"

#define FEATURE_BITS	18
#define FEATURE_TABLE	(1u << FEATURE_BITS)
#define FEATURE_TOKEN_MAX 80	/* features of one token at most */
#define FEATURE_CONCEPT_TOKEN_MAX 10
#define FEATURE_VERSION	4	/* changes when any feature, or how they count, does: a model fits only its own */

/* The concept table: one concept, first of a sentence, ordered pairs, unordered pairs, unordered triples. */
#define FEATURE_CONCEPT_TABLE (128 + 2 * 4096 + 8192)

enum feature_kind {
	FEATURE_WORD, FEATURE_PAIR, FEATURE_TRIPLE, FEATURE_SKIP1, FEATURE_SKIP2, FEATURE_FIRST, FEATURE_FIRST2,
	FEATURE_CHAR3, FEATURE_CHAR4, FEATURE_CHAR5, FEATURE_KINDS
};

struct feature_token {
	size_t		 start, end;		/* in the text */
	bool		 sentence;		/* first of a sentence */
	uint8_t		 concept;		/* that begins with it, or CONCEPT_NONE */
	uint8_t		 n, n_concept;
	uint32_t	 v[FEATURE_TOKEN_MAX];	/* < FEATURE_TABLE */
	uint16_t	 c[FEATURE_CONCEPT_TOKEN_MAX];	/* < FEATURE_CONCEPT_TABLE */
};

struct feature_explain {		/* parallel to feature_token.v and .c: what each stands for, in the text */
	enum feature_kind kind[FEATURE_TOKEN_MAX];
	size_t		 start[FEATURE_TOKEN_MAX], end[FEATURE_TOKEN_MAX];
	size_t		 c_start[FEATURE_CONCEPT_TOKEN_MAX];
};

struct feature_scan {			/* private */
	const struct concept_trie *trie;
	const char	*text;
	const uint64_t	*lines;
	size_t		 len, pos;
	uint64_t	 h[3];			/* of the last tokens, newest first; 0: none */
	size_t		 h_start[3];
	bool		 sentence, second;
	unsigned	 since;			/* tokens since the sentence began */
	size_t		 number, place;		/* of the token; in steps, for distances */
	struct { uint8_t id; size_t at, start; } last[3];	/* concepts, newest first */
	size_t		 concept_end;
	const uint8_t	*drop;			/* trainer: drop[token number % drop_n] != 0: this token is unknown */
	size_t		 drop_n;
	struct feature_explain *explain;	/* or NULL */
};

/* <lines>: where lines end, struct norm's, or NULL.  A sentence ends there too. */
void	feature_start(struct feature_scan *, const struct concept_trie *, const char *text, size_t len, const uint64_t *lines);
/* False at the end of the text. */
bool	feature_next(struct feature_scan *, struct feature_token *);

/* Is <c> part of a word; does it make a token alone (Han, kana, Thai, Lao, Khmer, Burmese)? */
bool	feature_is_letter(uint32_t c);
bool	feature_is_single(uint32_t c);
#endif
