/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "haproxy-spoa/eng_waf.h"
#include "haproxy-spoa/policy.h"
#include "haproxy-spoa/req_view.h"
#include "haproxy-spoa/respond.h"
#include "haproxy-spoa/spoad_conf.h"
#include "haproxy-spoa/waf/waf.h"
#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/log.h"

#define STATE_MAX	((size_t)16 << 20)
#define SWEEP_US	5000000		/* between two slices of expired collections */
#define PRESETS_MAX	(6 + 2)		/* our own: level, threshold, name */

struct eng_waf {
	struct arena		*arena;		/* of all below but the rules */
	struct waf		*waf;
	struct waf_profile	*profiles;
	size_t			 n_profiles;
	const struct waf_profile *def;
	struct waf_rule_row	*rows;		/* sorted by id */
	size_t			 n_rows, cap_rows;
	const struct waf_conf	*conf;
	uint64_t		 swept_us;	/* tick's alone */
};

/* ---- configuration ---------------------------------------------------------------------------- */

struct preset_list {
	struct arena		*arena;
	struct waf_preset	*v;
	size_t			 n;
};

static void
preset_add(struct preset_list *l, const char *key, const char *value)
{
	l->v[l->n++] = (struct waf_preset){key, value};
}

static void
preset_add_int(struct preset_list *l, const char *key, int value)
{
	if (value > 0)
		preset_add(l, key, arena_printf(l->arena, "%d", value));
}

/* "TX.Name=value" or "name=value"; the configuration's check has seen the '='. */
static void
preset_add_text(struct preset_list *l, const char *text)
{
	const char *eq = strchr(text, '=');
	size_t skip = strncasecmp(text, "tx.", 3) == 0 ? 3 : 0;
	char *key = arena_strndup(l->arena, text + skip, (size_t)(eq - text) - skip);

	for (char *p = key; p != NULL && *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p += 'a' - 'A';
	preset_add(l, key, eq + 1);
}

/* The level and the threshold under their names in both generations of the Core Rule Set. */
static int
profile_build(struct eng_waf *e, struct waf_profile *p, const struct waf_profile_conf *c)
{
	int detect = c->detection_paranoia_level ? c->detection_paranoia_level : c->paranoia_level;
	struct preset_list l = {.arena = e->arena};

	l.v = arena_calloc(e->arena, PRESETS_MAX + c->presets.n, sizeof(*l.v));
	if (l.v == NULL)
		return -ENOMEM;
	preset_add(&l, "llmsec_profile", c->name);
	preset_add_int(&l, "paranoia_level", c->paranoia_level);
	preset_add_int(&l, "blocking_paranoia_level", c->paranoia_level);
	preset_add_int(&l, "executing_paranoia_level", detect);
	preset_add_int(&l, "detection_paranoia_level", detect);
	preset_add_int(&l, "inbound_anomaly_score_threshold", c->inbound_threshold);
	preset_add_int(&l, "outbound_anomaly_score_threshold", c->outbound_threshold);
	for (size_t i = 0; i < c->presets.n; i++)
		preset_add_text(&l, c->presets.v[i]);
	*p = (struct waf_profile){.name = c->name, .presets = l.v, .n_presets = l.n,
		.mode = (enum waf_mode)(c->mode == WAF_MODE_INHERIT ? e->conf->mode : c->mode)};
	return arena_failed(e->arena) ? -ENOMEM : 0;
}

static const struct waf_profile *
profile_find(const struct eng_waf *e, struct span name)
{
	if (name.n == 0)
		return e->def;
	for (size_t i = 0; i < e->n_profiles; i++)
		if (span_is(name, e->profiles[i].name))
			return &e->profiles[i];
	return NULL;
}

/* The listed ones, and "default" unless it is among them. */
static int
profiles_build(struct eng_waf *e)
{
	static const struct waf_profile_conf plain = {.name = (char *)(uintptr_t)"default", .mode = WAF_MODE_INHERIT};
	const struct waf_conf *c = e->conf;
	int rc = 0;

	e->profiles = arena_calloc(e->arena, c->n_profiles + 1, sizeof(*e->profiles));
	if (e->profiles == NULL)
		return -ENOMEM;
	for (size_t i = 0; rc == 0 && i < c->n_profiles; i++)
		rc = profile_build(e, &e->profiles[e->n_profiles++], &c->profiles[i]);
	if (rc == 0 && profile_find(e, (struct span){plain.name, strlen(plain.name)}) == NULL)
		rc = profile_build(e, &e->profiles[e->n_profiles++], &plain);
	e->def = profile_find(e, (struct span){c->default_profile, strlen(c->default_profile)});
	return rc;
}

static void
rows_count(void *arg, const struct waf_rule_info *i)
{
	struct eng_waf *e = arg;

	(void)i;
	e->cap_rows++;
}

static void
rows_add(void *arg, const struct waf_rule_info *i)
{
	struct eng_waf *e = arg;

	if (e->n_rows < e->cap_rows)
		e->rows[e->n_rows++] = (struct waf_rule_row){i->id, i->msg, i->category};
}

static int
row_compare(const void *pa, const void *pb)
{
	const struct waf_rule_row *a = pa, *b = pb;

	return (a->id > b->id) - (a->id < b->id);
}

static int
rows_build(struct eng_waf *e)
{
	waf_each_rule(e->waf, rows_count, e);
	e->rows = arena_calloc(e->arena, e->cap_rows + 1, sizeof(*e->rows));
	if (e->rows == NULL)
		return -ENOMEM;
	waf_each_rule(e->waf, rows_add, e);
	qsort(e->rows, e->n_rows, sizeof(*e->rows), row_compare);
	return 0;
}

/* Records of clients that came once would stay for ever. */
static void
sweep(struct eng_waf *e, bool all)
{
	int64_t n = waf_sweep(e->waf, time(NULL), all);

	if (n < 0)
		log_warnx("waf: cannot drop expired collections from %s: %s", e->conf->state_dir, strerror((int)-n));
	else if (n > 0)
		log_debug("waf", "%lld expired collections dropped", (long long)n);
}

static void
waf_tick(void *state, uint64_t now_us)
{
	struct eng_waf *e = state;

	if (e == NULL || now_us - e->swept_us < SWEEP_US)
		return;
	e->swept_us = now_us;
	sweep(e, false);
}

static void
waf_release(void **state)
{
	struct eng_waf *e = *state;

	*state = NULL;
	if (e == NULL)
		return;
	waf_free(&e->waf);
	arena_free(&e->arena);
	free(e);
}

static int
waf_build(struct eng_waf *e, bool check_only, struct diag *d)
{
	const struct waf_options opt = {
		.state_dir = e->conf->state_dir[0] != '\0' && !check_only ? e->conf->state_dir : NULL,
	};
	struct waf_stats st;
	int rc = waf_load(&e->waf, e->conf->rules, &opt, d);

	if (rc == 0)
		rc = profiles_build(e);
	if (rc == 0)
		rc = rows_build(e);
	if (rc == -ENOMEM)
		diag_error(d, e->conf->rules, 0, 0, "out of memory");
	if (rc != 0)
		return rc;
	if (opt.state_dir != NULL)
		sweep(e, true);
	waf_stats(e->waf, &st);
	log_info("waf: %zu rules from %s", st.rules, e->conf->rules);
	return 0;
}

static int
waf_configure(void **state, const struct spoad_conf *c, struct diag *d)
{
	struct eng_waf *e;
	int rc;

	*state = NULL;
	if (c->waf.rules[0] == '\0') {
		log_notice("waf: off, waf.rules names no file");
		return 0;
	}
	e = calloc(1, sizeof(*e));
	if (e != NULL)
		e->arena = arena_new(STATE_MAX);
	*state = e;
	if (e == NULL || e->arena == NULL) {
		diag_error(d, c->waf.rules, 0, 0, "out of memory");
		waf_release(state);
		return -ENOMEM;
	}
	e->conf = &c->waf;
	rc = waf_build(e, c->check_only, d);
	if (rc != 0)
		waf_release(state);
	return rc;
}

/* ---- requests --------------------------------------------------------------------------------- */

static void *
waf_thread_make(const void *state)
{
	return state != NULL ? waf_thread_new() : NULL;
}

static void
waf_thread_drop(void **thread)
{
	struct waf_thread *t = *thread;

	waf_thread_free(&t);
	*thread = NULL;
}

static struct waf_str
str_of(struct span s)
{
	return (struct waf_str){s.p, s.n};
}

static struct waf_str
str_of_text(const char *s)
{
	return (struct waf_str){s, strlen(s)};
}

/* False: out of memory. */
static bool
request_fill(struct waf_request *q, const struct req_view *r, const struct verdict *v, struct arena *a)
{
	struct waf_header *h = arena_alloc(a, (r->n_headers + 1) * sizeof(*h));
	struct span uri = req_view_origin_form(r, a);
	const char *protocol = arena_printf(a, "HTTP/%.*s", (int)(r->version.n < 16 ? r->version.n : 16), r->version.p);

	if (h == NULL || uri.p == NULL || protocol == NULL)
		return false;
	for (size_t i = 0; i < r->n_headers; i++)
		h[i] = (struct waf_header){str_of(r->headers[i].name), str_of(r->headers[i].value)};
	*q = (struct waf_request){
		.method = str_of(r->method), .uri = str_of(uri), .protocol = str_of_text(protocol),
		.headers = h, .n_headers = r->n_headers, .body = str_of(r->body), .body_cut = v->truncated,
		.client_ip = str_of_text(r->ip), .server_ip = str_of_text(r->server_ip),
		.client_port = r->port, .server_port = r->server_port, .unique_id = str_of(r->request_id),
		.now_us = (int64_t)v->now * 1000000, .deadline_us = v->deadline_us,
	};
	return true;
}

static void
score_raise(struct verdict *v, int score)
{
	score = score < 0 ? 0 : score > 100 ? 100 : score;
	if (v->threat_score < score)
		v->threat_score = score;
}

/* Requests that pass are told of only where their score is worth it: a low score is everyday. */
static void
rules_name(const struct eng_waf *e, struct verdict *v)
{
	bool tell = v->waf.monitored || (e->conf->event_score > 0 && v->waf.score >= e->conf->event_score);

	if (tell)
		v->tell = true;
	for (size_t i = 0; i < v->waf.n_ids; i++)
		verdict_rule_quiet(v, v->waf.ids[i]);
}

static int
refusal_status(int status)
{
	return status >= 400 && status <= 599 ? status : 403;
}

/* One token each; what is in no table of ours must be closed all the same. */
static const char *
error_reason(enum waf_error e)
{
	static const char *const names[WAF_E_MAX] = {
		[WAF_E_MEMORY] = "waf-memory", [WAF_E_TIME] = "waf-time", [WAF_E_REGEX_LIMIT] = "waf-regex-limit",
		[WAF_E_ARGS] = "waf-arguments", [WAF_E_DEPTH] = "waf-depth", [WAF_E_BODY_LIMIT] = "waf-body-limit",
		[WAF_E_STORE] = "waf-store",
	};

	return e < WAF_E_MAX && names[e] != NULL ? names[e] : "waf-error";
}

/* Who only watches lets pass what could not be watched. */
static enum engine_next
on_error(const struct eng_waf *e, const struct waf_profile *p, struct verdict *v, enum waf_error error)
{
	v->waf.ran = true;
	v->waf.action = WAF_ERROR;
	v->waf.error = error;
	verdict_rule(v, error_reason(error));
	if (e->conf->on_error == WAF_ON_ERROR_ALLOW || p->mode == WAF_MODE_DETECTION_ONLY)
		return ENGINE_CONTINUE;
	verdict_error(v, error_reason(error));
	return ENGINE_STOP;
}

static enum engine_next
verdict_apply(const struct eng_waf *e, const struct waf_profile *p, struct verdict *v, const struct waf_verdict *w)
{
	static const char *const reasons[] = {
		[WAF_DENY] = "waf", [WAF_DROP] = "waf-drop", [WAF_REDIRECT] = "waf-redirect",
	};

	score_raise(v, 10 * (w->inbound_score < 10 ? w->inbound_score : 10));
	rules_name(e, v);
	if (w->action == WAF_PASS || w->action == WAF_ALLOW)
		return ENGINE_CONTINUE;
	if (w->action == WAF_ERROR)
		return on_error(e, p, v, w->error);
	if (w->inbound_score <= 0)
		score_raise(v, 100);
	v->tell = true;
	if (v->action == VERDICT_ALLOW) {
		v->action = VERDICT_DENY;
		v->status = w->action == WAF_DENY ? refusal_status(w->status) : 403;
		v->reason = reasons[w->action];
	}
	return ENGINE_STOP;
}

static enum engine_next
waf_judge(const struct eng_waf *e, struct waf_thread *th, const struct waf_profile *p, const struct waf_request *q,
    struct verdict *v, struct arena *a)
{
	struct waf_tx *tx = waf_tx_new(e->waf, th, p, q);
	const struct waf_verdict *w;

	if (tx == NULL)
		return on_error(e, p, v, WAF_E_MEMORY);
	waf_tx_request(tx);
	w = waf_tx_end(tx);
	waf_report(&v->waf, w, e->rows, e->n_rows, p->name, a);
	return verdict_apply(e, p, v, w);
}

static enum engine_next
waf_run(const void *state, void *thread, const struct req_view *r, struct verdict *v, struct arena *a)
{
	const struct eng_waf *e = state;
	const struct waf_profile *p;
	struct waf_request q;
	enum engine_next next;
	uint64_t t0;

	if (e == NULL)
		return ENGINE_CONTINUE;
	p = profile_find(e, r->waf_profile);
	if (p == NULL) {
		/* Closed, whatever on_error says: a misspelt name must not switch the WAF off. */
		verdict_error(v, "waf-profile");
		return ENGINE_STOP;
	}
	if (p->mode == WAF_MODE_OFF)
		return ENGINE_CONTINUE;
	if (thread == NULL || !request_fill(&q, r, v, a))
		return on_error(e, p, v, WAF_E_MEMORY);
	t0 = policy_now_us();
	next = waf_judge(e, thread, p, &q, v, a);
	v->waf.usec = policy_now_us() - t0;
	return next;
}

/* ---- answers ---------------------------------------------------------------------------------- */

/* False: out of memory. */
static bool
response_fill(struct waf_response *out, const struct rsp_view *rsp, struct arena *a)
{
	struct waf_header *h = arena_alloc(a, (rsp->n_headers + 1) * sizeof(*h));
	const char *protocol =
	    arena_printf(a, "HTTP/%.*s", (int)(rsp->version.n < 16 ? rsp->version.n : 16), rsp->version.p);

	if (h == NULL || protocol == NULL)
		return false;
	for (size_t i = 0; i < rsp->n_headers; i++)
		h[i] = (struct waf_header){str_of(rsp->headers[i].name), str_of(rsp->headers[i].value)};
	*out = (struct waf_response){.status = rsp->status > 0 && rsp->status < 1000 ? (int)rsp->status : 0,
		.protocol = str_of_text(protocol), .headers = h, .n_headers = rsp->n_headers, .body = str_of(rsp->body)};
	return true;
}

/* The report's score is the request's elsewhere; here it is the answer's. */
static enum engine_next
answer_apply(const struct eng_waf *e, const struct waf_profile *p, struct verdict *v, const struct waf_verdict *w,
    struct arena *a)
{
	struct waf_verdict out = *w;

	out.inbound_score = w->outbound_score;
	memset(out.category_score, 0, sizeof(out.category_score));
	waf_report(&v->waf, &out, e->rows, e->n_rows, p->name, a);
	rules_name(e, v);
	if (w->action == WAF_PASS || w->action == WAF_ALLOW)
		return ENGINE_CONTINUE;
	if (w->action == WAF_ERROR)
		return on_error(e, p, v, w->error);
	v->tell = true;
	v->action = VERDICT_DENY;
	v->status = w->action == WAF_DENY ? refusal_status(w->status) : 403;
	v->reason = "waf-response";
	return ENGINE_STOP;
}

static enum engine_next
waf_respond(const void *state, void *thread, const struct req_view *r, const struct rsp_view *rsp, struct verdict *v,
    struct arena *a)
{
	const struct eng_waf *e = state;
	const struct waf_profile *p;
	struct waf_response response;
	struct waf_request q;
	struct waf_tx *tx;

	if (e == NULL)
		return ENGINE_CONTINUE;
	p = profile_find(e, r->waf_profile);
	if (p == NULL) {
		verdict_error(v, "waf-profile");
		return ENGINE_STOP;
	}
	if (p->mode == WAF_MODE_OFF)
		return ENGINE_CONTINUE;
	if (thread == NULL || !request_fill(&q, r, v, a) || !response_fill(&response, rsp, a) ||
	    (tx = waf_tx_new(e->waf, thread, p, &q)) == NULL)
		return on_error(e, p, v, WAF_E_MEMORY);
	waf_tx_prepare(tx);
	waf_tx_response(tx, &response);
	return answer_apply(e, p, v, waf_tx_end(tx), a);
}

const struct spoad_engine engine_waf = {.name = "waf", .configure = waf_configure, .run = waf_run, .respond = waf_respond,
	.release = waf_release, .thread_new = waf_thread_make, .thread_free = waf_thread_drop, .tick = waf_tick};
