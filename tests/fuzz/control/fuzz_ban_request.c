/* SPDX-License-Identifier: MIT */
/* Any bytes as the body of /_cluster/blacklist, from a person and from another edge. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/ban_request.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
need(int condition)
{
	if (!condition)
		abort();
}

static void
one(const struct ban *b, const struct ban_request_from *from)
{
	char text[CIDR_TEXT];
	struct cidr again;

	need(b->edge == from->edge && b->added_ms == from->now_ms);
	need(b->expires_ms > b->added_ms && b->expires_ms <= b->added_ms + INT64_C(31536000000));
	need(b->scope == BAN_EDGE || b->scope == BAN_CLUSTER);
	need(from->node || b->by == BAN_BY_OPERATOR);
	need(strlen(b->reason) < BAN_REASON);
	/* What is written into commands and JSON is what was meant. */
	need(cidr_parse(cidr_format(&b->cidr, text), &again) == 0 && cidr_equal(&b->cidr, &again));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ban_request_from from = { .now_ms = 1790000000000, .default_ttl_ms = 3600000, .default_scope = BAN_EDGE };
	struct ban_request q;

	for (int node = 0; node < 2; node++) {
		from.node = node;
		from.edge = node;
		from.ids = n % 2;
		if (ban_request_parse(&q, p, n, &from)) {
			for (size_t i = 0; i < q.n; i++)
				one(&q.v[i], &from);
			for (size_t i = 0; i < q.n_ids; i++)
				need(from.ids && q.id[i].text[0] != '\0' && strpbrk(q.id[i].text, " \n\"\\") == NULL);
		} else {
			need(q.why[0] != '\0' || q.v == NULL);
		}
		ban_request_free(&q);
	}
	return 0;
}
