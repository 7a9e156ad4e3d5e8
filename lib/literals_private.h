/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_LITERALS_PRIVATE_H
#define LLMSEC_LITERALS_PRIVATE_H
/*
 * Two machines share the literals: an Aho-Corasick automaton has the short ones (literals_dfa.c), anchors of six
 * bytes the rest (literals_anchor.c).  Each reports every occurrence of its own once.
 */
#include "lib/literals.h"

#define LITERALS_SHORT	6	/* bytes; longer ones have two anchors side by side */

/* One text.  Several ids may have asked for it. */
struct lit {
	uint32_t text, len;	/* in the blob, folded */
	uint32_t id, n_id;	/* n_id 1: the id itself; else where they are in the list */
};

struct literals_scan {
	const char *p;
	size_t len;
	const struct literals *l;
	bool (*found)(const struct literals_scan *, const struct lit *, size_t start);	/* false stops */
	void *arg;
	uint64_t *seen;		/* bit per state of the automaton that was reported: once is enough.  NULL: each time */
};

/* What both are built of; the text stays where it is. */
struct literals_source {
	const char *blob;
	const struct lit *lit;
	size_t n;
	bool caseless;
};

struct anchors {
	unsigned bits_log2;
	uint32_t *bits;		/* by hash: is there one? */
	uint32_t *bucket;	/* by hash, some of them together: the first entry; one more for the end */
	struct anchor *entry;	/* by bucket */
	size_t n;
	const char *blob;
	uint64_t loose;		/* or-ed into what is loaded: folds letters, and more */
	unsigned char fold[256];	/* folds letters */
};

/* A state is the offset of its row, doubled; plus one if a literal ends there. */
struct dfa {
	uint8_t class_of[256];
	unsigned n_class;
	size_t n_state;
	uint32_t *go;		/* [state / 2 + class] */
	uint32_t *lit_at;	/* by row: the literal that ends there, counted from 1 */
	uint32_t *suffix;	/* by row: the nearest shorter state with a literal */
	struct lit *lit;
	size_t n_lit;
	size_t longest;
};

/* 0 or -ENOMEM.  Freeing what was never built is fine. */
int	 literals_anchors_build(struct anchors *, const struct literals_source *);
void	 literals_anchors_free(struct anchors *);
size_t	 literals_anchors_memory(const struct anchors *);
bool	 literals_anchors_scan(const struct anchors *, const struct literals_scan *);

int	 literals_dfa_build(struct dfa *, const struct literals_source *);
void	 literals_dfa_free(struct dfa *);
size_t	 literals_dfa_memory(const struct dfa *);
bool	 literals_dfa_scan(const struct dfa *, const struct literals_scan *);
#endif
