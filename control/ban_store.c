/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/ban_list.h"
#include "control/ban_store.h"
#include "control/store.h"
#include "control/store_private.h"
#include "lib/log.h"

/* As in store_schema.c: a step that was released never changes. */
static const char *const steps[] = {
	"CREATE TABLE bans (cidr TEXT PRIMARY KEY, scope TEXT NOT NULL, reason TEXT NOT NULL,"
	" added INTEGER NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;"	/* ms since the epoch */
	"CREATE INDEX bans_expires ON bans(expires);",
	/* An edge's votes; '' is this one. */
	"CREATE TABLE votes (cidr TEXT NOT NULL, edge TEXT NOT NULL, scope TEXT NOT NULL, made_by TEXT NOT NULL,"
	" reason TEXT NOT NULL, added INTEGER NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY (cidr, edge)) WITHOUT ROWID;"
	"CREATE INDEX votes_expires ON votes(expires);"
	"INSERT INTO votes SELECT cidr, '', scope, 'operator', reason, added, expires FROM bans;"
	"DROP TABLE bans;",
};

enum { Q_PUT, Q_DELETE, Q_DELETE_ALL, Q_EXPIRE, Q_N };

static const char *const sql[Q_N] = {
	[Q_PUT] = "INSERT OR REPLACE INTO votes VALUES (?1,?2,?3,?4,?5,?6,?7)",
	[Q_DELETE] = "DELETE FROM votes WHERE cidr = ?1 AND edge = ?2",
	[Q_DELETE_ALL] = "DELETE FROM votes WHERE cidr = ?1",
	[Q_EXPIRE] = "DELETE FROM votes WHERE expires <= ?1",
};

struct ban_store {
	sqlite3		*db;
	sqlite3_stmt	*q[Q_N];
};

static int
connect_to(struct ban_store *s, const char *path)
{
	static const char settings[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
	    "PRAGMA trusted_schema = OFF;";
	int r, rc;

	rc = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (rc == SQLITE_OK)
		sqlite3_busy_timeout(s->db, 1000);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->db, settings, NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return store_errno(rc);
	r = store_migrate_steps(s->db, steps, sizeof(steps) / sizeof(steps[0]), 0);
	for (int i = 0; r == 0 && i < Q_N; i++)
		r = store_errno(sqlite3_prepare_v3(s->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
		    &s->q[i], NULL));
	return r;
}

static void
disconnect(struct ban_store *s)
{
	for (int i = 0; i < Q_N; i++) {
		sqlite3_finalize(s->q[i]);
		s->q[i] = NULL;
	}
	sqlite3_close(s->db);
	s->db = NULL;
}

int
ban_store_open(struct ban_store **out, const char *path)
{
	struct ban_store *s = calloc(1, sizeof(*s));
	int r;

	*out = NULL;
	if (s == NULL)
		return -ENOMEM;
	r = connect_to(s, path);
	if (r == -EBADMSG) {
		log_err("%s is damaged; moving it to %s.corrupt-* and beginning a new one", path, path);
		disconnect(s);
		r = store_set_aside(path);
		if (r == 0)
			r = connect_to(s, path);
	}
	if (r < 0) {
		log_err("cannot open %s: %s", path, r == -EPROTO ?
		    "its schema is newer than this program" : strerror(-r));
		ban_store_close(&s);
	}
	*out = s;
	return r;
}

void
ban_store_close(struct ban_store **sp)
{
	if (*sp == NULL)
		return;
	disconnect(*sp);
	free(*sp);
	*sp = NULL;
}

static int
edge_of(const char *text, char *const *name, size_t n_names)
{
	for (size_t i = 0; text != NULL && i < n_names; i++)
		if (strcmp(name[i], text) == 0)
			return (int)i;
	return -ENOENT;
}

/* A row as it was put; false: somebody else's writing, which is left alone, or an edge's that is no more. */
static bool
row_read(sqlite3_stmt *q, struct ban *b, char *const *name, size_t n_names)
{
	const char *text[5];

	memset(b, 0, sizeof(*b));
	for (int i = 0; i < 5; i++)
		if ((text[i] = (const char *)sqlite3_column_text(q, i)) == NULL)
			return false;
	b->edge = edge_of(text[1], name, n_names);
	if (b->edge < 0 || cidr_parse(text[0], &b->cidr) < 0 || ban_scope_parse(text[2], &b->scope) < 0 ||
	    ban_by_parse(text[3], &b->by) < 0)
		return false;
	snprintf(b->reason, sizeof(b->reason), "%s", text[4]);
	b->added_ms = sqlite3_column_int64(q, 5);
	b->expires_ms = sqlite3_column_int64(q, 6);
	return true;
}

int
ban_store_each(struct ban_store *s, char *const *name, size_t n_names,
    int (*row)(void *, const struct ban *), void *arg)
{
	sqlite3_stmt *q = NULL;
	struct ban b;
	int r, rc;

	r = store_errno(sqlite3_prepare_v2(s->db, "SELECT cidr, edge, scope, made_by, reason, added, expires FROM votes",
	    -1, &q, NULL));
	while (r == 0 && (rc = sqlite3_step(q)) != SQLITE_DONE)
		r = rc != SQLITE_ROW ? store_errno(rc) : row_read(q, &b, name, n_names) ? row(arg, &b) : 0;
	sqlite3_finalize(q);
	return r;
}

static int
step(sqlite3_stmt *q)
{
	int rc = sqlite3_step(q);

	sqlite3_reset(q);
	return store_errno(rc);
}

static int
put_one(struct ban_store *s, const struct ban *b, char *const *name)
{
	sqlite3_stmt *q = s->q[Q_PUT];
	char text[CIDR_TEXT];

	sqlite3_bind_text(q, 1, cidr_format(&b->cidr, text), -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(q, 2, name[b->edge], -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 3, ban_scope_name(b->scope), -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 4, ban_by_name(b->by), -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 5, b->reason, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 6, b->added_ms);
	sqlite3_bind_int64(q, 7, b->expires_ms);
	return step(q);
}

static int
delete_one(struct ban_store *s, const struct ban *b, char *const *name)
{
	sqlite3_stmt *q = s->q[b->edge < 0 ? Q_DELETE_ALL : Q_DELETE];
	char text[CIDR_TEXT];

	sqlite3_bind_text(q, 1, cidr_format(&b->cidr, text), -1, SQLITE_TRANSIENT);
	if (b->edge >= 0)
		sqlite3_bind_text(q, 2, name[b->edge], -1, SQLITE_STATIC);
	return step(q);
}

static int
all_or_none(struct ban_store *s, const struct ban *b, size_t n, char *const *name,
    int (*one)(struct ban_store *, const struct ban *, char *const *))
{
	int r = store_errno(sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL));

	for (size_t i = 0; r == 0 && i < n; i++)
		r = one(s, &b[i], name);
	if (r == 0)
		r = store_errno(sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL));
	if (r < 0 && !sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

int
ban_store_put(struct ban_store *s, const struct ban *b, size_t n, char *const *name)
{
	return all_or_none(s, b, n, name, put_one);
}

int
ban_store_delete(struct ban_store *s, const struct ban *b, size_t n, char *const *name)
{
	return all_or_none(s, b, n, name, delete_one);
}

int
ban_store_expire(struct ban_store *s, int64_t now_ms)
{
	sqlite3_bind_int64(s->q[Q_EXPIRE], 1, now_ms);
	return step(s->q[Q_EXPIRE]);
}
