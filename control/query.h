/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_QUERY_H
#define LLMSEC_QUERY_H
/* Which events somebody wants: the parameters of /api/events as values.  Pure; any thread. */
#include <stdbool.h>
#include <stdint.h>

#define QUERY_LIMIT_MAX	10000

struct event_query {
	int64_t	 since_ms, until_ms;	/* by the sender's clock; 0: from the beginning, to the end */
	int64_t	 after;			/* only what arrived after this seq; -1: the newest <limit> */
	int64_t	 before;		/* only what arrived before this seq; 0: any */
	int	 limit;			/* 1..QUERY_LIMIT_MAX */
	int	 min_severity;
	char	 event[65];		/* "": any */
	char	 request_id[1025];
	char	 ip[64];
	char	 layer[17], action[33], node[257];	/* <node>: of its sender */
	char	 key[129], user[129];	/* of the actor: digests, as the event has them */
	char	 target[1025];
};

void	query_init(struct event_query *);
/*
 * Take one decoded parameter.  <value> NULL counts as empty.  0 or -EINVAL with *why set to static
 * text; an unknown name is an error too, because a filter with a typo would show everything.
 */
int	query_set(struct event_query *, const char *name, const char *value, int64_t now_ms,
	    const char **why);
#endif
