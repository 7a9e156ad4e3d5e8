/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/eng_bot.h"
#include "haproxy-spoa/eng_bot_known.h"
#include "haproxy-spoa/hot.h"
#include "haproxy-spoa/req_view.h"
#include "haproxy-spoa/spoad_conf.h"
#include "haproxy-spoa/spoad_counters.h"
#include "lib/arena.h"
#include "lib/diag.h"

struct eng_bot {
	const struct bot_conf	*conf;
	struct bot		*bot;
	struct bot_known	*known;
};

/* Since the start, of all configurations; the counters get what is new. */
static _Atomic uint64_t hits[SPOAD_C_BOT_END - SPOAD_C_BOT_FIRST];
static uint64_t hits_told[SPOAD_C_BOT_END - SPOAD_C_BOT_FIRST];

static void
hit(enum spoad_counter c)
{
	atomic_fetch_add_explicit(&hits[c - SPOAD_C_BOT_FIRST], 1, memory_order_relaxed);
}

/* ---- configuration ------------------------------------------------------------------------------------- */

static int
scores_build(struct eng_bot *e)
{
	const struct bot_conf *c = e->conf;
	struct bot_weighted *w = calloc(c->n_countries + c->n_asns + 1, sizeof(*w));
	struct bot_options o;

	if (w == NULL)
		return -ENOMEM;
	bot_defaults(&o);
	memcpy(o.weights, c->weights, sizeof(o.weights));
	o.rate = (unsigned)c->rate;
	o.api_paths = c->api_paths.v;
	o.n_api_paths = c->api_paths.n;
	for (size_t i = 0; i < c->n_countries; i++) {
		memcpy(w[i].country, c->countries[i].code, 2);
		w[i].weight = c->countries[i].weight;
	}
	for (size_t i = 0; i < c->n_asns; i++)
		w[c->n_countries + i] = (struct bot_weighted){"", (uint32_t)c->asns[i].asn, c->asns[i].weight};
	o.countries = w;
	o.n_countries = c->n_countries;
	o.asns = w + c->n_countries;
	o.n_asns = c->n_asns;
	e->bot = bot_new(&o);
	free(w);
	return e->bot != NULL ? 0 : -ENOMEM;
}

static void
eng_bot_release(void **state)
{
	struct eng_bot *e = *state;

	*state = NULL;
	if (e == NULL)
		return;
	bot_known_free(&e->known);
	bot_free(&e->bot);
	free(e);
}

static int
eng_bot_configure(void **state, const struct spoad_conf *c, struct diag *d)
{
	struct eng_bot *e;
	int rc;

	*state = NULL;
	if (!c->bot.enabled)
		return 0;
	*state = e = calloc(1, sizeof(*e));
	rc = e != NULL ? 0 : -ENOMEM;
	if (rc == 0) {
		if (c->bot.n_countries > 0 && c->geo.country_db[0] == '\0')
			diag_warn(d, "bot.countries", 0, 0, "without geo.country_db every country is ZZ");
		if (c->bot.n_asns > 0 && c->geo.asn_db[0] == '\0')
			diag_warn(d, "bot.asns", 0, 0, "without geo.asn_db no client's network is known");
		e->conf = &c->bot;
		rc = scores_build(e);
	}
	if (rc == 0) {
		e->known = bot_known_new(&c->bot, !c->check_only);
		rc = e->known != NULL ? 0 : -ENOMEM;
	}
	if (rc != 0) {
		diag_error(d, "bot", 0, 0, "%s", strerror(-rc));
		eng_bot_release(state);
	}
	return rc;
}

static void
eng_bot_tick(void *state, uint64_t now_us)
{
	struct eng_bot *e = state;

	if (e != NULL)
		bot_known_tick(e->known, now_us);
}

static void
report_since(struct counters *c, size_t row, uint64_t now, uint64_t *told)
{
	if (now != *told)
		counters_add(c, row, now - *told);
	*told = now;
}

static void
eng_bot_report(void *state, struct counters *c)
{
	struct eng_bot *e = state;

	if (e == NULL)
		return;
	for (size_t i = 0; i < SPOAD_C_BOT_END - SPOAD_C_BOT_FIRST; i++)
		report_since(c, SPOAD_C_BOT_FIRST + i, atomic_load_explicit(&hits[i], memory_order_relaxed), &hits_told[i]);
	bot_known_report(e->known, c);
}

/* ---- requests -------------------------------------------------------------------------------------------- */

static void *
eng_bot_thread_new(const void *state)
{
	const struct eng_bot *e = state;

	return e != NULL ? bot_known_view(e->known) : NULL;
}

static void
eng_bot_thread_free(void **thread)
{
	struct hot_view *v = *thread;

	hot_view_free(&v);
	*thread = NULL;
}

struct asking {
	const struct eng_bot	*e;
	const struct hot_view	*view;
};

static enum bot_proof
crawler_prove(void *arg, const struct bot_agent *a, const char *ip)
{
	const struct asking *k = arg;

	return bot_known_proof(k->e->known, k->view, a, ip);
}

static void
scores_count(const struct bot_report *r)
{
	for (size_t i = 0; i < r->n_hits; i++)
		hit(SPOAD_C_BOT_FIRST + r->hits[i].feature);
	if (r->proof != PROOF_NOT_ASKED)
		hit(SPOAD_C_BOT_PROOF + r->proof - PROOF_NONE);
	hit(SPOAD_C_BOT_SCORE + (r->bot + 19) / 20);
	hit(SPOAD_C_THREAT_SCORE + (r->threat + 19) / 20);
}

/* The feature that weighs most in one of the scores. */
static const char *
heaviest(const struct bot_report *r, enum bot_scores which)
{
	const struct bot_hit *best = NULL;

	for (size_t i = 0; i < r->n_hits; i++)
		if ((bot_rows[r->hits[i].feature].scores & which) != 0 && (best == NULL || r->hits[i].points > best->points))
			best = &r->hits[i];
	return best != NULL ? bot_rows[best->feature].id : "bot";
}

static void
scores_apply(const struct bot_conf *c, const struct bot_report *r, struct verdict *v)
{
	const char *deny = c->deny_at.threat > 0 && r->threat >= c->deny_at.threat ? "threat-score" :
	    c->deny_at.bot > 0 && r->bot >= c->deny_at.bot ? "bot-score" : NULL;

	v->bot = r;
	v->kind = r->kind;
	v->bot_score = r->bot;
	if (v->threat_score < r->threat)
		v->threat_score = r->threat;	/* the WAF's refusal without a score is 100 */
	for (size_t i = 0; i < r->n_hits; i++)
		if (r->hits[i].points >= BOT_POINTS_NAMED && r->hits[i].feature != BOT_WAF_SCORE)
			verdict_rule_quiet(v, bot_rows[r->hits[i].feature].id);
	if ((c->event_at.bot > 0 && r->bot >= c->event_at.bot) || (c->event_at.threat > 0 && r->threat >= c->event_at.threat))
		v->tell = v->bot_tell = true;
	if (deny == NULL || v->action != VERDICT_ALLOW)
		return;
	v->tell = v->bot_tell = true;
	v->action = VERDICT_DENY;
	v->status = 403;
	v->reason = deny;
	if (v->n_rule_ids == 0)
		verdict_rule_quiet(v, heaviest(r, deny[0] == 't' ? BOT_ADDS_THREAT : BOT_ADDS_BOT));
}

static enum engine_next
eng_bot_run(const void *state, void *thread, const struct req_view *r, struct verdict *v, struct arena *a)
{
	const struct eng_bot *e = state;
	struct bot_report *report = e != NULL ? arena_alloc(a, sizeof(*report)) : NULL;
	struct asking k = {e, thread};
	struct bot_input in = {.req = r, .ja4 = v->ja4, .country = v->country, .asn = v->asn, .waf_ran = v->waf.ran,
		.waf_score = v->waf.score, .behave = v->behave, .prove = crawler_prove, .prove_arg = &k};

	if (report == NULL)
		return ENGINE_CONTINUE;		/* off; or no memory, which the arena remembers and judge.c makes an error */
	bot_known_follow(e->known, thread);
	in.intel = bot_known_address(e->known, thread, r->ip);
	in.intel_site = bot_known_sites(e->known, thread, r);
	bot_judge(report, e->bot, &in);
	scores_count(report);
	scores_apply(e->conf, report, v);
	return ENGINE_CONTINUE;
}

/* Everything in it is from tables of ours. */
const char *
eng_bot_detail(struct arena *a, const struct bot_report *r)
{
	size_t size = 192 + r->n_hits * 20, n;
	char *p = arena_alloc(a, size);

	if (p == NULL)
		return NULL;
	n = (size_t)snprintf(p, size, "{\"bot\":%d,\"threat\":%d,\"class\":\"%s\",\"agent\":\"%s\",\"proof\":\"%s\",\"features\":{",
	    r->bot, r->threat, bot_class_str(r->who.class), r->who.agent != NULL ? r->who.agent->name : "",
	    bot_proof_str(r->proof));
	for (size_t i = 0; i < r->n_hits && n < size; i++)
		n += (size_t)snprintf(p + n, size - n, "%s\"%s\":%d", i > 0 ? "," : "", bot_rows[r->hits[i].feature].id,
		    r->hits[i].points);
	if (n + 3 > size)
		return NULL;
	memcpy(p + n, "}}", 3);
	return p;
}

const struct spoad_engine engine_bot = {.name = "bot", .configure = eng_bot_configure, .run = eng_bot_run,
	.release = eng_bot_release, .thread_new = eng_bot_thread_new, .thread_free = eng_bot_thread_free,
	.tick = eng_bot_tick, .report = eng_bot_report, .always = true};
