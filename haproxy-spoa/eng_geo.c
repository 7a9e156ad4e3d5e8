/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/eng_geo.h"
#include "haproxy-spoa/geo_db.h"
#include "haproxy-spoa/req_view.h"
#include "haproxy-spoa/spoad_conf.h"
#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/log.h"

#define CHECK_US	1000000

const struct conf_opt geo_conf_opts[] = {
	CONF_STR(struct geo_conf, country_db, "", "path",
	    "database with country.iso_code (GeoLite2-Country and its like); \"\": every country is ZZ"),
	CONF_STR(struct geo_conf, asn_db, "", "path",
	    "database with autonomous_system_number (GeoLite2-ASN and its like); \"\": unknown"),
	CONF_END
};

enum { DB_COUNTRY, DB_ASN, DB_N };

struct slot {			/* one database, counted */
	struct geo_db	*db;
	atomic_uint	 refs;
};

struct source {			/* one path, main thread only */
	const char	*path;
	struct geo_stamp loaded, seen;
};

struct eng_geo {
	struct source	 src[DB_N];
	uint64_t	 checked_us;
	pthread_mutex_t	 lock;		/* of cur; a request only ever tries it */
	struct slot	*cur[DB_N];	/* NULL: none */
	atomic_uint	 generation;
};

struct geo_thread {
	struct slot	*cur[DB_N];
	unsigned	 generation;
};

static void
slot_unref(struct slot *s)
{
	if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	geo_db_free(&s->db);
	free(s);
}

static struct slot *
slot_ref(struct slot *s)
{
	if (s != NULL)
		atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

/* ---- main thread ------------------------------------------------------------------------------ */

static void
publish(struct eng_geo *e, int which, struct slot *s)
{
	struct slot *old;

	pthread_mutex_lock(&e->lock);
	old = e->cur[which];
	e->cur[which] = s;
	atomic_fetch_add_explicit(&e->generation, 1, memory_order_release);
	pthread_mutex_unlock(&e->lock);
	slot_unref(old);
}

static void
source_load(struct eng_geo *e, int which)
{
	struct source *src = &e->src[which];
	struct slot *s = calloc(1, sizeof(*s));
	int rc = s != NULL ? geo_db_open(&s->db, src->path) : -ENOMEM;

	if (rc != 0) {
		free(s);
		log_warnx("geo: %s: %s; %s", src->path, rc == -EBADMSG ? "not a MaxMind database" : strerror(-rc),
		    e->cur[which] ? "the old one stays" : "unknown until it can be read");
		return;
	}
	atomic_init(&s->refs, 1);
	publish(e, which, s);
	log_info("geo: loaded %s", src->path);
}

/* Only a file that two looks found the same: one that is being written is left alone. */
static void
source_check(struct eng_geo *e, int which)
{
	struct source *src = &e->src[which];
	struct geo_stamp now;
	bool settled;

	geo_stamp_take(&now, src->path);
	settled = geo_stamp_same(&now, &src->seen);
	src->seen = now;
	if (!settled || now.ino == 0 || geo_stamp_same(&now, &src->loaded))
		return;
	src->loaded = now;
	source_load(e, which);
}

static void
geo_tick(void *state, uint64_t now_us)
{
	struct eng_geo *e = state;

	if (e == NULL || now_us - e->checked_us < CHECK_US)
		return;
	e->checked_us = now_us;
	for (int i = 0; i < DB_N; i++)
		if (e->src[i].path[0] != '\0')
			source_check(e, i);
}

static int
geo_configure(void **state, const struct spoad_conf *c, struct diag *d)
{
	struct eng_geo *e;

	*state = NULL;
	if (c->geo.country_db[0] == '\0' && c->geo.asn_db[0] == '\0')
		return 0;
	if (!geo_db_supported()) {
		log_warnx("geo: built without libmaxminddb, every country is ZZ");
		return 0;
	}
	e = calloc(1, sizeof(*e));
	if (e == NULL) {
		diag_error(d, c->geo.country_db, 0, 0, "out of memory");
		return -ENOMEM;
	}
	pthread_mutex_init(&e->lock, NULL);
	e->src[DB_COUNTRY].path = c->geo.country_db;
	e->src[DB_ASN].path = c->geo.asn_db;
	for (int i = 0; i < DB_N; i++)
		if (e->src[i].path[0] != '\0') {
			geo_stamp_take(&e->src[i].loaded, e->src[i].path);
			e->src[i].seen = e->src[i].loaded;
			source_load(e, i);
		}
	*state = e;
	return 0;
}

static void
geo_release(void **state)
{
	struct eng_geo *e = *state;

	*state = NULL;
	if (e == NULL)
		return;
	for (int i = 0; i < DB_N; i++)
		slot_unref(e->cur[i]);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

/* ---- workers ---------------------------------------------------------------------------------- */

static void *
geo_thread_new(const void *state)
{
	return state != NULL ? calloc(1, sizeof(struct geo_thread)) : NULL;
}

static void
geo_thread_free(void **thread)
{
	struct geo_thread *t = *thread;

	*thread = NULL;
	for (int i = 0; i < DB_N; i++)
		slot_unref(t->cur[i]);
	free(t);
}

/* If the main thread is just publishing, the old ones do for one more request. */
static void
thread_follow(struct geo_thread *t, struct eng_geo *e)
{
	if (t->generation == atomic_load_explicit(&e->generation, memory_order_acquire) ||
	    pthread_mutex_trylock(&e->lock) != 0)
		return;
	for (int i = 0; i < DB_N; i++) {
		slot_unref(t->cur[i]);
		t->cur[i] = slot_ref(e->cur[i]);
	}
	t->generation = atomic_load_explicit(&e->generation, memory_order_relaxed);
	pthread_mutex_unlock(&e->lock);
}

static enum engine_next
geo_run(const void *state, void *thread, const struct req_view *r, struct verdict *v, struct arena *a)
{
	struct geo_thread *t = thread;
	union geo_addr addr;
	char country[3];

	if (t == NULL || !geo_addr_public(&addr, r->ip))
		return ENGINE_CONTINUE;
	/* Behind the const is what tick() publishes. */
	thread_follow(t, (struct eng_geo *)(uintptr_t)state);
	if (t->cur[DB_COUNTRY] != NULL && geo_db_country(t->cur[DB_COUNTRY]->db, &addr, country)) {
		const char *s = arena_strndup(a, country, 2);

		v->country = s != NULL ? s : v->country;
	}
	if (t->cur[DB_ASN] != NULL)
		v->asn = geo_db_asn(t->cur[DB_ASN]->db, &addr);
	return ENGINE_CONTINUE;
}

const struct spoad_engine engine_geo = {.name = "geo", .configure = geo_configure, .run = geo_run,
	.release = geo_release, .thread_new = geo_thread_new, .thread_free = geo_thread_free, .tick = geo_tick};
