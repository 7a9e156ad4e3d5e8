/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "control/store_private.h"

/*
 * Step <n> leads from version n to n+1.  A step that was released never changes; a new schema is a
 * new step at the end.
 */
static const char *const steps[] = {
	/* 1: events.  <seq> is the order of arrival, which clients use to page and to follow. */
	"CREATE TABLE events ("
	" seq INTEGER PRIMARY KEY AUTOINCREMENT,"
	" id TEXT NOT NULL UNIQUE,"
	" ts INTEGER NOT NULL,"		/* ms since the epoch, the sender's clock */
	" received INTEGER NOT NULL,"	/* ms, ours */
	" node TEXT NOT NULL, layer TEXT NOT NULL, event TEXT NOT NULL,"
	" severity INTEGER NOT NULL, score INTEGER, action TEXT NOT NULL,"
	" ip TEXT, ja4 TEXT, actor_key TEXT, actor_user TEXT, request_id TEXT, target TEXT,"
	" ttl_s INTEGER NOT NULL,"
	" body TEXT NOT NULL);"		/* the line as it came */
	"CREATE INDEX events_ts ON events(ts);"
	"CREATE INDEX events_ip ON events(ip, ts) WHERE ip IS NOT NULL;"
	"CREATE INDEX events_request ON events(request_id) WHERE request_id IS NOT NULL;"
	"CREATE INDEX events_event ON events(event, ts);",

	/* 2: what was no event, and one row that proves the file can be written. */
	"CREATE TABLE quarantine ("
	" digest TEXT PRIMARY KEY, length INTEGER NOT NULL, why TEXT NOT NULL,"
	" source TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
	" seen INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX quarantine_last ON quarantine(last);"
	"CREATE TABLE heartbeat (one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL);",
};

int
store_schema_version(void)
{
	return (int)(sizeof(steps) / sizeof(steps[0]));
}

int
store_errno(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_PERM:
	case SQLITE_READONLY:
	case SQLITE_AUTH:
		return -EACCES;
	default:
		return -EIO;
	}
}

static int
version_get(sqlite3 *db, int *version)
{
	sqlite3_stmt *q = NULL;
	int rc;

	rc = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &q, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(q);
	*version = rc == SQLITE_ROW ? sqlite3_column_int(q, 0) : 0;
	sqlite3_finalize(q);
	return store_errno(rc);
}

static int
step_run(sqlite3 *db, const char *const *step, int from)
{
	char set[48];
	int rc;

	snprintf(set, sizeof(set), "PRAGMA user_version = %d", from + 1);
	rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, step[from], NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, set, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (rc != SQLITE_OK && !sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return store_errno(rc);
}

int
store_migrate_steps(sqlite3 *db, const char *const *step, int n, int target)
{
	int version, r;

	r = version_get(db, &version);
	if (r < 0)
		return r;
	if (version < 0 || version > n)
		return -EPROTO;
	if (target == 0)
		target = n;
	for (; version < target; version++) {
		r = step_run(db, step, version);
		if (r < 0)
			return r;
	}
	return 0;
}

int
store_migrate(sqlite3 *db, int target)
{
	return store_migrate_steps(db, steps, store_schema_version(), target);
}
