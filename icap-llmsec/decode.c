/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <brotli/decode.h>
#include <zlib.h>

#include "icap-llmsec/decode.h"

#define DECODE_STEP	((size_t)16 * 1024)
/*
 * Text of every kind stays below 1:100; DEFLATE itself ends at 1:1032, brotli far beyond.  The ratio
 * counts only above a size that is harmless.
 */
#define DECODE_RATIO	400
#define DECODE_HARMLESS	((uint64_t)4 << 20)

struct decode {
	enum decode_coding  coding;
	z_stream	    z;
	BrotliDecoderState *br;
	size_t		    max_out;
	uint64_t	    in, out;
	bool		    z_ready;	/* inflateInit2() was done */
	bool		    raw;	/* deflate: the first byte showed a bare stream */
	bool		    ended;	/* the coding's own end was seen */
	int		    err;
};

enum decode_coding
decode_coding(const char *v)
{
	static const struct {
		const char *name;
		enum decode_coding coding;
	} names[] = {
		{ "identity", DECODE_IDENTITY }, { "gzip", DECODE_GZIP }, { "x-gzip", DECODE_GZIP },
		{ "deflate", DECODE_DEFLATE }, { "br", DECODE_BR },
	};
	size_t n;

	if (v == NULL)
		return DECODE_IDENTITY;
	v += strspn(v, " \t");
	n = strcspn(v, " \t");
	if (n == 0)
		return DECODE_IDENTITY;
	if (v[n + strspn(v + n, " \t")] != '\0')
		return DECODE_UNKNOWN;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i].name) == n && strncasecmp(v, names[i].name, n) == 0)
			return names[i].coding;
	return DECODE_UNKNOWN;
}

int
decode_new(struct decode **dp, enum decode_coding coding, size_t max_out)
{
	struct decode *d;

	*dp = NULL;
	if (coding == DECODE_UNKNOWN)
		return -EOPNOTSUPP;
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return -ENOMEM;
	d->coding = coding;
	d->max_out = max_out;
	if (coding == DECODE_BR)
		d->br = BrotliDecoderCreateInstance(NULL, NULL, NULL);
	if (coding == DECODE_BR && d->br == NULL) {
		free(d);
		return -ENOMEM;
	}
	*dp = d;
	return 0;
}

void
decode_free(struct decode **dp)
{
	struct decode *d = *dp;

	*dp = NULL;
	if (d == NULL)
		return;
	if (d->z_ready)
		inflateEnd(&d->z);
	if (d->br != NULL)
		BrotliDecoderDestroyInstance(d->br);
	free(d);
}

/* <n> more bytes were written to <out>'s room. */
static int
decode_account(struct decode *d, size_t n, struct buf *out)
{
	d->out += n;
	if (d->out > d->max_out ||
	    (d->out > DECODE_HARMLESS && d->out / DECODE_RATIO > d->in))
		return -EFBIG;
	buf_wrote(out, n);
	return 0;
}

/*
 * A zlib stream starts with a byte whose low nibble is 8 (CM) and high nibble at most 7 (CINFO).  A
 * bare DEFLATE stream can start like that only with a stored block whose padding bits are set, which
 * no encoder writes, so one byte decides and nothing has to be kept for a second try.
 */
static int
decode_z_start(struct decode *d, uint8_t first)
{
	int bits = 15 + 16;

	if (d->coding == DECODE_DEFLATE) {
		d->raw = (first & 0x0f) != 8 || (first >> 4) > 7;
		bits = d->raw ? -15 : 15;
	}
	if (inflateInit2(&d->z, bits) != Z_OK)
		return -ENOMEM;
	d->z_ready = true;
	return 0;
}

static int
decode_z(struct decode *d, const uint8_t *p, size_t len, struct buf *out)
{
	int r, e;

	if (!d->z_ready && (e = decode_z_start(d, p[0])) != 0)
		return e;
	d->z.next_in = (uint8_t *)(uintptr_t)p;
	d->z.avail_in = (uInt)len;
	do {
		/* gzip members may follow one another (RFC 1952, 2.2) */
		if (d->ended) {
			if (d->coding != DECODE_GZIP || inflateReset(&d->z) != Z_OK)
				return -EILSEQ;
			d->ended = false;
		}
		d->z.next_out = (uint8_t *)buf_room(out, DECODE_STEP);
		if (d->z.next_out == NULL)
			return out->err;
		d->z.avail_out = DECODE_STEP;
		r = inflate(&d->z, Z_NO_FLUSH);
		if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
			return r == Z_MEM_ERROR ? -ENOMEM : -EILSEQ;
		if ((e = decode_account(d, DECODE_STEP - d->z.avail_out, out)) != 0)
			return e;
		d->ended = r == Z_STREAM_END;
	} while (d->z.avail_in > 0 || (d->z.avail_out == 0 && !d->ended));
	return 0;
}

static int
decode_br(struct decode *d, const uint8_t *p, size_t len, struct buf *out)
{
	BrotliDecoderResult r;
	uint8_t *o;
	size_t room;
	int e;

	do {
		if (d->ended)
			return -EILSEQ;
		o = (uint8_t *)buf_room(out, DECODE_STEP);
		if (o == NULL)
			return out->err;
		room = DECODE_STEP;
		r = BrotliDecoderDecompressStream(d->br, &len, &p, &room, &o, NULL);
		if (r == BROTLI_DECODER_RESULT_ERROR)
			return -EILSEQ;
		if ((e = decode_account(d, DECODE_STEP - room, out)) != 0)
			return e;
		d->ended = r == BROTLI_DECODER_RESULT_SUCCESS;
	} while (len > 0 || r == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT);
	return 0;
}

static int
decode_identity(struct decode *d, const void *p, size_t len, struct buf *out)
{
	d->out += len;
	if (d->out > d->max_out)
		return -EFBIG;
	return buf_add(out, p, len);
}

int
decode_feed(struct decode *d, const void *data, size_t len, struct buf *out)
{
	const uint8_t *p = data;

	/* zlib counts in unsigned int; pieces also keep the ratio honest: input counts as it is used */
	while (d->err == 0 && len > 0) {
		size_t n = len < DECODE_STEP ? len : DECODE_STEP;

		d->in += n;
		if (d->coding == DECODE_IDENTITY)
			d->err = decode_identity(d, p, n, out);
		else if (d->coding == DECODE_BR)
			d->err = decode_br(d, p, n, out);
		else
			d->err = decode_z(d, p, n, out);
		p += n;
		len -= n;
	}
	return d->err;
}

int
decode_finish(const struct decode *d)
{
	if (d->err != 0)
		return d->err;
	/* an empty body is an empty body under every coding */
	if (d->coding == DECODE_IDENTITY || d->ended || d->in == 0)
		return 0;
	return -ENODATA;
}

int
decode_all(const char *content_encoding, const void *data, size_t len, size_t max_out,
    struct buf *out)
{
	struct decode *d;
	int r;

	r = decode_new(&d, decode_coding(content_encoding), max_out);
	if (r != 0)
		return r;
	r = decode_feed(d, data, len, out);
	if (r == 0)
		r = decode_finish(d);
	decode_free(&d);
	return r;
}
