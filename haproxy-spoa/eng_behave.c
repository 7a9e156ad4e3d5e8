/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "haproxy-spoa/behave_store.h"
#include "haproxy-spoa/eng_behave.h"
#include "haproxy-spoa/never_watch.h"
#include "haproxy-spoa/policy.h"
#include "haproxy-spoa/req_view.h"
#include "haproxy-spoa/spoad_conf.h"
#include "lib/actor_key.h"
#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/edge_sign.h"
#include "lib/event.h"
#include "lib/log.h"

#define DIGEST_KEY_MAX	128
#define DIGEST_CACHE	1024	/* keys whose digest a worker remembers; a power of two */

/* Of one configuration, shared by both rows of the table of engines. */
struct eng_behave {
	atomic_uint		 refs;
	struct behave_store	*store;
	struct never_watch	*never;
	const struct behave_conf *conf;		/* of the same configuration as this */
	struct behave_limits	 limits;
	uint8_t			 digest_key[DIGEST_KEY_MAX];
	size_t			 digest_key_len;
	struct sip_key		 cache_key;
};

/* HMAC costs a microsecond; which secret it was of is remembered as a keyed hash of 128 bits. */
struct digest_entry {
	struct sip_hash	secret;
	char		digest[17];
};

struct behave_thread {
	struct never_reader	 never;
	struct digest_entry	 cache[DIGEST_CACHE];
};

/* ---- configuration ---------------------------------------------------------------------------- */

static struct eng_behave *building;	/* by the first row for the second; main thread */

static void
eng_unref(void **state)
{
	struct eng_behave *e = *state;

	*state = NULL;
	if (e == NULL || atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) != 1)
		return;
	never_watch_close(&e->never);
	behave_store_put(&e->store);
	explicit_bzero(e, sizeof(*e));
	free(e);
}

/* The key of events, so that an API key has the same digest in all of them. */
static int
digest_key_take(struct eng_behave *e, const struct spoad_conf *c, struct diag *d)
{
	struct keyring *ring = NULL;
	const uint8_t *k = NULL;
	size_t n = 0;
	int r = 0;

	if (c->edge_keys[0] != '\0')
		r = keyring_load(&ring, c->edge_keys, d);
	if (r == 0 && ring != NULL)
		k = keyring_key(ring, NULL, &n);
	if (k != NULL && n > 0) {
		e->digest_key_len = n < DIGEST_KEY_MAX ? n : DIGEST_KEY_MAX;
		memcpy(e->digest_key, k, e->digest_key_len);
	} else if (r == 0) {
		log_notice("behaviour: without edge_keys, digests of API keys are this process's own");
		e->digest_key_len = 32;
		r = getrandom(e->digest_key, 32, 0) == 32 ? 0 : -EIO;
	}
	keyring_free(&ring);
	if (r == 0 && getrandom(&e->cache_key, sizeof(e->cache_key), 0) != (ssize_t)sizeof(e->cache_key))
		r = -EIO;
	return r;
}

static int
eng_build(struct eng_behave *e, const struct spoad_conf *c, struct diag *d)
{
	int r = never_watch_open(&e->never, c->never_ban, d);

	if (r < 0 || c->check_only)
		return r;
	if (never_watch_waits(e->never))
		log_warnx("never-ban list %s is not there: until it is, anybody can be banned", c->never_ban);
	r = digest_key_take(e, c, d);
	return r < 0 ? r : behave_store_get(&e->store, &c->behaviour, d);
}

static int
look_configure(void **state, const struct spoad_conf *c, struct diag *d)
{
	struct eng_behave *e;
	int r;

	*state = building = NULL;
	if (c->behaviour.mode == BEHAVE_M_OFF)
		return 0;
	e = calloc(1, sizeof(*e));
	if (e == NULL) {
		diag_error(d, "behaviour", 0, 0, "out of memory");
		return -ENOMEM;
	}
	atomic_init(&e->refs, 1);
	e->conf = &c->behaviour;
	e->limits = c->behaviour.limits;
	e->limits.times.n = 4;
	e->limits.monitor = c->behaviour.mode == BEHAVE_M_MONITOR;
	*state = e;
	r = eng_build(e, c, d);
	if (r < 0)
		eng_unref(state);
	building = *state;
	return r;
}

static int
count_configure(void **state, const struct spoad_conf *c, struct diag *d)
{
	(void)c;
	(void)d;
	*state = building;
	if (building != NULL)
		atomic_fetch_add_explicit(&building->refs, 1, memory_order_relaxed);
	building = NULL;
	return 0;
}

static void *
thread_make(const void *state)
{
	const struct eng_behave *e = state;

	/* Who only checks a configuration, or explains a request, has no store. */
	return e != NULL && e->store != NULL ? calloc(1, sizeof(struct behave_thread)) : NULL;
}

static void
thread_drop(void **thread)
{
	struct behave_thread *t = *thread;

	*thread = NULL;
	never_reader_drop(&t->never);
	free(t);
}

static void
behave_tick_run(void *state, uint64_t now_us)
{
	struct eng_behave *e = state;

	if (e == NULL || e->store == NULL)
		return;
	never_watch_tick(e->never, now_us);
	behave_store_tick(e->store, e->conf, &e->limits, never_watch_list(e->never), (int64_t)(now_us / 1000));
}

static void
behave_report_run(void *state, struct counters *c)
{
	struct eng_behave *e = state;

	if (e != NULL && e->store != NULL)
		behave_store_report(e->store, c);
}

/* ---- who is asking ---------------------------------------------------------------------------- */

static bool
header_get(const void *request, const char *name, const char **value, size_t *len)
{
	const struct req_header *h = req_view_header(request, name, NULL);

	if (h == NULL)
		return false;
	*value = h->value.p;
	*len = h->value.n;
	return true;
}

static const char *
key_digest(const struct eng_behave *e, struct behave_thread *t, const struct req_view *r, struct arena *a)
{
	const char *secret, *digest;
	struct digest_entry *c;
	struct sip_hash h;
	size_t n;

	if (!actor_key_find(header_get, r, &secret, &n))
		return "";
	h = siphash(&e->cache_key, secret, n);
	c = &t->cache[h.lo % DIGEST_CACHE];
	if (c->secret.lo != h.lo || c->secret.hi != h.hi || c->digest[0] == '\0') {
		event_digest(c->digest, e->digest_key, e->digest_key_len, secret, n);
		c->secret = h;
	}
	digest = arena_strndup(a, c->digest, 16);
	return digest != NULL ? digest : "";
}

static void
view_fill(struct behave_view *v, const struct behave_seen *s)
{
	*v = (struct behave_view){
		.requests = s->sum.requests, .errors = s->sum.errors, .distinct_paths = s->sum.paths,
		.waf_hits = s->sum.waf_hits, .pages = s->sum.pages, .assets = s->sum.assets, .age_s = s->sum.age_s,
		.bans = s->bans,
	};
}

static enum engine_next
look_run(const void *state, void *thread, const struct req_view *r, struct verdict *v, struct arena *a)
{
	const struct eng_behave *e = state;
	struct behave_seen seen[BEHAVE_SOURCES];
	struct behave_thread *t = thread;
	struct behave_who *w;
	enum ban_kind kind = BAN_IP;
	int64_t left;

	if (e == NULL || t == NULL || (w = arena_alloc(a, sizeof(*w))) == NULL)
		return ENGINE_CONTINUE;
	v->key = key_digest(e, t, r, a);
	behave_who(e->store->b, w, r->ip, v->ja4, v->key);
	v->who = w;
	left = behave_look(e->store->b, w, (int64_t)(policy_now_us() / 1000), &kind, seen);
	view_fill(&v->behave, &seen[w->has[BEHAVE_CLIENT] ? BEHAVE_CLIENT : BEHAVE_ADDRESS]);
	v->behave.bans = seen[BEHAVE_ADDRESS].bans > v->behave.bans ? seen[BEHAVE_ADDRESS].bans : v->behave.bans;
	if (left <= 0 || e->limits.monitor || behave_exempt(w, never_reader_list(&t->never, e->never)))
		return ENGINE_CONTINUE;
	atomic_fetch_add_explicit(&e->store->refused[kind], 1, memory_order_relaxed);
	verdict_deny(v, 403, "banned", "behave-banned");
	v->retry_after = (int)((left + 999) / 1000);
	v->hush = true;
	return ENGINE_STOP;
}

/* ---- what became of it ------------------------------------------------------------------------ */

static void
did_fill(struct behave_did *did, const struct req_view *r, const struct verdict *v)
{
	const struct verdict_waf *w = &v->waf;

	*did = (struct behave_did){
		.error = v->action == VERDICT_DENY,
		/* Not what it only watched: who tries rules out wants no consequences. */
		.waf_hit = w->ran && (w->action == WAF_DENY || w->action == WAF_DROP || w->action == WAF_REDIRECT),
		.page = v->kind == KIND_PAGE, .asset = v->kind == KIND_ASSET,
		.path = r->path.p, .path_len = r->path.n,
		.err_address = r->err_count, .err_client = r->err_count_client,
	};
}

static void
decision_apply(const struct eng_behave *e, struct verdict *v, const struct behave_decision *d, struct arena *a)
{
	static const char *const scopes[] = {[BAN_IP] = "ip", [BAN_JA4] = "ja4", [BAN_KEY] = "key"};
	struct behave_decision *keep;

	v->threat_score = v->threat_score + d->score < 100 ? v->threat_score + d->score : 100;
	for (int c = 0; c < BEHAVE_COUNTERS; c++)
		if (d->scored & 1u << c)
			verdict_rule_quiet(v, behave_rule_id(c));
	if (!d->ban || (keep = arena_alloc(a, sizeof(*keep))) == NULL)
		return;
	*keep = *d;
	v->behaved = keep;
	if (!d->banned)
		return;
	atomic_fetch_add_explicit(&e->store->banned[d->as.who.kind], 1, memory_order_relaxed);
	v->ban = (int)((d->ms + 999) / 1000);
	v->ban_scope = scopes[d->as.who.kind];
	v->retry_after = v->ban;
	if (v->action == VERDICT_ALLOW) {
		v->action = VERDICT_DENY;
		v->status = 403;
		v->reason = "banned";
		v->hush = true;		/* the ban's own event says it */
	}
}

static enum engine_next
count_run(const void *state, void *thread, const struct req_view *r, struct verdict *v, struct arena *a)
{
	const struct eng_behave *e = state;
	struct behave_thread *t = thread;
	struct behave_decision d;
	struct behave_did did;

	/* Who is refused for a ban isn't counted: it would only make the ban's end a new one. */
	if (e == NULL || t == NULL || v->who == NULL || v->hush)
		return ENGINE_CONTINUE;
	did_fill(&did, r, v);
	behave_count(e->store->b, &e->limits, v->who, &did, never_reader_list(&t->never, e->never),
	    (int64_t)(policy_now_us() / 1000), &d);
	decision_apply(e, v, &d, a);
	return ENGINE_CONTINUE;
}

const struct spoad_engine engine_behave_look = {.name = "behave_look", .configure = look_configure, .run = look_run,
	.release = eng_unref, .thread_new = thread_make, .thread_free = thread_drop};
const struct spoad_engine engine_behave = {.name = "behave", .configure = count_configure, .run = count_run,
	.release = eng_unref, .thread_new = thread_make, .thread_free = thread_drop, .tick = behave_tick_run,
	.report = behave_report_run, .always = true};
