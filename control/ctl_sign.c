/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "control/ctl_sign.h"
#include "lib/buf.h"
#include "lib/diag.h"
#include "lib/edge_sign.h"
#include "lib/node_sign.h"

#define BODY_MAX	((size_t)16 << 20)

static int
body_read(struct buf *b, FILE *in)
{
	char *room;
	size_t n;

	b->max = BODY_MAX;
	do {
		room = buf_room(b, 65536);
		n = room != NULL ? fread(room, 1, 65536, in) : 0;
		if (room != NULL)
			buf_wrote(b, n);
	} while (n > 0);
	return ferror(in) ? -1 : b->err;
}

int
ctl_sign(const char *keys, const char *method, const char *path, long at, FILE *in, FILE *out)
{
	struct diag *diag = diag_new();
	struct keyring *ring = NULL;
	struct buf body = {0};
	struct node_sig s;
	int r = keyring_load(&ring, keys, diag);

	diag_print(diag, stderr);
	diag_free(&diag);
	if (r == 0 && strcmp(method, "GET") != 0)
		r = body_read(&body, in);
	if (r == 0)
		r = node_sign(&s, ring, &(struct node_msg){ method, path, buf_ptr(&body), buf_len(&body) },
		    at > 0 ? (time_t)at : time(NULL));
	for (int i = 0; r == 0 && i < NODE_HDR_N; i++)
		fprintf(out, "%s: %s\n", node_hdr_name[i], s.v[i]);
	keyring_free(&ring);
	buf_free(&body);
	return r == 0 ? 0 : 1;
}
