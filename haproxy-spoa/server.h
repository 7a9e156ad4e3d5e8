/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOAD_SERVER_H
#define LLMSEC_SPOAD_SERVER_H
/*
 * Sockets and threads of llmsec-spoad.  N workers, each with an epoll of its own; TCP listeners are one
 * socket per worker (SO_REUSEPORT), a Unix listener is one socket that all wait on (EPOLLEXCLUSIVE).
 * A connection stays with the worker that accepted it, so nothing on the request path is shared but
 * the counters and the immutable policy.
 *
 * All functions belong to the main thread.
 */
#include <stdbool.h>

struct counters;
struct event_client;
struct policy;
struct server;

/* Listen and start the workers.  Borrows counters and events (NULL: none), takes a reference of the policy. */
int	server_start(struct server **, struct policy *, struct counters *, struct event_client *);
/* Publish a new policy; workers move over between two requests.  Listeners and workers stay. */
void	server_set_policy(struct server *, struct policy *);
/* Has every worker been round its loop in the last few seconds? */
bool	server_healthy(const struct server *);
/*
 * No more connections; answer what has arrived, say AGENT-DISCONNECT to everybody, wait for them up to
 * the policy's drain_timeout, stop the threads, remove Unix sockets.
 */
void	server_stop(struct server **);
#endif
