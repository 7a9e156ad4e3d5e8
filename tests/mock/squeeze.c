/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <brotli/encode.h>
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "squeeze.h"

struct squeeze {
	enum plan_coding coding;
	z_stream z;
	BrotliEncoderState *br;
};

struct squeeze *
squeeze_new(enum plan_coding coding)
{
	struct squeeze *q = calloc(1, sizeof(*q));
	int bits = coding == PLAN_GZIP ? 15 + 16 : 15;

	if (q == NULL)
		return NULL;
	q->coding = coding;
	if (coding == PLAN_BROTLI) {
		q->br = BrotliEncoderCreateInstance(NULL, NULL, NULL);
		if (q->br && BrotliEncoderSetParameter(q->br, BROTLI_PARAM_QUALITY, 4))
			return q;
	} else if (deflateInit2(&q->z, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY) == Z_OK)
		return q;
	free(q);
	return NULL;
}

void
squeeze_free(struct squeeze *q)
{
	if (q == NULL)
		return;
	if (q->coding == PLAN_BROTLI)
		BrotliEncoderDestroyInstance(q->br);
	else
		deflateEnd(&q->z);
	free(q);
}

static int
feed_zlib(struct squeeze *q, const char *p, size_t n, int flush, struct buf *out)
{
	char *room;
	int rc;

	q->z.next_in = (Bytef *)(uintptr_t)p;
	q->z.avail_in = (uInt)n;
	do {
		room = buf_room(out, 16384);
		if (room == NULL)
			return -ENOMEM;
		q->z.next_out = (Bytef *)room;
		q->z.avail_out = 16384;
		rc = deflate(&q->z, flush);
		buf_wrote(out, 16384 - q->z.avail_out);
	} while (rc != Z_STREAM_ERROR && q->z.avail_out == 0);
	return rc == Z_STREAM_ERROR ? -EIO : 0;
}

static int
feed_brotli(struct squeeze *q, const char *p, size_t n, BrotliEncoderOperation op, struct buf *out)
{
	const uint8_t *in = (const uint8_t *)p, *bytes;
	size_t left = n, none = 0, got;

	do {
		if (!BrotliEncoderCompressStream(q->br, op, &left, &in, &none, NULL, NULL))
			return -EIO;
		got = 0;
		bytes = BrotliEncoderTakeOutput(q->br, &got);
		buf_add(out, bytes, got);
	} while (left > 0 || BrotliEncoderHasMoreOutput(q->br));
	return out->err;
}

int
squeeze_feed(struct squeeze *q, const char *p, size_t n, enum squeeze_mode mode, struct buf *out)
{
	if (q->coding == PLAN_BROTLI)
		return feed_brotli(q, p, n,
		    mode == SQUEEZE_END ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_FLUSH, out);
	return feed_zlib(q, p, n, mode == SQUEEZE_END ? Z_FINISH : Z_SYNC_FLUSH, out);
}

const char *
squeeze_name(enum plan_coding coding)
{
	static const char *const names[] = { NULL, "gzip", "deflate", "br" };

	return names[coding];
}
