/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_BEHAVE_H
#define LLMSEC_BEHAVE_H
/*
 * Behaviour of a source at the edge: who did how much of what in the last 60 s, and is it enough for a ban?
 * A pure library: plain values in, a decision out, and the time is an argument.
 *
 * A request has up to three sources: its address (IPv6: its /64), its TLS fingerprint wherever it comes from, and its
 * client: the API key that it brings, or for want of one "this fingerprint at this address".
 *
 *	behave_who()	who is asking			once
 *	behave_look()	banned?  and the windows as they are
 *	behave_count()	what became of the request; a limit may be reached now
 *
 * A shared address (two clients or more in the last minutes: a NAT, a proxy) is spared: there, what is said for an
 * address is applied to each of its clients, and the client is banned who reached it.  The address itself is only banned
 * when each of its clients has misbehaved, or when it has reached <shared_factor> times the limit, because
 * who changes the key with each request looks like a crowd.
 *
 * Threads: any number may look and count at the same time, without a lock; limits are immutable.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "haproxy-spoa/behave/bans.h"
#include "haproxy-spoa/behave/sources.h"
#include "lib/cidr.h"

struct behave;
struct never_ban;

enum behave_counter { BEHAVE_REQUESTS, BEHAVE_ERRORS, BEHAVE_PATHS, BEHAVE_WAF_HITS, BEHAVE_COUNTERS };
enum behave_source { BEHAVE_ADDRESS, BEHAVE_JA4, BEHAVE_CLIENT, BEHAVE_SOURCES };
enum behave_action { BEHAVE_SCORE, BEHAVE_BAN };

struct behave_limit {
	int	over;		/* this many in 60 s; 0: no limit */
	int	share;		/* and at least so much of the requests, in percent; 0: however few */
	int	action;		/* enum behave_action */
	int	score;		/* added to the threat score */
};

struct behave_limits {
	struct behave_limit	address[BEHAVE_COUNTERS], ja4[BEHAVE_COUNTERS], key[BEHAVE_COUNTERS];
	struct ban_times	times;
	int			shared_factor;	/* 0: a shared address is never banned while one client is clean */
	bool			monitor;	/* bans are noted and told, and the caller lets them pass */
};

struct behave_who {
	bool		has_address, has_ja4, has_key;
	struct cidr	address;
	const char	*ja4, *key;	/* borrowed; "" none */
	struct sip_hash	hash[BEHAVE_SOURCES];
	bool		has[BEHAVE_SOURCES];
};

/* What became of one request. */
struct behave_did {
	bool		error, waf_hit, page, asset;
	const char	*path;
	size_t		path_len;
	int64_t		err_address, err_client;	/* errors so far, as HAProxy counts them; -1: unknown */
};

struct behave_seen {
	struct window_sum sum;
	unsigned	bans;		/* in a row, not forgotten yet */
};

struct behave_decision {
	bool		ban;		/* now and for the first time; or would, if it weren't for <monitor> */
	bool		banned;		/* it is in force */
	int64_t		ms;
	struct ban	as;
	enum behave_counter why;
	struct window_sum sum;		/* of who is banned */
	int		score;		/* to add */
	unsigned	scored;		/* bits of the counters that it comes from */
};

/* <key> NULL: a random one, as it must be outside of tests.  NULL: no memory, or nothing random to be had. */
struct behave	*behave_new(size_t sources, size_t bans, const struct sip_key *key);
void		 behave_free(struct behave **);

/* <ip>, <ja4>, <key digest>: "" unknown. */
void	behave_who(const struct behave *, struct behave_who *, const char *ip, const char *ja4, const char *key);
/*
 * ms that one of the request's sources is banned yet, 0: none.  <kind> which (may be NULL).  <view>[source] as it was
 * before this request; all 0: not known.
 */
int64_t	behave_look(const struct behave *, const struct behave_who *, int64_t now_ms, enum ban_kind *kind,
	    struct behave_seen view[BEHAVE_SOURCES]);
/*
 * Count, and decide.  Requests from an address on the list <never> (may be NULL) ban nobody; they are counted and
 * scored all the same.
 */
void	behave_count(struct behave *, const struct behave_limits *, const struct behave_who *, const struct behave_did *,
	    const struct never_ban *never, int64_t now_ms, struct behave_decision *);
bool	behave_exempt(const struct behave_who *, const struct never_ban *);
/* Housekeeping; about twice a second, one thread. */
void	behave_tick(struct behave *, const struct behave_limits *, int64_t now_ms);

struct bans	*behave_bans(struct behave *);
struct sources	*behave_sources(struct behave *);
const char	*behave_counter_name(enum behave_counter);	/* "requests" "errors" "paths" "waf-hits" */
#endif
