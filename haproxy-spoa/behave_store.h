/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOAD_BEHAVE_STORE_H
#define LLMSEC_SPOAD_BEHAVE_STORE_H
/*
 * What behaviour keeps while configurations come and go: windows, bans, the state file, how far the orders are read.
 * One for the process, counted; a configuration of another size gets a new one with the bans of the old.
 */
#include <stdatomic.h>
#include <stdint.h>

#include "haproxy-spoa/behave/ban_file.h"
#include "haproxy-spoa/behave/behave.h"

struct behave_conf;
struct counters;
struct diag;

struct behave_store {
	struct behave		*b;
	_Atomic uint64_t	 banned[BAN_KINDS], refused[BAN_KINDS];	/* since the start */
	/* private */
	atomic_uint		 refs;
	int			 sources, max_bans;
	char			*state_file;		/* "": not kept */
	struct ban_orders	 orders;
	char			*orders_path;
	uint64_t		 saved, told_bad;
	uint64_t		 reported[8];		/* what the counters have been given */
	int64_t			 saved_ms, ahead_ms;
	int			 save_error, orders_error;
};

/* From the thread that configures.  0 or -errno with text in <diag>. */
int	behave_store_get(struct behave_store **, const struct behave_conf *, struct diag *);
/* From any thread; the last one saves and frees. */
void	behave_store_put(struct behave_store **);
/*
 * Orders, expiry, the state file.  From the thread that configures, for the configuration in force: with the first call the
 * store takes over the state file, so that a configuration that is refused in the end has changed nothing.
 */
void	behave_store_tick(struct behave_store *, const struct behave_conf *, const struct behave_limits *,
	    const struct never_ban *, int64_t now_ms);
void	behave_store_report(struct behave_store *, struct counters *);
#endif
