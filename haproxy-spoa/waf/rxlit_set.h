/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_WAF_RXLIT_SET_H
#define LLMSEC_WAF_RXLIT_SET_H
/*
 * Finite sets of strings, immutable, in an arena.  A function that fails, for lack of memory or because the
 * result would be larger than <max>, returns false and leaves its result alone.
 */
#include <stdbool.h>
#include <stddef.h>

#include "haproxy-spoa/waf/waf.h"

struct arena;

struct lits {
	const struct waf_str *v;
	size_t	 n;
};

enum lits_end { LITS_START, LITS_END };

extern const struct lits lits_empty_string;	/* { "" } */

/* All xy. */
bool	 lits_cross(struct lits *, struct lits x, struct lits y, size_t max, struct arena *);
bool	 lits_union(struct lits *, const struct lits *, size_t n, size_t max, struct arena *);
/* At most <len> bytes of each string, from its start or its end. */
bool	 lits_cut(struct lits *, struct lits, size_t len, enum lits_end keep, struct arena *);
/* Without strings that start (end) with another one: what says the same of a text's start (end). */
bool	 lits_shortest(struct lits *, struct lits, enum lits_end, struct arena *);
/* Without strings that another one is in. */
bool	 lits_innermost(struct lits *, struct lits, struct arena *);
size_t	 lits_min_len(struct lits);
size_t	 lits_max_len(struct lits);
/* How often one of them is expected at a place of an average text. */
double	 lits_frequency(struct lits);
double	 lits_byte_frequency(unsigned char);	/* of either case */
#endif
