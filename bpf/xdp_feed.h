/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_XDP_FEED_H
#define LLMSEC_XDP_FEED_H
/* What `import` reads: a text list (xdp_never.h) or an IP set of ti-sync (llmsec-set(5)), told by its first bytes. */
#include <stddef.h>

struct cidr;
struct diag;

int	xdp_feed_read(const char *path, struct cidr **list, size_t *n, size_t *skipped, struct diag *);
#endif
