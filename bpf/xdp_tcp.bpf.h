/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_XDP_TCP_BPF_H
#define LLMSEC_XDP_TCP_BPF_H
/*
 * What the kernel knows about a TCP connection, and SYN cookies by its own helpers (since 6.0; the
 * loader tests for them and sets have_cookies).  The cookie is the kernel's, so the ACK that answers it
 * is accepted by the listening socket itself, with net.ipv4.tcp_syncookies=2 (else only after that
 * socket's queue has overflowed, which a budget prevents).
 */
#include <linux/bpf.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#include "xdp_maps.bpf.h"
#include "xdp_parse.h"

/* Constant for the verifier: without the helpers the calls below are dead code to it. */
const volatile __u8 have_cookies = 0;

enum { XDPF_SK_NONE, XDPF_SK_LISTEN, XDPF_SK_OTHER, XDPF_SK_ESTABLISHED };
#define XDPF_TCP_ESTABLISHED	1
#define XDPF_TCP_LISTEN		10

XDPF_INLINE int
xdpf_sk_lookup(struct xdp_md *ctx, const struct xdpf_pkt *p)
{
	struct bpf_sock_tuple t = {};
	struct bpf_sock *sk;
	__u32 size = sizeof(t.ipv4);
	int r = XDPF_SK_OTHER;

	if (p->family == 4) {
		t.ipv4.saddr = XDPF_BE32((__u32) p->src_lo);
		t.ipv4.daddr = XDPF_BE32((__u32) p->dst_lo);
		t.ipv4.sport = XDPF_BE16(p->sport);
		t.ipv4.dport = XDPF_BE16(p->dport);
	} else {
		__u64 a[4] = {XDPF_BE64(p->src_hi), XDPF_BE64(p->src_lo), XDPF_BE64(p->dst_hi),
		    XDPF_BE64(p->dst_lo)};

		__builtin_memcpy(t.ipv6.saddr, a, 16);
		__builtin_memcpy(t.ipv6.daddr, a + 2, 16);
		t.ipv6.sport = XDPF_BE16(p->sport);
		t.ipv6.dport = XDPF_BE16(p->dport);
		size = sizeof(t.ipv6);
	}
	sk = bpf_skc_lookup_tcp(ctx, &t, size, BPF_F_CURRENT_NETNS, 0);
	if (sk == NULL)
		return XDPF_SK_NONE;
	if (sk->state == XDPF_TCP_ESTABLISHED)
		r = XDPF_SK_ESTABLISHED;
	else if (sk->state == XDPF_TCP_LISTEN)
		r = XDPF_SK_LISTEN;
	bpf_sk_release(sk);
	return r;
}

/* The helpers want 60 readable bytes behind the header's start: copy what there is. */
struct xdpf_tcp_room { struct tcphdr h; __u8 options[40]; };

XDPF_INLINE __u32
xdpf_tcp_copy(struct xdp_md *ctx, const struct xdpf_pkt *p, struct xdpf_tcp_room *room)
{
	const __u8 *data = (const void *) (long) ctx->data, *end = (const void *) (long) ctx->data_end;
	const struct xh_tcp *h;
	__u32 off = p->l4 & 0xfff, len;

	h = (const void *) (data + off);
	if ((const __u8 *) (h + 1) > end)
		return 0;
	__builtin_memcpy(&room->h, h, sizeof(*h));
	len = (h->off >> 4) * 4;
	/* Four at a time: a header is a multiple of that long. */
	for (__u32 i = 0; i < 10; i++) {
		const __u8 *o = (const __u8 *) (h + 1) + i * 4;

		if (sizeof(*h) + i * 4 >= len || o + 4 > end)
			break;
		__builtin_memcpy(room->options + i * 4, o, 4);
	}
	return len < 20 || len > 60 ? 0 : len;
}

/* Does this ACK answer a cookie? */
XDPF_INLINE int
xdpf_cookie_valid(struct xdp_md *ctx, const struct xdpf_pkt *p)
{
	const __u8 *data = (const void *) (long) ctx->data, *end = (const void *) (long) ctx->data_end;
	const __u8 *l3 = data + (p->l3 & 0x3f);
	struct xdpf_tcp_room room = {};
	union { struct iphdr v4; struct ipv6hdr v6; } ip;

	if (!have_cookies || (p->tcp_flags & (XT_ACK | XT_SYN | XT_RST)) != XT_ACK || !xdpf_tcp_copy(ctx, p, &room))
		return 0;
	if (p->family == 4) {
		if (l3 + sizeof(ip.v4) > end)
			return 0;
		__builtin_memcpy(&ip.v4, l3, sizeof(ip.v4));
		return bpf_tcp_raw_check_syncookie_ipv4(&ip.v4, &room.h) == 0;
	}
	if (l3 + sizeof(ip.v6) > end)
		return 0;
	__builtin_memcpy(&ip.v6, l3, sizeof(ip.v6));
	return bpf_tcp_raw_check_syncookie_ipv6(&ip.v6, &room.h) == 0;
}

XDPF_INLINE __u16
xdpf_csum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16) ~sum;
}

#define XDPF_SYNACK_LEN	24	/* a header and the MSS option */

struct xdpf_synack {
	struct xh_tcp	h;
	__u8		opt[4];
} XDPF_PACKED;

/* In place: the SYN's TCP header at <l4> becomes a SYN-ACK.  Checksum over pseudo header <sum>. */
XDPF_INLINE void
xdpf_synack_write(struct xdpf_synack *a, __s64 cookie, __u64 sum)
{
	__u16 port = a->h.sport, mss = (__u16) (cookie >> 32);
	__u16 words[12];

	a->h.sport = a->h.dport;
	a->h.dport = port;
	a->h.ack = XDPF_BE32(XDPF_BE32(a->h.seq) + 1);
	a->h.seq = XDPF_BE32((__u32) cookie);
	a->h.off = (XDPF_SYNACK_LEN / 4) << 4;
	a->h.flags = XT_SYN | XT_ACK;
	a->h.window = 0xffff;
	a->h.csum = 0;
	a->h.urg = 0;
	a->opt[0] = 2;		/* maximum segment size, RFC 9293 3.2 */
	a->opt[1] = 4;
	a->opt[2] = mss >> 8;
	a->opt[3] = (__u8) mss;
	__builtin_memcpy(words, a, sizeof(words));
	for (int i = 0; i < 12; i++)
		sum += words[i];
	a->h.csum = xdpf_csum_fold(sum);
}

XDPF_INLINE void
xdpf_swap_mac(__u8 *eth)
{
	__u8 mac[6];

	__builtin_memcpy(mac, eth, 6);
	__builtin_memcpy(eth, eth + 6, 6);
	__builtin_memcpy(eth + 6, mac, 6);
}

/* Addresses change places; lengths become those of the SYN-ACK.  Returns the pseudo header's sum. */
XDPF_INLINE __u64
xdpf_answer_ip4(struct xh_ip4 *h)
{
	__u32 addr = h->src;
	__u64 sum = 0;
	__u16 words[10];

	h->src = h->dst;
	h->dst = addr;
	h->len = XDPF_BE16(sizeof(*h) + XDPF_SYNACK_LEN);
	h->tos = 0;
	h->id = 0;
	h->frag = XDPF_BE16(0x4000);
	h->ttl = 64;
	h->csum = 0;
	__builtin_memcpy(words, h, sizeof(words));
	for (int i = 0; i < 10; i++)
		sum += words[i];
	h->csum = xdpf_csum_fold(sum);
	sum = XDPF_BE16(XI_TCP) + XDPF_BE16(XDPF_SYNACK_LEN);
	for (int i = 6; i < 10; i++)
		sum += words[i];
	return sum;
}

XDPF_INLINE __u64
xdpf_answer_ip6(struct xh_ip6 *h)
{
	__u64 hi = h->src_hi, lo = h->src_lo, sum = XDPF_BE16(XI_TCP) + XDPF_BE16(XDPF_SYNACK_LEN);
	__u16 words[16];

	h->src_hi = h->dst_hi;
	h->src_lo = h->dst_lo;
	h->dst_hi = hi;
	h->dst_lo = lo;
	h->len = XDPF_BE16(XDPF_SYNACK_LEN);
	h->hops = 64;
	h->ver_flow = XDPF_BE32(0x60000000);
	__builtin_memcpy(words, &h->src_hi, sizeof(words));
	for (int i = 0; i < 16; i++)
		sum += words[i];
	return sum;
}

/*
 * Answer the SYN with a cookie.  XR_COOKIE_TX, or XR_BUDGET_SYN where that can't be done: with IP
 * options or extension headers (no stack sends a SYN so) or without room for the MSS option.
 */
XDPF_INLINE int
xdpf_cookie_send(struct xdp_md *ctx, const struct xdpf_pkt *p)
{
	__u32 l3 = p->l3 & 0x3f, ip_len = p->family == 4 ? sizeof(struct xh_ip4) : sizeof(struct xh_ip6), len;
	struct xdpf_tcp_room room = {};
	struct xdpf_synack *a;
	union { struct iphdr v4; struct ipv6hdr v6; } ip;
	__u8 *data, *end;
	__s64 cookie, frame;
	__u64 sum;

	if (!have_cookies || p->l4 != p->l3 + ip_len || p->frag != XFRAG_NONE)
		return XR_BUDGET_SYN;
	len = xdpf_tcp_copy(ctx, p, &room);
	data = (void *) (long) ctx->data;
	end = (void *) (long) ctx->data_end;
	if (len == 0 || data + l3 + sizeof(ip.v6) > end)
		return XR_BUDGET_SYN;
	if (p->family == 4) {
		__builtin_memcpy(&ip.v4, data + l3, sizeof(ip.v4));
		cookie = bpf_tcp_raw_gen_syncookie_ipv4(&ip.v4, &room.h, len);
	} else {
		__builtin_memcpy(&ip.v6, data + l3, sizeof(ip.v6));
		cookie = bpf_tcp_raw_gen_syncookie_ipv6(&ip.v6, &room.h, len);
	}
	frame = end - data;
	/* Keeps clang from subtracting pointers in 32 bits, which the verifier forbids. */
	__asm__ volatile("" : "+r"(frame));
	/* Options and data of the SYN go; a SYN without options grows by four bytes. */
	if (cookie < 0 || bpf_xdp_adjust_tail(ctx, (int) (l3 + ip_len + XDPF_SYNACK_LEN - frame)) != 0)
		return XR_BUDGET_SYN;
	data = (void *) (long) ctx->data;
	end = (void *) (long) ctx->data_end;
	if (data + sizeof(struct xh_eth) > end)
		return XR_BUDGET_SYN;
	if (p->family == 4) {
		if (data + l3 + sizeof(struct xh_ip4) + sizeof(*a) > end)
			return XR_BUDGET_SYN;
		sum = xdpf_answer_ip4((void *) (data + l3));
		a = (void *) (data + l3 + sizeof(struct xh_ip4));
	} else {
		if (data + l3 + sizeof(struct xh_ip6) + sizeof(*a) > end)
			return XR_BUDGET_SYN;
		sum = xdpf_answer_ip6((void *) (data + l3));
		a = (void *) (data + l3 + sizeof(struct xh_ip6));
	}
	xdpf_synack_write(a, cookie, sum);
	xdpf_swap_mac(data);
	return XR_COOKIE_TX;
}
#endif
