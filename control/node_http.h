/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_NODE_HTTP_H
#define LLMSEC_NODE_HTTP_H
/* Signed requests to one other llmsecd, over a connection that is kept.  One thread. */
#include <stddef.h>

struct buf;
struct llmsecd_conf;
struct node_auth;
struct node_http;

/* Copies what it needs of <conf>; <url> as in cluster.nodes.  NULL: no memory. */
struct node_http *node_http_new(const struct llmsecd_conf *conf, const char *url, struct node_auth *);
void	node_http_free(struct node_http **);
/*
 * <path> with its query.  0 and what a 200 said, or -EREMOTEIO (another status), -ENOKEY, -EHOSTUNREACH; <why> then
 * tells people.
 */
int	node_http_ask(struct node_http *, const char *method, const char *path, const struct buf *body,
	    int timeout_ms, struct buf *answer, char *why, size_t why_size);
#endif
