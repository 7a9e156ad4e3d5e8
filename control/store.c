/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/evp.h>

#include "control/ctltime.h"
#include "control/evline.h"
#include "control/store.h"
#include "control/store_private.h"
#include "lib/log.h"

/* More distinct pieces of rubbish than this: the oldest make room. */
#define QUARANTINE_ROWS "10000"
/* How long to wait for somebody who holds the write lock. */
#define BUSY_MS 2000

enum { Q_BEGIN, Q_COMMIT, Q_PUT, Q_QUARANTINE, Q_QUARANTINE_TRIM, Q_HEARTBEAT, Q_PRUNE_AGE,
	Q_PRUNE_ROWS, Q_N };

static const char *const sql[Q_N] = {
	[Q_BEGIN] = "BEGIN IMMEDIATE",
	[Q_COMMIT] = "COMMIT",
	[Q_PUT] = "INSERT OR IGNORE INTO events (id, ts, received, node, layer, event, severity,"
	    " score, action, ip, ja4, actor_key, actor_user, request_id, target, ttl_s, body)"
	    " VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17)",
	[Q_QUARANTINE] = "INSERT INTO quarantine VALUES (?1,?2,?3,?4,?5,?5,1)"
	    " ON CONFLICT (digest) DO UPDATE SET seen = seen + 1, last = excluded.last",
	[Q_QUARANTINE_TRIM] = "DELETE FROM quarantine WHERE digest IN (SELECT digest FROM"
	    " quarantine ORDER BY last DESC LIMIT -1 OFFSET " QUARANTINE_ROWS ")",
	[Q_HEARTBEAT] = "INSERT OR REPLACE INTO heartbeat VALUES (1, ?1)",
	[Q_PRUNE_AGE] = "DELETE FROM events WHERE seq IN"
	    " (SELECT seq FROM events WHERE ts < ?1 ORDER BY ts LIMIT ?2)",
	/* seq has few holes, so the newest N rows are about those above max(seq) - N. */
	[Q_PRUNE_ROWS] = "DELETE FROM events WHERE seq IN (SELECT seq FROM events"
	    " WHERE seq <= (SELECT max(seq) FROM events) - ?1 ORDER BY seq LIMIT ?2)",
};

struct store {
	sqlite3		*db;
	sqlite3_stmt	*q[Q_N];
	char		*path;
	dev_t		 dev;		/* of the file as opened */
	ino_t		 ino;
	unsigned	 pending;
	char		 error[256];
};

/* Keep SQLite's words for the log before the next call overwrites them. */
static int
failed(struct store *s, int rc)
{
	snprintf(s->error, sizeof(s->error), "%s (%s)", sqlite3_errmsg(s->db),
	    sqlite3_errstr(sqlite3_extended_errcode(s->db)));
	return store_errno(rc);
}

/* Is the file we write still the one people see?  Else what we "store" is gone with its last fd. */
static int
still_there(struct store *s)
{
	struct stat st;

	if (stat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
		return 0;
	snprintf(s->error, sizeof(s->error), "the file was removed or replaced");
	return -ESTALE;
}

static int
run(struct store *s, int which)
{
	int rc = sqlite3_step(s->q[which]), r = 0;

	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		r = failed(s, rc);
	sqlite3_reset(s->q[which]);
	return r;
}

static int
db_connect(struct store *s, const char *path)
{
	static const char settings[] =
	    "PRAGMA journal_mode = WAL;"
	    "PRAGMA synchronous = FULL;"	/* an acknowledged event survives a power cut */
	    "PRAGMA wal_autocheckpoint = 1000;"
	    "PRAGMA journal_size_limit = 67108864;"
	    "PRAGMA trusted_schema = OFF;";
	struct stat st;
	int rc, r;

	rc = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (rc != SQLITE_OK)
		return failed(s, rc);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	rc = sqlite3_exec(s->db, settings, NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return failed(s, rc);
	r = store_migrate(s->db, 0);
	if (r < 0) {
		failed(s, SQLITE_ERROR);
		return r;
	}
	for (int i = 0; i < Q_N; i++) {
		rc = sqlite3_prepare_v3(s->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->q[i], NULL);
		if (rc != SQLITE_OK)
			return failed(s, rc);
	}
	if (stat(path, &st) < 0)
		return -errno;
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	return 0;
}

static void
db_disconnect(struct store *s)
{
	for (int i = 0; i < Q_N; i++) {
		sqlite3_finalize(s->q[i]);
		s->q[i] = NULL;
	}
	sqlite3_close(s->db);
	s->db = NULL;
	s->pending = 0;
}

int
store_set_aside(const char *path)
{
	static const char *const suffix[] = { "-wal", "-shm", "" };
	char from[4096], to[4096];
	int64_t stamp = ctltime_now_ms();

	for (size_t i = 0; i < 3; i++) {
		int a = snprintf(from, sizeof(from), "%s%s", path, suffix[i]);
		int b = snprintf(to, sizeof(to), "%s.corrupt-%" PRId64 "%s", path, stamp, suffix[i]);

		if (a >= (int)sizeof(from) || b >= (int)sizeof(to))
			return -ENAMETOOLONG;
		if (rename(from, to) < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}

int
store_open(struct store **out, const char *path, bool *aside)
{
	struct store *s = calloc(1, sizeof(*s));
	int r;

	*out = NULL;
	if (aside != NULL)
		*aside = false;
	if (s == NULL)
		return -ENOMEM;
	s->path = strdup(path);
	if (s->path == NULL) {
		free(s);
		return -ENOMEM;
	}
	r = db_connect(s, path);
	if (r == -EBADMSG) {
		log_err("%s is damaged: %s; moving it to %s.corrupt-* and beginning a new one", path,
		    s->error, path);
		db_disconnect(s);
		r = store_set_aside(path);
		if (r == 0)
			r = db_connect(s, path);
		if (r == 0 && aside != NULL)
			*aside = true;
	}
	if (r < 0) {
		log_err("cannot open %s: %s", path, r == -EPROTO ?
		    "its schema is newer than this program" : s->error);
		store_close(&s);
		return r;
	}
	*out = s;
	return 0;
}

void
store_close(struct store **sp)
{
	if (*sp == NULL)
		return;
	store_rollback(*sp);
	db_disconnect(*sp);
	free((*sp)->path);
	free(*sp);
	*sp = NULL;
}

static int
batch_open(struct store *s)
{
	return sqlite3_get_autocommit(s->db) ? run(s, Q_BEGIN) : 0;
}

static void
text_bind(sqlite3_stmt *q, int i, const char *s)
{
	if (s != NULL)
		sqlite3_bind_text(q, i, s, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(q, i);
}

static void
event_bind(sqlite3_stmt *q, const struct evline *ev, int64_t now_ms)
{
	text_bind(q, 1, ev->id);
	sqlite3_bind_int64(q, 2, ev->ts_ms);
	sqlite3_bind_int64(q, 3, now_ms);
	text_bind(q, 4, ev->node);
	text_bind(q, 5, ev->layer);
	text_bind(q, 6, ev->event);
	sqlite3_bind_int(q, 7, ev->severity);
	if (ev->score >= 0)
		sqlite3_bind_int(q, 8, ev->score);
	else
		sqlite3_bind_null(q, 8);
	text_bind(q, 9, ev->action);
	text_bind(q, 10, ev->ip);
	text_bind(q, 11, ev->ja4);
	text_bind(q, 12, ev->key);
	text_bind(q, 13, ev->user);
	text_bind(q, 14, ev->request_id);
	text_bind(q, 15, ev->target);
	sqlite3_bind_int64(q, 16, ev->ttl_s);
}

int
store_put(struct store *s, const struct evline *ev, const char *line, size_t len, int64_t now_ms)
{
	int r = batch_open(s);

	if (r < 0)
		return r;
	event_bind(s->q[Q_PUT], ev, now_ms);
	sqlite3_bind_text(s->q[Q_PUT], 17, line, (int)len, SQLITE_STATIC);
	r = run(s, Q_PUT);
	sqlite3_clear_bindings(s->q[Q_PUT]);
	if (r < 0) {
		store_rollback(s);
		return r;
	}
	s->pending++;
	return sqlite3_changes(s->db) > 0 ? 1 : 0;
}

static void
sha256_hex(char out[65], const void *bytes, size_t len)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (EVP_Digest(bytes, len, md, &n, EVP_sha256(), NULL) != 1 || n != 32)
		memset(md, 0, 32);
	for (unsigned i = 0; i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", md[i]);
}

int
store_quarantine(struct store *s, const void *bytes, size_t len, const char *source,
    const char *why, int64_t now_ms)
{
	sqlite3_stmt *q = s->q[Q_QUARANTINE];
	char digest[65];
	int r = batch_open(s);

	if (r < 0)
		return r;
	sha256_hex(digest, bytes, len);
	text_bind(q, 1, digest);
	sqlite3_bind_int64(q, 2, (int64_t)len);
	text_bind(q, 3, why);
	text_bind(q, 4, source);
	sqlite3_bind_int64(q, 5, now_ms);
	r = run(s, Q_QUARANTINE);
	sqlite3_clear_bindings(q);
	if (r < 0) {
		store_rollback(s);
		return r;
	}
	s->pending++;
	return 0;
}

unsigned
store_pending(const struct store *s)
{
	return s->pending;
}

int
store_commit(struct store *s)
{
	int r;

	s->pending = 0;
	if (sqlite3_get_autocommit(s->db))
		return 0;
	r = run(s, Q_COMMIT);
	if (r < 0)
		store_rollback(s);
	return r < 0 ? r : still_there(s);
}

void
store_rollback(struct store *s)
{
	s->pending = 0;
	if (s->db != NULL && !sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

int
store_probe(struct store *s, int64_t now_ms)
{
	int r;

	sqlite3_bind_int64(s->q[Q_HEARTBEAT], 1, now_ms);
	r = run(s, Q_HEARTBEAT);
	return r < 0 ? r : still_there(s);
}

static int
prune(struct store *s, int which, int64_t limit, int slice)
{
	int r;

	sqlite3_bind_int64(s->q[which], 1, limit);
	sqlite3_bind_int(s->q[which], 2, slice);
	r = run(s, which);
	return r < 0 ? r : sqlite3_changes(s->db);
}

int
store_prune(struct store *s, int64_t oldest_ms, int64_t max_rows, int slice)
{
	int n = 0, r;

	r = run(s, Q_QUARANTINE_TRIM);
	if (r < 0)
		return r;
	if (oldest_ms > 0) {
		n = prune(s, Q_PRUNE_AGE, oldest_ms, slice);
		if (n < 0 || n == slice)
			return n;
	}
	if (max_rows > 0) {
		r = prune(s, Q_PRUNE_ROWS, max_rows, slice - n);
		if (r < 0)
			return r;
		n += r;
	}
	return n;
}

const char *
store_error(const struct store *s)
{
	return s->error;
}
