/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/set_dom.h"
#include "lib/set_dom_private.h"

#define LOAD_PERCENT	70u		/* of a bucket's slots, on average: seldom does one flow over */
#define FILTER_KEY_BITS	8u		/* about 4 in 100 names pass the filter for nothing */
#define TOGETHER	4u		/* names below one pair that share its bucket; with more, each has its own */
#define AHEAD		16u		/* buckets prefetched */

struct set_dom_writer {
	struct set_out		 out;
	struct set_classes	 classes;
	uint64_t		 k0, k1;
	uint64_t		*hash;		/* of the whole name */
	uint64_t		*pair;		/* of its last two labels; of the whole where it has but one */
	uint16_t		*class;
	size_t			 n, cap;
	size_t			 n_pairs;	/* runs of equal ones: different pairs, if names come in order */
	/* built by the first write or question */
	uint8_t			*buckets;
	uint64_t		*filter;
	struct set_dom_view	 view;
};

struct set_dom_writer *
set_dom_writer_new(const struct set_meta *meta)
{
	struct set_dom_writer *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	set_out_init(&w->out, SET_DOMAINS, meta);
	w->k0 = set_le64(meta->key);
	w->k1 = set_le64(meta->key + 8);
	return w;
}

static void
built_drop(struct set_dom_writer *w)
{
	free(w->buckets);
	free(w->filter);
	w->buckets = NULL;
	w->filter = NULL;
}

void
set_dom_writer_free(struct set_dom_writer **wp)
{
	struct set_dom_writer *w = *wp;

	*wp = NULL;
	if (w == NULL)
		return;
	built_drop(w);
	set_classes_free(&w->classes);
	free(w->hash);
	free(w->class);
	free(w->pair);
	free(w);
}

size_t
set_dom_writer_entries(const struct set_dom_writer *w)
{
	return w->n;
}

static int
grow(struct set_dom_writer *w)
{
	size_t cap = w->cap != 0 ? w->cap * 2 : 4096;
	void *p = realloc(w->hash, cap * sizeof(*w->hash));

	if (p == NULL)
		return -ENOMEM;
	w->hash = p;
	p = realloc(w->pair, cap * sizeof(*w->pair));
	if (p == NULL)
		return -ENOMEM;
	w->pair = p;
	p = realloc(w->class, cap * sizeof(*w->class));
	if (p == NULL)
		return -ENOMEM;
	w->class = p;
	w->cap = cap;
	return 0;
}

/* The hash of the whole name, and of its last two labels. */
static int
name_hash(const struct set_dom_writer *w, const char *name, size_t len, uint64_t *whole, uint64_t *pair)
{
	struct suffix_hash s;
	unsigned labels = 0;
	size_t i = len, end;
	char tmp[8];

	if (len == 0 || len > NAME_MAX_LEN)
		return -EINVAL;
	name = name_wide(tmp, name, len);
	suffix_hash_init(&s, w->k0, w->k1);
	do {
		end = i;
		i = suffix_hash_label(&s, name, i);
		if (end == i)
			return -EINVAL;		/* an empty label */
		if (++labels == 2)
			*pair = suffix_hash_end(&s);
	} while (i-- > 0);
	*whole = labels == 2 ? *pair : suffix_hash_end(&s);
	if (labels == 1)
		*pair = *whole;
	return (int)labels;
}

int
set_dom_writer_add(struct set_dom_writer *w, const char *name, size_t len, const struct set_class *c)
{
	uint64_t whole = 0, pair = 0;
	int labels = name_hash(w, name, len, &whole, &pair), class;

	if (labels < 0)
		return labels;
	class = set_classes_add(&w->classes, c);
	if (class < 0)
		return class;
	if (w->n == w->cap && grow(w) < 0)
		return -ENOMEM;
	if (labels == 1)
		w->out.flags |= SET_HAS_TOP;
	if (w->n == 0 || w->pair[w->n - 1] != pair)
		w->n_pairs++;
	w->pair[w->n] = pair;
	w->hash[w->n] = whole;
	w->class[w->n++] = (uint16_t)class;
	built_drop(w);
	return 0;
}

/* ---- building ------------------------------------------------------------------------------------ */

/*
 * Numbers of buckets and of words grow in steps of 1/32 at most, so that a few names more or less leave all others
 * where they are: two files of nearly the same names are nearly the same file.
 */
static uint64_t
in_steps(uint64_t n)
{
	uint64_t step = 1;

	while (step * 64 <= n)
		step *= 2;
	return (n + step - 1) / step * step;
}

/* A name of one label is in there too: that costs nothing and does no harm. */
static int
filter_build(struct set_dom_writer *w)
{
	uint64_t n = in_steps(w->n_pairs * FILTER_KEY_BITS / 64 + 1);

	w->filter = calloc(n, sizeof(*w->filter));
	if (w->filter == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < w->n; i++)
		w->filter[scale(w->pair[i], n)] |= filter_mask(w->pair[i]);
	for (uint64_t i = 0; i < n; i++)
		w->filter[i] = htole64(w->filter[i]);
	w->view.filter = (const uint8_t *)w->filter;
	w->view.n_words = n;
	return 0;
}

static void
slot_put(struct set_dom_writer *w, uint8_t *b, unsigned slot, uint64_t piece, unsigned class)
{
	unsigned slots = w->view.slots;
	uint8_t *c = b + PIECE_SIZE * slots + slot * w->view.width;

	for (unsigned i = 0; i < 4; i++)
		b[4 * slot + i] = (uint8_t)(piece >> 8 * i);
	for (unsigned i = 0; i < 2; i++)
		b[4 * slots + 2 * slot + i] = (uint8_t)(piece >> (32 + 8 * i));
	c[0] = (uint8_t)class;
	if (w->view.width == 2)
		c[1] = (uint8_t)(class >> 8);
	b[BUCKET_META]++;
}

static bool
slot_holds(const struct set_dom_writer *w, const uint8_t *b, unsigned slot, uint64_t piece)
{
	return set_le32(b + 4 * slot) == (uint32_t)piece && set_le16(b + 4 * w->view.slots + 2 * slot) == piece >> 32;
}

/* How many buckets away from that of <home> it found its place, or -ENOSPC, -EEXIST. */
static int
bucket_put(struct set_dom_writer *w, uint64_t home, uint64_t piece, unsigned class)
{
	uint64_t at = scale(home, w->view.n_buckets);

	for (unsigned probe = 0; probe < PROBES_MAX; probe++) {
		uint8_t *b = w->buckets + at * BUCKET;
		unsigned n = b[BUCKET_META] & ~BUCKET_MORE;

		for (unsigned i = 0; i < n; i++)
			if (slot_holds(w, b, i, piece))
				return -EEXIST;
		if (n < w->view.slots) {
			slot_put(w, b, n, piece, class);
			return (int)probe;
		}
		b[BUCKET_META] |= BUCKET_MORE;
		at = at + 1 < w->view.n_buckets ? at + 1 : 0;
	}
	return -ENOSPC;
}

/*
 * Names below each pair, or rather in each of twice as many cells as there are names: who shares a cell with
 * others may be counted as one of many, which only costs a marker.
 */
static uint8_t *
pairs_count(const struct set_dom_writer *w, uint64_t n_cells)
{
	uint8_t *cells = calloc(n_cells, 1);

	for (size_t i = 0; cells != NULL && i < w->n; i++) {
		uint8_t *c = &cells[scale(w->pair[i], n_cells)];

		if (i + AHEAD < w->n)
			__builtin_prefetch(&cells[scale(w->pair[i + AHEAD], n_cells)], 1);
		*c = (uint8_t)(*c + (*c <= TOGETHER));
	}
	return cells;
}

/* One name, and the marker where it doesn't live with its pair; as bucket_put. */
static int
name_put(struct set_dom_writer *w, size_t i, bool apart)
{
	int d, far = 0;

	if (apart && w->hash[i] != w->pair[i]) {
		far = bucket_put(w, w->pair[i], marker_piece(w->pair[i]), 0);
		if (far < 0 && far != -EEXIST)
			return far;
	}
	d = bucket_put(w, apart ? w->hash[i] : w->pair[i], w->hash[i] & PIECE_MASK, w->class[i]);
	return d > far || d < 0 ? d : far;
}

static int
buckets_fill(struct set_dom_writer *w, uint64_t n_buckets, const uint8_t *cells, uint64_t n_cells)
{
	unsigned far = 0;

	w->buckets = aligned_alloc(BUCKET, n_buckets * BUCKET);
	if (w->buckets == NULL)
		return -ENOMEM;
	memset(w->buckets, 0, n_buckets * BUCKET);
	w->view.buckets = w->buckets;
	w->view.n_buckets = n_buckets;
	for (size_t i = 0; i < w->n; i++) {
		int d;

		if (i + 2 * AHEAD < w->n)
			__builtin_prefetch(&cells[scale(w->pair[i + 2 * AHEAD], n_cells)]);
		if (i + AHEAD < w->n) {
			size_t k = i + AHEAD;
			bool apart = cells[scale(w->pair[k], n_cells)] > TOGETHER;

			__builtin_prefetch(w->buckets + scale(apart ? w->hash[k] : w->pair[k], n_buckets) * BUCKET, 1);
		}
		d = name_put(w, i, cells[scale(w->pair[i], n_cells)] > TOGETHER);
		if (d < 0)
			return d;
		far = (unsigned)d > far ? (unsigned)d : far;
	}
	w->view.probes = far + 1;
	return 0;
}

static int
build(struct set_dom_writer *w)
{
	unsigned width = set_classes_width(&w->classes), slots = bucket_slots(width);
	uint64_t n = in_steps(w->n * 100 / (LOAD_PERCENT * slots) + 2), n_cells = 2 * w->n;
	uint8_t *cells;
	int err;

	if (w->buckets != NULL || w->n == 0)
		return 0;
	if (n > UINT32_MAX || n_cells > UINT32_MAX)
		return -EFBIG;
	cells = pairs_count(w, n_cells);
	if (cells == NULL)
		return -ENOMEM;
	w->view = (struct set_dom_view){.k0 = w->k0, .k1 = w->k1, .width = width, .slots = slots,
	    .top = (w->out.flags & SET_HAS_TOP) != 0};
	do {
		free(w->buckets);
		err = buckets_fill(w, n, cells, n_cells);
		n = in_steps(n + n / 16 + 1);
	} while (err == -ENOSPC && n <= UINT32_MAX);
	free(cells);
	if (err == 0)
		err = filter_build(w);
	if (err != 0)
		built_drop(w);
	return err;
}

bool
set_dom_writer_collides(struct set_dom_writer *w, const char *name, size_t len)
{
	unsigned depth = 0, c = build(w) == 0 && w->n > 0 ? set_dom_view_find(&w->view, name, len, &depth) : 0;

	return c != 0 && (w->classes.v[c - 1].flags & SET_PASS) == 0;
}

int
set_dom_writer_write(struct set_dom_writer *w, const char *path)
{
	struct set_span s[2];
	int err = build(w);

	if (err < 0)
		return err;
	w->out.entries = w->n;
	w->out.probes = w->view.probes;
	s[SET_S_BUCKETS - 2] = (struct set_span){w->buckets, w->view.n_buckets * BUCKET};
	s[SET_S_FILTER - 2] = (struct set_span){(const uint8_t *)w->filter, w->view.n_words * 8};
	return set_out_write(&w->out, &w->classes, s, 2, path);
}
