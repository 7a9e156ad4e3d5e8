/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_CTL_SUGGEST_H
#define LLMSEC_CTL_SUGGEST_H
/*
 * Rules for egress.yaml that allow what was seen while the policy observed.  Pages of /api/events go in, one after the other; what
 * is the same is counted once, so memory grows with what was seen and not with how often.
 */
#include <stdint.h>
#include <stdio.h>

struct suggest;

struct suggest	*suggest_new(void);
void	suggest_free(struct suggest **);
/*
 * One answer of /api/events.  1: there may be more, behind *next; 0: that was all; -1: that was no such answer.
 * <page>: how many events were asked for at most.
 */
int	suggest_take(struct suggest *, const char *json, int64_t page, int64_t *next);
/* What is to be added to a policy's rules.  0, or 1 if something seen is left out, which is said as a comment. */
int	suggest_print(struct suggest *, FILE *);
#endif
