/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EVENT_H
#define LLMSEC_EVENT_H
/*
 * Events: one JSON object per verdict, from every layer to llmsecd (fields: docs/events.md).
 *
 * Nothing is lost when either side is killed -9.  The sender appends each line to its own spool file
 * first (one write(2), O_APPEND), then sends it as one datagram over AF_UNIX SOCK_SEQPACKET.  llmsecd
 * stores it (event id is UNIQUE, so a line that arrives twice counts once) and acknowledges after its
 * commit.  A spool that has grown large is exchanged for a new one, announced by another hello, and
 * unlinked once its last line is acknowledged; so is the spool of a client that closes with nothing
 * pending.  When the collector is away lines stay in the spool; the sender reconnects at most once a
 * second and announces its spool so that the collector drains it.  Spools of dead senders (their flock
 * is free) are drained and unlinked.
 *
 * Wire protocol, one datagram each, sender -> collector:
 *	"H <version=1> <spool file basename>"	hello, first on every connection, then per new spool
 *	"E <seq> <json>"			event number <seq> of this connection, from 1
 * collector -> sender:
 *	"A <seq>"				everything up to <seq> is on disk
 *
 * Thread safe.  After fork() the child calls event_client_reopen() (or opens its own).  event_emit
 * never blocks on the collector; cost without contention: two system calls.
 */
#include <stdint.h>
#include <stddef.h>

struct event_client;

struct event {
	const char	*event;		/* "waf.block", "prompt.injection", ...: docs/events.md */
	int		 severity;	/* 0..10 */
	int		 score;		/* 0..100, -1: none */
	const char	*action;	/* "allow" "monitor" "mask" "block" "error" */
	const char	*ip, *ja4, *key, *user;	/* actor; key and user are keyed digests; NULL: absent */
	const char	*request_id;	/* NULL: absent */
	const char	*const *rule_ids; size_t n_rule_ids;
	const char	*target;	/* host, path class or model; NULL: absent */
	int64_t		 ttl_s;		/* 0: none */
	const char	*detail;	/* one JSON object as text, or NULL; never prompt text */
};

struct event_client_conf {
	const char	*socket_path;	/* "" or NULL: spool only */
	const char	*spool_dir;	/* must exist, writable by this process */
	const char	*node;		/* NULL: hostname */
	const char	*layer;		/* kernel|edge|gateway|egress|control */
	const char	*program;	/* part of the spool's name */
	int64_t		 spool_max;	/* bytes; 0: 256 MiB.  Over it: dropped, counted, logged */
};

int	event_client_open(struct event_client **, const struct event_client_conf *);
/* In a forked child: a spool and connection of its own.  The parent's are untouched. */
int	event_client_reopen(struct event_client *);
/* 0, or -errno if the line could not even be spooled (the caller counts it; see also counters). */
int	event_emit(struct event_client *, const struct event *);
/* Take acknowledgements and reconnect if due; call from an idle timer (about 1 s). */
void	event_client_tick(struct event_client *);
/* How many events are not yet acknowledged / were dropped. */
uint64_t event_client_pending(const struct event_client *);
uint64_t event_client_dropped(const struct event_client *);
void	event_client_close(struct event_client **);

/*
 * Keyed digest of a secret for actor.key / actor.user: the first 16 hex digits of
 * HMAC-SHA256(<key>, <secret>); out holds 17 bytes.
 */
void	event_digest(char out[17], const void *key, size_t key_len, const void *secret, size_t len);
#endif
