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
	__u32 now = xdpf_now_tick(), port = target & 0xffff;

	if (b->until > now) {
		b->hits++;
		return XR_BAN;
	}
	if (b->port_until <= now || port < b->port_lo || port > b->port_hi || port == 0 ||
	    (b->proto != 0 && b->proto != target >> 16))
		return XR_PASS;
	b->hits++;
	return XR_BAN_PORT;
}

int	xdpf_ban_walk4(__u32 addr, __u32 bits, __u32 target);
int	xdpf_ban_walk6(__u64 hi, __u64 lo, __u64 bits, __u32 upper, __u32 target);

/* Ask the table for every length that the filter left over. */
__attribute__((noinline)) int
xdpf_ban_walk4(__u32 addr, __u32 bits, __u32 target)
{
	struct xdpf_key4 key;
	struct xdpf_ban *b;
	int r;

	XDPF_NO_UNROLL
	for (int i = 0; i < 32 && bits != 0; i++) {
		key.bit = bits & -bits;
		key.addr = addr & ~(key.bit - 1);
		bits &= bits - 1;
		b = bpf_map_lookup_elem(&xf_ban4, &key);
		if (b == NULL)
			continue;
		r = xdpf_ban_counts(b, target);
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
xdpf_banned4(const struct xdpf_filter *f, const struct xdpf_pkt *p)
{
	__u32 addr = (__u32) p->src_lo, bits = f->ban4[addr >> 16];

	/* Bits of /17 to /32 need a second look: the /16 may be busy and this /24 not. */
	if ((bits & 0xffff) != 0 && (f->near4[addr >> 13] & 1U << (addr >> 8 & 31)) == 0)
		bits &= 0xffff0000;
	return bits == 0 ? XR_PASS : xdpf_ban_walk4(addr, bits, XDPF_TARGET(p));
}

XDPF_INLINE int
xdpf_banned6(const struct xdpf_filter *f, __u64 short6, const struct xdpf_pkt *p)
{
	__u32 slot = xdpf_hash32to16((__u32) (p->src_hi >> 32)) & 0xffff;
	__u64 lower = f->ban6[slot][1], upper = f->ban6[slot][0];
	int r = XR_PASS;

	/* /1 to /31 are in no slot. */
	upper |= short6;
	if (lower != 0)
		r = xdpf_ban_walk6(p->src_hi, p->src_lo, lower, 0, XDPF_TARGET(p));
	return r != XR_PASS || upper == 0 ? r : xdpf_ban_walk6(p->src_hi, p->src_lo, upper, 1, XDPF_TARGET(p));
}

XDPF_INLINE int
xdpf_banned(const struct xdpf_filter *f, __u64 short6, const struct xdpf_pkt *p)
{
	return p->family == 4 ? xdpf_banned4(f, p) : xdpf_banned6(f, short6, p);
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
xdpf_allowed(const struct xdpf_filter *f, const struct xdpf_conf *c, const struct xdpf_pkt *p)
{
	__u32 i;

	if (p->family == 4) {
		i = (__u32) p->src_lo >> 16;
		return (f->allow4[i >> 5] & 1U << (i & 31)) != 0 && xdpf_allow_listed(p);
	}
	i = xdpf_hash32to16((__u32) (p->src_hi >> 32)) & 0xffff;
	return (c->allow_short6 != 0 || (f->allow6[i >> 5] & 1U << (i & 31)) != 0) && xdpf_allow_listed(p);
}
#endif
