/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EGRESS_STORE_H
#define LLMSEC_EGRESS_STORE_H
/*
 * What the API keeps about egress: lists of domains and networks, and the versions of the policy.  One SQLite file,
 * egress.db, and beside it what the helper reads: `lists` (squid-helpers/egress_lists.h) and the sets it names.
 * A call that returns 0 is on disk and in force for the helper's next decision.  Thread safe: one lock.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

struct egress_store;
struct ti_collect;

enum egress_list { EGRESS_DOMAINS, EGRESS_NETWORKS, EGRESS_WHITELIST, EGRESS_LISTS };

struct egress_entry {
	int64_t		 id, added_ms, expires_s;	/* expires 0: never */
	const char	*value, *description;
	bool		 imported;	/* a list has it, too, or only a list */
};

struct egress_counts {
	size_t	added, duplicate, removed, missing, invalid;
};

int	egress_store_open(struct egress_store **, const char *dir);
void	egress_store_close(struct egress_store **);

/*
 * A person's entry.  1: added, 0: was there already (its description and end are the new ones), or -errno.  An entry that an imported
 * list has too outlives its end: the list wants it until it drops it.
 */
int	egress_store_add(struct egress_store *, enum egress_list, const char *value, const char *description,
	    int64_t ttl_s);
#define EGRESS_VALUE	512

/* By value, or by id where <value> is NULL.  1: gone, with its value in <was>, 0: was not there, or -errno. */
int	egress_store_del(struct egress_store *, enum egress_list, const char *value, int64_t id, char was[EGRESS_VALUE]);
/* All that a parser found, for ever.  0 or -errno; nothing is added on an error. */
int	egress_store_import(struct egress_store *, enum egress_list, struct ti_collect *, const char *description,
	    struct egress_counts *);
/* The description of what egress_store_import() brought for the API. */
#define EGRESS_IMPORTED	"import"
/*
 * The same list taken off again; counts removed, missing and invalid.  Only what was imported goes: an entry that a person made, or
 * described, counts as missing, because a feed that drops a name must not take theirs with it; from then on it ends when they said.
 */
int	egress_store_remove(struct egress_store *, enum egress_list, struct ti_collect *, struct egress_counts *);
/* Newest first; <search> "": all.  Returns the number there is in all, or -errno. */
int64_t	egress_store_list(struct egress_store *, enum egress_list, const char *search, int limit, int offset,
	    void (*row)(void *, const struct egress_entry *), void *arg);
/* What has ended goes; about once a minute. */
void	egress_store_tick(struct egress_store *);

/* A version of the policy.  What a caller gets is a copy. */
struct egress_policy_version {
	int64_t	 number, added_ms;	/* number 0: there is none */
	size_t	 bytes;
	char	 by[81], description[201];	/* who brought it, and why; "" where nobody said */
};
#define EGRESS_POLICY_VERSIONS	1000	/* so many of the newest are kept */

/* The next version; its number, or -errno.  Texts longer than the fields above are cut. */
int64_t	egress_store_policy_add(struct egress_store *, const char *text, size_t len, const char *by, const char *description);
/* One that never came into force; its number isn't given again. */
int	egress_store_policy_drop(struct egress_store *, int64_t version);
/* By its number, 0: the newest.  What it returns is the number, 0: there is none, or -errno.  <v> may be NULL. */
int64_t	egress_store_policy_get(struct egress_store *, int64_t version, struct buf *text, struct egress_policy_version *v);
/* The newest with exactly that text.  As above. */
int64_t	egress_store_policy_find(struct egress_store *, const char *text, size_t len, struct egress_policy_version *v);
/* Newest first; returns the number there is in all, or -errno. */
int64_t	egress_store_policy_list(struct egress_store *, int limit, int offset,
	    void (*row)(void *, const struct egress_policy_version *), void *arg);
#endif
