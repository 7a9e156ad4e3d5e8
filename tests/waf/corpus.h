/* SPDX-License-Identifier: MIT */
#ifndef WAF_CORPUS_H
#define WAF_CORPUS_H
/*
 * Requests for the bench and the differential test: a benign corpus that is the same for the same seed
 * everywhere, records that `ftw --dump` wrote, and seeded mutations of both.
 */
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

enum corpus_kind {
	CORPUS_STATIC, CORPUS_QUERY, CORPUS_API, CORPUS_FORM, CORPUS_JSON, CORPUS_CHAT1K, CORPUS_CHAT16K,
	CORPUS_MULTIPART, CORPUS_ATTACK, CORPUS_KINDS
};
const char	*corpus_kind_name(enum corpus_kind);

struct corpus_request {
	enum corpus_kind kind;
	char		 id[64];
	struct buf	 bytes;
};

struct corpus {
	struct corpus_request *req;
	size_t		 n;
};

/* xorshift64*; <state> is never 0 */
uint32_t	 corpus_rng(uint64_t *state);

/* 200 requests.  0 or -ENOMEM. */
int		 corpus_benign(struct corpus *, uint64_t seed);
/* The requests of a file of records; appended.  0 or -errno. */
int		 corpus_load(struct corpus *, const char *path);
/* One request out of <in>, changed in 1 to 4 places that leave it a request.  For <bytes> of the result. */
void		 corpus_mutate(struct buf *out, const struct corpus *in, size_t i, uint64_t *rng);
void		 corpus_free(struct corpus *);

/* Benign text of about <n> bytes; <code>: with snippets of SQL, HTML, shell and program text in it. */
void		 corpus_text(struct buf *, size_t n, int code, uint64_t *rng);
#endif
