/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/set_dom.h"
#include "lib/set_dom_private.h"

/* ---- hash --------------------------------------------------------------------------------------- */

static inline uint64_t
rotl(uint64_t x, int b)
{
	return x << b | x >> (64 - b);
}

static inline void
sip_round(struct suffix_hash *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 = rotl(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 = rotl(s->v2, 32);
}

static inline void
sip_word(struct suffix_hash *s, uint64_t m)
{
	s->v3 ^= m;
	sip_round(s);
	s->v0 ^= m;
}

inline void
suffix_hash_init(struct suffix_hash *s, uint64_t k0, uint64_t k1)
{
	s->v0 = k0 ^ 0x736f6d6570736575u;
	s->v1 = k1 ^ 0x646f72616e646f6du;
	s->v2 = k0 ^ 0x6c7967656e657261u;
	s->v3 = k1 ^ 0x7465646279746573u;
}

#define BYTES(x)	(0x0101010101010101u * (x))

/*
 * The last label of name[0..len-1] goes into the hash; returns where it starts.  Eight bytes are looked at once,
 * from the end: the exact test for a zero byte (Warren, Hacker's Delight 6-1) of the word xor eight dots.  Most
 * labels end within the first step, and then the same word, shifted, is what is hashed.
 */
static inline size_t
label_start(const char *name, size_t len, uint64_t *word)
{
	size_t i = len;

	while (i >= 8) {
		uint64_t w = set_le64((const uint8_t *)name + i - 8), x = w ^ BYTES('.');
		uint64_t dots = ~(((x & BYTES(0x7f)) + BYTES(0x7f)) | x | BYTES(0x7f));

		if (dots != 0) {
			unsigned keep = (unsigned)__builtin_clzll(dots) / 8;	/* bytes behind the last dot */

			*word = keep == 0 ? 0 : w >> 8 * (8 - keep);
			return i - keep;
		}
		i -= 8;
	}
	*word = 0;
	for (; i > 0 && name[i - 1] != '.'; i--)
		*word = *word << 8 | (uint8_t)name[i - 1];
	return i;
}

/* A label of 8k + r bytes: first the r bytes that label_start left in <word>, then 8 at a time. */
inline size_t
suffix_hash_label(struct suffix_hash *s, const char *name, size_t len)
{
	uint64_t word;
	size_t i = label_start(name, len, &word), n = len - i;

	for (size_t k = i + n % 8; k < len; k += 8)
		sip_word(s, set_le64((const uint8_t *)name + k));
	sip_word(s, word | (uint64_t)n << 56);
	return i;
}

inline uint64_t
suffix_hash_end(const struct suffix_hash *s)
{
	struct suffix_hash f = *s;

	f.v2 ^= 0xff;
	sip_round(&f);
	sip_round(&f);
	sip_round(&f);
	return f.v0 ^ f.v1 ^ f.v2 ^ f.v3;
}

/* ---- lookup ------------------------------------------------------------------------------------- */

static inline unsigned
bucket_class(const struct set_dom_view *v, const uint8_t *b, unsigned slot)
{
	const uint8_t *c = b + PIECE_SIZE * v->slots + slot * v->width;

	return v->width == 1 ? c[0] : set_le16(c);
}

inline unsigned
set_dom_view_probe(const struct set_dom_view *v, uint64_t hash)
{
	uint64_t at = scale(hash, v->n_buckets), piece = hash & PIECE_MASK;

	for (unsigned probe = 0; probe < v->probes; probe++) {
		const uint8_t *b = v->buckets + at * BUCKET;
		unsigned n = b[BUCKET_META] & ~BUCKET_MORE, found = 0;

		/* No branch for each entry: which of them it is can't be foreseen. */
		for (unsigned i = 0; i < v->slots; i++)
			found |= (unsigned)((set_le64(b + PIECE_SIZE * i) & PIECE_MASK) == piece) << i;
		found &= (1u << (n < v->slots ? n : v->slots)) - 1;
		if (found != 0)
			return bucket_class(v, b, (unsigned)__builtin_ctz(found));
		if ((b[BUCKET_META] & BUCKET_MORE) == 0)
			break;
		at = at + 1 < v->n_buckets ? at + 1 : 0;
	}
	return 0;
}

static inline bool
filter_has(const struct set_dom_view *v, uint64_t h)
{
	uint64_t mask = filter_mask(h);

	return v->n_words != 0 && (set_le64(v->filter + 8 * scale(h, v->n_words)) & mask) == mask;
}

/*
 * All suffixes are hashed and their buckets prefetched before the first is looked at, so that the memory's
 * answers overlap.  Most names asked for are not listed, and nothing below their last two labels is: the filter,
 * a byte for each such pair and so small that it stays in the cache, ends those early.
 */
unsigned
set_dom_view_find(const struct set_dom_view *v, const char *name, size_t len, unsigned *depth)
{
	uint64_t h[LABELS_MAX + 1];
	struct suffix_hash s;
	unsigned labels = 0, c = 0;
	size_t i = len;

	if (len == 0 || len > NAME_MAX_LEN || v->n_buckets == 0)
		return 0;
	suffix_hash_init(&s, v->k0, v->k1);
	do {
		i = suffix_hash_label(&s, name, i);
		if (++labels > LABELS_MAX)
			return 0;
		if (labels == 1 && !v->top)
			continue;
		h[labels] = suffix_hash_end(&s);
		__builtin_prefetch(v->buckets + scale(h[labels], v->n_buckets) * BUCKET);
		if (labels == 2 && !v->top && !filter_has(v, h[labels]))
			return 0;
	} while (i-- > 0);
	for (; labels > (v->top ? 0 : 1) && c == 0; labels--) {
		c = set_dom_view_probe(v, h[labels]);
		*depth = labels;
	}
	return c;
}

/* ---- files -------------------------------------------------------------------------------------- */

struct set_dom {
	struct set_map		map;
	struct set_dom_view	view;
};

static const char *
view_check(const struct set_dom *s)
{
	const struct set_map *m = &s->map;

	if (m->s[SET_S_BUCKETS].n % BUCKET != 0 || s->view.n_buckets > UINT32_MAX)
		return "its buckets make no sense";
	if (m->s[SET_S_FILTER].n % 8 != 0 || s->view.n_words > UINT32_MAX)
		return "its filter makes no sense";
	return NULL;
}

/* Does what the buckets hold agree with what the header says? */
static const char *
buckets_check(const struct set_dom *s)
{
	const struct set_dom_view *v = &s->view;
	uint64_t sum = 0;

	for (uint64_t k = 0; k < v->n_buckets; k++) {
		const uint8_t *b = v->buckets + k * BUCKET;
		unsigned n = b[BUCKET_META] & ~BUCKET_MORE;

		if (n > v->slots)
			return "a bucket is overfull";
		for (unsigned i = 0; i < n; i++) {
			unsigned c = bucket_class(v, b, i);

			if (c == 0 || c >= s->map.info.n_classes)
				return "an entry has a class that isn't there";
		}
		sum += n;
	}
	return sum == s->map.info.entries ? NULL : "its entries are not as many as it says";
}

static int
dom_open(struct set_dom **out, struct set_dom *s, unsigned flags, const char *name, struct diag *d)
{
	const char *why;

	s->view = (struct set_dom_view){
		.buckets = s->map.s[SET_S_BUCKETS].p, .n_buckets = s->map.s[SET_S_BUCKETS].n / BUCKET,
		.filter = s->map.s[SET_S_FILTER].p, .n_words = s->map.s[SET_S_FILTER].n / 8,
		.k0 = set_le64(s->map.key), .k1 = set_le64(s->map.key + 8),
		.width = s->map.width, .slots = bucket_slots(s->map.width),
		.probes = s->map.probes, .top = (s->map.flags & SET_HAS_TOP) != 0,
	};
	why = view_check(s);
	if (why == NULL && (flags & SET_QUICK) == 0)
		why = buckets_check(s);
	if (why != NULL) {
		set_dom_close(&s);
		return set_bad(d, name, why);
	}
	*out = s;
	return 0;
}

int
set_dom_open(struct set_dom **out, const char *path, unsigned flags, struct diag *d)
{
	struct set_dom *s = calloc(1, sizeof(*s));
	int err = s != NULL ? set_map_open(&s->map, path, SET_DOMAINS, flags, d) : -ENOMEM;

	*out = NULL;
	if (err < 0) {
		free(s);
		return err;
	}
	return dom_open(out, s, flags, path, d);
}

int
set_dom_open_mem(struct set_dom **out, const void *p, size_t n, unsigned flags, struct diag *d)
{
	struct set_dom *s = calloc(1, sizeof(*s));
	int err = s != NULL ? set_map_mem(&s->map, p, n, SET_DOMAINS, flags, d) : -ENOMEM;

	*out = NULL;
	if (err < 0) {
		free(s);
		return err;
	}
	return dom_open(out, s, flags, "memory", d);
}

void
set_dom_close(struct set_dom **sp)
{
	struct set_dom *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	set_map_close(&s->map);
	free(s);
}

bool
set_dom_find(const struct set_dom *s, const char *name, size_t len, struct set_hit *hit)
{
	unsigned depth = 0, n = s != NULL ? set_dom_view_find(&s->view, name, len, &depth) : 0;
	struct set_class c;

	if (n == 0)
		return false;
	c = set_map_class(&s->map, n);
	if ((c.flags & SET_PASS) != 0)
		return false;
	if (hit != NULL)
		*hit = (struct set_hit){c.categories, c.confidence, (uint8_t)depth};
	return true;
}

void
set_dom_info(const struct set_dom *s, struct set_info *info)
{
	*info = s->map.info;
}

const char *
set_dom_category(const struct set_dom *s, unsigned i)
{
	return set_map_category(&s->map, i);
}
