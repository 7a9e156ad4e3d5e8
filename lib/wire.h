/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_WIRE_H
#define LLMSEC_WIRE_H
/*
 * Bounds-checked cursors over bytes from outside whose error sticks (after Knot's wire_ctx):
 * decode a whole structure, test w.err once.  Reads past the end return 0 / NULL and set
 * -ENODATA; writes past the end set -ENOSPC.  Borrow the memory, never own it.
 */
#include <stddef.h>
#include <stdint.h>

struct wire {			/* reader */
	const uint8_t	*p, *end;
	int		 err;
};

void		 wire_init(struct wire *, const void *, size_t);
size_t		 wire_left(const struct wire *);
uint8_t		 wire_u8(struct wire *);
uint16_t	 wire_be16(struct wire *);
uint32_t	 wire_be24(struct wire *);
uint32_t	 wire_be32(struct wire *);
uint64_t	 wire_be64(struct wire *);
/* HAProxy's variable-length integer (SPOE.txt 3.1).  Over-long forms set -EPROTO. */
uint64_t	 wire_varint(struct wire *);
/* Borrow <n> bytes / everything left. */
const uint8_t	*wire_bytes(struct wire *, size_t n);
const uint8_t	*wire_rest(struct wire *, size_t *n);
void		 wire_skip(struct wire *, size_t n);

struct wire_out {		/* writer into memory the caller owns */
	uint8_t	*base, *p, *end;
	int	 err;
};

void	wire_out_init(struct wire_out *, void *, size_t);
size_t	wire_out_len(const struct wire_out *);
void	wire_put_u8(struct wire_out *, uint8_t);
void	wire_put_be16(struct wire_out *, uint16_t);
void	wire_put_be32(struct wire_out *, uint32_t);
void	wire_put_be64(struct wire_out *, uint64_t);
void	wire_put_varint(struct wire_out *, uint64_t);
void	wire_put_bytes(struct wire_out *, const void *, size_t);
/* varint length + bytes */
void	wire_put_str(struct wire_out *, const void *, size_t);
#endif
