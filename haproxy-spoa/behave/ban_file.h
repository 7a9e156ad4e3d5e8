/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_BEHAVE_BAN_FILE_H
#define LLMSEC_BEHAVE_BAN_FILE_H
/*
 * Two files of lines.  The state file, ours, so that bans and their levels survive a restart:
 *	llmsec-behave 1
 *	<ip|ja4|key> <id> <level> <since> <until> <reason>
 * and the orders, llmsecd's, which it appends to:
 *	<time> lift <ip|ja4|key> <id>		an address or network lifts every ban at an address in it;
 *						a JA4 without address lifts it at every address
 *	<time> lift all -
 *	<time> ban <ip|ja4|key> <id> <seconds>
 * Times are ms since the epoch.  An order concerns what began before it, so reading one twice does nothing.
 * No line is trusted.  One thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "haproxy-spoa/behave/bans.h"

#define BAN_LINE_MAX	256

struct never_ban;

struct ban_order {
	int64_t		at_ms;
	enum { ORDER_LIFT, ORDER_BAN } op;
	bool		all;
	bool		by_network;	/* lift: <net> in place of <who> */
	struct cidr	net;
	struct ban_who	who;
	int64_t		ttl_s;
};

/* One line without its newline; -EINVAL.  The pure half, for tests and fuzzing. */
int	ban_line_parse(struct ban *, const char *, size_t);
int	ban_order_parse(struct ban_order *, const char *, size_t);
/* What snprintf would return, newline included. */
size_t	ban_line_format(char *out, size_t, const struct ban *);

/* <ahead_ms>: what the epoch's clock is ahead of the caller's. */
/* Whole or not at all: a temporary name, renamed.  0 or -errno. */
int	ban_state_save(const char *path, struct bans *, int64_t now_ms, int64_t ahead_ms);
/* 0, also without a file; -EBADMSG: not such a file; -errno.  *n_bad lines were left out; no ban lasts longer than <max_ms>. */
int	ban_state_load(const char *path, struct bans *, int64_t now_ms, int64_t ahead_ms, int64_t max_ms, size_t *n_bad);

struct ban_orders {
	const char	*path;
	dev_t		 dev;
	ino_t		 ino;
	off_t		 at;		/* read so far */
	uint64_t	 n_done, n_bad;
};

void	ban_order_apply(struct bans *, const struct ban_order *, const struct never_ban *, int64_t now_ms, int64_t ahead_ms);
/* Carry out what is new; a file that was replaced is read from its beginning.  0 or -errno; no file is 0. */
int	ban_orders_read(struct ban_orders *, struct bans *, const struct never_ban *, int64_t now_ms, int64_t ahead_ms);
#endif
