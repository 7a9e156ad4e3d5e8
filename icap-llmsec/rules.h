/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_RULES_H
#define LLMSEC_ICAP_RULES_H
/*
 * A rule pack (llmsec-rules(5)): YAML, compiled to one literal scan and PCRE2-JIT confirmation, matched on
 * normalised text.  Immutable once loaded; any number of threads.
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
	const char	*id, *category;	/* live with the rules */
	int		 severity;
	enum detect_mode mode;		/* the most that the rule itself may do */
	float		 weight, factor;	/* log-odds; 0..1, less where the text talks about attacks */
	size_t		 start, len;	/* in the normalised text */
};

/* Compiles the pack and proves its examples (match / no_match of every rule). */
int	rules_load(struct rules **, const char *path, struct diag *);
/* The same from memory; <name> stands for the file in messages. */
int	rules_load_mem(struct rules **, const char *name, const char *text, size_t len, struct diag *);
void	rules_free(struct rules **);
size_t	rules_count(const struct rules *);

enum rule_flags { RULES_NO_PREFILTER = 1 };	/* run every pattern: the proof that the filter is sound */
/* First hit of each rule, into the arena.  0, -ENOMEM, -EOVERFLOW (a match limit: nothing is known). */
int	rules_match(const struct rules *, unsigned roles, unsigned flags, const struct norm *, struct arena *,
	    struct rule_hit **, size_t *n);
#endif
