/* SPDX-License-Identifier: MIT */
/* As much of HTTP/2 (RFC 9113) as it takes to misuse it. */
#include "config.h"

#include <poll.h>
#include <string.h>

#include "lib/wire.h"
#include "tests/floods/flood.h"

enum { H2_DATA = 0, H2_HEADERS = 1, H2_RST_STREAM = 3, H2_SETTINGS = 4, H2_PING = 6, H2_GOAWAY = 7, H2_WINDOW_UPDATE = 8 };
enum { ACK = 1, END_STREAM = 1, END_HEADERS = 4, PADDED = 8, PRIORITY = 0x20 };

struct h2 {
	struct conn	 c;
	struct flood	*f;
	uint8_t		 in[65536];
	size_t		 n;		/* bytes in <in> */
	uint32_t	 next;		/* stream */
	unsigned	 open;		/* streams without an answer */
	bool		 over;		/* GOAWAY, or closed */
};

static void
frame(struct wire_out *w, uint8_t type, uint8_t flags, uint32_t stream, const void *body, size_t n)
{
	wire_put_u8(w, (uint8_t)(n >> 16));
	wire_put_be16(w, (uint16_t)n);
	wire_put_u8(w, type);
	wire_put_u8(w, flags);
	wire_put_be32(w, stream);
	wire_put_bytes(w, body, n);
}

/* :method GET, :scheme https from the static table; :path and :authority as literals that nobody remembers. */
static void
request(struct wire_out *w, uint32_t stream)
{
	static const char block[] = "\x82\x87\x04\x0a/v1/models\x01\x09localhost";

	frame(w, H2_HEADERS, END_STREAM | END_HEADERS, stream, block, sizeof(block) - 1);
}

static int
h2_open(struct h2 *h, struct flood *f)
{
	/* A window of 2^31-1, so that the answers' bodies need no more thought. */
	static const char hello[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" "\0\0\0\4\0\0\0\0\0" "\0\0\4\x08\0\0\0\0\0\x7f\xff\0\0";

	memset(h, 0, sizeof(*h));
	h->f = f;
	h->next = 1;
	if (conn_open(f, &h->c) != 0)
		return -1;
	if (conn_write(&h->c, hello, sizeof(hello) - 1) == 0)
		return 0;
	f->closed++;
	conn_close(&h->c);
	return -1;
}

/* The :status that opens an answer's header block: indexed, or a literal of that name (RFC 7541 6, A). */
static unsigned
status_of(const uint8_t *p, size_t n)
{
	static const unsigned known[] = {200, 204, 206, 304, 400, 404, 500};

	while (n > 0 && (p[0] & 0xe0) == 0x20)		/* size of the dynamic table */
		p++, n--;
	if (n > 0 && p[0] >= 0x88 && p[0] <= 0x8e)
		return known[p[0] - 0x88];
	if (n >= 5 && (p[0] & 0x3f) == 8 && p[1] == 3)
		return (unsigned)(p[2] - '0') * 100 + (unsigned)(p[3] - '0') * 10 + (unsigned)(p[4] - '0');
	return 0;
}

static void
take_frame(struct h2 *h, uint8_t type, uint8_t flags, const uint8_t *p, size_t n)
{
	uint8_t out[32];
	struct wire_out w;
	unsigned status;

	wire_out_init(&w, out, sizeof(out));
	switch (type) {
	case H2_HEADERS:
		status = status_of(p, n);
		h->f->status[status < 600 ? status : 0]++;
		h->open -= h->open > 0;
		break;
	case H2_RST_STREAM:
		h->open -= h->open > 0;
		break;
	case H2_SETTINGS:
		if (!(flags & ACK)) {
			frame(&w, H2_SETTINGS, ACK, 0, "", 0);
			h->over |= conn_write(&h->c, out, wire_out_len(&w)) != 0;
		}
		break;
	case H2_GOAWAY:
		h->over = true;
	}
}

/* What has come, waiting <ms> for the first of it. */
static void
h2_read(struct h2 *h, int ms)
{
	size_t len, at;
	ssize_t k;

	while (!h->over && (k = conn_try(&h->c, h->in + h->n, sizeof(h->in) - h->n, ms)) != CONN_NOTHING) {
		if (k <= 0) {
			h->over = true;
			break;
		}
		h->n += (size_t)k;
		for (at = 0; h->n - at >= 9; at += 9 + len) {
			len = (size_t)h->in[at] << 16 | (size_t)h->in[at + 1] << 8 | h->in[at + 2];
			if (h->n - at < 9 + len)
				break;
			take_frame(h, h->in[at + 3], h->in[at + 4], h->in + at + 9, len);
		}
		memmove(h->in, h->in + at, h->n - at);
		h->n -= at;
		ms = 0;
	}
}

static void
h2_close(struct h2 *h)
{
	if (h->over)
		h->f->closed++;
	conn_close(&h->c);
}

/* <fill> writes one round's frames; a round a time, connections in turns. */
static void
h2_rounds(struct flood *f, void (*fill)(struct h2 *, struct wire_out *), int wait_ms)
{
	static struct h2 h;
	uint8_t out[16384];
	struct wire_out w;

	while (flood_now() < f->until) {
		if (h2_open(&h, f) != 0) {
			poll(NULL, 0, 5);
			continue;
		}
		while (flood_now() < f->until && !h.over && h.next < 0x7fff0000) {
			wire_out_init(&w, out, sizeof(out));
			fill(&h, &w);
			if (conn_write(&h.c, out, wire_out_len(&w)) != 0)
				h.over = true;
			h2_read(&h, wait_ms);
			for (int i = 0; wait_ms > 0 && h.open > 50 && !h.over && i < 20; i++)
				h2_read(&h, 100);
		}
		h2_close(&h);
	}
}

static void
many_streams(struct h2 *h, struct wire_out *w)
{
	for (; h->open < 100; h->open++, h->next += 2, h->f->sent++)
		request(w, h->next);
}

void
flood_h2(struct flood *f)
{
	h2_rounds(f, many_streams, 100);
}

static void
resets(struct h2 *h, struct wire_out *w)
{
	for (int i = 0; i < 100; i++, h->next += 2, h->f->sent++) {
		request(w, h->next);
		frame(w, H2_RST_STREAM, 0, h->next, "\0\0\0\x08", 4);	/* CANCEL */
	}
}

void
flood_reset(struct flood *f)
{
	h2_rounds(f, resets, 0);
}

static void
settings(struct h2 *h, struct wire_out *w)
{
	for (int i = 0; i < 100; i++, h->f->sent++) {
		frame(w, H2_SETTINGS, 0, 0, "\0\3\0\0\0\x64", 6);
		frame(w, H2_PING, 0, 0, "llmsec00", 8);
	}
}

void
flood_settings(struct flood *f)
{
	h2_rounds(f, settings, 0);
}
