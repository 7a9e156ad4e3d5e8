/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_MODEL_PRIVATE_H
#define LLMSEC_ICAP_MODEL_PRIVATE_H
/*
 * The model file, for those who read, write and explain it.  All numbers little-endian.
 *
 *	header		MODEL_HEADER bytes, struct model_header
 *	words		FEATURE_TABLE entries of two int8: direct, data
 *	concepts	FEATURE_CONCEPT_TABLE entries of two int8
 *	trie		n_states struct concept_node, then n_states bytes, zeros to a multiple of 8
 *	digest		SHA-256 of all that is before it
 */
#include <math.h>

#include "icap-llmsec/concept.h"
#include "icap-llmsec/feature.h"
#include "icap-llmsec/model.h"

#define MODEL_MAGIC	"\x89LMDL\r\n\x1a"
#define MODEL_VERSION	2
#define MODEL_HEADER	4096
#define MODEL_DIGEST	32
#define MODEL_STATES_MAX (1u << 20)
#define MODEL_NAME	24

enum model_windows { MODEL_W_BLOCKS = 1, MODEL_W_SENTENCES = 2 };

#define MODEL_STRIDE	16		/* tokens */
#define MODEL_BLOCK	32
#define MODEL_SENTENCE	4		/* tokens; of a shorter one chance says too much, and it is no order */
#define MODEL_SEEN_BITS	12
#define MODEL_SEEN_TOKENS 25		/* bits of a token's number */

struct model_header {
	char		 magic[8];
	uint32_t	 version, feature_version;
	uint64_t	 size;
	uint32_t	 n_states, n_concepts;
	uint32_t	 windows[MODEL_HEADS];
	float		 scale[MODEL_HEADS], concept_scale[MODEL_HEADS], bias[MODEL_HEADS];
	float		 platt_a[MODEL_HEADS], platt_b[MODEL_HEADS];
	float		 threshold[MODEL_HEADS][MODEL_LEVELS];
	float		 documents[MODEL_HEADS][MODEL_LEVELS];	/* thresholds of documents alone: last of the numbers */
	char		 about[512];
	char		 concept[CONCEPTS_MAX + 1][MODEL_NAME];
};

struct model {
	void		*mapped;
	size_t		 mapped_size;
	struct model_header h;
	const int8_t	(*word)[MODEL_HEADS];
	const int8_t	(*concept)[MODEL_HEADS];
	struct concept_trie trie;
	char		 id[9];
};

/*
 * Where each feature was seen last: what repeats in a window counts once there, so that a word said a hundred times says
 * no more than once.  One entry a slot, without chains: a feature that another has pushed out counts again.  A window has
 * some 600 features and the table 4096 slots, it stays in the first cache.
 */
struct model_seen {
	uint32_t	 slot[1u << MODEL_SEEN_BITS];	/* rest of the feature's number, number of the token + 1 */
};

/* Features of words have the numbers below FEATURE_TABLE, those of concepts begin there. */
static inline uint32_t
model_seen_concept(uint32_t c)
{
	return FEATURE_TABLE + c;
}

/* The number + 1 of the last token that had the feature, 0 if none is known; <token> has it now. */
static inline uint32_t
model_seen_at(struct model_seen *s, uint32_t feature, uint32_t token)
{
	const uint32_t tokens = (1u << MODEL_SEEN_TOKENS) - 1;
	uint32_t *e = &s->slot[feature & ((1u << MODEL_SEEN_BITS) - 1)], tag = feature >> MODEL_SEEN_BITS, was = *e;

	*e = tag << MODEL_SEEN_TOKENS | ((token + 1) & tokens);
	return was >> MODEL_SEEN_TOKENS == tag ? was & tokens : 0;
}

/*
 * What a text of that many bytes must show beyond others, in raw scores.  A few words have little that could speak against an
 * attack, and a long prompt has many windows of which the highest counts: of harmless chat that was left out of training, the
 * highest 1 % reach 1.0 where it has 20 bytes, -0.6 where it has 128, 0.9 where it has 1024 (docs/model-card.md).  Documents' tails
 * are those of their length already up to some KB.  The trainer subtracts it before it takes thresholds.
 */
#define MODEL_SHORT	90.5f		/* bytes: 2^6.5 */
#define MODEL_SHORT_STEP 0.6f		/* for each halving */
#define MODEL_LONG	512.0f
#define MODEL_LONG_STEP	0.25f		/* for each doubling */
#define MODEL_LONG_MOST	0.75f

static inline float
model_length_raw(enum model_head h, size_t bytes)
{
	float len = bytes > 8 ? (float)bytes : 8;

	if (h != MODEL_DIRECT)
		return 0;
	if (len < MODEL_SHORT)
		return MODEL_SHORT_STEP * log2f(MODEL_SHORT / len);
	return len > MODEL_LONG ? fminf(MODEL_LONG_MOST, MODEL_LONG_STEP * log2f(len / MODEL_LONG)) : 0;
}

/* Damped, so that a text of three words isn't certain of anything. */
static inline float
model_norm_words(uint32_t n)
{
	return 1.0f / sqrtf((float)n + 24.0f);
}

static inline float
model_norm_concepts(uint32_t n)
{
	return 1.0f / sqrtf((float)n + 6.0f);
}
#endif
