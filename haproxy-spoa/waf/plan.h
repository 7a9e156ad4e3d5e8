/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_WAF_PLAN_H
#define LLMSEC_WAF_PLAN_H
/*
 * The plan: struct waf_rules (what the files said) compiled into what execution wants to know.  Made once by
 * plan_new, immutable afterwards, shared by all threads.
 *
 *   target set   the targets of a rule with its static exclusions; rules with equal ones share it, so that
 *                a transaction resolves it once
 *   group        a target set with a transformation chain; a transaction computes its final buffers once
 *   slot         a TX variable with a name known at load: an index instead of a hash
 *   gate         a bit that the literal scan of a buffer sets; a rule whose bit is not set cannot match it
 *   exclusion    one ctl:ruleRemoveTarget*; a transaction keeps per rule which of them are active
 */
#include "haproxy-spoa/waf/rule.h"

struct literals;
struct rxdfa;

#define PLAN_NONE	UINT32_MAX

struct plan_tset {
	struct waf_target **inc, **exc;
	uint32_t	**slots;	/* per inc: of TX:name and TX:/pattern/, ends with PLAN_NONE; NULL: not TX */
	size_t		 n_inc, n_exc;
	const struct waf_xmlns *ns;
	size_t		 n_ns;
	bool		 dynamic;	/* changes while rules run (TX, MATCHED_VARS...): never kept */
	bool		 fixed;		/* complete before phase 1: kept through all phases */
};

struct plan_group {
	uint32_t	 tset;
	const enum waf_tfn *tfn;
	size_t		 n_tfn;
	uint64_t	 trigger;	/* byte classes without which the whole chain changes nothing */
	bool		 multi;		/* multiMatch: every step's result is looked at */
};

struct plan_exclusion {
	const struct waf_target *t;
	struct waf_str	 prefix;	/* a key that <t>'s pattern finds begins with this, in any case */
};

/* A numeric operand: a constant, or a TX slot. */
struct plan_num {
	uint32_t	 slot;		/* PLAN_NONE: <value> */
	int64_t		 value;
};

enum plan_kind {
	PLAN_ACTION,	/* SecAction: matches always */
	PLAN_NUM_TX,	/* TX:slot <op> number */
	PLAN_NUM_TX_COUNT,	/* &TX:slot <op> number */
	PLAN_NUM_COUNT,	/* &VAR or &VAR:key <op> number */
	PLAN_GROUP,	/* values of the transaction, shared */
	PLAN_DYNAMIC,	/* resolved each time */
};

enum plan_value { PLAN_CONST, PLAN_SLOT, PLAN_MACRO };

/* What must be in a value for an operator to match it. */
struct plan_gate {
	uint32_t	 bit;		/* that a literal sets; PLAN_NONE: none is needed */
	unsigned	 min_width;	/* bytes */
	uint64_t	 or_class;	/* byte classes that do instead of a literal */
	uint64_t	 class;		/* byte classes of which one is needed besides; 0: nothing known */
};

struct plan_act {
	const struct waf_act *a;
	uint32_t	 slot;		/* setvar on TX with a plain name */
	enum plan_value	 how;		/* setvar's value */
	uint32_t	 from;		/* PLAN_SLOT */
	struct waf_str	 text;		/* PLAN_CONST */
	int64_t		 num;		/* the same as a number */
	uint64_t	*affects;	/* ctl: bit per chain head */
	uint32_t	 exclusion;	/* ctl:ruleRemoveTarget* */
};

struct plan_rule {
	const struct waf_rule *r;	/* a marker has r->marker */
	const struct plan_rule *head;	/* of the chain; itself for its first rule */
	struct plan_rule *chained;
	enum plan_kind	 kind;
	uint32_t	 index;		/* of the head among all heads: bit in "removed" and in <affects> */
	uint32_t	 group;		/* PLAN_GROUP, PLAN_DYNAMIC */
	uint32_t	 slot;		/* PLAN_NUM_TX* */
	enum waf_op_id	 op;
	struct plan_num	 num;		/* operand of PLAN_NUM_* */
	struct plan_gate gate;
	struct rxdfa	*dfa;		/* of the pattern; NULL: none */
	uint32_t	 dfa_index;
	unsigned char	 side;		/* plan_side of its phase */
	bool		 marker, capture, negated, last, log, arg_macro;
	bool		 detection;	/* of the head: looks at the transaction, not at its score */
	struct plan_act	*act;
	size_t		 n_act;
	uint32_t	 skip_to;	/* index in the phase, of the head; PLAN_NONE */
	const char	**tag;		/* of the head, when no tag has a macro; else NULL */
};

/* TX variables in which the Core Rule Set keeps its scores, both generations.  X(enum suffix, name). */
#define PLAN_SCORES(X) \
	X(ANOMALY, "anomaly_score") X(INBOUND, "inbound_anomaly_score") \
	X(BLOCKING_INBOUND, "blocking_inbound_anomaly_score") X(OUTBOUND, "outbound_anomaly_score") \
	X(BLOCKING_OUTBOUND, "blocking_outbound_anomaly_score") X(LEVEL, "paranoia_level") \
	X(BLOCKING_LEVEL, "blocking_paranoia_level") X(PL1, "anomaly_score_pl1") X(PL2, "anomaly_score_pl2") \
	X(PL3, "anomaly_score_pl3") X(PL4, "anomaly_score_pl4") X(IN_PL1, "inbound_anomaly_score_pl1") \
	X(IN_PL2, "inbound_anomaly_score_pl2") X(IN_PL3, "inbound_anomaly_score_pl3") \
	X(IN_PL4, "inbound_anomaly_score_pl4") X(OUT_PL1, "outbound_anomaly_score_pl1") \
	X(OUT_PL2, "outbound_anomaly_score_pl2") X(OUT_PL3, "outbound_anomaly_score_pl3") \
	X(OUT_PL4, "outbound_anomaly_score_pl4") \
	X(CATEGORY, "sql_injection_score") /* and on, in the order of enum waf_category */ \
	X(XSS, "xss_score") X(RFI, "rfi_score") X(LFI, "lfi_score") X(RCE, "rce_score") \
	X(PHP, "php_injection_score") X(HTTP, "http_violation_score") X(SESSION, "session_fixation_score")

enum plan_score {
#define PLAN_SCORE_ENUM(suffix, name) PLAN_S_##suffix,
	PLAN_SCORES(PLAN_SCORE_ENUM)
#undef PLAN_SCORE_ENUM
	PLAN_S_MAX
};

struct plan_phase {
	struct plan_rule **rule;
	size_t		 n;
};

struct plan {
	struct arena	*arena;
	struct waf_rules *rules;	/* owned */
	struct plan_phase phase[6];
	struct plan_rule **head;	/* by index */
	size_t		 n_heads, n_words;	/* n_words: of a bit set of heads */

	struct plan_tset *tset;
	size_t		 n_tsets, cap_tsets;
	struct plan_group *group;
	size_t		 n_groups, cap_groups;

	struct waf_str	*slot_name;	/* lower case; the first ten are "0" to "9" */
	size_t		 n_slots, cap_slots;
	uint32_t	*slot_hash;	/* open addressing, 0: free, else slot + 1 */
	size_t		 slot_mask;

	uint32_t	 score[PLAN_S_MAX];	/* slots; PLAN_NONE: the rules have no such variable */
	struct plan_names *names;	/* rules by tag or message pattern: only while compiling */
	struct plan_exclusion *exclusion;
	size_t		 n_exclusions, cap_exclusions;

	struct literals	*literals[2];	/* of requests (phases 1, 2, 5) and responses (3, 4) */
	size_t		 n_gates[2], gate_words[2];
	size_t		 n_dfas;
	uint64_t	 serial;	/* of all plans of this process: whose a thread's caches are */
};

/* Takes <rules>.  NULL with text in <diag>. */
struct plan	*plan_new(struct waf_rules **, struct diag *);
void		 plan_free(struct plan **);

/* Which literal scan serves a phase. */
static inline int
plan_side(int phase)
{
	return phase == 3 || phase == 4;
}

/* A slot by name in any case; PLAN_NONE: the rules never name it. */
uint32_t	 plan_slot_find(const struct plan *, const char *, size_t);

/* The parts, in the order in which plan_new calls them. */
int		 plan_slots(struct plan *);		/* plan_slot.c: collect every static TX name */
uint32_t	 plan_group_of(struct plan *, const struct waf_rule *);	/* plan_target.c; PLAN_NONE: no memory */
int		 plan_tset_slots(struct plan *, struct waf_op_scratch *);
int		 plan_act_compile(struct plan *, struct plan_rule *, struct waf_op_scratch *);	/* plan_act.c */
int		 plan_gates(struct plan *);		/* plan_gate.c */
/* Does this exclusion say anything about that rule's targets?  (plan_target.c) */
bool		 plan_target_touches(const struct waf_target *exclusion, const struct waf_rule *);

/* plan_class.c: byte classes.  Every byte is in exactly one of at most 64. */
extern const uint64_t plan_class_bit[256];
uint64_t	 plan_class_map(const char *, size_t);
/* Classes of which a byte must be there for <tfn> to change anything; ~0: it always may. */
uint64_t	 plan_class_trigger(enum waf_tfn);
/* Classes that have a byte in the set. */
uint64_t	 plan_class_cover(const uint64_t set[4]);
uint64_t	 plan_class_all(void);

/* Numbers as ModSecurity reads them: optional blanks and sign, then digits; anything else is 0. */
int64_t		 plan_atoi(struct waf_str);
/* The text of a macro without variables; false if it has some. */
bool		 plan_literal(const struct waf_macro *, struct waf_str *);
/* Grow an arena vector.  0 or -ENOMEM. */
int		 plan_grow(struct arena *, void *vecp, size_t n, size_t *cap, size_t size);
#endif
