/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "haproxy-spoa/behave/window.h"

/* A slot's word: the numbers, and on top the low bits of the slot they belong to. */
#define STAMP_SHIFT	52
#define STAMP_MASK	UINT64_C(0xfff)
#define TRIES		64	/* against other threads on the same word, then the request is not counted */

#define TOLD_MOD	65535	/* counts modulo this, plus 1 */
#define TOLD_LATE	1000	/* so far back: another thread's older number, further: begun anew */

enum lane { LANE_REQUESTS, LANE_ERRORS, LANE_TOLD, LANE_WAF, LANE_PAGES, LANE_ASSETS };
static const struct {
	unsigned	shift, bits;
} lanes[] = {
	[LANE_REQUESTS] = {0, 16}, [LANE_ERRORS] = {16, 12}, [LANE_TOLD] = {28, 8}, [LANE_WAF] = {36, 8},
	[LANE_PAGES] = {44, 4}, [LANE_ASSETS] = {48, 4},
};

/* Clients: 16 bits for each of three, a bit for each that is bad, two about all others, and the minute on top. */
#define CLIENT_BITS	16
#define CLIENT_MASK	UINT64_C(0xffff)
#define CLIENT_BAD(i)	(UINT64_C(1) << (WINDOW_CLIENTS * CLIENT_BITS + (i)))
#define OTHERS		(UINT64_C(1) << 52)
#define OTHERS_CLEAN	(UINT64_C(1) << 53)
#define MINUTE_SHIFT	56
#define MINUTE_MASK	UINT64_C(0xff)

static inline unsigned
lane_get(uint64_t word, enum lane l)
{
	return (unsigned)(word >> lanes[l].shift & ((UINT64_C(1) << lanes[l].bits) - 1));
}

static inline uint64_t
lane_add(uint64_t word, enum lane l, uint64_t n)
{
	uint64_t room = (UINT64_C(1) << lanes[l].bits) - 1 - lane_get(word, l);

	return word + ((n < room ? n : room) << lanes[l].shift);
}

static inline uint64_t
stamp_of(uint32_t slot)
{
	return ((uint64_t)slot & STAMP_MASK) << STAMP_SHIFT;
}

static inline bool
stamped(uint64_t word, uint32_t slot)
{
	return (word & STAMP_MASK << STAMP_SHIFT) == stamp_of(slot);
}

void
window_reset(struct window *w, uint32_t slot)
{
	atomic_store_explicit(&w->last, slot, memory_order_relaxed);
	atomic_store_explicit(&w->first, (uint16_t)slot, memory_order_relaxed);
	atomic_store_explicit(&w->told, 0, memory_order_relaxed);
	for (int i = 0; i < WINDOW_SLOTS; i++) {
		atomic_store_explicit(&w->counts[i], 0, memory_order_relaxed);
		atomic_store_explicit(&w->paths[i], 0, memory_order_relaxed);
	}
	for (int i = 0; i < 2; i++)
		atomic_store_explicit(&w->clients[i], 0, memory_order_relaxed);
}

static uint64_t
count_one(uint64_t word, const struct window_add *a)
{
	word = lane_add(word, LANE_REQUESTS, 1);
	word = lane_add(word, LANE_ERRORS, a->error);
	word = lane_add(word, LANE_TOLD, a->told);
	word = lane_add(word, LANE_WAF, a->waf_hit);
	word = lane_add(word, LANE_PAGES, a->page);
	return lane_add(word, LANE_ASSETS, a->asset);
}

void
window_add(struct window *w, uint32_t slot, const struct window_add *a)
{
	_Atomic uint64_t *counts = &w->counts[slot % WINDOW_SLOTS], *paths = &w->paths[slot % WINDOW_SLOTS];
	uint64_t old = atomic_load_explicit(counts, memory_order_relaxed), bit = UINT64_C(1) << (a->path & 63), word;

	for (int i = 0; i < TRIES; i++) {
		word = old;
		if (!stamped(old, slot)) {
			/* Before anybody can take this slot for the new one. */
			atomic_store_explicit(paths, 0, memory_order_relaxed);
			word = stamp_of(slot);
		}
		if (atomic_compare_exchange_weak_explicit(counts, &old, count_one(word, a), memory_order_release,
		    memory_order_relaxed))
			break;
	}
	if ((atomic_load_explicit(paths, memory_order_relaxed) & bit) == 0)
		atomic_fetch_or_explicit(paths, bit, memory_order_relaxed);
	if (atomic_load_explicit(&w->last, memory_order_relaxed) != slot)
		atomic_store_explicit(&w->last, slot, memory_order_relaxed);
}

unsigned
window_told(struct window *w, uint32_t slot, int64_t count)
{
	uint16_t old = atomic_load_explicit(&w->told, memory_order_relaxed), now = (uint16_t)(count % TOLD_MOD + 1);
	unsigned n;

	for (int i = 0; i < TRIES; i++) {
		n = (unsigned)(now - old + TOLD_MOD) % TOLD_MOD;
		if (old == 0 || window_over(w, slot) || n > TOLD_MOD / 2)
			n = 0;
		/* Older than what another thread brought: not back to that. */
		if (old != 0 && now < old && old - now < TOLD_LATE && !window_over(w, slot))
			return 0;
		if (atomic_compare_exchange_weak_explicit(&w->told, &old, now, memory_order_relaxed, memory_order_relaxed))
			return n;
	}
	return 0;
}

bool
window_over(const struct window *w, uint32_t slot)
{
	/* Signed: another thread may already be in the next slot. */
	return (int32_t)(slot - atomic_load_explicit(&w->last, memory_order_relaxed)) >= WINDOW_SLOTS;
}

/* round(-64 ln(1 - n/64)) for n bits set; the formula knows no more than that for all of them. */
static const uint16_t linear_count[65] = {
	0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 15, 16, 17,
	18, 20, 21, 23, 24, 25, 27, 28, 30, 32, 33, 35, 37, 39, 40, 42,
	44, 46, 48, 51, 53, 55, 58, 60, 63, 65, 68, 71, 74, 78, 81, 85,
	89, 93, 97, 102, 107, 113, 119, 126, 133, 142, 151, 163, 177, 196, 222, 266,
	266,
};

void
window_sum(const struct window *w, uint32_t slot, struct window_sum *s)
{
	uint64_t word, paths = 0;
	unsigned told = 0;
	int16_t age;

	*s = (struct window_sum){0};
	if (window_over(w, slot))
		return;
	for (uint32_t at = slot, n = 0; n < WINDOW_SLOTS && at != UINT32_MAX; at--, n++) {
		word = atomic_load_explicit(&w->counts[at % WINDOW_SLOTS], memory_order_acquire);
		if (!stamped(word, at) || lane_get(word, LANE_REQUESTS) == 0)
			continue;
		s->requests += lane_get(word, LANE_REQUESTS);
		s->errors += lane_get(word, LANE_ERRORS);
		told += lane_get(word, LANE_TOLD);
		s->waf_hits += lane_get(word, LANE_WAF);
		s->pages += lane_get(word, LANE_PAGES);
		s->assets += lane_get(word, LANE_ASSETS);
		s->slots++;
		paths |= atomic_load_explicit(&w->paths[at % WINDOW_SLOTS], memory_order_relaxed);
	}
	s->errors = told > s->errors ? told : s->errors;
	s->paths = linear_count[__builtin_popcountll(paths)];
	age = (int16_t)((uint16_t)slot - atomic_load_explicit(&w->first, memory_order_relaxed));
	s->age_s = age > 0 ? (unsigned)age * (WINDOW_SLOT_MS / 1000) : 0;
}

uint64_t
window_worth(const struct window *w, uint32_t slot)
{
	uint64_t word, requests = 0, bad = 0;
	uint32_t idle = slot - atomic_load_explicit(&w->last, memory_order_relaxed);

	for (int i = 0; i < WINDOW_SLOTS; i++) {
		word = atomic_load_explicit(&w->counts[i], memory_order_relaxed);
		requests += lane_get(word, LANE_REQUESTS);
		bad |= lane_get(word, LANE_ERRORS) | lane_get(word, LANE_TOLD) | lane_get(word, LANE_WAF);
	}
	return (uint64_t)(bad != 0) << 63 | requests << 8 | (WINDOW_SLOTS - (idle < WINDOW_SLOTS ? idle : WINDOW_SLOTS));
}

static inline uint64_t
minute_of(uint32_t slot)
{
	return ((uint64_t)slot / WINDOW_SLOTS & MINUTE_MASK) << MINUTE_SHIFT;
}

static inline uint64_t
client_get(uint64_t word, int i)
{
	return word >> (i * CLIENT_BITS) & CLIENT_MASK;
}

static uint64_t
client_note(uint64_t word, uint64_t client, bool bad)
{
	for (int i = 0; i < WINDOW_CLIENTS; i++) {
		if (client_get(word, i) != 0 && client_get(word, i) != client)
			continue;
		return word | client << (i * CLIENT_BITS) | (bad ? CLIENT_BAD(i) : 0);
	}
	return word | OTHERS | (bad ? 0 : OTHERS_CLEAN);
}

void
window_client_add(struct window *w, uint32_t slot, uint64_t client, bool bad)
{
	_Atomic uint64_t *word = &w->clients[slot / WINDOW_SLOTS % 2];
	uint64_t old = atomic_load_explicit(word, memory_order_relaxed), fresh;

	client = client % CLIENT_MASK + 1;
	for (int i = 0; i < TRIES; i++) {
		fresh = (old & MINUTE_MASK << MINUTE_SHIFT) == minute_of(slot) ? old : minute_of(slot);
		fresh = client_note(fresh, client, bad);
		if (fresh == old || atomic_compare_exchange_weak_explicit(word, &old, fresh, memory_order_relaxed,
		    memory_order_relaxed))
			return;
	}
}

/* The word of this minute (<back> 0) or the one before; nothing in it: 0. */
static uint64_t
clients_of(const struct window *w, uint32_t slot, uint32_t back)
{
	uint32_t at = slot - back * WINDOW_SLOTS;
	uint64_t word;

	if (slot < back * WINDOW_SLOTS)
		return 0;
	word = atomic_load_explicit(&w->clients[at / WINDOW_SLOTS % 2], memory_order_relaxed);
	return (word & MINUTE_MASK << MINUTE_SHIFT) == minute_of(at) ? word : 0;
}

void
window_clients(const struct window *w, uint32_t slot, bool *shared, bool *clean)
{
	uint64_t now = clients_of(w, slot, 0), all = clients_of(w, slot, 1);
	int n = 0;

	/* Who was bad in either minute is bad. */
	for (int i = 0; i < WINDOW_CLIENTS; i++)
		if (client_get(now, i) != 0)
			all = client_note(all, client_get(now, i), (now & CLIENT_BAD(i)) != 0);
	all |= now & (OTHERS | OTHERS_CLEAN);
	*clean = (all & OTHERS_CLEAN) != 0;
	for (int i = 0; i < WINDOW_CLIENTS; i++) {
		n += client_get(all, i) != 0;
		*clean |= client_get(all, i) != 0 && (all & CLIENT_BAD(i)) == 0;
	}
	*shared = n > 1 || (all & OTHERS) != 0;
}
