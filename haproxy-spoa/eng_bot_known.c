/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/bot/addresses.h"
#include "haproxy-spoa/bot/prove.h"
#include "haproxy-spoa/eng_bot.h"
#include "haproxy-spoa/eng_bot_known.h"
#include "haproxy-spoa/hot.h"
#include "haproxy-spoa/spoad_counters.h"
#include "lib/log.h"
#include "lib/set_dom.h"
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

struct bot_known {
	const struct bot_conf	*conf;
	struct hot		*hot;		/* conf's crawlers, then ti_sets, then ti_domains */
	struct hot_file		*files;
	size_t			 ip_at, dom_at;	/* where the latter two begin */
	const struct bot_agent	**agents;	/* of conf->crawlers */
	struct shared_prove	*shared;	/* NULL: the resolver is not asked by threads */
};

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

static int
dom_open(void **o, const char *path, struct diag *d)
{
	struct set_dom *s = NULL;
	int rc = set_dom_open(&s, path, SET_COPY, d);

	*o = s;
	return rc;
}

static void
dom_close(void **o)
{
	struct set_dom *s = *o;

	set_dom_close(&s);
	*o = NULL;
}

static const struct hot_kind list_kind = {"bot: crawler addresses", list_open, list_close};
static const struct hot_kind set_kind = {"bot: threat intelligence", set_open, set_close};
static const struct hot_kind dom_kind = {"bot: threat intelligence", dom_open, dom_close};

static int
files_open(struct bot_known *k)
{
	const struct bot_conf *c = k->conf;

	k->ip_at = c->n_crawlers;
	k->dom_at = k->ip_at + c->ti_sets.n;
	k->files = calloc(k->dom_at + c->ti_domains.n + 1, sizeof(*k->files));
	k->agents = calloc(c->n_crawlers + 1, sizeof(*k->agents));
	if (k->files == NULL || k->agents == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_crawlers; i++) {
		k->files[i] = (struct hot_file){c->crawlers[i].addresses, &list_kind};
		k->agents[i] = bot_agent_find(c->crawlers[i].agent);
	}
	for (size_t i = 0; i < c->ti_sets.n; i++)
		k->files[k->ip_at + i] = (struct hot_file){c->ti_sets.v[i], &set_kind};
	for (size_t i = 0; i < c->ti_domains.n; i++)
		k->files[k->dom_at + i] = (struct hot_file){c->ti_domains.v[i], &dom_kind};
	k->hot = hot_new(k->files, k->dom_at + c->ti_domains.n);
	return k->hot != NULL ? 0 : -ENOMEM;
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
shared_take(struct bot_known *k)
{
	const struct prove_conf pc = {&prove_libc, (unsigned)k->conf->resolver.threads,
		minutes(k->conf->resolver.verified), minutes(k->conf->resolver.refuted), minutes(k->conf->resolver.failed)};

	pthread_mutex_lock(&shared_lock);
	if (shared_now != NULL && prove_conf_same(&shared_now->conf, &pc)) {
		shared_now->refs++;
		k->shared = shared_now;
	} else {
		k->shared = shared_make(&pc);
		if (k->shared != NULL)
			shared_now = k->shared;
	}
	pthread_mutex_unlock(&shared_lock);
	return k->shared != NULL ? 0 : -ENOMEM;
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

/* ---- all of it -------------------------------------------------------------------------------------- */

struct bot_known *
bot_known_new(const struct bot_conf *conf, bool threads)
{
	struct bot_known *k = calloc(1, sizeof(*k));
	int rc;

	if (k == NULL)
		return NULL;
	k->conf = conf;
	rc = files_open(k);
	if (rc == 0 && threads && conf->resolver.threads > 0 && conf->resolve == RESOLVE_THREADS)
		rc = shared_take(k);
	if (rc != 0)
		bot_known_free(&k);
	return k;
}

void
bot_known_free(struct bot_known **kp)
{
	struct bot_known *k = *kp;

	*kp = NULL;
	if (k == NULL)
		return;
	shared_drop(&k->shared);
	hot_free(&k->hot);
	free(k->files);
	free(k->agents);
	free(k);
}

void
bot_known_tick(struct bot_known *k, uint64_t now_us)
{
	hot_tick(k->hot, now_us);
	if (k->shared != NULL && prove_mute(k->shared->prove))
		log_warnx("bot: the resolver gave no answer %d times in a row: crawlers that prove themselves by name stay pending "
		    "(is it on another machine? see docs/bot-score.md)", PROVE_MUTE);
}

void
bot_known_report(struct bot_known *k, struct counters *c)
{
	for (enum prove_stat s = 0; k->shared != NULL && s < PROVE_STATS; s++) {
		uint64_t now = prove_stat(k->shared->prove, s);

		if (now != k->shared->told[s])
			counters_add(c, SPOAD_C_PROVE_ASKED + s, now - k->shared->told[s]);
		k->shared->told[s] = now;
	}
}

struct hot_view *
bot_known_view(const struct bot_known *k)
{
	return hot_view_new(k->hot);
}

void
bot_known_follow(const struct bot_known *k, struct hot_view *v)
{
	if (v != NULL)
		hot_view_follow(v, k->hot);
}

/* Published addresses answer at once; what they don't hold may still have a name. */
enum bot_proof
bot_known_proof(const struct bot_known *k, const struct hot_view *v, const struct bot_agent *a, const char *ip)
{
	const struct addresses *list;
	bool listed = false;

	for (size_t i = 0; v != NULL && i < k->conf->n_crawlers; i++) {
		list = k->agents[i] == a ? hot_view_get(v, i) : NULL;
		listed |= list != NULL;
		if (list != NULL && addresses_have(list, ip))
			return PROOF_TRUE;
	}
	if (a->hosts[0] != '\0' && k->conf->resolver.threads > 0) {
		if (k->conf->resolve == RESOLVE_NOW)
			return prove_now(&prove_libc, a, ip);
		return k->shared != NULL ? prove_ask(k->shared->prove, a, ip) : PROOF_PENDING;
	}
	return listed ? PROOF_FALSE : PROOF_NONE;
}

int
bot_known_address(const struct bot_known *k, const struct hot_view *v, const char *ip)
{
	int family = strchr(ip, ':') != NULL ? AF_INET6 : AF_INET, worst = 0;
	unsigned char raw[16];
	struct set_hit h;

	if (v == NULL || k->conf->ti_sets.n == 0 || inet_pton(family, ip, raw) != 1)
		return 0;
	for (size_t i = 0; i < k->conf->ti_sets.n; i++)
		if (set_ip_find(hot_view_get(v, k->ip_at + i), family, raw, &h) && h.confidence > worst)
			worst = h.confidence;
	return worst;
}

#define NAME_MAX_	253	/* RFC 1035 */

/* The host of "https://Host.Example:8443/path", in lower case; 0: none that can be listed. */
static size_t
site_name(char out[NAME_MAX_], struct span url)
{
	const char *p = memmem(url.p, url.n, "://", 3), *end = url.p + url.n;
	size_t n = 0;

	if (p == NULL)
		return 0;
	for (p += 3; p < end && *p != '/' && *p != ':' && *p != '?' && *p != '#'; p++) {
		if (n == NAME_MAX_)
			return 0;
		out[n++] = (char)(*p >= 'A' && *p <= 'Z' ? *p | 32 : *p);
	}
	return n > 0 && out[n - 1] == '.' ? n - 1 : n;
}

int
bot_known_sites(const struct bot_known *k, const struct hot_view *v, const struct req_view *r)
{
	static const char *const headers[] = {"referer", "origin"};
	const struct req_header *h;
	char name[NAME_MAX_];
	struct set_hit hit;
	int worst = 0;
	size_t n;

	for (size_t i = 0; v != NULL && k->conf->ti_domains.n > 0 && i < 2; i++) {
		h = req_view_header(r, headers[i], NULL);
		n = h != NULL ? site_name(name, h->value) : 0;
		for (size_t d = 0; n > 0 && d < k->conf->ti_domains.n; d++)
			if (set_dom_find(hot_view_get(v, k->dom_at + d), name, n, &hit) && hit.confidence > worst)
				worst = hit.confidence;
	}
	return worst;
}
