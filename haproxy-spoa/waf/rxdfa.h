/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_WAF_RXDFA_H
#define LLMSEC_WAF_RXDFA_H
/*
 * Could a text match a pattern?  Answered in one pass, by an automaton that is made while texts are read (K. Thompson,
 * "Regular Expression Search Algorithm", 1968; R. Cox, "Regular Expression Matching in the Wild", 2010, for the cache).
 * It accepts at least what PCRE2 does: it is made from rxlit's tree, in which look-around is empty and a back
 * reference anything, and it counts to four only.  So "no" is final and saves the backtracking; "maybe" is for PCRE2.
 *
 * A struct rxdfa is immutable and shared; a struct rxdfa_cache is one thread's, of a fixed size.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "haproxy-spoa/waf/waf.h"

struct rxdfa;
struct rxdfa_cache;

struct rx_node;
/* NULL: the pattern is not understood (no tree), too large, matches the empty text, or no memory. */
struct rxdfa	*rxdfa_of(const struct rx_node *);
struct rxdfa	*rxdfa_new(struct waf_str pattern, uint32_t options);
void		 rxdfa_free(struct rxdfa **);
size_t		 rxdfa_memory(const struct rxdfa *);

struct rxdfa_cache *rxdfa_cache_new(const struct rxdfa *);
void		 rxdfa_cache_free(struct rxdfa_cache **);

enum rxdfa_answer {
	RXDFA_NO,
	RXDFA_MAYBE,
	RXDFA_TIRED,	/* texts like this need too many new states: ask PCRE2 */
};
enum rxdfa_answer rxdfa_search(const struct rxdfa *, struct rxdfa_cache *, const char *, size_t);
#endif
