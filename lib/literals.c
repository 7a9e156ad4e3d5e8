/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/literals.h"

#define GRAM_MAX	4	/* bytes of an anchor; shorter literals have shorter ones */
#define BLOCK		8	/* positions looked at between two branches */
#define HASH_MIN_BITS	9
#define HASH_MAX_BITS	17	/* 16 KiB: half of a first-level cache */
#define TEXT_MAX	(1U << 30)

/* One text.  Several ids may have asked for it. */
struct lit {
	uint32_t text, len;	/* in blob */
	uint32_t anchor;	/* its anchor's offset in it */
	uint32_t id, n_id;	/* in ids */
};

struct entry {
	uint32_t key, lit;
};

/* All anchors of one width. */
struct grams {
	uint32_t mask;		/* of the bytes that count in a 32-bit load */
	unsigned shift;		/* hash to bit number */
	unsigned bucket_shift;	/* bit number to bucket */
	uint32_t *bits;
	uint32_t *bucket;	/* first entry of a bucket; one more for the end */
	struct entry *entry;	/* by bucket */
	size_t n;
};

struct source {		/* as added */
	const char *p;		/* set when blob has stopped moving */
	uint32_t text, len, id;
};

struct literals {
	char *blob;
	size_t n_blob, cap_blob;
	struct source *src;	/* NULL once built */
	size_t n_src, cap_src;
	struct lit *lit;
	size_t n_lit;
	uint32_t *ids;
	struct grams gram[GRAM_MAX];	/* [width - 1] */
	uint32_t loose;		/* or-ed into loads: folds letters (and more: the comparison is exact) */
	unsigned char fold[256];
};

struct literals *
literals_new(bool caseless)
{
	struct literals *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->loose = caseless ? 0x20202020 : 0;
	for (unsigned c = 0; c < 256; c++)
		l->fold[c] = (unsigned char)(caseless && c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	return l;
}

void
literals_free(struct literals **lp)
{
	struct literals *l = *lp;

	*lp = NULL;
	if (l == NULL)
		return;
	for (unsigned w = 0; w < GRAM_MAX; w++) {
		free(l->gram[w].bits);
		free(l->gram[w].bucket);
		free(l->gram[w].entry);
	}
	free(l->blob);
	free(l->src);
	free(l->lit);
	free(l->ids);
	free(l);
}

/* Room for <need> elements of <size> in all; doubles. */
static int
grow(void **v, size_t *cap, size_t need, size_t size)
{
	size_t n = *cap ? *cap : 64;
	void *p;

	if (need <= *cap)
		return 0;
	while (n < need)
		n *= 2;
	p = realloc(*v, n * size);
	if (p == NULL)
		return -ENOMEM;
	*v = p;
	*cap = n;
	return 0;
}

int
literals_add(struct literals *l, const char *s, size_t len, uint32_t id)
{
	if (len == 0)
		return -EINVAL;
	if (len > TEXT_MAX - l->n_blob)
		return -E2BIG;
	if (grow((void **)&l->blob, &l->cap_blob, l->n_blob + len, 1) < 0 ||
	    grow((void **)&l->src, &l->cap_src, l->n_src + 1, sizeof(*l->src)) < 0)
		return -ENOMEM;
	l->src[l->n_src++] = (struct source){ NULL, (uint32_t)l->n_blob, (uint32_t)len, id };
	for (size_t i = 0; i < len; i++)
		l->blob[l->n_blob++] = (char)l->fold[(unsigned char)s[i]];
	return 0;
}

static int
by_text(const void *a, const void *b)
{
	const struct source *x = a, *y = b;
	int d = memcmp(x->p, y->p, x->len < y->len ? x->len : y->len);

	if (d == 0)
		d = (x->len > y->len) - (x->len < y->len);
	if (d == 0)
		d = (x->id > y->id) - (x->id < y->id);
	return d;
}

/* One lit per distinct text, its ids side by side. */
static int
unify(struct literals *l)
{
	l->lit = calloc(l->n_src + 1, sizeof(*l->lit));
	l->ids = calloc(l->n_src + 1, sizeof(*l->ids));
	if (l->lit == NULL || l->ids == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < l->n_src; i++)
		l->src[i].p = l->blob + l->src[i].text;
	if (l->n_src > 0)
		qsort(l->src, l->n_src, sizeof(*l->src), by_text);
	for (size_t i = 0; i < l->n_src; i++) {
		const struct source *s = &l->src[i];

		if (i == 0 || s->len != s[-1].len || memcmp(s->p, s[-1].p, s->len) != 0)
			l->lit[l->n_lit++] = (struct lit){ s->text, s->len, 0, (uint32_t)i, 0 };
		l->lit[l->n_lit - 1].n_id++;
		l->ids[i] = s->id;
	}
	return 0;
}

static inline uint32_t
load32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The first <width> bytes at <p> as the scan will load them on this machine, whatever its byte order. */
static uint32_t
gram_key(const char *p, unsigned width, uint32_t loose)
{
	char b[4] = { 0 };

	memcpy(b, p, width);
	return load32(b) | (loose & load32(&(char[4]){ (char)0xff, (char)(width > 1 ? 0xff : 0),
	    (char)(width > 2 ? 0xff : 0), (char)(width > 3 ? 0xff : 0) }));
}

static inline uint32_t
gram_hash(const struct grams *g, uint32_t key)
{
	return (key * 0x9e3779b1U) >> g->shift;
}

/* How often a byte is met in what the rules look at: headers, JSON, prose, code.  Only ranks matter. */
static unsigned
commonness(unsigned char c)
{
	if (c == '\0')
		return 1;
	if (strchr(" eationsr", c | (c >= 'A' && c <= 'Z' ? 0x20 : 0)) != NULL)
		return 12;
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return strchr("jqxzkvJQXZKV", c) != NULL ? 6 : 9;
	if (c >= '0' && c <= '9')
		return 7;
	return strchr("/.-_=:\",&;\n", c) != NULL ? 6 : 3;
}

/* The window of <width> bytes that will be met least, and that fewest others have chosen. */
static uint32_t
choose_anchor(const struct literals *l, const struct lit *t, unsigned width, const struct grams *g, const uint8_t *crowd)
{
	const char *p = l->blob + t->text;
	unsigned best = UINT32_MAX, score;
	uint32_t at = 0;

	for (uint32_t i = 0; i + width <= t->len; i++) {
		score = 4U * crowd[gram_hash(g, gram_key(p + i, width, l->loose))];
		for (unsigned k = 0; k < width; k++)
			score += commonness((unsigned char)p[i + k]);
		if (score < best) {
			best = score;
			at = i;
		}
	}
	return at;
}

static void
size_grams(struct grams *g, unsigned width)
{
	unsigned bits = HASH_MIN_BITS;

	memset(&g->mask, 0, sizeof(g->mask));
	memset(&g->mask, 0xff, width);	/* the first bytes in memory, as gram_key */
	while (bits < HASH_MAX_BITS && (size_t)1 << bits < g->n * 16)
		bits++;
	g->shift = 32 - bits;
	g->bucket_shift = bits > HASH_MIN_BITS + 4 ? 4 : 0;
}

/* Counting sort of the anchors into buckets. */
static void
fill_grams(const struct literals *l, struct grams *g, unsigned width, size_t n_bucket)
{
	for (size_t pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < l->n_lit; i++) {
			const struct lit *t = &l->lit[i];
			uint32_t key, h, b;

			if ((t->len < GRAM_MAX ? t->len : GRAM_MAX) != width)
				continue;
			key = gram_key(l->blob + t->text + t->anchor, width, l->loose);
			h = gram_hash(g, key);
			b = h >> g->bucket_shift;
			g->bits[h / 32] |= 1U << h % 32;
			if (pass == 0)
				g->bucket[b]++;
			else
				g->entry[--g->bucket[b]] = (struct entry){ key, (uint32_t)i };
		}
		for (size_t b = 1; pass == 0 && b <= n_bucket; b++)
			g->bucket[b] += g->bucket[b - 1];
	}
}

static int
build_grams(struct literals *l, unsigned width, uint8_t *crowd)
{
	struct grams *g = &l->gram[width - 1];
	size_t n_hash, n_bucket;

	for (size_t i = 0; i < l->n_lit; i++)
		g->n += (l->lit[i].len < GRAM_MAX ? l->lit[i].len : GRAM_MAX) == width;
	size_grams(g, width);
	if (g->n == 0)
		return 0;
	n_hash = (size_t)1 << (32 - g->shift);
	n_bucket = n_hash >> g->bucket_shift;
	g->bits = calloc(n_hash / 32, sizeof(*g->bits));
	g->bucket = calloc(n_bucket + 1, sizeof(*g->bucket));
	g->entry = calloc(g->n, sizeof(*g->entry));
	if (g->bits == NULL || g->bucket == NULL || g->entry == NULL)
		return -ENOMEM;
	memset(crowd, 0, n_hash);
	for (size_t i = 0; i < l->n_lit; i++) {
		struct lit *t = &l->lit[i];
		uint32_t h;

		if ((t->len < GRAM_MAX ? t->len : GRAM_MAX) != width)
			continue;
		t->anchor = choose_anchor(l, t, width, g, crowd);
		h = gram_hash(g, gram_key(l->blob + t->text + t->anchor, width, l->loose));
		crowd[h] = (uint8_t)(crowd[h] < 255 ? crowd[h] + 1 : 255);
	}
	fill_grams(l, g, width, n_bucket);
	return 0;
}

int
literals_build(struct literals *l)
{
	uint8_t *crowd = malloc((size_t)1 << HASH_MAX_BITS);
	int rc = crowd == NULL ? -ENOMEM : unify(l);

	for (unsigned w = 1; rc == 0 && w <= GRAM_MAX; w++)
		rc = build_grams(l, w, crowd);
	free(crowd);
	free(l->src);
	l->src = NULL;
	l->cap_src = 0;
	return rc;
}

size_t
literals_memory(const struct literals *l)
{
	size_t n = sizeof(*l) + l->cap_blob + l->cap_src * sizeof(*l->src) + (l->n_src + 1) * (sizeof(*l->lit) + sizeof(*l->ids));

	for (unsigned w = 0; w < GRAM_MAX; w++) {
		const struct grams *g = &l->gram[w];
		size_t n_hash = (size_t)1 << (32 - g->shift);

		if (g->n > 0)
			n += n_hash / 8 + ((n_hash >> g->bucket_shift) + 1) * sizeof(*g->bucket) + g->n * sizeof(*g->entry);
	}
	return n;
}

/* What to do with each occurrence; false stops the scan.  Inlined into each of the scans. */
typedef bool found_fn(const struct literals *, const struct lit *, size_t start, void *);

static inline bool
same(const struct literals *l, const struct lit *t, const char *p)
{
	const unsigned char *a = (const unsigned char *)l->blob + t->text, *b = (const unsigned char *)p;

	for (uint32_t i = 0; i < t->len; i++)
		if (a[i] != l->fold[b[i]])
			return false;
	return true;
}

/* The anchors that hash like the bytes at <at>. */
static inline __attribute__((always_inline)) bool
look(const struct literals *l, const struct grams *g, uint32_t key, const char *p, size_t len, size_t at,
    found_fn *found, void *arg)
{
	uint32_t b = gram_hash(g, key) >> g->bucket_shift;

	for (uint32_t e = g->bucket[b]; e < g->bucket[b + 1]; e++) {
		const struct lit *t = &l->lit[g->entry[e].lit];

		if (g->entry[e].key != key || at < t->anchor || len - (at - t->anchor) < t->len)
			continue;
		if (same(l, t, p + (at - t->anchor)) && !found(l, t, at - t->anchor, arg))
			return false;
	}
	return true;
}

/*
 * BLOCK positions from <at>, loaded from <q>, which is p + at or a padded copy of it.  What the padding hits
 * is over the end and thrown out by look().
 */
static inline __attribute__((always_inline)) bool
block(const struct literals *l, const struct grams *g, const char *q, const char *p, size_t len, size_t at,
    found_fn *found, void *arg)
{
	unsigned maybe = 0;

	for (unsigned i = 0; i < BLOCK; i++) {
		uint32_t h = gram_hash(g, (load32(q + i) | l->loose) & g->mask);

		maybe |= (g->bits[h / 32] >> h % 32 & 1U) << i;
	}
	for (; maybe != 0; maybe &= maybe - 1) {
		unsigned i = (unsigned)__builtin_ctz(maybe);

		if (at + i < len && !look(l, g, (load32(q + i) | l->loose) & g->mask, p, len, at + i, found, arg))
			return false;
	}
	return true;
}

static inline __attribute__((always_inline)) bool
scan(const struct literals *l, const char *p, size_t len, found_fn *found, void *arg)
{
	char pad[2 * BLOCK + GRAM_MAX] = { 0 };
	size_t body = len < BLOCK + GRAM_MAX - 1 ? 0 : (len - (GRAM_MAX - 1)) / BLOCK * BLOCK;

	if (len > 0)
		memcpy(pad, p + body, len - body);
	for (unsigned w = 0; w < GRAM_MAX; w++) {
		const struct grams *g = &l->gram[w];
		size_t at = 0;

		if (g->n == 0)
			continue;
		for (; at < body; at += BLOCK)
			if (!block(l, g, p + at, p, len, at, found, arg))
				return false;
		for (; at < len; at += BLOCK)
			if (!block(l, g, pad + (at - body), p, len, at, found, arg))
				return false;
	}
	return true;
}

static inline bool
found_mark(const struct literals *l, const struct lit *t, size_t start, void *arg)
{
	uint64_t *hits = arg;

	for (uint32_t i = 0; i < t->n_id; i++) {
		uint32_t id = l->ids[t->id + i];

		hits[id / 64] |= 1ULL << id % 64;
	}
	return true;
}

void
literals_scan(const struct literals *l, const char *p, size_t len, uint64_t *hits)
{
	scan(l, p, len, found_mark, hits);
}

static inline bool
found_first(const struct literals *l, const struct lit *t, size_t start, void *arg)
{
	struct literals_hit *best = arg;
	size_t end = start + t->len;

	if (end < best->end || (end == best->end && start < best->start))
		*best = (struct literals_hit){ l->ids[t->id], start, end };
	return true;
}

bool
literals_first(const struct literals *l, const char *p, size_t len, struct literals_hit *hit)
{
	*hit = (struct literals_hit){ 0, SIZE_MAX, SIZE_MAX };
	scan(l, p, len, found_first, hit);
	return hit->end != SIZE_MAX;
}

struct each {
	bool (*fn)(void *, const struct literals_hit *);
	void *arg;
};

static inline bool
found_each(const struct literals *l, const struct lit *t, size_t start, void *arg)
{
	const struct each *e = arg;

	for (uint32_t i = 0; i < t->n_id; i++)
		if (!e->fn(e->arg, &(struct literals_hit){ l->ids[t->id + i], start, start + t->len }))
			return false;
	return true;
}

bool
literals_each(const struct literals *l, const char *p, size_t len, bool (*fn)(void *, const struct literals_hit *),
    void *arg)
{
	return scan(l, p, len, found_each, &(struct each){ fn, arg });
}
