/* SPDX-License-Identifier: MIT */
/*
 * Bottom up over the pattern's tree: what do all matches of a node have in common?  Each claim stays true when
 * a node's language is smaller than the tree says (look-around, anchors), so the tree only has to be a superset.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/waf/rxlit.h"
#include "haproxy-spoa/waf/rxlit_private.h"
#include "haproxy-spoa/waf/rxlit_set.h"
#include "lib/arena.h"

#define CROSS_MAX	64	/* strings of a product */
#define UNION_MAX	1024	/* of alternatives side by side */
#define EXACT_LEN	32	/* longer ones are cut */
#define END_LEN		16	/* of a prefix or suffix */
#define CLASS_MAX	16	/* bytes of a set that is spelled out */
#define UNROLL		8	/* repetitions that are spelled out */
#define WIDTH_MAX	(1U << 24)
#define MIN_LEN		2	/* of a literal worth scanning for; shorter ones are in the class */
#define EACH_COSTS	1e-7	/* a set twice as large must be better for it */
#define MIXED_GAIN	0.7	/* literals or a class must be met that much less than the class alone */
#define FREQUENCY_MAX	1e-3	/* per byte; what is met more often holds nothing back and the class does as well */

/* One of these strings, or a byte of the class. */
struct need {
	bool	 known;
	struct lits lits;
	uint64_t class[4];
	double	 cost;
};

struct info {
	bool	 is_exact;
	struct lits exact;	/* every match is one of these */
	struct lits pre, suf;	/* every match starts, ends with one of these; {""} says nothing */
	struct lits best;	/* every match has one of these in it; n == 0: none known */
	double	 cost;		/* of best */
	unsigned width;		/* of the shortest match */
	bool	 has_class;
	uint64_t class[4];	/* every match has a byte of this in it */
	double	 class_cost;
	struct need mixed;	/* what alternatives have together of which some have literals, some a class */
};

static bool	node_info(struct info *, const struct rx_node *, struct arena *);

static double
class_cost(const uint64_t *set)
{
	double sum = 0;

	for (unsigned w = 0; w < 4; w++)
		for (uint64_t left = set[w]; left != 0; left &= left - 1)
			sum += lits_byte_frequency((unsigned char)(w * 64 + (unsigned)__builtin_ctzll(left)));
	return sum;
}

static void
offer(struct info *r, struct lits s)
{
	double cost = lits_frequency(s) + EACH_COSTS * (double)s.n;

	if (s.n == 0 || lits_min_len(s) < MIN_LEN || cost > FREQUENCY_MAX || (r->best.n > 0 && r->cost <= cost))
		return;
	r->best = s;
	r->cost = cost;
}

/* What was offered to a part and taken there; its cost is known. */
static void
offer_best(struct info *r, const struct info *x)
{
	if (x->best.n == 0 || (r->best.n > 0 && r->cost <= x->cost))
		return;
	r->best = x->best;
	r->cost = x->cost;
}

static void
info_exact(struct info *r, struct lits s)
{
	r->is_exact = true;
	r->exact = r->pre = r->suf = s;
	offer(r, s);
}

static struct info
nothing_known(void)
{
	return (struct info){ .pre = lits_empty_string, .suf = lits_empty_string };
}

static struct info
empty_info(void)
{
	struct info r = nothing_known();

	info_exact(&r, lits_empty_string);
	return r;
}

static unsigned
width_mul(unsigned w, unsigned n)
{
	return n > 0 && w > WIDTH_MAX / n ? WIDTH_MAX : w * n;
}

static void
inherit_class(struct info *r, const struct info *x)
{
	if (!x->has_class || (r->has_class && r->class_cost <= x->class_cost))
		return;
	r->has_class = true;
	r->class_cost = x->class_cost;
	memcpy(r->class, x->class, sizeof(r->class));
}

static bool
says_nothing(struct lits end)
{
	return end.n == 1 && end.v[0].n == 0;
}

/* What the neighbour's end adds to exact strings; those alone where that gets too much. */
static struct lits
longer_end(struct lits exact, struct lits more, enum lits_end e, struct arena *a)
{
	struct lits s = exact;

	if (says_nothing(exact))
		return more;
	if (!says_nothing(more) && lits_max_len(exact) < END_LEN) {
		if (e == LITS_START)
			lits_cross(&s, exact, more, CROSS_MAX, a);
		else
			lits_cross(&s, more, exact, CROSS_MAX, a);
	}
	lits_cut(&s, s, END_LEN, e, a);
	lits_shortest(&s, s, e, a);
	return s;
}

static void
inherit_mixed(struct info *r, const struct info *x)
{
	if (x->mixed.known && (!r->mixed.known || x->mixed.cost < r->mixed.cost))
		r->mixed = x->mixed;
}

/* The strings across the border between two nodes; shorter ones where there are too many. */
static void
offer_border(struct info *r, const struct info *x, const struct info *y, struct arena *a)
{
	static const size_t keep[] = { END_LEN, 4, 2, 1 };
	struct lits left = x->suf, right = y->pre, s;

	if (says_nothing(left) || says_nothing(right))
		return;		/* what the other one has was offered when it was made */
	for (size_t i = 0; i < sizeof(keep) / sizeof(*keep); i++) {
		if (!lits_cut(&left, left, keep[i], LITS_END, a) || !lits_cut(&right, right, keep[i], LITS_START, a) ||
		    !lits_shortest(&left, left, LITS_END, a) || !lits_shortest(&right, right, LITS_START, a))
			return;
		if (lits_cross(&s, left, right, CROSS_MAX, a)) {
			offer(r, s);
			return;
		}
	}
}

static struct info
concat(const struct info *x, const struct info *y, struct arena *a)
{
	struct info r = nothing_known();
	struct lits s;

	if (x->is_exact && says_nothing(x->exact))
		return *y;
	if (y->is_exact && says_nothing(y->exact))
		return *x;
	r.width = x->width + y->width < WIDTH_MAX ? x->width + y->width : WIDTH_MAX;
	inherit_class(&r, x);
	inherit_class(&r, y);
	inherit_mixed(&r, x);
	inherit_mixed(&r, y);
	offer_best(&r, x);
	offer_best(&r, y);
	if (x->is_exact && y->is_exact && lits_max_len(x->exact) + lits_max_len(y->exact) <= EXACT_LEN &&
	    lits_cross(&s, x->exact, y->exact, CROSS_MAX, a)) {
		info_exact(&r, s);
		return r;
	}
	offer_border(&r, x, y, a);
	r.pre = x->is_exact ? longer_end(x->exact, y->pre, LITS_START, a) : x->pre;
	r.suf = y->is_exact ? longer_end(y->exact, x->suf, LITS_END, a) : y->suf;
	return r;
}

static struct info
set_info(const uint64_t *set, struct arena *a)
{
	static const uint64_t upper = 0x7fffffeULL;	/* of the word from '@' on; lower case is 32 above */
	uint64_t low[4] = { set[0], (set[1] & ~upper) | (set[1] & upper) << 32, set[2], set[3] };
	struct info r = nothing_known();
	unsigned n = 0;
	struct waf_str *v;
	char *bytes;

	r.width = 1;
	r.has_class = true;
	memcpy(r.class, set, sizeof(r.class));
	r.class_cost = class_cost(set);
	for (unsigned w = 0; w < 4; w++)
		n += (unsigned)__builtin_popcountll(low[w]);
	if (n > CLASS_MAX || n == 0)	/* an empty set never matches; keep it simple and say nothing */
		return r;
	v = arena_alloc(a, n * sizeof(*v));
	bytes = arena_alloc(a, n);
	if (v == NULL || bytes == NULL)
		return r;
	n = 0;
	for (unsigned w = 0; w < 4; w++)
		for (uint64_t left = low[w]; left != 0; left &= left - 1) {
			bytes[n] = (char)(w * 64 + (unsigned)__builtin_ctzll(left));
			v[n] = (struct waf_str){ &bytes[n], 1 };
			n++;
		}
	info_exact(&r, (struct lits){ v, n });
	return r;
}

/* The byte that a set stands for, in lower case; -1: it has others. */
static int
one_byte(const uint64_t *set)
{
	static const uint64_t upper = 0x7fffffeULL;
	uint64_t low[4] = { set[0], (set[1] & ~upper) | (set[1] & upper) << 32, set[2], set[3] };
	int byte = -1;

	for (unsigned w = 0; w < 4; w++) {
		if (low[w] == 0)
			continue;
		if (byte >= 0 || (low[w] & (low[w] - 1)) != 0)
			return -1;
		byte = (int)(w * 64 + (unsigned)__builtin_ctzll(low[w]));
	}
	return byte;
}

/* As concat() would make it of the bytes from <*c> on that are spelled out; *c goes behind them.  Most of a pattern is such. */
static bool
run_info(struct info *r, const struct rx_node **c, struct arena *a)
{
	char bytes[EXACT_LEN];
	struct waf_str *v;
	struct info x;
	int b;

	*r = nothing_known();
	for (; *c != NULL && (*c)->type == RX_SET && r->width < EXACT_LEN && (b = one_byte((*c)->set)) >= 0; *c = (*c)->next) {
		bytes[r->width++] = (char)b;
		x = (struct info){ .has_class = true, .class_cost = class_cost((*c)->set) };
		memcpy(x.class, (*c)->set, sizeof(x.class));
		inherit_class(r, &x);
	}
	if ((v = arena_alloc(a, sizeof(*v))) == NULL || (v->p = arena_memdup(a, bytes, r->width)) == NULL)
		return false;
	v->n = r->width;
	info_exact(r, (struct lits){ v, 1 });
	return true;
}

static bool
cat_info(struct info *r, const struct rx_node *n, struct arena *a)
{
	const struct rx_node *c = n->child;
	struct info x;

	*r = empty_info();
	while (c != NULL) {
		if (c->type == RX_SET && one_byte(c->set) >= 0) {
			if (!run_info(&x, &c, a))
				return false;
		} else {
			if (!node_info(&x, c, a))
				return false;
			c = c->next;
		}
		*r = concat(r, &x, a);
	}
	return true;
}

static const struct lits *
choose(struct lits *sets, const struct info *v, size_t n, size_t member)
{
	for (size_t i = 0; i < n; i++)
		memcpy(&sets[i], (const char *)&v[i] + member, sizeof(sets[i]));
	return sets;
}

/* What of a match is met least in other texts. */
static struct need
cheapest(const struct info *x)
{
	struct need r = { .known = x->best.n > 0, .lits = x->best, .cost = x->cost };

	if (x->mixed.known && (!r.known || x->mixed.cost < r.cost))
		r = x->mixed;
	if (x->has_class && (!r.known || x->class_cost < r.cost)) {
		r = (struct need){ .known = true, .cost = x->class_cost };
		memcpy(r.class, x->class, sizeof(r.class));
	}
	return r;
}

static void
alt_mixed(struct info *r, const struct info *v, size_t n, struct lits *sets, struct arena *a)
{
	struct need all = { .known = true }, one;

	for (size_t i = 0; i < n; i++) {
		one = cheapest(&v[i]);
		if (!one.known)
			return;
		sets[i] = one.lits;
		for (unsigned w = 0; w < 4; w++)
			all.class[w] |= one.class[w];
	}
	if (!lits_union(&all.lits, sets, n, UNION_MAX, a) || all.lits.n == 0)
		return;
	all.cost = lits_frequency(all.lits) + EACH_COSTS * (double)all.lits.n + class_cost(all.class);
	r->mixed = all;
}

static void
alt_merge(struct info *r, const struct info *v, size_t n, struct lits *sets, struct arena *a)
{
	bool all_exact = true, all_best = true, all_class = true;
	struct lits s;

	*r = nothing_known();
	r->width = WIDTH_MAX;
	for (size_t i = 0; i < n; i++) {
		all_exact &= v[i].is_exact;
		all_best &= v[i].best.n > 0;
		all_class &= v[i].has_class;
		r->width = v[i].width < r->width ? v[i].width : r->width;
		for (unsigned w = 0; w < 4; w++)
			r->class[w] |= v[i].class[w];
	}
	r->has_class = all_class;
	r->class_cost = class_cost(r->class);
	if (all_best && lits_union(&s, choose(sets, v, n, offsetof(struct info, best)), n, UNION_MAX, a))
		offer(r, s);
	if (all_exact && lits_union(&s, choose(sets, v, n, offsetof(struct info, exact)), n, UNION_MAX, a)) {
		info_exact(r, s);
		return;
	}
	if (!all_best)
		alt_mixed(r, v, n, sets, a);
	if (lits_union(&s, choose(sets, v, n, offsetof(struct info, pre)), n, UNION_MAX, a))
		lits_shortest(&r->pre, s, LITS_START, a);
	if (lits_union(&s, choose(sets, v, n, offsetof(struct info, suf)), n, UNION_MAX, a))
		lits_shortest(&r->suf, s, LITS_END, a);
}

static bool
alt_info(struct info *r, const struct rx_node *node, struct arena *a)
{
	struct lits *sets;
	struct info *v;
	size_t n = 0, i = 0;

	if (node->child != NULL && node->child->next == NULL)
		return node_info(r, node->child, a);
	for (const struct rx_node *c = node->child; c != NULL; c = c->next)
		n++;
	v = arena_alloc(a, n * sizeof(*v));
	sets = arena_alloc(a, n * sizeof(*sets));
	if (v == NULL || sets == NULL)
		return false;
	for (const struct rx_node *c = node->child; c != NULL; c = c->next)
		if (!node_info(&v[i++], c, a))
			return false;
	alt_merge(r, v, n, sets, a);
	return true;
}

/* x, xx .. up to <hi> as exact strings, if <r> (x <lo> times) and x are such and they are few. */
static bool
few_times(struct info *r, const struct info *x, uint32_t lo, uint32_t hi, struct arena *a)
{
	struct lits parts[2], s = r->exact, step = r->exact;

	if (!r->is_exact || !x->is_exact || hi == RX_INF || hi - lo > 3)
		return false;
	for (uint32_t i = lo; i < hi; i++) {
		if (!lits_cross(&step, step, x->exact, CROSS_MAX, a) || lits_max_len(step) > EXACT_LEN)
			return false;
		parts[0] = s;
		parts[1] = step;
		if (!lits_union(&s, parts, 2, CROSS_MAX, a))
			return false;
	}
	info_exact(r, s);
	return true;
}

static bool
repeat_info(struct info *r, const struct rx_node *n, struct arena *a)
{
	uint32_t unroll = n->lo < UNROLL ? n->lo : UNROLL;
	struct info x;

	if (!node_info(&x, n->child, a))
		return false;
	*r = empty_info();
	if (x.is_exact && lits_max_len(x.exact) == 0)
		return true;	/* an anchor */
	for (uint32_t i = 0; i < unroll; i++)
		*r = concat(r, &x, a);
	r->width = width_mul(x.width, n->lo);
	if (n->hi == n->lo && unroll == n->lo)
		return true;
	if (unroll == n->lo && few_times(r, &x, n->lo, n->hi, a))
		return true;
	r->is_exact = false;	/* but it starts and ends, and holds, as the spelled out repetitions do */
	return true;
}

static bool
node_info(struct info *r, const struct rx_node *n, struct arena *a)
{
	switch (n->type) {
	case RX_EMPTY:
	case RX_BEGIN:
		*r = empty_info();
		return true;
	case RX_SET:
		*r = set_info(n->set, a);
		return true;
	case RX_CAT:
		return cat_info(r, n, a);
	case RX_ALT:
		return alt_info(r, n, a);
	case RX_REPEAT:
		return repeat_info(r, n, a);
	case RX_ANYTHING:
		break;
	}
	*r = nothing_known();
	return true;
}

/* Out of the scratch arena into the caller's. */
static bool
take_literals(struct waf_str **out, size_t *n, struct lits s, struct arena *a)
{
	struct waf_str *v = arena_alloc(a, (s.n + 1) * sizeof(*v));

	if (v == NULL)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		v[i] = (struct waf_str){ arena_strndup(a, s.v[i].p, s.v[i].n), s.v[i].n };
		if (v[i].p == NULL)
			return false;
	}
	*out = v;
	*n = s.n;
	return true;
}

/* A literal with a byte of the class in it adds nothing; a letter is no such byte, literals have lost their case. */
static struct lits
without_class(struct lits s, const uint64_t *class, struct arena *a)
{
	struct waf_str *v = arena_alloc(a, (s.n + 1) * sizeof(*v));
	size_t n = 0, k;

	for (size_t i = 0; v != NULL && i < s.n; i++) {
		for (k = 0; k < s.v[i].n; k++) {
			unsigned char c = (unsigned char)s.v[i].p[k];

			if (rx_set_has(class, c) && !(c >= 'a' && c <= 'z'))
				break;
		}
		if (k == s.v[i].n)
			v[n++] = s.v[i];
	}
	return v != NULL ? (struct lits){ v, n } : s;
}

static bool
take(struct rxlit *l, const struct info *r, struct arena *scratch, struct arena *a)
{
	struct lits s = r->best;

	l->min_width = r->width;
	l->needs_class = r->has_class;
	memcpy(l->class, r->class, sizeof(l->class));
	if (s.n > 0) {
		l->min_len = lits_min_len(s);
		return lits_innermost(&s, s, scratch) && take_literals(&l->lit, &l->n, s, a);
	}
	if (!r->mixed.known || (r->has_class && r->mixed.cost > MIXED_GAIN * r->class_cost))
		return true;
	memcpy(l->or_class, r->mixed.class, sizeof(l->or_class));
	s = without_class(r->mixed.lits, r->mixed.class, scratch);
	return lits_innermost(&s, s, scratch) && take_literals(&l->mixed, &l->n_mixed, s, a);
}

void
rxlit_of(struct rxlit *l, const struct rx_node *n, struct arena *a)
{
	struct arena *scratch = arena_new(0);
	struct info r;

	*l = (struct rxlit){ .n = 0 };
	if (n != NULL && scratch != NULL && node_info(&r, n, scratch) && !arena_failed(scratch) && !take(l, &r, scratch, a))
		*l = (struct rxlit){ .n = 0 };
	arena_free(&scratch);
}

void
rxlit_extract(struct rxlit *l, struct waf_str pattern, uint32_t options, struct arena *a)
{
	struct arena *scratch = arena_new(0);

	rxlit_of(l, scratch != NULL ? rx_parse(pattern, options, scratch) : NULL, a);
	arena_free(&scratch);
}
