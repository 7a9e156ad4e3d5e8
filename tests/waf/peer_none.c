/* SPDX-License-Identifier: MIT */
/* In place of peer.c where there is no libmodsecurity: the bench then measures us alone. */
#include "config.h"

#include <stdio.h>

#include "tests/waf/peer.h"

struct peer *
peer_load(const char *conf, char *why, size_t size)
{
	snprintf(why, size, "%s: built without libmodsecurity", conf);
	return NULL;
}

void
peer_free(struct peer **p)
{
	*p = NULL;
}

void
peer_judge(struct peer *p, const struct http_raw *req, const struct http_raw *rsp, bool all, struct peer_result *r)
{
	(void)p, (void)req, (void)rsp, (void)all;
	r->n_ids = 0;
}
