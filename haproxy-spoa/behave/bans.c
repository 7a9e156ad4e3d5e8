/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/behave/assoc.h"
#include "haproxy-spoa/behave/bans.h"

struct bans {
	size_t			 n_sets;
	_Atomic uint64_t	*tags;
	_Atomic int64_t		*until;		/* of the tag beside it: until_ms * 16 + level */
	struct ban		*info;		/* under the lock, as all below */
	struct sip_key		 key;
	pthread_mutex_t		 lock;
	_Atomic size_t		 remembered;	/* written under it */
	size_t			 active;
	uint64_t		 dropped, changes;
};

static size_t
places(const struct bans *b)
{
	return b->n_sets * ASSOC_WAYS;
}

struct bans *
bans_new(size_t n, const struct sip_key *key)
{
	struct bans *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->key = *key;
	b->n_sets = (n + n / 5 + ASSOC_WAYS - 1) / ASSOC_WAYS;
	b->tags = aligned_alloc(64, places(b) * sizeof(*b->tags));
	b->until = calloc(places(b), sizeof(*b->until));
	b->info = calloc(places(b), sizeof(*b->info));
	pthread_mutex_init(&b->lock, NULL);
	if (b->tags == NULL || b->until == NULL || b->info == NULL) {
		bans_free(&b);
		return NULL;
	}
	for (size_t i = 0; i < places(b); i++)
		atomic_init(&b->tags[i], ASSOC_EMPTY);
	return b;
}

void
bans_free(struct bans **bp)
{
	struct bans *b = *bp;

	*bp = NULL;
	if (b == NULL)
		return;
	pthread_mutex_destroy(&b->lock);
	free(b->tags);
	free(b->until);
	free(b->info);
	free(b);
}

int64_t
bans_left(const struct bans *b, struct sip_hash h, int64_t now_ms, unsigned *level)
{
	uint64_t tag = assoc_tag(h);
	int64_t word;
	size_t at;

	*level = 0;
	if (atomic_load_explicit(&b->remembered, memory_order_relaxed) == 0)
		return 0;
	for (int i = 0; i < ASSOC_PLACES; i++) {
		at = assoc_place(h, b->n_sets, i);
		if (atomic_load_explicit(&b->tags[at], memory_order_acquire) != tag)
			continue;
		word = atomic_load_explicit(&b->until[at], memory_order_acquire);
		if (atomic_load_explicit(&b->tags[at], memory_order_relaxed) != tag)
			continue;	/* no longer his */
		*level = (unsigned)(word & 15);
		return word / 16 > now_ms ? word / 16 - now_ms : 0;
	}
	return 0;
}

static int64_t
word_of(const struct ban *x)
{
	return (x->until_ms > 0 ? x->until_ms : 0) * 16 + (x->level < 15 ? x->level : 15);
}

/* ---- under the lock --------------------------------------------------------------------------- */

static int
level_left(const struct ban *x, int64_t decay_ms, int64_t now_ms)
{
	int64_t gone = x->until_ms < now_ms && decay_ms > 0 ? (now_ms - x->until_ms) / decay_ms : 0;

	return gone >= x->level ? 0 : x->level - (int)gone;
}

static void
place_clear(struct bans *b, size_t at)
{
	atomic_store_explicit(&b->until[at], 0, memory_order_relaxed);
	atomic_store_explicit(&b->tags[at], ASSOC_EMPTY, memory_order_release);
	atomic_fetch_sub_explicit(&b->remembered, 1, memory_order_relaxed);
	b->changes++;
}

/* A reader finds the old one, or nothing, or the new one: never the new tag with the old end. */
static void
place_write(struct bans *b, size_t at, uint64_t tag, const struct ban *x)
{
	if (atomic_load_explicit(&b->tags[at], memory_order_relaxed) == ASSOC_EMPTY)
		atomic_fetch_add_explicit(&b->remembered, 1, memory_order_relaxed);
	if (atomic_load_explicit(&b->tags[at], memory_order_relaxed) != tag) {
		atomic_store_explicit(&b->tags[at], ASSOC_BUSY, memory_order_relaxed);
		atomic_store_explicit(&b->until[at], 0, memory_order_release);
		atomic_store_explicit(&b->tags[at], tag, memory_order_release);
	}
	b->info[at] = *x;
	atomic_store_explicit(&b->until[at], word_of(x), memory_order_release);
	b->changes++;
}

/* What goes first when there is no room. */
static bool
goes_before(const struct ban *x, const struct ban *y, int64_t now_ms)
{
	bool x_over = x->until_ms <= now_ms, y_over = y->until_ms <= now_ms;

	if (x_over != y_over)
		return x_over;
	if (x_over && x->level != y->level)
		return x->level < y->level;
	return x->until_ms < y->until_ms;
}

/* His place, or the one that he gets. */
static size_t
place_for(struct bans *b, struct sip_hash h, bool *his, int64_t now_ms)
{
	size_t at, best = assoc_place(h, b->n_sets, 0);
	uint64_t tag;

	*his = false;
	for (int i = 0; i < ASSOC_PLACES; i++) {
		at = assoc_place(h, b->n_sets, i);
		tag = atomic_load_explicit(&b->tags[at], memory_order_relaxed);
		if (tag == assoc_tag(h)) {
			*his = true;
			return at;
		}
		if (atomic_load_explicit(&b->tags[best], memory_order_relaxed) != ASSOC_EMPTY &&
		    (tag == ASSOC_EMPTY || goes_before(&b->info[at], &b->info[best], now_ms)))
			best = at;
	}
	if (atomic_load_explicit(&b->tags[best], memory_order_relaxed) != ASSOC_EMPTY &&
	    b->info[best].until_ms > now_ms)
		b->dropped++;
	return best;
}

/* ---- changes ---------------------------------------------------------------------------------- */

int64_t
bans_add(struct bans *b, struct sip_hash h, const struct ban_who *who, const char *reason,
    const struct ban_times *times, int64_t now_ms, bool wait, struct ban *out)
{
	struct ban x = {.who = *who, .since_ms = now_ms};
	int64_t ms = 0;
	size_t at;
	bool his;

	if (wait)
		pthread_mutex_lock(&b->lock);
	else if (pthread_mutex_trylock(&b->lock) != 0)
		return -EAGAIN;
	at = place_for(b, h, &his, now_ms);
	if (!his || (b->info[at].until_ms <= now_ms && b->info[at].grace_ms <= now_ms)) {
		x.level = 1 + (his ? level_left(&b->info[at], times->decay_ms, now_ms) : 0);
		ms = times->ms[(x.level < times->n ? x.level : times->n) - 1];
		x.until_ms = now_ms + ms;
		snprintf(x.reason, sizeof(x.reason), "%s", reason);
		place_write(b, at, assoc_tag(h), &x);
	}
	if (out != NULL)
		*out = b->info[at];
	pthread_mutex_unlock(&b->lock);
	return ms;
}

void
bans_put(struct bans *b, const struct ban *x, int64_t now_ms)
{
	struct sip_hash h = ban_hash(&b->key, &x->who);
	size_t at;
	bool his;

	pthread_mutex_lock(&b->lock);
	at = place_for(b, h, &his, now_ms);
	if (!his || b->info[at].until_ms < x->until_ms)
		place_write(b, at, assoc_tag(h), x);
	pthread_mutex_unlock(&b->lock);
}

size_t
bans_lift(struct bans *b, bool (*match)(const void *, const struct ban_who *), const void *arg, int64_t before_ms,
    int64_t now_ms)
{
	size_t n = 0;

	if (atomic_load_explicit(&b->remembered, memory_order_relaxed) == 0)
		return 0;	/* as for most of a long file of orders */
	pthread_mutex_lock(&b->lock);
	for (size_t at = 0; at < places(b); at++) {
		if (atomic_load_explicit(&b->tags[at], memory_order_relaxed) == ASSOC_EMPTY ||
		    b->info[at].since_ms > before_ms || !match(arg, &b->info[at].who))
			continue;
		n += b->info[at].until_ms > now_ms;
		b->info[at].level = 0;
		b->info[at].until_ms = now_ms < b->info[at].until_ms ? now_ms : b->info[at].until_ms;
		b->info[at].grace_ms = now_ms + BANS_GRACE_MS;
		atomic_store_explicit(&b->until[at], 0, memory_order_release);
		b->changes++;
	}
	pthread_mutex_unlock(&b->lock);
	return n;
}

void
bans_expire(struct bans *b, const struct ban_times *times, int64_t now_ms)
{
	pthread_mutex_lock(&b->lock);
	b->active = 0;
	for (size_t at = 0; at < places(b); at++) {
		if (atomic_load_explicit(&b->tags[at], memory_order_relaxed) == ASSOC_EMPTY)
			continue;
		if (b->info[at].until_ms > now_ms)
			b->active++;
		else if (level_left(&b->info[at], times->decay_ms, now_ms) == 0 && b->info[at].grace_ms <= now_ms)
			place_clear(b, at);
	}
	pthread_mutex_unlock(&b->lock);
}

void
bans_each(struct bans *b, void (*fn)(void *, const struct ban *), void *arg)
{
	pthread_mutex_lock(&b->lock);
	for (size_t at = 0; at < places(b); at++)
		if (atomic_load_explicit(&b->tags[at], memory_order_relaxed) != ASSOC_EMPTY)
			fn(arg, &b->info[at]);
	pthread_mutex_unlock(&b->lock);
}

void
bans_stats(struct bans *b, struct bans_stats *st)
{
	pthread_mutex_lock(&b->lock);
	*st = (struct bans_stats){
		.places = places(b), .remembered = atomic_load_explicit(&b->remembered, memory_order_relaxed),
		.active = b->active, .dropped = b->dropped, .changes = b->changes,
	};
	pthread_mutex_unlock(&b->lock);
}
