/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_BAN_LIST_H
#define LLMSEC_BAN_LIST_H
/*
 * Who is banned, in memory and on disk (ban_store.h), and which of it HAProxy has not been told yet.
 *
 * A ban is one edge's vote on an address or network.  It is in force here when it is this edge's own, or when the
 * votes of all edges add up to BAN_QUORUM; HAProxy comes to the same result from its tables (etc/haproxy).
 * What is on the never-ban list never gets in, and what gets onto that list is taken out.
 *
 * Thread safe.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/cidr.h"

#define BAN_REASON	200
#define BAN_LIST_MAX	1000000		/* votes; as many as HAProxy's table holds */
#define BAN_EDGES	16		/* this edge and the others */
#define BAN_QUORUM	2
#define BAN_ALL		(-1)		/* instead of an edge: all of them, */
#define BAN_ALL_HEARD	(-2)		/* and another edge has said so: it tells the others itself */

struct never_ban;
struct ban_list;

/* The value is its weight: one edge's vote, or enough for all. */
enum ban_scope { BAN_EDGE = 1, BAN_CLUSTER = 2 };
enum ban_by { BAN_BY_OPERATOR, BAN_BY_AGENT };

struct ban {
	struct cidr	 cidr;
	enum ban_scope	 scope;
	enum ban_by	 by;
	int		 edge;			/* whose; 0 is this one, the others as the list's names */
	char		 reason[BAN_REASON];
	int64_t		 added_ms, expires_ms;	/* since the epoch */
};

/* All votes on one address or network. */
struct ban_row {
	struct cidr	 cidr;
	struct ban	 vote[BAN_EDGES];	/* this edge's first, if it has one */
	size_t		 n;
	int		 weight;		/* of all */
	bool		 in_force;		/* here */
	bool		 pending;		/* HAProxy doesn't know it yet */
};

struct ban_counts {
	size_t	own, others, in_force, pending;
};

const char *ban_scope_name(enum ban_scope);
int	ban_scope_parse(const char *name, enum ban_scope *);
const char *ban_by_name(enum ban_by);
int	ban_by_parse(const char *name, enum ban_by *);

/*
 * Takes <never> and copies the names of the other edges; votes of an edge that isn't among them are left out.
 * Reads what is on disk; 0 or -errno, after which <never> is still the caller's.
 */
int	ban_list_open(struct ban_list **, const char *path, const char *const *others, size_t n_others,
	    struct never_ban *never, int64_t now_ms);
void	ban_list_close(struct ban_list **);
/* Takes the new never-ban list and lifts the bans it forbids.  0 or -errno: the disk has them still. */
int	ban_list_never_set(struct ban_list *, struct never_ban *);
/* "" for 0. */
const char *ban_list_edge(const struct ban_list *, int edge);
/* -ENOENT: no such edge. */
int	ban_list_edge_find(const struct ban_list *, const char *name);
/*
 * An operator's bans, all or none; one that is there is replaced.  0; -EPERM: *bad may not be banned because of
 * *entry; -ENOSPC: BAN_LIST_MAX; -errno: not on disk.
 */
int	ban_list_add(struct ban_list *, const struct ban *, size_t n, size_t *bad, struct cidr *entry);
/* What an agent or another edge says: as many of them as may be banned.  An agent's replaces no operator's. */
int	ban_list_take(struct ban_list *, const struct ban *, size_t n, size_t *refused);
/*
 * Lift the votes of one edge, or of all; *removed addresses were banned.  Of all: HAProxy is told about each,
 * because it bans by itself, too; BAN_ALL also in the tables of the other edges, which may be away.
 */
int	ban_list_remove(struct ban_list *, const struct cidr *, size_t n, int edge, size_t *removed);
/* Lift what has expired; when the next one does (INT64_MAX: never). */
int64_t	ban_list_expire(struct ban_list *, int64_t now_ms);
/* Everything that another edge has said between the two is what it says; what it said before is dropped. */
void	ban_list_sync_begin(struct ban_list *, int edge);
int	ban_list_sync_end(struct ban_list *, int edge);
/* Each row, under the lock. */
void	ban_list_each(struct ban_list *, void (*)(void *arg, const struct ban_row *), void *arg);
/* One of them; false: nobody has banned it. */
bool	ban_list_find(struct ban_list *, const struct cidr *, struct ban_row *);
void	ban_list_count(struct ban_list *, struct ban_counts *);

/* --- who wants to know what changed (ban_sock.h, ban_nodes.h) */
enum ban_force { BAN_FORCE_SAME, BAN_FORCE_ADD, BAN_FORCE_DEL, BAN_FORCE_EXPIRE };
struct ban_news {
	struct cidr	 cidr;
	enum ban_force	 force;		/* what is in force here: added or longer, lifted, expired */
	bool		 own;		/* this edge's vote is another one now */
	bool		 lifted;	/* by an operator, on all edges */
	int64_t		 until_ms;	/* of FORCE_ADD */
	const char	*reason;
};
/* Under the lock, so <fn> must only take notes.  At most 4, before any thread exists. */
void	ban_list_observe(struct ban_list *, void (*fn)(void *arg, const struct ban_news *), void *arg);
/* Until when a row is in force; 0: it isn't. */
int64_t	ban_row_until(const struct ban_row *);

/* --- the side of ban_link.h */
struct ban_change {
	struct cidr	 cidr;
	uint32_t	 value;		/* this edge's in its table, or what stands in the map; 0: none */
	bool		 lifted;	/* 0 in the other edges' tables, too */
	bool		 cut;		/* who it is has just been banned */
	uint64_t	 turn;		/* which state of it this was */
};

/* Stands in a table of HAProxy rather than in its map: an address, or the /64 of an IPv6 client. */
bool	ban_in_table(const struct cidr *);
/* Take at most <max> changes off the queue; each goes back by ban_list_told(). */
size_t	ban_list_changes(struct ban_list *, struct ban_change *, size_t max);
/* Done (<ok>), or to be told again. */
void	ban_list_told(struct ban_list *, const struct ban_change *, size_t n, bool ok);
/* HAProxy knows nothing: queue everything. */
void	ban_list_tell_all(struct ban_list *);
/* Each network in force with its value; returns the turn of this moment: changes up to it are in there. */
uint64_t ban_list_networks(struct ban_list *, void (*)(void *arg, const struct cidr *, uint32_t value), void *arg);
/*
 * HAProxy has <value> for <cidr> in this edge's table.  False: it shouldn't; nobody here knows of it.  A value that
 * differs is queued.
 */
bool	ban_list_compare(struct ban_list *, const struct cidr *, uint32_t value);
/* Have HAProxy forget it, in this edge's table. */
void	ban_list_tell_gone(struct ban_list *, const struct cidr *);
/* Is HAProxy there, and if not, why? */
void	ban_list_link_set(struct ban_list *, bool up, const char *error);
bool	ban_list_link_get(struct ban_list *, char error[BAN_REASON]);
/* Wait for a change or the end; false: stop. */
bool	ban_list_wait(struct ban_list *, bool for_changes, int timeout_ms);
void	ban_list_stop(struct ban_list *);
/* Wait until HAProxy knows everything; not at all while it is away.  True: it does. */
bool	ban_list_settle(struct ban_list *, int timeout_ms);
#endif
