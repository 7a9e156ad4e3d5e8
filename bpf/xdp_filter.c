/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "bpf/xdp_filter.h"

static uint32_t
addr4(const struct cidr *c)
{
	return (uint32_t) c->addr[12] << 24 | (uint32_t) c->addr[13] << 16 | (uint32_t) c->addr[14] << 8 | c->addr[15];
}

static uint64_t
half(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

static void
half_out(uint8_t *p, uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t) v;
}

/* The length whose lowest network bit is <bit> of <width>. */
static uint8_t
length_of(uint64_t bit, int width)
{
	return (uint8_t) (width - __builtin_ctzll(bit));
}

void
xdp_key4(const struct cidr *c, struct xdpf_key4 *k)
{
	k->addr = addr4(c);
	k->bit = 1U << (128 - c->len);
}

void
xdp_cidr4(const struct xdpf_key4 *k, struct cidr *c)
{
	memset(c, 0, sizeof(*c));
	c->addr[10] = c->addr[11] = 0xff;
	for (int i = 0; i < 4; i++)
		c->addr[12 + i] = (uint8_t) (k->addr >> (24 - 8 * i));
	c->len = (uint8_t) (96 + length_of(k->bit, 32));
}

void
xdp_key6(const struct cidr *c, struct xdpf_key6 *k)
{
	k->hi = half(c->addr);
	k->lo = half(c->addr + 8);
	k->upper = c->len <= 64;
	k->bit = 1ULL << ((k->upper ? 64 : 128) - c->len);
}

void
xdp_cidr6(const struct xdpf_key6 *k, struct cidr *c)
{
	half_out(c->addr, k->hi);
	half_out(c->addr + 8, k->lo);
	c->len = length_of(k->bit, k->upper ? 64 : 128);
}

void
xdp_lpm(const struct cidr *c, struct xdpf_lpm *k)
{
	k->len = c->len;
	memcpy(k->addr, c->addr, 16);
}

static void
or32(uint32_t *p, uint32_t v)
{
	if ((*p & v) != v)
		__atomic_fetch_or(p, v, __ATOMIC_RELAXED);
}

static void
ban4(struct xdpf_filter *f, const struct cidr *c)
{
	uint32_t addr = addr4(c), len = c->len - 96U, bit = 1U << (32 - len), last = addr | (bit - 1);

	for (uint32_t i = addr >> 16; i <= last >> 16; i++)
		or32(&f->ban4[i], bit);
	for (uint32_t i = addr >> 8; len > 16 && i <= last >> 8; i++)
		or32(&f->near4[i >> 5], 1U << (i & 31));
}

void
xdp_filter_ban(struct xdpf_filter *f, struct xdp_filter_short *s, const struct cidr *c)
{
	struct xdpf_key6 k;
	__u64 *slot;

	if (cidr_is_v4(c)) {
		ban4(f, c);
		return;
	}
	xdp_key6(c, &k);
	if (c->len < 32) {
		s->ban6 |= k.bit;
		return;
	}
	slot = &f->ban6[xdpf_hash32to16((uint32_t) (k.hi >> 32)) & 0xffff][k.upper ? 0 : 1];
	if ((*slot & k.bit) == 0)
		__atomic_fetch_or(slot, k.bit, __ATOMIC_RELAXED);
}

void
xdp_filter_allow(struct xdpf_filter *f, struct xdp_filter_short *s, const struct cidr *c)
{
	uint32_t addr, last, i;

	if (cidr_is_v4(c)) {
		addr = addr4(c);
		last = c->len == 128 ? addr : addr | ((1U << (128 - c->len)) - 1);
		for (i = addr >> 16; i <= last >> 16; i++)
			or32(&f->allow4[i >> 5], 1U << (i & 31));
		return;
	}
	if (c->len < 32) {
		s->allow6 = 1;
		return;
	}
	i = xdpf_hash32to16((uint32_t) (half(c->addr) >> 32)) & 0xffff;
	or32(&f->allow6[i >> 5], 1U << (i & 31));
}
