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
static inline bool
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

static bool
excluded_now(const struct waf_tx *tx, uint32_t exset, const struct xitem *it)
{
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

/* The place where a variable's n-th value is remembered, whatever target sets it is in. */
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
	if (r->p != value.p || r->n != value.n)
		*r = (struct xraw){.p = value.p, .n = value.n};
	return r;
}

/* Not before it is looked at: an excluded value need not even be hashed. */
static struct xbuf *
raw_buf(struct waf_tx *tx, struct xraw *r)
{
	if (r->buf == NULL)
		r->buf = xbuf_intern(tx, (struct waf_str){r->p, r->n});
	return r->buf;
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
	if (tx->vars.error != WAF_E_NONE && tx->error == WAF_E_NONE)
		tx->error = tx->vars.error;
	if (ts->n_ns == 0) {
		x->next = tx->xpath;
		tx->xpath = x;
	}
	return &x->list;
}

static void
tx_put(struct waf_tx *tx, struct waf_list *l, struct waf_str key, struct xval *v)
{
	if (v->set)
		l->v[l->n++] = (struct waf_val){key, xval_text(tx, v)};
}

/* TX:name and TX:/pattern/: which slots that can be was found out when the rules were loaded. */
static void
tx_values(struct waf_tx *tx, const struct waf_target *t, const uint32_t *slot, struct waf_list *out)
{
	size_t n = 0, i;

	while (slot[n] != PLAN_NONE)
		n++;
	if ((out->v = arena_alloc(tx->arena, (n + tx->n_tx + 1) * sizeof(*out->v))) == NULL)
		return;
	for (i = 0; i < n; i++)
		tx_put(tx, out, tx->plan->slot_name[slot[i]], &tx->slot[slot[i]]);
	for (i = 0; i < tx->n_tx; i++)
		if (selects(tx, t, tx->tx[i].key))
			tx_put(tx, out, tx->tx[i].key, &tx->tx[i].v);
}

static const struct waf_list *
values_of(struct waf_tx *tx, const struct plan_tset *ts, size_t i, struct waf_list *tmp)
{
	const struct waf_target *t = ts->inc[i];

	if (t->var == WAF_V_XML && t->sel != WAF_SEL_ALL)
		return xpath_list(tx, t, ts);
	if (!xvar_is_kept(t->var))
		return xvar_filled(tx, t->var);
	memset(tmp, 0, sizeof(*tmp));
	if (t->var == WAF_V_TX && ts->slots[i] != NULL)
		tx_values(tx, t, ts->slots[i], tmp);
	else
		xvar_list(tx, t->var, tmp);
	return tmp;
}

/* An evaluation being filled: room for every value of every target is there from the start. */
struct fill {
	struct waf_tx	*tx;
	struct xeval	*ev;
	size_t		 cap;
};

/* Enter an item with its final buffer; equal buffers share a place. */
static void
fill_add(struct fill *f, const struct xitem *from, struct xbuf *b, size_t steps)
{
	struct xeval *ev = f->ev;
	struct xitem *it;

	if (b == NULL || ev->n >= f->cap)
		return;
	it = &ev->item[ev->n++];
	*it = *from;
	it->buf = b;
	it->steps = (unsigned char)(steps < 255 ? steps : 255);
	if (b->stamp != f->tx->stamp) {
		b->stamp = f->tx->stamp;
		b->slot = (uint32_t)ev->n_distinct;
		ev->distinct[ev->n_distinct++] = b;
		ev->map |= b->map;
		if (b->n > ev->longest)
			ev->longest = b->n;
	}
	it->distinct = b->slot;
}

static struct xeval *
fill_begin(struct fill *f, struct waf_tx *tx, size_t cap)
{
	struct xeval *ev = arena_calloc(tx->arena, 1, sizeof(*ev));

	if (ev == NULL)
		return NULL;
	ev->item = arena_alloc(tx->arena, (cap + 1) * sizeof(*ev->item));
	ev->distinct = arena_alloc(tx->arena, (cap + 1) * sizeof(*ev->distinct));
	if (ev->item == NULL || ev->distinct == NULL)
		return NULL;
	*f = (struct fill){tx, ev, cap};
	tx->stamp++;
	return ev;
}

/* &VAR: one item whose value is the number. */
static void
add_count(struct fill *f, const struct waf_target *t, const struct waf_list *l)
{
	struct xitem it = {.var = t->var, .count = true, .key = t->sel == WAF_SEL_KEY ? t->key : WAF_STR("")};
	int64_t n = 0;
	size_t i;

	for (i = 0; i < l->n; i++)
		n += selects(f->tx, t, l->v[i].key);
	fill_add(f, &it, xbuf_intern(f->tx, x_int(f->tx, n)), 0);
}

static struct xvalues *
values_make(struct waf_tx *tx, enum waf_var var, uint32_t exset)
{
	const struct waf_list *l = &tx->vars.list[var];
	struct xvalues *v = arena_alloc(tx->arena, sizeof(*v));
	size_t i;

	if (v == NULL || (v->item = arena_alloc(tx->arena, (l->n + 1) * sizeof(*v->item))) == NULL)
		return NULL;
	for (v->n = 0, i = 0; i < l->n; i++) {
		struct xitem it = {.var = var, .key = l->v[i].key, .raw = raw_of(tx, var, i, l->v[i].value)};

		if (it.raw == NULL)
			return NULL;
		if (exset != 0 && excluded_now(tx, exset, &it))
			continue;
		it.buf = raw_buf(tx, it.raw);
		v->item[v->n++] = it;
	}
	v->exset = exset;
	v->gen = tx->gen;
	v->next = tx->values[var];
	tx->values[var] = v;
	return v;
}

/* ARGS is in a hundred target sets: its items are made once for all of them. */
static void
add_all(struct fill *f, enum waf_var var, uint32_t exset)
{
	const struct xvalues *v;
	size_t i;

	for (v = f->tx->values[var]; v != NULL; v = v->next)
		if (v->exset == exset && v->gen == f->tx->gen)
			break;
	if (v == NULL && (v = values_make(f->tx, var, exset)) == NULL)
		return;
	for (i = 0; i < v->n; i++)
		fill_add(f, &v->item[i], v->item[i].buf, 0);
}

static bool
excludes_some(const struct plan_tset *ts, enum waf_var var)
{
	size_t i;

	for (i = 0; i < ts->n_exc; i++)
		if (ts->exc[i]->var == var)
			return true;
	return false;
}

static void
add_values(struct fill *f, const struct waf_target *t, const struct plan_tset *ts, const struct waf_list *l,
    uint32_t exset)
{
	bool raw = l == &f->tx->vars.list[t->var];
	size_t i;

	if (raw && t->sel == WAF_SEL_ALL && !ts->dynamic && !excludes_some(ts, t->var)) {
		add_all(f, t->var, exset);
		return;
	}
	for (i = 0; i < l->n; i++) {
		const struct waf_val *v = &l->v[i];
		struct xitem it = {.var = t->var, .key = v->key};

		if (!selects(f->tx, t, v->key) || (ts->n_exc != 0 && excluded_by_rule(f->tx, ts, t->var, v->key)))
			continue;
		if (raw && (it.raw = raw_of(f->tx, t->var, i, v->value)) == NULL)
			return;
		if (exset != 0 && excluded_now(f->tx, exset, &it))
			continue;
		fill_add(f, &it, raw ? raw_buf(f->tx, it.raw) : xbuf_intern(f->tx, v->value), 0);
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

/* The values of a target set as they are. */
static struct xeval *
base_make(struct waf_tx *tx, const struct plan_tset *ts, uint32_t exset)
{
	const struct waf_list *few[8], **l = few;
	struct waf_list *tmp = NULL;
	struct xeval *ev;
	struct fill f;
	size_t i, n = 0;

	if (ts->n_inc > 8 && (l = arena_alloc(tx->arena, ts->n_inc * sizeof(*l))) == NULL)
		return NULL;
	if (ts->dynamic && (tmp = arena_alloc(tx->arena, (ts->n_inc + 1) * sizeof(*tmp))) == NULL)
		return NULL;
	for (i = 0; i < ts->n_inc; i++) {
		if ((l[i] = values_of(tx, ts, i, tmp != NULL ? &tmp[i] : NULL)) == NULL)
			return NULL;
		n += ts->inc[i]->count ? 1 : l[i]->n;
	}
	if ((ev = fill_begin(&f, tx, n)) == NULL)
		return NULL;
	for (i = 0; i < ts->n_inc; i++) {
		if (ts->inc[i]->count)
			add_count(&f, ts->inc[i], l[i]);
		else
			add_values(&f, ts->inc[i], ts, l[i], exset);
	}
	return ev;
}

static struct xeval *
made_find(const struct waf_tx *tx, const struct xmade *m, const struct plan_tset *ts, uint32_t exset)
{
	for (; m != NULL; m = m->next)
		if (m->exset == exset && (m->gen == tx->gen || ts->fixed))
			return m->ev;
	return NULL;
}

static void
made_keep(struct waf_tx *tx, struct xmade **at, struct xeval *ev, uint32_t exset)
{
	struct xmade *m;

	if (ev == NULL || (m = arena_alloc(tx->arena, sizeof(*m))) == NULL)
		return;
	*m = (struct xmade){*at, ev, exset, tx->gen};
	*at = m;
}

static struct xeval *
base_get(struct waf_tx *tx, uint32_t tset, uint32_t exset)
{
	const struct plan_tset *ts = &tx->plan->tset[tset];
	struct xeval *ev;

	if (ts->dynamic)
		return base_make(tx, ts, exset);
	if ((ev = made_find(tx, tx->base[tset], ts, exset)) == NULL) {
		ev = base_make(tx, ts, exset);
		made_keep(tx, &tx->base[tset], ev, exset);
	}
	return ev;
}

/* multiMatch: before the first transformation, and after each that changed something. */
static void
eval_multi(struct fill *f, const struct plan_group *g, const struct xitem *from)
{
	struct xbuf *b = from->buf, *next;
	size_t i;

	fill_add(f, from, b, 0);
	for (i = 0; i < g->n_tfn && b != NULL; i++, b = next) {
		next = xbuf_transform(f->tx, b, g->tfn[i]);
		if (next != b)
			fill_add(f, from, next, i + 1);
	}
}

static void
eval_single(struct fill *f, const struct plan_group *g, const struct xitem *from)
{
	struct xbuf *b = from->buf;
	size_t i = 0;

	if ((b->map & g->trigger) != 0 || g->trigger == ~UINT64_C(0))
		for (; i < g->n_tfn && b != NULL; i++)
			b = xbuf_transform(f->tx, b, g->tfn[i]);
	fill_add(f, from, b, i);
}

static struct xeval *
eval_make(struct waf_tx *tx, const struct plan_group *g, const struct xeval *base)
{
	struct xeval *ev;
	struct fill f;
	size_t i;

	if ((ev = fill_begin(&f, tx, base->n * (g->multi ? g->n_tfn + 1 : 1))) == NULL)
		return NULL;
	for (i = 0; i < base->n; i++) {
		if (g->multi)
			eval_multi(&f, g, &base->item[i]);
		else
			eval_single(&f, g, &base->item[i]);
	}
	return ev;
}

struct xeval *
xeval_get(struct waf_tx *tx, uint32_t group, uint32_t exset)
{
	const struct plan_group *g = &tx->plan->group[group];
	const struct plan_tset *ts = &tx->plan->tset[g->tset];
	struct xeval *ev, *base;

	if (!ts->dynamic && (ev = made_find(tx, tx->eval[group], ts, exset)) != NULL)
		return ev;
	if ((base = base_get(tx, g->tset, exset)) == NULL)
		return NULL;
	if ((base->map & g->trigger) == 0 && g->trigger != ~UINT64_C(0))
		ev = base;
	else
		ev = eval_make(tx, g, base);
	if (!ts->dynamic)
		made_keep(tx, &tx->eval[group], ev, exset);
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
