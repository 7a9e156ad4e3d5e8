/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "lib/siphash.h"

struct sip_state {
	uint64_t	v0, v1, v2, v3;
};

static inline uint64_t
rotl(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static inline void
sip_rounds(struct sip_state *s, int n)
{
	while (n-- > 0) {
		s->v0 += s->v1;
		s->v1 = rotl(s->v1, 13) ^ s->v0;
		s->v0 = rotl(s->v0, 32);
		s->v2 += s->v3;
		s->v3 = rotl(s->v3, 16) ^ s->v2;
		s->v0 += s->v3;
		s->v3 = rotl(s->v3, 21) ^ s->v0;
		s->v2 += s->v1;
		s->v1 = rotl(s->v1, 17) ^ s->v2;
		s->v2 = rotl(s->v2, 32);
	}
}

static inline void
sip_word(struct sip_state *s, uint64_t m)
{
	s->v3 ^= m;
	sip_rounds(s, 2);
	s->v0 ^= m;
}

static inline uint64_t
word_le(const uint8_t *p, size_t n)
{
	uint64_t m = 0;

	if (n == 8) {
		memcpy(&m, p, 8);
		return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap64(m) : m;
	}
	for (size_t i = 0; i < n; i++)
		m |= (uint64_t)p[i] << (8 * i);
	return m;
}

static inline uint64_t
sip_out(const struct sip_state *s)
{
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

struct sip_hash
siphash(const struct sip_key *k, const void *data, size_t len)
{
	struct sip_state s = {
		k->k0 ^ UINT64_C(0x736f6d6570736575), k->k1 ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
		k->k0 ^ UINT64_C(0x6c7967656e657261), k->k1 ^ UINT64_C(0x7465646279746573),
	};
	const uint8_t *p = data;
	struct sip_hash h;
	size_t n = len;

	for (; n >= 8; p += 8, n -= 8)
		sip_word(&s, word_le(p, 8));
	sip_word(&s, word_le(p, n) | (uint64_t)len << 56);
	s.v2 ^= 0xee;
	sip_rounds(&s, 4);
	h.lo = sip_out(&s);
	s.v1 ^= 0xdd;
	sip_rounds(&s, 4);
	h.hi = sip_out(&s);
	return h;
}
