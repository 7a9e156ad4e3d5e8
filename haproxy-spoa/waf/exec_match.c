/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "lib/arena.h"
#include "haproxy-spoa/waf/exec.h"

/* What a whole matching chain leads to: an entry for the log, and the decision. */

static const char *const *
match_tags(struct waf_tx *tx, const struct plan_rule *head)
{
	const char **t;
	size_t i;

	if (head->tag != NULL)
		return head->tag;
	if ((t = arena_alloc(tx->arena, (head->r->n_tag + 1) * sizeof(*t))) == NULL)
		return NULL;
	for (i = 0; i < head->r->n_tag; i++)
		t[i] = xmacro(tx, &head->r->tag[i]).p;
	return t;
}

/* "urlDecodeUni,lowercase", for explain. */
static const char *
match_tfns(struct waf_tx *tx, const struct plan_rule *last, const struct xitem *it)
{
	size_t n = it == NULL ? 0 : it->steps, i, len = 1;
	char *p;

	for (i = 0; i < n; i++)
		len += strlen(waf_tfn_name(last->r->tfn[i])) + 1;
	if ((p = arena_calloc(tx->arena, len, 1)) == NULL)
		return "";
	for (i = 0; i < n; i++) {
		strcat(p, i > 0 ? "," : "");
		strcat(p, waf_tfn_name(last->r->tfn[i]));
	}
	return p;
}

static void
match_texts(struct waf_tx *tx, const struct plan_rule *last, struct waf_match *m)
{
	const struct plan_rule *head = last->head;
	const struct waf_rule *r = head->r;
	struct waf_str msg = xmacro(tx, &r->msg), data = xmacro(tx, &r->logdata);

	m->msg = msg.p;
	m->msg_len = msg.n;
	m->logdata = data.p;
	m->logdata_len = data.n;
	m->ver = r->ver != NULL ? r->ver : "";
	m->tags = match_tags(tx, head);
	m->n_tags = m->tags != NULL ? r->n_tag : 0;
	if (tx->matched.var != WAF_V_MAX)
		m->var_name = xmatched_name(tx, tx->matched.var, tx->matched.count, tx->matched.key);
}

static struct waf_match *
match_record(struct waf_tx *tx, const struct plan_rule *last, const struct xitem *it)
{
	const struct waf_rule *r = last->head->r;
	struct waf_match *m;

	if (tx->n_match >= X_MATCHES ||
	    plan_grow(tx->arena, &tx->match, tx->n_match, &tx->cap_match, sizeof(*m)) != 0) {
		tx->verdict.n_matches_lost++;
		return NULL;
	}
	m = &tx->match[tx->n_match++];
	*m = (struct waf_match){.id = r->id, .phase = r->phase, .severity = r->severity, .file = r->file,
	    .line = r->line, .msg = "", .logdata = "", .ver = "", .tfns = "", .log = last->head->log,
	    .auditlog = (r->flags & WAF_R_AUDITLOG) != 0, .detection = last->head->detection};
	if (m->log || tx->waf->explain)
		match_texts(tx, last, m);
	if (tx->waf->explain && tx->matched.var != WAF_V_MAX) {
		m->value = xmatched_value(tx, &tx->matched);
		m->tfns = match_tfns(tx, last, it);
	}
	return m;
}

struct decision {
	enum waf_action	 action;
	int		 status;	/* unless the rule says another */
	enum xstop	 stop;
	bool		 refuses;
};

static const struct decision decisions[] = {
	[WAF_D_NONE] = {WAF_PASS, 200, X_GO, false},
	[WAF_D_PASS] = {WAF_PASS, 200, X_GO, false},
	[WAF_D_DENY] = {WAF_DENY, 403, X_STOP_ALL, true},
	[WAF_D_DROP] = {WAF_DROP, 403, X_STOP_ALL, true},
	[WAF_D_REDIRECT] = {WAF_REDIRECT, 302, X_STOP_ALL, true},
	[WAF_D_ALLOW] = {WAF_ALLOW, 200, X_STOP_ALL, false},
	[WAF_D_ALLOW_PHASE] = {WAF_PASS, 200, X_STOP_PHASE, false},
	[WAF_D_ALLOW_REQUEST] = {WAF_PASS, 200, X_STOP_REQUEST, false},
};

static void
decide(struct waf_tx *tx, const struct waf_rule *r, const struct decision *d)
{
	struct waf_verdict *v = &tx->verdict;

	tx->stop = d->stop;
	if (d->action == WAF_PASS)
		return;
	v->action = d->action;
	v->status = d->refuses && r->status != 0 ? r->status : d->status;
	v->rule_id = r->id;
	v->phase = tx->phase;
	v->detection_only = false;
	if (d->action == WAF_REDIRECT)
		v->redirect = xmacro(tx, &r->redirect).p;
}

/* DetectionOnly obeys nothing, allow included; the first refusal is remembered.  In phase 5 all is over. */
void
xmatch_disrupt(struct waf_tx *tx, const struct plan_rule *last, const struct xitem *it)
{
	const struct waf_rule *r = last->head->r;
	const struct decision *d = &decisions[r->disruptive];
	struct waf_match *m = match_record(tx, last, it);

	if (d->stop == X_GO || tx->phase == 5 || (tx->preparing && d->action != WAF_ALLOW && d->action != WAF_PASS))
		return;
	if (tx->mode == WAF_MODE_DETECTION_ONLY) {
		if (d->refuses && !tx->verdict.detection_only) {
			tx->verdict.detection_only = true;
			tx->verdict.rule_id = r->id;
			tx->verdict.phase = tx->phase;
		}
		return;
	}
	if (m != NULL)
		m->disruptive = d->refuses;
	decide(tx, r, d);
}

static int64_t
score(struct waf_tx *tx, enum plan_score s)
{
	uint32_t slot = tx->plan->score[s];

	return slot != PLAN_NONE && tx->slot[slot].set ? xval_num(&tx->slot[slot]) : 0;
}

/* The sum over the paranoia levels that block. */
static int64_t
score_sum(struct waf_tx *tx, enum plan_score pl1, int64_t level)
{
	int64_t n = 0;
	int i;

	for (i = 0; i < 4 && i < level; i++)
		n += score(tx, (enum plan_score)(pl1 + i));
	return n;
}

/* What the CRS itself compared with its threshold; if it never got there, the sum. */
static int64_t
score_total(struct waf_tx *tx, const enum plan_score *final, size_t n_final, enum plan_score pl1, int64_t level)
{
	int64_t n = 0, v;
	size_t i;

	for (i = 0; i < n_final; i++)
		if ((v = score(tx, final[i])) > n)
			n = v;
	return n != 0 ? n : score_sum(tx, pl1, level);
}

void
xmatch_scores(struct waf_tx *tx)
{
	static const enum plan_score in[] = {PLAN_S_ANOMALY, PLAN_S_INBOUND, PLAN_S_BLOCKING_INBOUND};
	static const enum plan_score out[] = {PLAN_S_OUTBOUND, PLAN_S_BLOCKING_OUTBOUND};
	int64_t level = score(tx, PLAN_S_BLOCKING_LEVEL), n;
	int c;

	if (level == 0)
		level = score(tx, PLAN_S_LEVEL) ? score(tx, PLAN_S_LEVEL) : 4;
	n = score_total(tx, in, 3, PLAN_S_PL1, level);
	tx->verdict.inbound_score = (int)(n != 0 ? n : score_sum(tx, PLAN_S_IN_PL1, level));
	tx->verdict.outbound_score = (int)score_total(tx, out, 2, PLAN_S_OUT_PL1, level);
	for (c = 0; c < WAF_C_MAX; c++)
		tx->verdict.category_score[c] = (int)score(tx, (enum plan_score)(PLAN_S_CATEGORY + c));
	tx->verdict.matches = tx->match;
	tx->verdict.n_matches = tx->n_match;
}
