/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TEST_EXEC_RIG_H
#define LLMSEC_TEST_EXEC_RIG_H
/*
 * Rules as text, a raw request, and what happened as one line of text:
 *	"pass 1:one 2:" - the action, a refusal's status, then id:msg of each logged match; "would 403 by 9" in
 *	detection-only mode; ">logdata" where a match has some.
 */
#include "haproxy-spoa/waf/waf.h"

struct rig {
	const char	*rules;
	const char	*request;	/* raw; NULL: GET / */
	const char	*response;	/* raw; NULL: none */
	const struct waf_options *opt;
	const struct waf_profile *profile;
	int64_t		 now_s;		/* 0: 2026-11-25 */
	size_t		 repeat;	/* transactions, the last is shown; 0: one */
};

/* The line; valid until the next call.  Fails the test if the rules don't load or the gates lie. */
const char	*rig_run(const struct rig *);
/* The verdict of the last run, freed by the next. */
const struct waf_verdict *rig_verdict(void);
struct waf_tx	*rig_tx(void);
void		 rig_done(void);
#endif
