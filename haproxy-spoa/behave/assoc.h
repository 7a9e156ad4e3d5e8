/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_BEHAVE_ASSOC_H
#define LLMSEC_BEHAVE_ASSOC_H
/*
 * Where in a table of sets a hash may lie: 8 places in each of two sets.  Two choices keep the sets even
 * (Azar, Broder, Karlin, Upfal, "Balanced Allocations", 1994), so that a table five sixths full loses next to nothing, and
 * the eight tags of a set are one cache line.
 */
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/siphash.h"

#define ASSOC_WAYS	8
#define ASSOC_PLACES	(2 * ASSOC_WAYS)
#define ASSOC_EMPTY	0
#define ASSOC_BUSY	1	/* somebody is moving in */

/* The first place of the first (<choice> 0) or second set.  They may be the same. */
static inline size_t
assoc_set(struct sip_hash h, size_t n_sets, int choice)
{
	uint32_t part = choice ? (uint32_t)(h.lo >> 32) : (uint32_t)h.lo;

	return (size_t)((uint64_t)part * n_sets >> 32) * ASSOC_WAYS;
}

/* The <i>th of ASSOC_PLACES. */
static inline size_t
assoc_place(struct sip_hash h, size_t n_sets, int i)
{
	return assoc_set(h, n_sets, i >= ASSOC_WAYS) + (size_t)(i % ASSOC_WAYS);
}

static inline uint64_t
assoc_tag(struct sip_hash h)
{
	return h.hi > ASSOC_BUSY ? h.hi : h.hi + 2;
}
#endif
