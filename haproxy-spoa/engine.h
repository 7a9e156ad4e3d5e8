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
 * worker has let go of that configuration.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct arena;
struct diag;
struct req_view;
struct spoad_conf;

enum verdict_action {
	VERDICT_ALLOW,
	VERDICT_DENY,		/* the request is refused with <status> */
	VERDICT_ERROR,		/* it could not be judged; HAProxy's configuration decides (closed) */
};

#define VERDICT_RULES_MAX	16

struct verdict {
	enum verdict_action	 action;
	int			 status;	/* HTTP status of a refusal; 200 if allowed */
	const char		*reason;	/* one token, static text */
	int			 threat_score, bot_score;	/* 0..100 */
	const char		*country;	/* ISO 3166-1 alpha-2, "ZZ" unknown */
	const char		*ja3, *ja4;	/* "" unknown */
	const char		*rule_ids[VERDICT_RULES_MAX];
	size_t			 n_rule_ids;
	bool			 truncated;	/* the body didn't fit; what passed was not all seen here */
	const char		*signature;	/* X-Edge99-Signature, "" until signed */
	time_t			 now;		/* wall clock of this request */
};

enum engine_next { ENGINE_CONTINUE, ENGINE_STOP };

struct spoad_engine {
	const char	*name;
	/* Build the immutable state from the whole configuration.  0 or -errno with text in <diag>. */
	int		(*configure)(void **state, const struct spoad_conf *, struct diag *);
	/* Look at the request, add to the verdict.  ENGINE_STOP: later engines needn't look. */
	enum engine_next (*run)(const void *state, const struct req_view *, struct verdict *,
			    struct arena *);
	void		(*release)(void **state);
};

extern const struct spoad_engine *const spoad_engines[];	/* NULL-terminated, in running order */
#define SPOAD_ENGINES_MAX	16

void	verdict_init(struct verdict *, time_t now);
/* Refuse, unless an earlier engine refused already (its reason stands). */
void	verdict_deny(struct verdict *, int status, const char *reason, const char *rule_id);
void	verdict_error(struct verdict *, const char *reason);
/* Name a rule that matched; <id> must live as long as the verdict.  Over the limit: dropped. */
void	verdict_rule(struct verdict *, const char *id);
const char *verdict_action_str(enum verdict_action);
#endif
