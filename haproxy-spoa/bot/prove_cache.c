/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "haproxy-spoa/bot/prove_cache.h"

#define WAYS		4
#define SETS		4096		/* 128 KiB in all */
#define UNTIL_MASK	0x3fffffu	/* 22 bits: eight years of minutes */

struct prove_cache {
	uint64_t		 seed[2];
	_Atomic uint64_t	 e[SETS][WAYS];
};

struct prove_cache *
prove_cache_new(void)
{
	struct prove_cache *c = calloc(1, sizeof(*c));

	if (c != NULL && getrandom(c->seed, sizeof(c->seed), 0) != (ssize_t)sizeof(c->seed))
		prove_cache_free(&c);
	return c;
}

void
prove_cache_free(struct prove_cache **cp)
{
	free(*cp);
	*cp = NULL;
}

static uint64_t
rotate(uint64_t x, int b)
{
	return x << b | x >> (64 - b);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static void
sip_word(uint64_t v[4], const uint8_t *p, size_t n)
{
	uint64_t m = 0;

	memcpy(&m, p, n < 8 ? n : 8);
	v[3] ^= m;
	sip_round(v);
	sip_round(v);
	v[0] ^= m;
}

/* SipHash-2-4 (Aumasson and Bernstein, 2012) over both, as whole words with their lengths at the end. */
uint64_t
prove_cache_key(const struct prove_cache *c, const uint8_t addr[16], const char *hosts)
{
	uint64_t v[4] = {c->seed[0] ^ 0x736f6d6570736575, c->seed[1] ^ 0x646f72616e646f6d,
		c->seed[0] ^ 0x6c7967656e657261, c->seed[1] ^ 0x7465646279746573};
	uint64_t n = strlen(hosts);

	sip_word(v, addr, 8);
	sip_word(v, addr + 8, 8);
	for (size_t i = 0; i < n; i += 8)
		sip_word(v, (const uint8_t *)hosts + i, n - i);
	sip_word(v, (const uint8_t *)&n, 8);
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static enum prove_entry
entry_outcome(uint64_t e)
{
	return (enum prove_entry)(e & 3);
}

static uint32_t
entry_until(uint64_t e)
{
	return (uint32_t)(e >> 2) & UNTIL_MASK;
}

static bool
entry_is(uint64_t e, uint64_t key)
{
	return e >> 24 == key >> 24;
}

enum prove_entry
prove_cache_get(const struct prove_cache *c, uint64_t key, uint32_t minute)
{
	const _Atomic uint64_t *set = c->e[key % SETS];

	for (int i = 0; i < WAYS; i++) {
		uint64_t e = atomic_load_explicit(&set[i], memory_order_relaxed);

		if (entry_is(e, key) && entry_until(e) > minute)
			return entry_outcome(e);
	}
	return ENTRY_NONE;
}

/* How dear the entry is: the cheapest goes. */
static uint64_t
entry_worth(uint64_t e, uint64_t key, uint32_t minute)
{
	if (e != 0 && entry_is(e, key))
		return 0;
	if (entry_until(e) <= minute)
		return 1;
	return ((uint64_t)entry_outcome(e) << 32) + entry_until(e);
}

/* Two threads that put at the same time may lose one of the two: it is asked again. */
bool
prove_cache_put(struct prove_cache *c, uint64_t key, enum prove_entry outcome, uint32_t minute, uint32_t until)
{
	_Atomic uint64_t *set = c->e[key % SETS];
	uint64_t best = UINT64_MAX, worth, e;
	int at = 0;

	for (int i = 0; i < WAYS; i++) {
		e = atomic_load_explicit(&set[i], memory_order_relaxed);
		worth = entry_worth(e, key, minute);
		if (worth < best) {
			best = worth;
			at = i;
		}
	}
	if (outcome == ENTRY_PENDING && best >= (uint64_t)ENTRY_TRUE << 32)
		return false;
	e = key >> 24 << 24 | (uint64_t)(until & UNTIL_MASK) << 2 | (uint64_t)outcome;
	atomic_store_explicit(&set[at], e, memory_order_relaxed);
	return true;
}
