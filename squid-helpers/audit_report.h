/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_AUDIT_REPORT_H
#define LLMSEC_AUDIT_REPORT_H
/*
 * What log_llmsec_daemon tells the house: counters, and an event when the trail has a hole or can't go on.  Where to is in the
 * egress policy (node, events, counters_dir), which Squid's other helper reads, too; without one it tells nobody.  One
 * thread.
 */
#include <stddef.h>
#include <stdint.h>

struct audit_report;

/* Counters of the trail. */
enum audit_count { AUDIT_RECORDS, AUDIT_LINES_LOST, AUDIT_RETRIES, AUDIT_QUEUE_BYTES, AUDIT_COUNTS };

/* <conf> is the policy's path.  NULL, which all calls take: none, or no memory; logged. */
struct audit_report *audit_report_open(const char *conf);
void	audit_report_close(struct audit_report **);
void	audit_report_count(struct audit_report *, enum audit_count, uint64_t n);
void	audit_report_queue(struct audit_report *, size_t bytes);
/* Lines are missing in the trail <base>. */
void	audit_report_lost(struct audit_report *, const char *base, uint64_t lines);
/* The daemon ends, or can't begin: <why>; <lines> of Squid are not written. */
void	audit_report_stopped(struct audit_report *, const char *base, const char *why, uint64_t lines);
/* About once a second. */
void	audit_report_tick(struct audit_report *);
#endif
