/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_XDP_PARSE_H
#define LLMSEC_XDP_PARSE_H
/*
 * From a frame to addresses, protocol and ports.  One text for the XDP program and for user space
 * (tests, fuzzing), so it has function bodies, and no loop, offset or pointer that the verifier of 5.15
 * would refuse: every pointer into the packet is compared with <end> right before it is read.
 *
 * Answers XR_PASS with <p> filled in, or the reason why not.  Bytes are taken one by one or through
 * packed structs; no alignment is assumed.
 */
#include <linux/types.h>

#include "xdp_shared.h"

#ifdef __clang__
#define XDPF_NO_UNROLL	_Pragma("clang loop unroll(disable)")
#else
#define XDPF_NO_UNROLL
#endif
#define XDPF_LIKELY(x)	__builtin_expect(!!(x), 1)
#define XDPF_INLINE static inline __attribute__((always_inline))
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define XDPF_BE16(x)	((__u16) __builtin_bswap16(x))
#define XDPF_BE32(x)	((__u32) __builtin_bswap32(x))
#define XDPF_BE64(x)	((__u64) __builtin_bswap64(x))
#else
#define XDPF_BE16(x)	((__u16) (x))
#define XDPF_BE32(x)	((__u32) (x))
#define XDPF_BE64(x)	((__u64) (x))
#endif

#define XE_IP4		0x0800
#define XE_IP6		0x86dd
#define XE_8021Q	0x8100
#define XE_8021AD	0x88a8
#define XE_QINQ_OLD	0x9100

/*
 * The verifier's machine loads whole words wherever they lie, but clang -target bpf takes a packed struct
 * apart into bytes; these have no padding either way.
 */
#ifdef __bpf__
#define XDPF_PACKED
#else
#define XDPF_PACKED	__attribute__((packed))
#endif

enum { XI_ICMP = 1, XI_TCP = 6, XI_UDP = 17, XI_ICMP6 = 58 };
enum { XT_FIN = 1, XT_SYN = 2, XT_RST = 4, XT_PSH = 8, XT_ACK = 16, XT_URG = 32 };
enum { XFRAG_NONE, XFRAG_FIRST, XFRAG_LATER };

struct xh_eth { __u8 dst[6], src[6]; __u16 type; } XDPF_PACKED;
struct xh_vlan { __u16 tci, type; } XDPF_PACKED;
struct xh_ip4 {
	__u8	ver_ihl, tos;
	__u16	len, id, frag;
	__u8	ttl, proto;
	__u16	csum;
	__u32	src, dst;
} XDPF_PACKED;
struct xh_ip6 {
	__u32	ver_flow;
	__u16	len;
	__u8	next, hops;
	__u64	src_hi, src_lo, dst_hi, dst_lo;
} XDPF_PACKED;
struct xh_ext { __u8 next, len; __u16 frag; __u32 id; } XDPF_PACKED;
struct xh_tcp {
	__u16	sport, dport;
	__u32	seq, ack;
	__u8	off, flags;
	__u16	window, csum, urg;
} XDPF_PACKED;
struct xh_udp { __u16 sport, dport, len, csum; } XDPF_PACKED;
struct xh_icmp { __u8 type, code; __u16 csum; } XDPF_PACKED;

/*
 * Verifiers before Linux 6.7 or so forget what they know of a register over bswap and over a 32-bit "or", and clang takes a
 * mask away that it knows to change nothing.  After this it doesn't know.
 */
#ifdef __bpf__
#define XDPF_FORGET(x)	__asm__ volatile("" : "+r"(x))
#else
#define XDPF_FORGET(x)	((void) 0)
#endif

/* 16 bits in network order, which the verifier knows to be 16 bits: fit for an index, or to be added to a pointer. */
XDPF_INLINE __u32
xdpf_be16(__u16 be)
{
	__u32 v = XDPF_BE16(be);

	XDPF_FORGET(v);
	return v & 0xffff;
}

struct xdpf_pkt {
	__u64	src_hi, src_lo, dst_hi, dst_lo;	/* host order; IPv4 in the low 32 bits of lo, hi 0 */
	__u32	l3, l4;				/* offsets in the frame */
	__u32	l4_len;				/* bytes from l4 to the end of the IP packet */
	__u16	sport, dport;			/* 0: none */
	__u8	family;				/* 0, 4, 6 */
	__u8	proto;
	__u8	frag;
	__u8	tcp_flags;
	__u8	ttl;
	__u8	icmp_type;
	__u8	quic;				/* first byte of a UDP payload; 0 without one */
	__u8	martian;			/* the source is one */
	__u8	kept;				/* 1: lies in the program's scratch memory */
	__u32	quic_version;			/* of a long header */
};

/*
 * 0/8, 127/8 and 224/3 cannot send.  0.0.0.0 to the broadcast address is a DHCP client (RFC 2131).
 * Networks that are reserved but in use somewhere (RFC 1918, 100.64/10, 169.254/16) are left alone.
 */
XDPF_INLINE int
xdpf_martian4(__u32 src, __u32 dst)
{
	__u32 net = src >> 24;

	if (net == 0)
		return !(src == 0 && dst == 0xffffffffU);
	return net == 127 || net >= 224;
}

/* Multicast, ::1, IPv4-mapped, and :: outside ICMPv6 (duplicate address detection, RFC 4862). */
XDPF_INLINE int
xdpf_martian6(__u64 hi, __u64 lo, int icmp)
{
	if (hi >> 56 == 0xff)
		return 1;
	if (hi != 0)
		return 0;
	return (lo == 0 && !icmp) || lo == 1 || lo >> 32 == 0xffff;
}

/*
 * Flags that no stack sends: none at all, SYN with FIN or RST, FIN with RST, and FIN, PSH or URG
 * without ACK (RFC 9293 has an ACK on everything but the first SYN and some RSTs).  A bit for each of the
 * 64 that may be: RST without FIN and SYN; ACK with at most one of FIN, SYN and RST; SYN alone.
 */
#define XDPF_FLAGS_OK	0x1717101017171014ULL

XDPF_INLINE int
xdpf_bad_flags(__u8 f)
{
	return (XDPF_FLAGS_OK >> (f & 0x3f) & 1) == 0;
}

XDPF_INLINE int
xdpf_parse_tcp(const __u8 *l4, const __u8 *end, struct xdpf_pkt *p)
{
	const struct xh_tcp *h = (const void *) l4;
	__u32 len;

	if (l4 + sizeof(*h) > end || p->l4_len < sizeof(*h))
		return p->frag == XFRAG_FIRST ? XR_BAD_FRAG : XR_BAD_TCP_SHORT;
	len = (h->off >> 4) * 4;
	if (len < sizeof(*h))
		return XR_BAD_TCP_HDR;
	if (len > p->l4_len)
		return p->frag == XFRAG_FIRST ? XR_BAD_FRAG : XR_BAD_TCP_HDR;
	p->sport = xdpf_be16(h->sport);
	p->dport = xdpf_be16(h->dport);
	p->tcp_flags = h->flags;
	if (p->sport == 0 || p->dport == 0)
		return XR_BAD_PORT;
	return xdpf_bad_flags(h->flags) ? XR_BAD_TCP_FLAGS : XR_PASS;
}

/* Enough of QUIC to know a long header and its version (RFC 8999). */
XDPF_INLINE void
xdpf_parse_quic(const __u8 *l4, const __u8 *end, struct xdpf_pkt *p)
{
	const __u8 *b = l4 + sizeof(struct xh_udp);

	if (p->l4_len <= sizeof(struct xh_udp) || b + 1 > end)
		return;
	p->quic = b[0];
	if ((b[0] & 0x80) != 0 && p->l4_len >= sizeof(struct xh_udp) + 5 && b + 5 <= end)
		p->quic_version = (__u32) b[1] << 24 | (__u32) b[2] << 16 | (__u32) b[3] << 8 | b[4];
}

XDPF_INLINE int
xdpf_parse_udp(const __u8 *l4, const __u8 *end, struct xdpf_pkt *p)
{
	const struct xh_udp *h = (const void *) l4;
	__u32 len;

	if (l4 + sizeof(*h) > end || p->l4_len < sizeof(*h))
		return p->frag == XFRAG_FIRST ? XR_BAD_FRAG : XR_BAD_UDP_SHORT;
	len = xdpf_be16(h->len);
	/* The length of the whole datagram stands in the first fragment. */
	if (len < sizeof(*h) || (p->frag == XFRAG_NONE && len > p->l4_len))
		return XR_BAD_UDP_LEN;
	p->sport = xdpf_be16(h->sport);
	p->dport = xdpf_be16(h->dport);
	/* A source port of 0 says that no answer is wanted (RFC 768). */
	if (p->dport == 0)
		return XR_BAD_PORT;
	xdpf_parse_quic(l4, end, p);
	return XR_PASS;
}

XDPF_INLINE int
xdpf_parse_icmp(const __u8 *l4, const __u8 *end, struct xdpf_pkt *p)
{
	const struct xh_icmp *h = (const void *) l4;
	__u32 need = p->family == 4 ? 8 : 4;

	if (l4 + sizeof(*h) > end || p->l4_len < need)
		return p->frag == XFRAG_FIRST ? XR_BAD_FRAG : XR_BAD_ICMP;
	p->icmp_type = h->type;
	return XR_PASS;
}

XDPF_INLINE int
xdpf_parse_l4(const __u8 *l4, const __u8 *end, struct xdpf_pkt *p)
{
	if (p->frag == XFRAG_LATER)
		return XR_PASS;
	if (p->proto == XI_TCP)
		return xdpf_parse_tcp(l4, end, p);
	if (p->proto == XI_UDP)
		return xdpf_parse_udp(l4, end, p);
	if (p->proto == (p->family == 4 ? XI_ICMP : XI_ICMP6))
		return xdpf_parse_icmp(l4, end, p);
	return XR_PASS;
}

/*
 * A fragment must not reach behind the largest packet ("ping of death"), and one that begins within
 * the first 8 bytes of a TCP header is there to rewrite it (RFC 1858).  <off> in bytes.
 */
XDPF_INLINE int
xdpf_bad_frag(__u32 off, __u32 len, __u8 proto)
{
	return off + len > 65535 || (off == 8 && proto == XI_TCP);
}

XDPF_INLINE int
xdpf_parse_ip4(const __u8 *l3, const __u8 *end, struct xdpf_pkt *p)
{
	const struct xh_ip4 *h = (const void *) l3;
	__u32 ihl, len, frag;

	if (l3 + sizeof(*h) > end)
		return XR_BAD_IP4_SHORT;
	ihl = (h->ver_ihl & 15) * 4;
	if (h->ver_ihl >> 4 != 4 || ihl < sizeof(*h))
		return XR_BAD_IP4_HDR;
	len = xdpf_be16(h->len);
	if (len < ihl || l3 + len > end)
		return XR_BAD_IP4_LEN;
	p->family = 4;
	p->proto = h->proto;
	p->ttl = h->ttl;
	p->src_lo = XDPF_BE32(h->src);
	p->dst_lo = XDPF_BE32(h->dst);
	p->l4_len = len - ihl;
	p->l4 = p->l3 + ihl;
	frag = xdpf_be16(h->frag);
	if ((frag & 0x3fff) != 0) {
		p->frag = (frag & 0x1fff) == 0 ? XFRAG_FIRST : XFRAG_LATER;
		if (xdpf_bad_frag((frag & 0x1fff) * 8, p->l4_len, h->proto))
			return XR_BAD_FRAG;
	}
	if (p->src_lo == p->dst_lo)
		return XR_LAND;
	p->martian = xdpf_martian4(p->src_lo, p->dst_lo);
	return xdpf_parse_l4(l3 + ihl, end, p);
}

XDPF_INLINE int
xdpf_is_ext(__u8 next)
{
	return next == 0 || next == 43 || next == 44 || next == 51 || next == 60 || next == 135 || next == 139 ||
	    next == 140;
}

/* What a walk over extension headers found, in one word, because a function of the program can return no more. */
#define XDPF_EXT(reason, frag, proto, used) \
	((__u64) (reason) << 56 | (__u64) (frag) << 48 | (__u64) (proto) << 40 | (used))
#define XDPF_EXT_REASON(v)	((int) ((v) >> 56))
#define XDPF_EXT_FRAG(v)	((__u8) ((v) >> 48))
#define XDPF_EXT_PROTO(v)	((__u8) ((v) >> 40))
#define XDPF_EXT_USED(v)	((__u32) (v) & 0x7fff)

/* A fragment header; the reason why not, or XR_PASS with *frag set. */
XDPF_INLINE int
xdpf_ext_frag(const struct xh_ext *h, __u32 left, __u8 *frag)
{
	__u32 word = xdpf_be16(h->frag), off = word & 0xfff8;

	if (*frag != XFRAG_NONE)
		return XR_BAD_IP6_EXT;
	/* Offset 0 and nothing to follow is an atomic fragment (RFC 6946): a whole packet. */
	*frag = off != 0 ? XFRAG_LATER : (word & 1) != 0 ? XFRAG_FIRST : XFRAG_NONE;
	return xdpf_bad_frag(off, left - 8, h->next) ? XR_BAD_FRAG : XR_PASS;
}

/*
 * Walk the extension headers (RFC 8200, 4): at most eight, hop-by-hop only at the front.  <left> is what
 * the IP header says is left, which may be less than what the frame has.
 */
XDPF_INLINE __u64
xdpf_ext_walk(const __u8 *at, const __u8 *end, __u8 proto, __u32 left)
{
	__u32 len, used = 0;
	__u8 frag = XFRAG_NONE;
	int i, r;

	XDPF_NO_UNROLL
	for (i = 0; i < 8; i++) {
		const struct xh_ext *h = (const void *) at;

		if (!xdpf_is_ext(proto) || frag == XFRAG_LATER)
			break;
		if (at + sizeof(*h) > end || left < sizeof(*h) || (proto == 0 && i > 0))
			return XDPF_EXT(XR_BAD_IP6_EXT, frag, proto, used);
		len = proto == 44 ? 8 : proto == 51 ? (h->len + 2U) * 4 : (h->len + 1U) * 8;
		if (len > left)
			return XDPF_EXT(XR_BAD_IP6_EXT, frag, proto, used);
		if (proto == 43 && (h->frag & XDPF_BE16(0xff00)) == 0)
			return XDPF_EXT(XR_BAD_IP6_RH0, frag, proto, used);
		if (proto == 44 && (r = xdpf_ext_frag(h, left, &frag)) != XR_PASS)
			return XDPF_EXT(r, frag, proto, used);
		proto = h->next;
		left -= len;
		used += len;
		at += len;
	}
	r = i == 8 && frag != XFRAG_LATER && xdpf_is_ext(proto) ? XR_BAD_IP6_CHAIN : XR_PASS;
	return XDPF_EXT(r, frag, proto, used);
}

/* The program has its own way there: a function that the verifier looks at once. */
#ifndef XDPF_EXT_WALK
#define XDPF_EXT_WALK(ctx, p, at, end)	xdpf_ext_walk(at, end, (p)->proto, (p)->l4_len)
#endif

XDPF_INLINE int
xdpf_parse_ip6(void *ctx, const __u8 *l3, const __u8 *end, struct xdpf_pkt *p)
{
	const struct xh_ip6 *h = (const void *) l3;
	const __u8 *l4 = l3 + sizeof(*h);
	__u32 len;
	__u64 ext;

	if (l3 + sizeof(*h) > end)
		return XR_BAD_IP6_SHORT;
	if ((h->ver_flow & XDPF_BE32(0xf0000000)) != XDPF_BE32(0x60000000))
		return XR_BAD_IP6_HDR;
	len = xdpf_be16(h->len);
	if (l4 + len > end)
		return XR_BAD_IP6_LEN;
	p->family = 6;
	p->proto = h->next;
	p->ttl = h->hops;
	p->src_hi = XDPF_BE64(h->src_hi);
	p->src_lo = XDPF_BE64(h->src_lo);
	p->dst_hi = XDPF_BE64(h->dst_hi);
	p->dst_lo = XDPF_BE64(h->dst_lo);
	p->l4_len = len;
	p->l4 = p->l3 + sizeof(*h);
	if (p->src_hi == p->dst_hi && p->src_lo == p->dst_lo)
		return XR_LAND;
	if (xdpf_is_ext(h->next)) {
		ext = XDPF_EXT_WALK(ctx, p, l4, end);
		p->proto = XDPF_EXT_PROTO(ext);
		p->frag = XDPF_EXT_FRAG(ext);
		p->l4 += XDPF_EXT_USED(ext);
		p->l4_len -= XDPF_EXT_USED(ext);
		if (XDPF_EXT_REASON(ext) != XR_PASS)
			return XDPF_EXT_REASON(ext);
		l4 += XDPF_EXT_USED(ext);
	}
	p->martian = xdpf_martian6(p->src_hi, p->src_lo, p->proto == XI_ICMP6);
	return xdpf_parse_l4(l4, end, p);
}

/* Neighbour discovery: hop limit 255 proves that it was sent on this link (RFC 4861, 11.2). */
XDPF_INLINE int
xdpf_is_ndp(const struct xdpf_pkt *p)
{
	return p->family == 6 && p->proto == XI_ICMP6 && p->ttl == 255 && p->frag == XFRAG_NONE &&
	    p->icmp_type >= 133 && p->icmp_type <= 137;
}

XDPF_INLINE int
xdpf_is_vlan(__u16 type)
{
	return type == XDPF_BE16(XE_8021Q) || type == XDPF_BE16(XE_8021AD) || type == XDPF_BE16(XE_QINQ_OLD);
}

/* <p> is zeroed by the caller; <ctx> is the program's, else NULL. */
XDPF_INLINE int
xdpf_parse(void *ctx, const void *data, const void *data_end, struct xdpf_pkt *p)
{
	const __u8 *end = data_end, *l3 = (const __u8 *) data + sizeof(struct xh_eth);
	const struct xh_eth *eth = data;
	const struct xh_vlan *tag;
	__u16 type;

	if (l3 > end)
		return XR_BAD_ETH;
	type = eth->type;
	p->l3 = sizeof(*eth);
	for (int i = 0; i < 2 && xdpf_is_vlan(type); i++) {
		tag = (const void *) l3;
		if (l3 + sizeof(*tag) > end)
			return XR_BAD_ETH;
		type = tag->type;
		l3 += sizeof(*tag);
		p->l3 += sizeof(*tag);
	}
	if (type == XDPF_BE16(XE_IP4))
		return xdpf_parse_ip4(l3, end, p);
	if (type == XDPF_BE16(XE_IP6))
		return xdpf_parse_ip6(ctx, l3, end, p);
	return xdpf_is_vlan(type) ? XR_VLAN_DEEP : XR_NOT_IP;
}

/*
 * The short way for nearly all packets: Ethernet, IPv4 without options or IPv6 without extension headers, whole, TCP,
 * UDP or (IPv4) ICMP, and nothing wrong with it.  1: <p> is as xdpf_parse() would fill it, but for the first bytes of
 * a UDP payload, and xdpf_parse() would answer XR_PASS and find no martian.  0: ask xdpf_parse().
 */
XDPF_INLINE int
xdpf_short_l4(const __u8 *l4, const __u8 *end, struct xdpf_pkt *p)
{
	const struct xh_tcp *t = (const void *) l4;
	const struct xh_udp *u = (const void *) l4;
	__u32 len;

	if (l4 + sizeof(*u) > end)
		return 0;
	p->sport = xdpf_be16(u->sport);
	p->dport = xdpf_be16(u->dport);
	if (p->proto == XI_UDP) {
		len = xdpf_be16(u->len);
		return len >= sizeof(*u) && len <= p->l4_len && p->dport != 0;
	}
	if (p->proto == XI_TCP) {
		if (l4 + sizeof(*t) > end)
			return 0;
		len = (t->off >> 4) * 4;
		p->tcp_flags = t->flags;
		return len >= sizeof(*t) && len <= p->l4_len && p->sport != 0 && p->dport != 0 && !xdpf_bad_flags(t->flags);
	}
	p->sport = p->dport = 0;
	p->icmp_type = *l4;
	return p->proto == XI_ICMP && p->family == 4 && p->l4_len >= 8;
}

XDPF_INLINE int
xdpf_short_ip4(const __u8 *data, const __u8 *end, struct xdpf_pkt *p)
{
	const __u8 *l3 = data + sizeof(struct xh_eth), *l4 = l3 + sizeof(struct xh_ip4);
	const struct xh_ip4 *h = (const void *) l3;
	__u32 len;

	if (l4 > end || h->ver_ihl != 0x45 || (h->frag & XDPF_BE16(0x3fff)) != 0)
		return 0;
	len = xdpf_be16(h->len);
	if (len < sizeof(*h) || l3 + len > end)
		return 0;
	p->family = 4;
	p->proto = h->proto;
	p->src_lo = XDPF_BE32(h->src);
	p->dst_lo = XDPF_BE32(h->dst);
	p->l3 = sizeof(struct xh_eth);
	p->l4 = p->l3 + sizeof(*h);
	p->l4_len = len - sizeof(*h);
	return p->src_lo != p->dst_lo && !xdpf_martian4(p->src_lo, p->dst_lo) && xdpf_short_l4(l4, end, p);
}

XDPF_INLINE int
xdpf_short_ip6(const __u8 *data, const __u8 *end, struct xdpf_pkt *p)
{
	const __u8 *l3 = data + sizeof(struct xh_eth), *l4 = l3 + sizeof(struct xh_ip6);
	const struct xh_ip6 *h = (const void *) l3;

	if (l4 > end || (h->ver_flow & XDPF_BE32(0xf0000000)) != XDPF_BE32(0x60000000))
		return 0;
	p->family = 6;
	p->proto = h->next;
	p->l3 = sizeof(struct xh_eth);
	p->l4 = p->l3 + sizeof(*h);
	p->l4_len = xdpf_be16(h->len);
	if (l4 + p->l4_len > end)
		return 0;
	p->src_hi = XDPF_BE64(h->src_hi);
	p->src_lo = XDPF_BE64(h->src_lo);
	p->dst_hi = XDPF_BE64(h->dst_hi);
	p->dst_lo = XDPF_BE64(h->dst_lo);
	/* An upper half of 0 has the martians that are not multicast; :: of RFC 4862 has ICMPv6 behind it. */
	return (p->src_hi != p->dst_hi || p->src_lo != p->dst_lo) && p->src_hi != 0 && p->src_hi >> 56 != 0xff &&
	    xdpf_short_l4(l4, end, p);
}

/*
 * Is it the first packet of a QUIC connection?  Version 1 and 2 number the long packet types
 * differently (RFC 9000, 17.2; RFC 9369, 3.2); any other version calls for a version negotiation, which
 * costs the server an answer, so it counts as one.  Version 0 is an answer, not a beginning.
 */
XDPF_INLINE int
xdpf_quic_initial(const struct xdpf_pkt *p)
{
	if ((p->quic & 0x80) == 0 || p->quic_version == 0)
		return 0;
	if (p->quic_version == 1)
		return (p->quic & 0x30) == 0;
	if (p->quic_version == 0x6b3343cf)
		return (p->quic & 0x30) == 0x10;
	return 1;
}
#endif
