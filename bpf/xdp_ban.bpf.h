/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_XDP_BAN_BPF_H
#define LLMSEC_XDP_BAN_BPF_H
/*
 * Is the source allowed, is it banned?  Every ban that covers the source is asked, the longest first:
 * one that has expired, or is for another port, must not hide a shorter one that counts.
 */
#include "xdp_maps.bpf.h"
#include "xdp_parse.h"

XDPF_INLINE __u32
xdpf_now_tick(void)
{
	return (__u32) (bpf_ktime_get_coarse_ns() >> XDPF_TICK_SHIFT);
}

/* What of a packet a ban may ask for. */
#define XDPF_TARGET(p)	((__u32) (p)->dport | (__u32) (p)->proto << 16)

/* XR_PASS, XR_BAN or XR_BAN_PORT.  A later fragment has no ports and so no ban from them. */
XDPF_INLINE int
xdpf_ban_counts(struct xdpf_ban *b, __u32 target)
{
	__u32 now, port = target & 0xffff;

	if (b->until == XDPF_FOREVER || b->until > (now = xdpf_now_tick())) {
		b->hits++;
		return XR_BAN;
	}
	if (b->port_until <= now || port < b->port_lo || port > b->port_hi || port == 0 ||
	    (b->proto != 0 && b->proto != target >> 16))
		return XR_PASS;
	b->hits++;
	return XR_BAN_PORT;
}

/* Buckets of xf_quick4 that are a home, by the loader; there is one more behind them. */
const volatile __u32 quick_homes = 1;

int	xdpf_ban_ask4(__u32 addr, __u32 bit, __u32 target);
int	xdpf_ban_quick4(__u32 addr, __u32 bit, __u32 target);
int	xdpf_ban_walk4(__u32 addr, __u32 bits, __u32 target);
int	xdpf_ban_walk6(__u64 hi, __u64 lo, __u64 bits, __u32 upper, __u32 target);

__attribute__((noinline)) int
xdpf_ban_ask4(__u32 addr, __u32 bit, __u32 target)
{
	struct xdpf_key4 key = {.addr = addr, .bit = bit};
	struct xdpf_ban *b = bpf_map_lookup_elem(&xf_ban4, &key);

	return b == NULL ? XR_PASS : xdpf_ban_counts(b, target);
}

XDPF_INLINE struct xdpf_quick_slot *
xdpf_quick_in(struct xdpf_quick *b, __u64 key)
{
	/* The first key may carry MORE. */
	if ((b->slot[0].key & ~XDPF_QUICK_MORE) == key)
		return &b->slot[0];
	for (int i = 1; i < XDPF_QUICK_SLOTS; i++)
		if (b->slot[i].key == key)
			return &b->slot[i];
	return NULL;
}

/* Is this network banned?  Global, so that the verifier doesn't look at it for every turn of the loop below. */
__attribute__((noinline)) int
xdpf_ban_quick4(__u32 addr, __u32 bit, __u32 target)
{
	__u64 key = xdpf_quick_key(addr, bit);
	__u32 at = xdpf_quick_home(key, xf_conf.secret, quick_homes);
	struct xdpf_quick *b = bpf_map_lookup_elem(&xf_quick4, &at);
	struct xdpf_quick_slot *s = NULL;

	if (b != NULL) {
		s = xdpf_quick_in(b, key);
		if (s == NULL) {
			if ((b->slot[0].key & XDPF_QUICK_MORE) == 0)
				return XR_PASS;
			at++;
			b = bpf_map_lookup_elem(&xf_quick4, &at);
			if (b != NULL)
				s = xdpf_quick_in(b, key);
		}
	}
	if (s == NULL || s->until == XDPF_ASK)
		return xdpf_ban_ask4(addr, bit, target);
	if (s->until != XDPF_FOREVER && s->until <= xdpf_now_tick())
		return XR_PASS;
	s->hits++;
	return XR_BAN;
}

/* Ask for every length that the filter left over. */
__attribute__((noinline)) int
xdpf_ban_walk4(__u32 addr, __u32 bits, __u32 target)
{
	__u32 bit;
	int r;

	XDPF_NO_UNROLL
	for (int i = 0; i < 32 && bits != 0; i++) {
		bit = bits & -bits;
		bits &= bits - 1;
		r = xdpf_ban_quick4(addr & ~(bit - 1), bit, target);
		if (r != XR_PASS)
			return r;
	}
	return XR_PASS;
}

/* One half: lengths above 64 (<upper> 0) or up to 64 (1). */
__attribute__((noinline)) int
xdpf_ban_walk6(__u64 hi, __u64 lo, __u64 bits, __u32 upper, __u32 target)
{
	struct xdpf_key6 key = {.upper = upper};
	struct xdpf_ban *b;
	int r;

	XDPF_NO_UNROLL
	for (int i = 0; i < 64 && bits != 0; i++) {
		key.bit = bits & -bits;
		key.hi = upper ? hi & ~(key.bit - 1) : hi;
		key.lo = upper ? 0 : lo & ~(key.bit - 1);
		bits &= bits - 1;
		b = bpf_map_lookup_elem(&xf_ban6, &key);
		if (b == NULL)
			continue;
		r = xdpf_ban_counts(b, target);
		if (r != XR_PASS)
			return r;
	}
	return XR_PASS;
}

XDPF_INLINE int
xdpf_banned4(const struct xdpf_pkt *p)
{
	__u32 addr = (__u32) p->src_lo, bits = xf_filter.ban4[addr >> 16];

	/* Bits of /17 to /32 need a second look: the /16 may be busy and this /24 not. */
	if ((bits & 0xffff) != 0 && (xf_filter.near4[addr >> 13] & 1U << (addr >> 8 & 31)) == 0)
		bits &= 0xffff0000;
	return XDPF_LIKELY(bits == 0) ? XR_PASS : xdpf_ban_walk4(addr, bits, XDPF_TARGET(p));
}

XDPF_INLINE int
xdpf_banned6(const struct xdpf_pkt *p)
{
	__u32 slot = xdpf_hash32to16((__u32) (p->src_hi >> 32)) & 0xffff;
	__u64 lower = xf_filter.ban6[slot][1], upper = xf_filter.ban6[slot][0];
	int r = XR_PASS;

	/* /1 to /31 are in no slot. */
	upper |= xf_conf.short6;
	if (lower != 0)
		r = xdpf_ban_walk6(p->src_hi, p->src_lo, lower, 0, XDPF_TARGET(p));
	return r != XR_PASS || upper == 0 ? r : xdpf_ban_walk6(p->src_hi, p->src_lo, upper, 1, XDPF_TARGET(p));
}

XDPF_INLINE int
xdpf_banned(const struct xdpf_pkt *p)
{
	return p->family == 4 ? xdpf_banned4(p) : xdpf_banned6(p);
}

XDPF_INLINE int
xdpf_allow_listed(const struct xdpf_pkt *p)
{
	struct xdpf_lpm key = {.len = 128};
	__u64 hi = p->src_hi, lo = p->src_lo;

	if (p->family == 4)
		lo |= 0xffffULL << 32;
	hi = XDPF_BE64(hi);
	lo = XDPF_BE64(lo);
	__builtin_memcpy(key.addr, &hi, 8);
	__builtin_memcpy(key.addr + 8, &lo, 8);
	return bpf_map_lookup_elem(&xf_allow, &key) != NULL;
}

XDPF_INLINE int
xdpf_allowed(const struct xdpf_pkt *p)
{
	__u32 i;

	if (p->family == 4) {
		i = (__u32) p->src_lo >> 16;
		return (xf_filter.allow4[i >> 5] & 1U << (i & 31)) != 0 && xdpf_allow_listed(p);
	}
	i = xdpf_hash32to16((__u32) (p->src_hi >> 32)) & 0xffff;
	return (xf_conf.allow_short6 != 0 || (xf_filter.allow6[i >> 5] & 1U << (i & 31)) != 0) && xdpf_allow_listed(p);
}
#endif
