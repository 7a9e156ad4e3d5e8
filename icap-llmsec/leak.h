/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_LEAK_H
#define LLMSEC_ICAP_LEAK_H
/*
 * Does an answer recite the system prompt?  Both are read as a stream of letters: case, white space, punctuation, digits and
 * marks fall away, so spaced, numbered, quoted and reformatted text is the same text.  Every LEAK_K letters in a row
 * are a shingle, hashed by a rolling polynomial; the request keeps a winnowed choice of them (S. Schleimer, D. Wilkerson,
 * A. Aiken, "Winnowing: local algorithms for document fingerprinting", SIGMOD 2003: in any copy of LEAK_K + w - 1
 * letters at least one is chosen), the answer looks up each of its own.  Read at the same time: backwards, ROT13,
 * base64, hexadecimal.
 *
 * Shingles that also stand in a user's or a tool's text are not kept: who brought a text may have it quoted.
 * A watch belongs to one response; a reader to one text of it.  Sketch borrowed.  Constant time per byte.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "icap-llmsec/responses.h"

#define LEAK_K		32	/* letters of a shingle: some six English words */
#define LEAK_MIN	80	/* letters; a shorter prompt says nothing of its own */

/* ---- request: fill sketch->units, n, shingle from the system spans.  0 or -ENOMEM. */
int	leak_sketch(struct resp_sketch *, const struct spans *, struct arena *);

/* ---- answer ----------------------------------------------------------------------------------------- */
enum leak_level { LEAK_NONE, LEAK_PARTIAL, LEAK_STRONG };

struct leak_slot { uint32_t hash; uint16_t index; };	/* index + 1, 0: empty */

struct leak_watch {
	const struct resp_sketch *sketch;
	uint64_t base, inverse, top;	/* of the polynomial, from the sketch's key */
	struct leak_slot *table;	/* owned */
	uint32_t mask;			/* slots - 1 */
	uint64_t hit[SKETCH_SHINGLES / 64];	/* shingles seen */
	uint64_t over[SKETCH_SHINGLES / 64];	/* those that begin within one that was seen */
	uint32_t hits, head_hits, covered;
	bool	 canary;		/* seen */
};

/* One way of reading: the last letters and their hashes. */
struct leak_roll {
	uint64_t fwd, rev;
	uint32_t ring[LEAK_K];
	uint32_t n;			/* letters so far, stops counting at 2^31 */
};

enum { LEAK_PLAIN, LEAK_ROT13, LEAK_BASE64, LEAK_HEX, LEAK_NUMBERS, LEAK_READINGS };

struct leak_reader {
	struct leak_roll roll[LEAK_READINGS];
	uint32_t b64, hex;		/* bits of an unfinished quantum */
	uint8_t	 b64_n, hex_n;
	uint32_t number, bits;		/* of the digits so far, as decimals and as bits */
	uint8_t	 digits;
	uint8_t	 part[4], part_len;	/* of a character cut by the end of a piece */
	uint8_t	 b64_part[4], b64_part_len, hex_part[4], hex_part_len;
	uint32_t quiet;			/* letters since the last hit */
};

/* -ENOMEM.  Without anything to watch for, watch->sketch is NULL. */
int	leak_watch_init(struct leak_watch *, const struct resp_sketch *);
void	leak_watch_clear(struct leak_watch *);
void	leak_read(struct leak_watch *, struct leak_reader *, const char *, size_t);
enum leak_level leak_level(const struct leak_watch *);
/* In the middle of something that looks like it: better held back for a moment. */
bool	leak_hot(const struct leak_watch *, const struct leak_reader *);

/* ---- canary: CANARY_LEN letters and NUL, from the keyring's first key, the tenant and the number of the period.  0 or -errno. */
int	canary_make(char out[CANARY_LEN + 1], const struct keyring *, const char *tenant, int64_t period);
#endif
