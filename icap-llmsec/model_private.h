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
#define MODEL_VERSION	1
#define MODEL_HEADER	4096
#define MODEL_DIGEST	32
#define MODEL_STATES_MAX (1u << 20)
#define MODEL_NAME	24

enum model_windows { MODEL_W_BLOCKS = 1, MODEL_W_SENTENCES = 2, MODEL_W_LONG = 4 };

#define MODEL_STRIDE	16		/* tokens */
#define MODEL_BLOCK	32
#define MODEL_LONG	128
#define MODEL_LONG_STRIDE 64

struct model_header {
	char		 magic[8];
	uint32_t	 version, feature_version;
	uint64_t	 size;
	uint32_t	 n_states, n_concepts;
	uint32_t	 windows[MODEL_HEADS];
	float		 scale[MODEL_HEADS], concept_scale[MODEL_HEADS], bias[MODEL_HEADS];
	float		 platt_a[MODEL_HEADS], platt_b[MODEL_HEADS];
	float		 threshold[MODEL_HEADS][MODEL_LEVELS];
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
