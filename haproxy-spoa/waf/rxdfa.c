/* SPDX-License-Identifier: MIT */
/*
 * The states are sets of the program's SET instructions.  Every state has those of a fresh start in it, for a match
 * may begin anywhere; only what comes on top of them is kept.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/waf/rxdfa_private.h"
#include "haproxy-spoa/waf/rxlit_set.h"

#define ITEMS_MAX	16384	/* of all states of a cache: 32 KiB */
/*
 * New cells are paid for: a cache earns one for so many bytes read, and saves up so many.  What a hostile text costs is
 * bounded by that, at about half a microsecond each.
 */
#define EARN_BYTES	16
#define SAVINGS_MAX	8192
#define RESET_COSTS	64
/* Texts are skimmed for a first byte where that is as rare as this. */
#define SKIM_FREQUENCY	0.03

enum { S_UNKNOWN, S_ACCEPT, S_FRESH };	/* numbers of states; in cells times the number of classes */

struct state {
	uint32_t	 at;		/* of its items */
	uint16_t	 n;
};

struct rxdfa_cache {
	uint64_t	*bits;		/* the state being made, by instruction */
	struct state	*state;
	uint32_t	*seen;		/* by instruction: round in which it was met */
	uint16_t	*cell;		/* by state and class: a state, times classes */
	uint16_t	*item;
	uint16_t	*hash;		/* number of a state; 0 free */
	uint16_t	*list, *kept, *stack;	/* of at most all instructions */
	bool		*fresh;		/* by instruction */
	uint32_t	 round, n_item, n_state, hash_mask;
	int32_t		 savings;
	uint16_t	 begin;		/* cell value of the state at the start of a text */
	bool		 skim;
	bool		 first[256];	/* bytes that lead out of S_FRESH */
};

/* Puts the SET instructions that empty steps lead to, and that this round hasn't met, into the state being made. */
static size_t
closure(const struct rxdfa *d, struct rxdfa_cache *c, uint16_t at, bool begin, bool *accept)
{
	size_t depth = 0, n = 0;

	for (c->stack[depth++] = at; depth > 0;) {
		const struct rxdfa_inst *in = &d->inst[at = c->stack[--depth]];

		if (c->seen[at] == c->round || (in->op == RXDFA_BEGIN && !begin))
			continue;
		c->seen[at] = c->round;
		if (in->op == RXDFA_ACCEPT) {
			*accept = true;
		} else if (in->op == RXDFA_SET) {
			if (!c->fresh[at]) {
				c->bits[at / 64] |= UINT64_C(1) << at % 64;
				n++;
			}
			continue;
		}
		c->stack[depth++] = in->out;
		if (in->op == RXDFA_SPLIT)
			c->stack[depth++] = in->other;
	}
	return n;
}

/* The state being made as a sorted list; there is none after that. */
static size_t
take_list(const struct rxdfa *d, struct rxdfa_cache *c)
{
	size_t n = 0;

	for (size_t w = 0; w <= d->n_inst / 64; w++) {
		for (uint64_t left = c->bits[w]; left != 0; left &= left - 1)
			c->list[n++] = (uint16_t)(w * 64 + (unsigned)__builtin_ctzll(left));
		c->bits[w] = 0;
	}
	return n;
}

static uint32_t
list_hash(const uint16_t *v, size_t n)
{
	uint32_t h = 2166136261U;	/* FNV-1a, over words */

	for (size_t i = 0; i < n; i++)
		h = (h ^ v[i]) * 16777619U;
	return h ^ h >> 15;
}

/* The state of the list's <n>; 0: there is no room. */
static uint16_t
find_state(const struct rxdfa *d, struct rxdfa_cache *c, size_t n)
{
	uint32_t h;

	if (n == 0)
		return S_FRESH;
	for (h = list_hash(c->list, n) & c->hash_mask; c->hash[h] != 0; h = (h + 1) & c->hash_mask) {
		const struct state *s = &c->state[c->hash[h]];

		if (s->n == n && memcmp(&c->item[s->at], c->list, n * sizeof(*c->list)) == 0)
			return c->hash[h];
	}
	if (c->n_state == d->n_states || ITEMS_MAX - c->n_item < n)
		return 0;
	c->hash[h] = (uint16_t)c->n_state;
	c->state[c->n_state] = (struct state){ c->n_item, (uint16_t)n };
	memcpy(&c->item[c->n_item], c->list, n * sizeof(*c->list));
	c->n_item += (uint32_t)n;
	return (uint16_t)c->n_state++;
}

static inline bool
in_set(const uint64_t *set, unsigned k)
{
	return set[k / 64] >> (k % 64) & 1;
}

/* Empty but for the states that never go: those of a fresh start.  What was never used isn't touched: most caches stay small. */
static void
reset(const struct rxdfa *d, struct rxdfa_cache *c)
{
	memset(c->cell, 0, (size_t)c->n_state * d->n_class * sizeof(*c->cell));
	memset(c->hash, 0, ((size_t)c->hash_mask + 1) * sizeof(*c->hash));
	c->n_state = S_FRESH + 1;
	c->n_item = c->state[S_FRESH].n;
}

static bool
make_fresh(const struct rxdfa *d, struct rxdfa_cache *c)
{
	struct state *s = &c->state[S_FRESH];
	double often = 0;
	bool accept = false;

	c->round++;
	closure(d, c, d->start, false, &accept);
	s->n = (uint16_t)take_list(d, c);
	memcpy(c->item, c->list, s->n * sizeof(*c->list));
	for (uint32_t i = 0; i < s->n; i++)
		c->fresh[c->item[i]] = true;
	for (unsigned b = 0; b < 256; b++) {
		for (uint32_t i = 0; i < s->n && !c->first[b]; i++)
			c->first[b] = in_set(d->set[d->inst[c->item[i]].set], d->class_of[b]);
		often += c->first[b] ? lits_byte_frequency((unsigned char)b) : 0;
	}
	c->skim = often < SKIM_FREQUENCY;
	return !accept;
}

/* The state that a text begins in. */
static void
make_begin(const struct rxdfa *d, struct rxdfa_cache *c)
{
	bool accept = false;

	c->round++;
	closure(d, c, d->start, true, &accept);
	c->begin = (uint16_t)(find_state(d, c, take_list(d, c)) * d->n_class);
}

struct rxdfa_cache *
rxdfa_cache_new(const struct rxdfa *d)
{
	size_t cells = (size_t)d->n_states * d->n_class, slots = 64, words = d->n_inst / 64 + 1;
	struct rxdfa_cache *c;

	while (slots < 2 * (size_t)d->n_states)
		slots *= 2;
	c = calloc(1, sizeof(*c) + words * sizeof(*c->bits) + d->n_states * sizeof(*c->state) +
	    d->n_inst * sizeof(*c->seen) + (cells + ITEMS_MAX + slots + 3 * d->n_inst + 2) * sizeof(uint16_t) + d->n_inst);
	if (c == NULL)
		return NULL;
	c->bits = (uint64_t *)(void *)(c + 1);
	c->state = (struct state *)(void *)(c->bits + words);
	c->seen = (uint32_t *)(void *)(c->state + d->n_states);
	c->cell = (uint16_t *)(void *)(c->seen + d->n_inst);
	c->item = c->cell + cells;
	c->hash = c->item + ITEMS_MAX;
	c->list = c->hash + slots;
	c->kept = c->list + d->n_inst;
	c->stack = c->kept + d->n_inst;		/* one more than there are, as each step takes one and leaves two */
	c->fresh = (bool *)(void *)(c->stack + d->n_inst + 2);
	c->hash_mask = (uint32_t)slots - 1;
	c->savings = SAVINGS_MAX;
	if (!make_fresh(d, c)) {
		rxdfa_cache_free(&c);
		return NULL;
	}
	c->n_state = S_FRESH + 1;
	c->n_item = c->state[S_FRESH].n;
	make_begin(d, c);
	return c;
}

void
rxdfa_cache_free(struct rxdfa_cache **cp)
{
	free(*cp);
	*cp = NULL;
}

/* Where <k> leads from a state's items, into the state being made. */
static void
follow(const struct rxdfa *d, struct rxdfa_cache *c, const struct state *s, unsigned k, bool *accept)
{
	for (uint32_t i = 0; i < s->n; i++) {
		const struct rxdfa_inst *in = &d->inst[c->item[s->at + i]];

		if (in_set(d->set[in->set], k))
			closure(d, c, in->out, false, accept);
	}
}

/* The cache is full: the text goes on from the list's <n> in an empty one. */
static uint16_t
start_over(const struct rxdfa *d, struct rxdfa_cache *c, size_t n)
{
	c->savings -= RESET_COSTS;
	memcpy(c->kept, c->list, n * sizeof(*c->list));
	reset(d, c);
	make_begin(d, c);
	memcpy(c->list, c->kept, n * sizeof(*c->list));
	return find_state(d, c, n);
}

/* What comes after <state> (times classes) and class <k>.  S_UNKNOWN: savings are spent. */
static uint16_t
make_cell(const struct rxdfa *d, struct rxdfa_cache *c, unsigned state, unsigned k)
{
	unsigned number = state / d->n_class;
	bool accept = false;
	uint16_t to;
	size_t n;

	if (c->savings <= 0)
		return S_UNKNOWN;
	c->savings--;
	c->round++;
	if (number != S_FRESH)
		follow(d, c, &c->state[number], k, &accept);
	follow(d, c, &c->state[S_FRESH], k, &accept);
	n = take_list(d, c);
	if (accept)
		return c->cell[state + k] = (uint16_t)(S_ACCEPT * d->n_class);
	if ((to = find_state(d, c, n)) != 0)
		return c->cell[state + k] = (uint16_t)(to * d->n_class);
	return (uint16_t)(start_over(d, c, n) * d->n_class);
}

/* To the next byte that can be the first of a match. */
static const unsigned char *
skim(const struct rxdfa_cache *c, const unsigned char *p, const unsigned char *end)
{
	while (end - p >= 4) {
		if (c->first[p[0]] | c->first[p[1]] | c->first[p[2]] | c->first[p[3]])
			break;
		p += 4;
	}
	while (p < end && !c->first[*p])
		p++;
	return p;
}

enum rxdfa_answer
rxdfa_search(const struct rxdfa *d, struct rxdfa_cache *c, const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + n;
	const unsigned accept = S_ACCEPT * d->n_class, fresh = S_FRESH * d->n_class, special = c->skim ? fresh : accept;
	const uint16_t *cell = c->cell;
	unsigned state = c->begin, to;

	c->savings += (int32_t)(n / EARN_BYTES < SAVINGS_MAX ? n / EARN_BYTES : SAVINGS_MAX);
	if (c->savings > SAVINGS_MAX)
		c->savings = SAVINGS_MAX;
	if (state == fresh && c->skim)
		p = skim(c, p, end);
	while (p < end) {
		to = cell[state + d->class_of[*p]];
		if (to > special) {
			state = to;
			p++;
			continue;
		}
		if (to == 0 && (to = make_cell(d, c, state, d->class_of[*p])) == 0)
			return RXDFA_TIRED;
		if (to == accept)
			return RXDFA_MAYBE;
		state = to;
		p++;
		if (state == fresh && c->skim)
			p = skim(c, p, end);
	}
	return RXDFA_NO;
}
