/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SIPHASH_H
#define LLMSEC_SIPHASH_H
/*
 * SipHash-2-4 with 128 bits of output (J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF", 2012):
 * who doesn't know the key can neither find two sources that share a place in a table nor tell what a tag was made of.
 */
#include <stddef.h>
#include <stdint.h>

struct sip_key {
	uint64_t	k0, k1;
};

struct sip_hash {
	uint64_t	lo, hi;
};

struct sip_hash	siphash(const struct sip_key *, const void *, size_t);
#endif
