/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_BAN_STORE_H
#define LLMSEC_BAN_STORE_H
/*
 * Bans on disk: an SQLite file of their own, so that neither a flood of events nor a damaged events.db
 * costs a ban.  What a call has put is on disk when it returns 0.  Not thread safe.
 */
#include <stddef.h>
#include <stdint.h>

struct ban;
struct ban_store;

/* A damaged file is moved aside and a new one begun, as store_open() does. */
int	ban_store_open(struct ban_store **, const char *path);
void	ban_store_close(struct ban_store **);
/*
 * Each vote to <row>, until that returns < 0.  Edges are names on disk and their places in <name> outside; a vote
 * of an edge that isn't among them is left out.
 */
int	ban_store_each(struct ban_store *, char *const *name, size_t n_names,
	    int (*row)(void *arg, const struct ban *), void *arg);
/* One transaction: all of them, or none and -errno. */
int	ban_store_put(struct ban_store *, const struct ban *, size_t n, char *const *name);
/* Edge BAN_ALL or BAN_ALL_HEARD: the votes of all. */
int	ban_store_delete(struct ban_store *, const struct ban *, size_t n, char *const *name);
/* Delete what has expired at <now_ms>. */
int	ban_store_expire(struct ban_store *, int64_t now_ms);
#endif
