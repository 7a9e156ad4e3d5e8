/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/tls/packet.h"
#include "lib/wire.h"

/* libpcap's numbers (pcap-linktype(7)); its header is not needed for them. */
enum { LINK_NULL = 0, LINK_ETHERNET = 1, LINK_PPP = 9, LINK_RAW_BSD = 12, LINK_RAW_OPENBSD = 14, LINK_PPP_SERIAL = 50,
	LINK_PPPOE = 51, LINK_RAW = 101, LINK_CHDLC = 104, LINK_LOOP = 108, LINK_LINUX_SLL = 113, LINK_USER2 = 149,
	LINK_IPV4 = 228, LINK_IPV6 = 229, LINK_PKTAP = 258, LINK_LINUX_SLL2 = 276 };
enum { ETHER_IPV4 = 0x0800, ETHER_TEB = 0x6558, ETHER_VLAN = 0x8100, ETHER_IPV6 = 0x86dd, ETHER_MPLS = 0x8847,
	ETHER_MPLS_MC = 0x8848, ETHER_PPPOE = 0x8864, ETHER_PPP = 0x880b, ETHER_QINQ = 0x88a8, ETHER_ERSPAN = 0x88be,
	ETHER_ERSPAN3 = 0x22eb, ETHER_QINQ_OLD = 0x9100 };
enum { PROTO_HOPOPTS = 0, PROTO_IPIP = 4, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_IPV6 = 41, PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44, PROTO_GRE = 47, PROTO_AH = 51, PROTO_DSTOPTS = 60, PROTO_ETHERIP = 97, PROTO_MPLS = 137 };
enum { PORT_GTPU = 2152, PORT_VXLAN = 4789, PORT_GENEVE = 6081, PORT_VXLAN_LINUX = 8472 };

#define DATAGRAM_MAX	65536

struct piece_key {		/* compared as bytes: no padding */
	struct packet_addr addr;
	uint8_t		 zero[2];
	uint32_t	 id;
};

struct pieces {			/* a datagram that came in fragments */
	struct piece_key key;
	uint64_t	 used;
	uint8_t		*data;			/* NULL: the slot is free */
	uint8_t		 seen[DATAGRAM_MAX / 8 / 8];	/* one bit for eight bytes */
	size_t		 total;			/* 0: the last fragment has not come yet */
};

struct packets {
	packet_fn	 fn;
	void		*arg;
	uint64_t	 clock;
	unsigned	 depth;
	struct pieces	*pieces;
};

static void ether(struct packets *, uint16_t type, struct wire *);
static void ip_any(struct packets *, struct wire *);

struct packets *
packets_new(packet_fn fn, void *arg)
{
	struct packets *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->fn = fn;
	s->arg = arg;
	s->pieces = calloc(DEFRAG_MAX, sizeof(*s->pieces));
	if (s->pieces == NULL)
		packets_free(&s);
	return s;
}

void
packets_free(struct packets **sp)
{
	struct packets *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	for (size_t i = 0; s->pieces != NULL && i < DEFRAG_MAX; i++)
		free(s->pieces[i].data);
	free(s->pieces);
	free(s);
}

/* --- tunnels --------------------------------------------------------------------------------------- */

static void
ethernet(struct packets *s, struct wire *w)
{
	uint16_t type;

	wire_skip(w, 12);
	type = wire_be16(w);
	if (type < 0x600) {		/* IEEE 802.3: a length; SNAP brings the type behind LLC */
		if (wire_be24(w) != 0xaaaa03 || wire_be24(w) != 0)
			return;
		type = wire_be16(w);
	}
	if (w->err == 0)
		ether(s, type, w);
}

static void
ppp(struct packets *s, struct wire *w)
{
	uint16_t proto;

	if (wire_left(w) > 2 && w->p[0] == 0xff && w->p[1] == 0x03)	/* address and control */
		wire_skip(w, 2);
	proto = wire_left(w) > 0 && (w->p[0] & 1) ? wire_u8(w) : wire_be16(w);
	if (proto == 0x0021 || proto == 0x0057)
		ip_any(s, w);
}

static void
mpls(struct packets *s, struct wire *w)
{
	uint32_t label;

	do
		label = wire_be32(w);
	while (w->err == 0 && !(label & 0x100));	/* bottom of the stack */
	if (wire_left(w) == 0)
		return;
	if (w->p[0] >> 4 == 4 || w->p[0] >> 4 == 6)
		ip_any(s, w);
	else if (w->p[0] >> 4 == 0) {			/* the control word of a pseudowire (RFC 4385) */
		wire_skip(w, 4);
		ethernet(s, w);
	}
}

/* RFC 2784, 2890; version 1 is PPTP's (RFC 2637). */
static void
gre(struct packets *s, struct wire *w)
{
	uint16_t flags = wire_be16(w), type = wire_be16(w);

	wire_skip(w, (flags & 0x8000 ? 4 : 0) + (flags & 0x2000 ? 4 : 0) + (flags & 0x1000 ? 4 : 0) +
	    ((flags & 7) == 1 && (flags & 0x80) ? 4 : 0));
	if (type == ETHER_ERSPAN) {
		wire_skip(w, flags & 0x1000 ? 8 : 0);	/* without a sequence number it is type I: no header */
		ethernet(s, w);
	} else if (type == ETHER_ERSPAN3) {
		wire_skip(w, 11);
		wire_skip(w, wire_u8(w) & 1 ? 8 : 0);
		ethernet(s, w);
	} else if (w->err == 0)
		ether(s, type, w);
}

/* 3GPP TS 29.281: what follows the header is an IP packet. */
static void
gtpu(struct packets *s, struct wire *w)
{
	uint8_t flags = wire_u8(w), next = 0;

	if (wire_u8(w) != 0xff || flags >> 4 != 3)
		return;
	wire_skip(w, 6);
	if (flags & 7) {
		wire_skip(w, 3);
		next = wire_u8(w);
	}
	for (unsigned i = 0; i < 8 && next != 0 && w->err == 0; i++) {
		wire_skip(w, wire_u8(w) * 4u - 2u);
		next = wire_u8(w);
	}
	ip_any(s, w);
}

/* Returns false where this datagram is no tunnel. */
static bool
udp_tunnel(struct packets *s, const uint8_t *p, size_t n)
{
	uint16_t port, type;
	struct wire w;

	wire_init(&w, p, n);
	wire_skip(&w, 2);
	port = wire_be16(&w);
	wire_skip(&w, 4);
	if (wire_left(&w) < 16)
		return false;
	switch (port) {
	case PORT_VXLAN:
	case PORT_VXLAN_LINUX:
		if (wire_be32(&w) != 0x08000000)
			return false;
		wire_skip(&w, 4);
		ethernet(s, &w);
		return true;
	case PORT_GENEVE:
		n = (size_t)(wire_u8(&w) & 0x3f) * 4;
		wire_skip(&w, 1);
		type = wire_be16(&w);
		wire_skip(&w, 4 + n);
		if (w.err == 0)
			ether(s, type, &w);
		return true;
	case PORT_GTPU:
		gtpu(s, &w);
		return true;
	}
	return false;
}

/* --- IP -------------------------------------------------------------------------------------------- */

/* What IP carries; <proto> and the addresses are in <a>. */
static void
carried(struct packets *s, const struct packet_addr *a, const uint8_t *p, size_t n)
{
	struct wire w;

	wire_init(&w, p, n);
	switch (a->proto) {
	case PROTO_UDP:
		if (udp_tunnel(s, p, n))
			return;
		__attribute__((fallthrough));
	case PROTO_TCP:
		s->fn(s->arg, a, p, n);
		break;
	case PROTO_IPIP:
	case PROTO_IPV6:
		ip_any(s, &w);
		break;
	case PROTO_GRE:
		gre(s, &w);
		break;
	case PROTO_MPLS:
		mpls(s, &w);
		break;
	case PROTO_ETHERIP:
		wire_skip(&w, 2);
		ethernet(s, &w);
		break;
	}
}

static struct pieces *
pieces_get(struct packets *s, const struct piece_key *k)
{
	struct pieces *x, *oldest = &s->pieces[0];
	uint8_t *data;

	for (size_t i = 0; i < DEFRAG_MAX; i++) {
		x = &s->pieces[i];
		if (x->data != NULL && memcmp(&x->key, k, sizeof(*k)) == 0)
			return x;
		if (oldest->data != NULL && (x->data == NULL || x->used < oldest->used))
			oldest = x;
	}
	data = oldest->data != NULL ? oldest->data : malloc(DATAGRAM_MAX);
	memset(oldest, 0, sizeof(*oldest));
	oldest->key = *k;
	oldest->data = data;
	return data != NULL ? oldest : NULL;
}

/* One fragment (RFC 791, RFC 8200 4.5): offset in bytes, the first copy of a byte stands. */
static void
fragment(struct packets *s, const struct packet_addr *a, uint32_t id, size_t offset, bool more, const uint8_t *p, size_t n)
{
	struct piece_key k = {.addr = *a, .id = id};
	struct pieces *x;

	if (offset + n > DATAGRAM_MAX - 8 || (more && n % 8 != 0) || n == 0 || (x = pieces_get(s, &k)) == NULL)
		return;
	x->used = s->clock;
	for (size_t at = 0; at < n; at += 8) {
		size_t block = (offset + at) / 8;

		if (x->seen[block / 8] >> block % 8 & 1)
			continue;
		memcpy(x->data + offset + at, p + at, n - at < 8 ? n - at : 8);
		x->seen[block / 8] |= (uint8_t)(1u << block % 8);
	}
	if (!more)
		x->total = offset + n;
	if (x->total == 0)
		return;
	for (size_t block = 0; block * 8 < x->total; block++)
		if (!(x->seen[block / 8] >> block % 8 & 1))
			return;
	/* Out of the table first: a tunnel inside may bring fragments of its own. */
	uint8_t *data = x->data;
	size_t total = x->total;

	x->data = NULL;
	carried(s, a, data, total);
	free(data);
}

static void
ipv4(struct packets *s, const uint8_t *p, size_t n)
{
	struct packet_addr a = {.v6 = 0};
	size_t head, total, offset;

	if (n < 20)
		return;
	head = (size_t)(p[0] & 15) * 4;
	total = (size_t)p[2] << 8 | p[3];
	if (total == 0)		/* segmentation offload: the capture has all of it */
		total = n;
	if (head < 20 || head > n || total < head)
		return;
	memcpy(a.src, p + 12, 4);
	memcpy(a.dst, p + 16, 4);
	a.proto = p[9];
	offset = ((size_t)(p[6] & 0x1f) << 8 | p[7]) * 8;
	if (total < n)
		n = total;	/* Ethernet's padding */
	if (offset != 0 || (p[6] & 0x20))
		fragment(s, &a, (uint32_t)p[4] << 8 | p[5], offset, p[6] & 0x20, p + head, n - head);
	else
		carried(s, &a, p + head, n - head);
}

static void
ipv6(struct packets *s, const uint8_t *p, size_t n)
{
	struct packet_addr a = {.v6 = 1};
	uint16_t where = 0;
	uint32_t id = 0;
	bool cut = false;
	size_t total, len;
	struct wire w;

	if (n < 40)
		return;
	total = ((size_t)p[4] << 8 | p[5]) + 40;
	if (total == 40)
		total = n;
	memcpy(a.src, p + 8, 16);
	memcpy(a.dst, p + 24, 16);
	a.proto = p[6];
	wire_init(&w, p + 40, (total < n ? total : n) - 40);
	while (w.err == 0 && !cut && (a.proto == PROTO_HOPOPTS || a.proto == PROTO_ROUTING || a.proto == PROTO_DSTOPTS ||
	    a.proto == PROTO_FRAGMENT || a.proto == PROTO_AH)) {
		uint8_t type = a.proto;

		a.proto = wire_u8(&w);
		len = wire_u8(&w);
		if (type == PROTO_FRAGMENT) {
			where = wire_be16(&w);
			id = wire_be32(&w);
			cut = (where & 0xfff9) != 0;	/* an "atomic" fragment is a whole packet (RFC 6946) */
		} else
			wire_skip(&w, type == PROTO_AH ? len * 4 + 6 : len * 8 + 6);
	}
	p = wire_rest(&w, &n);
	if (w.err != 0 || p == NULL)
		return;
	if (cut)
		fragment(s, &a, id, where & 0xfff8, where & 1, p, n);
	else
		carried(s, &a, p, n);
}

static void
ip_any(struct packets *s, struct wire *w)
{
	const uint8_t *p;
	size_t n;

	p = wire_rest(w, &n);
	if (w->err != 0 || p == NULL || n == 0 || s->depth == PACKET_NEST)
		return;
	s->depth++;
	if (p[0] >> 4 == 4)
		ipv4(s, p, n);
	else if (p[0] >> 4 == 6)
		ipv6(s, p, n);
	s->depth--;
}

static void
ether(struct packets *s, uint16_t type, struct wire *w)
{
	while (type == ETHER_VLAN || type == ETHER_QINQ || type == ETHER_QINQ_OLD) {
		wire_skip(w, 2);
		type = wire_be16(w);
	}
	if (w->err != 0)
		return;
	switch (type) {
	case ETHER_IPV4:
	case ETHER_IPV6:
		ip_any(s, w);
		break;
	case ETHER_TEB:
	case ETHER_MPLS:
	case ETHER_MPLS_MC:		/* an Ethernet frame inside, which may bring the next one */
		if (s->depth == PACKET_NEST)
			return;
		s->depth++;
		if (type == ETHER_TEB)
			ethernet(s, w);
		else
			mpls(s, w);
		s->depth--;
		break;
	case ETHER_PPPOE:
		wire_skip(w, 6);
		ppp(s, w);
		break;
	case ETHER_PPP:
		ppp(s, w);
		break;
	}
}

/* --- links ----------------------------------------------------------------------------------------- */

static uint32_t
le32(struct wire *w)
{
	return __builtin_bswap32(wire_be32(w));
}

bool
packets_take(struct packets *s, int linktype, const void *data, size_t len)
{
	uint16_t type;
	uint32_t head;
	struct wire w;

	s->clock++;
	s->depth = 0;
	wire_init(&w, data, len);
	switch (linktype) {
	case LINK_ETHERNET:
		ethernet(s, &w);
		break;
	case LINK_LINUX_SLL:
		wire_skip(&w, 14);
		ether(s, wire_be16(&w), &w);
		break;
	case LINK_LINUX_SLL2:
		type = wire_be16(&w);
		wire_skip(&w, 18);
		ether(s, type, &w);
		break;
	case LINK_PPP:
	case LINK_PPP_SERIAL:
		ppp(s, &w);
		break;
	case LINK_CHDLC:
		wire_skip(&w, 2);
		ether(s, wire_be16(&w), &w);
		break;
	case LINK_PPPOE:
		ether(s, ETHER_PPPOE, &w);
		break;
	case LINK_PKTAP:
	case LINK_USER2:		/* what macOS writes for PKTAP: length of the header, type, link type */
		head = le32(&w);
		wire_skip(&w, 4);
		linktype = (int)le32(&w);
		if (w.err != 0 || head < 12 || head > len || linktype == LINK_PKTAP || linktype == LINK_USER2)
			return true;
		(void)packets_take(s, linktype, (const uint8_t *)data + head, len - head);
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
		ip_any(s, &w);
		break;
	default:
		return false;
	}
	return true;
}
