/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/eng_geo.h"
#include "haproxy-spoa/geo_db.h"
#include "haproxy-spoa/hot.h"
#include "haproxy-spoa/req_view.h"
#include "haproxy-spoa/spoad_conf.h"
#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/log.h"

const struct conf_opt geo_conf_opts[] = {
	CONF_STR(struct geo_conf, country_db, "", "path",
	    "database with country.iso_code (GeoLite2-Country and its like); \"\": every country is ZZ"),
	CONF_STR(struct geo_conf, asn_db, "", "path",
	    "database with autonomous_system_number (GeoLite2-ASN and its like); \"\": unknown"),
	CONF_END
};

/* Where each lies among the files; -1: none. */
struct eng_geo {
	struct hot		*hot;
	int			 country, asn;
};

static int
db_open(void **o, const char *path, struct diag *d)
{
	struct geo_db *db = NULL;
	int rc = geo_db_open(&db, path);

	if (rc == -EBADMSG)
		diag_error(d, path, 0, 0, "not a MaxMind database");
	*o = db;
	return rc;
}

static void
db_close(void **o)
{
	struct geo_db *db = *o;

	geo_db_free(&db);
	*o = NULL;
}

static const struct hot_kind db_kind = {"geo", db_open, db_close};

static int
file_add(struct hot_file *files, size_t *n, const char *path)
{
	if (path[0] == '\0')
		return -1;
	files[*n] = (struct hot_file){path, &db_kind};
	return (int)(*n)++;
}

static int
geo_configure(void **state, const struct spoad_conf *c, struct diag *d)
{
	struct hot_file files[2];
	struct eng_geo *e;
	size_t n = 0;

	*state = NULL;
	if (c->geo.country_db[0] == '\0' && c->geo.asn_db[0] == '\0')
		return 0;
	if (!geo_db_supported()) {
		log_warnx("geo: built without libmaxminddb, every country is ZZ");
		return 0;
	}
	e = calloc(1, sizeof(*e));
	if (e != NULL) {
		e->country = file_add(files, &n, c->geo.country_db);
		e->asn = file_add(files, &n, c->geo.asn_db);
		e->hot = hot_new(files, n);
	}
	if (e == NULL || e->hot == NULL) {
		diag_error(d, c->geo.country_db, 0, 0, "out of memory");
		free(e);
		return -ENOMEM;
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
	hot_free(&e->hot);
	free(e);
}

static void
geo_tick(void *state, uint64_t now_us)
{
	struct eng_geo *e = state;

	if (e != NULL)
		hot_tick(e->hot, now_us);
}

static void *
geo_thread_new(const void *state)
{
	const struct eng_geo *e = state;

	return e != NULL ? hot_view_new(e->hot) : NULL;
}

static void
geo_thread_free(void **thread)
{
	struct hot_view *v = *thread;

	hot_view_free(&v);
	*thread = NULL;
}

static const struct geo_db *
db_of(const struct hot_view *view, int which)
{
	return which >= 0 ? hot_view_get(view, (size_t)which) : NULL;
}

static enum engine_next
geo_run(const void *state, void *thread, const struct req_view *r, struct verdict *v, struct arena *a)
{
	const struct eng_geo *e = state;
	struct hot_view *view = thread;
	const struct geo_db *db;
	union geo_addr addr;
	char country[3];

	if (view == NULL || !geo_addr_public(&addr, r->ip))
		return ENGINE_CONTINUE;
	hot_view_follow(view, e->hot);
	db = db_of(view, e->country);
	if (db != NULL && geo_db_country(db, &addr, country)) {
		const char *s = arena_strndup(a, country, 2);

		v->country = s != NULL ? s : v->country;
	}
	db = db_of(view, e->asn);
	if (db != NULL)
		v->asn = geo_db_asn(db, &addr);
	return ENGINE_CONTINUE;
}

const struct spoad_engine engine_geo = {.name = "geo", .configure = geo_configure, .run = geo_run,
	.release = geo_release, .thread_new = geo_thread_new, .thread_free = geo_thread_free, .tick = geo_tick};
