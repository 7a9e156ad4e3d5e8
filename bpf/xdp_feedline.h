/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_XDP_FEEDLINE_H
#define LLMSEC_XDP_FEEDLINE_H
/*
 * What llmsecd says on bans.sock: datagrams of JSON lines {op, cidr, ttl_s, reason}.  A state machine over
 * them that only calls back; it knows no kernel and no socket.
 */
#include <stddef.h>
#include <stdint.h>

#include "lib/cidr.h"

enum xdp_ban_op { XDP_OP_BEGIN, XDP_OP_ADD, XDP_OP_DEL, XDP_OP_END, XDP_OP_OTHER };

struct xdp_ban_line {
	enum xdp_ban_op	op;
	struct cidr	cidr;		/* ADD, DEL */
	int64_t		ttl_ms;		/* ADD; -1: for ever */
};

/*
 * Every object of one datagram.  Objects that make no sense (no op, a cidr that is none, everyone, a ttl that
 * is not positive) are counted in *bad; what the callback returns, if not 0, ends it.  0, -EILSEQ: no JSON.
 */
int	xdp_ban_lines(const char *, size_t, int (*fn)(void *arg, const struct xdp_ban_line *), void *arg,
	    unsigned *bad);
#endif
