/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOAD_POLICY_H
#define LLMSEC_SPOAD_POLICY_H
/*
 * One loaded configuration with the engines built from it: immutable, counted.  A reload builds a new
 * one completely, publishes it, and each worker moves over between two requests; the last to let go of
 * the old one frees it.
 */
#include "haproxy-spoa/engine.h"
#include "haproxy-spoa/spoad_conf.h"

struct counters;
struct policy;

/* With one reference, the caller's.  NULL with text in <diag>. */
struct policy	*policy_load(const char *path, struct diag *);
/*
 * Would it load?  Opens no state: who checks may be another user than who runs, and files that he made would
 * stand in the way.
 */
bool		 policy_check(const char *path, struct diag *d);
/*
 * For one request on a command line: like policy_check, but kept; signing keys are not read, and only <resolve> lets the
 * resolver be asked.  <path> NULL: the built-in defaults.
 */
struct policy	*policy_explain(const char *path, bool resolve, struct diag *);
struct policy	*policy_ref(struct policy *);
void		 policy_unref(struct policy **);
const struct spoad_conf *policy_conf(const struct policy *);
/*
 * What one worker thread holds beside a policy: the engines' own scratch memory.  Belongs to that policy and
 * must be freed before it.
 */
struct policy_thread;
struct policy_thread *policy_thread_new(const struct policy *);	/* NULL: out of memory */
void		 policy_thread_free(struct policy_thread **);
/*
 * Run every engine; <deadline_us> on the clock of policy_now_us(), 0: none.  <thread> NULL: engines that
 * need one say ERROR.
 */
void		 policy_judge(const struct policy *, struct policy_thread *, const struct req_view *, struct verdict *,
		    struct arena *, uint64_t deadline_us);
/* The same for an answer; with engines that look at answers. */
void		 policy_respond(const struct policy *, struct policy_thread *, const struct req_view *, const struct rsp_view *,
		    struct verdict *, struct arena *, uint64_t deadline_us);
/* The engines' tick(); only from the thread that loads policies. */
void		 policy_tick(struct policy *, uint64_t now_us);
/* The engines' report(); from the same thread. */
void		 policy_report(struct policy *, struct counters *);
/* Monotonic microseconds. */
uint64_t	 policy_now_us(void);
#endif
