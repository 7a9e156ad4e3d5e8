/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EGRESS_REPORT_H
#define LLMSEC_EGRESS_REPORT_H
/*
 * What the helper tells the rest of the house: counters, and one event per refusal.  Refusals that
 * repeat (same client, host, port and reason) within a second become one event with a count, so a
 * client in a loop can't fill the spool.  Single-threaded, like the helper.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct egress_accounts;
struct egress_conf;
struct egress_policy;
struct egress_report;
struct egress_request;
struct egress_verdict;
struct set_info;

int	egress_report_open(struct egress_report **);
void	egress_report_close(struct egress_report **);
/*
 * Send to where <conf> says from now on.  A destination that can't be opened is logged and left out:
 * refusing goes on without it.
 */
void	egress_report_direct(struct egress_report *, const struct egress_conf *conf);

void	egress_report_verdict(struct egress_report *, const struct egress_request *,
	    const struct egress_verdict *, int64_t now_ms);
/* A line the helper could not read. */
void	egress_report_broken(struct egress_report *);
/* <names> of the policy now in force; <why> NULL: loaded, else the first error of the file. */
void	egress_report_policy(struct egress_report *, const struct egress_policy *, const char *why);
/* A set of llmsec-ti-sync was read (<why> NULL), or can't be; and how many of those named can't. */
void	egress_report_threats(struct egress_report *, const char *path, const struct set_info *, const char *why);
void	egress_report_stale(struct egress_report *, unsigned sets);
/* What was counted; <over>: a budget may be used up now that was not, which is an event, once in its hour or day. */
void	egress_report_budgets(struct egress_report *, const struct egress_accounts *, bool over);
/* About once a second: send what was held back, let the event client take acknowledgements. */
void	egress_report_tick(struct egress_report *, int64_t now_ms);
#endif
