/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SET_DOM_PRIVATE_H
#define LLMSEC_SET_DOM_PRIVATE_H
/* Hash and buckets of domains.set, for the files that read and write it. */
#include "lib/set_private.h"

#define BUCKET		64u
#define BUCKET_META	63u			/* entries here, and whether some had to go to the next */
#define BUCKET_MORE	0x80u
#define PIECE_MASK	0xffffffffffffu		/* of the hash: 6 bytes an entry, 4 and 2 */
#define PIECE_SIZE	6u
#define NAME_MAX_LEN	253u			/* RFC 1035 3.1, as text */
#define LABELS_MAX	127u
#define PROBES_MAX	64u			/* buckets to look at for one name, at most */

static inline unsigned
bucket_slots(unsigned width)	/* 9 with one byte of class, 7 with two */
{
	return BUCKET_META / (PIECE_SIZE + width);
}

/* What a lookup needs; the reader's lies in the mapping, the writer's on its heap. */
struct set_dom_view {
	const uint8_t	*buckets, *filter;
	uint64_t	 n_buckets, n_words;
	uint64_t	 k0, k1;
	unsigned	 width, slots, probes;
	bool		 top;
};

/*
 * The hash goes from the last label to the first, so that a name's suffixes cost one finalisation each.  A
 * label of 8k + r bytes is k words of its last 8k bytes, then one with its first r and, in the top byte, its length.
 */
struct suffix_hash {
	uint64_t v0, v1, v2, v3;
};

void	 suffix_hash_init(struct suffix_hash *, uint64_t k0, uint64_t k1);
/* The last label of name[0..len-1]; returns where it starts.  Eight bytes are readable at <name>: see name_wide. */
size_t	 suffix_hash_label(struct suffix_hash *, const char *name, size_t len);
uint64_t suffix_hash_end(const struct suffix_hash *);

/* <name>, or a copy with room behind it where it is shorter than what is read at once. */
static inline const char *
name_wide(char tmp[8], const char *name, size_t len)
{
	return len >= 8 ? name : memcpy(tmp, name, len);
}

static inline uint64_t
scale(uint64_t hash, uint64_t n)	/* 0 .. n-1 by the hash's upper half; n < 2^32 */
{
	return (hash >> 32) * n >> 32;
}

static inline uint64_t
filter_mask(uint64_t h)
{
	return 1ULL << (h & 63) | 1ULL << (h >> 6 & 63) | 1ULL << (h >> 12 & 63);
}

/*
 * Where an entry lives.  All names below one pair of last labels share that pair's bucket, so that a lookup reads
 * one, whatever the number of its labels.  Below a pair with more than that holds (a hoster, co.uk) each lives in
 * the bucket of its own hash; a marker of class 0 in the pair's bucket says so.
 */
static inline uint64_t
marker_piece(uint64_t pair)
{
	return ~pair & PIECE_MASK;
}

/* Class number of the most specific suffix of <name> that has one, 0: none; its labels in <depth>. */
unsigned set_dom_view_find(const struct set_dom_view *, const char *name, size_t len, unsigned *depth);
#endif
