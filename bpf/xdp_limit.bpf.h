/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_XDP_LIMIT_BPF_H
#define LLMSEC_XDP_LIMIT_BPF_H
/*
 * Rates.  A source that is known (has an entry in xf_src) has buckets of its own; all others share
 * budgets.  To become known costs a token of XB_NEW, so random sources neither push those out who are known nor
 * pay for doing so.  docs/decisions/0014 says why this is no LRU map of the kernel's.
 */
#include "xdp_maps.bpf.h"
#include "xdp_parse.h"

/* 64 minus the logarithm of the number of entries of xf_src, by the loader. */
const volatile __u8 src_shift = 48;
/* The length of a jiffy, by the loader. */
const volatile __u32 tick_ns = 4000000;

/*
 * The clock of rates and budgets: nanoseconds in steps of a jiffy.  The verifier makes a load of this call, where the
 * coarse clock costs a fifth of a packet's time.
 */
XDPF_INLINE __u64
xdpf_now(void)
{
	return bpf_jiffies64() * tick_ns;
}

int	xdpf_budget_lease(__u32 id, __u64 now);

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

/*
 * Take a chunk of tokens for this CPU, or note when there will be one: arrival times only grow, so until
 * then the answer is no.  A lost race is tried again, at most eight times.
 */
__attribute__((noinline)) int
xdpf_budget_lease(__u32 id, __u64 now)
{
	struct xdpf_cpu *cpu = XDPF_ONE(xf_cpu);
	const struct xdpf_budget *b;
	struct xdpf_shared *s;
	__u32 key = id;

	if (cpu == NULL || id >= XB_MAX)
		return 0;
	b = &xf_conf.budget[id];
	if (b->interval == 0)
		return 1;
	s = bpf_map_lookup_elem(&xf_budget, &key);
	if (s == NULL)
		return 0;
	XDPF_NO_UNROLL
	for (int i = 0; i < 8; i++) {
		__u64 old = *(volatile __u64 *) &s->tat, next;

		if (old > now + b->tolerance) {
			cpu->none_until[id] = old - b->tolerance;
			return 0;
		}
		next = (old > now ? old : now) + b->interval;
		if (__sync_val_compare_and_swap(&s->tat, old, next) == old) {
			cpu->left[id] = b->chunk - 1;
			return 1;
		}
	}
	return 0;
}

/* Only packets of unknown sources come here; in a flood the first line answers. */
XDPF_INLINE int
xdpf_budget_ok(struct xdpf_cpu *cpu, __u32 id, __u64 now)
{
	if (now < cpu->none_until[id])
		return 0;
	if (cpu->left[id] == 0)
		return xdpf_budget_lease(id, now);
	cpu->left[id]--;
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

/*
 * Which keys share a set can't be told from outside.  The upper bits are the entry that a source gets if it is free:
 * most do.  The tag is never 0.
 */
XDPF_INLINE __u64
xdpf_src_hash(__u64 key)
{
	return xdpf_hash64(key, xf_conf.secret);
}

XDPF_INLINE __u16
xdpf_src_tag(__u64 h)
{
	return (__u16) (h >> (src_shift - 16)) | 1;
}

/* A bit at 15, 31, 47 or 63 for each 16 bits that are 0; bits above the first may be wrong. */
XDPF_INLINE __u64
xdpf_zero16(__u64 x)
{
	return (x - 0x0001000100010001ULL) & ~x & 0x8000800080008000ULL;
}

/* Which is the lowest of those bits?  By a multiplication, because BPF can't count zeros. */
XDPF_INLINE __u32
xdpf_lane(__u64 bits)
{
	return (__u32) (((bits & -bits) >> 15) * (1ULL << 46 | 2ULL << 30 | 3ULL << 14) >> 62);
}

__u64	xdpf_src_find_slow(__u64 key);

/* Two tags of a set are the same: look at every way.  Its index, or 2^32. */
__attribute__((noinline)) __u64
xdpf_src_find_slow(__u64 key)
{
	__u32 set = (__u32) (xdpf_src_hash(key) >> src_shift) & ~(XDPF_WAYS - 1U), at;
	const struct xdpf_src *s;

	XDPF_NO_UNROLL
	for (__u32 i = 0; i < XDPF_WAYS; i++) {
		at = set + i;
		s = bpf_map_lookup_elem(&xf_src, &at);
		if (s != NULL && s->key == key)
			return at;
	}
	return 1ULL << 32;
}

/* The entry of a source that is known, or NULL. */
XDPF_INLINE struct xdpf_src *
xdpf_src_find(__u64 key)
{
	__u64 h = xdpf_src_hash(key), tags, bits, slow;
	__u16 tag = xdpf_src_tag(h);
	__u32 at = (__u32) (h >> src_shift), set = at / XDPF_WAYS;
	const struct xdpf_tags *t = bpf_map_lookup_elem(&xf_tags, &set);
	struct xdpf_src *s;

	if (t == NULL)
		return NULL;
	if (t->tag[at % XDPF_WAYS] != tag) {
		tags = tag * 0x0001000100010001ULL;
		at &= ~(XDPF_WAYS - 1U);
		bits = xdpf_zero16(t->four[0] ^ tags);
		if (bits == 0) {
			bits = xdpf_zero16(t->four[1] ^ tags);
			if (bits == 0)
				return NULL;
			at += 4;
		}
		at += xdpf_lane(bits);
	}
	s = bpf_map_lookup_elem(&xf_src, &at);
	if (s == NULL || XDPF_LIKELY(s->key == key))
		return s;
	slow = xdpf_src_find_slow(key);
	at = (__u32) slow;
	return slow >> 32 != 0 ? NULL : bpf_map_lookup_elem(&xf_src, &at);
}

/*
 * Does one packet of classes <a> and <b> (the same: one class) fit?  Known since: the clock has steps, so
 * that line is written once a step.
 */
XDPF_INLINE int
xdpf_classes_ok(struct xdpf_src *s, const struct xdpf_rate *rates, int a, int b, __u64 now)
{
	if (s->seen != now)
		s->seen = now;
	if (!xdpf_rate_ok(&s->tat[a], &rates[a], now))
		return a + 1;
	if (a != b && !xdpf_rate_ok(&s->tat[b], &rates[b], now))
		return b + 1;
	return 0;
}

/*
 * The way of <set> whose loss hurts least: a free one, <wish> if it is, else the one that was seen longest ago; a
 * verified one last.
 */
XDPF_INLINE __u32
xdpf_src_victim(__u32 set, __u32 wish)
{
	__u64 best = ~0ULL, rank;
	__u32 victim = 0;

	XDPF_NO_UNROLL
	for (__u32 i = 0; i < XDPF_WAYS; i++) {
		__u32 way = (wish + i) % XDPF_WAYS, at = set * XDPF_WAYS + way;
		const struct xdpf_src *s = bpf_map_lookup_elem(&xf_src, &at);

		if (s == NULL)
			break;
		rank = s->key == 0 ? 0 : s->seen >> 1 | (s->verified == s->key ? 1ULL << 63 : 0);
		if (rank < best) {
			best = rank;
			victim = way;
		}
	}
	return victim;
}

enum { XDPF_ADD_NET = 1, XDPF_ADD_VERIFIED = 2 };
int	xdpf_src_add(__u64 key, __u32 a, __u32 b, __u32 how, __u64 now);

/*
 * Make the source known if there is a token for that.  Its first packet is charged.  Two CPUs that take the same
 * way leave one of the two sources known, with the other's packet charged at worst.
 */
__attribute__((noinline)) int
xdpf_src_add(__u64 key, __u32 a, __u32 b, __u32 how, __u64 now)
{
	struct xdpf_cpu *cpu = XDPF_ONE(xf_cpu);
	__u64 h = xdpf_src_hash(key);
	__u32 wish = (__u32) (h >> src_shift), set = wish / XDPF_WAYS, way, at;
	const struct xdpf_rate *rates = how & XDPF_ADD_NET ? xf_conf.net : xf_conf.src;
	struct xdpf_tags *t;
	struct xdpf_src *s;

	if (cpu == NULL || a >= XC_MAX || b >= XC_MAX || !xdpf_budget_ok(cpu, XB_NEW, now))
		return 0;
	way = xdpf_src_victim(set, wish % XDPF_WAYS) & (XDPF_WAYS - 1);
	at = set * XDPF_WAYS + way;
	t = bpf_map_lookup_elem(&xf_tags, &set);
	s = bpf_map_lookup_elem(&xf_src, &at);
	if (t == NULL || s == NULL)
		return 0;
	s->verified = 0;
	for (__u32 i = 0; i < XC_MAX; i++)
		s->tat[i] = i == a || i == b ? now + rates[i].interval : 0;
	s->seen = now;
	s->key = key;
	if (how & XDPF_ADD_VERIFIED)
		s->verified = key;
	t->tag[way] = xdpf_src_tag(h);
	return 1;
}

int	xdpf_net_limit(__u64 key, __u32 a, __u32 b, __u64 now);

/* 0, or XR_RATE_NET. */
__attribute__((noinline)) int
xdpf_net_limit(__u64 key, __u32 a, __u32 b, __u64 now)
{
	struct xdpf_src *s = xdpf_src_find(key);

	if (a >= XC_MAX || b >= XC_MAX)
		return 0;
	if (s != NULL)
		return xdpf_classes_ok(s, xf_conf.net, a, b, now) != 0 ? XR_RATE_NET : 0;
	xdpf_src_add(key, a, b, XDPF_ADD_NET, now);
	return 0;
}

/*
 * For SYNs over the budget where there are no cookies: a real stack sends its SYN again after one
 * second and after three, a flood of random sources doesn't.  A slot holds a tag of the packet and when
 * it was seen, in steps of 268 ms; the same again 0.5 to 5 s later is a retry.
 */
XDPF_INLINE int
xdpf_syn_retry(const struct xdpf_pkt *p, __u32 seq, __u64 now)
{
	struct xdpf_retry *r = XDPF_ONE(xf_retry);
	__u64 h = xf_conf.secret ^ p->src_hi ^ p->src_lo << 16 ^ p->dst_lo;
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
