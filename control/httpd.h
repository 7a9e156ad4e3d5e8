/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_HTTPD_H
#define LLMSEC_HTTPD_H
/*
 * What llmsecd answers over HTTP, on loopback: /healthz and /metrics to anybody, /api and /_cluster
 * with a bearer token, which has a role, /_cluster also with a node's signature.  One thread per connection, made by
 * libmicrohttpd; each opens the database for itself.
 */
#include <stddef.h>
#include <stdint.h>

struct ban_list;
struct ban_nodes;
struct board;
struct control_events;
struct counters;
struct egress_store;
struct httpd;
struct llmsecd_conf;
struct node_auth;

struct httpd_parts {
	struct board	*board;
	struct counters	*ctr;
	struct ban_list	*bans;		/* NULL: they can't be read; 503 */
	struct ban_nodes *nodes;	/* NULL with <bans> */
	struct node_auth *node_auth;
	struct control_events *events;
	struct egress_store *egress;	/* NULL: no egress API; 503 */
};

/* Keeps the pointers (not <conf>'s).  0 or -errno. */
int	httpd_start(struct httpd **, const struct llmsecd_conf *conf, const struct httpd_parts *);
/* Read the token files again (after a reload).  A file that can't be used lets nobody in. */
void	httpd_tokens_load(struct httpd *, const struct llmsecd_conf *);
/* How long a ban lasts that doesn't say. */
void	httpd_ban_ttl_set(struct httpd *, int64_t ms);
/* Call board_stop() first, so that followers go. */
void	httpd_stop(struct httpd **);
#endif
