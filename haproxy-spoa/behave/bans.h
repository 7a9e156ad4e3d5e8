/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_BEHAVE_BANS_H
#define LLMSEC_BEHAVE_BANS_H
/*
 * Who is banned until when, and how often it has been before.  Fixed size, allocated once.
 *
 * Asking takes no lock.  Changing takes one, and who is serving a request only tries it: if it is taken, the next bad
 * request of the same source will ban it.
 *
 * Each ban is one level longer than the last; a level is forgotten after each <decay> without a ban.  Full: what has
 * ended goes first, lowest level first, then what ends soonest; that is counted.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/siphash.h"
#include "lib/cidr.h"

struct bans;

enum ban_kind { BAN_IP, BAN_JA4, BAN_KEY, BAN_KINDS };

#define BAN_ID		112	/* "JA4@address" and its end */
#define BAN_REASON_LEN	24
#define BANS_MIN	16
#define BANS_MAX	10000000

/*
 * Who: an address (network of one source), a key's digest, a JA4, or a JA4 at an address, for requests without a key.
 * As text "192.0.2.7", "2001:db8::/64", "0123456789abcdef", "JA4", "JA4@192.0.2.7", "-@192.0.2.7" (no fingerprint).
 */
struct ban_who {
	enum ban_kind	kind;
	char		id[BAN_ID];
};

struct ban {
	struct ban_who	who;
	int		level;		/* how many in a row, from 1 */
	int64_t		since_ms, until_ms;	/* on the clock of the caller */
	int64_t		grace_ms;	/* was lifted: not banned again before */
	char		reason[BAN_REASON_LEN];	/* one token */
};

struct ban_times {
	int64_t		ms[8];		/* of the 1st, 2nd, ... ban; the last one repeats */
	int		n;
	int64_t		decay_ms;
};

/* For <n> bans; NULL: no memory. */
struct bans	*bans_new(size_t n, const struct sip_key *);
void		 bans_free(struct bans **);

/* IPv4 as it is, IPv6 as its /64: what counts as one source.  False: no address. */
bool		 source_address(struct cidr *, const char *ip);
/* Of an address (kind BAN_IP), a JA4, a key's digest, or a JA4 at an address. */
struct sip_hash	 source_hash(const struct sip_key *, const struct cidr *, enum ban_kind, const char *text);
struct sip_hash	 ban_hash(const struct sip_key *, const struct ban_who *);
const char	*ban_kind_name(enum ban_kind);		/* "ip" "ja4" "key" */
/* A well-formed id of that kind, in its one spelling, or -EINVAL. */
int		 ban_who_parse(struct ban_who *, const char *kind, const char *id);
/* The address that it is about, alone or with a JA4; false: none. */
bool		 ban_who_address(const struct ban_who *, struct cidr *);

/* ms that it lasts yet; 0: not banned.  *level: how many bans in a row are remembered (15: or more).  Any thread. */
int64_t		 bans_left(const struct bans *, struct sip_hash, int64_t now_ms, unsigned *level);
/*
 * Ban for the time that its level says.  <wait>: not from a worker.  ms of the ban; 0: it is banned already;
 * -EAGAIN: somebody else is at it (not with <wait>).  <out> as it stands then, may be NULL.
 */
int64_t		 bans_add(struct bans *, struct sip_hash, const struct ban_who *, const char *reason,
		    const struct ban_times *, int64_t now_ms, bool wait, struct ban *out);
/* Exactly so: from the state file, or an order.  Keeps a later end that is there. */
void		 bans_put(struct bans *, const struct ban *, int64_t now_ms);
/*
 * Lift what began before <before_ms> and <match> says yes to, level and all.  Those are not banned again before
 * BANS_GRACE_MS, when what they did is no longer in any window.  How many were in force.
 */
#define BANS_GRACE_MS	60000
size_t		 bans_lift(struct bans *, bool (*match)(const void *arg, const struct ban_who *), const void *arg,
		    int64_t before_ms, int64_t now_ms);
/* Forget what has ended and decayed. */
void		 bans_expire(struct bans *, const struct ban_times *, int64_t now_ms);
/* Each one remembered, under the lock. */
void		 bans_each(struct bans *, void (*)(void *arg, const struct ban *), void *arg);

struct bans_stats {
	size_t		 places, remembered, active;	/* <active> as of the last bans_expire() */
	uint64_t	 dropped;	/* for want of room, while in force */
	uint64_t	 changes;	/* grows whenever the state file would differ */
};
void		 bans_stats(struct bans *, struct bans_stats *);
#endif
