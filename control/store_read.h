/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_STORE_READ_H
#define LLMSEC_STORE_READ_H
/*
 * Reading the event store beside its writer: a connection of one's own, never blocking the writer
 * (WAL).  One object belongs to one thread at a time.  Errors as in store.h.
 */
#include <stddef.h>
#include <stdint.h>

struct event_query;
struct store_read;

int	store_read_open(struct store_read **, const char *path);
void	store_read_close(struct store_read **);
/*
 * Hand each matching event, oldest arrival first, to <row> as the line it came as; it returns 0 to
 * go on.  0 or -errno.
 */
int	store_read_events(struct store_read *, const struct event_query *,
	    int (*row)(void *arg, int64_t seq, const char *line, size_t len), void *arg);
/* The newest event's seq, 0 if there is none, or -errno. */
int64_t	store_read_last(struct store_read *);
#endif
