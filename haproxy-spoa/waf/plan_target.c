/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "lib/arena.h"
#include "haproxy-spoa/waf/plan.h"

/* Kept by the engine and changed by rules: looked up at each use. */
static const enum waf_var dynamic_vars[] = {
	WAF_V_TX, WAF_V_IP, WAF_V_GLOBAL, WAF_V_SESSION, WAF_V_USER, WAF_V_RESOURCE, WAF_V_RULE, WAF_V_GEO,
	WAF_V_ENV, WAF_V_MATCHED_VAR, WAF_V_MATCHED_VARS, WAF_V_MATCHED_VAR_NAME, WAF_V_MATCHED_VARS_NAMES,
	WAF_V_HIGHEST_SEVERITY, WAF_V_DURATION, WAF_V_TIME, WAF_V_TIME_DAY, WAF_V_TIME_EPOCH, WAF_V_TIME_HOUR,
	WAF_V_TIME_MIN, WAF_V_TIME_MON, WAF_V_TIME_SEC, WAF_V_TIME_WDAY, WAF_V_TIME_YEAR, WAF_V_SESSIONID,
	WAF_V_USERID, WAF_V_REQBODY_PROCESSOR, WAF_V_MODSEC_BUILD, WAF_V_WEBAPPID,
};

/* Known before phase 1 and never added to. */
static const enum waf_var fixed_vars[] = {
	WAF_V_ARGS_GET, WAF_V_ARGS_GET_NAMES, WAF_V_AUTH_TYPE, WAF_V_PATH_INFO, WAF_V_QUERY_STRING,
	WAF_V_REMOTE_ADDR, WAF_V_REMOTE_HOST, WAF_V_REMOTE_PORT, WAF_V_REQUEST_BASENAME, WAF_V_REQUEST_COOKIES,
	WAF_V_REQUEST_COOKIES_NAMES, WAF_V_REQUEST_FILENAME, WAF_V_REQUEST_HEADERS, WAF_V_REQUEST_HEADERS_NAMES,
	WAF_V_REQUEST_LINE, WAF_V_REQUEST_METHOD, WAF_V_REQUEST_PROTOCOL, WAF_V_REQUEST_URI,
	WAF_V_REQUEST_URI_RAW, WAF_V_SERVER_ADDR, WAF_V_SERVER_NAME, WAF_V_SERVER_PORT, WAF_V_UNIQUE_ID,
};

static bool
var_in(enum waf_var v, const enum waf_var *set, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (set[i] == v)
			return true;
	return false;
}

static bool
str_same(struct waf_str a, struct waf_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static bool
target_same(const struct waf_target *a, const struct waf_target *b)
{
	return a->var == b->var && a->sel == b->sel && a->count == b->count && str_same(a->key, b->key);
}

/* The n-th target of the rule that is (not) an exclusion. */
static size_t
targets_of(const struct waf_rule *r, bool exclude, struct waf_target **out)
{
	size_t i, n = 0;

	for (i = 0; i < r->n_target; i++)
		if (r->target[i].exclude == exclude)
			out[n++] = &r->target[i];
	return n;
}

static bool
list_same(struct waf_target **a, size_t na, struct waf_target **b, size_t nb)
{
	size_t i;

	if (na != nb)
		return false;
	for (i = 0; i < na; i++)
		if (!target_same(a[i], b[i]))
			return false;
	return true;
}

static void
tset_classify(struct plan_tset *t)
{
	size_t i;

	t->dynamic = false;
	t->fixed = true;
	for (i = 0; i < t->n_inc; i++) {
		enum waf_var v = t->inc[i]->var;

		if (var_in(v, dynamic_vars, sizeof(dynamic_vars) / sizeof(*dynamic_vars)))
			t->dynamic = true;
		if (!var_in(v, fixed_vars, sizeof(fixed_vars) / sizeof(*fixed_vars)))
			t->fixed = false;
	}
}

static uint32_t
tset_of(struct plan *p, const struct waf_rule *r)
{
	struct plan_tset t = {.ns = r->xmlns, .n_ns = r->n_xmlns};
	size_t i;

	t.inc = arena_alloc(p->arena, (r->n_target + 1) * sizeof(*t.inc));
	t.exc = arena_alloc(p->arena, (r->n_target + 1) * sizeof(*t.exc));
	if (t.inc == NULL || t.exc == NULL)
		return PLAN_NONE;
	t.n_inc = targets_of(r, false, t.inc);
	t.n_exc = targets_of(r, true, t.exc);
	for (i = 0; i < p->n_tsets; i++) {
		const struct plan_tset *o = &p->tset[i];

		if (o->n_ns == 0 && t.n_ns == 0 && list_same(o->inc, o->n_inc, t.inc, t.n_inc) &&
		    list_same(o->exc, o->n_exc, t.exc, t.n_exc))
			return (uint32_t)i;
	}
	tset_classify(&t);
	if (plan_grow(p->arena, &p->tset, p->n_tsets, &p->cap_tsets, sizeof(t)) != 0)
		return PLAN_NONE;
	p->tset[p->n_tsets] = t;
	return (uint32_t)p->n_tsets++;
}

static uint64_t
chain_trigger(const enum waf_tfn *tfn, size_t n)
{
	uint64_t m = 0;
	size_t i;

	for (i = 0; i < n; i++)
		m |= plan_class_trigger(tfn[i]);
	return m;
}

uint32_t
plan_group_of(struct plan *p, const struct waf_rule *r)
{
	struct plan_group g = {.tfn = r->tfn, .n_tfn = r->n_tfn, .multi = (r->flags & WAF_R_MULTIMATCH) != 0};
	size_t i;

	if ((g.tset = tset_of(p, r)) == PLAN_NONE)
		return PLAN_NONE;
	for (i = 0; i < p->n_groups; i++) {
		const struct plan_group *o = &p->group[i];

		if (o->tset == g.tset && o->multi == g.multi && o->n_tfn == g.n_tfn &&
		    (g.n_tfn == 0 || memcmp(o->tfn, g.tfn, g.n_tfn * sizeof(*g.tfn)) == 0))
			return (uint32_t)i;
	}
	g.trigger = chain_trigger(g.tfn, g.n_tfn);
	if (plan_grow(p->arena, &p->group, p->n_groups, &p->cap_groups, sizeof(g)) != 0)
		return PLAN_NONE;
	p->group[p->n_groups] = g;
	return (uint32_t)p->n_groups++;
}

static bool
slot_selected(const struct plan *p, const struct waf_target *t, uint32_t slot, struct waf_op_scratch *s)
{
	struct waf_str name = p->slot_name[slot];

	if (t->sel == WAF_SEL_KEY)
		return name.n == t->key.n && strncasecmp(name.p, t->key.p, name.n) == 0;
	return waf_rx_search(t->rx, s, name) == 1;
}

/* The slots that a target on TX can see. */
static uint32_t *
target_slots(const struct plan *p, const struct waf_target *t, struct waf_op_scratch *s)
{
	uint32_t *out = arena_alloc(p->arena, (p->n_slots + 1) * sizeof(*out)), i, n = 0;

	for (i = 0; out != NULL && i < p->n_slots; i++)
		if (slot_selected(p, t, i, s))
			out[n++] = i;
	if (out != NULL)
		out[n] = PLAN_NONE;
	return out;
}

int
plan_tset_slots(struct plan *p, struct waf_op_scratch *s)
{
	size_t i, k;

	for (i = 0; i < p->n_tsets; i++) {
		struct plan_tset *ts = &p->tset[i];

		if ((ts->slots = arena_calloc(p->arena, ts->n_inc + 1, sizeof(*ts->slots))) == NULL)
			return -ENOMEM;
		for (k = 0; k < ts->n_inc; k++)
			if (ts->inc[k]->var == WAF_V_TX && ts->inc[k]->sel != WAF_SEL_ALL &&
			    (ts->slots[k] = target_slots(p, ts->inc[k], s)) == NULL)
				return -ENOMEM;
	}
	return 0;
}

bool
plan_target_touches(const struct waf_target *x, const struct waf_rule *r)
{
	size_t i;

	for (i = 0; i < r->n_target; i++) {
		const struct waf_target *t = &r->target[i];

		if (t->exclude || t->count || t->var != x->var)
			continue;
		if (x->sel != WAF_SEL_KEY || t->sel != WAF_SEL_KEY || str_same(x->key, t->key))
			return true;
	}
	return false;
}
