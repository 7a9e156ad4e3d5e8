/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/evline.h"
#include "control/store.h"
#include "control/store_private.h"
#include "tests/unit/control/ctl_test.h"

#define EVENTS	"SELECT count(*) FROM events"

static char *
db_path(void **state)
{
	return ctl_test_path(*state, "events.db");
}

static struct store *
store_new(void **state)
{
	struct store *s;
	bool aside = true;

	assert_int_equal(store_open(&s, db_path(state), &aside), 0);
	assert_false(aside);
	return s;
}

static int
put(struct store *s, const char *id, int64_t now_ms)
{
	char line[CTL_LINE];
	size_t n = ctl_test_line(line, id, "r");
	struct evline ev;
	const char *why;
	int r;

	assert_int_equal(evline_parse(&ev, line, n, &why), 0);
	r = store_put(s, &ev, line, n, now_ms);
	evline_clear(&ev);
	return r;
}

static int
put_n(struct store *s, const char *prefix, unsigned n)
{
	char id[64];
	int r = 0;

	for (unsigned i = 0; i < n && r >= 0; i++) {
		snprintf(id, sizeof(id), "%s%u", prefix, i);
		r = put(s, id, 1);
	}
	return r;
}

static void
batch(void **state)
{
	struct store *s = store_new(state);

	assert_int_equal(put(s, "a", 5), 1);
	assert_int_equal(put(s, "b", 6), 1);
	assert_int_equal(store_pending(s), 2);
	/* Others see it when the batch is on disk, not before. */
	assert_int_equal(ctl_test_sql(db_path(state), EVENTS), 0);
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(store_pending(s), 0);
	assert_int_equal(ctl_test_sql(db_path(state), EVENTS), 2);
	assert_int_equal(ctl_test_sql(db_path(state), "SELECT severity + score FROM events WHERE id = 'a'"
	    " AND ip = '192.0.2.7' AND request_id = 'r' AND received = 5 AND ts = 1767323045678"), 97);
	assert_int_equal(put(s, "c", 7), 1);
	store_rollback(s);
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(ctl_test_sql(db_path(state), EVENTS), 2);
	/* An open batch is lost with its process, as if it had never come. */
	assert_int_equal(put(s, "d", 8), 1);
	store_close(&s);
	assert_int_equal(ctl_test_sql(db_path(state), EVENTS), 2);
}

static void
dedupe(void **state)
{
	struct store *s = store_new(state);

	assert_int_equal(put(s, "a", 1), 1);
	assert_int_equal(put(s, "a", 1), 0);
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(put(s, "a", 2), 0);
	assert_int_equal(put(s, "A", 2), 1);
	assert_int_equal(store_commit(s), 0);
	store_close(&s);
	s = store_new(state);
	assert_int_equal(put(s, "a", 3), 0);
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(ctl_test_sql(db_path(state), EVENTS), 2);
	assert_int_equal(ctl_test_sql(db_path(state), "SELECT received FROM events WHERE id = 'a'"), 1);
	store_close(&s);
}

static void
quarantine(void **state)
{
	struct store *s = store_new(state);

	assert_int_equal(store_quarantine(s, "rub\0bish", 8, "p", "why", 10), 0);
	assert_int_equal(store_quarantine(s, "rub\0bish", 8, "p", "why", 20), 0);
	assert_int_equal(store_quarantine(s, "rub", 3, "p", "why", 20), 0);
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(ctl_test_sql(db_path(state), "SELECT count(*) FROM quarantine"), 2);
	assert_int_equal(ctl_test_sql(db_path(state), "SELECT seen * 1000 + last - first FROM quarantine"
	    " WHERE length = 8 AND source = 'p'"), 2010);
	/* sha256 of "rub", as coreutils has it */
	assert_int_equal(ctl_test_sql(db_path(state), "SELECT count(*) FROM quarantine WHERE"
	    " length(digest) = 64 AND length = 3"), 1);
	store_close(&s);
}

static void
pruning(void **state)
{
	struct store *s = store_new(state);

	assert_true(put_n(s, "e", 100) >= 0);
	assert_int_equal(store_commit(s), 0);
	/* 2026-01-02 is older than one millisecond later, and nothing is older than the epoch. */
	assert_int_equal(store_prune(s, 1, 0, 10), 0);
	assert_int_equal(store_prune(s, 0, 95, 10), 5);
	assert_int_equal(ctl_test_sql(db_path(state), "SELECT min(seq) FROM events"), 6);
	assert_int_equal(store_prune(s, 1767323045679, 95, 40), 40);
	assert_int_equal(store_prune(s, 1767323045679, 95, 40), 40);
	assert_int_equal(store_prune(s, 1767323045679, 95, 40), 15);
	assert_int_equal(ctl_test_sql(db_path(state), EVENTS), 0);
	/* A sequence number is never given out twice: followers count on it. */
	assert_int_equal(put(s, "new", 1), 1);
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(ctl_test_sql(db_path(state), "SELECT seq FROM events"), 101);
	store_close(&s);
}

static unsigned
set_aside(void **state)
{
	glob_t g = {0};
	unsigned n = 0;

	if (glob(ctl_test_path(*state, "events.db.corrupt-*"), 0, NULL, &g) == 0)
		n = (unsigned)g.gl_pathc;
	globfree(&g);
	return n;
}

static void
no_database(void **state)
{
	struct store *s;
	bool aside = false;

	ctl_test_file(db_path(state), "this is no database, and long enough to be taken for one", 56, false);
	assert_int_equal(store_open(&s, db_path(state), &aside), 0);
	assert_true(aside);
	assert_int_equal(set_aside(state), 1);
	assert_int_equal(put(s, "a", 1), 1);
	assert_int_equal(store_commit(s), 0);
	store_close(&s);
	assert_int_equal(ctl_test_sql(db_path(state), EVENTS), 1);
}

static void
newer_schema(void **state)
{
	struct store *s = store_new(state);

	store_close(&s);
	/* A pragma that sets yields no row; this one asks after setting. */
	{
		sqlite3 *db;

		assert_int_equal(sqlite3_open(db_path(state), &db), SQLITE_OK);
		assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 1000", NULL, NULL, NULL), SQLITE_OK);
		sqlite3_close(db);
	}
	assert_int_equal(store_open(&s, db_path(state), NULL), -EPROTO);
	assert_null(s);
	assert_int_equal(set_aside(state), 0);
}

static void
migration(void **state)
{
	struct store *s;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(db_path(state), &db), SQLITE_OK);
	assert_int_equal(store_migrate(db, 1), 0);
	assert_int_equal(sqlite3_exec(db, "INSERT INTO events (id, ts, received, node, layer, event,"
	    " severity, action, ttl_s, body) VALUES ('old', 1, 1, 'n', 'edge', 'x', 1, 'block', 0, '{}')",
	    NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	s = store_new(state);
	assert_int_equal(put(s, "old", 1), 0);
	assert_int_equal(put(s, "new", 1), 1);
	assert_int_equal(store_quarantine(s, "x", 1, "p", "why", 1), 0);
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(store_probe(s, 1), 0);
	store_close(&s);
	assert_int_equal(ctl_test_sql(db_path(state), "PRAGMA user_version"), store_schema_version());
}

static void
removed(void **state)
{
	struct store *s = store_new(state);

	assert_int_equal(unlink(db_path(state)), 0);
	assert_int_equal(put(s, "a", 1), 1);
	assert_int_equal(store_commit(s), -ESTALE);
	assert_int_equal(store_probe(s, 1), -ESTALE);
	store_close(&s);
	s = store_new(state);
	assert_int_equal(put(s, "a", 1), 1);
	assert_int_equal(store_commit(s), 0);
	store_close(&s);
}

static void
locked(void **state)
{
	struct store *s = store_new(state);
	sqlite3 *db;

	assert_int_equal(sqlite3_open(db_path(state), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(put(s, "a", 1), -EBUSY);
	assert_int_equal(store_pending(s), 0);
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(db);
	assert_int_equal(put(s, "a", 1), 1);
	assert_int_equal(store_commit(s), 0);
	store_close(&s);
}

/* A file size limit stands in for a full disk. */
static void
full_disk(void **state)
{
	struct rlimit old, tight;
	struct store *s = store_new(state);
	int r;

	signal(SIGXFSZ, SIG_IGN);
	assert_true(put_n(s, "before", 10) >= 0);
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tight = (struct rlimit){ 256 * 1024, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	r = put_n(s, "much", 5000);
	if (r >= 0)
		r = store_commit(s);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_true(r < 0);
	store_close(&s);
	assert_int_equal(ctl_test_sql(db_path(state), EVENTS), 10);
	s = store_new(state);
	assert_true(put_n(s, "much", 5000) >= 0);
	assert_int_equal(store_commit(s), 0);
	store_close(&s);
	assert_int_equal(ctl_test_sql(db_path(state), EVENTS), 5010);
	signal(SIGXFSZ, SIG_DFL);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, ctl_test_setup, ctl_test_teardown)
	const struct CMUnitTest tests[] = {
		T(batch), T(dedupe), T(quarantine), T(pruning), T(no_database), T(newer_schema), T(migration),
		T(removed), T(locked), T(full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
