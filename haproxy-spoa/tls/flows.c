/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/tls/flows.h"
#include "haproxy-spoa/tls/packet.h"
#include "haproxy-spoa/tls/quic.h"
#include "lib/wire.h"

#define STREAM_MAX	(64 * 1024 + 2048)	/* a hello of 2^16 bytes and its record headers */
/* Without a SYN the first segment seen may not be the first one sent: room for what is before it. */
#define STREAM_BEFORE	8192
#define STREAM_SIZE	(STREAM_BEFORE + STREAM_MAX)
#define NOWHERE		SIZE_MAX

struct key {			/* compared as bytes: no padding */
	struct packet_addr addr;
	uint16_t	 sport, dport;
};

struct flow {
	struct key	 key;
	uint64_t	 used;		/* when, in packets */
	bool		 live;
	bool		 known;		/* TCP: seen before, or begun with a SYN */
	bool		 synced;	/* TCP: begun with a SYN */
	bool		 closed;	/* TCP: FIN or RST */
	bool		 first;		/* TCP: <from> is where the stream begins: a bad hello there is reported */
	uint32_t	 base;		/* TCP: sequence number of data[0] */
	uint32_t	 past;		/* TCP, nothing collected: what is before has been looked at */
	uint8_t		*data;		/* TCP: bytes from base on, or NULL; UDP: datagrams of DTLS one after the other */
	uint8_t		*seen;		/* TCP: which of them are there */
	size_t		 from, upto;	/* TCP: where a hello may begin, and up to where there is no hole */
	size_t		 dtls_len;
	struct quic_initials *quic;
	uint64_t	 last;		/* digest of the hello reported last, 0: none */
};

struct flows {
	flow_hello_fn	 fn;
	void		*arg;
	uint64_t	 clock;
	struct packets	*packets;
	struct flow	*slot;		/* open hash by key: FLOWS_MAX slots, 8 probed, the oldest of them leaves */
	uint8_t		*join;		/* scratch: records put together */
};

static void on_packet(void *, const struct packet_addr *, const uint8_t *, size_t);

struct flows *
flows_new(flow_hello_fn fn, void *arg)
{
	struct flows *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->fn = fn;
	f->arg = arg;
	f->packets = packets_new(on_packet, f);
	f->slot = calloc(FLOWS_MAX, sizeof(*f->slot));
	f->join = malloc(STREAM_MAX);
	if (f->packets == NULL || f->slot == NULL || f->join == NULL)
		flows_free(&f);
	return f;
}

static void
flow_clear(struct flow *w)
{
	free(w->data);
	free(w->seen);
	free(w->quic);
	memset(w, 0, sizeof(*w));
}

void
flows_free(struct flows **fp)
{
	struct flows *f = *fp;

	*fp = NULL;
	if (f == NULL)
		return;
	for (size_t i = 0; f->slot != NULL && i < FLOWS_MAX; i++)
		flow_clear(&f->slot[i]);
	if (f->packets != NULL)
		packets_free(&f->packets);
	free(f->slot);
	free(f->join);
	free(f);
}

static uint64_t
fnv1a(const void *p, size_t n)
{
	const uint8_t *b = p;
	uint64_t h = 1469598103934665603ULL;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * 1099511628211ULL;
	return h;
}

static struct flow *
flow_get(struct flows *f, const struct key *k)
{
	uint64_t h = fnv1a(k, sizeof(*k));
	struct flow *w, *oldest = NULL;

	for (unsigned i = 0; i < 8; i++) {
		w = &f->slot[(h + i) % FLOWS_MAX];
		if (w->live && memcmp(&w->key, k, sizeof(*k)) == 0) {
			w->used = f->clock;
			return w;
		}
		if (oldest == NULL || (oldest->live && (!w->live || w->used < oldest->used)))
			oldest = w;
	}
	flow_clear(oldest);
	oldest->key = *k;
	oldest->live = true;
	oldest->used = f->clock;
	return oldest;
}

static void
report(struct flows *f, struct flow *w, enum tls_transport transport, enum tls_result r, const uint8_t *msg, size_t len)
{
	struct flow_hello h = {.transport = transport, .result = r, .message = msg, .len = len,
	    .sport = w->key.sport, .dport = w->key.dport};
	int af = w->key.addr.v6 ? AF_INET6 : AF_INET;
	uint64_t digest = fnv1a(msg, len) | 1;

	if (digest == w->last)
		return;
	w->last = digest;
	inet_ntop(af, w->key.addr.src, h.src, sizeof(h.src));
	inet_ntop(af, w->key.addr.dst, h.dst, sizeof(h.dst));
	f->fn(f->arg, &h);
}

/* --- TCP ------------------------------------------------------------------------------------------- */

/* Does a segment begin with a ClientHello?  As sure as its first bytes can make us. */
static bool
hello_like(const uint8_t *p, size_t n)
{
	size_t len;

	if (n >= 11 && memcmp(p, "\x14\x03\x03\x00\x01\x01", 6) == 0) {	/* the middlebox' friend before a second hello */
		p += 6;
		n -= 6;
	}
	if (n < 3 || p[0] != 22 || p[1] != 3 || p[2] > 4 || (n >= 6 && p[5] != 1))
		return false;
	if (n < 11)
		return true;
	len = (size_t)p[6] << 16 | (size_t)p[7] << 8 | p[8];
	return len >= 38 && len <= 65536;
}

/* Where TLS begins behind a PROXY header (proxy-protocol.txt 2.1, 2.2), or 0. */
static size_t
proxy_header(const uint8_t *p, size_t n)
{
	size_t end;

	if (n >= 16 && memcmp(p, "\r\n\r\n\0\r\nQUIT\n", 12) == 0) {
		end = 16 + ((size_t)p[14] << 8 | p[15]);
		return end < n ? end : 0;
	}
	if (n < 8 || memcmp(p, "PROXY ", 6) != 0)
		return 0;
	for (end = 6; end + 2 < n && end < 107; end++)
		if (p[end] == '\r' && p[end + 1] == '\n')
			return end + 2;
	return 0;
}

/* Nothing to collect: from <seq> on, segments are only looked at. */
static void
stream_pass(struct flow *w, uint32_t seq)
{
	free(w->data);
	free(w->seen);
	w->data = w->seen = NULL;
	w->past = seq;
	w->known = true;
	w->first = false;
	w->from = NOWHERE;
}

static bool
stream_collect(struct flow *w, uint32_t base, size_t from)
{
	free(w->data);
	free(w->seen);
	w->data = malloc(STREAM_SIZE);
	w->seen = calloc(1, STREAM_SIZE / 8 + 1);
	w->base = base;
	w->from = w->upto = from;
	w->known = true;
	if (w->data != NULL && w->seen != NULL)
		return true;
	stream_pass(w, base);
	return false;
}

static void
stream_put(struct flow *w, uint32_t seq, const uint8_t *p, size_t n)
{
	int32_t at = (int32_t)(seq - w->base);

	if (at < 0) {			/* sent again, from before the beginning */
		if ((size_t)-(int64_t)at >= n)
			return;
		p += -(int64_t)at;
		n -= (size_t)-(int64_t)at;
		at = 0;
	}
	for (size_t i = 0, o = (size_t)at; i < n && o < STREAM_SIZE; i++, o++) {
		if (w->seen[o / 8] >> o % 8 & 1)
			continue;	/* the first copy stands, as in most stacks */
		w->data[o] = p[i];
		w->seen[o / 8] |= (uint8_t)(1u << o % 8);
	}
	if (w->from == NOWHERE && hello_like(p, n))
		w->from = w->upto = (size_t)at;
	while (w->from != NOWHERE && w->upto < STREAM_SIZE && (w->seen[w->upto / 8] >> w->upto % 8 & 1))
		w->upto++;
}

/* What has come of a hello that may begin at <from>. */
static void
stream_look(struct flows *f, struct flow *w)
{
	const uint8_t *p = w->data + w->from;
	size_t n = w->upto - w->from, skip, len = 0, max = w->from + STREAM_MAX < STREAM_SIZE ? STREAM_MAX : STREAM_SIZE - w->from;
	struct tls_hello h;
	enum tls_result r;

	if (n == 0)
		return;
	skip = w->first ? proxy_header(p, n) : 0;
	if (skip == 0 && n > 6 && memcmp(p, "\x14\x03\x03\x00\x01\x01", 6) == 0)
		skip = 6;
	r = tls_records_join(p + skip, n - skip, f->join, &len);
	if (r == TLS_SHORT && n < max)
		return;
	if (r == TLS_SHORT)
		r = TLS_MALFORMED;
	if (r == TLS_OK)
		r = tls_hello_parse(&h, TLS_OVER_TCP, f->join, len);
	/* In the middle of a stream it was only a guess. */
	if (r == TLS_OK || (r == TLS_MALFORMED && w->first))
		report(f, w, TLS_OVER_TCP, r, f->join, len);
	stream_pass(w, w->base + (uint32_t)w->upto);
}

/* SYN: a new connection, maybe on old ports; not if the same one is sent again, or came late. */
static void
stream_syn(struct flows *f, struct flow *w, uint32_t first)
{
	struct key k = w->key;

	if (w->data != NULL && !w->closed && first - w->base <= (w->synced ? 0 : STREAM_BEFORE))
		return;
	flow_clear(w);
	w->key = k;
	w->live = true;
	w->used = f->clock;
	w->first = w->synced = stream_collect(w, first, 0);
}

static void
stream_segment(struct flows *f, struct flow *w, uint32_t seq, const uint8_t *p, size_t n)
{
	bool like = hello_like(p, n);

	if (!w->known) {		/* the capture began in the middle */
		if (!stream_collect(w, seq - STREAM_BEFORE, NOWHERE))
			return;
		w->first = like;
	} else if (w->data == NULL) {
		if (!like || (int32_t)(seq - w->past) < 0 || !stream_collect(w, seq, 0))
			return;
	} else if (w->from == NOWHERE && (int32_t)(seq - w->base) >= STREAM_SIZE - STREAM_BEFORE) {
		if (!like) {		/* a long way without TLS */
			stream_pass(w, seq);
			return;
		}
		if (!stream_collect(w, seq, 0))
			return;
	}
	stream_put(w, seq, p, n);
	if (w->from != NOWHERE)
		stream_look(f, w);
}

static void
tcp_packet(struct flows *f, struct key *k, struct wire *w)
{
	uint32_t seq;
	size_t off, n;
	uint8_t flags;
	struct flow *flow;
	const uint8_t *p;

	k->sport = wire_be16(w);
	k->dport = wire_be16(w);
	seq = wire_be32(w);
	wire_skip(w, 4);
	off = (size_t)(wire_u8(w) >> 4) * 4;
	flags = wire_u8(w);
	wire_skip(w, 6);
	if (w->err != 0 || off < 20)
		return;
	wire_skip(w, off - 20);
	p = wire_rest(w, &n);
	if (w->err != 0)
		return;
	flow = flow_get(f, k);
	if (flags & 0x02) {
		stream_syn(f, flow, seq + 1);
		seq++;
	}
	if (n > 0)
		stream_segment(f, flow, seq, p, n);
	flow->closed |= (flags & 0x05) != 0;
}

/* --- UDP ------------------------------------------------------------------------------------------- */

static void
dtls_packet(struct flows *f, struct flow *w, const uint8_t *p, size_t n)
{
	enum tls_result r;
	size_t len;

	if (w->data == NULL && (w->data = malloc(STREAM_MAX)) == NULL)
		return;
	if (n > STREAM_MAX - w->dtls_len)
		w->dtls_len = 0;
	memcpy(w->data + w->dtls_len, p, n);
	w->dtls_len += n;
	r = dtls_records_join(w->data, w->dtls_len, f->join, STREAM_MAX, &len);
	if (r != TLS_OK && r != TLS_SHORT && w->dtls_len > n) {	/* what is kept may be of another hello */
		memcpy(w->data, p, n);
		w->dtls_len = n;
		r = dtls_records_join(w->data, n, f->join, STREAM_MAX, &len);
	}
	if (r == TLS_SHORT)
		return;
	w->dtls_len = 0;
	if (r != TLS_NOT_HELLO)
		report(f, w, TLS_OVER_DTLS, r, f->join, len);
}

static void
quic_packet(struct flows *f, struct flow *w, const uint8_t *p, size_t n)
{
	enum tls_result r;
	size_t len = 0;

	if (w->quic == NULL && (w->quic = calloc(1, sizeof(*w->quic))) == NULL)
		return;
	/* MALFORMED: a server's Initial, or another one's; its keys are not the client's. */
	r = quic_take(w->quic, p, n, &len);
	if (r == TLS_OK) {
		report(f, w, TLS_OVER_QUIC, r, w->quic->crypto + w->quic->start, len);
		w->quic->start += len;
	}
}

static void
udp_packet(struct flows *f, struct key *k, struct wire *w)
{
	const uint8_t *p;
	size_t n, len;

	k->sport = wire_be16(w);
	k->dport = wire_be16(w);
	len = wire_be16(w);
	wire_skip(w, 2);
	p = wire_rest(w, &n);
	if (w->err != 0 || (len < 8 && len != 0))
		return;
	if (len >= 8 && len - 8 < n)	/* 0: more than fits the field */
		n = len - 8;
	if (n < 14)
		return;
	/* DTLS 1.0, 1.2, OpenSSL's DTLS1_BAD_VER; with epoch 0, later ones are encrypted. */
	if (p[0] == 22 && (p[1] == 0xfe || (p[1] == 0x01 && p[2] == 0)) && p[3] == 0 && p[4] == 0)
		dtls_packet(f, flow_get(f, k), p, n);
	else if (quic_is_initial(p, n))
		quic_packet(f, flow_get(f, k), p, n);
}

static void
on_packet(void *arg, const struct packet_addr *a, const uint8_t *p, size_t n)
{
	struct key k = {.addr = *a};
	struct wire w;

	wire_init(&w, p, n);
	if (a->proto == 6)
		tcp_packet(arg, &k, &w);
	else
		udp_packet(arg, &k, &w);
}

bool
flows_packet(struct flows *f, int linktype, const void *data, size_t len)
{
	f->clock++;
	return packets_take(f->packets, linktype, data, len);
}
