/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_NEVER_BAN_H
#define LLMSEC_NEVER_BAN_H
/*
 * Who is never banned: a file of addresses and networks, one a line; a line that begins with "#" is
 * a comment.  HAProxy reads the same file.  Immutable once loaded; any number of threads.
 */
#include <stddef.h>

struct cidr;
struct never_ban;

/* <path> "": nobody.  0, -EINVAL with the line number in *line, or -errno of reading. */
int	never_ban_load(struct never_ban **, const char *path, unsigned *line);
void	never_ban_free(struct never_ban **);
/* The entry that has an address in common with <c>; NULL: there is none. */
const struct cidr *never_ban_find(const struct never_ban *, const struct cidr *c);
#endif
