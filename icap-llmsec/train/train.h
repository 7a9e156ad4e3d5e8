/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TRAIN_H
#define LLMSEC_TRAIN_H
/*
 * The trainer of the injection model (model.h): rows of labelled text to a model file.  Deterministic: the same
 * rows, options and seed give the same bytes.  One thread for each head; not part of the request path.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "icap-llmsec/concept.h"
#include "icap-llmsec/feature.h"
#include "icap-llmsec/model_private.h"

#define SOURCES_MAX	256
#define FOLDS		4
#define FOLD_ALL	(-1)

struct diag;

/* ---- random numbers: splitmix64 (Steele et al., OOPSLA 2014) ----------------------------------- */
struct rng {
	uint64_t	 s;
};
uint64_t rng_next(struct rng *);
double	rng_unit(struct rng *);			/* [0, 1) */
size_t	rng_below(struct rng *, size_t n);
uint64_t hash_text(const char *, size_t);

/* ---- data ------------------------------------------------------------------------------------- */
struct source {
	char		 name[48];
	unsigned	 heads;			/* 1 << MODEL_DIRECT | 1 << MODEL_DATA */
	float		 weight;
	int		 fold;			/* left out together; FOLD_ALL: by family */
	int		 pool;			/* its benign rows count for thresholds: 1 with chat, 2 with documents; 0 not */
	size_t		 max;			/* rows taken; 0: all */
	size_t		 n;
};

struct row {
	struct { char *text; size_t len; uint64_t *lines; } *view;
	unsigned	 n_views;
	uint16_t	 source;
	uint8_t		 label, heads;
	int8_t		 fold;
	bool		 order;			/* by itself an order to an assistant: may be put into documents */
	float		 weight;
	char		*text;			/* as it was; for lists of the worst */
	uint64_t	 family;
	char		*family_name;
};

struct dataset {
	struct row	*row;
	size_t		 n, cap;
	struct source	 source[SOURCES_MAX];
	size_t		 n_sources;
	size_t		 unlabelled;		/* rows of the shadow log that nobody has judged yet: passed over */
};

/* sources.txt: which head a source is for, its weight, its fold.  Returns 0, -errno, -EINVAL with <diag>. */
int	sources_load(struct dataset *, const char *path, struct diag *);
/* One JSONL file, gzip or not.  <weight> multiplies that of the source. */
int	dataset_read(struct dataset *, const char *path, float weight, struct diag *);
/* *.jsonl, *.jsonl.gz of a directory, by name. */
int	dataset_read_dir(struct dataset *, const char *path, float weight, struct diag *);
/* Instructions of users and orders (rows that say "order": true), put into documents and tool results: positives for the data head. */
int	dataset_embed(struct dataset *, size_t n, uint64_t seed);
/* Harmless words of users as they are, where data is expected: negatives for the data head, out of <n> rows drawn. */
int	dataset_paste(struct dataset *, size_t n, uint64_t seed);
/* Short sentences out of harmless texts, alone: negatives for the direct head, out of <n> rows drawn. */
int	dataset_scraps(struct dataset *, size_t n, uint64_t seed);
void	dataset_free(struct dataset *);

/* ---- learning --------------------------------------------------------------------------------- */
struct train_opts {
	uint64_t	 seed;
	unsigned	 epochs;
	float		 rate, drop_word, drop_all, l1, concept_boost, pos_weight;
	unsigned	 windows[MODEL_HEADS];
	unsigned	 seeds;			/* runs that are averaged */
};

struct weights {				/* one head */
	float		*w, *c;			/* FEATURE_TABLE, FEATURE_CONCEPT_TABLE */
	float		 bias;
};

int	weights_new(struct weights *);
void	weights_free(struct weights *);
/* Train one head on all rows that aren't in <fold> (FOLD_ALL: on all). */
int	learn(struct weights *, const struct dataset *, const struct concept_trie *, const struct train_opts *,
	    enum model_head, int fold);
/* Raw score of a row: its highest window over all its views. */
float	weights_score(const struct weights *, const struct row *, const struct concept_trie *, unsigned windows);

/* ---- afterwards -------------------------------------------------------------------------------- */
struct platt {
	float		 a, b;
};
struct scored {
	float		 raw;
	size_t		 row;
};
struct platt platt_fit(const float *raw, const uint8_t *label, const float *weight, size_t n);
/* Table of AUC, recall and false positives by source; fills the thresholds (raw), of documents alone as well. */
void	report(FILE *, const struct dataset *, const float *raw, enum model_head, float threshold[MODEL_LEVELS],
	    float documents[MODEL_LEVELS]);
void	report_worst(FILE *, const struct dataset *, const float *raw, enum model_head, size_t n);
int	model_write(const char *path, const struct concepts *, const struct weights[MODEL_HEADS], struct model_header *);
#endif
