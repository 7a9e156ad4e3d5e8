/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_PROMTEXT_H
#define LLMSEC_PROMTEXT_H
/*
 * A strict judge of the Prometheus text exposition format 0.0.4, stricter than Prometheus itself: each
 * family is HELP, TYPE and samples in one piece, counters end in _total, no series comes twice, and a
 * histogram's buckets rise to +Inf, which equals its count.  Pure; any thread.
 */
#include <stddef.h>

struct prom_report {
	unsigned	families, series;
	unsigned	line;		/* of the first fault, from 1; 0: the text as a whole */
	char		why[256];
};

/* 0, or -EINVAL with line and reason. */
int	prom_check(const char *text, size_t len, struct prom_report *);
#endif
