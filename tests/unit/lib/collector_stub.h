/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TEST_COLLECTOR_STUB_H
#define LLMSEC_TEST_COLLECTOR_STUB_H
/*
 * The collector's half of the event protocol (lib/event.h), moved by hand: nothing is read, stored or
 * acknowledged unless a test says so, so that a test can stop, or die, between any two steps.  Events
 * under test carry a number as request_id; what counts is which numbers arrived.  One thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/event.h"

#define STUB_CONNS	16

struct stub_conn {
	int		 fd;		/* -1: free */
	bool		 hello, ack_due;
	char		 spool[256];
	uint64_t	 received;
};

struct stub_event {
	char		 id[27];	/* "": not seen */
	bool		 stored;
};

struct stub {
	char		 socket[108], spool_dir[108];
	int		 listen_fd;	/* -1: down */
	struct stub_conn conn[STUB_CONNS];
	struct stub_event *event;	/* by number */
	size_t		 n_events;
	unsigned	 hellos, datagrams, spool_lines;
	unsigned	 wrong;		/* broken protocol or line, or a number with a second id */
	struct buf	 last;		/* the line that came last */
};

/* DIR/events.sock and DIR/spool, which is made; down at first.  Numbers below <n_events>. */
void	stub_init(struct stub *, const char *dir, size_t n_events);
void	stub_free(struct stub *);
void	stub_listen(struct stub *);
/* Wait for something to read, then read all there is. */
void	stub_step(struct stub *, int timeout_ms);
/* Everything received is stored now; tell the senders. */
void	stub_commit(struct stub *);
/* As kill -9 would: what was not committed is forgotten. */
void	stub_crash(struct stub *);
/* Take over the spools of dead senders; they are committed and unlinked. */
void	stub_scan(struct stub *);
/* How many of the numbers from..to-1 are stored. */
size_t	stub_stored(const struct stub *, size_t from, size_t to);
/* No event's id is another's. */
bool	stub_ids_differ(const struct stub *);
/*
 * Read, commit and tick until none of the <n> clients has anything pending.  False after ten
 * seconds.
 */
bool	stub_settle(struct stub *, struct event_client *const *, size_t n);
#endif
