/* SPDX-License-Identifier: MIT */
/*
 * libmodsecurity as a co-process of the same protocol as `llmsec-waf run --exec`: so that the runner can be
 * checked against an engine whose results are known.  usage: peer_exec FILE
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/waf/http_raw.h"
#include "lib/arena.h"
#include "tests/waf/peer.h"

static void
answer(const char *id, const struct http_raw *req, const struct peer_result *r)
{
	int status = http_raw_status(req->flaws);

	printf("%s %d ", id, status != 0 ? status : 200);
	for (size_t i = 0; i < r->n_ids; i++)
		printf("%s%" PRId64, i > 0 ? "," : "", r->ids[i]);
	printf("%s", r->n_ids > 0 ? " " : "- ");
	for (size_t i = 0; i < buf_len(&r->log); i++) {
		unsigned char c = (unsigned char)buf_ptr(&r->log)[i];

		if (c == '\n')
			putchar(' ');
		else if (c > ' ' && c < 0x7f && c != '%')
			putchar(c);
		else
			printf("%%%02X", c);
	}
	printf("\n");
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	struct peer_result r = { .keep_log = true };
	struct arena *a = arena_new(0);
	struct http_raw req, rsp;
	char why[512] = "", head[512], id[256], *bytes;
	struct peer *p = argc == 2 ? peer_load(argv[1], why, sizeof(why)) : NULL;
	size_t n, m;

	if (p == NULL || a == NULL) {
		fprintf(stderr, "peer_exec: %s\n", why[0] != '\0' ? why : "usage: peer_exec FILE");
		return 2;
	}
	while (fgets(head, sizeof(head), stdin) != NULL && sscanf(head, "REQ %255s %zu %zu", id, &n, &m) == 3) {
		bytes = malloc(n + m + 1);
		if (bytes == NULL || fread(bytes, 1, n + m, stdin) != n + m)
			return 2;
		arena_reset(a);
		if (http_raw_request(&req, a, bytes, n, 0) < 0 || http_raw_response(&rsp, a, bytes + n, m) < 0)
			return 2;
		peer_judge(p, &req, m > 0 ? &rsp : NULL, true, &r);
		answer(id, &req, &r);
		free(bytes);
	}
	buf_free(&r.log);
	arena_free(&a);
	peer_free(&p);
	return 0;
}
