/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_MODEL_H
#define LLMSEC_ICAP_MODEL_H
/*
 * The learned detector of prompt injection: a linear model over hashed features (feature.h) with two heads, which
 * share one pass over the text.  "Direct": a user who tries to override instructions, to get at the prompt, to take
 * the assistant out of its limits.  "Data": text that should be data (tool results, documents, mail) and addresses
 * an instruction to the assistant.  The score of a text is that of its highest window: 32 tokens every 16, and
 * sentences, one and two.  No allocation, constant memory, linear time.
 *
 * The file is mapped read-only, so that children share it; it is verified once, when it is opened.  A model is
 * immutable: any number of threads.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "icap-llmsec/norm.h"
#include "lib/arena.h"

struct diag;
struct model;

enum model_head { MODEL_DIRECT, MODEL_DATA, MODEL_HEADS };
/* Thresholds at which that share of benign development texts is flagged. */
enum model_level { MODEL_FPR_02, MODEL_FPR_05, MODEL_FPR_1, MODEL_LEVELS };	/* 0.2 %, 0.5 %, 1 % */

struct model_window {
	size_t		 start, len;	/* in the normalised text; len 0: the text has no token */
	float		 raw;		/* before calibration */
	float		 p;		/* 0..1; Platt, "Probabilistic outputs for support vector machines", 1999 */
};

struct model_score {
	struct model_window head[MODEL_HEADS];
};

/* 0; -errno or -EINVAL (not a model, of another version, damaged), with the reason in <diag>. */
int	model_load(struct model **, const char *path, struct diag *);
/* From memory that stays valid as long as the model; 8-byte aligned. */
int	model_load_mem(struct model **, const char *name, const void *, size_t len, struct diag *);
void	model_free(struct model **);

void	model_score(const struct model *, const struct norm *, struct model_score *);
/* Does the text name what attacks are after, or their means (rules, prompt, secret, to ignore, to pretend ...)?  For short texts. */
bool	model_telling(const struct model *, const struct norm *);
/* In the same units as model_window.p. */
float	model_threshold(const struct model *, enum model_head, enum model_level);
/* The same of documents alone, some KB long: what tells how the tail of a longer text goes. */
float	model_threshold_documents(const struct model *, enum model_head, enum model_level);
/* Raw score to probability, and the log-odds of a probability: for those who add evidence of their own. */
float	model_calibrate(const struct model *, enum model_head, float raw);
/* The log-odds that a head must show beyond its threshold, because a text is that short or long (bytes). */
float	model_length(const struct model *, enum model_head, size_t len);
/* What the file says about its training, one line, for logs and --version. */
const char *model_about(const struct model *);
/* First 8 hexadecimal digits of the file's SHA-256: which model decided. */
const char *model_id(const struct model *);

struct model_reason {
	const char	*text;		/* in the arena: the words, or the concepts, that it is made of */
	const char	*kind;		/* "word", "pair", ..., "concept" */
	float		 weight;	/* share of the raw score */
};

/* The <max> features of a window that weigh most, highest first, into the arena.  0, -ENOMEM. */
int	model_explain(const struct model *, const struct norm *, enum model_head, const struct model_window *,
	    struct arena *, struct model_reason **, size_t *n, size_t max);
#endif
