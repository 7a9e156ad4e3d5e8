/* SPDX-License-Identifier: MIT */
/* Country and autonomous system: what a database says, whom it is not asked about, and files that change. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "haproxy-spoa/eng_geo.h"
#include "haproxy-spoa/geo_db.h"
#include "haproxy-spoa/req_view.h"
#include "haproxy-spoa/spoad_conf.h"
#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/log.h"
#include "tests/unit/haproxy-spoa/mmdb_make.h"
#include "tests/unit/lib/temp.h"

#define SECOND	((uint64_t)1000000)

static const struct mmdb_row world[] = {
	{"81.2.69.0/24", "GB", "US", 0},
	{"8.8.8.0/24", NULL, "US", 15169},
	{"1.1.1.0/24", "AU", NULL, 4200000001u},
	{"10.0.0.0/8", "DE", NULL, 1},			/* a database that lies about private addresses */
	{"100.64.0.0/10", "DE", NULL, 1},
	{"9.9.9.0/24", "de", "d", 1},			/* no codes */
	{"2a02:6b8::/32", "RU", NULL, 13238},
	{"fc00::/7", "DE", NULL, 1},
};
static const struct mmdb_row moved[] = {{"81.2.69.0/24", "FR", NULL, 7}};

struct rig {
	char			 dir[TEMP_PATH], path[TEMP_PATH + 16];
	struct spoad_conf	 conf;
	void			*state, *thread;
	struct arena		*arena;
};

static void
db_write(struct rig *r, const char *name, const struct mmdb_row *rows, size_t n)
{
	static uint8_t buf[65536];

	temp_write(r->dir, name, buf, mmdb_make(buf, sizeof(buf), rows, n));
}

/* Whoever replaces the file renames another one over it. */
static void
db_replace(struct rig *r, const struct mmdb_row *rows, size_t n)
{
	char tmp[TEMP_PATH + 16];

	db_write(r, "new", rows, n);
	snprintf(tmp, sizeof(tmp), "%s/new", r->dir);
	assert_int_equal(rename(tmp, r->path), 0);
}

static void
rig_open(struct rig *r, bool with_file)
{
	memset(r, 0, sizeof(*r));
	temp_new(r->dir);
	snprintf(r->path, sizeof(r->path), "%s/db", r->dir);
	if (with_file)
		db_write(r, "db", world, sizeof(world) / sizeof(*world));
	r->conf.geo = (struct geo_conf){r->path, r->path};
	r->arena = arena_new(0);
	assert_int_equal(engine_geo.configure(&r->state, &r->conf, NULL), 0);
	r->thread = engine_geo.thread_new(r->state);
}

static void
rig_close(struct rig *r)
{
	if (r->thread != NULL)
		engine_geo.thread_free(&r->thread);
	engine_geo.release(&r->state);
	assert_null(r->state);
	arena_free(&r->arena);
	temp_remove(r->dir);
}

static struct verdict
judge(struct rig *r, const char *ip)
{
	struct req_view q;
	struct verdict v;

	req_view_init(&q);
	snprintf(q.ip, sizeof(q.ip), "%s", ip);
	verdict_init(&v, 0);
	assert_int_equal(engine_geo.run(r->state, r->thread, &q, &v, r->arena), ENGINE_CONTINUE);
	return v;
}

static void
database_is_read(void **state)
{
	static const struct {
		const char	*ip, *country;
		uint32_t	 asn;
	} t[] = {
		{"81.2.69.160", "GB", 0}, {"::ffff:81.2.69.160", "GB", 0}, {"81.2.70.1", "ZZ", 0},
		{"8.8.8.8", "US", 15169}, {"1.1.1.1", "AU", 4200000001u}, {"9.9.9.9", "ZZ", 1},
		{"10.1.2.3", "ZZ", 0}, {"100.64.0.1", "ZZ", 0}, {"100.128.0.1", "ZZ", 0}, {"127.0.0.1", "ZZ", 0},
		{"2a02:6b8::1", "RU", 13238}, {"2a02:6b9::1", "ZZ", 0}, {"fd00::1", "ZZ", 0}, {"::1", "ZZ", 0},
		{"", "ZZ", 0}, {"nonsense", "ZZ", 0},
	};
	struct rig r;
	struct verdict v;

	rig_open(&r, true);
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		v = judge(&r, t[i].ip);
		if (strcmp(v.country, t[i].country) != 0 || v.asn != t[i].asn)
			fail_msg("%s: %s %u, not %s %u", t[i].ip, v.country, v.asn, t[i].country, t[i].asn);
	}
	rig_close(&r);
}

static void
special_addresses_are_nobodys(void **state)
{
	static const char *const special[] = {"0.1.2.3", "10.0.0.1", "100.127.255.255", "127.1.1.1", "169.254.1.1",
		"172.16.0.1", "172.31.255.255", "192.0.2.1", "192.168.1.1", "198.19.0.1", "198.51.100.1", "203.0.113.9",
		"224.0.0.1", "255.255.255.255", "::", "fe80::1", "fc00::1", "ff02::1", "2001:db8::1", "::ffff:10.0.0.1"};
	static const char *const owned[] = {"1.0.0.1", "11.0.0.1", "172.15.255.255", "172.32.0.1", "192.167.1.1",
		"223.255.255.255", "2001:db9::1", "2600::1", "::ffff:8.8.8.8"};
	union geo_addr a;

	for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++)
		if (geo_addr_public(&a, special[i]))
			fail_msg("%s is somebody's", special[i]);
	for (size_t i = 0; i < sizeof(owned) / sizeof(*owned); i++)
		if (!geo_addr_public(&a, owned[i]))
			fail_msg("%s is nobody's", owned[i]);
}

static void
replaced_file_is_taken(void **state)
{
	struct rig r;

	rig_open(&r, true);
	assert_string_equal(judge(&r, "81.2.69.160").country, "GB");
	engine_geo.tick(r.state, 10 * SECOND);
	db_replace(&r, moved, 1);
	engine_geo.tick(r.state, 10 * SECOND + SECOND / 2);	/* not looked at yet */
	engine_geo.tick(r.state, 11 * SECOND);			/* seen, but it may be growing */
	assert_string_equal(judge(&r, "81.2.69.160").country, "GB");
	engine_geo.tick(r.state, 12 * SECOND);
	assert_string_equal(judge(&r, "81.2.69.160").country, "FR");
	assert_int_equal(judge(&r, "81.2.69.160").asn, 7);
	rig_close(&r);
}

static void
spoilt_file_leaves_the_old_one(void **state)
{
	struct rig r;

	rig_open(&r, true);
	/* In place, the worst way: cut to nothing under our feet, then rubbish. */
	assert_int_equal(truncate(r.path, 0), 0);
	assert_string_equal(judge(&r, "81.2.69.160").country, "GB");
	temp_write(r.dir, "bad", "rubbish", 7);
	unlink(r.path);
	engine_geo.tick(r.state, 1 * SECOND);			/* gone: nothing to do */
	engine_geo.tick(r.state, 2 * SECOND);
	assert_string_equal(judge(&r, "81.2.69.160").country, "GB");
	temp_write(r.dir, "db", "rubbish", 7);
	engine_geo.tick(r.state, 3 * SECOND);
	engine_geo.tick(r.state, 4 * SECOND);
	assert_string_equal(judge(&r, "81.2.69.160").country, "GB");
	db_replace(&r, moved, 1);
	engine_geo.tick(r.state, 5 * SECOND);
	engine_geo.tick(r.state, 6 * SECOND);
	assert_string_equal(judge(&r, "81.2.69.160").country, "FR");
	rig_close(&r);
}

static void
file_may_come_later(void **state)
{
	struct rig r;

	rig_open(&r, false);
	assert_string_equal(judge(&r, "81.2.69.160").country, "ZZ");
	db_replace(&r, world, sizeof(world) / sizeof(*world));
	engine_geo.tick(r.state, 1 * SECOND);
	engine_geo.tick(r.state, 2 * SECOND);
	assert_string_equal(judge(&r, "81.2.69.160").country, "GB");
	rig_close(&r);
}

static void
without_database_zz(void **state)
{
	struct spoad_conf c = {.geo = {(char *)(uintptr_t)"", (char *)(uintptr_t)""}};
	struct rig r = {.arena = arena_new(0)};

	assert_int_equal(engine_geo.configure(&r.state, &c, NULL), 0);
	assert_null(r.state);
	assert_null(engine_geo.thread_new(r.state));
	engine_geo.tick(r.state, SECOND);
	assert_string_equal(judge(&r, "81.2.69.160").country, "ZZ");
	engine_geo.release(&r.state);
	arena_free(&r.arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(database_is_read),
		cmocka_unit_test(special_addresses_are_nobodys),
		cmocka_unit_test(replaced_file_is_taken),
		cmocka_unit_test(spoilt_file_leaves_the_old_one),
		cmocka_unit_test(file_may_come_later),
		cmocka_unit_test(without_database_zz),
	};
	const struct CMUnitTest bare[] = {
		cmocka_unit_test(special_addresses_are_nobodys),
		cmocka_unit_test(without_database_zz),
	};

	log_init("test_geo", LOG_DEST_STDERR, LOG_ERR);
	return geo_db_supported() ? cmocka_run_group_tests(tests, NULL, NULL) :
	    cmocka_run_group_tests(bare, NULL, NULL);
}
