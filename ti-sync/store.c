/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ti-sync/store.h"
#include "ti-sync/store_private.h"

/* Each step brings the version before it one further: PRAGMA user_version counts them. */
static const char *const migrations[] = {
	"CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE run (id INTEGER PRIMARY KEY AUTOINCREMENT, started INTEGER NOT NULL, finished INTEGER, report TEXT);"
	"CREATE TABLE feed (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, url TEXT NOT NULL DEFAULT '',"
	" etag TEXT NOT NULL DEFAULT '', modified TEXT NOT NULL DEFAULT '', sha256 TEXT NOT NULL DEFAULT '',"
	" format TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '', checked INTEGER NOT NULL DEFAULT 0,"
	" success INTEGER NOT NULL DEFAULT 0, names INTEGER NOT NULL DEFAULT 0, nets INTEGER NOT NULL DEFAULT 0,"
	" refused INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0,"
	" parse_version INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE entry (feed INTEGER NOT NULL, kind INTEGER NOT NULL, key BLOB NOT NULL, first INTEGER NOT NULL,"
	" gone INTEGER NOT NULL, PRIMARY KEY (feed, kind, key)) WITHOUT ROWID;"
	"CREATE TABLE change (feed INTEGER NOT NULL, kind INTEGER NOT NULL, key BLOB NOT NULL, run INTEGER NOT NULL,"
	" what TEXT NOT NULL, PRIMARY KEY (feed, kind, key, run)) WITHOUT ROWID;"
	"CREATE INDEX change_run ON change (feed, run);",
};
#define SCHEMA	((int)(sizeof(migrations) / sizeof(*migrations)))

static int
exec(struct ti_store *st, const char *sql)
{
	return sqlite3_exec(st->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : -EIO;
}

static int
version_get(struct ti_store *st)
{
	sqlite3_stmt *q = NULL;
	int v = -1;

	if (sqlite3_prepare_v2(st->db, "PRAGMA user_version", -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW)
		v = sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	return v;
}

static int
migrate(struct ti_store *st, bool readonly)
{
	int v = version_get(st);
	char pragma[64];

	if (v < 0)
		return -EIO;
	if (v > SCHEMA || (readonly && v < SCHEMA))
		return -EPROTO;
	for (; v < SCHEMA; v++) {
		snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d", v + 1);
		if (exec(st, "BEGIN IMMEDIATE") < 0 || exec(st, migrations[v]) < 0 || exec(st, pragma) < 0 ||
		    exec(st, "COMMIT") < 0)
			return -EIO;
	}
	return 0;
}

static int
setup(struct ti_store *st, const char *path, int flags)
{
	int err;

	sqlite3_close_v2(st->db);
	st->db = NULL;
	if (sqlite3_open_v2(path, &st->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return -EIO;
	sqlite3_busy_timeout(st->db, 30000);
	err = exec(st, "PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF");
	if (err == 0 && !st->readonly)
		err = exec(st, "PRAGMA page_size = 8192; PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL");
	return err == 0 ? migrate(st, st->readonly) : err;
}

/*
 * A rollback journal and no WAL: a first import only adds pages, which are then written once and not twice.
 * Whoever asks meanwhile waits for a commit at most.  After a run that was killed the journal has to be played
 * back, which a connection that may only read can't do: then one that may write asks.
 */
int
ti_store_open(struct ti_store **out, const char *path, bool readonly)
{
	struct ti_store *st = calloc(1, sizeof(*st));
	int err;

	/* Counting memory takes a lock for each allocation; nobody asks.  Refused, harmlessly, after the first time. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	*out = NULL;
	if (st == NULL)
		return -ENOMEM;
	st->readonly = readonly;
	err = setup(st, path != NULL ? path : ":memory:", readonly ? SQLITE_OPEN_READONLY :
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
	if (err == -EIO && readonly)
		err = setup(st, path, SQLITE_OPEN_READWRITE);
	if (err < 0)
		ti_store_close(&st);
	*out = st;
	return err;
}

void
ti_store_close(struct ti_store **sp)
{
	struct ti_store *st = *sp;

	*sp = NULL;
	if (st == NULL)
		return;
	sqlite3_close_v2(st->db);
	free(st);
}

const char *
ti_store_error(const struct ti_store *st)
{
	return st != NULL ? sqlite3_errmsg(st->db) : "can't open it";
}

sqlite3_stmt *
ti_store_prepare(struct ti_store *st, const char *sql)
{
	sqlite3_stmt *q = NULL;

	if (sqlite3_prepare_v2(st->db, sql, -1, &q, NULL) != SQLITE_OK)
		return NULL;
	return q;
}

int
ti_store_done(sqlite3_stmt *q)
{
	int r = q != NULL ? sqlite3_step(q) : SQLITE_ERROR;

	sqlite3_finalize(q);
	return r == SQLITE_DONE || r == SQLITE_ROW ? 0 : -EIO;
}

/* A statement with numbers alone; its first column. */
static int64_t
ask(struct ti_store *st, const char *sql, int64_t a, int64_t none)
{
	sqlite3_stmt *q = ti_store_prepare(st, sql);
	int64_t v = none;

	if (q != NULL && sqlite3_bind_int64(q, 1, a) >= 0 && sqlite3_step(q) == SQLITE_ROW &&
	    sqlite3_column_type(q, 0) != SQLITE_NULL)
		v = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return v;
}

int
ti_store_begin(struct ti_store *st)
{
	return exec(st, "BEGIN IMMEDIATE");
}

int
ti_store_commit(struct ti_store *st)
{
	return exec(st, "COMMIT");
}

void
ti_store_rollback(struct ti_store *st)
{
	exec(st, "ROLLBACK");
}

/* ---- runs ---------------------------------------------------------------------------------------- */

int
ti_store_run_begin(struct ti_store *st, time_t now, int64_t *run)
{
	sqlite3_stmt *q = ti_store_prepare(st, "INSERT INTO run (started) VALUES (?)");

	sqlite3_bind_int64(q, 1, now);
	if (ti_store_done(q) < 0)
		return -EIO;
	*run = sqlite3_last_insert_rowid(st->db);
	return 0;
}

int
ti_store_run_end(struct ti_store *st, int64_t run, time_t now, const char *report)
{
	sqlite3_stmt *q = ti_store_prepare(st, "UPDATE run SET finished = ?, report = ? WHERE id = ?");

	sqlite3_bind_int64(q, 1, now);
	sqlite3_bind_text(q, 2, report, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 3, run);
	return ti_store_done(q);
}

int64_t
ti_store_run_after(struct ti_store *st, time_t t)
{
	return ask(st, "SELECT min(id) FROM run WHERE started > ?", t, INT64_MAX);
}

time_t
ti_store_run_time(struct ti_store *st, int64_t run)
{
	return (time_t)ask(st, "SELECT started FROM run WHERE id = ?", run, 0);
}

int64_t
ti_store_last_loss(struct ti_store *st, int64_t feed, int64_t before)
{
	sqlite3_stmt *q = ti_store_prepare(st, "SELECT max(run) FROM change WHERE feed = ? AND run < ? AND what = '-'");
	int64_t v = 0;

	sqlite3_bind_int64(q, 1, feed);
	sqlite3_bind_int64(q, 2, before);
	if (q != NULL && sqlite3_step(q) == SQLITE_ROW)
		v = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return v;
}

int64_t
ti_store_last_run(struct ti_store *st)
{
	return ask(st, "SELECT max(id) FROM run WHERE finished > ?", 0, 0);
}

/* ---- feeds --------------------------------------------------------------------------------------- */

static void
column_text(char *out, size_t size, sqlite3_stmt *q, int i)
{
	const unsigned char *t = sqlite3_column_text(q, i);

	snprintf(out, size, "%s", t != NULL ? (const char *)t : "");
}

int
ti_store_feed_get(struct ti_store *st, const char *name, struct ti_feed_row *f)
{
	sqlite3_stmt *q = ti_store_prepare(st, "INSERT INTO feed (name) VALUES (?) ON CONFLICT DO NOTHING");
	int r;

	memset(f, 0, sizeof(*f));
	if (!st->readonly) {
		sqlite3_bind_text(q, 1, name, -1, SQLITE_STATIC);
		if (ti_store_done(q) < 0)
			return -EIO;
	} else {
		sqlite3_finalize(q);
	}
	q = ti_store_prepare(st, "SELECT id, url, etag, modified, sha256, format, error, checked, success, names, nets,"
	    " refused, bytes, parse_version FROM feed WHERE name = ?");
	sqlite3_bind_text(q, 1, name, -1, SQLITE_STATIC);
	r = q != NULL ? sqlite3_step(q) : SQLITE_ERROR;
	if (r == SQLITE_ROW) {
		f->id = sqlite3_column_int64(q, 0);
		column_text(f->url, sizeof(f->url), q, 1);
		column_text(f->etag, sizeof(f->etag), q, 2);
		column_text(f->modified, sizeof(f->modified), q, 3);
		column_text(f->sha256, sizeof(f->sha256), q, 4);
		column_text(f->format, sizeof(f->format), q, 5);
		column_text(f->error, sizeof(f->error), q, 6);
		f->checked = sqlite3_column_int64(q, 7);
		f->success = sqlite3_column_int64(q, 8);
		f->names = sqlite3_column_int64(q, 9);
		f->nets = sqlite3_column_int64(q, 10);
		f->refused = sqlite3_column_int64(q, 11);
		f->bytes = sqlite3_column_int64(q, 12);
		f->parse_version = sqlite3_column_int64(q, 13);
	}
	sqlite3_finalize(q);
	return r == SQLITE_ROW ? 0 : r == SQLITE_DONE ? -ENOENT : -EIO;
}

int
ti_store_feed_put(struct ti_store *st, const struct ti_feed_row *f)
{
	sqlite3_stmt *q = ti_store_prepare(st, "UPDATE feed SET url = ?, etag = ?, modified = ?, sha256 = ?, format = ?,"
	    " error = ?, checked = ?, success = ?, names = ?, nets = ?, refused = ?, bytes = ?, parse_version = ?"
	    " WHERE id = ?");
	const char *const text[] = {f->url, f->etag, f->modified, f->sha256, f->format, f->error};
	const int64_t number[] = {f->checked, f->success, f->names, f->nets, f->refused, f->bytes, f->parse_version, f->id};

	for (int i = 0; i < 6; i++)
		sqlite3_bind_text(q, 1 + i, text[i], -1, SQLITE_STATIC);
	for (int i = 0; i < 8; i++)
		sqlite3_bind_int64(q, 7 + i, number[i]);
	return ti_store_done(q);
}

int
ti_store_meta_get(struct ti_store *st, const char *key, char *out, size_t size)
{
	sqlite3_stmt *q = ti_store_prepare(st, "SELECT value FROM meta WHERE key = ?");
	int r;

	out[0] = '\0';
	sqlite3_bind_text(q, 1, key, -1, SQLITE_STATIC);
	r = q != NULL ? sqlite3_step(q) : SQLITE_ERROR;
	if (r == SQLITE_ROW)
		column_text(out, size, q, 0);
	sqlite3_finalize(q);
	return r == SQLITE_ROW || r == SQLITE_DONE ? 0 : -EIO;
}

int
ti_store_meta_put(struct ti_store *st, const char *key, const char *value)
{
	sqlite3_stmt *q = ti_store_prepare(st, "INSERT OR REPLACE INTO meta VALUES (?, ?)");

	sqlite3_bind_text(q, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 2, value, -1, SQLITE_STATIC);
	return ti_store_done(q);
}
