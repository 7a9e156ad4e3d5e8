/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ENG_WAF_H
#define LLMSEC_ENG_WAF_H
/*
 * The WAF as an engine of llmsec-spoad: loads the rule set that `waf.rules` names, gives each request to it
 * with the profile that HAProxy's configuration chose, and turns its verdict into ours.
 *
 *	WAF		verdict				reason
 *	pass, allow	unchanged
 *	deny		DENY with the rule's status	waf
 *	drop		DENY 403			waf-drop	HAProxy may silent-drop on it
 *	redirect	DENY 403			waf-redirect	and txn.llmsec.waf_redirect
 *	error		ERROR, or unchanged where on_error is allow	waf-KIND, enum waf_error
 *	no such profile	ERROR				waf-profile
 *
 * The threat score becomes ten times the inbound anomaly score, at most 100, if it was lower; 100 for a
 * refusal without score.  Values of a request never leave this file, only names of variables do.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "haproxy-spoa/engine.h"
#include "lib/conf.h"

struct arena;
struct waf_verdict;

enum waf_on_error { WAF_ON_ERROR_DENY, WAF_ON_ERROR_ALLOW };
#define WAF_MODE_INHERIT	(-1)	/* of a profile: what `waf.mode` says */

struct waf_profile_conf {
	char		*name;
	int		 mode;		/* enum waf_mode or WAF_MODE_INHERIT */
	int		 paranoia_level, detection_paranoia_level;	/* 0: what the rules say */
	int		 inbound_threshold, outbound_threshold;		/* 0: what the rules say */
	struct conf_strs presets;	/* "name=value" */
};

struct waf_conf {
	char		*rules;		/* "": no WAF */
	char		*state_dir;	/* "": persistent collections last for one request */
	int		 mode;		/* enum waf_mode */
	int		 on_error;	/* enum waf_on_error */
	int		 event_score;	/* passed requests from this inbound score on are told; 0: none */
	char		*default_profile;
	struct waf_profile_conf *profiles;
	size_t		 n_profiles;
};

extern const struct conf_opt waf_conf_opts[];
/* Cross-checks that the option table cannot express: names, presets, the default. */
void	waf_conf_check(const struct waf_conf *, const char *path, struct diag *);

/* What the report wants to know of a rule; a table sorted by id. */
struct waf_rule_row {
	int64_t		 id;
	const char	*msg;		/* as written: expanded it could hold request bytes */
	const char	*tag;		/* its first attack-* tag, as written */
};
const struct waf_rule_row *waf_rule_row_find(const struct waf_rule_row *, size_t n, int64_t id);

#define WAF_REPORT_RULES	32	/* in waf_rules and in the event */

/* Fill v->waf from the WAF's verdict.  Pure, for the tests; memory from the arena. */
void	waf_report(struct verdict_waf *, const struct waf_verdict *, const struct waf_rule_row *, size_t n_rows,
	    const char *profile, struct arena *);

extern const struct spoad_engine engine_waf;
#endif
