/* SPDX-License-Identifier: MIT */
/*
 * SecRuleRemove*, SecRuleUpdateTarget*, SecRuleUpdateActionById: changes to rules that were read before, as in
 * ModSecurity 2.  One that finds nothing to change is hardly what its author meant: a warning.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/waf/seclang_private.h"

/* Which rules: ids with the place in their chain, or a pattern for tags or messages. */
struct which {
	enum sl_by	 by;
	int64_t		 from, to;
	int64_t		 offset;	/* into the chain */
	const struct waf_rx *rx;
	struct waf_op_scratch *scratch;
};

static bool
search(const struct which *w, struct waf_str s)
{
	return waf_rx_search(w->rx, w->scratch, s) == 1;
}

static bool
matches(const struct which *w, const struct waf_rule *r)
{
	if (r->marker != NULL)
		return false;
	if (w->by == SL_BY_ID)
		return r->id >= w->from && r->id <= w->to;
	if (w->by == SL_BY_MSG)
		return r->msg.n != 0 && search(w, r->msg.raw);
	for (size_t i = 0; i < r->n_tag; i++) {
		if (search(w, r->tag[i].raw))
			return true;
	}
	return false;
}

static bool
chain_matches(const struct which *w, const struct waf_rule *r)
{
	for (; r != NULL; r = r->chained) {
		if (matches(w, r))
			return true;
	}
	return false;
}

static void
not_found(struct sl *sl, const struct sl_directive *dir, const struct sl_text *t)
{
	sl_warn(sl, t, NULL, "%s: no rule above has \"%.*s\": changes follow the rules they change", dir->name,
	    SL_FMT(*t));
}

/* "17", "17-23", "17:1" (the second rule of the chain) */
static bool
which_id(struct sl *sl, const struct sl_directive *dir, const struct sl_text *t, struct which *w)
{
	const char *colon = t->n ? memchr(t->p, ':', t->n) : NULL;
	struct sl_text id = *t, offset;
	bool ok = true;

	if (colon != NULL) {
		id = sl_sub(t, t->p, (size_t)(colon - t->p));
		offset = sl_sub(t, colon + 1, (size_t)(t->p + t->n - colon - 1));
		ok = sl_number(&offset, 0, 1000, &w->offset);
	}
	if (!ok || !sl_id_range(&id, &w->from, &w->to))
		sl_error(sl, t, NULL, "%s: \"%.*s\" is not a rule id or a range of ids", dir->name, SL_FMT(*t));
	else
		return true;
	return false;
}

static bool
which_pattern(struct sl *sl, const struct sl_text *t, struct which *w)
{
	w->rx = sl_pattern(sl, t, false);
	w->scratch = w->rx ? waf_op_scratch_new() : NULL;
	return w->scratch != NULL;
}

typedef bool	 each_fn(struct sl *, const struct which *, void *);

/* Ids may come several in a word, separated by commas or blanks. */
static void
each_which(struct sl *sl, const struct sl_directive *dir, const struct sl_word *arg, each_fn *fn, void *cookie)
{
	struct sl_text t = sl_text(arg), one;
	struct which w = {.by = (enum sl_by)dir->off};
	size_t n;

	if (w.by != SL_BY_ID) {
		if (which_pattern(sl, &t, &w) && !fn(sl, &w, cookie))
			not_found(sl, dir, &t);
		waf_op_scratch_free(&w.scratch);
		return;
	}
	while (t.n != 0) {
		for (n = 0; n < t.n && t.p[n] != ',' && !sl_is_blank(t.p[n]); n++)
			;
		one = sl_sub(&t, t.p, n);
		w = (struct which){.by = SL_BY_ID};
		if (n != 0 && which_id(sl, dir, &one, &w) && !fn(sl, &w, cookie))
			not_found(sl, dir, &one);
		n += n < t.n;
		t = sl_sub(&t, t.p + n, t.n - n);
	}
}

static void
forget(struct sl *sl, const struct waf_rule *r)
{
	struct waf_rules *rules = sl->rules;
	size_t n = 0;

	for (size_t i = 0; i < rules->n_all; i++) {
		if (rules->all[i] != r)
			rules->all[n++] = rules->all[i];
	}
	/* what sl_grow takes to be free must be a power of two: the freed slots are simply lost */
	while (n < rules->n_all)
		rules->all[n++] = NULL;
}

static void
drop_chain(struct sl *sl, struct waf_rule *r)
{
	if (r->id != 0)
		sl_id_drop(sl, r->id);
	for (; r != NULL; r = r->chained) {
		waf_op_free(&r->op);
		forget(sl, r);
	}
}

static bool
remove_these(struct sl *sl, const struct which *w, void *unused)
{
	size_t n = 0, before = sl->n_head;

	(void)unused;
	for (size_t i = 0; i < before; i++) {
		if (chain_matches(w, sl->head[i]))
			drop_chain(sl, sl->head[i]);
		else
			sl->head[n++] = sl->head[i];
	}
	sl->n_head = n;
	return n != before;
}

void
sl_dir_remove(struct sl *sl, const struct sl_directive *dir, const struct sl_word *arg, size_t n)
{
	for (size_t i = 0; i < n; i++)
		each_which(sl, dir, &arg[i], remove_these, NULL);
}

/* Calls <fn> on every rule meant: by id the first of the chain or the one at the offset, else each that matches. */
static bool
each_rule(struct sl *sl, const struct which *w, void (*fn)(struct sl *, struct waf_rule *, void *), void *cookie)
{
	bool found = false;
	int64_t k;

	for (size_t i = 0; i < sl->n_head; i++) {
		if (w->by == SL_BY_ID && !matches(w, sl->head[i]))
			continue;
		k = 0;
		for (struct waf_rule *r = sl->head[i]; r != NULL; r = r->chained, k++) {
			if (w->by == SL_BY_ID ? k != w->offset : !matches(w, r))
				continue;
			fn(sl, r, cookie);
			found = true;
		}
	}
	return found;
}

struct new_targets {
	const struct waf_target *target, *old;	/* old NULL: add; else take the place of what equals it */
	size_t		 n, n_old;
	bool		 replaced;
};

static bool
same_target(const struct waf_target *a, const struct waf_target *b)
{
	return a->var == b->var && a->sel == b->sel && a->exclude == b->exclude && a->count == b->count &&
	    a->key.n == b->key.n && (a->key.n == 0 || memcmp(a->key.p, b->key.p, a->key.n) == 0);
}

static bool
is_old(const struct new_targets *nt, const struct waf_target *t)
{
	for (size_t i = 0; i < nt->n_old; i++) {
		if (same_target(&nt->old[i], t))
			return true;
	}
	return false;
}

static void
update_targets(struct sl *sl, struct waf_rule *r, void *cookie)
{
	struct new_targets *nt = cookie;
	struct waf_target *t = arena_alloc(sl->a, (r->n_target + nt->n) * sizeof(*t));
	bool placed = false;
	size_t n = 0;

	if (t == NULL || (r->flags & WAF_R_UNCONDITIONAL))
		return;
	for (size_t i = 0; i < r->n_target; i++) {
		if (!is_old(nt, &r->target[i])) {
			t[n++] = r->target[i];
			continue;
		}
		for (size_t j = 0; j < nt->n && !placed; j++)
			t[n++] = nt->target[j];
		placed = nt->replaced = true;
	}
	for (size_t j = 0; j < nt->n && nt->old == NULL; j++)
		t[n++] = nt->target[j];
	r->target = t;
	r->n_target = n;
}

static bool
update_these(struct sl *sl, const struct which *w, void *cookie)
{
	return each_rule(sl, w, update_targets, cookie);
}

void
sl_dir_update_target(struct sl *sl, const struct sl_directive *dir, const struct sl_word *arg, size_t n)
{
	struct sl_text t = sl_text(&arg[1]), old_text;
	struct waf_target *target = NULL, *old = NULL;
	struct new_targets nt = {0};

	if (!sl_targets(sl, &t, 0, &target, &nt.n))
		return;
	if (n > 2) {
		old_text = sl_text(&arg[2]);
		if (!sl_targets(sl, &old_text, 0, &old, &nt.n_old))
			return;
	}
	nt.target = target;
	nt.old = old;
	each_which(sl, dir, &arg[0], update_these, &nt);
	if (n > 2 && !nt.replaced)
		sl_warn(sl, &old_text, NULL, "%s: no rule meant has the target \"%.*s\"", dir->name, SL_FMT(old_text));
}

static void
update_actions(struct sl *sl, struct waf_rule *r, void *cookie)
{
	struct sl_aset set;

	sl_aset_init(&set, SL_CTX_UPDATE | (r->id == 0 ? SL_CTX_CHAINED : 0));
	sl_actions(sl, cookie, &set);
	sl_apply(sl, r, &set);
}

static bool
update_actions_of(struct sl *sl, const struct which *w, void *cookie)
{
	return each_rule(sl, w, update_actions, cookie);
}

void
sl_dir_update_action(struct sl *sl, const struct sl_directive *dir, const struct sl_word *arg, size_t n)
{
	struct sl_word actions = arg[1];

	(void)n;
	each_which(sl, dir, &arg[0], update_actions_of, &actions);
}
