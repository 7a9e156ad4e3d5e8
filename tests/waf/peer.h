/* SPDX-License-Identifier: MIT */
#ifndef WAF_PEER_H
#define WAF_PEER_H
/*
 * libmodsecurity behind the few calls that the differential test and the bench need.  Test code only: nothing
 * that is installed links it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

struct http_raw;
struct peer;

#define PEER_IDS_MAX	512

struct peer_result {
	int64_t		 ids[PEER_IDS_MAX];	/* that were logged, in order, each once */
	size_t		 n_ids;
	bool		 keep_log;
	struct buf	 log;		/* lines, only with keep_log */
};

/* NULL with text in <why>. */
struct peer	*peer_load(const char *conf, char *why, size_t size);
void		 peer_free(struct peer **);
/* Phases 1 and 2; with a response 3 and 4; and 5 if <all>. */
void		 peer_judge(struct peer *, const struct http_raw *req, const struct http_raw *rsp, bool all,
		    struct peer_result *);
#endif
