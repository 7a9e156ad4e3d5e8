/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdlib.h>

#include <bpf/bpf.h>

#include "bpf/xdp_quick.h"

#define WORDS(v)	((v) / 8 + 1)

/* 8/3 bans to a bucket of four: one in twelve finds its bucket full and goes into the next one. */
uint32_t
xdp_quick_buckets(uint32_t bans)
{
	return (uint32_t) ((uint64_t) bans * 3 / 8 + 2);
}

static uint64_t
key_of(const struct xdpf_key4 *k)
{
	return xdpf_quick_key(k->addr, k->bit);
}

static uint32_t
home_of(const struct xdp_maps *m, uint64_t key)
{
	return xdpf_quick_home(key, m->secret, m->quick_n - 1);
}

static uint64_t
key_at(const struct xdpf_quick_slot *s)
{
	return __atomic_load_n(&s->key, __ATOMIC_RELAXED) & ~XDPF_QUICK_MORE;
}

/* The slot of <key> in its home or the bucket behind; key 0: a free one. */
static struct xdpf_quick_slot *
slot_find(const struct xdp_maps *m, uint32_t home, uint64_t key)
{
	for (uint32_t i = 0; i < 2 * XDPF_QUICK_SLOTS; i++) {
		struct xdpf_quick_slot *s = &m->quick[home + i / XDPF_QUICK_SLOTS].slot[i % XDPF_QUICK_SLOTS];

		if (key_at(s) == key)
			return s;
	}
	return NULL;
}

/* MORE belongs to the bucket, not to the entry in its first slot. */
static void
key_set(struct xdpf_quick_slot *s, uint64_t key)
{
	__atomic_store_n(&s->key, key | (s->key & XDPF_QUICK_MORE), __ATOMIC_RELEASE);
}

void
xdp_quick_put(struct xdp_maps *m, const struct xdpf_key4 *k, const struct xdpf_ban *b)
{
	uint64_t key = key_of(k);
	uint32_t home = home_of(m, key), until = b->port_until != 0 ? XDPF_ASK : b->until;
	struct xdpf_quick_slot *s = slot_find(m, home, key);

	if (s != NULL) {
		__atomic_store_n(&s->until, until, __ATOMIC_RELAXED);
		return;
	}
	s = slot_find(m, home, 0);
	/* First the sign that one has to look further, then what is there. */
	if (s == NULL || s >= m->quick[home + 1].slot)
		__atomic_fetch_or(&m->quick[home].slot[0].key, XDPF_QUICK_MORE, __ATOMIC_RELEASE);
	if (s == NULL)
		return;
	s->hits = 0;
	__atomic_store_n(&s->until, until, __ATOMIC_RELAXED);
	key_set(s, key);
}

void
xdp_quick_del(struct xdp_maps *m, const struct xdpf_key4 *k)
{
	uint64_t key = key_of(k);
	struct xdpf_quick_slot *s = slot_find(m, home_of(m, key), key);

	if (s != NULL)
		key_set(s, 0);
}

uint32_t
xdp_quick_hits(const struct xdp_maps *m, const struct xdpf_key4 *k)
{
	uint64_t key = key_of(k);
	uint32_t at = home_of(m, key);
	struct xdpf_quick b[2];

	/* By copies: who only reads has nothing mapped. */
	for (int i = 0; i < 2; i++, at++)
		if (bpf_map_lookup_elem(m->fd[XM_QUICK4], &at, &b[i]) < 0)
			return 0;
	for (int i = 0; i < 2 * XDPF_QUICK_SLOTS; i++) {
		const struct xdpf_quick_slot *s = &b[i / XDPF_QUICK_SLOTS].slot[i % XDPF_QUICK_SLOTS];

		if (key_at(s) == key)
			return s->hits;
	}
	return 0;
}

uint8_t *
xdp_quick_sweep_begin(const struct xdp_maps *m)
{
	return calloc(WORDS(m->quick_n), 1);
}

void
xdp_quick_sweep_keep(const struct xdp_maps *m, uint8_t *sweep, const struct xdpf_key4 *k)
{
	uint64_t key = key_of(k);
	uint32_t home = home_of(m, key);
	const struct xdpf_quick_slot *s = slot_find(m, home, key);

	if (s == NULL || s >= m->quick[home + 1].slot)
		sweep[home / 8] |= (uint8_t) (1U << home % 8);
}

void
xdp_quick_sweep_end(struct xdp_maps *m, uint8_t *sweep)
{
	for (uint32_t i = 0; i + 1 < m->quick_n; i++)
		if ((sweep[i / 8] & 1U << i % 8) == 0 && (m->quick[i].slot[0].key & XDPF_QUICK_MORE) != 0)
			__atomic_fetch_and(&m->quick[i].slot[0].key, ~XDPF_QUICK_MORE, __ATOMIC_RELEASE);
	free(sweep);
}
