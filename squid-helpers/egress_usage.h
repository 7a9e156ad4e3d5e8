/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EGRESS_USAGE_H
#define LLMSEC_EGRESS_USAGE_H
/*
 * How many bytes of each budget of a policy are used: one count per budget and identity (one for all with `share`), for
 * the hour or day (UTC) that is running.  Of fixed size, given by the policy.  Pure but for memory: no clock, no file.
 * Single-threaded, like the helper.
 *
 * As text, which is how counts outlive a process and a change of policy: a line "BUDGET IDENTITY START USED" each,
 * START in seconds since 1970 and USED in bytes, "-" for who is no identity or for all.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct buf;
struct egress_conf;
struct egress_usage;

/* Of the identities and budgets of <conf>, which must outlive it; nothing is used.  NULL: no memory. */
struct egress_usage *egress_usage_new(const struct egress_conf *);
void	egress_usage_free(struct egress_usage **);
const struct egress_conf *egress_usage_conf(const struct egress_usage *);

/*
 * A transaction that ended at <t>, not after <now>: <budgets> as the helper's answer has them, ids with commas between.  What names no
 * budget or identity of this policy counts nowhere.  True: a budget that had something left has nothing any more.
 */
bool	egress_usage_add(struct egress_usage *, const char *identity, const char *budgets, uint64_t up, uint64_t down,
	    time_t t, time_t now);
/*
 * Counts of windows that begin after <now> are of a clock that was ahead once: they are moved into the window of <now>,
 * so that they end with it, and nothing is given back.  egress_usage_add does it to what it counts; this is for all.
 */
void	egress_usage_settle(struct egress_usage *, time_t now);
/* Is any of <mask> (bits: budgets) used up for identity <who> (-1: none)?  The index of the first, or -1. */
int	egress_usage_over(const struct egress_usage *, uint64_t mask, int who, time_t now);
/* Bytes used in the window of <now>, and when that ends. */
uint64_t egress_usage_used(const struct egress_usage *, size_t budget, int who, time_t now, time_t *until);
/* How many counts have reached their limit. */
size_t	egress_usage_over_count(const struct egress_usage *, time_t now);

void	egress_usage_write(const struct egress_usage *, struct buf *);
/* One line of such text; false: it is none.  A budget or identity that is not in the policy any more is dropped. */
bool	egress_usage_read_line(struct egress_usage *, const char *line);
#endif
