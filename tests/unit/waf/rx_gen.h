/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TESTS_RX_GEN_H
#define LLMSEC_TESTS_RX_GEN_H
/*
 * Texts for a pattern, and PCRE2's word against that of the literal extractor and of the automaton: a text that PCRE2
 * matches must pass every gate.  rx_attack() tries <rounds> texts that walk the pattern's tree, with fillers of any length, and
 * mutations of each; it returns how many of them PCRE2 matched.  On a text that matches and doesn't pass it
 * calls rx_caught(), which the program has.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "haproxy-spoa/waf/rxdfa.h"
#include "haproxy-spoa/waf/rxlit.h"

struct rx_case {
	struct waf_str	 pattern;
	uint32_t	 options;
	struct rxlit	 lit;
	struct rx_node	*tree;	/* NULL: the parser gave up */
	struct rxdfa	*dfa;	/* NULL: as there, or the pattern matches the empty text */
	struct rxdfa_cache *cache;
	pcre2_code	*code;
	pcre2_match_data *md;
	pcre2_match_context *mc;
	struct arena	*arena;
	uint64_t	 rng;	/* not 0 */
};

/* False: PCRE2 doesn't take the pattern, or no memory. */
bool		 rx_case_new(struct rx_case *, struct waf_str pattern, uint32_t options, uint64_t seed);
void		 rx_case_free(struct rx_case *);
size_t		 rx_attack(struct rx_case *, unsigned rounds);
/* One text: true if PCRE2 matches it. */
bool		 rx_try(struct rx_case *, const char *, size_t);
uint32_t	 rx_random(struct rx_case *, uint32_t below);

void		 rx_caught(const struct rx_case *, const char *text, size_t n, const char *gate);
#endif
