/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/literals.h"

#define HASH_MIN_BITS	9
#define HASH_MAX_BITS	18
#define PAIR_BITS	16	/* the pair is its own hash */
#define BUCKET_SHIFT	4	/* so many bits of a hash share a bucket */
#define CHUNK		512	/* bytes looked at before what they may hold is looked up */
#define TEXT_MAX	(1U << 30)

/* One text.  Several ids may have asked for it. */
struct lit {
	uint32_t text, len;	/* in blob */
	uint32_t id, n_id;	/* n_id 1: the id itself; else where they are in ids */
};

/* A literal by one of its anchors. */
struct entry {
	uint32_t key;
	uint32_t at;		/* where in the literal the anchor is */
	struct lit lit;
};

/* All anchors of one kind. */
struct grams {
	unsigned bits_log2;
	uint32_t *bits;		/* by hash */
	uint32_t *bucket;	/* by hash >> BUCKET_SHIFT: the first entry; one more for the end */
	struct entry *entry;	/* by bucket */
	size_t n;		/* entries */
};

/*
 * Literals of five bytes and more have two anchors, four bytes at neighbouring places, of which one is at an
 * even place of the text; shorter ones have a pair, at any place.  So each even place is looked at once: the
 * four bytes from there, and both pairs that begin there and at the next.
 */
enum kind { QUADS, PAIRS, KINDS };

struct source {		/* as added */
	const char *p;		/* set when blob has stopped moving */
	uint32_t text, len, id;
};

struct literals {
	char *blob;
	size_t n_blob, cap_blob;
	struct source *src;	/* NULL once built */
	size_t n_src, cap_src;
	struct lit *lit;	/* NULL once built */
	size_t n_lit;
	uint32_t *ids;
	struct grams gram[KINDS];
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
	for (unsigned k = 0; k < KINDS; k++) {
		free(l->gram[k].bits);
		free(l->gram[k].bucket);
		free(l->gram[k].entry);
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
			l->lit[l->n_lit++] = (struct lit){ s->text, s->len, (uint32_t)i, 0 };
		l->lit[l->n_lit - 1].n_id++;
		l->ids[i] = s->id;
	}
	for (size_t i = 0; i < l->n_lit; i++)
		if (l->lit[i].n_id == 1)
			l->lit[i].id = l->ids[l->lit[i].id];
	return 0;
}

static inline uint32_t
load32(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The pair that starts with a quad's first byte (0) or second (1), as it would be loaded by itself. */
static inline uint32_t
pair_of(uint32_t quad, unsigned at)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return quad >> 8 * at & 0xffff;
#else
	return quad >> (16 - 8 * at) & 0xffff;
#endif
}

static inline uint32_t
quad_hash(const struct grams *g, uint32_t quad)
{
	return (quad * 0x9e3779b1U) >> (32 - g->bits_log2);
}

static inline uint32_t
gram_hash(const struct grams *g, enum kind kind, uint32_t key)
{
	return kind == QUADS ? quad_hash(g, key) : key;
}

static inline uint32_t
gram_bit(const struct grams *g, uint32_t hash)
{
	return g->bits[hash / 32] >> hash % 32 & 1;
}

static enum kind
kind_of(const struct lit *t)
{
	return t->len > 4 ? QUADS : PAIRS;
}

static uint32_t
anchor_key(const struct literals *l, const struct lit *t, enum kind kind, uint32_t at)
{
	char b[4] = { 0 };
	uint32_t quad;

	memcpy(b, l->blob + t->text + at, kind == QUADS ? 4 : t->len > 1 ? 2 : 1);
	quad = load32(b) | l->loose;
	return kind == QUADS ? quad : pair_of(quad, 0);
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

/* The place whose anchors will be met least, and that fewest others have chosen. */
static uint32_t
choose_anchor(const struct literals *l, const struct lit *t, enum kind kind, const uint8_t *crowd)
{
	const char *p = l->blob + t->text;
	unsigned best = UINT32_MAX, width = kind == QUADS ? 4 : 2, keys = kind == QUADS ? 2 : 1;
	uint32_t at = 0;

	for (uint32_t i = 0; i + width + keys - 1 <= t->len; i++) {
		unsigned score = 0;

		for (unsigned k = 0; k < keys; k++) {
			score += 4U * crowd[gram_hash(&l->gram[kind], kind, anchor_key(l, t, kind, i + k))];
			for (unsigned b = 0; b < width; b++)
				score += commonness((unsigned char)p[i + k + b]);
		}
		if (score < best) {
			best = score;
			at = i;
		}
	}
	return at;
}

static void
enter(struct grams *g, enum kind kind, struct entry **v, struct entry e, uint8_t *crowd)
{
	uint32_t h = gram_hash(g, kind, e.key);

	*(*v)++ = e;
	crowd[h] = (uint8_t)(crowd[h] < 255 ? crowd[h] + 1 : 255);
	g->bits[h / 32] |= 1U << h % 32;
	g->bucket[h >> BUCKET_SHIFT]++;
}

static size_t
n_entries(const struct literals *l, const struct lit *t)
{
	return t->len > 4 ? 2 : t->len > 1 ? 1 : l->loose ? 128 : 256;
}

/* A single byte is entered with every byte that may stand behind it; behind the text's last stands a NUL. */
static void
enter_single(const struct literals *l, struct grams *g, struct entry **v, const struct lit *t, uint8_t *crowd)
{
	char pair[4] = { l->blob[t->text] };

	for (unsigned c = 0; c < 256; c++) {
		pair[1] = (char)c;
		if (((unsigned char)c & (l->loose & 0xff)) == 0)	/* the others load as these */
			enter(g, PAIRS, v, (struct entry){ pair_of(load32(pair) | l->loose, 0), 0, *t }, crowd);
	}
}

static void
enter_all(struct literals *l, enum kind kind, struct entry *v, uint8_t *crowd)
{
	struct grams *g = &l->gram[kind];

	for (size_t i = 0; i < l->n_lit; i++) {
		const struct lit *t = &l->lit[i];
		uint32_t at;

		if (kind_of(t) != kind)
			continue;
		if (t->len == 1) {
			enter_single(l, g, &v, t, crowd);
			continue;
		}
		at = choose_anchor(l, t, kind, crowd);
		for (uint32_t k = at; k < at + n_entries(l, t); k++)
			enter(g, kind, &v, (struct entry){ anchor_key(l, t, kind, k), k, *t }, crowd);
	}
}

static void
size_grams(struct literals *l, struct grams *g, enum kind kind)
{
	for (size_t i = 0; i < l->n_lit; i++)
		if (kind_of(&l->lit[i]) == kind)
			g->n += n_entries(l, &l->lit[i]);
	g->bits_log2 = kind == PAIRS ? PAIR_BITS : HASH_MIN_BITS;
	while (kind == QUADS && g->bits_log2 < HASH_MAX_BITS && (size_t)1 << g->bits_log2 < g->n * 24)
		g->bits_log2++;
}

static int
build_grams(struct literals *l, enum kind kind, uint8_t *crowd)
{
	struct grams *g = &l->gram[kind];
	size_t n_hash, n_bucket;
	struct entry *v;

	size_grams(l, g, kind);
	n_hash = (size_t)1 << g->bits_log2;
	n_bucket = n_hash >> BUCKET_SHIFT;
	g->bits = calloc(n_hash / 32, sizeof(*g->bits));
	g->bucket = calloc(n_bucket + 1, sizeof(*g->bucket));
	g->entry = calloc(g->n + 1, sizeof(*g->entry));
	v = calloc(g->n + 1, sizeof(*v));
	if (g->bits == NULL || g->bucket == NULL || g->entry == NULL || v == NULL) {
		free(v);
		return -ENOMEM;
	}
	memset(crowd, 0, n_hash);
	enter_all(l, kind, v, crowd);
	/* A counting sort: the buckets' ends, which each entry then moves down by one. */
	for (size_t b = 1; b <= n_bucket; b++)
		g->bucket[b] += g->bucket[b - 1];
	for (size_t i = g->n; i-- > 0;)
		g->entry[--g->bucket[gram_hash(g, kind, v[i].key) >> BUCKET_SHIFT]] = v[i];
	free(v);
	return 0;
}

int
literals_build(struct literals *l)
{
	uint8_t *crowd = malloc((size_t)1 << HASH_MAX_BITS);
	int rc = crowd == NULL ? -ENOMEM : unify(l);

	for (unsigned k = 0; rc == 0 && k < KINDS; k++)
		rc = build_grams(l, k, crowd);
	free(crowd);
	free(l->src);
	free(l->lit);
	l->src = NULL;
	l->lit = NULL;
	l->cap_src = 0;
	return rc;
}

size_t
literals_memory(const struct literals *l)
{
	size_t n = sizeof(*l) + l->cap_blob + (l->n_src + 1) * sizeof(*l->ids);

	for (unsigned k = 0; k < KINDS; k++) {
		const struct grams *g = &l->gram[k];
		size_t n_hash = (size_t)1 << g->bits_log2;

		n += n_hash / 8 + ((n_hash >> BUCKET_SHIFT) + 1) * sizeof(*g->bucket) + (g->n + 1) * sizeof(*g->entry);
	}
	return n;
}

struct scan {
	const struct literals *l;
	const char *p;
	size_t len;
	void *arg;
};

/* What to do with each occurrence; false stops the scan.  Inlined into each of the scans. */
typedef bool found_fn(const struct scan *, const struct lit *, size_t start);

static inline bool
same(const struct literals *l, const struct lit *t, const char *p)
{
	const unsigned char *a = (const unsigned char *)l->blob + t->text, *b = (const unsigned char *)p;

	for (uint32_t i = 0; i < t->len; i++)
		if (a[i] != l->fold[b[i]])
			return false;
	return true;
}

/* The anchors that look like the bytes at <at>.  What hangs over the text's end is none. */
static inline __attribute__((always_inline)) bool
look_up(const struct scan *s, const struct grams *g, uint32_t key, uint32_t hash, size_t at, found_fn *found)
{
	const uint32_t *b = &g->bucket[hash >> BUCKET_SHIFT];

	for (uint32_t i = b[0]; i < b[1]; i++) {
		const struct entry *e = &g->entry[i];

		if (e->key != key || at < e->at || at - e->at > s->len || s->len - (at - e->at) < e->lit.len)
			continue;
		if (same(s->l, &e->lit, s->p + (at - e->at)) && !found(s, &e->lit, at - e->at))
			return false;
	}
	return true;
}

/* Notes the even places of [0, n) that may hold an anchor.  No branches: what is there is hard to predict. */
static inline size_t
sift(const struct literals *l, const char *p, size_t n, uint16_t *maybe)
{
	const struct grams *quads = &l->gram[QUADS], *pairs = &l->gram[PAIRS];
	size_t k = 0;

	for (size_t i = 0; i < n; i += 2) {
		uint32_t v = load32(p + i) | l->loose;

		maybe[k] = (uint16_t)i;
		k += gram_bit(quads, quad_hash(quads, v)) | gram_bit(pairs, pair_of(v, 0)) | gram_bit(pairs, pair_of(v, 1));
	}
	return k;
}

/* The same for a set without short literals. */
static inline size_t
sift_quads(const struct literals *l, const char *p, size_t n, uint16_t *maybe)
{
	const struct grams *quads = &l->gram[QUADS];
	size_t k = 0;

	for (size_t i = 0; i < n; i += 2) {
		maybe[k] = (uint16_t)i;
		k += gram_bit(quads, quad_hash(quads, load32(p + i) | l->loose));
	}
	return k;
}

/* <n> places from <at>, which are at <q>: in the text, or in a copy of its end with room behind it. */
static inline __attribute__((always_inline)) bool
chunk(const struct scan *s, const char *q, size_t at, size_t n, found_fn *found)
{
	const struct grams *quads = &s->l->gram[QUADS], *pairs = &s->l->gram[PAIRS];
	uint16_t maybe[CHUNK / 2 + 1];
	size_t k = pairs->n > 0 ? sift(s->l, q, n, maybe) : sift_quads(s->l, q, n, maybe);

	for (size_t i = 0; i < k; i++) {
		uint32_t v = load32(q + maybe[i]) | s->l->loose, h = quad_hash(quads, v);
		size_t here = at + maybe[i];

		if (gram_bit(quads, h) && !look_up(s, quads, v, h, here, found))
			return false;
		for (unsigned j = 0; j < 2; j++)
			if (gram_bit(pairs, pair_of(v, j)) &&
			    !look_up(s, pairs, pair_of(v, j), pair_of(v, j), here + j, found))
				return false;
	}
	return true;
}

static inline __attribute__((always_inline)) bool
scan(const struct literals *l, const char *p, size_t len, found_fn *found, void *arg)
{
	struct scan s = { l, p, len, arg };
	size_t at = 0, n;
	char end[8] = { 0 };

	for (; len - at >= 4; at += n) {	/* a quad is loaded from each place */
		n = (len - at - 2) & ~(size_t)1;
		n = n < CHUNK ? n : CHUNK;
		if (!chunk(&s, p + at, at, n, found))
			return false;
	}
	if (len == 0)
		return true;
	memcpy(end, p + at, len - at);
	return chunk(&s, end, at, len - at, found);
}

static inline bool
found_mark(const struct scan *s, const struct lit *t, size_t start)
{
	const uint32_t *id = t->n_id == 1 ? &t->id : &s->l->ids[t->id];
	uint64_t *hits = s->arg;

	for (uint32_t i = 0; i < t->n_id; i++)
		hits[id[i] / 64] |= 1ULL << id[i] % 64;
	return true;
}

void
literals_scan(const struct literals *l, const char *p, size_t len, uint64_t *hits)
{
	scan(l, p, len, found_mark, hits);
}

static inline bool
found_first(const struct scan *s, const struct lit *t, size_t start)
{
	struct literals_hit *best = s->arg;
	size_t end = start + t->len;

	if (end < best->end || (end == best->end && start < best->start))
		*best = (struct literals_hit){ t->n_id == 1 ? t->id : s->l->ids[t->id], start, end };
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
found_each(const struct scan *s, const struct lit *t, size_t start)
{
	const uint32_t *id = t->n_id == 1 ? &t->id : &s->l->ids[t->id];
	const struct each *e = s->arg;

	for (uint32_t i = 0; i < t->n_id; i++)
		if (!e->fn(e->arg, &(struct literals_hit){ id[i], start, start + t->len }))
			return false;
	return true;
}

bool
literals_each(const struct literals *l, const char *p, size_t len, bool (*fn)(void *, const struct literals_hit *),
    void *arg)
{
	return scan(l, p, len, found_each, &(struct each){ fn, arg });
}
