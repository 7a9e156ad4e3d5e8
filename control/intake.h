/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_INTAKE_H
#define LLMSEC_INTAKE_H
/*
 * The collector's side of lib/event.h: connections, spools, acknowledgements.  An acknowledgement
 * says that the sender's spool up to the hello and every event up to <seq> are on disk; so none
 * goes out while the spool announced on that connection is still being read, and none after a
 * failure: then all connections are closed and the senders' hello brings everything again.
 *
 * One thread, which owns an epoll of its own; intake_run_once() is the daemon's loop body.
 */
#include <stdbool.h>

struct board;
struct collector;
struct counters;
struct intake;
struct llmsecd_conf;

/* Keeps the pointers.  <extra_fd> (-1: none) also wakes the loop, for signals. */
int	intake_open(struct intake **, const struct llmsecd_conf *, struct collector *,
	    struct board *, struct counters *, int extra_fd);
void	intake_close(struct intake **);
/*
 * Wait at most <timeout_ms> and do what there is to do.  1: <extra_fd> is readable; 0; or -errno
 * when the loop itself is broken.
 */
int	intake_run_once(struct intake *, int timeout_ms);
/*
 * For an orderly end: no new connections, read what the connected senders have sent already,
 * bring it to disk and acknowledge it.
 */
void	intake_drain(struct intake *, int timeout_ms);
#endif
