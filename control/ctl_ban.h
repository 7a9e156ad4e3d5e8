/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_CTL_BAN_H
#define LLMSEC_CTL_BAN_H
/* llmsecctl ban add|del|list: requests for /_cluster/blacklist, and its answers for people. */
#include <stdio.h>

struct buf;

struct ctl_ban {
	const char	*ttl;		/* "10m"; NULL: llmsecd's default */
	const char	*reason, *scope;	/* NULL: not given */
};

/*
 * An array of bans of <addresses>; "-" reads them from <in>, one a line, "#" begins a comment.
 * 0, or -EINVAL after saying why on stderr.
 */
int	ctl_ban_request(struct buf *out, const struct ctl_ban *, char *const *addresses, int n, FILE *in);
/* The answer to a list, one ban a line.  0 or -EINVAL. */
int	ctl_ban_show(const char *answer, FILE *);
#endif
