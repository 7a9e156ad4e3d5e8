/* SPDX-License-Identifier: MIT */
/*
 * Long literals, each entered twice, under the six bytes at two neighbouring places of which one is at an even
 * place of any text; so only every other place of a text is looked at (a simple case of Wu and Manber, "A fast
 * algorithm for multi-pattern searching", 1994, with the window where the literal is rarest).  A bitmap says
 * where it is worth to look further.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/literals_private.h"

#define WIDTH		6	/* of an anchor */
#define LOADED		8	/* with two bytes that don't count */
#define ENTRIES		2	/* per literal; LITERALS_SHORT + 1 bytes hold them */
#define BITS_MIN	9
#define BITS_MAX	18
#define BUCKET_SHIFT	4	/* hashes that share a bucket, as a power of two */
#define CHUNK		512	/* bytes looked at before what they may hold is looked up */

struct anchor {
	uint64_t key;
	uint32_t at;		/* where in the literal */
	struct lit lit;
};

static inline uint64_t
load_key(const char *p, uint64_t loose)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return (v | loose) << 16;
#else
	return (v | loose) & ~(uint64_t)0xffff;
#endif
}

static inline uint32_t
hash(const struct anchors *a, uint64_t key)
{
	return (uint32_t)((key * 0x9e3779b97f4a7c15ULL) >> (64 - a->bits_log2));
}

static inline uint32_t
bit(const struct anchors *a, uint32_t h)
{
	return a->bits[h / 32] >> h % 32 & 1;
}

static uint64_t
key_of(const struct anchors *a, const struct lit *t, uint32_t at)
{
	char b[LOADED] = { 0 };

	memcpy(b, a->blob + t->text + at, WIDTH);
	return load_key(b, a->loose);
}

/* How often a byte is met in what rules look at: headers, JSON, prose, code.  Only ranks matter. */
static unsigned
commonness(unsigned char c)
{
	if (c == '\0' || c >= 0x80)
		return 2;
	if (strchr(" eationsrEATIONSR", c) != NULL)
		return 12;
	if (strchr("jqxzkvJQXZKV", c) != NULL)
		return 6;
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return 9;
	return strchr("0123456789/.-_=:\",&;\n", c) != NULL ? 7 : 3;
}

/* The place whose anchors will be met least, and that fewest others have chosen. */
static uint32_t
choose_place(const struct anchors *a, const struct lit *t, const uint8_t *crowd, const uint8_t common[256])
{
	const char *p = a->blob + t->text;
	unsigned best = UINT32_MAX;
	uint32_t at = 0;

	for (uint32_t i = 0; i + WIDTH + ENTRIES - 1 <= t->len; i++) {
		unsigned score = 0;

		for (unsigned k = 0; k < ENTRIES; k++)
			score += 4U * crowd[hash(a, key_of(a, t, i + k))];
		for (unsigned k = 0; k < WIDTH + ENTRIES - 1; k++)
			score += common[(unsigned char)p[i + k]];
		if (score < best) {
			best = score;
			at = i;
		}
	}
	return at;
}

/* Entries in the order of the literals, and how many there are in each bucket. */
static void
enter_all(struct anchors *a, const struct literals_source *s, struct anchor *v, uint8_t *crowd)
{
	uint8_t common[256];

	for (unsigned c = 0; c < 256; c++)
		common[c] = (uint8_t)commonness((unsigned char)c);
	for (size_t i = 0; i < s->n; i++) {
		const struct lit *t = &s->lit[i];
		uint32_t at, h;

		if (t->len <= LITERALS_SHORT)
			continue;
		at = choose_place(a, t, crowd, common);
		for (uint32_t k = 0; k < ENTRIES; k++, v++) {
			*v = (struct anchor){ key_of(a, t, at + k), at + k, *t };
			h = hash(a, v->key);
			crowd[h] = (uint8_t)(crowd[h] < 255 ? crowd[h] + 1 : 255);
			a->bits[h / 32] |= 1U << h % 32;
			a->bucket[h >> BUCKET_SHIFT]++;
		}
	}
}

static int
build(struct anchors *a, const struct literals_source *s)
{
	size_t n_hash = (size_t)1 << a->bits_log2, n_bucket = n_hash >> BUCKET_SHIFT;
	struct anchor *v = calloc(a->n, sizeof(*v));
	uint8_t *crowd = calloc(n_hash, 1);
	int rc = -ENOMEM;

	a->bits = calloc(n_hash / 32, sizeof(*a->bits));
	a->bucket = calloc(n_bucket + 1, sizeof(*a->bucket));
	a->entry = calloc(a->n, sizeof(*a->entry));
	if (v != NULL && crowd != NULL && a->bits != NULL && a->bucket != NULL && a->entry != NULL) {
		enter_all(a, s, v, crowd);
		/* A counting sort: the buckets' ends, which each entry then moves down by one. */
		for (size_t b = 1; b <= n_bucket; b++)
			a->bucket[b] += a->bucket[b - 1];
		for (size_t i = a->n; i-- > 0;)
			a->entry[--a->bucket[hash(a, v[i].key) >> BUCKET_SHIFT]] = v[i];
		rc = 0;
	}
	free(v);
	free(crowd);
	return rc;
}

int
literals_anchors_build(struct anchors *a, const struct literals_source *s)
{
	a->blob = s->blob;
	a->loose = s->caseless ? 0x2020202020202020ULL : 0;
	for (unsigned c = 0; c < 256; c++)
		a->fold[c] = (unsigned char)(s->caseless && c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	for (size_t i = 0; i < s->n; i++)
		a->n += s->lit[i].len > LITERALS_SHORT ? ENTRIES : 0;
	a->bits_log2 = BITS_MIN;
	while (a->bits_log2 < BITS_MAX && (size_t)1 << a->bits_log2 < a->n * 24)
		a->bits_log2++;
	return a->n > 0 ? build(a, s) : 0;
}

void
literals_anchors_free(struct anchors *a)
{
	free(a->bits);
	free(a->bucket);
	free(a->entry);
}

size_t
literals_anchors_memory(const struct anchors *a)
{
	size_t n_hash = (size_t)1 << a->bits_log2;

	if (a->n == 0)
		return 0;
	return n_hash / 8 + ((n_hash >> BUCKET_SHIFT) + 1) * sizeof(*a->bucket) + a->n * sizeof(*a->entry);
}

static bool
same(const struct anchors *a, const struct lit *t, const char *p)
{
	const unsigned char *x = (const unsigned char *)a->blob + t->text, *y = (const unsigned char *)p;

	for (uint32_t i = 0; i < t->len; i++)
		if (x[i] != a->fold[y[i]])
			return false;
	return true;
}

/* The anchors that look like the bytes at <at>.  What hangs over the text's end is none. */
static bool
look_up(const struct anchors *a, const struct literals_scan *s, uint64_t key, size_t at)
{
	const uint32_t *b = &a->bucket[hash(a, key) >> BUCKET_SHIFT];

	for (uint32_t i = b[0]; i < b[1]; i++) {
		const struct anchor *e = &a->entry[i];

		if (e->key != key || at < e->at || at - e->at > s->len || s->len - (at - e->at) < e->lit.len)
			continue;
		if (same(a, &e->lit, s->p + (at - e->at)) && !s->found(s, &e->lit, at - e->at))
			return false;
	}
	return true;
}

/* <n> bytes from <at>, which are at <q>: in the text, or in a copy of its end with room behind it. */
static bool
chunk(const struct anchors *a, const struct literals_scan *s, const char *q, size_t at, size_t n)
{
	uint16_t maybe[CHUNK / 2 + 1];
	size_t k = 0;

	/* No branches: what is in a text is hard to predict. */
	for (size_t i = 0; i < n; i += 2) {
		maybe[k] = (uint16_t)i;
		k += bit(a, hash(a, load_key(q + i, a->loose)));
	}
	for (size_t i = 0; i < k; i++)
		if (!look_up(a, s, load_key(q + maybe[i], a->loose), at + maybe[i]))
			return false;
	return true;
}

bool
literals_anchors_scan(const struct anchors *a, const struct literals_scan *s)
{
	char end[2 * LOADED] = { 0 };
	size_t at = 0, n;

	if (a->n == 0 || s->len <= LITERALS_SHORT)
		return true;
	for (; s->len - at >= LOADED; at += n) {
		n = (s->len - at - LOADED + 2) & ~(size_t)1;
		n = n < CHUNK ? n : CHUNK;
		if (!chunk(a, s, s->p + at, at, n))
			return false;
	}
	memcpy(end, s->p + at, s->len - at);
	return chunk(a, s, end, at, s->len - at);
}
