/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "lib/arena.h"
#include "haproxy-spoa/waf/exec.h"

/* A transaction from the outside: birth, the phases, the verdict, the proof of the gates. */

static void
presets(struct waf_tx *tx, const struct waf_profile *profile)
{
	size_t i;

	for (i = 0; profile != NULL && i < profile->n_presets; i++) {
		const struct waf_preset *ps = &profile->presets[i];
		struct xval *v = xtx_make(tx, (struct waf_str){ps->key, strlen(ps->key)});

		if (v != NULL)
			*v = (struct xval){.text = {ps->value, strlen(ps->value)}, .set = true, .pinned = true};
	}
}

static bool
tables(struct waf_tx *tx)
{
	const struct plan *p = tx->plan;

	tx->base = arena_calloc(tx->arena, p->n_tsets + 1, sizeof(*tx->base));
	tx->eval = arena_calloc(tx->arena, p->n_groups + 1, sizeof(*tx->eval));
	tx->slot = arena_calloc(tx->arena, p->n_slots + 1, sizeof(*tx->slot));
	tx->removed = arena_calloc(tx->arena, p->n_words + 1, sizeof(*tx->removed));
	return !arena_failed(tx->arena);
}

static void
deadline(struct waf_tx *tx)
{
	int64_t limit = tx->settings.time_limit_us;

	tx->started_us = xclock_us();
	tx->deadline_us = limit > 0 ? tx->started_us + (uint64_t)limit : 0;
	if (tx->req->deadline_us != 0 && (tx->deadline_us == 0 || tx->req->deadline_us < tx->deadline_us))
		tx->deadline_us = tx->req->deadline_us;
	waf_op_scratch_deadline(tx->scratch, tx->deadline_us);
	waf_op_scratch_limits(tx->scratch, (uint32_t)tx->settings.pcre_match_limit,
	    (uint32_t)tx->settings.pcre_match_limit_recursion);
}

struct waf_tx *
waf_tx_new(const struct waf *w, struct waf_thread *th, const struct waf_profile *profile,
    const struct waf_request *req)
{
	struct waf_tx *tx;

	if (th->tx != NULL)
		waf_vars_release(&th->tx->vars);
	th->tx = NULL;
	arena_reset(th->arena);
	if ((tx = arena_calloc(th->arena, 1, sizeof(*tx))) == NULL)
		return NULL;
	tx->waf = w;
	tx->plan = w->plan;
	tx->th = th;
	tx->arena = th->arena;
	tx->scratch = th->scratch;
	tx->request = *req;
	tx->req = &tx->request;
	tx->settings = w->plan->rules->settings;
	tx->mode = profile != NULL && profile->mode != WAF_MODE_RULES ? profile->mode : tx->settings.engine;
	tx->verdict.status = 200;
	tx->matched.var = WAF_V_MAX;
	tx->highest_severity = 255;
	tx->gen = 1;
	if (!tables(tx))
		return NULL;
	waf_vars_init(&tx->vars, tx->arena);
	tx->vars.scratch = th->body;
	deadline(tx);
	presets(tx, profile);
	th->tx = tx;
	return tx;
}

/* A limit met while the variables were filled: rules may still refuse, but they can't find it fine. */
static void
vars_error(struct waf_tx *tx)
{
	if (tx->vars.error == WAF_E_MEMORY)
		xfail(tx, WAF_E_MEMORY);
	else if (tx->vars.error != WAF_E_NONE && tx->error == WAF_E_NONE)
		tx->error = tx->vars.error;
}

/* Who only watches never refuses, not for a limit either; he is told of it. */
static const struct waf_verdict *
verdict(struct waf_tx *tx)
{
	if (tx->error != WAF_E_NONE && tx->verdict.action == WAF_PASS && !tx->verdict.detection_only) {
		tx->verdict.error = tx->error;
		if (tx->mode == WAF_MODE_DETECTION_ONLY)
			tx->verdict.detection_only = true;
		else
			tx->verdict.action = WAF_ERROR;
	}
	xmatch_scores(tx);
	return &tx->verdict;
}

static bool
phase(struct waf_tx *tx, int n)
{
	if (tx->stop == X_GO && tx->mode != WAF_MODE_OFF)
		xphase(tx, n);
	return tx->stop == X_GO && tx->mode != WAF_MODE_OFF;
}

const struct waf_verdict *
waf_tx_request(struct waf_tx *tx)
{
	if (tx->begun || tx->mode == WAF_MODE_OFF)
		return verdict(tx);
	tx->begun = true;
	waf_vars_request_headers(&tx->vars, &tx->settings, tx->req);
	vars_error(tx);
	if (!phase(tx, 1))
		return verdict(tx);
	tx->phase = 2;
	if (tx->settings.request_body_access)
		waf_vars_request_body(&tx->vars, &tx->settings, tx->req, tx->force_body);
	tx->gen++;
	vars_error(tx);
	phase(tx, 2);
	return verdict(tx);
}

const struct waf_verdict *
waf_tx_prepare(struct waf_tx *tx)
{
	if (tx->begun || tx->mode == WAF_MODE_OFF)
		return verdict(tx);
	tx->begun = tx->prepared = tx->preparing = true;
	waf_vars_request_headers(&tx->vars, &tx->settings, tx->req);
	if (tx->vars.error == WAF_E_MEMORY)
		xfail(tx, WAF_E_MEMORY);
	phase(tx, 1);
	tx->preparing = false;
	if (tx->verdict.action != WAF_ERROR)
		tx->error = WAF_E_NONE;		/* limits of the request */
	tx->vars.error = WAF_E_NONE;
	tx->verdict.detection_only = false;
	tx->n_match = tx->verdict.n_matches_lost = tx->n_matched = 0;
	tx->highest_severity = 255;
	return verdict(tx);
}

const struct waf_verdict *
waf_tx_response(struct waf_tx *tx, const struct waf_response *rsp)
{
	if (tx->stop == X_STOP_REQUEST)
		tx->stop = X_GO;
	if (tx->responded || tx->mode == WAF_MODE_OFF || tx->stop != X_GO)
		return verdict(tx);
	tx->responded = true;
	waf_vars_response_headers(&tx->vars, &tx->settings, rsp);
	tx->gen++;
	vars_error(tx);
	if (!phase(tx, 3))
		return verdict(tx);
	waf_vars_response_body(&tx->vars, &tx->settings, rsp);
	tx->gen++;
	vars_error(tx);
	phase(tx, 4);
	return verdict(tx);
}

/* Phase 5 runs whatever was decided, unless there is neither time nor memory for it. */
const struct waf_verdict *
waf_tx_end(struct waf_tx *tx)
{
	if (tx->ended)
		return verdict(tx);
	tx->ended = true;
	if (tx->begun && !tx->prepared && tx->error != WAF_E_TIME && tx->error != WAF_E_MEMORY) {
		tx->stop = X_GO;
		phase(tx, 5);
	}
	if (tx->coll != NULL && !tx->prepared && tx->waf->persist != NULL)
		xcoll_save(tx);
	return verdict(tx);
}

static size_t
verify_rule(struct waf_tx *tx, const struct plan_rule *pr, const struct xeval *ev)
{
	struct waf_op_result res = {0};
	size_t i;

	for (i = 0; i < ev->n_distinct; i++) {
		const struct xbuf *b = ev->distinct[i];
		struct waf_str value = {b->p, b->n};

		if (!xprefilter_no(tx, pr, b))
			continue;
		if (waf_op_eval(pr->r->op, tx->scratch, (struct waf_str){0}, value, false, &res) == 1)
			return 1;
	}
	return 0;
}

size_t
waf_tx_verify(struct waf_tx *tx, int64_t *ids, size_t max)
{
	size_t i, n = 0;

	waf_op_scratch_deadline(tx->scratch, 0);
	for (i = 0; i < tx->n_skip; i++) {
		if (verify_rule(tx, tx->skip[i].rule, tx->skip[i].ev) == 0)
			continue;
		if (n < max)
			ids[n] = tx->skip[i].rule->head->r->id;
		n++;
	}
	return n;
}
