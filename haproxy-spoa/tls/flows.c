/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/tls/flows.h"
#include "haproxy-spoa/tls/quic.h"
#include "lib/wire.h"

/* libpcap's numbers (pcap-linktype(7)); its header is not needed for them. */
enum { LINK_NULL = 0, LINK_ETHERNET = 1, LINK_RAW_BSD = 12, LINK_RAW_OPENBSD = 14, LINK_RAW = 101, LINK_LOOP = 108,
	LINK_LINUX_SLL = 113, LINK_IPV4 = 228, LINK_IPV6 = 229, LINK_LINUX_SLL2 = 276 };
enum { ETHERTYPE_4 = 0x0800, ETHERTYPE_6 = 0x86dd, ETHERTYPE_VLAN = 0x8100, ETHERTYPE_QINQ = 0x88a8 };
enum { PROTO_HOPOPTS = 0, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_ROUTING = 43, PROTO_FRAGMENT = 44, PROTO_DSTOPTS = 60 };

#define STREAM_MAX	(64 * 1024 + 2048)	/* a hello of 2^16 bytes and its record headers */

struct key {			/* compared as bytes: no padding */
	uint8_t		 src[16], dst[16];
	uint16_t	 sport, dport;
	uint8_t		 v6, proto, zero[2];
};

struct flow {
	struct key	 key;
	uint64_t	 used;		/* when, in packets */
	bool		 live, done, started;
	uint32_t	 base;		/* TCP: sequence number of data[0] */
	uint8_t		*data;		/* TCP: bytes from base on; UDP: datagrams of DTLS one after the other */
	uint8_t		*seen;		/* TCP: which of them are there */
	size_t		 contiguous;
	struct quic_initials *quic;
};

struct flows {
	flow_hello_fn	 fn;
	void		*arg;
	uint64_t	 clock;
	struct flow	*slot;		/* open hash by key: FLOWS_MAX slots, 8 probed, the oldest of them leaves */
	uint8_t		*join;		/* scratch: records put together */
};

struct flows *
flows_new(flow_hello_fn fn, void *arg)
{
	struct flows *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->fn = fn;
	f->arg = arg;
	f->slot = calloc(FLOWS_MAX, sizeof(*f->slot));
	f->join = malloc(STREAM_MAX);
	if (f->slot == NULL || f->join == NULL)
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
	free(f->slot);
	free(f->join);
	free(f);
}

static struct flow *
flow_get(struct flows *f, const struct key *k)
{
	const uint8_t *b = (const uint8_t *)k;
	uint64_t h = 1469598103934665603ULL;	/* FNV-1a */
	struct flow *w, *oldest = NULL;

	for (size_t i = 0; i < sizeof(*k); i++)
		h = (h ^ b[i]) * 1099511628211ULL;
	for (unsigned i = 0; i < 8; i++) {
		w = &f->slot[(h + i) % FLOWS_MAX];
		if (w->live && memcmp(&w->key, k, sizeof(*k)) == 0) {
			w->used = f->clock;
			return w;
		}
		if (oldest == NULL || !w->live || (oldest->live && w->used < oldest->used))
			if (oldest == NULL || oldest->live)
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
	int af = w->key.v6 ? AF_INET6 : AF_INET;

	w->done = true;
	if (r == TLS_NOT_HELLO)
		return;
	inet_ntop(af, w->key.src, h.src, sizeof(h.src));
	inet_ntop(af, w->key.dst, h.dst, sizeof(h.dst));
	f->fn(f->arg, &h);
}

/* --- TCP ------------------------------------------------------------------------------------------- */

static bool
stream_put(struct flow *w, uint32_t seq, const uint8_t *p, size_t n)
{
	int32_t at = (int32_t)(seq - w->base);

	if (w->data == NULL) {
		w->data = malloc(STREAM_MAX);
		w->seen = calloc(1, STREAM_MAX / 8 + 1);
		if (w->data == NULL || w->seen == NULL)
			return false;
	}
	if (at < 0) {			/* sent again, from before the beginning */
		if ((size_t)-(int64_t)at >= n)
			return true;
		p += -(int64_t)at;
		n -= (size_t)-(int64_t)at;
		at = 0;
	}
	if (at >= STREAM_MAX)
		return true;
	if (n > (size_t)(STREAM_MAX - at))
		n = (size_t)(STREAM_MAX - at);
	for (size_t i = 0; i < n; i++) {
		size_t o = (size_t)at + i;

		if (w->seen[o / 8] >> o % 8 & 1)
			continue;	/* the first copy stands, as in most stacks */
		w->data[o] = p[i];
		w->seen[o / 8] |= (uint8_t)(1u << o % 8);
	}
	while (w->contiguous < STREAM_MAX && (w->seen[w->contiguous / 8] >> w->contiguous % 8 & 1))
		w->contiguous++;
	return true;
}

static void
tcp_packet(struct flows *f, struct key *k, struct wire *w)
{
	uint32_t seq;
	size_t off, n, len;
	uint8_t flags;
	struct flow *flow;
	const uint8_t *p;
	enum tls_result r;

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
	if (flags & 0x02) {			/* SYN: a new connection, maybe on old ports */
		flow_clear(flow);
		flow->key = *k;
		flow->live = flow->started = true;
		flow->used = f->clock;
		flow->base = seq + 1;
		seq++;
	}
	if (flow->done || n == 0)
		return;
	if (!flow->started) {
		/* The capture began in the middle: only a segment that begins with a handshake record is a beginning. */
		if (p[0] != 22) {
			flow->done = true;
			return;
		}
		flow->started = true;
		flow->base = seq;
	}
	if (!stream_put(flow, seq, p, n) || flow->contiguous == 0)
		return;
	r = tls_records_join(flow->data, flow->contiguous, f->join, &len);
	if (r != TLS_SHORT || flow->contiguous == STREAM_MAX)
		report(f, flow, TLS_OVER_TCP, r == TLS_SHORT ? TLS_MALFORMED : r, f->join, len);
}

/* --- UDP ------------------------------------------------------------------------------------------- */

static void
dtls_packet(struct flows *f, struct flow *flow, const uint8_t *p, size_t n)
{
	enum tls_result r;
	size_t len;

	if (flow->data == NULL && (flow->data = malloc(STREAM_MAX)) == NULL)
		return;
	if (n > STREAM_MAX - flow->contiguous)
		return;
	memcpy(flow->data + flow->contiguous, p, n);
	flow->contiguous += n;
	r = dtls_records_join(flow->data, flow->contiguous, f->join, STREAM_MAX, &len);
	if (r != TLS_SHORT)
		report(f, flow, TLS_OVER_DTLS, r, f->join, len);
}

static void
quic_packet(struct flows *f, struct flow *flow, const uint8_t *p, size_t n)
{
	enum tls_result r;
	size_t len = 0;

	if (flow->quic == NULL && (flow->quic = calloc(1, sizeof(*flow->quic))) == NULL)
		return;
	r = quic_take(flow->quic, p, n, &len);
	if (r == TLS_OK)
		report(f, flow, TLS_OVER_QUIC, r, flow->quic->crypto, len);
	else if (r == TLS_MALFORMED)
		flow->done = true;	/* a server's Initial, or another one's: its keys are not the client's */
}

static void
udp_packet(struct flows *f, struct key *k, struct wire *w)
{
	const uint8_t *p;
	size_t n, len;
	struct flow *flow;

	k->sport = wire_be16(w);
	k->dport = wire_be16(w);
	len = wire_be16(w);
	wire_skip(w, 2);
	p = wire_rest(w, &n);
	if (w->err != 0 || len < 8 || n < 14)
		return;
	if (len - 8 < n)
		n = len - 8;
	if (n < 14)
		return;
	if (p[0] == 22 && (p[1] == 0xfe || (p[1] == 0x01 && p[2] == 0))) {	/* DTLS 1.0, 1.2; OpenSSL's DTLS1_BAD_VER */
		flow = flow_get(f, k);
		if (!flow->done)
			dtls_packet(f, flow, p, n);
	} else if (quic_is_initial(p, n)) {
		flow = flow_get(f, k);
		if (!flow->done)
			quic_packet(f, flow, p, n);
	}
}

/* --- IP and below ---------------------------------------------------------------------------------- */

static void
transport(struct flows *f, struct key *k, uint8_t proto, struct wire *w)
{
	k->proto = proto;
	if (proto == PROTO_TCP)
		tcp_packet(f, k, w);
	else if (proto == PROTO_UDP)
		udp_packet(f, k, w);
}

static void
ipv4(struct flows *f, const uint8_t *p, size_t n)
{
	struct key k = {.v6 = 0};
	size_t head, total;
	struct wire w;

	if (n < 20)
		return;
	head = (size_t)(p[0] & 15) * 4;
	total = (size_t)p[2] << 8 | p[3];
	if (total == 0)		/* segmentation offload: the capture has all of it */
		total = n;
	if (p[0] >> 4 != 4 || head < 20 || head > n || total < head || ((p[6] & 0x1f) | p[7]) != 0)
		return;
	memcpy(k.src, p + 12, 4);
	memcpy(k.dst, p + 16, 4);
	wire_init(&w, p + head, (total < n ? total : n) - head);
	transport(f, &k, p[9], &w);
}

static void
ipv6(struct flows *f, const uint8_t *p, size_t n)
{
	struct key k = {.v6 = 1};
	size_t total, len;
	struct wire w;
	uint8_t next;

	if (n < 40 || p[0] >> 4 != 6)
		return;
	total = ((size_t)p[4] << 8 | p[5]) + 40;
	if (total == 40)
		total = n;
	memcpy(k.src, p + 8, 16);
	memcpy(k.dst, p + 24, 16);
	next = p[6];
	wire_init(&w, p + 40, (total < n ? total : n) - 40);
	while (w.err == 0 && (next == PROTO_HOPOPTS || next == PROTO_ROUTING || next == PROTO_DSTOPTS || next == PROTO_FRAGMENT)) {
		uint8_t type = next;

		next = wire_u8(&w);
		len = wire_u8(&w);
		if (type == PROTO_FRAGMENT) {
			if ((wire_be16(&w) & 0xfff8) != 0)
				return;
			wire_skip(&w, 4);
		} else
			wire_skip(&w, len * 8 + 6);
	}
	if (w.err == 0)
		transport(f, &k, next, &w);
}

static void
ip(struct flows *f, uint16_t ethertype, struct wire *w)
{
	const uint8_t *p;
	size_t n;

	while (ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_QINQ) {
		wire_skip(w, 2);
		ethertype = wire_be16(w);
		if (w->err != 0)
			return;
	}
	p = wire_rest(w, &n);
	if (p == NULL || n == 0)
		return;
	if (ethertype == ETHERTYPE_4)
		ipv4(f, p, n);
	else if (ethertype == ETHERTYPE_6)
		ipv6(f, p, n);
}

bool
flows_packet(struct flows *f, int linktype, const void *data, size_t len)
{
	uint16_t type;
	struct wire w;

	f->clock++;
	wire_init(&w, data, len);
	switch (linktype) {
	case LINK_ETHERNET:
		wire_skip(&w, 12);
		type = wire_be16(&w);
		break;
	case LINK_LINUX_SLL:
		wire_skip(&w, 14);
		type = wire_be16(&w);
		break;
	case LINK_LINUX_SLL2:
		type = wire_be16(&w);
		wire_skip(&w, 18);
		break;
	case LINK_NULL:
	case LINK_LOOP:			/* an address family in some byte order: look at the packet instead */
		wire_skip(&w, 4);
		__attribute__((fallthrough));
	case LINK_RAW:
	case LINK_RAW_BSD:
	case LINK_RAW_OPENBSD:
	case LINK_IPV4:
	case LINK_IPV6:
		if (w.err != 0 || wire_left(&w) == 0)
			return true;
		type = *w.p >> 4 == 6 ? ETHERTYPE_6 : ETHERTYPE_4;
		break;
	default:
		return false;
	}
	if (w.err == 0)
		ip(f, type, &w);
	return true;
}
