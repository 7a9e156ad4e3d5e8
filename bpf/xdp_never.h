/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_XDP_NEVER_H
#define LLMSEC_XDP_NEVER_H
/* Lists of addresses and networks, one a line: never-ban.lst and what `llmsec-xdp import` reads. */
#include <stddef.h>

struct cidr;
struct diag;

/* <path> "": an empty list.  A line that can't be read is an error.  *list is the caller's (free). */
int	xdp_never_load(const char *path, struct cidr **list, size_t *n, struct diag *);
/*
 * A feed: comments after '#' or ';', blank lines, further columns after the first are skipped; <skipped>
 * counts lines that are neither, the first of them as warnings.
 */
int	xdp_feed_load(const char *path, struct cidr **list, size_t *n, size_t *skipped, struct diag *);
#endif
