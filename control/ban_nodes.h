/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_BAN_NODES_H
#define LLMSEC_BAN_NODES_H
/*
 * What changes here goes to the llmsecds of the other edges: this edge's votes with their reasons, and an operator's
 * unban.  A thread for each edge; one that is away gets what it missed when it is back, or everything.
 * docs/cluster.md, docs/decisions/0008-votes-by-peers.md
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/ban_list.h"
#include "control/ban_request.h"

struct ban_nodes;
struct counters;
struct llmsecd_conf;
struct node_auth;

struct ban_node_state {
	const char	*name;
	bool		 up;
	bool		 has;		/* everything noted up to the mark */
	bool		 haproxy;	/* and its HAProxy too */
	int64_t		 took_us;	/* from the mark until it had */
	char		 error[BAN_REASON];
};

/* Keeps the pointers; before the list has threads.  0 or -errno. */
int	ban_nodes_start(struct ban_nodes **, const struct llmsecd_conf *, struct ban_list *, struct node_auth *,
	    struct counters *);
void	ban_nodes_stop(struct ban_nodes **);
/* An operator unbanned whom only the agents know. */
void	ban_nodes_lift_ids(struct ban_nodes *, const struct ban_id *, size_t n);
size_t	ban_nodes_count(const struct ban_nodes *);
/* Everything noted so far, as a mark for ban_nodes_wait(). */
uint64_t ban_nodes_mark(struct ban_nodes *);
/*
 * Wait until every edge that is not known to be down has what was noted up to <mark>, and say how each stands.
 * <since_us>: when the caller began (monotonic).  <out> holds BAN_EDGES.
 */
void	ban_nodes_wait(struct ban_nodes *, uint64_t mark, int64_t since_us, int timeout_ms,
	    struct ban_node_state *out);
#endif
