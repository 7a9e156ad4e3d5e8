/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_COLLECTOR_H
#define LLMSEC_COLLECTOR_H
/*
 * Lines in, batches on disk: judges each line, keeps the batch and its deadline, and keeps trying
 * while the database can't be written.  Knows nothing of sockets and spools; one thread.
 *
 * The state is simple: ok, or down.  Any failure loses the open batch (rolled back) and turns it
 * down; whoever fed it must forget what was not committed and let the senders' spools bring it again.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ban;
struct board;
struct collector;
struct counters;
struct llmsecd_conf;

/* Keeps the pointers; <counters> may be NULL.  Opens the database: down if it can't be. */
struct collector *collector_new(const struct llmsecd_conf *, struct board *, struct counters *);
void	collector_free(struct collector **);
/*
 * What the agents of this edge banned ("edge.ban", docs/events.md), to <fn> with each batch, before it is committed: a
 * batch that then fails comes again, and a ban that is there is no harm.
 */
void	collector_on_ban(struct collector *, void (*fn)(void *arg, const struct ban *, size_t n), void *arg);
/* After a reload: batch and retention limits of <conf> from now on; the path stays. */
void	collector_reconfigure(struct collector *, const struct llmsecd_conf *);

bool	collector_ok(const struct collector *);
/*
 * One line of component <who>.  0: in the batch (stored, duplicate or quarantined).  -errno: the
 * collector is down now.
 */
int	collector_line(struct collector *, const char *who, const char *line, size_t len);
/* The same for what was no line at all (a datagram of garbage): straight to quarantine. */
int	collector_reject(struct collector *, const char *who, const void *, size_t, const char *why);
/* Must the batch go to disk now? */
bool	collector_due(const struct collector *);
/* Everything taken is on disk when this returns 0; -errno: down, and nothing since the last one is. */
int	collector_commit(struct collector *);
/* Milliseconds until something is to be done, -1: nothing. */
int	collector_timeout(const struct collector *);
/*
 * Work for quiet moments, with no batch open: try again when down, prove now and then that the
 * database can be written, prune.  True: it just came back from being down.
 */
bool	collector_idle(struct collector *);
/* How many lines wait, and since when (monotonic ms, 0: none). */
unsigned collector_queue(const struct collector *, int64_t *oldest_ms);
/* "" while ok. */
const char *collector_error(const struct collector *);
#endif
