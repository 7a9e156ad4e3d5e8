/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ti-sync/store.h"
#include "ti-sync/store_private.h"

/* ---- import -------------------------------------------------------------------------------------- */

#define LOSS_FLOOR	20u	/* of a feed with fewer entries, half may well be gone tomorrow */

/* What has to be written, gathered by one walk through the old rows and the new keys. */
struct plan {
	uint32_t	*add;		/* indices into the new keys */
	size_t		 n_add;
	struct ti_keys	 gone, back;
};

static int
plan_make(struct plan *p, struct ti_cursor *old, const struct ti_keys *keys, struct ti_change *ch)
{
	const void *key = NULL;
	size_t len = 0, i = 0;
	int have = ti_cursor_next(old, &key, &len), err = 0;

	while (err == 0 && have >= 0 && (have > 0 || i < keys->n)) {
		size_t n = 0;
		const char *k = i < keys->n ? ti_keys_at(keys, i, &n) : NULL;
		int c = have == 0 ? 1 : k == NULL ? -1 : ti_key_cmp(key, len, k, n);
		bool was_gone = have > 0 && sqlite3_column_int64((sqlite3_stmt *)old, 1) != 0;

		if (c > 0) {
			p->add[p->n_add++] = (uint32_t)i++;
			continue;
		}
		ch->before += !was_gone;
		if (c == 0) {
			i++;
			ch->same++;
			if (was_gone)
				err = ti_keys_add(&p->back, key, len);
		} else if (!was_gone) {
			err = ti_keys_add(&p->gone, key, len);
		}
		have = ti_cursor_next(old, &key, &len);
	}
	ch->added = p->n_add;
	ch->gone = p->gone.n;
	ch->returned = p->back.n;
	return err != 0 ? err : have < 0 ? have : 0;
}

static int
step_key(sqlite3_stmt *q, int at, const void *key, size_t len)
{
	int r;

	sqlite3_bind_blob(q, at, key, (int)len, SQLITE_STATIC);
	r = sqlite3_step(q);
	sqlite3_reset(q);
	return r == SQLITE_DONE ? 0 : -EIO;
}

static sqlite3_stmt *
prepare_for(struct ti_store *st, const char *sql, int64_t feed, enum ti_kind kind, int64_t run)
{
	sqlite3_stmt *q = ti_store_prepare(st, sql);

	sqlite3_bind_int64(q, 1, feed);
	sqlite3_bind_int(q, 2, kind);
	sqlite3_bind_int64(q, 3, run);
	return q;
}

static int
rows_add(struct ti_store *st, int64_t feed, enum ti_kind kind, const struct plan *p, const struct ti_keys *keys,
    int64_t run)
{
	sqlite3_stmt *q = prepare_for(st, "INSERT INTO entry (feed, kind, first, gone, key) VALUES (?1, ?2, ?3, 0, ?4)",
	    feed, kind, run);
	int err = q != NULL ? 0 : -EIO;

	for (size_t i = 0; err == 0 && i < p->n_add; i++) {
		size_t len;
		const char *k = ti_keys_at(keys, p->add[i], &len);

		err = step_key(q, 4, k, len);
	}
	sqlite3_finalize(q);
	return err;
}

static int
rows_mark(struct ti_store *st, int64_t feed, enum ti_kind kind, const struct ti_keys *keys, int64_t run, bool gone)
{
	sqlite3_stmt *set = prepare_for(st, gone ? "UPDATE entry SET gone = ?3 WHERE feed = ?1 AND kind = ?2 AND key = ?4" :
	    "UPDATE entry SET gone = 0 + 0 * ?3 WHERE feed = ?1 AND kind = ?2 AND key = ?4", feed, kind, run);
	sqlite3_stmt *log = prepare_for(st, gone ? "INSERT OR REPLACE INTO change VALUES (?1, ?2, ?4, ?3, '-')" :
	    "INSERT OR REPLACE INTO change VALUES (?1, ?2, ?4, ?3, '+')", feed, kind, run);
	int err = set != NULL && log != NULL ? 0 : -EIO;

	for (size_t i = 0; err == 0 && i < keys->n; i++) {
		size_t len;
		const char *k = ti_keys_at(keys, i, &len);

		err = step_key(set, 4, k, len);
		if (err == 0)
			err = step_key(log, 4, k, len);
	}
	sqlite3_finalize(set);
	sqlite3_finalize(log);
	return err;
}

int
ti_store_import(struct ti_store *st, int64_t feed, enum ti_kind kind, const struct ti_keys *keys, int64_t run,
    int max_loss, struct ti_change *ch)
{
	struct plan p = {.add = malloc((keys->n + 1) * sizeof(uint32_t))};
	struct ti_cursor *old = NULL;
	int err = p.add != NULL ? ti_cursor_open(&old, st, feed, kind, 0) : -ENOMEM;

	memset(ch, 0, sizeof(*ch));
	if (err == 0)
		err = plan_make(&p, old, keys, ch);
	ti_cursor_close(&old);
	if (err == 0 && max_loss < 100 && ch->before >= LOSS_FLOOR && ch->gone * 100 > ch->before * (size_t)max_loss)
		err = -ERANGE;
	if (err == 0)
		err = rows_add(st, feed, kind, &p, keys, run);
	if (err == 0)
		err = rows_mark(st, feed, kind, &p.gone, run, true);
	if (err == 0)
		err = rows_mark(st, feed, kind, &p.back, run, false);
	free(p.add);
	ti_keys_free(&p.gone);
	ti_keys_free(&p.back);
	return err;
}

/* ---- reading ------------------------------------------------------------------------------------- */

/* A cursor is a statement; nobody else needs to know. */
int
ti_cursor_open(struct ti_cursor **out, struct ti_store *st, int64_t feed, enum ti_kind kind, int64_t since)
{
	sqlite3_stmt *q = prepare_for(st, since == 0 ?
	    "SELECT key, gone FROM entry WHERE feed = ?1 AND kind = ?2 AND ?3 = 0 ORDER BY key" :
	    "SELECT key, gone FROM entry WHERE feed = ?1 AND kind = ?2 AND (gone = 0 OR gone >= ?3) ORDER BY key",
	    feed, kind, since);

	*out = (struct ti_cursor *)q;
	return q != NULL ? 0 : -EIO;
}

int
ti_cursor_next(struct ti_cursor *c, const void **key, size_t *len)
{
	sqlite3_stmt *q = (sqlite3_stmt *)c;
	int r = sqlite3_step(q);

	if (r != SQLITE_ROW)
		return r == SQLITE_DONE ? 0 : -EIO;
	*key = sqlite3_column_blob(q, 0);
	*len = (size_t)sqlite3_column_bytes(q, 0);
	return 1;
}

void
ti_cursor_close(struct ti_cursor **cp)
{
	sqlite3_finalize((sqlite3_stmt *)*cp);
	*cp = NULL;
}

int
ti_store_entry(struct ti_store *st, enum ti_kind kind, const void *key, size_t len,
    void (*fn)(void *, const struct ti_entry *), void *arg)
{
	sqlite3_stmt *q = ti_store_prepare(st, "SELECT f.name, f.id, e.first, e.gone FROM feed f JOIN entry e ON e.feed = f.id"
	    " AND e.kind = ?1 AND e.key = ?2 ORDER BY f.name");
	int r = SQLITE_ERROR;

	sqlite3_bind_int(q, 1, kind);
	sqlite3_bind_blob(q, 2, key, (int)len, SQLITE_STATIC);
	while (q != NULL && (r = sqlite3_step(q)) == SQLITE_ROW) {
		struct ti_entry e = {(const char *)sqlite3_column_text(q, 0), sqlite3_column_int64(q, 1),
		    sqlite3_column_int64(q, 2), sqlite3_column_int64(q, 3)};

		fn(arg, &e);
	}
	sqlite3_finalize(q);
	return r == SQLITE_DONE ? 0 : -EIO;
}

int
ti_store_history(struct ti_store *st, int64_t feed, enum ti_kind kind, const void *key, size_t len,
    void (*fn)(void *, int64_t, char), void *arg)
{
	sqlite3_stmt *q = prepare_for(st, "SELECT run, what FROM change WHERE feed = ?1 AND kind = ?2 AND key = ?4 AND run > ?3"
	    " ORDER BY run", feed, kind, 0);
	int r = SQLITE_ERROR;

	sqlite3_bind_blob(q, 4, key, (int)len, SQLITE_STATIC);
	while (q != NULL && (r = sqlite3_step(q)) == SQLITE_ROW)
		fn(arg, sqlite3_column_int64(q, 0), (char)*sqlite3_column_text(q, 1));
	sqlite3_finalize(q);
	return r == SQLITE_DONE ? 0 : -EIO;
}

int
ti_store_diff(struct ti_store *st, int64_t from, int64_t to,
    void (*fn)(void *, const char *, enum ti_kind, const void *, size_t, char), void *arg)
{
	sqlite3_stmt *q = ti_store_prepare(st, "SELECT f.name, e.kind, e.key, CASE WHEN e.first > ?1 AND e.first <= ?2 THEN '+'"
	    " ELSE '-' END FROM entry e JOIN feed f ON f.id = e.feed WHERE (e.first > ?1 AND e.first <= ?2 AND"
	    " NOT (e.gone > 0 AND e.gone <= ?2)) OR (e.gone > ?1 AND e.gone <= ?2 AND e.first <= ?1)");
	int r = SQLITE_ERROR;

	sqlite3_bind_int64(q, 1, from);
	sqlite3_bind_int64(q, 2, to);
	while (q != NULL && (r = sqlite3_step(q)) == SQLITE_ROW)
		fn(arg, (const char *)sqlite3_column_text(q, 0), (enum ti_kind)sqlite3_column_int(q, 1),
		    sqlite3_column_blob(q, 2), (size_t)sqlite3_column_bytes(q, 2), (char)*sqlite3_column_text(q, 3));
	sqlite3_finalize(q);
	return r == SQLITE_DONE ? 0 : -EIO;
}
