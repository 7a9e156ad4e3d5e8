/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ENG_GUARD_H
#define LLMSEC_ENG_GUARD_H
/*
 * The request guard: a body that HAProxy could not hand over whole is never silently half-inspected.
 *
 * HAProxy delivers at most tune.bufsize - tune.maxrewrite bytes of *headers and body together* and says
 * nothing when there was more.  So:
 *	- with Content-Length, the body is cut iff fewer bytes arrived than it promises;
 *	- without (chunked, h2), the total is unknown, and a buffer that is nearly full counts as cut.
 *	  Long headers fill the same buffer, so padding them doesn't hide a body.
 * Each route chooses: `deny` answers 413, `flag` lets the request pass marked "truncated", for paths whose
 * bodies a later layer reads in full (LLM requests at the gateway).
 *
 * A path that is not in plain form ("..", "//", encoded dots or slashes, backslashes) matches no route:
 * nobody gets the softer policy by writing a path in a way that the next hop reads differently.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "haproxy-spoa/engine.h"

struct req_view;

enum guard_policy { GUARD_DENY, GUARD_FLAG };

struct guard_route {
	char		*path_prefix;
	int		 oversize;	/* enum guard_policy */
};

struct guard_conf {
	int64_t			 haproxy_bufsize;	/* 0: as learned from HAProxy's HELLO */
	int64_t			 haproxy_maxrewrite;
	int			 oversize;		/* where no route matches */
	struct guard_route	*routes;		/* the first match counts */
	size_t			 n_routes;
};

enum guard_finding {
	GUARD_WHOLE,		/* every byte of the body is here */
	GUARD_CUT,		/* there was more */
	GUARD_CONFLICT,		/* several different lengths, or one that is not a number */
	GUARD_UNKNOWN,		/* the arguments needed to decide are missing */
};

/* Pure functions, for the tests. */
enum guard_finding guard_find(const struct req_view *, int64_t bufsize, int64_t maxrewrite);
enum guard_policy guard_route_policy(const struct guard_conf *, const struct req_view *);

extern const struct spoad_engine engine_guard;
#endif
