/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_AUDIT_QUEUE_H
#define LLMSEC_AUDIT_QUEUE_H
/*
 * What Squid wrote, from the thread that reads it to the thread that writes it to the disk.  Squid itself keeps 4 MB for
 * a daemon that doesn't read (LOGFILE_MAXBUFS of LOGFILE_BUFSZ, Squid's src/log/ModDaemon.cc) and then drops lines where
 * nobody can count them, so reading must not wait for a disk.  A queue that is full waits for a moment (Squid's own
 * memory bridges that), then counts what doesn't fit; whoever takes next hears how many are missing behind what is taken.
 *
 * One thread puts, one takes.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

struct audit_queue {
	pthread_mutex_t	lock;		/* guards what follows */
	pthread_cond_t	come, room;
	struct buf	in;		/* commands, a line each */
	size_t		max, taken;	/* bytes; the taker works on <taken> of them */
	uint64_t	lost;		/* behind <in> */
	int		patience_ms;
	bool		end;
};

/* <max>: bytes that may wait, those that are being written included; <patience_ms>: how long one waits for room. */
void	audit_queue_init(struct audit_queue *, size_t max, int patience_ms);
void	audit_queue_fini(struct audit_queue *);
/* One command of Squid without its end of line. */
void	audit_queue_put(struct audit_queue *, const char *, size_t);
/* No more will come. */
void	audit_queue_end(struct audit_queue *);
/*
 * All there is, into <out>, which is empty: lines, and behind them *lost that are missing.  Waits for something at most
 * <wait_ms>.  False: it has ended, and this is the last.
 */
bool	audit_queue_take(struct audit_queue *, struct buf *out, uint64_t *lost, int wait_ms);
/* Of what was taken only <left> bytes are still to be written. */
void	audit_queue_left(struct audit_queue *, size_t left);
#endif
