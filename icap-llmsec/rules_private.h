/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_RULES_PRIVATE_H
#define LLMSEC_ICAP_RULES_PRIVATE_H
/* Inside rules*.c. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "icap-llmsec/rules.h"
#include "lib/conf.h"
#include "lib/literals.h"

#define RULE_GROUPS	3	/* sets of literals that a pattern needs, at most */
#define RULE_REACH	512	/* bytes: how far from its literals an unbounded match may reach */

/* As a file says it. */
struct rule_src {
	struct conf_at	 at;
	char		*id, *category, *pattern, *weight;
	int		 severity, mode;
	bool		 discount;
	struct conf_strs languages, roles, phrases, require, match, no_match;
};

struct topic_src {
	struct conf_at	 at;
	char		*name;
	int		 mode;
	struct conf_strs languages, roles, phrases, patterns, match, no_match;
};

struct pack {
	struct rule_src	*rules;
	struct topic_src *topics;
	size_t		 n_rules, n_topics;
	char		*name;		/* of the file */
	struct conf_mem	*mem;
};

/* Compiled. */
struct rule {
	const char	*id, *category, *pattern;	/* pattern "": phrases */
	const char	*file;
	struct conf_at	 at;
	int		 severity;
	enum detect_mode mode;
	float		 weight;
	bool		 discount, words;	/* words: a phrase begins and ends where words do */
	unsigned	 role_mask;
	struct conf_strs phrases;
	const struct conf_strs *match, *no_match;
	pcre2_code	*code;
	uint32_t	 group[RULE_GROUPS];	/* ids in <lit>: of each, one literal is in every match */
	unsigned	 n_groups;		/* 0: tried on every text */
	size_t		 reach;			/* bytes from a literal's begin and end */
};

struct rules {
	struct rule	*rules;
	size_t		 n_rules, cap;
	struct literals	*lit;
	struct group	*groups;	/* while loading: what literals they are */
	size_t		 n_groups;
	struct literals	*talk;		/* rules_context.c */
	pcre2_match_context *limits;	/* read only once made */
	struct arena	*names;		/* that are in no file */
	struct pack	*packs;
	size_t		 n_packs;
};

/* ---- rules_literal.c ---- */
struct need {
	struct conf_strs group[RULE_GROUPS];	/* in the arena */
	unsigned	 n;
	size_t		 max_len;	/* of a match, bytes; SIZE_MAX: not bounded */
};
/*
 * What is in every text that <pattern> matches.  Sound for every pattern: where it meets a construct that it doesn't know,
 * it says that nothing is needed (n == 0).
 */
void	rules_need(struct need *, const char *pattern, struct arena *);

/* ---- rules_context.c ---- */
/* NULL: no memory. */
/* Words that ask something of a quotation, frame it, order to obey, tell of others, forbid: ids in what rules_talk_new() makes. */
enum talk { TALK_ASK, TALK_FRAME, TALK_OBEY, TALK_OTHERS, TALK_NOT, TALK_KINDS };
struct literals *rules_talk_new(void);
/* How much of a sign a match is where it stands: 1, or less where the text talks about it. */
float	rules_context(const struct literals *talk, const struct norm *, size_t start, size_t len);
/* Does a word begin at <start> and end at <end>?  Scripts without blanks have no such places: yes. */
bool	rules_whole_words(const char *text, size_t len, size_t start, size_t end);
#endif
