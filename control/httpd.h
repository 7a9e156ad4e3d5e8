/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_HTTPD_H
#define LLMSEC_HTTPD_H
/*
 * What llmsecd answers over HTTP, on loopback: /healthz and /metrics to anybody, /api with the
 * bearer token.  One thread per connection, made by libmicrohttpd; each opens the database for
 * itself.
 */
#include <stddef.h>

struct board;
struct counters;
struct httpd;
struct llmsecd_conf;

/* Keeps the pointers (not <conf>'s).  0 or -errno; says in the log what is wrong. */
int	httpd_start(struct httpd **, const struct llmsecd_conf *conf, struct board *, struct counters *);
/* Read the token file again (after a reload).  A file that can't be used locks /api. */
void	httpd_token_load(struct httpd *, const char *path);
/* Call board_stop() first, so that followers go. */
void	httpd_stop(struct httpd **);
#endif
