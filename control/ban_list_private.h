/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_BAN_LIST_PRIVATE_H
#define LLMSEC_BAN_LIST_PRIVATE_H
/* The list's two halves: ban_list.c has the votes, ban_queue.c what HAProxy must be told of them. */
#include <pthread.h>

#include "control/ban_list.h"

#define BUCKETS		65536
#define TOLD_UNKNOWN	UINT32_MAX
#define OBSERVERS	4

struct vote {
	struct vote	*next;
	int64_t		 added_ms, expires_ms;
	uint8_t		 edge, scope, by, sync;
	char		 reason[];
};

/* An address or network somebody votes on, or, while HAProxy has not been told of its end, what is left of it. */
struct node {
	struct node	*next;		/* in its bucket */
	struct node	*queue_next;
	struct cidr	 cidr;
	struct vote	*votes;
	bool		 pending;	/* queued, or with the link */
	bool		 queued;
	bool		 lifted, cut;
	uint32_t	 told;		/* what HAProxy has */
	uint64_t	 turn;
};

struct ban_list {
	pthread_mutex_t	 write_lock;	/* outer: whoever changes bans; guards store and never */
	struct ban_store *store;
	struct never_ban *never;
	char		*name[BAN_EDGES];	/* [0] is "" */
	size_t		 n_names;
	pthread_mutex_t	 lock;		/* inner: all below */
	pthread_cond_t	 changed;
	struct node	*bucket[BUCKETS];
	struct node	*queue, **queue_end;
	size_t		 n_own, n_others, n_force, n_pending;
	uint64_t	 turn;
	int64_t		 next_ms;
	uint8_t		 sync[BAN_EDGES];
	bool		 up, stopping;
	char		 error[BAN_REASON];
	struct { void (*fn)(void *, const struct ban_news *); void *arg; } observer[OBSERVERS];
	size_t		 n_observers;
};

struct node **ban_place(struct ban_list *, const struct cidr *);
/* Found or made; NULL: no memory. */
struct node *ban_node_get(struct ban_list *, const struct cidr *);
bool	ban_in_force(const struct node *);
/* What HAProxy should have of it. */
uint32_t ban_value(const struct node *);
/* Its value may be another one now: queue it if HAProxy must be told. */
void	ban_enqueue(struct ban_list *, struct node *);
#endif
