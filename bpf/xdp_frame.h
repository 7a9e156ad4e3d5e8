/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_XDP_FRAME_H
#define LLMSEC_XDP_FRAME_H
/* Well-formed frames, for benchmarks and tests.  Addresses as text; <family> follows from them. */
#include <stddef.h>
#include <stdint.h>

struct xdp_frame {
	const char	*src, *dst;
	uint8_t		 proto;			/* 6, 17, 1 or 58, or any other */
	uint16_t	 sport, dport;
	uint8_t		 tcp_flags;
	size_t		 payload;		/* bytes behind the header */
	const uint8_t	*first;			/* of the payload; NULL: zeros */
	size_t		 n_first;
};

/* Write it; its length, or 0 if it makes no sense or doesn't fit. */
size_t	xdp_frame_make(const struct xdp_frame *, uint8_t *out, size_t max);
#endif
