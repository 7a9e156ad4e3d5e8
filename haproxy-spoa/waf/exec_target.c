/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "lib/arena.h"
#include "haproxy-spoa/waf/exec.h"

static bool
key_is(struct waf_str key, struct waf_str want)
{
	return key.n == want.n && strncasecmp(key.p, want.p, want.n) == 0;
}

/* Does a target (or an exclusion) speak of this variable's <key>? */
static bool
selects(const struct waf_tx *tx, const struct waf_target *t, struct waf_str key)
{
	switch (t->sel) {
	case WAF_SEL_KEY:
		return t->var == WAF_V_XML || key_is(key, t->key);
	case WAF_SEL_REGEX:
		return waf_rx_search(t->rx, tx->scratch, key) == 1;
	default:
		return true;
	}
}

/* Most exclusions of an LLM profile are "^json\.some\.path": the prefix settles nearly all without the pattern. */
static bool
exclusion_selects(const struct waf_tx *tx, const struct plan_exclusion *x, enum waf_var var, struct waf_str key)
{
	if (x->t->var != var)
		return false;
	if (x->prefix.n > key.n || (x->prefix.n > 0 && strncasecmp(key.p, x->prefix.p, x->prefix.n) != 0))
		return false;
	return selects(tx, x->t, key);
}

static bool
excluded_walk(const struct waf_tx *tx, uint32_t exset, enum waf_var var, struct waf_str key)
{
	for (; exset != 0; exset = tx->xset[exset].parent)
		if (exclusion_selects(tx, &tx->plan->exclusion[tx->xset[exset].exclusion], var, key))
			return true;
	return false;
}

bool
xtarget_excluded(const struct waf_tx *tx, uint32_t exset, const struct xitem *it)
{
	if (exset == 0 || it->count)
		return false;
	if (it->raw == NULL)
		return excluded_walk(tx, exset, it->var, it->key);
	if (it->raw->exset != exset) {
		it->raw->excluded = excluded_walk(tx, exset, it->var, it->key);
		it->raw->exset = exset;
	}
	return it->raw->excluded;
}

static bool
excluded_by_rule(const struct waf_tx *tx, const struct plan_tset *ts, enum waf_var var, struct waf_str key)
{
	size_t i;

	for (i = 0; i < ts->n_exc; i++)
		if (ts->exc[i]->var == var && !ts->exc[i]->count && selects(tx, ts->exc[i], key))
			return true;
	return false;
}

static struct xitem *
list_add(struct waf_tx *tx, struct xlist *l)
{
	if (plan_grow(tx->arena, &l->v, l->n, &l->cap, sizeof(*l->v)) != 0)
		return NULL;
	memset(&l->v[l->n], 0, sizeof(*l->v));
	return &l->v[l->n++];
}

/* The buffer of a variable's n-th value is found once, whatever target sets it is in. */
static struct xraw *
raw_of(struct waf_tx *tx, enum waf_var var, size_t i, struct waf_str value)
{
	struct xraw *r;

	if (i >= tx->n_raw[var]) {
		size_t n = tx->vars.list[var].n > i ? tx->vars.list[var].n : i + 1;

		if ((r = arena_calloc(tx->arena, n, sizeof(*r))) == NULL)
			return NULL;
		if (tx->n_raw[var] > 0)
			memcpy(r, tx->raw[var], tx->n_raw[var] * sizeof(*r));
		tx->raw[var] = r;
		tx->n_raw[var] = n;
	}
	r = &tx->raw[var][i];
	if (r->buf == NULL || r->p != value.p || r->n != value.n)
		*r = (struct xraw){.p = value.p, .n = value.n, .buf = xbuf_intern(tx, value)};
	return r;
}

/* An XPath is evaluated once per body, not once per rule. */
static const struct waf_list *
xpath_list(struct waf_tx *tx, const struct waf_target *t, const struct plan_tset *ts)
{
	struct xpath_result *x;

	for (x = tx->xpath; x != NULL; x = x->next)
		if (x->gen == tx->gen && x->target->key.n == t->key.n &&
		    (x->target == t || (ts->n_ns == 0 && memcmp(x->target->key.p, t->key.p, t->key.n) == 0)))
			return &x->list;
	if ((x = arena_calloc(tx->arena, 1, sizeof(*x))) == NULL)
		return NULL;
	x->target = t;
	x->gen = tx->gen;
	waf_vars_xpath(&tx->vars, t->key.p, ts->ns, ts->n_ns, &x->list);
	if (ts->n_ns == 0) {
		x->next = tx->xpath;
		tx->xpath = x;
	}
	return &x->list;
}

static const struct waf_list *
values_of(struct waf_tx *tx, const struct waf_target *t, const struct plan_tset *ts, struct waf_list *tmp)
{
	if (t->var == WAF_V_XML && t->sel != WAF_SEL_ALL)
		return xpath_list(tx, t, ts);
	if (!xvar_is_kept(t->var))
		return &tx->vars.list[t->var];
	memset(tmp, 0, sizeof(*tmp));
	xvar_list(tx, t->var, tmp);
	return tmp;
}

/* &VAR: one item whose value is the number. */
static void
add_count(struct waf_tx *tx, const struct waf_target *t, const struct waf_list *l, struct xlist *out)
{
	struct xitem *it = list_add(tx, out);
	int64_t n = 0;
	size_t i;

	if (it == NULL)
		return;
	for (i = 0; i < l->n; i++)
		n += selects(tx, t, l->v[i].key);
	it->var = t->var;
	it->count = true;
	it->key = t->sel == WAF_SEL_KEY ? t->key : WAF_STR("");
	it->buf = xbuf_intern(tx, x_int(tx, n));
}

static void
add_values(struct waf_tx *tx, const struct waf_target *t, const struct plan_tset *ts, struct xlist *out)
{
	struct waf_list tmp;
	const struct waf_list *l = values_of(tx, t, ts, &tmp);
	bool kept = l == &tx->vars.list[t->var];
	struct xitem *it;
	size_t i;

	if (l == NULL)
		return;
	if (t->count) {
		add_count(tx, t, l, out);
		return;
	}
	for (i = 0; i < l->n; i++) {
		const struct waf_val *v = &l->v[i];

		if (!selects(tx, t, v->key) || excluded_by_rule(tx, ts, t->var, v->key))
			continue;
		if ((it = list_add(tx, out)) == NULL)
			return;
		it->var = t->var;
		it->key = v->key;
		it->raw = kept ? raw_of(tx, t->var, i, v->value) : NULL;
		it->buf = it->raw != NULL ? it->raw->buf : xbuf_intern(tx, v->value);
	}
}

int64_t
xtarget_count(struct waf_tx *tx, const struct waf_target *t)
{
	const struct waf_list *l = &tx->vars.list[t->var];
	int64_t n = 0;
	size_t i;

	if (t->sel == WAF_SEL_ALL)
		return (int64_t)l->n;
	for (i = 0; i < l->n; i++)
		n += key_is(l->v[i].key, t->key);
	return n;
}

static void
resolve(struct waf_tx *tx, const struct plan_tset *ts, struct xlist *out)
{
	size_t i;

	for (i = 0; i < ts->n_inc; i++)
		add_values(tx, ts->inc[i], ts, out);
}

static const struct xlist *
targets_get(struct waf_tx *tx, uint32_t tset)
{
	const struct plan_tset *ts = &tx->plan->tset[tset];
	struct xtargets *xt = &tx->targets[tset];

	if (xt->gen == tx->gen || (ts->fixed && xt->gen != 0))
		return &xt->items;
	memset(&xt->items, 0, sizeof(xt->items));
	resolve(tx, ts, &xt->items);
	xt->gen = tx->gen;
	return &xt->items;
}

/* Enter an item with its final buffer; equal buffers share a place. */
static void
eval_add(struct waf_tx *tx, struct xeval *ev, const struct xitem *from, struct xbuf *b, size_t steps)
{
	struct xitem *it = list_add(tx, &ev->items);

	if (it == NULL || b == NULL)
		return;
	*it = *from;
	it->buf = b;
	it->steps = (unsigned char)(steps < 255 ? steps : 255);
	if (b->stamp != tx->stamp) {
		b->stamp = tx->stamp;
		b->slot = (uint32_t)ev->n_distinct++;
		ev->map |= b->map;
		if (b->n > ev->longest)
			ev->longest = b->n;
	}
	it->distinct = b->slot;
}

/* multiMatch: before the first transformation, and after each that changed something. */
static void
eval_multi(struct waf_tx *tx, struct xeval *ev, const struct plan_group *g, const struct xitem *from)
{
	struct xbuf *b = from->buf, *next;
	size_t i;

	eval_add(tx, ev, from, b, 0);
	for (i = 0; i < g->n_tfn && b != NULL; i++, b = next) {
		next = xbuf_transform(tx, b, g->tfn[i]);
		if (next != b)
			eval_add(tx, ev, from, next, i + 1);
	}
}

static void
eval_item(struct waf_tx *tx, struct xeval *ev, const struct plan_group *g, const struct xitem *from)
{
	struct xbuf *b = from->buf;
	size_t i;

	if (b == NULL)
		return;
	if (g->multi) {
		eval_multi(tx, ev, g, from);
		return;
	}
	if ((b->map & g->trigger) != 0 || g->trigger == ~UINT64_C(0))
		for (i = 0; i < g->n_tfn && b != NULL; i++)
			b = xbuf_transform(tx, b, g->tfn[i]);
	eval_add(tx, ev, from, b, g->n_tfn);
}

static void
eval_distinct(struct waf_tx *tx, struct xeval *ev)
{
	size_t i;

	ev->distinct = arena_alloc(tx->arena, (ev->n_distinct + 1) * sizeof(*ev->distinct));
	if (ev->distinct == NULL)
		return;
	for (i = 0; i < ev->items.n; i++)
		ev->distinct[ev->items.v[i].distinct] = ev->items.v[i].buf;
}

static void
eval_fill(struct waf_tx *tx, struct xeval *ev, const struct plan_group *g, uint32_t exset)
{
	const struct plan_tset *ts = &tx->plan->tset[g->tset];
	struct xlist fresh = {0};
	const struct xlist *from = &fresh;
	size_t i;

	if (ts->dynamic)
		resolve(tx, ts, &fresh);
	else
		from = targets_get(tx, g->tset);
	tx->stamp++;
	for (i = 0; i < from->n; i++)
		if (!xtarget_excluded(tx, exset, &from->v[i]))
			eval_item(tx, ev, g, &from->v[i]);
	eval_distinct(tx, ev);
}

struct xeval *
xeval_get(struct waf_tx *tx, uint32_t group, uint32_t exset)
{
	const struct plan_group *g = &tx->plan->group[group];
	const struct plan_tset *ts = &tx->plan->tset[g->tset];
	struct xeval *ev;

	if (!ts->dynamic)
		for (ev = tx->eval[group]; ev != NULL; ev = ev->next)
			if (ev->exset == exset && (ev->gen == tx->gen || ts->fixed))
				return ev;
	if ((ev = arena_calloc(tx->arena, 1, sizeof(*ev))) == NULL)
		return NULL;
	ev->exset = exset;
	ev->gen = tx->gen;
	eval_fill(tx, ev, g, exset);
	if (!ts->dynamic) {
		ev->next = tx->eval[group];
		tx->eval[group] = ev;
	}
	return arena_failed(tx->arena) ? NULL : ev;
}

const uint64_t *
xeval_hits(struct waf_tx *tx, struct xeval *ev, int side)
{
	size_t words = tx->plan->gate_words[side], i, k;
	const uint64_t *h;
	uint64_t *hits = ev->hits[side];

	if (hits != NULL)
		return hits;
	if ((hits = arena_calloc(tx->arena, words + 1, sizeof(*hits))) == NULL)
		return NULL;
	for (i = 0; i < ev->n_distinct; i++) {
		if ((h = xbuf_hits(tx, ev->distinct[i], side)) == NULL)
			return NULL;
		for (k = 0; k < words; k++)
			hits[k] |= h[k];
	}
	ev->hits[side] = hits;
	return hits;
}
