/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_WAF_RXLIT_H
#define LLMSEC_WAF_RXLIT_H
/*
 * What must be in a text for a PCRE2 pattern to match it: a set of literals, one of which occurs in every
 * match.  Sound for every pattern: where the parser meets a construct that it doesn't know it gives up
 * (n == 0) and the rule runs always.  Literals are folded to lower case (ASCII); the scan folds the text the
 * same way, which can only add candidates.  Choice of the set follows R. Cox, "Regular Expression Matching
 * with a Trigram Index" (2012), and the longest-minimum heuristics of Hyperscan's Rose (Wang et al., NSDI 2019).
 */
#include <stddef.h>

#include "haproxy-spoa/waf/waf.h"

struct arena;

struct rxlit {
	struct waf_str	*lit;		/* any one of these; in the arena */
	size_t		 n;		/* 0: nothing can be said */
	size_t		 min_len;	/* of the shortest literal */
	/* Where n is 0: any one of these or a byte of <or_class>; n_mixed 0: nothing can be said. */
	struct waf_str	*mixed;
	size_t		 n_mixed;
	uint64_t	 or_class[4];
	unsigned	 min_width;	/* bytes a match has at least */
	bool		 needs_class;	/* <class> says something */
	uint64_t	 class[4];	/* a byte of this set occurs in every match (bit per byte, unfolded) */
};

/* The pattern as a tree (rxlit_private.h) in the arena, for those who want more than one thing of it.  NULL: not understood. */
struct rx_node;
struct rx_node	*rx_parse(struct waf_str pattern, uint32_t options, struct arena *);
void		 rxlit_of(struct rxlit *, const struct rx_node *, struct arena *);
/* <options>: PCRE2 compile options that change the meaning (CASELESS, EXTENDED, DOTALL, UTF...). */
void		 rxlit_extract(struct rxlit *, struct waf_str pattern, uint32_t options, struct arena *);
#endif
