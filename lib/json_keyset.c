/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/json_private.h"

#define KEYSET_MIN	64	/* slots; twice the fingerprints */

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t
rotl(uint64_t x, unsigned k)
{
	return x << k | x >> (64 - k);
}

static inline void
sip_round(struct sip *s)
{
	s->v0 += s->v1; s->v1 = rotl(s->v1, 13); s->v1 ^= s->v0; s->v0 = rotl(s->v0, 32);
	s->v2 += s->v3; s->v3 = rotl(s->v3, 16); s->v3 ^= s->v2;
	s->v0 += s->v3; s->v3 = rotl(s->v3, 21); s->v3 ^= s->v0;
	s->v2 += s->v1; s->v1 = rotl(s->v1, 17); s->v1 ^= s->v2; s->v2 = rotl(s->v2, 32);
}

static inline void
sip_word(struct sip *s, uint64_t m)
{
	s->v3 ^= m;
	sip_round(s);
	s->v0 ^= m;
}

static inline uint64_t
sip_end(struct sip *s, unsigned mark, unsigned rounds)
{
	if (mark == 0xee)
		s->v2 ^= mark;
	else
		s->v1 ^= mark;
	while (rounds-- > 0)
		sip_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* The depth is the first word of the message: open objects never share one. */
static void
keyset_fingerprint(const struct json_keyset *k, size_t depth, const char *p, size_t n, uint64_t fp[2])
{
	struct sip s = {
		k->seed[0] ^ 0x736f6d6570736575ULL, k->seed[1] ^ 0x646f72616e646f6dULL ^ 0xee,
		k->seed[0] ^ 0x6c7967656e657261ULL, k->seed[1] ^ 0x7465646279746573ULL
	};
	uint64_t m, last = (uint64_t)n << 56;

	sip_word(&s, depth);
	for (; n >= sizeof(m); n -= sizeof(m), p += sizeof(m)) {
		memcpy(&m, p, sizeof(m));
		sip_word(&s, m);
	}
	m = 0;
	memcpy(&m, p, n);
	sip_word(&s, m ^ last);
	fp[0] = sip_end(&s, 0xee, 3);
	fp[1] = sip_end(&s, 0xdd, 3);
}

int
json_keyset_init(struct json_keyset *k)
{
	memset(k, 0, sizeof(*k));
	if (getrandom(k->seed, sizeof(k->seed), 0) != (ssize_t)sizeof(k->seed))
		return -EIO;
	return 0;
}

void
json_keyset_free(struct json_keyset *k)
{
	free(k->fp);
	free(k->slot);
	k->fp = NULL;
	k->slot = NULL;
	k->n = k->fp_cap = k->slot_cap = 0;
}

/* The slot that holds <fp>, or the free one where it belongs. */
static size_t
keyset_find(const struct json_keyset *k, const uint64_t fp[2])
{
	size_t mask = k->slot_cap - 1, i = (size_t)fp[0] & mask;

	while (k->slot[i] != 0) {
		const uint64_t *have = k->fp[k->slot[i] - 1];

		if (have[0] == fp[0] && have[1] == fp[1])
			break;
		i = (i + 1) & mask;
	}
	return i;
}

static int
keyset_grow(struct json_keyset *k)
{
	size_t slots = k->slot_cap ? k->slot_cap * 2 : KEYSET_MIN;
	uint64_t (*fp)[2];
	uint32_t *slot;

	if (slots / 2 > UINT32_MAX - 1)
		return -ENOMEM;
	fp = realloc(k->fp, slots / 2 * sizeof(*fp));
	if (fp == NULL)
		return -ENOMEM;
	k->fp = fp;
	slot = calloc(slots, sizeof(*slot));
	if (slot == NULL)
		return -ENOMEM;
	free(k->slot);
	k->slot = slot;
	k->slot_cap = slots;
	k->fp_cap = slots / 2;
	/* Oldest first again: json_keyset_cut relies on that order. */
	for (size_t i = 0; i < k->n; i++)
		k->slot[keyset_find(k, k->fp[i])] = (uint32_t)(i + 1);
	return 0;
}

int
json_keyset_add(struct json_keyset *k, size_t depth, const char *key, size_t len)
{
	uint64_t fp[2];
	size_t i;
	int rc;

	if (k->n == k->fp_cap && (rc = keyset_grow(k)) != 0)
		return rc;
	keyset_fingerprint(k, depth, key, len, fp);
	i = keyset_find(k, fp);
	if (k->slot[i] != 0)
		return 1;
	memcpy(k->fp[k->n++], fp, sizeof(fp));
	k->slot[i] = (uint32_t)k->n;
	return 0;
}

/*
 * Removing the newest key restores the table as it was before it came, so linear probing needs no
 * tombstones here.
 */
void
json_keyset_cut(struct json_keyset *k, size_t n)
{
	while (k->n > n) {
		k->n--;
		k->slot[keyset_find(k, k->fp[k->n])] = 0;
	}
}
