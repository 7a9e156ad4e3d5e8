/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_WAF_PERSIST_H
#define LLMSEC_WAF_PERSIST_H
/*
 * Persistent collections in LMDB: one record per collection and key ("IP" of "192.0.2.1").  The environment is
 * opened when rules are loaded and shared by every rule set of the process that names the same folder (LMDB
 * forbids opening one twice), so that a reload keeps counters.  Without MDB_NOSYNC's promise: a crash may lose
 * the last seconds, which counters can bear.  Readers never wait; writers wait for each other, one short
 * transaction at the end of a request that changed something.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "haproxy-spoa/waf/waf.h"

struct arena;
struct diag;
struct persist;

struct persist_var {
	struct waf_str	 key, value;
	int64_t		 expires;	/* seconds since 1970; 0 never */
};

struct persist_record {
	struct persist_var *v;
	size_t		 n;
	int64_t		 created, updated, counter, timeout;
};

/* The folder is made if missing.  NULL with text in <diag>. */
struct persist	*persist_open(const char *dir, struct diag *);
void		 persist_close(struct persist **);

/* 1 found, 0 not there or expired by <now>, -errno.  Memory in the arena; expired variables are left out. */
int		 persist_get(struct persist *, const char *coll, struct waf_str key, int64_t now,
		    struct persist_record *, struct arena *);

/*
 * Change a record: <fn> sees what the store holds at that moment (n == 0 if nothing), under the writer's lock,
 * and leaves what shall be stored.  One call for all collections of a transaction.
 */
struct persist_update {
	const char	*coll;
	struct waf_str	 key;
	void		*arg;
};
int		 persist_update(struct persist *, const struct persist_update *, size_t n, int64_t now,
		    void (*fn)(void *arg, bool found, struct persist_record *, struct arena *), struct arena *);
/*
 * Drop records that nobody can read any more: looks at the next <max>, so that writers wait for a slice at most.
 * 1: that was the end, the next call begins anew; 0: there are more; -errno.  *dropped grows.  One thread at a time
 * for each environment: that which loads rules.
 */
int		 persist_sweep(struct persist *, int64_t now, size_t max, size_t *dropped);
#endif
