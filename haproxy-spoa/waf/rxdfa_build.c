/* SPDX-License-Identifier: MIT */
/* From rxlit's tree to a program, from the end to the start, so that each instruction knows where to go on. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/waf/rxdfa_private.h"
#include "haproxy-spoa/waf/rxlit_private.h"
#include "lib/arena.h"

#define COUNT_MAX	4	/* x{9} becomes x{4,}: counters multiply states */
#define CELLS_MAX	16384	/* of a cache's table: 32 KiB */
#define STATES_MIN	16

struct build {
	struct rxdfa	*d;
	struct arena	*arena;
	size_t		 cap_set;
	bool		 failed;
};

static uint16_t	compile(struct build *, const struct rx_node *, uint16_t next);

static uint16_t
emit(struct build *b, enum rxdfa_op op, uint16_t out, uint16_t other)
{
	if (b->d->n_inst == RXDFA_INSTS_MAX) {
		b->failed = true;
		return 0;
	}
	b->d->inst[b->d->n_inst] = (struct rxdfa_inst){ .op = (uint8_t)op, .out = out, .other = other };
	return (uint16_t)b->d->n_inst++;
}

/* The sets are over bytes until classes are known. */
static uint16_t
set_row(struct build *b, const uint64_t *set)
{
	struct rxdfa *d = b->d;
	uint64_t (*more)[4];

	for (size_t i = d->n_set; i-- > 0;)
		if (memcmp(d->set[i], set, sizeof(d->set[i])) == 0)
			return (uint16_t)i;
	if (d->n_set == b->cap_set) {
		b->cap_set = b->cap_set != 0 ? b->cap_set * 2 : 32;
		more = realloc(d->set, b->cap_set * sizeof(*more));
		if (more == NULL) {
			b->failed = true;
			return 0;
		}
		d->set = more;
	}
	memcpy(d->set[d->n_set], set, sizeof(d->set[0]));
	return (uint16_t)d->n_set++;
}

static uint16_t
compile_set(struct build *b, const uint64_t *set, uint16_t next)
{
	uint16_t row = set_row(b, set), at = emit(b, RXDFA_SET, next, 0);

	if (!b->failed)
		b->d->inst[at].set = row;
	return at;
}

/* From the last to the first, without a stack frame for each byte of a long literal. */
static uint16_t
compile_cat(struct build *b, const struct rx_node *n, uint16_t next)
{
	const struct rx_node **v;
	size_t k = 0;

	for (const struct rx_node *c = n->child; c != NULL; c = c->next)
		k++;
	if ((v = arena_alloc(b->arena, (k + 1) * sizeof(*v))) == NULL) {
		b->failed = true;
		return next;
	}
	k = 0;
	for (const struct rx_node *c = n->child; c != NULL; c = c->next)
		v[k++] = c;
	while (k-- > 0 && !b->failed)
		next = compile(b, v[k], next);
	return next;
}

static uint16_t
compile_alt(struct build *b, const struct rx_node *n, uint16_t next)
{
	const struct rx_node *c = n->child;
	uint16_t at;

	if (c == NULL)
		return next;
	at = compile(b, c, next);
	while ((c = c->next) != NULL && !b->failed)
		at = emit(b, RXDFA_SPLIT, at, compile(b, c, next));
	return at;
}

static uint16_t
compile_loop(struct build *b, const struct rx_node *x, uint16_t next)
{
	uint16_t split = emit(b, RXDFA_SPLIT, 0, next), body;

	body = compile(b, x, split);
	if (!b->failed)
		b->d->inst[split].out = body;
	return split;
}

static uint16_t
compile_repeat(struct build *b, const struct rx_node *n, uint16_t next)
{
	uint32_t lo = n->lo < COUNT_MAX ? n->lo : COUNT_MAX, hi = n->hi <= COUNT_MAX ? n->hi : RX_INF;

	if (hi == RX_INF)
		next = compile_loop(b, n->child, next);
	else
		for (uint16_t end = next; hi > lo && !b->failed; hi--)
			next = emit(b, RXDFA_SPLIT, compile(b, n->child, next), end);
	for (; lo > 0 && !b->failed; lo--)
		next = compile(b, n->child, next);
	return next;
}

static uint16_t
compile(struct build *b, const struct rx_node *n, uint16_t next)
{
	static const uint64_t any[4] = { ~0ULL, ~0ULL, ~0ULL, ~0ULL };
	static const struct rx_node byte = { .type = RX_SET, .set = { ~0ULL, ~0ULL, ~0ULL, ~0ULL } };

	if (b->failed)
		return next;
	switch (n->type) {
	case RX_EMPTY:
		return next;
	case RX_BEGIN:
		return emit(b, RXDFA_BEGIN, next, 0);
	case RX_SET:
		return compile_set(b, n->set, next);
	case RX_CAT:
		return compile_cat(b, n, next);
	case RX_ALT:
		return compile_alt(b, n, next);
	case RX_REPEAT:
		return compile_repeat(b, n, next);
	case RX_ANYTHING:
		return compile_loop(b, &byte, next);
	}
	return compile_set(b, any, next);
}

/* The classes that have bytes inside and outside of <set> become two. */
static void
split_classes(struct rxdfa *d, const uint64_t *set, uint16_t *size)
{
	uint16_t in[256] = { 0 }, to[256] = { 0 };
	uint8_t of[256];
	size_t n = 0;

	for (unsigned w = 0; w < 4; w++)
		for (uint64_t left = set[w]; left != 0; left &= left - 1) {
			of[n] = (uint8_t)(w * 64 + (unsigned)__builtin_ctzll(left));
			in[d->class_of[of[n++]]]++;
		}
	for (size_t i = 0; i < n; i++) {
		uint8_t k = d->class_of[of[i]];

		if (in[k] == size[k])
			continue;
		if (to[k] == 0) {
			to[k] = d->n_class;
			size[d->n_class++] = in[k];
		}
		d->class_of[of[i]] = (uint8_t)to[k];
	}
	for (size_t k = 0; k < d->n_class; k++)
		size[k] = (uint16_t)(size[k] - (to[k] != 0 ? in[k] : 0));
}

/* Bytes that no set tells apart are one class.  A set and its complement split alike: the smaller one does it. */
static void
assign_classes(struct rxdfa *d)
{
	uint16_t size[257] = { 256 };

	d->n_class = 1;
	for (size_t i = 0; i < d->n_set; i++) {
		uint64_t s[4], n = 0;

		for (unsigned w = 0; w < 4; w++)
			n += (unsigned)__builtin_popcountll(d->set[i][w]);
		for (unsigned w = 0; w < 4; w++)
			s[w] = n > 128 ? ~d->set[i][w] : d->set[i][w];
		split_classes(d, s, size);
	}
	for (size_t i = 0; i < d->n_set; i++) {
		uint64_t over[4] = { 0 };

		for (unsigned w = 0; w < 4; w++)
			for (uint64_t left = d->set[i][w]; left != 0; left &= left - 1)
				rx_set_add(over, d->class_of[w * 64 + (unsigned)__builtin_ctzll(left)]);
		memcpy(d->set[i], over, sizeof(over));
	}
}

/* Does it match without a byte?  Loops of empty steps end at <seen>. */
static bool
matches_empty(const struct rxdfa *d, uint16_t at, uint8_t *seen)
{
	const struct rxdfa_inst *in = &d->inst[at];

	for (; !seen[at]; in = &d->inst[at = in->out]) {
		seen[at] = 1;
		if (in->op == RXDFA_SET)
			return false;
		if (in->op == RXDFA_ACCEPT)
			return true;
		if (in->op == RXDFA_SPLIT && matches_empty(d, in->other, seen))
			return true;
	}
	return false;
}

static bool
finish(struct build *b)
{
	struct rxdfa *d = b->d;
	struct rxdfa_inst *fit;
	uint8_t *seen = arena_calloc(b->arena, d->n_inst, 1);
	size_t states;

	if (b->failed || seen == NULL || d->n_set == 0 || matches_empty(d, d->start, seen))
		return false;
	assign_classes(d);
	states = CELLS_MAX / d->n_class;
	d->n_states = (uint16_t)states;
	fit = realloc(d->inst, d->n_inst * sizeof(*fit));
	d->inst = fit != NULL ? fit : d->inst;
	return states >= STATES_MIN;
}

struct rxdfa *
rxdfa_of(const struct rx_node *tree)
{
	struct build b = { .d = tree != NULL ? calloc(1, sizeof(*b.d)) : NULL, .arena = arena_new(0) };
	bool good = false;

	if (b.d != NULL && b.arena != NULL && (b.d->inst = malloc(RXDFA_INSTS_MAX * sizeof(*b.d->inst))) != NULL) {
		b.d->start = compile(&b, tree, emit(&b, RXDFA_ACCEPT, 0, 0));
		good = finish(&b);
	}
	arena_free(&b.arena);
	if (!good)
		rxdfa_free(&b.d);
	return b.d;
}

struct rxdfa *
rxdfa_new(struct waf_str pattern, uint32_t options)
{
	struct arena *a = arena_new(0);
	struct rxdfa *d = a != NULL ? rxdfa_of(rx_parse(pattern, options, a)) : NULL;

	arena_free(&a);
	return d;
}

void
rxdfa_free(struct rxdfa **dp)
{
	if (*dp == NULL)
		return;
	free((*dp)->inst);
	free((*dp)->set);
	free(*dp);
	*dp = NULL;
}

size_t
rxdfa_memory(const struct rxdfa *d)
{
	return d != NULL ? sizeof(*d) + d->n_inst * sizeof(*d->inst) + d->n_set * sizeof(*d->set) : 0;
}
