/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/bot/addresses.h"
#include "haproxy-spoa/bot/prove.h"
#include "haproxy-spoa/eng_bot.h"
#include "haproxy-spoa/hot.h"
#include "haproxy-spoa/req_view.h"
#include "haproxy-spoa/spoad_conf.h"
#include "haproxy-spoa/spoad_counters.h"
#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/log.h"
#include "lib/set_ip.h"

/* The resolver's answers outlive a reload: whoever has the same settings gets the same threads and cache. */
struct shared_prove {
	struct prove		*prove;
	struct prove_conf	 conf;
	unsigned		 refs;			/* under shared_lock */
	uint64_t		 told[PROVE_STATS];	/* to the counters; main thread */
};

static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;
static struct shared_prove *shared_now;

struct eng_bot {
	const struct bot_conf	*conf;
	struct bot		*bot;
	struct hot		*hot;		/* addresses of conf->crawlers, then conf->ti_sets */
	struct hot_file		*files;
	const struct bot_agent	**agents;	/* of conf->crawlers */
	struct shared_prove	*shared;	/* NULL: the resolver is not asked by threads */
};

/* Since the start, of all configurations; the counters get what is new. */
static _Atomic uint64_t hits[SPOAD_C_BOT_END - SPOAD_C_BOT_FIRST];
static uint64_t hits_told[SPOAD_C_BOT_END - SPOAD_C_BOT_FIRST];

static void
hit(enum spoad_counter c)
{
	atomic_fetch_add_explicit(&hits[c - SPOAD_C_BOT_FIRST], 1, memory_order_relaxed);
}

/* ---- files ----------------------------------------------------------------------------------------- */

static int
list_open(void **o, const char *path, struct diag *d)
{
	struct addresses *a;
	int rc = addresses_load(&a, path, d);

	*o = a;
	return rc;
}

static void
list_close(void **o)
{
	struct addresses *a = *o;

	addresses_free(&a);
	*o = NULL;
}

static int
set_open(void **o, const char *path, struct diag *d)
{
	struct set_ip *s = NULL;
	int rc = set_ip_open(&s, path, SET_COPY, d);

	*o = s;
	return rc;
}

static void
set_close(void **o)
{
	struct set_ip *s = *o;

	set_ip_close(&s);
	*o = NULL;
}

static const struct hot_kind list_kind = {"bot: crawler addresses", list_open, list_close};
static const struct hot_kind set_kind = {"bot: threat intelligence", set_open, set_close};

static int
files_open(struct eng_bot *e)
{
	const struct bot_conf *c = e->conf;
	size_t n = c->n_crawlers + c->ti_sets.n;

	e->files = calloc(n + 1, sizeof(*e->files));
	e->agents = calloc(c->n_crawlers + 1, sizeof(*e->agents));
	if (e->files == NULL || e->agents == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_crawlers; i++) {
		e->files[i] = (struct hot_file){c->crawlers[i].addresses, &list_kind};
		e->agents[i] = bot_agent_find(c->crawlers[i].agent);
	}
	for (size_t i = 0; i < c->ti_sets.n; i++)
		e->files[c->n_crawlers + i] = (struct hot_file){c->ti_sets.v[i], &set_kind};
	e->hot = hot_new(e->files, n);
	return e->hot != NULL ? 0 : -ENOMEM;
}

/* ---- resolver ---------------------------------------------------------------------------------------- */

static unsigned
minutes(int64_t ms)
{
	return (unsigned)((ms + 59999) / 60000);
}

static struct shared_prove *
shared_make(const struct prove_conf *pc)
{
	struct shared_prove *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->conf = *pc;
	s->refs = 1;
	if (prove_new(&s->prove, pc) != 0) {
		free(s);
		return NULL;
	}
	return s;
}

static bool
prove_conf_same(const struct prove_conf *a, const struct prove_conf *b)
{
	return a->resolver == b->resolver && a->threads == b->threads && a->true_min == b->true_min &&
	    a->false_min == b->false_min && a->failed_min == b->failed_min;
}

static int
shared_take(struct eng_bot *e)
{
	const struct prove_conf pc = {&prove_libc, (unsigned)e->conf->resolver.threads,
		minutes(e->conf->resolver.verified), minutes(e->conf->resolver.refuted), minutes(e->conf->resolver.failed)};

	pthread_mutex_lock(&shared_lock);
	if (shared_now != NULL && prove_conf_same(&shared_now->conf, &pc)) {
		shared_now->refs++;
		e->shared = shared_now;
	} else {
		e->shared = shared_make(&pc);
		if (e->shared != NULL)
			shared_now = e->shared;
	}
	pthread_mutex_unlock(&shared_lock);
	return e->shared != NULL ? 0 : -ENOMEM;
}

static void
shared_drop(struct shared_prove **sp)
{
	struct shared_prove *s = *sp;
	bool last;

	*sp = NULL;
	if (s == NULL)
		return;
	pthread_mutex_lock(&shared_lock);
	last = --s->refs == 0;
	if (last && shared_now == s)
		shared_now = NULL;
	pthread_mutex_unlock(&shared_lock);
	if (!last)
		return;
	prove_release(&s->prove);
	free(s);
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
	shared_drop(&e->shared);
	hot_free(&e->hot);
	bot_free(&e->bot);
	free(e->files);
	free(e->agents);
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
		e->conf = &c->bot;
		rc = scores_build(e);
	}
	if (rc == 0)
		rc = files_open(e);
	if (rc == 0 && c->bot.resolver.threads > 0 && c->bot.resolve == RESOLVE_THREADS && !c->check_only)
		rc = shared_take(e);
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
		hot_tick(e->hot, now_us);
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
	for (enum prove_stat s = 0; e->shared != NULL && s < PROVE_STATS; s++)
		report_since(c, SPOAD_C_PROVE_ASKED + s, prove_stat(e->shared->prove, s), &e->shared->told[s]);
}

/* ---- requests -------------------------------------------------------------------------------------------- */

static void *
eng_bot_thread_new(const void *state)
{
	const struct eng_bot *e = state;

	return e != NULL ? hot_view_new(e->hot) : NULL;
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

/* Published addresses answer at once; what they don't hold may still have a name. */
static enum bot_proof
crawler_prove(void *arg, const struct bot_agent *a, const char *ip)
{
	const struct asking *k = arg;
	const struct eng_bot *e = k->e;
	const struct addresses *list;
	bool listed = false;

	for (size_t i = 0; k->view != NULL && i < e->conf->n_crawlers; i++) {
		list = e->agents[i] == a ? hot_view_get(k->view, i) : NULL;
		listed |= list != NULL;
		if (list != NULL && addresses_have(list, ip))
			return PROOF_TRUE;
	}
	if (a->hosts[0] != '\0' && e->conf->resolver.threads > 0) {
		if (e->conf->resolve == RESOLVE_NOW)
			return prove_now(&prove_libc, a, ip);
		return e->shared != NULL ? prove_ask(e->shared->prove, a, ip) : PROOF_PENDING;
	}
	return listed ? PROOF_FALSE : PROOF_NONE;
}

static int
intel_of(const struct eng_bot *e, const struct hot_view *view, const char *ip)
{
	unsigned char raw[16];
	int family = strchr(ip, ':') != NULL ? AF_INET6 : AF_INET, worst = 0;
	struct set_hit h;

	if (view == NULL || e->conf->ti_sets.n == 0 || inet_pton(family, ip, raw) != 1)
		return 0;
	for (size_t i = 0; i < e->conf->ti_sets.n; i++)
		if (set_ip_find(hot_view_get(view, e->conf->n_crawlers + i), family, raw, &h) && h.confidence > worst)
			worst = h.confidence;
	return worst;
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
	if (thread != NULL)
		hot_view_follow(thread, e->hot);
	in.intel = intel_of(e, thread, r->ip);
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
