/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TEST_XDP_VECTORS_H
#define LLMSEC_TEST_XDP_VECTORS_H
/*
 * One frame for every way through the program, as hex with spaces: MACs left out, lengths and checksums as
 * written.  <limits>: only a filter with vectors_conf says this reason; the parser alone says "unprotected".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vector {
	const char	*name, *hex;		/* from the EtherType on */
	const char	*reason;
	bool		 limits;
	unsigned	 repeat;		/* so often before <reason> is the answer; 0: the first time */
	size_t		 pad;			/* zeros behind it */
};

extern const struct vector vectors[];
extern const size_t n_vectors;
/* The filter's configuration for them (YAML), and its bans. */
extern const char vectors_conf[];

size_t	vector_frame(const struct vector *, uint8_t *out, size_t max);
#endif
