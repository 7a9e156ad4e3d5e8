/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

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
 * The eight bytes before name[end], end > 0, the last one on top.  In front of the name stand dots, so that its
 * first label ends like every other.
 */
static inline uint64_t
bytes_before(const char *name, size_t end)
{
	size_t at = end >= 8 ? end - 8 : 0;
	unsigned gap = 8 * (unsigned)(8 - (end - at));

	return set_le64((const uint8_t *)name + at) << gap | (BYTES('.') & ((1ULL << gap) - 1));
}

/* The top bit of each byte that is a dot: the exact test for a zero byte (Warren, Hacker's Delight 6-1). */
static inline uint64_t
dots_in(uint64_t w)
{
	uint64_t x = w ^ BYTES('.');

	return ~(((x & BYTES(0x7f)) + BYTES(0x7f)) | x | BYTES(0x7f));
}

/* The last <n> of eight bytes. */
static inline uint64_t
bytes_last(uint64_t w, unsigned n)
{
	return n == 0 ? 0 : w >> 8 * (8 - n);
}

/* The rest of a label whose last sixteen bytes hold no dot. */
static size_t
label_long(struct suffix_hash *s, const char *name, size_t end)
{
	size_t i = end - 16;
	uint64_t w = 0, dots = 0;
	unsigned keep = 0;

	while (i > 0 && (dots = dots_in(w = bytes_before(name, i))) == 0)
		i -= 8;
	if (i > 0)
		i -= keep = (unsigned)__builtin_clzll(dots) / 8;
	for (size_t k = i + keep; k < end; k += 8)
		sip_word(s, set_le64((const uint8_t *)name + k));
	sip_word(s, bytes_last(w, keep) | (uint64_t)(end - i) << 56);
	return i;
}

/* Most labels have fewer than eight bytes or than sixteen; the words that are looked through are what is hashed. */
inline size_t
suffix_hash_label(struct suffix_hash *s, const char *name, size_t len)
{
	uint64_t last, w = 0, dots = 0;
	unsigned keep = 0, more = 0;

	if (len == 0) {
		sip_word(s, 0);
		return 0;
	}
	w = last = bytes_before(name, len);
	dots = dots_in(w);
	if (dots == 0) {
		more = 8;
		if (len > 8)
			dots = dots_in(w = bytes_before(name, len - 8));
		if (len > 8 && dots == 0)
			return label_long(s, name, len);
		sip_word(s, last);
	}
	if (dots != 0)
		keep = (unsigned)__builtin_clzll(dots) / 8;
	sip_word(s, bytes_last(w, keep) | (uint64_t)(keep + more) << 56);
	return len - more - keep;
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

/*
 * Bit i: slot i holds <piece>.  No branch anywhere: what waits for memory can't be foreseen, and a wrong guess would
 * keep the processor from beginning the next lookup meanwhile.
 */
static inline unsigned
bucket_match(const struct set_dom_view *v, const uint8_t *b, uint64_t piece)
{
	unsigned n = b[BUCKET_META] & ~BUCKET_MORE, found = 0;
	const uint8_t *high = b + 4 * v->slots;
#ifdef __SSE2__
	__m128i x = _mm_set1_epi32((int)(uint32_t)piece), y = _mm_set1_epi16((short)(piece >> 32));
	__m128i none = _mm_setzero_si128();
	__m128i eight = _mm_packs_epi32(_mm_cmpeq_epi32(_mm_loadu_si128((const __m128i_u *)b), x),
	    _mm_cmpeq_epi32(_mm_loadu_si128((const __m128i_u *)(b + 16)), x));
	__m128i ninth = _mm_packs_epi32(_mm_cmpeq_epi32(_mm_cvtsi32_si128((int)set_le32(b + 32)), x), none);

	eight = _mm_and_si128(eight, _mm_cmpeq_epi16(_mm_loadu_si128((const __m128i_u *)high), y));
	ninth = _mm_and_si128(ninth, _mm_cmpeq_epi16(_mm_cvtsi32_si128(set_le16(high + 16)), y));
	found = (unsigned)_mm_movemask_epi8(_mm_packs_epi16(eight, ninth));
#else
	for (unsigned i = 0; i < v->slots; i++)
		found |= (unsigned)((set_le32(b + 4 * i) == (uint32_t)piece) &
		    (set_le16(high + 2 * i) == (uint16_t)(piece >> 32))) << i;
#endif
	return found & ((1u << (n < v->slots ? n : v->slots)) - 1);
}

/* The class of <piece> in the bucket of <hash> or where it flowed over to; 0: not there. */
static unsigned
piece_class(const struct set_dom_view *v, uint64_t hash, uint64_t piece)
{
	uint64_t at = scale(hash, v->n_buckets);

	for (unsigned probe = 0; probe < v->probes; probe++) {
		const uint8_t *b = v->buckets + at * BUCKET;
		unsigned found = bucket_match(v, b, piece);

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

/* Below a pair with too many names for one bucket: each in its own. */
static unsigned
apart_find(const struct set_dom_view *v, const uint64_t *h, unsigned labels, unsigned *depth)
{
	for (unsigned k = labels; k > 2; k--) {
		unsigned c = piece_class(v, h[k], h[k] & PIECE_MASK);

		if (c != 0) {
			*depth = k;
			return c;
		}
	}
	return 0;
}

#define SLOT_NONE	(1u << 8)	/* read where nothing was found, and not used */

/* The pair's bucket, and those it flowed over to: the name with the most labels, unless a marker sends us away. */
static unsigned
pair_find(const struct set_dom_view *v, const uint64_t *h, unsigned labels, unsigned *depth)
{
	uint64_t at = scale(h[2], v->n_buckets);
	unsigned class = 0, best = 0, apart = 0;

	for (unsigned probe = 0; probe < v->probes; probe++) {
		const uint8_t *b = v->buckets + at * BUCKET;

		for (unsigned k = 2; k <= labels; k++) {
			unsigned found = bucket_match(v, b, h[k] & PIECE_MASK);
			unsigned c = bucket_class(v, b, (unsigned)__builtin_ctz(found | SLOT_NONE));

			class = found != 0 && k > best ? c : class;
			best = found != 0 && k > best ? k : best;
		}
		apart |= bucket_match(v, b, marker_piece(h[2]));
		if ((b[BUCKET_META] & BUCKET_MORE) == 0)
			break;
		at = at + 1 < v->n_buckets ? at + 1 : 0;
	}
	*depth = best;
	if (apart != 0 && labels > 2) {
		unsigned c = apart_find(v, h, labels, depth);

		class = c != 0 ? c : class;
	}
	return class;
}

/*
 * Most names asked for are not listed, and nothing below their last two labels is: the filter, a byte for each such
 * pair and so small that it stays in the cache, ends those early.  All buckets that may be looked at are on their way
 * while the rest of the name is hashed: whether it is the pair's or each name's own shows only once the first is there,
 * and to wait twice costs more than to fetch one in vain.
 */
unsigned
set_dom_view_find(const struct set_dom_view *v, const char *name, size_t len, unsigned *depth)
{
	uint64_t h[LABELS_MAX + 1];
	struct suffix_hash s;
	unsigned labels = 1;
	char tmp[8];
	size_t i;
	unsigned c = 0;

	if (len == 0 || len > NAME_MAX_LEN || v->n_buckets == 0)
		return 0;
	name = name_wide(tmp, name, len);
	suffix_hash_init(&s, v->k0, v->k1);
	i = suffix_hash_label(&s, name, len);
	if (v->top)
		h[1] = suffix_hash_end(&s);
	if (i > 0) {
		i = suffix_hash_label(&s, name, i - 1);
		h[2] = suffix_hash_end(&s);
		if (filter_has(v, h[2])) {
			__builtin_prefetch(v->buckets + scale(h[2], v->n_buckets) * BUCKET);
			for (labels = 2; i > 0 && labels < LABELS_MAX; ) {
				i = suffix_hash_label(&s, name, i - 1);
				h[++labels] = suffix_hash_end(&s);
				__builtin_prefetch(v->buckets + scale(h[labels], v->n_buckets) * BUCKET);
			}
			c = i > 0 ? 0 : pair_find(v, h, labels, depth);
		}
	}
	if (c == 0 && v->top) {
		c = piece_class(v, h[1], h[1] & PIECE_MASK);
		*depth = 1;
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
	if (s->view.probes > PROBES_MAX)
		return "its buckets flow over too far";
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

			if (c > 0 && c >= s->map.info.n_classes)
				return "an entry has a class that isn't there";
			sum += c > 0;
		}
	}
	return sum == s->map.info.entries ? NULL : "its entries are not as many as it says";
}

static const char *
dom_check(void *set, bool quick)
{
	struct set_dom *s = set;
	const char *why;

	s->view = (struct set_dom_view){
		.buckets = s->map.s[SET_S_BUCKETS].p, .n_buckets = s->map.s[SET_S_BUCKETS].n / BUCKET,
		.filter = s->map.s[SET_S_FILTER].p, .n_words = s->map.s[SET_S_FILTER].n / 8,
		.k0 = set_le64(s->map.key), .k1 = set_le64(s->map.key + 8),
		.width = s->map.width, .slots = bucket_slots(s->map.width),
		.probes = s->map.probes, .top = (s->map.flags & SET_HAS_TOP) != 0,
	};
	why = view_check(s);
	return why != NULL || quick ? why : buckets_check(s);
}

static const struct set_type dom_type = {SET_DOMAINS, sizeof(struct set_dom), dom_check};

int
set_dom_open(struct set_dom **out, const char *path, unsigned flags, struct diag *d)
{
	int err;

	*out = set_open(&dom_type, path, flags, d, &err);
	return err;
}

int
set_dom_open_mem(struct set_dom **out, const void *p, size_t n, unsigned flags, struct diag *d)
{
	int err;

	*out = set_open_mem(&dom_type, p, n, flags, d, &err);
	return err;
}

void
set_dom_close(struct set_dom **sp)
{
	set_close(*sp);
	*sp = NULL;
}

bool
set_dom_find(const struct set_dom *s, const char *name, size_t len, struct set_hit *hit)
{
	unsigned depth = 0, n = s != NULL ? set_dom_view_find(&s->view, name, len, &depth) : 0;

	return n != 0 && set_map_hit(&s->map, n, depth, hit);
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
