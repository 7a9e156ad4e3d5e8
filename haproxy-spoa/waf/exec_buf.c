/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "lib/arena.h"
#include "lib/literals.h"
#include "haproxy-spoa/waf/exec.h"

/*
 * Multiply and fold, eight bytes at a time.  It need not resist collisions: equal hashes are compared by
 * content, and the number of buffers of a transaction is bounded by its time.
 */
static uint64_t
buf_hash(const char *p, size_t n)
{
	const uint64_t k = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t h = n * k, w;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&w, p, 8);
		h = (h ^ w) * k;
		h ^= h >> 29;
	}
	w = 0;
	if (n > 0)
		memcpy(&w, p, n);
	h = (h ^ w) * k;
	return h ^ h >> 32;
}

struct xbuf *
xbuf_intern(struct waf_tx *tx, struct waf_str s)
{
	uint64_t h = buf_hash(s.p, s.n);
	struct xbuf **bucket = &tx->bucket[h % X_BUCKETS], *b;

	for (b = *bucket; b != NULL; b = b->next)
		if (b->hash == h && b->n == s.n && (s.n == 0 || b->p == s.p || memcmp(b->p, s.p, s.n) == 0))
			return b;
	if ((b = arena_calloc(tx->arena, 1, sizeof(*b))) == NULL)
		return NULL;
	b->p = s.n > 0 ? s.p : "";
	b->n = s.n;
	b->hash = h;
	b->map = plan_class_map(b->p, b->n);
	b->next = *bucket;
	*bucket = b;
	return b;
}

static struct xbuf *
folded_root(struct xbuf *b)
{
	while (b->same_folded != NULL)
		b = b->same_folded;
	return b;
}

/* The literal scan folds case itself: what lowercase made has the hits of what it was made from. */
static void
fold_note(struct xbuf *from, struct xbuf *to, enum waf_tfn tfn)
{
	struct xbuf *root;

	if ((tfn != WAF_T_lowercase && tfn != WAF_T_uppercase) || to == NULL || to->same_folded != NULL)
		return;
	root = folded_root(from);
	if (root != to)
		to->same_folded = root;
}

struct xbuf *
xbuf_transform(struct waf_tx *tx, struct xbuf *b, enum waf_tfn tfn)
{
	struct waf_str in = {b->p, b->n}, out;
	uint64_t trigger = plan_class_trigger(tfn);
	struct xstep *s;
	int r;

	if ((b->map & trigger) == 0 && trigger != ~UINT64_C(0))
		return b;
	for (s = b->step; s != NULL; s = s->next)
		if (s->tfn == tfn)
			return s->to;
	if (!xwork(tx, b->n))
		return NULL;
	r = waf_tfn_apply(tfn, tx->settings.unimap, in, &out, tx->arena);
	if (r < 0 || (s = arena_alloc(tx->arena, sizeof(*s))) == NULL)
		return NULL;
	s->tfn = tfn;
	s->to = r == 0 ? b : xbuf_intern(tx, out);
	s->next = b->step;
	b->step = s;
	fold_note(b, s->to, tfn);
	return s->to;
}

uint64_t *
xbuf_hits(struct waf_tx *tx, struct xbuf *b, int side)
{
	uint64_t *hits = b->hits[side];

	if (hits != NULL)
		return hits;
	if (b->same_folded != NULL)
		return b->hits[side] = xbuf_hits(tx, folded_root(b), side);
	hits = arena_calloc(tx->arena, tx->plan->gate_words[side] + 1, sizeof(*hits));
	if (hits == NULL)
		return NULL;
	if (!xwork(tx, b->n))
		return NULL;
	literals_scan(tx->plan->literals[side], b->p, b->n, hits);
	b->hits[side] = hits;
	return hits;
}
