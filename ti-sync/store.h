/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_STORE_H
#define LLMSEC_TI_STORE_H
/*
 * What the feeds said, and when: one SQLite file that only llmsec-ti-sync writes.  Entries are rows of their feed
 * in key order, with the run that first brought them and, once they are missing, the run that missed them.  A
 * feed's new content goes in as one transaction; a process that is killed leaves the state before or after it.
 *
 * Functions return 0 or -errno (-EIO: SQLite, whose words are in ti_store_error).  Not thread safe.
 */
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "ti-sync/keys.h"

struct ti_store;

struct ti_feed_row {
	int64_t	 id;
	char	 url[1024], etag[256], modified[64], sha256[65], format[16], error[256];
	int64_t	 checked, success;	/* unix time of the last try, of the last content or 304; 0: never */
	int64_t	 names, nets, refused, bytes;
	int64_t	 parse_version;		/* settings the content was read with */
};

struct ti_change {			/* what an import did or would do */
	size_t	 before, added, gone, returned, same;
};

/* NULL <path>: in memory, for tests.  <readonly>: for questions; never migrates. */
int	 ti_store_open(struct ti_store **, const char *path, bool readonly);
void	 ti_store_close(struct ti_store **);
const char *ti_store_error(const struct ti_store *);

int	 ti_store_run_begin(struct ti_store *, time_t now, int64_t *run);
int	 ti_store_run_end(struct ti_store *, int64_t run, time_t now, const char *report);
/* The first run that started after <t>; entries gone since then are still listed.  INT64_MAX: none. */
int64_t	 ti_store_run_after(struct ti_store *, time_t t);
/* The last run before <before> that missed an entry of the feed; 0: none. */
int64_t	 ti_store_last_loss(struct ti_store *, int64_t feed, int64_t before);
time_t	 ti_store_run_time(struct ti_store *, int64_t run);
int64_t	 ti_store_last_run(struct ti_store *);

/* Finds or makes the feed's row. */
int	 ti_store_feed_get(struct ti_store *, const char *name, struct ti_feed_row *);
int	 ti_store_feed_put(struct ti_store *, const struct ti_feed_row *);

int	 ti_store_meta_get(struct ti_store *, const char *key, char *out, size_t size);
int	 ti_store_meta_put(struct ti_store *, const char *key, const char *value);

int	 ti_store_begin(struct ti_store *);
int	 ti_store_commit(struct ti_store *);
void	 ti_store_rollback(struct ti_store *);

/*
 * Make the feed's entries of one kind be <keys>, sorted.  With <max_loss> per cent (0 to 100) and more than that
 * gone: -ERANGE, and nothing is changed.  Inside a transaction.
 */
int	 ti_store_import(struct ti_store *, int64_t feed, enum ti_kind, const struct ti_keys *keys, int64_t run,
	    int max_loss, struct ti_change *);

/* A feed's entries in key order; those gone before <since> are left out. */
struct ti_cursor;
int	 ti_cursor_open(struct ti_cursor **, struct ti_store *, int64_t feed, enum ti_kind, int64_t since);
/* 1: an entry, 0: no more, or -errno.  The key lives until the next call. */
int	 ti_cursor_next(struct ti_cursor *, const void **key, size_t *len);
void	 ti_cursor_close(struct ti_cursor **);

/* Calls back for each feed that has or had exactly this key. */
struct ti_entry {
	const char	*feed;
	int64_t		 feed_id, first, gone;
};
int	 ti_store_entry(struct ti_store *, enum ti_kind, const void *key, size_t len,
	    void (*fn)(void *, const struct ti_entry *), void *arg);
/* What happened to it, oldest first: run and '-' gone or '+' back. */
int	 ti_store_history(struct ti_store *, int64_t feed, enum ti_kind, const void *key, size_t len,
	    void (*fn)(void *, int64_t run, char what), void *arg);
/* Entries that came or went after run <from> up to run <to>, feed by feed. */
int	 ti_store_diff(struct ti_store *, int64_t from, int64_t to,
	    void (*fn)(void *, const char *feed, enum ti_kind, const void *key, size_t len, char what), void *arg);
#endif
