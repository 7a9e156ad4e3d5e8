/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_XDP_LIMIT_BPF_H
#define LLMSEC_XDP_LIMIT_BPF_H
/*
 * Rates.  A source that is known (has an entry in xf_src) has buckets of its own; all others share
 * budgets.  To become known costs a token of XB_NEW, because pushing an old entry out of a full LRU map
 * takes ten times as long as looking one up: random sources must not get that far.
 */
#include "xdp_maps.bpf.h"
#include "xdp_parse.h"

int	xdpf_budget_ok(__u32 id, __u64 now);

/*
 * GCRA; 1: within.  Two CPUs that race here may let one packet more pass: one source's packets come
 * through one queue, nearly always.
 */
XDPF_INLINE int
xdpf_rate_ok(__u64 *tat, const struct xdpf_rate *r, __u64 now)
{
	__u64 t = *tat;

	if (r->interval == 0)
		return 1;
	if (t > now + r->tolerance)
		return 0;
	*tat = (t > now ? t : now) + r->interval;
	return 1;
}

/* Take a chunk of tokens for this CPU; a lost race is tried again, at most eight times. */
XDPF_INLINE int
xdpf_budget_lease(struct xdpf_shared *s, const struct xdpf_budget *b, __u64 now)
{
	XDPF_NO_UNROLL
	for (int i = 0; i < 8; i++) {
		__u64 old = *(volatile __u64 *) &s->tat, next;

		if (old > now + b->tolerance)
			return 0;
		next = (old > now ? old : now) + b->interval;
		if (__sync_val_compare_and_swap(&s->tat, old, next) == old)
			return 1;
	}
	return 0;
}

/*
 * Only packets of unknown sources come here.  A global function, which the verifier looks at once and
 * not once for each call.
 */
__attribute__((noinline)) int
xdpf_budget_ok(__u32 id, __u64 now)
{
	const struct xdpf_conf *c = XDPF_ONE(xf_conf);
	struct xdpf_cpu *l = XDPF_ONE(xf_cpu);
	const struct xdpf_budget *b;
	struct xdpf_shared *s;
	__u32 key = id;

	if (c == NULL || l == NULL || id >= XB_MAX)
		return 0;
	b = &c->budget[id];
	if (b->interval == 0)
		return 1;
	if (l->left[id] > 0) {
		l->left[id]--;
		return 1;
	}
	s = bpf_map_lookup_elem(&xf_budget, &key);
	if (s == NULL || !xdpf_budget_lease(s, b, now))
		return 0;
	l->left[id] = b->chunk - 1;
	return 1;
}

XDPF_INLINE __u64
xdpf_src_key(const struct xdpf_pkt *p)
{
	return p->family == 4 ? 0xffffULL << 48 | p->src_lo : p->src_hi;
}

XDPF_INLINE __u64
xdpf_net_key(const struct xdpf_pkt *p)
{
	return p->family == 4 ? 0xfffeULL << 48 | p->src_lo >> 8 : 0xfffdULL << 48 | p->src_hi >> 16;
}

/* Does one packet of classes <a> and <b> (the same: one class) fit? */
XDPF_INLINE int
xdpf_classes_ok(struct xdpf_src *s, const struct xdpf_rate *rates, int a, int b, __u64 now)
{
	if (!xdpf_rate_ok(&s->tat[a], &rates[a], now))
		return a + 1;
	if (a != b && !xdpf_rate_ok(&s->tat[b], &rates[b], now))
		return b + 1;
	return 0;
}

enum { XDPF_ADD_NET = 1, XDPF_ADD_VERIFIED = 2 };
int	xdpf_src_add(__u64 key, __u32 a, __u32 b, __u32 how, __u64 now);

/* Make the source known if there is a token for that.  Its first packet is charged. */
__attribute__((noinline)) int
xdpf_src_add(__u64 key, __u32 a, __u32 b, __u32 how, __u64 now)
{
	struct xdpf_src s = {.verified = how & XDPF_ADD_VERIFIED};
	const struct xdpf_conf *c = XDPF_ONE(xf_conf);
	const struct xdpf_rate *rates;

	if (c == NULL || a >= XC_MAX || b >= XC_MAX || !xdpf_budget_ok(XB_NEW, now))
		return 0;
	rates = how & XDPF_ADD_NET ? c->net : c->src;
	for (__u32 i = 0; i < XC_MAX; i++)
		s.tat[i] = i == a || i == b ? now + rates[i].interval : 0;
	bpf_map_update_elem(&xf_src, &key, &s, BPF_ANY);
	return 1;
}

/* 0, or XR_RATE_NET. */
XDPF_INLINE int
xdpf_net_limit(const struct xdpf_conf *c, const struct xdpf_pkt *p, int a, int b, __u64 now)
{
	__u64 key = xdpf_net_key(p);
	struct xdpf_src *s = bpf_map_lookup_elem(&xf_src, &key);

	if (s != NULL)
		return xdpf_classes_ok(s, c->net, a, b, now) != 0 ? XR_RATE_NET : 0;
	xdpf_src_add(key, a, b, XDPF_ADD_NET, now);
	return 0;
}

/*
 * For SYNs over the budget where there are no cookies: a real stack sends its SYN again after one
 * second and after three, a flood of random sources doesn't.  A slot holds a tag of the packet and when
 * it was seen, in steps of 268 ms; the same again 0.5 to 5 s later is a retry.
 */
XDPF_INLINE int
xdpf_syn_retry(const struct xdpf_conf *c, const struct xdpf_pkt *p, __u32 seq, __u64 now)
{
	struct xdpf_retry *r = XDPF_ONE(xf_retry);
	__u64 h = c->secret ^ p->src_hi ^ p->src_lo << 16 ^ p->dst_lo;
	__u8 tick = (__u8) (now >> 28), tag, age;
	__u16 old, *slot;

	h = (h ^ ((__u64) p->sport << 48 | (__u64) p->dport << 32 | seq)) * 0x9e3779b97f4a7c15ULL;
	h = (h ^ h >> 32) * 0xd6e8feb86659fd93ULL;
	if (r == NULL)
		return 0;
	slot = &r->slot[h >> 40 & (XDPF_RETRY_SLOTS - 1)];
	tag = (__u8) h | 1;
	old = *slot;
	age = tick - (__u8) (old & 0xff);
	if (old >> 8 == tag && age < 2)
		return 0;	/* keep the older time, or a fast sender never gets old */
	*slot = (__u16) (tag << 8 | tick);
	return old >> 8 == tag && age <= 20;
}
#endif
