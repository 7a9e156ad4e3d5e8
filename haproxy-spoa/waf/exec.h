/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_WAF_EXEC_H
#define LLMSEC_WAF_EXEC_H
/*
 * One transaction in execution.  Everything lives in the thread's arena until the next waf_tx_new.
 *
 * Values are interned by content (struct xbuf): equal bytes in ARGS and ARGS_GET, or after different
 * transformations that changed nothing, are one buffer, transformed once per function and scanned once for
 * literals.  Only rules.c of this folder knows rules; exec_buf.c and exec_target.c know only bytes and lists.
 */
#include "haproxy-spoa/waf/persist.h"
#include "haproxy-spoa/waf/plan.h"

struct waf {
	struct plan	*plan;
	struct persist	*persist;	/* NULL: collections last one transaction */
	bool		 no_prefilter, explain;
};

struct waf_thread {
	struct arena	*arena;
	struct waf_op_scratch *scratch;
	struct waf_scratch *body;	/* of the body processors */
	struct waf_tx	*tx;		/* the last one; owns what is not in the arena */
	struct rxdfa_cache **dfa;	/* by dfa_index; made when first needed */
	size_t		 n_dfas;
	uint64_t	 serial;	/* of the plan that they belong to */
};

/* A variable that rules set: text, a number, or both; the missing one is made when asked for. */
struct xval {
	struct waf_str	 text;		/* .p NULL: only the number */
	int64_t		 num;
	bool		 has_num, set, pinned;
};

/* One variable of a list: TX names that only exist at run time, and persistent collections. */
struct xvar {
	struct waf_str	 key;
	struct xval	 v;
	int64_t		 expires;	/* seconds since 1970; 0 never */
	struct waf_str	 was;		/* as read from the store; .p NULL: not there */
	bool		 changed;
};

struct xcoll {
	struct xcoll	*next;
	enum waf_var	 var;
	struct waf_str	 key;
	struct xvar	*e;
	size_t		 n, cap;
	int64_t		 created, updated, counter, timeout;
	bool		 is_new, changed;
};

struct xstep;
struct xbuf {			/* distinct bytes */
	const char	*p;
	size_t		 n;
	uint64_t	 hash, map;	/* map: byte classes present */
	uint64_t	*hits[2];	/* gates that a literal opens; NULL: not scanned yet */
	struct xbuf	*next;		/* in the hash chain */
	struct xstep	*step;		/* results of transformations */
	struct xbuf	*same_folded;	/* differs in the case of letters only: literals are the same */
	uint32_t	 stamp, slot;	/* place in the evaluation that last met it */
};

struct xstep {
	struct xstep	*next;
	struct xbuf	*to;
	enum waf_tfn	 tfn;
};

struct xraw {			/* a variable's n-th value: its buffer, and whether it is excluded */
	const char	*p;
	size_t		 n;
	struct xbuf	*buf;
	uint32_t	 exset;		/* for which <excluded> was found out */
	bool		 excluded;
};

struct xitem {			/* a variable as a rule sees it */
	enum waf_var	 var;
	bool		 count;
	unsigned char	 steps;		/* transformations done */
	uint32_t	 distinct;	/* index of its buffer in the evaluation */
	struct waf_str	 key;
	struct xbuf	*buf;
	struct xraw	*raw;		/* NULL: computed */
};

struct xvalues {		/* all values of a variable that are not excluded */
	struct xvalues	*next;
	struct xitem	*item;
	size_t		 n;
	uint32_t	 exset, gen;
};

struct xeval {			/* a group, for one set of active exclusions */
	struct xitem	*item;
	struct xbuf	**distinct;
	size_t		 n, n_distinct, longest;
	uint64_t	 map;
	uint64_t	*hits[2];	/* union over the buffers */
};

/* Evaluations that were made.  Groups whose transformations change nothing share that of their target set. */
struct xmade {
	struct xmade	*next;
	struct xeval	*ev;
	uint32_t	 exset, gen;
};

struct xset {			/* a set of active exclusions: another set and one more; set 0 is empty */
	uint32_t	 parent, exclusion;
};

struct xmatched {		/* MATCHED_VAR */
	enum waf_var	 var;
	bool		 count;
	struct waf_str	 key, value;
	int64_t		 num;		/* value.p NULL: this number */
};

struct xskip {			/* a rule that a gate kept from (part of) an evaluation */
	const struct plan_rule *rule;
	struct xeval	*ev;
};

struct xpath_result {
	struct xpath_result *next;
	const struct waf_target *target;
	struct waf_list	 list;
	uint32_t	 gen;
};

#define X_BUCKETS	512
#define X_MATCHES	512

enum xstop { X_GO, X_STOP_PHASE, X_STOP_REQUEST, X_STOP_ALL };

struct waf_tx {
	const struct waf *waf;
	const struct plan *plan;
	struct waf_thread *th;
	struct arena	*arena;
	struct waf_op_scratch *scratch;
	struct waf_request request;	/* a copy: the caller's may be gone, only its bytes stay */
	const struct waf_request *req;
	struct waf_vars	 vars;
	struct waf_settings settings;	/* a copy: ctl changes it */
	enum waf_mode	 mode;
	int		 phase;
	enum xstop	 stop;
	bool		 begun, responded, ended, force_body;
	bool		 preparing, prepared;	/* phase 1 for a response alone: refuses nothing */
	struct waf_verdict verdict;
	enum waf_error	 error;		/* of a limit that lets the rules go on */

	uint32_t	 gen;		/* of the variables: grows when they are added to */
	uint32_t	 stamp;
	struct xbuf	*bucket[X_BUCKETS];
	struct xraw	*raw[WAF_V_MAX];
	struct xvalues	*values[WAF_V_MAX];
	size_t		 n_raw[WAF_V_MAX];
	struct xmade	**base;		/* per target set: its values before any transformation */
	struct xmade	**eval;		/* per group */
	struct xpath_result *xpath;
	struct xskip	*skip;
	size_t		 n_skip, cap_skip;

	struct xval	*slot;		/* TX by slot */
	struct xvar	*tx;		/* other TX variables */
	size_t		 n_tx, cap_tx;
	struct xcoll	*coll;
	struct waf_str	 sessionid, userid;
	struct xmatched	 matched, *matched_vars;
	size_t		 n_matched, cap_matched;
	int		 highest_severity;
	const struct plan_rule *rule;	/* whose actions run: for %{rule.*} */

	uint64_t	*removed;	/* chain heads taken out by ctl */
	uint32_t	*exset_of;	/* per chain head; NULL until a ctl:ruleRemoveTarget* */
	struct xset	*xset;
	size_t		 n_xset, cap_xset;

	struct waf_match *match;
	size_t		 n_match, cap_match;
	uint64_t	 started_us, deadline_us;
	uint64_t	 work;		/* bytes looked at since the clock was */
};

/* exec_buf.c */
struct xbuf	*xbuf_intern(struct waf_tx *, struct waf_str);	/* NULL: no memory */
struct xbuf	*xbuf_transform(struct waf_tx *, struct xbuf *, enum waf_tfn);
uint64_t	*xbuf_hits(struct waf_tx *, struct xbuf *, int side);

/* exec_target.c */
/* A fresh evaluation of a dynamic group, or the shared one.  NULL: no memory. */
struct xeval	*xeval_get(struct waf_tx *, uint32_t group, uint32_t exset);
const uint64_t	*xeval_hits(struct waf_tx *, struct xeval *, int side);
int64_t		 xtarget_count(struct waf_tx *, const struct waf_target *);

/* exec_var.c, exec_tx.c: what the engine keeps */
void		 xvar_list(struct waf_tx *, enum waf_var, struct waf_list *);	/* all of it */
struct waf_str	 xvar_get(struct waf_tx *, enum waf_var, struct waf_str key);	/* one, for macros */
bool		 xvar_is_kept(enum waf_var);
/* The list of one that isn't; the few that cost something are made now. */
const struct waf_list *xvar_filled(struct waf_tx *, enum waf_var);
struct waf_str	 xval_text(struct waf_tx *, struct xval *);
int64_t		 xval_num(struct xval *);
struct xval	*xtx_find(struct waf_tx *, struct waf_str key);	/* NULL: not set */
struct xval	*xtx_make(struct waf_tx *, struct waf_str key);	/* NULL: no memory */
void		 xtx_list(struct waf_tx *, struct waf_list *);
void		 xtx_capture(struct waf_tx *, const struct waf_op_result *);
struct waf_str	 xmatched_name(struct waf_tx *, enum waf_var, bool count, struct waf_str key);
struct waf_str	 xmatched_value(struct waf_tx *, struct xmatched *);
struct waf_str	 x_int(struct waf_tx *, int64_t);

/* exec_coll.c: IP, GLOBAL, SESSION, USER, RESOURCE */
int		 xcoll_open(struct waf_tx *, enum waf_var, struct waf_str key);
struct xcoll	*xcoll_find(const struct waf_tx *, enum waf_var);
struct xvar	*xcoll_var(struct xcoll *, struct waf_str key);
struct xval	*xcoll_make(struct waf_tx *, struct xcoll *, struct waf_str key);
void		 xcoll_list(struct waf_tx *, struct xcoll *, struct waf_list *);
void		 xcoll_save(struct waf_tx *);

/* exec_macro.c */
struct waf_str	 xmacro(struct waf_tx *, const struct waf_macro *);	/* NUL-terminated */

/* exec_act.c */
void		 xact_run(struct waf_tx *, const struct plan_rule *);

/* exec_match.c */
void		 xmatch_disrupt(struct waf_tx *, const struct plan_rule *last, const struct xitem *);
void		 xmatch_scores(struct waf_tx *);

/* exec.c */
void		 xphase(struct waf_tx *, int phase);
bool		 xgate_shut(const struct plan_gate *, int side, const struct xbuf *);
/* The rule's gate or automaton says that its operator doesn't match. */
bool		 xprefilter_no(struct waf_tx *, const struct plan_rule *, const struct xbuf *);
void		 xdfa_drop(struct waf_thread *);
void		 xfail(struct waf_tx *, enum waf_error);	/* stops the transaction */
/* Account for <n> bytes of work; false when the time is over (the transaction is stopped then). */
bool		 xwork(struct waf_tx *, size_t n);
uint64_t	 xclock_us(void);
#endif
