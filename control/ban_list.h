/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_BAN_LIST_H
#define LLMSEC_BAN_LIST_H
/*
 * Who is banned, in memory and on disk (ban_store.h), and which of it HAProxy has not been told yet.
 * Thread safe.  What is on the never-ban list never gets in, and what gets onto that list is taken out.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/cidr.h"

#define BAN_REASON	200
#define BAN_LIST_MAX	1000000		/* as many as HAProxy's table holds */

struct never_ban;
struct ban_list;

/* The value is what stands in HAProxy's table: one edge's vote, or enough for all. */
enum ban_scope { BAN_EDGE = 1, BAN_CLUSTER = 2 };

struct ban {
	struct cidr	 cidr;
	enum ban_scope	 scope;
	char		 reason[BAN_REASON];
	int64_t		 added_ms, expires_ms;	/* since the epoch */
};

struct ban_change {
	struct cidr	 cidr;
	int		 value;		/* 0: not banned any more, else its scope */
	uint64_t	 turn;		/* which state of it this was */
};

const char *ban_scope_name(enum ban_scope);
int	ban_scope_parse(const char *name, enum ban_scope *);

/* Takes <never>.  Reads what is on disk; 0 or -errno, after which <never> is still the caller's. */
int	ban_list_open(struct ban_list **, const char *path, struct never_ban *never, int64_t now_ms);
void	ban_list_close(struct ban_list **);
/* Takes the new never-ban list and lifts the bans it forbids.  0 or -errno: the disk has them still. */
int	ban_list_never_set(struct ban_list *, struct never_ban *);
/*
 * Add all or none; a ban that is there is replaced.  0; -EPERM: *bad may not be banned because of
 * *entry; -ENOSPC: BAN_LIST_MAX; -errno: not on disk.
 */
int	ban_list_add(struct ban_list *, const struct ban *, size_t n, size_t *bad, struct cidr *entry);
/*
 * Lift them; *removed of them were there.  HAProxy is told about all, because it bans by itself, too.
 */
int	ban_list_remove(struct ban_list *, const struct cidr *, size_t n, size_t *removed);
/* Lift what has expired; when the next one does (INT64_MAX: never). */
int64_t	ban_list_expire(struct ban_list *, int64_t now_ms);
/* Each ban, under the lock; <pending>: HAProxy doesn't know it yet. */
void	ban_list_each(struct ban_list *, void (*)(void *arg, const struct ban *, bool pending), void *arg);

/* --- the side of ban_link.h */
/* Take at most <max> changes off the queue; each goes back by ban_list_told(). */
size_t	ban_list_changes(struct ban_list *, struct ban_change *, size_t max);
/* Done (<ok>), or to be told again. */
void	ban_list_told(struct ban_list *, const struct ban_change *, size_t n, bool ok);
/* HAProxy knows nothing: queue everything. */
void	ban_list_tell_all(struct ban_list *);
/* Is HAProxy there, and if not, why? */
void	ban_list_link_set(struct ban_list *, bool up, const char *error);
bool	ban_list_link_get(struct ban_list *, char error[BAN_REASON]);
/* Wait for a change or the end; false: stop. */
bool	ban_list_wait(struct ban_list *, bool for_changes, int timeout_ms);
void	ban_list_stop(struct ban_list *);
/* Wait until HAProxy knows everything; not at all while it is away.  True: it does. */
bool	ban_list_settle(struct ban_list *, int timeout_ms);
#endif
