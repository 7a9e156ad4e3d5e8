/* SPDX-License-Identifier: MIT */
#ifndef MOCK_SQUEEZE_H
#define MOCK_SQUEEZE_H
/*
 * Content codings with a flush after every piece, as a provider needs that compresses SSE.  "deflate"
 * is the zlib format (RFC 9110, 8.4.1.2).  One thread per object.
 */
#include <stddef.h>
#include "lib/buf.h"
#include "plan.h"

enum squeeze_mode { SQUEEZE_FLUSH, SQUEEZE_END };

struct squeeze;
/* NULL: out of memory.  PLAN_IDENTITY is not allowed. */
struct squeeze *squeeze_new(enum plan_coding);
void	squeeze_free(struct squeeze *);
/* Append the compressed <p> to <out>, complete up to here.  0 or -errno. */
int	squeeze_feed(struct squeeze *, const char *p, size_t n, enum squeeze_mode, struct buf *out);
/* The token for Content-Encoding; NULL for identity. */
const char *squeeze_name(enum plan_coding);
#endif
