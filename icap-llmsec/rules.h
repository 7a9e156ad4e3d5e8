/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_RULES_H
#define LLMSEC_ICAP_RULES_H
/*
 * Rule packs (llmsec-rules(5)): YAML, compiled to one literal scan; a pattern is tried only where the literals that each of
 * its matches holds occur, near them (PCRE2-JIT).  Matched on normalised text.  Immutable once loaded; any number of threads.
 */
#include <stddef.h>
#include <stdint.h>

#include "icap-llmsec/detect.h"
#include "icap-llmsec/norm.h"
#include "lib/arena.h"

struct diag;
struct rules;

enum rule_role { RULE_USER = 1, RULE_TOOL = 2 };

struct rule_hit {
	const char	*id, *category;	/* live with the rules; one id, one pointer */
	int		 severity;
	enum detect_mode mode;		/* the most that the rule itself may do */
	float		 weight, factor;	/* log-odds; 0..1, less where the text talks about attacks */
	size_t		 start, len;	/* in the normalised text */
};

/* Compiles a pack, a YAML file or a directory of them, and proves its examples (match / no_match of every rule). */
int	rules_load(struct rules **, const char *path, struct diag *);
/* Several as one: ids must differ across all of them.  NULL and "" are passed over; none at all: *rules is NULL. */
int	rules_load_all(struct rules **, const char *const *path, size_t n, struct diag *);
/* The same from memory; <name> stands for the file in messages. */
int	rules_load_mem(struct rules **, const char *name, const char *text, size_t len, struct diag *);
void	rules_free(struct rules **);
/* Rules and topics; a topic's phrases count as one, its patterns as one each. */
size_t	rules_count(const struct rules *);

enum rule_flags {
	RULES_NO_PREFILTER = 1,		/* run every pattern everywhere: the proof that the filter is sound */
	RULES_OFF_TOO = 2,		/* rules whose mode is off as well: the proof of their examples */
};
/*
 * One hit of each rule, the first that isn't mere talk about attacks (factor >= RULE_FACTOR_TALK), else the first, into the
 * arena.  0, -ENOMEM, -EOVERFLOW (a match limit: nothing is known).
 */
int	rules_match(const struct rules *, unsigned roles, unsigned flags, const struct norm *, struct arena *,
	    struct rule_hit **, size_t *n);
#define RULE_FACTOR_TALK	0.5f
/*
 * A question about quotations (translate, explain, classify, "what does ... mean"; nothing tells to do what they say):
 * *some, and in <rest> the text with those quotations blank, every byte in its place.  Texts of a few KB only; else *some
 * is false.  0, -ENOMEM.
 */
int	rules_ask(const struct rules *, const struct norm *, struct arena *, struct norm *rest, bool *some);
#endif
