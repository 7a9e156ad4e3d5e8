/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOAD_WORKER_H
#define LLMSEC_SPOAD_WORKER_H
/*
 * One thread that serves connections; see server.h.  What the workers of a server share is in struct
 * worker_shared, which outlives them.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct counters;
struct event_client;
struct policy;
struct worker;

struct worker_shared {
	pthread_mutex_t		 lock;		/* guards <policy> while it is swapped */
	struct policy		*policy;
	atomic_uint		 generation;	/* grows with each policy */
	atomic_int		 connections;
	int			 fd_connections;	/* as many as there are descriptors for */
	atomic_bool		 stopping;
	struct counters		*counters;
	struct event_client	*events;
};

/* Listens on <fds>[n] (borrowed).  0 or -errno. */
int	worker_start(struct worker **, struct worker_shared *, const int *fds, size_t n);
/* Make it look at the shared state now. */
void	worker_wake(struct worker *);
/* When it last came round, policy_now_us(). */
uint64_t worker_beat(const struct worker *);
/* Wait for its end (after <stopping>) and free it. */
void	worker_join(struct worker **);
#endif
