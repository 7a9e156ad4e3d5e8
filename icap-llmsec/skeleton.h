/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_SKELETON_H
#define LLMSEC_ICAP_SKELETON_H
/* Between the parts of norm_skeleton(). */
#include "icap-llmsec/norm.h"

struct letter {			/* one character of the normalised text */
	uint32_t	 c;
	uint32_t	 at;	/* its first byte there */
};

/*
 * Letters that stood apart, all with the same gap, don't say where a word ends: how many of v[0..n-1], n > 0, the
 * first word takes.  All of them where the words are not among those that attacks are made of.
 */
size_t	skeleton_first_word(const struct letter *, size_t n);
#endif
