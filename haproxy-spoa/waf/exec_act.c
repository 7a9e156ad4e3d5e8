/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "lib/arena.h"
#include "haproxy-spoa/waf/exec.h"

/* The actions that do something beside deciding: setvar and its kin, collections, ctl. */

/* The number that setvar adds or takes away. */
static int64_t
act_number(struct waf_tx *tx, const struct plan_act *pa)
{
	struct xval *from;

	switch (pa->how) {
	case PLAN_CONST:
		return pa->num;
	case PLAN_SLOT:
		from = &tx->slot[pa->from];
		return from->set ? xval_num(from) : 0;
	default:
		return plan_atoi(xmacro(tx, &pa->a->value));
	}
}

static void
assign(struct waf_tx *tx, const struct plan_act *pa, struct xval *v)
{
	struct xval *from;

	switch (pa->how) {
	case PLAN_CONST:
		*v = (struct xval){.text = pa->text, .num = pa->num, .has_num = true};
		break;
	case PLAN_SLOT:
		from = &tx->slot[pa->from];
		*v = from->set ? *from : (struct xval){.text = WAF_STR("")};
		v->pinned = false;
		break;
	default:
		*v = (struct xval){.text = xmacro(tx, &pa->a->value)};
		break;
	}
	v->set = true;
}

/* Counters never go below zero, as in ModSecurity. */
static void
add(struct waf_tx *tx, const struct plan_act *pa, struct xval *v)
{
	int64_t by = act_number(tx, pa), n = v->set ? xval_num(v) : 0;

	n = pa->a->setop == '-' ? n - by : n + by;
	*v = (struct xval){.num = n > 0 ? n : 0, .has_num = true, .set = true};
}

static void
setvar_on(struct waf_tx *tx, const struct plan_act *pa, struct xval *v)
{
	if (v == NULL || v->pinned)
		return;
	switch (pa->a->setop) {
	case '!':
		memset(v, 0, sizeof(*v));
		break;
	case '+':
	case '-':
		add(tx, pa, v);
		break;
	default:
		assign(tx, pa, v);
		break;
	}
}

static void
act_setvar(struct waf_tx *tx, const struct plan_act *pa)
{
	const struct waf_act *a = pa->a;
	struct xcoll *c;

	if (pa->slot != PLAN_NONE)
		setvar_on(tx, pa, &tx->slot[pa->slot]);
	else if (a->coll == WAF_V_TX)
		setvar_on(tx, pa, xtx_make(tx, xmacro(tx, &a->name)));
	else if ((c = xcoll_find(tx, a->coll)) != NULL)
		setvar_on(tx, pa, xcoll_make(tx, c, xmacro(tx, &a->name)));
}

static struct xvar *
act_coll_var(struct waf_tx *tx, const struct plan_act *pa, struct xcoll **c)
{
	*c = xcoll_find(tx, pa->a->coll);
	return *c != NULL ? xcoll_var(*c, xmacro(tx, &pa->a->name)) : NULL;
}

static void
act_expirevar(struct waf_tx *tx, const struct plan_act *pa)
{
	struct xcoll *c;
	struct xvar *v = act_coll_var(tx, pa, &c);

	if (v == NULL)
		return;
	v->expires = tx->req->now_us / 1000000 + plan_atoi(xmacro(tx, &pa->a->value));
	v->changed = c->changed = true;
}

/* "60/300": 60 less for every 300 seconds since the last update. */
static void
act_deprecatevar(struct waf_tx *tx, const struct plan_act *pa)
{
	struct waf_str spec = xmacro(tx, &pa->a->value), period;
	const char *slash = spec.n > 0 ? memchr(spec.p, '/', spec.n) : NULL;
	struct xcoll *c;
	struct xvar *v = act_coll_var(tx, pa, &c);
	int64_t per, n;

	if (v == NULL || slash == NULL)
		return;
	period = (struct waf_str){slash + 1, spec.n - (size_t)(slash + 1 - spec.p)};
	if ((per = plan_atoi(period)) <= 0)
		return;
	n = xval_num(&v->v) - (tx->req->now_us / 1000000 - c->updated) / per * plan_atoi(spec);
	if (n == xval_num(&v->v))
		return;
	v->v = (struct xval){.num = n > 0 ? n : 0, .has_num = true, .set = true};
	v->changed = c->changed = true;
}

static void
act_initcol(struct waf_tx *tx, const struct plan_act *pa)
{
	xcoll_open(tx, pa->a->coll, xmacro(tx, &pa->a->value));
}

static void
act_setenv(struct waf_tx *tx, const struct plan_act *pa)
{
	struct xcoll *c;
	struct xval *v;

	xcoll_open(tx, WAF_V_ENV, WAF_STR(""));
	if ((c = xcoll_find(tx, WAF_V_ENV)) == NULL || (v = xcoll_make(tx, c, xmacro(tx, &pa->a->name))) == NULL)
		return;
	*v = (struct xval){.text = xmacro(tx, &pa->a->value), .set = pa->a->setop != '!'};
}

static void
act_setsid(struct waf_tx *tx, const struct plan_act *pa)
{
	tx->sessionid = xmacro(tx, &pa->a->value);
	xcoll_open(tx, WAF_V_SESSION, tx->sessionid);
}

static void
act_setuid(struct waf_tx *tx, const struct plan_act *pa)
{
	tx->userid = xmacro(tx, &pa->a->value);
	xcoll_open(tx, WAF_V_USER, tx->userid);
}

static void
act_setrsc(struct waf_tx *tx, const struct plan_act *pa)
{
	xcoll_open(tx, WAF_V_RESOURCE, xmacro(tx, &pa->a->value));
}

static void
remove_rules(struct waf_tx *tx, const struct plan_act *pa)
{
	size_t i;

	for (i = 0; i < tx->plan->n_words; i++)
		tx->removed[i] |= pa->affects[i];
}

/* <parent> and one exclusion more; equal sets get equal numbers if made in the same order. */
static uint32_t
exset_with(struct waf_tx *tx, uint32_t parent, uint32_t exclusion)
{
	uint32_t i;

	for (i = parent; i != 0; i = tx->xset[i].parent)
		if (tx->xset[i].exclusion == exclusion)
			return parent;
	for (i = 1; i < tx->n_xset; i++)
		if (tx->xset[i].parent == parent && tx->xset[i].exclusion == exclusion)
			return i;
	if (plan_grow(tx->arena, &tx->xset, tx->n_xset, &tx->cap_xset, sizeof(*tx->xset)) != 0)
		return parent;
	tx->xset[tx->n_xset] = (struct xset){parent, exclusion};
	return (uint32_t)tx->n_xset++;
}

static bool
exsets_begin(struct waf_tx *tx)
{
	if (tx->exset_of != NULL)
		return true;
	tx->exset_of = arena_calloc(tx->arena, tx->plan->n_heads + 1, sizeof(*tx->exset_of));
	if (tx->exset_of == NULL || plan_grow(tx->arena, &tx->xset, 0, &tx->cap_xset, sizeof(*tx->xset)) != 0)
		return false;
	tx->xset[0] = (struct xset){0, 0};
	tx->n_xset = 1;
	return true;
}

/* Neighbours have mostly the same set: remember the last answer. */
static void
remove_targets(struct waf_tx *tx, const struct plan_act *pa)
{
	uint32_t last = PLAN_NONE, then = 0;
	size_t w;

	if (!exsets_begin(tx))
		return;
	for (w = 0; w < tx->plan->n_words; w++) {
		uint64_t bits = pa->affects[w];

		for (; bits != 0; bits &= bits - 1) {
			uint32_t *set = &tx->exset_of[w * 64 + (size_t)__builtin_ctzll(bits)];

			if (*set != last) {
				last = *set;
				then = exset_with(tx, last, pa->exclusion);
			}
			*set = then;
		}
	}
}

static bool
is_on(struct waf_str s)
{
	return s.n == 2 && strncasecmp(s.p, "on", 2) == 0;
}

static void
set_engine(struct waf_tx *tx, struct waf_str s)
{
	if (is_on(s))
		tx->mode = WAF_MODE_ON;
	else if (s.n == 3 && strncasecmp(s.p, "off", 3) == 0)
		tx->mode = WAF_MODE_OFF;
	else if (s.n == 13 && strncasecmp(s.p, "detectiononly", 13) == 0)
		tx->mode = WAF_MODE_DETECTION_ONLY;
}

/* The settings of this transaction.  Audit and debug logs aren't ours: accepted, without effect. */
static void
set_option(struct waf_tx *tx, const struct waf_act *a, struct waf_str value)
{
	switch (a->ctl) {
	case WAF_CTL_FORCE_REQUEST_BODY:
		tx->force_body = is_on(value);
		break;
	case WAF_CTL_REQUEST_BODY_ACCESS:
		tx->settings.request_body_access = is_on(value);
		break;
	case WAF_CTL_REQUEST_BODY_LIMIT:
		tx->settings.request_body_limit = plan_atoi(value);
		break;
	case WAF_CTL_REQUEST_BODY_PROCESSOR:
		waf_vars_set(&tx->vars, WAF_V_REQBODY_PROCESSOR, value);
		break;
	case WAF_CTL_RESPONSE_BODY_ACCESS:
		tx->settings.response_body_access = is_on(value);
		break;
	case WAF_CTL_RESPONSE_BODY_LIMIT:
		tx->settings.response_body_limit = plan_atoi(value);
		break;
	case WAF_CTL_RULE_ENGINE:
		set_engine(tx, value);
		break;
	default:
		break;
	}
}

static void
act_ctl(struct waf_tx *tx, const struct plan_act *pa)
{
	switch (pa->a->ctl) {
	case WAF_CTL_REMOVE_BY_ID:
	case WAF_CTL_REMOVE_BY_TAG:
	case WAF_CTL_REMOVE_BY_MSG:
		remove_rules(tx, pa);
		break;
	case WAF_CTL_REMOVE_TARGET_BY_ID:
	case WAF_CTL_REMOVE_TARGET_BY_TAG:
	case WAF_CTL_REMOVE_TARGET_BY_MSG:
		remove_targets(tx, pa);
		break;
	case WAF_CTL_AUDIT_ENGINE:
	case WAF_CTL_AUDIT_LOG_PARTS:
	case WAF_CTL_DEBUG_LOG_LEVEL:
		break;
	default:
		set_option(tx, pa->a, xmacro(tx, &pa->a->value));
		break;
	}
}

static void (*const acts[])(struct waf_tx *, const struct plan_act *) = {
	[WAF_A_SETVAR] = act_setvar,
	[WAF_A_EXPIREVAR] = act_expirevar,
	[WAF_A_DEPRECATEVAR] = act_deprecatevar,
	[WAF_A_INITCOL] = act_initcol,
	[WAF_A_SETENV] = act_setenv,
	[WAF_A_SETSID] = act_setsid,
	[WAF_A_SETUID] = act_setuid,
	[WAF_A_SETRSC] = act_setrsc,
	[WAF_A_CTL] = act_ctl,
};

void
xact_run(struct waf_tx *tx, const struct plan_rule *pr)
{
	size_t i;

	for (i = 0; i < pr->n_act; i++)
		acts[pr->act[i].a->kind](tx, &pr->act[i]);
}
