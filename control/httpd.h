/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_HTTPD_H
#define LLMSEC_HTTPD_H
/*
 * What llmsecd answers over HTTP, on loopback: /healthz and /metrics to anybody, /api and /_cluster
 * with the bearer token.  One thread per connection, made by libmicrohttpd; each opens the database for
 * itself.
 */
#include <stddef.h>

struct ban_list;
struct board;
struct counters;
struct httpd;
struct llmsecd_conf;

/* Keeps the pointers (not <conf>'s); no ban list: bans are refused with 503.  0 or -errno; says in the log what is wrong. */
int	httpd_start(struct httpd **, const struct llmsecd_conf *conf, struct board *, struct ban_list *,
	    struct counters *);
/* Read the token file again (after a reload).  A file that can't be used locks /api. */
void	httpd_token_load(struct httpd *, const char *path);
/* How long a ban lasts that doesn't say. */
void	httpd_ban_ttl_set(struct httpd *, int64_t ms);
/* Call board_stop() first, so that followers go. */
void	httpd_stop(struct httpd **);
#endif
