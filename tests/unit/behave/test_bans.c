/* SPDX-License-Identifier: MIT */
/* Bans: how long, how often, who goes when it is full; the state file and the orders. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "haproxy-spoa/behave/ban_file.h"
#include "haproxy-spoa/behave/bans.h"
#include "lib/never_ban.h"
#include "tests/unit/lib/temp.h"

#define MIN	INT64_C(60000)
#define HOUR	(60 * MIN)
#define JA4	"t13d1516h2_8daaf6152771_b0da82dd1658"
#define AHEAD	INT64_C(1700000000000)	/* the epoch's clock */

static const struct sip_key key = {7, 9};
static const struct ban_times times = {.ms = {MIN, 5 * MIN, HOUR, 24 * HOUR}, .n = 4, .decay_ms = 6 * HOUR};

static struct ban_who
who(const char *kind, const char *id)
{
	struct ban_who w;

	assert_int_equal(ban_who_parse(&w, kind, id), 0);
	return w;
}

static int64_t
ban(struct bans *b, const struct ban_who *w, int64_t now)
{
	return bans_add(b, ban_hash(&key, w), w, "errors", &times, now, true, NULL);
}

static int64_t
left(const struct bans *b, const struct ban_who *w, int64_t now)
{
	unsigned level;

	return bans_left(b, ban_hash(&key, w), now, &level);
}

static void
ids_have_one_spelling(void **state)
{
	static const struct { const char *kind, *id, *want; } t[] = {
		{"ip", "192.0.2.7", "192.0.2.7"}, {"ip", "192.0.2.7/32", "192.0.2.7"}, {"ip", "::ffff:192.0.2.7", "192.0.2.7"},
		{"ip", "2001:DB8:0:1::5", "2001:db8:0:1::/64"}, {"ip", "2001:db8:0:1::/64", "2001:db8:0:1::/64"},
		{"ip", "192.0.2.0/24", NULL}, {"ip", "2001:db8::/32", NULL}, {"ip", "2001:db8::/65", NULL}, {"ip", "", NULL},
		{"key", "0123456789abcdef", "0123456789abcdef"}, {"key", "0123456789abcde", NULL},
		{"key", "0123456789ABCDEF", NULL}, {"key", "0123456789abcdef0", NULL},
		{"ja4", JA4, JA4}, {"ja4", JA4 "@192.0.2.7", JA4 "@192.0.2.7"}, {"ja4", JA4 "@2001:db8::9", JA4 "@2001:db8::/64"},
		{"ja4", "-@192.0.2.7", "-@192.0.2.7"}, {"ja4", "-", NULL}, {"ja4", "t13d", NULL}, {"ja4", JA4 "@", NULL},
		{"ja4", JA4 "x", NULL}, {"ja4", JA4 "@192.0.2.0/24", NULL}, {"user", "x", NULL},
	};
	struct ban_who w;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		assert_int_equal(ban_who_parse(&w, t[i].kind, t[i].id), t[i].want != NULL ? 0 : -EINVAL);
		if (t[i].want != NULL)
			assert_string_equal(w.id, t[i].want);
	}
}

/* 1 min, 5 min, 1 h, 24 h, 24 h; six hours without one, and the level is one lower. */
static void
bans_grow_and_are_forgotten(void **state)
{
	static const int64_t want[] = {MIN, 5 * MIN, HOUR, 24 * HOUR, 24 * HOUR};
	struct bans *b = bans_new(100, &key);
	struct ban_who w = who("ip", "192.0.2.7");
	int64_t now = 1000;
	unsigned level;

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		assert_int_equal(left(b, &w, now), 0);
		assert_int_equal(ban(b, &w, now), want[i]);
		assert_int_equal(left(b, &w, now), want[i]);
		assert_int_equal(ban(b, &w, now + 5), 0);	/* it is banned already */
		assert_int_equal(left(b, &w, now + want[i] - 1), 1);
		bans_left(b, ban_hash(&key, &w), now, &level);
		assert_int_equal(level, i + 1);
		now += want[i];
	}
	/* Level 5; three decays later a ban is the third. */
	now += 3 * 6 * HOUR;
	assert_int_equal(ban(b, &w, now), HOUR);
	now += HOUR + 3 * 6 * HOUR;
	bans_expire(b, &times, now - 1);
	assert_true(bans_left(b, ban_hash(&key, &w), now, &level) == 0 && level > 0);
	bans_expire(b, &times, now);
	bans_left(b, ban_hash(&key, &w), now, &level);
	assert_int_equal(level, 0);
	assert_int_equal(ban(b, &w, now), MIN);
	bans_free(&b);
}

static void
the_full_book_drops_the_least(void **state)
{
	struct bans *b = bans_new(BANS_MIN, &key);
	struct ban_who bad = who("ip", "192.0.2.7"), w;
	struct bans_stats st;
	char id[BAN_ID];
	int64_t now = 0;

	(void)state;
	for (int i = 0; i < 3; i++) {
		ban(b, &bad, now);
		now += 10 * MIN;
	}
	/* <bad> is in force for an hour, everybody else for a minute. */
	for (unsigned i = 0; i < 200; i++) {
		snprintf(id, sizeof(id), "10.0.0.%u", i);
		w = who("ip", id);
		assert_int_equal(ban(b, &w, now), MIN);
		assert_int_equal(left(b, &w, now), MIN);
	}
	bans_expire(b, &times, now);
	bans_stats(b, &st);
	assert_int_equal(st.active, st.places);
	assert_int_equal(st.remembered, st.places);
	assert_int_equal(st.dropped, 201 - st.places);
	assert_true(left(b, &bad, now) > 0);
	/* Ended ones are no loss. */
	now += 2 * MIN;
	w = who("ip", "10.0.1.1");
	ban(b, &w, now);
	bans_stats(b, &st);
	assert_int_equal(st.dropped, 201 - st.places);
	bans_free(&b);
}

/* ---- the state file --------------------------------------------------------------------------- */

static void
bans_survive_a_restart(void **state)
{
	struct bans *b = bans_new(100, &key), *again;
	struct ban_who ip = who("ip", "192.0.2.7"), net = who("ip", "2001:db8::1"), k = who("key", "00112233445566ff"),
	    pair = who("ja4", JA4 "@192.0.2.7");
	char dir[TEMP_PATH], path[TEMP_PATH + 16];
	struct sip_key other = {1, 1};
	unsigned level;
	size_t bad;

	(void)state;
	temp_new(dir);
	snprintf(path, sizeof(path), "%s/behave.state", dir);
	again = bans_new(100, &other);
	assert_int_equal(ban_state_load(path, again, 0, AHEAD, HOUR, &bad), 0);	/* the first start */
	ban(b, &ip, 5000);
	ban(b, &ip, 5000 + MIN);
	ban(b, &net, 5000 + 2 * MIN);
	ban(b, &k, 5000 + 2 * MIN);
	ban(b, &pair, 5000 + 2 * MIN);
	assert_int_equal(ban_state_save(path, b, 5000 + 2 * MIN, AHEAD), 0);
	assert_int_equal(temp_count(dir), 1);
	/* The clock of the new process begins elsewhere: it was booted in between. */
	assert_int_equal(ban_state_load(path, again, 0, AHEAD + 5000 + 2 * MIN + 10000, 24 * HOUR, &bad), 0);
	assert_int_equal(bad, 0);
	assert_int_equal(bans_left(again, ban_hash(&other, &ip), 0, &level), 4 * MIN - 10000);
	assert_int_equal(level, 2);
	assert_int_equal(bans_left(again, ban_hash(&other, &net), 0, &level), MIN - 10000);
	assert_int_equal(bans_left(again, ban_hash(&other, &k), 0, &level), MIN - 10000);
	assert_int_equal(bans_left(again, ban_hash(&other, &pair), 0, &level), MIN - 10000);
	bans_free(&b);
	bans_free(&again);
	temp_remove(dir);
}

static void
a_bad_state_file_does_no_harm(void **state)
{
	static const char text[] = "llmsec-behave 1\n"
	    "ip 192.0.2.1 1 1 99999999999999 errors\n"		/* until the year 5138: cut to what we would ban */
	    "ip 192.0.2.0/24 1 1 2 errors\nip 192.0.2.2 x 1 2 errors\nkey zz 1 1 2 errors\n\n"
	    "ip 192.0.2.3 1 1 99999999999999 bad\"reason\nip 192.0.2.4 1 1 99999999999999";
	struct ban_who first = who("ip", "192.0.2.1"), last = who("ip", "192.0.2.4");
	struct bans *b = bans_new(100, &key);
	char dir[TEMP_PATH], path[TEMP_PATH + 16];
	size_t bad;

	(void)state;
	temp_new(dir);
	snprintf(path, sizeof(path), "%s/s", dir);
	temp_write(dir, "s", text, sizeof(text) - 1);
	assert_int_equal(ban_state_load(path, b, 0, AHEAD, HOUR, &bad), 0);
	assert_int_equal(bad, 6);
	assert_int_equal(left(b, &first, 0), HOUR);
	assert_int_equal(left(b, &last, 0), 0);
	unlink(path);
	temp_write(dir, "s", "#!/bin/sh\n", 10);
	assert_int_equal(ban_state_load(path, b, 0, AHEAD, HOUR, &bad), -EBADMSG);
	snprintf(path, sizeof(path), "%s/none/s", dir);
	assert_int_equal(ban_state_save(path, b, 0, AHEAD), -ENOENT);
	bans_free(&b);
	temp_remove(dir);
}

/* ---- orders ----------------------------------------------------------------------------------- */

struct rig {
	struct bans		*b;
	struct ban_orders	 o;
	char			 dir[TEMP_PATH], path[TEMP_PATH + 16];
};

static void
rig_open(struct rig *r)
{
	*r = (struct rig){.b = bans_new(100, &key)};
	temp_new(r->dir);
	snprintf(r->path, sizeof(r->path), "%s/orders", r->dir);
	r->o.path = r->path;
}

static void
rig_close(struct rig *r)
{
	bans_free(&r->b);
	temp_remove(r->dir);
}

static void __attribute__((format(printf, 2, 3)))
order(struct rig *r, const char *fmt, ...)
{
	FILE *f = fopen(r->path, "ae");
	va_list ap;

	assert_non_null(f);
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fclose(f);
}

static void
follow(struct rig *r, const struct never_ban *never, int64_t now)
{
	assert_int_equal(ban_orders_read(&r->o, r->b, never, now, AHEAD), 0);
}

static void
orders_lift(void **state)
{
	struct ban_who ip = who("ip", "192.0.2.7"), net = who("ip", "2001:db8::1"), k = who("key", "00112233445566ff"),
	    pair = who("ja4", JA4 "@192.0.2.7"), wide = who("ja4", JA4);
	const struct ban_who *all[] = {&ip, &net, &k, &pair, &wide};
	struct rig r;

	(void)state;
	rig_open(&r);
	follow(&r, NULL, 0);	/* no file yet */
	for (size_t i = 0; i < 5; i++)
		ban(r.b, all[i], 1000);
	order(&r, "%" PRId64 " lift ip 192.0.2.0/24\n", AHEAD + 900);	/* older than the ban */
	follow(&r, NULL, 1100);
	assert_true(left(r.b, &ip, 1100) > 0);
	order(&r, "%" PRId64 " lift ip 192.0.2.0/24\n%" PRId64 " lift i", AHEAD + 1100, AHEAD + 1100);
	follow(&r, NULL, 1200);
	assert_int_equal(left(r.b, &ip, 1200), 0);
	assert_int_equal(left(r.b, &pair, 1200), 0);	/* it is at that address */
	assert_true(left(r.b, &net, 1200) > 0);
	order(&r, "p 2001:db8::77\n");			/* the rest of the line; its /64 */
	follow(&r, NULL, 1300);
	assert_int_equal(left(r.b, &net, 1300), 0);
	assert_true(left(r.b, &wide, 1300) > 0);
	order(&r, "%" PRId64 " lift ja4 " JA4 "\n", AHEAD + 1300);
	follow(&r, NULL, 1400);
	assert_int_equal(left(r.b, &wide, 1400), 0);
	assert_true(left(r.b, &k, 1400) > 0);
	order(&r, "%" PRId64 " lift key 00112233445566ff\n", AHEAD + 1300);
	follow(&r, NULL, 1400);
	assert_int_equal(left(r.b, &k, 1400), 0);
	assert_int_equal(r.o.n_done, 5);
	assert_int_equal(r.o.n_bad, 0);
	/* Lifted is lifted: what is still in the window bans nobody, and the level is back to the first. */
	assert_int_equal(ban(r.b, &ip, 30000), 0);
	assert_int_equal(ban(r.b, &ip, 1200 + BANS_GRACE_MS), MIN);
	order(&r, "%" PRId64 " lift all -\n", AHEAD + 2 * HOUR);
	follow(&r, NULL, 2 * HOUR);
	assert_int_equal(left(r.b, &ip, 1300 + BANS_GRACE_MS), 0);
	rig_close(&r);
}

static void
orders_ban(void **state)
{
	struct ban_who k = who("key", "00112233445566ff"), mine = who("ip", "192.0.2.10"), other = who("ip", "192.0.2.11");
	struct never_ban *never;
	struct rig r;
	unsigned line;
	char path[TEMP_PATH + 16];

	(void)state;
	rig_open(&r);
	temp_write(r.dir, "never", "192.0.2.10\n", 11);
	snprintf(path, sizeof(path), "%s/never", r.dir);
	assert_int_equal(never_ban_load(&never, path, &line), 0);
	order(&r, "%" PRId64 " ban key 00112233445566ff 3600\n%" PRId64 " ban ip 192.0.2.10 60\n%" PRId64
	    " ban ip 192.0.2.11 60\n", AHEAD + 1000, AHEAD + 1000, AHEAD + 1000);
	follow(&r, never, 2000);
	assert_int_equal(left(r.b, &k, 2000), HOUR - 1000);
	assert_int_equal(left(r.b, &mine, 2000), 0);
	assert_int_equal(left(r.b, &other, 2000), MIN - 1000);
	/* Read again from the beginning, after a restart: nothing changes, and what has ended stays ended. */
	r.o = (struct ban_orders){.path = r.path};
	follow(&r, never, 2 * MIN);
	assert_int_equal(left(r.b, &k, 2 * MIN), HOUR + 1000 - 2 * MIN);
	assert_int_equal(left(r.b, &other, 2 * MIN), 0);
	never_ban_free(&never);
	rig_close(&r);
}

static void
orders_are_not_trusted(void **state)
{
	struct rig r;
	char path[TEMP_PATH + 16], *big = malloc(200000);

	(void)state;
	rig_open(&r);
	order(&r, "nonsense\n\n1 lift\n1 lift ip\n1 lift ip 999.1.1.1\n1 lift all *\n1 ban ip 192.0.2.1 0\n1 ban ip 192.0.2.1 -5\n"
	    "1 ban ip 192.0.2.1 99999999999\n1 lift ip 192.0.2.1 x\n 1 lift all -\n1  lift all -\n1 LIFT all -\n");
	follow(&r, NULL, 0);
	assert_int_equal(r.o.n_bad, 13);
	assert_int_equal(r.o.n_done, 0);
	/* A line without end is given up, not waited for. */
	memset(big, 'x', 200000);
	big[199999] = '\n';
	order(&r, "%.*s1 lift all -\n", 200000, big);
	follow(&r, NULL, 0);
	assert_int_equal(r.o.n_done, 1);
	/* Replaced by a shorter one: read from its beginning. */
	snprintf(path, sizeof(path), "%s/orders.new", r.dir);
	temp_write(r.dir, "orders.new", "1 lift all -\n", 13);
	assert_int_equal(rename(path, r.path), 0);
	follow(&r, NULL, 0);
	assert_int_equal(r.o.n_done, 2);
	follow(&r, NULL, 0);
	assert_int_equal(r.o.n_done, 2);
	/* By a longer one. */
	temp_write(r.dir, "orders.new", "1 lift all -\n1 lift all -\n1 lift all -\n", 39);
	assert_int_equal(rename(path, r.path), 0);
	follow(&r, NULL, 0);
	assert_int_equal(r.o.n_done, 5);
	/* Begun anew in place. */
	assert_int_equal(truncate(r.path, 0), 0);
	order(&r, "1 lift all -\n");
	follow(&r, NULL, 0);
	assert_int_equal(r.o.n_done, 6);
	/* Not a file. */
	r.o = (struct ban_orders){.path = r.dir};
	assert_int_equal(ban_orders_read(&r.o, r.b, NULL, 0, AHEAD), -EINVAL);
	free(big);
	rig_close(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_have_one_spelling), cmocka_unit_test(bans_grow_and_are_forgotten),
		cmocka_unit_test(the_full_book_drops_the_least), cmocka_unit_test(bans_survive_a_restart),
		cmocka_unit_test(a_bad_state_file_does_no_harm), cmocka_unit_test(orders_lift),
		cmocka_unit_test(orders_ban), cmocka_unit_test(orders_are_not_trusted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
