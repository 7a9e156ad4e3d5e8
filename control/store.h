/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_STORE_H
#define LLMSEC_STORE_H
/*
 * Where events stay: one SQLite file in WAL mode, written by one thread through one struct store.
 * Readers use connections of their own (store_read.h).
 *
 * Writing goes in batches: store_put()/store_quarantine() open a transaction when none is open,
 * store_commit() ends it; what was put is on disk (fsync) when it returns 0, and only then.  After
 * any error the whole batch is rolled back: nothing of it may be acknowledged.
 *
 * Errors are -errno: -EBUSY somebody holds the write lock, -ENOSPC disk full, -EBADMSG the file is
 * damaged, -EPROTO its schema is newer than this program, -ESTALE somebody removed the file,
 * -EIO everything else.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evline;
struct store;

/*
 * Open or create <path> and bring its schema up to date.  A damaged file is moved aside (with its
 * -wal and -shm) and a new one begun; *aside says so.  <aside> may be NULL.
 */
int	store_open(struct store **, const char *path, bool *aside);
void	store_close(struct store **);
/* 1 stored, 0 its id was there already, -errno.  <line>[len] is what was parsed into <ev>. */
int	store_put(struct store *, const struct evline *ev, const char *line, size_t len,
	    int64_t now_ms);
/*
 * Put aside that a line of <len> bytes from <source> was no event and why: its SHA-256 and length,
 * not its text, which may hold anything.  The same bytes again only count up.  0 or -errno.
 */
int	store_quarantine(struct store *, const void *bytes, size_t len, const char *source,
	    const char *why, int64_t now_ms);
/* Lines put since the last commit. */
unsigned store_pending(const struct store *);
int	store_commit(struct store *);
void	store_rollback(struct store *);
/* Can it be written right now?  Writes a row and commits.  Only between batches. */
int	store_probe(struct store *, int64_t now_ms);
/*
 * Delete up to <slice> events older than <oldest_ms>, or beyond the newest <max_rows> (0: no such
 * limit).  Returns how many, or -errno; call again while it returns <slice>.  Only between batches.
 */
int	store_prune(struct store *, int64_t oldest_ms, int64_t max_rows, int slice);
/* Move <path>, -wal and -shm to *.corrupt-<time>.  Close the store first.  0 or -errno. */
int	store_set_aside(const char *path);
/* Last error in words, for the log. */
const char *store_error(const struct store *);
#endif
