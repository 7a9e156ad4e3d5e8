/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_CTL_CLIENT_H
#define LLMSEC_CTL_CLIENT_H
/* llmsecctl's way to llmsecd: HTTP with the bearer token.  One thread. */
#include <stddef.h>

struct buf;

struct ctl_target {
	char	url[256];		/* without a slash at the end */
	char	token[257];		/* "": none */
};

/* First line of <path> into the target.  0 or -errno. */
int	ctl_token_read(struct ctl_target *, const char *path);
/* GET <path> (already encoded) into <body>.  The HTTP status, or -1 after saying why on stderr. */
long	ctl_get(const struct ctl_target *, const char *path, struct buf *body);
/* The same with another method and <text>, which is JSON. */
long	ctl_send(const struct ctl_target *, const char *method, const char *path, const struct buf *text,
	    struct buf *body);
/*
 * Follow a stream of Server-sent events: each one's data to <event>, with its id, until that
 * returns not 0 or the server goes.  The HTTP status, or -1: no connection.  Quiet about a broken
 * connection, because the caller connects again.
 */
long	ctl_follow(const struct ctl_target *, const char *path,
	    int (*event)(void *arg, const char *id, const char *data), void *arg);
#endif
