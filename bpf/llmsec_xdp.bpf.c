/* SPDX-License-Identifier: MIT */
/*
 * Floods end here.  The life of a packet:
 *
 *	parse -> malformed? drop -> allow list -> bans -> is its destination protected? ->
 *	the source's own rates -> the budgets of unknown sources -> SYN cookie, retry or drop
 *
 * Everything that can't be parsed is passed and counted.  Established connections are never hurt by a
 * budget: the kernel is asked whether a connection exists before a packet of one is dropped.
 */
#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

struct xdp_md;
__u64	ext_walk(struct xdp_md *ctx, __u32 at, __u32 proto, __u32 left);
#define XDPF_EXT_WALK(ctx, p, at, end)	ext_walk(ctx, (p)->l4, (p)->proto, (p)->l4_len)

#include "xdp_ban.bpf.h"
#include "xdp_limit.bpf.h"
#include "xdp_tcp.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* What the last packet of this load was; for BPF_PROG_TEST_RUN only. */
const volatile __u8 keep_last = 0;
__u32 last_reason SEC(".data.last") = 0;

/*
 * For benchmarks: BPF_PROG_TEST_RUN repeats one packet, so it gets one of <bench_sources> IPv4 sources here,
 * <bench_stride> apart.  Constant 0 elsewhere: the verifier takes it out.
 */
const volatile __u32 bench_sources = 0, bench_stride = 1;
const volatile __u8 bench_syn = 0;	/* what became a SYN-ACK is made a SYN again */
#define BENCH_NET	0x20000000U

XDPF_INLINE void
bench_source(struct xdp_md *ctx)
{
	struct xh_eth *eth = (void *) (long) ctx->data;
	struct xh_ip4 *h = (void *) (eth + 1);

	struct xh_tcp *t = (void *) (h + 1);

	if (bench_syn && (void *) (t + 1) <= (void *) (long) ctx->data_end) {
		t->flags = XT_SYN;
		t->sport = XDPF_BE16(9);
		t->dport = XDPF_BE16(443);
	}
	if ((void *) (h + 1) <= (void *) (long) ctx->data_end && eth->type == XDPF_BE16(XE_IP4))
		h->src = XDPF_BE32(BENCH_NET + bpf_get_prandom_u32() % bench_sources * bench_stride);
}

#define XDPF_ROW(id, name, action, help) [XR_##id] = XDPF_##action,
static const __u8 reason_action[XDPF_REASON_SLOTS] = {XDPF_REASONS(XDPF_ROW)};
/* Verdicts stand in the order pass, send, drop, so one comparison tells. */
#define XDPF_ORDER(id, name, action, help) \
	_Static_assert(XDPF_##action == (XR_##id < XR_COOKIE_TX ? XDPF_PASS : XR_##id == XR_COOKIE_TX ? XDPF_TX : XDPF_DROP), name);
XDPF_REASONS(XDPF_ORDER)

XDPF_INLINE __u64
frame_len(const struct xdp_md *ctx)
{
	return (const char *) (long) ctx->data_end - (const char *) (long) ctx->data;
}

XDPF_INLINE int
is_protected_addr(const struct xdpf_pkt *p)
{
	struct xdpf_lpm key = {.len = 128};
	__u64 hi = XDPF_BE64(p->dst_hi), lo = p->dst_lo;

	if (p->family == 4)
		lo |= 0xffffULL << 32;
	lo = XDPF_BE64(lo);
	__builtin_memcpy(key.addr, &hi, 8);
	__builtin_memcpy(key.addr + 8, &lo, 8);
	return bpf_map_lookup_elem(&xf_protect, &key) != NULL;
}

/* What became of a class of a known source (xdpf_classes_ok) as a reason. */
XDPF_INLINE int
rate_reason(int class_plus_1)
{
	return XR_RATE_SYN + class_plus_1 - 1;
}
_Static_assert(XR_RATE_SYN + XC_ICMP == XR_RATE_ICMP && XR_RATE_SYN + XC_QUIC == XR_RATE_QUIC, "same order");

/*
 * The rare ways are global functions: the verifier looks at each by itself, not once for every way that
 * leads there.  They find the packet in scratch memory of this CPU: were its address taken, it could not
 * live in registers on the ways that are not rare.
 */
_Static_assert(sizeof(struct xdpf_pkt) <= sizeof(((struct xdpf_cpu *) 0)->scratch), "room for a packet");
#define SCRATCH(cpu)	((struct xdpf_pkt *) (cpu)->scratch)

/* Field by field: copied as a whole, it would have to lie in memory on every way. */
XDPF_INLINE void
scratch_put(struct xdpf_cpu *cpu, const struct xdpf_pkt *p)
{
	struct xdpf_pkt *to = SCRATCH(cpu);

	if (p->kept)
		return;
	to->src_hi = p->src_hi;
	to->src_lo = p->src_lo;
	to->dst_hi = p->dst_hi;
	to->dst_lo = p->dst_lo;
	to->l3 = p->l3;
	to->l4 = p->l4;
	to->sport = p->sport;
	to->dport = p->dport;
	to->family = p->family;
	to->frag = p->frag;
	to->tcp_flags = p->tcp_flags;
}

int	syn_over_budget(struct xdp_md *);
int	ack_over_budget(struct xdp_md *);
int	tcp_unverified(struct xdp_md *, __u32 known);
int	sample(struct xdp_md *, __u32 reason);
int	judge_any(struct xdp_md *);

/* IPv6 extension headers, which hardly any packet has. */
__noinline __u64
ext_walk(struct xdp_md *ctx, __u32 at, __u32 proto, __u32 left)
{
	const __u8 *data = (const void *) (long) ctx->data, *end = (const void *) (long) ctx->data_end;

	return xdpf_ext_walk(data + (at & 0x7f), end, (__u8) proto, left);
}

/* A SYN for which there is no token. */
__noinline int
syn_over_budget(struct xdp_md *ctx)
{
	struct xdpf_cpu *cpu = XDPF_ONE(xf_cpu);
	const __u8 *data = (const void *) (long) ctx->data, *end = (const void *) (long) ctx->data_end;
	const struct xdpf_pkt *p;
	const struct xh_tcp *h;
	__u64 now = xdpf_now();

	if (cpu == NULL)
		return XR_BUDGET_SYN;
	p = SCRATCH(cpu);
	if ((xf_conf.flags & (XF_COOKIES | XF_DRY_RUN)) == XF_COOKIES)
		return xdpf_cookie_send(ctx, p);
	h = (const void *) (data + (p->l4 & 0xfff));
	if ((const __u8 *) (h + 1) > end)
		return XR_BUDGET_SYN;
	if (xdpf_syn_retry(p, XDPF_BE32(h->seq), now) && xdpf_budget_ok(cpu, XB_RETRY, now))
		return XR_SYN_RETRY;
	return XR_BUDGET_SYN;
}

/* An ACK over the budget: does it answer a cookie?  By itself, because the stack has room for only so much. */
__noinline int
ack_over_budget(struct xdp_md *ctx)
{
	struct xdpf_cpu *cpu = XDPF_ONE(xf_cpu);

	return cpu != NULL && xdpf_cookie_valid(ctx, SCRATCH(cpu)) ? XR_COOKIE_ACK : XR_BUDGET_ACK;
}

/* A TCP packet that is no SYN, from a source that is not known to have a connection. */
__noinline int
tcp_unverified(struct xdp_md *ctx, __u32 known)
{
	struct xdpf_cpu *cpu = XDPF_ONE(xf_cpu);
	__u64 now = xdpf_now(), key;
	const struct xdpf_pkt *p;
	struct xdpf_src *s;
	int sk;

	if (cpu == NULL)
		return XR_PASS;
	p = SCRATCH(cpu);
	key = xdpf_src_key(p);
	sk = xdpf_sk_lookup(ctx, p);
	if (sk == XDPF_SK_ESTABLISHED && known) {
		s = xdpf_src_find(key);
		if (s != NULL)
			s->verified = key;
	} else if (sk == XDPF_SK_ESTABLISHED)
		xdpf_src_add(key, XC_TCP, XC_TCP, XDPF_ADD_VERIFIED, now);
	if (sk == XDPF_SK_ESTABLISHED || sk == XDPF_SK_OTHER || xdpf_budget_ok(cpu, XB_ACK, now))
		return XR_PASS;
	return ack_over_budget(ctx);
}

/* The budget of SYNs is used up; so is that of cookies, in a flood of any size, and then nothing is left to do. */
XDPF_INLINE int
limit_syn_over(struct xdp_md *ctx, struct xdpf_cpu *cpu, const struct xdpf_pkt *p, __u64 now)
{
	if ((xf_conf.flags & (XF_COOKIES | XF_DRY_RUN)) == XF_COOKIES && !xdpf_budget_ok(cpu, XB_COOKIE, now))
		return XR_BUDGET_SYN;
	scratch_put(cpu, p);
	return syn_over_budget(ctx);
}

XDPF_INLINE int
limit_tcp(struct xdp_md *ctx, struct xdpf_cpu *cpu, __u32 flags, const struct xdpf_pkt *p, __u64 now)
{
	int syn = (p->tcp_flags & (XT_SYN | XT_ACK)) == XT_SYN, verified, r;
	__u64 key = xdpf_src_key(p);
	struct xdpf_src *s = xdpf_src_find(key);

	if (s != NULL) {
		r = syn ? xdpf_classes_ok(s, xf_conf.src, XC_SYN, XC_TCP, now) : xdpf_classes_ok(s, xf_conf.src, XC_TCP, XC_TCP, now);
		if (r != 0)
			return rate_reason(r);
	}
	verified = s != NULL && s->verified == key;
	if ((flags & XF_NET_RATES) && (r = xdpf_net_limit(xdpf_net_key(p), syn ? XC_SYN : XC_TCP, XC_TCP, now)) != 0)
		return r;
	if (!syn) {
		if (verified || (flags & XF_LOOKUP) == 0)
			return XR_PASS;
		scratch_put(cpu, p);
		return tcp_unverified(ctx, s != NULL);
	}
	if (!xdpf_budget_ok(cpu, XB_SYN, now))
		return verified ? XR_VERIFIED : limit_syn_over(ctx, cpu, p, now);
	if (s == NULL)
		xdpf_src_add(key, XC_SYN, XC_TCP, 0, now);
	return XR_PASS;
}

/*
 * UDP and ICMP: a source that is known has its rates, all others share budget <id>.  <learn>: it becomes known
 * by this packet.
 */
XDPF_INLINE int
limit_other(struct xdpf_cpu *cpu, __u32 flags, const struct xdpf_pkt *p, int a, int b, __u32 id, int learn, __u64 now)
{
	__u64 key = xdpf_src_key(p);
	struct xdpf_src *s = xdpf_src_find(key);
	int r;

	if (s != NULL) {
		r = xdpf_classes_ok(s, xf_conf.src, a, b, now);
		if (r != 0)
			return rate_reason(r);
	} else if (!xdpf_budget_ok(cpu, id, now))
		return XR_BUDGET_UDP + id - XB_UDP;
	if ((flags & XF_NET_RATES) && (r = xdpf_net_limit(xdpf_net_key(p), a, b, now)) != 0)
		return r;
	if (s == NULL && learn)
		xdpf_src_add(key, a, b, 0, now);
	return XR_PASS;
}
_Static_assert(XR_BUDGET_UDP + XB_ICMP - XB_UDP == XR_BUDGET_ICMP, "same order");

XDPF_INLINE int
limit_udp(struct xdp_md *ctx, struct xdpf_cpu *cpu, __u32 flags, struct xdpf_pkt *p, __u8 ports, __u64 now)
{
	const __u8 *data = (const void *) (long) ctx->data, *end = (const void *) (long) ctx->data_end;
	int quic = (ports & XPORT_QUIC) != 0;

	if (quic)
		xdpf_parse_quic(data + (p->l4 & 0x7fff), end, p);
	/* Junk to a QUIC port makes nobody known: it would use up what those need who begin a connection. */
	if (!quic || !xdpf_quic_initial(p))
		return limit_other(cpu, flags, p, XC_UDP, XC_UDP, XB_UDP, !quic, now);
	if (p->frag != XFRAG_NONE || p->l4_len < sizeof(struct xh_udp) + 1200)
		return XR_BAD_QUIC;
	return limit_other(cpu, flags, p, XC_QUIC, XC_UDP, XB_QUIC, 1, now);
}

XDPF_INLINE int
limit(struct xdp_md *ctx, struct xdpf_cpu *cpu, __u32 flags, struct xdpf_pkt *p)
{
	__u8 ports = xf_filter.ports[p->dport];
	__u64 now;

	if (p->frag == XFRAG_NONE && (p->proto == XI_TCP || p->proto == XI_UDP)) {
		if ((ports & (p->proto == XI_TCP ? XPORT_TCP : XPORT_UDP)) == 0)
			return XR_UNPROTECTED;
	} else if ((flags & XF_RATES) == 0)
		return XR_UNPROTECTED;
	if ((flags & XF_PROTECT_ALL) == 0 && !is_protected_addr(p))
		return XR_UNPROTECTED;
	now = xdpf_now();
	if (p->frag != XFRAG_NONE) {
		if (flags & XF_FRAG_DROP)
			return XR_FRAG_POLICY;
		if (p->frag == XFRAG_LATER)
			return flags & XF_FRAG_LIMIT ? limit_other(cpu, flags, p, XC_UDP, XC_UDP, XB_UDP, 1, now) : XR_PASS;
	}
	if (p->proto == XI_TCP)
		return limit_tcp(ctx, cpu, flags, p, now);
	if (p->proto == XI_UDP)
		return limit_udp(ctx, cpu, flags, p, ports, now);
	if (p->proto == XI_ICMP || p->proto == XI_ICMP6)
		return limit_other(cpu, flags, p, XC_ICMP, XC_ICMP, XB_ICMP, 1, now);
	return XR_OTHER_PROTO;
}

/* A packet whose headers are in order. */
XDPF_INLINE int
judge(struct xdp_md *ctx, struct xdpf_cpu *cpu, __u32 flags, struct xdpf_pkt *p)
{
	int r;

	if (!XDPF_LIKELY(!xdpf_allowed(p)))
		return XR_ALLOW;
	r = xdpf_banned(p);
	if (r != XR_PASS)
		return r;
	return flags & XF_LOCKDOWN ? XR_LOCKDOWN : limit(ctx, cpu, flags, p);
}

XDPF_INLINE __u32
count_as(const struct xdpf_pkt *p)
{
	__u32 base = p->family == 4 ? XP_TCP4 : XP_TCP6;

	_Static_assert(XP_MAX <= XDPF_PROTO_SLOTS && XR_MAX <= XDPF_REASON_SLOTS, "room for counters");
	if (p->family == 0)
		return XP_OTHER;
	if (p->proto == XI_TCP)
		return base;
	if (p->proto == XI_UDP)
		return base + 1;
	return base + (p->proto == (p->family == 4 ? XI_ICMP : XI_ICMP6) ? 2 : 3);
}

XDPF_INLINE void
addr_out(__u8 *out, const struct xdpf_pkt *p, __u64 hi, __u64 lo)
{
	if (p->family == 4)
		lo |= 0xffffULL << 32;
	hi = XDPF_BE64(hi);
	lo = XDPF_BE64(lo);
	__builtin_memcpy(out, &hi, 8);
	__builtin_memcpy(out + 8, &lo, 8);
}

/* A verdict and what it is counted under, in one number. */
#define VERDICT(reason, p)	((reason) | (int) count_as(p) << 8)

XDPF_INLINE int
parse_and_judge(struct xdp_md *ctx, struct xdpf_cpu *cpu, struct xdpf_pkt *p)
{
	int r = xdpf_parse(ctx, (const void *) (long) ctx->data, (const void *) (long) ctx->data_end, p);

	if (r != XR_PASS)
		return r;
	if (xdpf_is_ndp(p))
		return XR_NDP;
	if (p->martian && (xf_conf.flags & XF_MARTIAN_PASS) == 0)
		return XR_MARTIAN;
	return judge(ctx, cpu, xf_conf.flags, p);
}

/* All that is out of the ordinary: malformed, fragments, options and extension headers, VLANs, ICMPv6, the switches. */
__noinline int
judge_any(struct xdp_md *ctx)
{
	struct xdpf_cpu *cpu = XDPF_ONE(xf_cpu);
	struct xdpf_pkt *p;
	int r;

	if (cpu == NULL)
		return XR_PASS;
	if (xf_conf.flags & XF_PANIC)
		return XR_PANIC;
	p = SCRATCH(cpu);
	__builtin_memset(p, 0, sizeof(*p));
	p->kept = 1;
	r = parse_and_judge(ctx, cpu, p);
	return VERDICT(r, p);
}

XDPF_INLINE int
judge_frame(struct xdp_md *ctx, struct xdpf_cpu *cpu)
{
	const __u8 *data = (const void *) (long) ctx->data, *end = (const void *) (long) ctx->data_end;
	const struct xh_eth *eth = (const void *) data;
	__u32 flags = xf_conf.flags;

	if ((const __u8 *) (eth + 1) > end || (flags & (XF_PANIC | XF_LOCKDOWN)) != 0)
		return judge_any(ctx);
	/* Not looked at below, and clang may know. */
	flags &= ~(XF_PANIC | XF_LOCKDOWN);
	/* A packet of its own for each, so that to clang the family is a constant. */
	if (eth->type == XDPF_BE16(XE_IP4)) {
		struct xdpf_pkt p = {};

		if (XDPF_LIKELY(xdpf_short_ip4(data, end, &p)))
			return VERDICT(judge(ctx, cpu, flags, &p), &p);
	} else if (eth->type == XDPF_BE16(XE_IP6)) {
		struct xdpf_pkt p = {};

		if (XDPF_LIKELY(xdpf_short_ip6(data, end, &p)))
			return VERDICT(judge(ctx, cpu, flags, &p), &p);
	}
	return judge_any(ctx);
}

/* Tell user space about a drop, as often as XB_EVENT allows. */
__noinline int
sample(struct xdp_md *ctx, __u32 reason)
{
	struct xdpf_pkt packet = {}, *p = &packet;
	struct xdpf_cpu *cpu = XDPF_ONE(xf_cpu);
	struct xdpf_event *e;
	__u64 now = xdpf_now();

	if (cpu == NULL)
		return 0;
	if (!xdpf_budget_ok(cpu, XB_EVENT, now)) {
		cpu->quiet_since = bpf_jiffies64();
		return 0;
	}
	/* Once more, so that nothing has to be kept for this on the way here. */
	xdpf_parse(ctx, (const void *) (long) ctx->data, (const void *) (long) ctx->data_end, p);
	e = bpf_ringbuf_reserve(&xf_events, sizeof(*e), 0);
	if (e == NULL)
		return 0;
	e->ts = bpf_ktime_get_coarse_ns();
	addr_out(e->src, p, p->src_hi, p->src_lo);
	addr_out(e->dst, p, p->dst_hi, p->dst_lo);
	e->ifindex = ctx->ingress_ifindex;
	e->len = (__u32) frame_len(ctx);
	e->sport = p->sport;
	e->dport = p->dport;
	e->reason = reason;
	e->action = reason_action[reason & (XDPF_REASON_SLOTS - 1)];
	e->dry = (xf_conf.flags & XF_DRY_RUN) != 0;
	e->family = p->family;
	e->proto = p->proto;
	e->tcp_flags = p->tcp_flags;
	e->ttl = p->ttl;
	e->frag = p->frag;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("xdp")
int
llmsec_xdp(struct xdp_md *ctx)
{
	struct xdpf_cpu *cpu = XDPF_ONE(xf_cpu);
	__u64 len = frame_len(ctx);
	struct xdpf_stat *s;
	__u32 v, r, i;

	if (cpu == NULL)
		return XDP_PASS;
	if (bench_sources != 0)
		bench_source(ctx);
	v = judge_frame(ctx, cpu);
	r = v & (XDPF_REASON_SLOTS - 1);
	i = r * XDPF_PROTO_SLOTS + (v >> 8 & (XDPF_PROTO_SLOTS - 1));
	XDPF_FORGET(i);
	s = &cpu->stat[i & (XDPF_STAT_SLOTS - 1)];
	s->packets++;
	s->bytes += len;
	if (keep_last)
		last_reason = r;
	if (XDPF_LIKELY(r <= XR_COOKIE_TX))
		return r < XR_COOKIE_TX ? XDP_PASS : XDP_TX;
	/* Jiffies: the verifier makes a load of this call. */
	if (xf_conf.budget[XB_EVENT].chunk != 0 && bpf_jiffies64() - cpu->quiet_since > XDPF_QUIET_JIFFIES)
		sample(ctx, r);
	if ((xf_conf.flags & XF_DRY_RUN) || (r >= XR_BAD_ETH && (xf_conf.flags & XF_MALFORMED_PASS)))
		return XDP_PASS;
	return XDP_DROP;
}
