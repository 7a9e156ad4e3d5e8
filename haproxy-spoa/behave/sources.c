/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "haproxy-spoa/behave/assoc.h"
#include "haproxy-spoa/behave/sources.h"

#define TRIES	4

struct sources {
	size_t			 n_sets, bytes;
	_Atomic uint64_t	*tags;
	struct window		*windows;
	void			*map;
	size_t			 swept;		/* next place to sweep */
	_Atomic size_t		 used;
	_Atomic uint64_t	 evicted, lost;
};

_Static_assert(sizeof(struct window) + sizeof(uint64_t) == 128, "128 bytes for each source");

struct sources *
sources_new(size_t n)
{
	struct sources *s = calloc(1, sizeof(*s));
	size_t places;

	if (s == NULL)
		return NULL;
	s->n_sets = (n + n / 5 + ASSOC_WAYS - 1) / ASSOC_WAYS;
	places = s->n_sets * ASSOC_WAYS;
	s->bytes = places * (sizeof(*s->tags) + sizeof(*s->windows));
	s->map = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s->map == MAP_FAILED) {
		free(s);
		return NULL;
	}
	s->tags = s->map;
	s->windows = (struct window *)(s->tags + places);
	return s;
}

void
sources_free(struct sources **sp)
{
	struct sources *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	munmap(s->map, s->bytes);
	free(s);
}

void
sources_prefetch(const struct sources *s, struct sip_hash h)
{
	__builtin_prefetch(&s->tags[assoc_set(h, s->n_sets, 0)]);
	__builtin_prefetch(&s->tags[assoc_set(h, s->n_sets, 1)]);
}

struct window *
sources_find(const struct sources *s, struct sip_hash h)
{
	uint64_t tag = assoc_tag(h);
	size_t at;

	for (int i = 0; i < ASSOC_PLACES; i++) {
		at = assoc_place(h, s->n_sets, i);
		if (atomic_load_explicit(&s->tags[at], memory_order_acquire) == tag)
			return &s->windows[at];
	}
	return NULL;
}

/* The emptier of the two sets has room: there.  False: neither has. */
static bool
empty_place(const struct sources *s, struct sip_hash h, size_t *out)
{
	size_t place[2] = {0, 0};
	int empty[2] = {0, 0};

	for (int i = 0; i < ASSOC_PLACES; i++) {
		size_t at = assoc_place(h, s->n_sets, i);

		if (atomic_load_explicit(&s->tags[at], memory_order_relaxed) == ASSOC_EMPTY) {
			place[i / ASSOC_WAYS] = at;
			empty[i / ASSOC_WAYS]++;
		}
	}
	*out = place[empty[1] > empty[0]];
	return empty[0] + empty[1] > 0;
}

static size_t
worst_place(const struct sources *s, struct sip_hash h, uint32_t slot)
{
	uint64_t least = UINT64_MAX, worth;
	size_t worst = assoc_place(h, s->n_sets, 0);

	for (int i = 0; i < ASSOC_PLACES; i++) {
		size_t at = assoc_place(h, s->n_sets, i);

		worth = window_over(&s->windows[at], slot) ? 0 : window_worth(&s->windows[at], slot);
		if (worth < least && atomic_load_explicit(&s->tags[at], memory_order_relaxed) != ASSOC_BUSY) {
			least = worth;
			worst = at;
		}
	}
	return worst;
}

/* Two threads made the same source: the first place is the one that everybody finds. */
static struct window *
settle(struct sources *s, struct sip_hash h, size_t mine)
{
	uint64_t tag = assoc_tag(h);
	struct window *first = sources_find(s, h);

	if (first == NULL || first == &s->windows[mine])
		return &s->windows[mine];
	if (atomic_compare_exchange_strong_explicit(&s->tags[mine], &tag, ASSOC_EMPTY, memory_order_relaxed,
	    memory_order_relaxed))
		atomic_fetch_sub_explicit(&s->used, 1, memory_order_relaxed);
	return first;
}

struct window *
sources_get(struct sources *s, struct sip_hash h, uint32_t slot)
{
	struct window *w = sources_find(s, h);
	uint64_t old;
	size_t at;
	bool empty;

	for (int i = 0; w == NULL && i < TRIES; i++) {
		empty = empty_place(s, h, &at);
		if (!empty)
			at = worst_place(s, h, slot);
		old = atomic_load_explicit(&s->tags[at], memory_order_relaxed);
		if (old == ASSOC_BUSY || (old == ASSOC_EMPTY) != empty ||
		    !atomic_compare_exchange_strong_explicit(&s->tags[at], &old, ASSOC_BUSY, memory_order_acquire,
		    memory_order_relaxed)) {
			w = sources_find(s, h);
			continue;
		}
		if (empty)
			atomic_fetch_add_explicit(&s->used, 1, memory_order_relaxed);
		else if (!window_over(&s->windows[at], slot))
			atomic_fetch_add_explicit(&s->evicted, 1, memory_order_relaxed);
		window_reset(&s->windows[at], slot);
		atomic_store_explicit(&s->tags[at], assoc_tag(h), memory_order_release);
		w = settle(s, h, at);
	}
	if (w == NULL)
		atomic_fetch_add_explicit(&s->lost, 1, memory_order_relaxed);
	return w;
}

void
sources_sweep(struct sources *s, size_t n, uint32_t slot)
{
	size_t places = s->n_sets * ASSOC_WAYS;
	uint64_t tag;

	for (n = n < places ? n : places; n > 0; n--) {
		size_t at = s->swept;

		s->swept = at + 1 < places ? at + 1 : 0;
		tag = atomic_load_explicit(&s->tags[at], memory_order_acquire);
		/* A slot longer than needed: nobody is just adding to it. */
		if (tag <= ASSOC_BUSY || !window_over(&s->windows[at], slot) || !window_over(&s->windows[at], slot - 1))
			continue;
		if (atomic_compare_exchange_strong_explicit(&s->tags[at], &tag, ASSOC_EMPTY, memory_order_relaxed,
		    memory_order_relaxed))
			atomic_fetch_sub_explicit(&s->used, 1, memory_order_relaxed);
	}
}

void
sources_stats(const struct sources *s, struct sources_stats *st)
{
	*st = (struct sources_stats){
		.places = s->n_sets * ASSOC_WAYS, .bytes = s->bytes,
		.used = atomic_load_explicit(&s->used, memory_order_relaxed),
		.evicted = atomic_load_explicit(&s->evicted, memory_order_relaxed),
		.lost = atomic_load_explicit(&s->lost, memory_order_relaxed),
	};
}
