/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_CONCEPT_H
#define LLMSEC_ICAP_CONCEPT_H
/*
 * What a word means to the injection model, in any language: "ignoriere", "忽略" and "disregard" are one concept.
 * The lexicon is a text file (concepts.txt) that the trainer compiles to a double-array trie (Aoe, "An efficient
 * digital search algorithm by using a double-array structure", IEEE TSE 15(9), 1989) and stores in the model file.
 * Immutable once built; any number of threads.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONCEPTS_MAX	63
#define CONCEPT_NONE	0

struct concept_node {
	int32_t		 base, check;	/* little-endian, as in the file */
};

struct concept_trie {
	const struct concept_node *node;
	const uint8_t	*value;		/* concept (1..63) that ends in this state, | CONCEPT_STEM */
	size_t		 n;		/* states, at least 1 */
};

#define CONCEPT_STEM	0x80		/* a word that begins like this, not only this word */

/*
 * The concept of the longest entry that begins at text[at]; *end: where it ends.  CONCEPT_NONE: there is none.
 * Reads no more bytes than the longest entry has.  Any bytes in the trie are safe.
 */
unsigned concept_find(const struct concept_trie *, const char *text, size_t len, size_t at, size_t *end);

struct diag;
struct concepts {			/* a lexicon read from its file: owned, concepts_free() */
	struct concept_trie trie;
	struct concept_node *node;
	uint8_t		*value;
	char		*name[CONCEPTS_MAX + 1];	/* [1..n] */
	unsigned	 n;
};

/* The file's format is described in its head.  0, -ENOMEM, -EINVAL (what is wrong, with its line, in <diag>). */
int	concepts_load(struct concepts **, const char *path, struct diag *);
void	concepts_free(struct concepts **);
#endif
