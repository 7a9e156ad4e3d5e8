/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_SHADOW_H
#define LLMSEC_ICAP_SHADOW_H
/*
 * The shadow log: texts of an operator's own traffic, to be labelled and given to the trainer.  Off unless a folder and the routes
 * or keys are named.  What was refused or would have been, what came near the threshold, and a sample of the rest is copied into a ring
 * of fixed size; a thread of this process masks what is personal or secret and writes a line of JSON each (docs/shadow.md).
 *
 * Who judges a request copies bytes and posts a semaphore: no lock, no memory, no file.  Where the ring is full the text is dropped and
 * counted.  Whatever happens to the file is the thread's trouble alone.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "icap-llmsec/detect.h"
#include "icap-llmsec/span.h"
#include "lib/conf.h"

#define SHADOW_FORGET	".forget-"	/* and six letters, behind a file's name: what --forget writes before it takes the file's place */
#define SHADOW_RULES	8	/* ids kept of a text's findings */

struct diag;
struct shadow;

struct shadow_conf {
	char	*dir;			/* "": off */
	struct conf_strs routes;	/* fnmatch(3) patterns of the path */
	struct conf_strs keys;		/* digests of API keys, as events show them */
	int	 sample;		/* of 10000 texts that are neither refused nor near the threshold */
	int	 near;			/* hundredths of score below the threshold that count as near */
	int64_t	 max_text, max_file, max_total;	/* bytes */
	int64_t	 max_age;		/* ms */
};
extern const struct conf_opt shadow_conf_opts[];
/* 0, or -EINVAL: said in <diag>. */
int	shadow_conf_check(const struct shadow_conf *, const char *path, struct diag *);

/* What became of a text. */
enum shadow_what { SHADOW_WRITTEN, SHADOW_DROPPED, SHADOW_FAILED };
/* Told by the thread, SHADOW_DROPPED by whoever brought the text.  <first> of a row of failures: to be said aloud; <error>: -errno. */
typedef void shadow_told(void *arg, enum shadow_what, bool first, int error);

/*
 * Maps the ring; called before children are forked, each of which gets its own.  <conf>, <key> (digests clients' addresses; NULL: they are
 * left out) and <arg> are kept and must live as long.  0 or -errno; *out NULL with 0: it is off.
 */
int	shadow_new(struct shadow **, const struct shadow_conf *, const void *key, size_t key_len, shadow_told *, void *arg);
/* Ends the thread, if it is this process's, after what waits is written. */
void	shadow_stop(struct shadow *);
void	shadow_free(struct shadow **);	/* stops first */
/* Removes files that are too old, or too many.  The thread does so every minute. */
int	shadow_clean(const struct shadow *);

/* What one span of a request was judged to be; its text is in the request. */
struct shadow_verdict {
	bool	 judged;		/* its mode isn't off, and it is new */
	bool	 data;			/* the data head's */
	struct detect_score score;
	float	 limit;			/* threshold */
	enum detect_mode most;		/* of its findings that aren't private */
	const char *rule[SHADOW_RULES];	/* live with the detectors */
	unsigned n_rules;
};

struct shadow_from {
	const char	*url;		/* path or whole URL */
	const char	*request_id;
	const char	*key_digest;	/* "" or NULL: none */
	const char	*client_ip;
	uint64_t	 conversation;	/* 0: unknown */
};

/* Is this request's traffic to be looked at?  <s> may be NULL. */
bool	shadow_wants(const struct shadow *, const struct shadow_from *);
/* Takes the spans that are worth it; returns how many.  Any thread. */
unsigned shadow_take(struct shadow *, const struct shadow_from *, const struct spans *, const struct shadow_verdict *);
#endif
