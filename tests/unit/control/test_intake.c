/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "control/collector.h"
#include "tests/unit/control/ctl_test.h"
#include "tests/unit/control/intake_rig.h"

static void
session(void **state)
{
	struct rig *r = *state;
	int spool = spool_make(r, "p-1-1.spool"), fd;

	spool_add(spool, "early");
	fd = dial(r);
	say(fd, "H 1 p-1-1.spool");
	hear_ack(r, fd, 0);
	/* An acknowledged hello means that what was spooled is on disk. */
	assert_int_equal(ctl_test_sql(r->db, EVENTS), 1);
	spool_add(spool, "a");
	say_event(fd, 1, "a");
	spool_add(spool, "b");
	say_event(fd, 2, "b");
	hear_ack(r, fd, 2);
	assert_int_equal(ctl_test_sql(r->db, EVENTS), 3);
	/* Written and not sent before the sender died. */
	spool_add(spool, "late");
	close(fd);
	close(spool);
	await_no_spool(r, "p-1-1.spool");
	assert_int_equal(ctl_test_sql(r->db, EVENTS), 4);
	assert_int_equal(ctl_test_sql(r->db, REJECTS), 0);
}

/* A spool that takes several batches: no acknowledgement before the last of them is on disk. */
static void
long_spool(void **state)
{
	struct rig *r = *state;
	int spool = spool_make(r, "p-1-1.spool"), fd;
	char id[16], text[64];

	for (unsigned i = 0; i < 3000; i++) {
		snprintf(id, sizeof(id), "s%u", i);
		spool_add(spool, id);
	}
	fd = dial(r);
	say(fd, "H 1 p-1-1.spool");
	say_event(fd, 1, "e");
	hear(r, fd, text);
	assert_string_equal(text, "A 1");
	assert_int_equal(ctl_test_sql(r->db, EVENTS), 3001);
	close(fd);
	close(spool);
}

/* What lib/event.c does when its spool is full: a new one, announced on the same connection. */
static void
rotation(void **state)
{
	struct rig *r = *state;
	int old = spool_make(r, "p-1-1.spool"), fresh, fd = dial(r);
	char id[16];

	say(fd, "H 1 p-1-1.spool");
	hear_ack(r, fd, 0);
	for (unsigned i = 1; i <= 200; i++) {
		snprintf(id, sizeof(id), "old%u", i);
		spool_add(old, id);
		say_event(fd, i, id);
		if (i % 50 == 0)
			hear_ack(r, fd, i);
	}
	spool_add(old, "last");
	say_event(fd, 201, "last");
	fresh = spool_make(r, "p-1-2.spool");
	say(fd, "H 1 p-1-2.spool");
	for (unsigned i = 202; i <= 250; i++) {
		snprintf(id, sizeof(id), "new%u", i);
		spool_add(fresh, id);
		say_event(fd, i, id);
	}
	hear_ack(r, fd, 250);
	assert_int_equal(ctl_test_sql(r->db, EVENTS), 250);
	/* Its owner's to remove: while it is locked the collector leaves it alone. */
	assert_true(spool_there(r, "p-1-1.spool"));
	/* Once more, and then both are a dead sender's. */
	spool_add(fresh, "unsent");
	close(fd);
	close(old);
	close(fresh);
	await_no_spool(r, "p-1-1.spool");
	await_no_spool(r, "p-1-2.spool");
	assert_int_equal(ctl_test_sql(r->db, EVENTS), 251);
	assert_int_equal(ctl_test_sql(r->db, REJECTS), 0);
}

/* The collector dies between the rotation and its acknowledgement. */
static void
rotation_and_restart(void **state)
{
	struct rig *r = *state;
	int old = spool_make(r, "p-1-1.spool"), fresh, fd = dial(r);

	say(fd, "H 1 p-1-1.spool");
	hear_ack(r, fd, 0);
	spool_add(old, "a");
	say_event(fd, 1, "a");
	fresh = spool_make(r, "p-1-2.spool");
	say(fd, "H 1 p-1-2.spool");
	spool_add(fresh, "b");
	say_event(fd, 2, "b");
	rig_stop(r);
	rig_start(r);
	hear_hangup(r, fd);
	/* lib/event.c lets go of the old one and announces the new one. */
	close(old);
	fd = dial(r);
	say(fd, "H 1 p-1-2.spool");
	hear_ack(r, fd, 0);
	await_no_spool(r, "p-1-1.spool");
	await_sql(r, EVENTS, 2);
	close(fresh);
	close(fd);
}

/* The acknowledgement of an unread spool's successor would let its lines be deleted. */
static void
hasty_hello(void **state)
{
	struct rig *r = *state;
	int a = spool_make(r, "p-1-1.spool"), b = spool_make(r, "p-1-2.spool"), fd = dial(r);

	spool_add(a, "a");
	say(fd, "H 1 p-1-1.spool");
	say(fd, "H 1 p-1-2.spool");
	hear_hangup(r, fd);
	close(a);
	close(b);
	await_no_spool(r, "p-1-1.spool");
	assert_int_equal(ctl_test_sql(r->db, EVENTS), 1);
}

static void
protocol_errors(void **state)
{
	static const char *const openings[] = {
		"E 1 {}", "H 2 p-1-1.spool", "H 1 ../events.db", "H 1 none.spool", "H 1 ", "H", "X", "H 1 p\n",
		"A 1", "\xff\xff",
	};
	static const char *const after_hello[] = { "E 2 {}", "E 0 {}", "E 1", "E x {}", "E 1{}", "E  1 {}", "e 1 {}",
		"E 18446744073709551617 {}" };
	struct rig *r = *state;
	int spool = spool_make(r, "p-1-1.spool"), fd;

	for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
		fd = dial(r);
		say(fd, openings[i]);
		hear_hangup(r, fd);
	}
	for (size_t i = 0; i < sizeof(after_hello) / sizeof(after_hello[0]); i++) {
		fd = dial(r);
		say(fd, "H 1 p-1-1.spool");
		say(fd, after_hello[i]);
		hear_hangup(r, fd);
	}
	await_sql(r, REJECTS, 18);
	assert_int_equal(ctl_test_sql(r->db, EVENTS), 0);
	close(spool);
}

/* No event, but the protocol is kept: put aside, acknowledged, and the connection lives. */
static void
malformed(void **state)
{
	struct rig *r = *state;
	int spool = spool_make(r, "p-1-1.spool"), fd = dial(r);

	say(fd, "H 1 p-1-1.spool");
	say(fd, "E 1 {\"v\":1}");
	say_event(fd, 2, "a");
	hear_ack(r, fd, 2);
	assert_int_equal(ctl_test_sql(r->db, EVENTS), 1);
	assert_int_equal(ctl_test_sql(r->db, REJECTS), 1);
	close(fd);
	close(spool);
}

static void
twice(void **state)
{
	struct rig *r = *state;
	int sa = spool_make(r, "p-1-1.spool"), sb = spool_make(r, "q-2-1.spool"), a = dial(r), b = dial(r);

	say(a, "H 1 p-1-1.spool");
	say(b, "H 1 q-2-1.spool");
	say_event(a, 1, "same");
	say_event(b, 1, "same");
	say_event(b, 2, "other");
	hear_ack(r, a, 1);
	hear_ack(r, b, 2);
	assert_int_equal(ctl_test_sql(r->db, EVENTS), 2);
	close(a);
	close(b);
	close(sa);
	close(sb);
}

/* Pages that are no pages any more, found while running: aside with them, and the spool brings all again. */
static void
heals(void **state)
{
	static char junk[4096];
	struct rig *r = *state;
	int spool = spool_make(r, "p-1-1.spool"), fd = dial(r);
	struct stat st;
	char pattern[320], id[16];
	glob_t g = {0};

	say(fd, "H 1 p-1-1.spool");
	for (unsigned i = 1; i <= 100; i++) {
		snprintf(id, sizeof(id), "e%u", i);
		spool_add(spool, id);
		say_event(fd, i, id);
		if (i % 50 == 0)
			hear_ack(r, fd, i);
	}
	close(fd);
	rig_stop(r);	/* closing brings the WAL into the file */
	assert_int_equal(stat(r->db, &st), 0);
	memset(junk, 0xa5, sizeof(junk));
	fd = open(r->db, O_WRONLY | O_CLOEXEC);
	for (off_t off = 4096; off < st.st_size; off += 4096)
		assert_int_equal(pwrite(fd, junk, sizeof(junk), off), (ssize_t)sizeof(junk));
	close(fd);
	rig_start(r);
	await_sql(r, EVENTS, 100);
	snprintf(pattern, sizeof(pattern), "%s.corrupt-*", r->db);
	assert_int_equal(glob(pattern, 0, NULL, &g), 0);
	globfree(&g);
	close(spool);
}

/* Somebody holds the database's write lock: nothing is acknowledged, and nothing lost. */
static void
busy(void **state)
{
	struct rig *r = *state;
	int spool = spool_make(r, "p-1-1.spool"), fd = dial(r);
	sqlite3 *db;

	say(fd, "H 1 p-1-1.spool");
	hear_ack(r, fd, 0);
	assert_int_equal(sqlite3_open(r->db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	spool_add(spool, "a");
	say_event(fd, 1, "a");
	hear_hangup(r, fd);
	assert_false(collector_ok(r->collector));
	assert_string_not_equal(collector_error(r->collector), "");
	fd = dial(r);
	hear_hangup(r, fd);
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(db);
	await_sql(r, EVENTS, 1);
	assert_true(collector_ok(r->collector));
	fd = dial(r);
	say(fd, "H 1 p-1-1.spool");
	say_event(fd, 1, "b");
	hear_ack(r, fd, 1);
	assert_int_equal(ctl_test_sql(r->db, EVENTS), 2);
	close(fd);
	close(spool);
}

/* What a sender leaves that crashed over and over: more spools than descriptors. */
static void
crowd(void **state)
{
	struct rig *r = *state;
	struct rlimit old, tight;
	char name[32], id[16];
	int fd, spool;

	rig_stop(r);
	for (unsigned i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "p-%u-1.spool", i);
		snprintf(id, sizeof(id), "e%u", i);
		spool = spool_make(r, name);
		spool_add(spool, id);
		close(spool);
	}
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	tight = (struct rlimit){ 100, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	rig_start(r);
	/* A living one is served meanwhile. */
	spool = spool_make(r, "q-1-1.spool");
	spool_add(spool, "live");
	fd = dial(r);
	say(fd, "H 1 q-1-1.spool");
	hear_ack(r, fd, 0);
	await_sql(r, EVENTS, 501);
	for (unsigned i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "p-%u-1.spool", i);
		await_no_spool(r, name);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	close(fd);
	close(spool);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		T(session), T(long_spool), T(rotation), T(rotation_and_restart), T(hasty_hello), T(protocol_errors),
		T(malformed), T(twice), T(heals), T(busy), T(crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
