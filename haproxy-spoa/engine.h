/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOAD_ENGINE_H
#define LLMSEC_SPOAD_ENGINE_H
/*
 * The engines of llmsec-spoad: each looks at one request and adds to one verdict.
 *
 * To add an engine (WAF, bot score, country, ...):
 *	1. write eng_NAME.c with a `const struct spoad_engine engine_NAME` in it;
 *	2. add its row to the table of engine.c, before `sign`, which must see every score;
 *	3. give it a key of its own in spoad_conf.c (CONF_MAP) if it is configurable.
 * An engine takes plain buffers (struct req_view) and never sees HAProxy or a socket, so that it can be
 * tested and fuzzed alone.
 *
 * Life: configure() once per loaded configuration, in the main thread; then run() from any number of
 * worker threads at the same time, so the state is immutable (or atomic); release() after the last
 * worker has let go of that configuration.  What a worker needs for itself (scratch memory that would be
 * dear to make for each request) comes from thread_new(), once per worker and loaded configuration.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "haproxy-spoa/waf/waf.h"

struct arena;
struct behave_decision;
struct behave_who;
struct counters;
struct diag;
struct req_view;
struct rsp_view;
struct spoad_conf;

enum verdict_action {
	VERDICT_ALLOW,
	VERDICT_DENY,		/* the request is refused with <status> */
	VERDICT_ERROR,		/* it could not be judged; HAProxy's configuration decides (closed) */
};

#define VERDICT_RULES_MAX	16

/* What the WAF found, for counters, variables and the event. */
struct verdict_waf {
	bool		 ran;
	bool		 monitored;	/* it would have refused, but only watches */
	enum waf_action	 action;
	enum waf_error	 error;
	int		 score;		/* inbound anomaly score */
	const char	*const *ids;	/* of the detections */
	size_t		 n_ids;
	const char	*rules;		/* the same as "942100,942130"; "" none */
	const char	*detail;	/* JSON object for the event; NULL none */
	const char	*redirect;	/* a rule's redirect target, safe to put into a header; "" none */
	uint64_t	 usec;		/* it took */
};

/* What the behaviour table held of this client before this request, over the last 60 s; all 0: nothing. */
struct behave_view {
	uint32_t	 requests, errors;	/* answered 400 and over */
	uint32_t	 distinct_paths;
	uint32_t	 waf_hits;
	uint32_t	 pages, assets;		/* of verdict_kind */
	uint32_t	 age_s;			/* since the first request that it remembers */
	uint32_t	 bans;			/* that have not decayed */
};

/* What is asked for, by method, path and headers; the bot engine says, for those after it. */
enum verdict_kind { KIND_OTHER, KIND_API, KIND_PAGE, KIND_ASSET };

struct bot_report;

struct verdict {
	enum verdict_action	 action;
	int			 status;	/* HTTP status of a refusal; 200 if allowed */
	const char		*reason;	/* one token, static text */
	int			 threat_score, bot_score;	/* 0..100 */
	const char		*country;	/* ISO 3166-1 alpha-2, "ZZ" unknown */
	uint32_t		 asn;		/* autonomous system of the client; 0 unknown */
	const char		*ja3, *ja4;	/* "" unknown */
	const char		*rule_ids[VERDICT_RULES_MAX];
	size_t			 n_rule_ids;
	bool			 tell;		/* worth an event though it may be allowed */
	bool			 truncated;	/* the body didn't fit; what passed was not all seen here */
	const char		*signature;	/* X-Edge99-Signature, "" until signed */
	int			 ban;		/* seconds that the actor stays out; 0 no ban */
	const char		*ban_scope;	/* who the actor is: "ip" (HAProxy bans it at once), "ja4" or "key"; "" no ban */
	const char		*key;		/* keyed digest of the API key that was sent, as in events; "" none */
	bool			 hush;		/* refused as often before, and told then: no event */
	int			 retry_after;	/* seconds after which it makes sense to ask again; 0 unknown */
	const struct behave_who	*who;		/* from one half of behaviour to the other */
	const struct behave_decision *behaved;	/* a ban to be told of; NULL none */
	struct verdict_waf	 waf;
	struct behave_view	 behave;	/* filled before the bot engine runs */
	enum verdict_kind	 kind;
	const struct bot_report	*bot;		/* how the scores came about; NULL: nobody scored */
	bool			 bot_tell;	/* a score is worth an event */
	time_t			 now;		/* wall clock of this request */
	uint64_t		 deadline_us;	/* CLOCK_MONOTONIC; 0 none */
};

enum engine_next { ENGINE_CONTINUE, ENGINE_STOP };

struct spoad_engine {
	const char	*name;
	/* Build the immutable state from the whole configuration.  0 or -errno with text in <diag>. */
	int		(*configure)(void **state, const struct spoad_conf *, struct diag *);
	/* Look at the request, add to the verdict.  ENGINE_STOP: later engines needn't look.  <thread> is
	   what thread_new gave this worker; NULL if it gave none. */
	enum engine_next (*run)(const void *state, void *thread, const struct req_view *, struct verdict *,
			    struct arena *);
	/* NULL, or look at the answer to a request, of which <r> has all but the body; add to a verdict of its own. */
	enum engine_next (*respond)(const void *state, void *thread, const struct req_view *r, const struct rsp_view *,
			    struct verdict *, struct arena *);
	void		(*release)(void **state);
	/* Both NULL for an engine that needs nothing.  NULL from thread_new: run() has to do without. */
	void		*(*thread_new)(const void *state);
	void		(*thread_free)(void **thread);
	/* NULL, or called about twice a second in the main thread, which also configures: for what has to look at
	   files outside the request path.  <now_us> on the clock of policy_now_us(). */
	void		(*tick)(void *state, uint64_t now_us);
	/* NULL, or called after tick(): add to the counters what has gathered since. */
	void		(*report)(void *state, struct counters *);
	/* Runs also where an earlier engine stopped: for what counts or scores refused requests too. */
	bool		 always;
};

extern const struct spoad_engine *const spoad_engines[];	/* NULL-terminated, in running order */
#define SPOAD_ENGINES_MAX	16

void	verdict_init(struct verdict *, time_t now);
/* Refuse, unless an earlier engine refused already (its reason stands). */
void	verdict_deny(struct verdict *, int status, const char *reason, const char *rule_id);
void	verdict_error(struct verdict *, const char *reason);
/* Name a rule that matched; <id> must live as long as the verdict.  Over the limit: dropped. */
void	verdict_rule(struct verdict *, const char *id);
/* The same, but not enough to be told to llmsecd by itself. */
void	verdict_rule_quiet(struct verdict *, const char *id);
const char *verdict_action_str(enum verdict_action);
#endif
