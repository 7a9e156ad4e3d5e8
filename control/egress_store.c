/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/rand.h>
#include <sqlite3.h>

#include "control/ctltime.h"
#include "control/egress_store.h"
#include "control/store_private.h"
#include "lib/cidr.h"
#include "lib/file_write.h"
#include "lib/log.h"
#include "lib/set_dom.h"
#include "lib/set_ip.h"
#include "ti-sync/collect.h"

#define OVERLAY_MAX	4096	/* changes in the text; more are folded into a set */

/* As in store_schema.c: a step that was released never changes. */
static const char *const steps[] = {
	/* in_set: the set in force has it, so the text need not. */
	"CREATE TABLE entries (id INTEGER PRIMARY KEY AUTOINCREMENT, list INTEGER NOT NULL, value TEXT NOT NULL,"
	" description TEXT NOT NULL, added INTEGER NOT NULL, expires INTEGER NOT NULL, in_set INTEGER NOT NULL,"
	" UNIQUE (list, value));"
	"CREATE INDEX entries_text ON entries(list) WHERE in_set = 0;"
	"CREATE INDEX entries_end ON entries(expires) WHERE expires > 0;"
	/* Names that the set in force has, but the list not any more. */
	"CREATE TABLE undone (value TEXT PRIMARY KEY) WITHOUT ROWID;"
	"CREATE TABLE sets (list INTEGER PRIMARY KEY, generation INTEGER NOT NULL);"
	"CREATE TABLE policies (version INTEGER PRIMARY KEY AUTOINCREMENT, added INTEGER NOT NULL, text BLOB NOT NULL);",
	/* domains.set got another form: the next change folds all into new ones. */
	"UPDATE entries SET in_set = 0; DELETE FROM undone; DELETE FROM sets;",
	/* Who wants an entry: a person, an imported list, or both. */
	"ALTER TABLE entries ADD COLUMN own INTEGER NOT NULL DEFAULT 1;"
	"ALTER TABLE entries ADD COLUMN imported INTEGER NOT NULL DEFAULT 0;"
	"UPDATE entries SET imported = 1, own = 0 WHERE description = '" EGRESS_IMPORTED "';",
	("ALTER TABLE policies ADD COLUMN made_by TEXT NOT NULL DEFAULT '';"
	 "ALTER TABLE policies ADD COLUMN description TEXT NOT NULL DEFAULT '';"),
};

enum { Q_STATE, Q_PUT, Q_PUT_IMPORT, Q_DEL, Q_DEL_IMPORT, Q_UNIMPORT, Q_DEL_ID, Q_UNDO, Q_TEXT, Q_UNDONE, Q_ALL, Q_LIST,
       Q_COUNT, Q_SEARCHED, Q_GENERATION, Q_GENERATION_SET, Q_FOLD, Q_REDO_ALL, Q_OUTLIVED, Q_EXPIRE, Q_POLICY_ADD, Q_POLICY_GET,
       Q_POLICY_FIND, Q_POLICY_LIST, Q_POLICY_DROP, Q_POLICY_OLD, Q_POLICY_TOTAL, Q_N };

/* As version_take() reads it. */
#define POLICY_COLUMNS	"version, added, length(text), made_by, description"

static const char *const sql[Q_N] = {
	[Q_STATE] = "SELECT in_set, imported FROM entries WHERE list = ?1 AND value = ?2",
	[Q_PUT] = "INSERT INTO entries (list, value, description, added, expires, in_set) VALUES (?1,?2,?3,?4,?5,0)"
	    " ON CONFLICT (list, value) DO UPDATE SET description = ?3, expires = ?5, own = 1,"
	    " in_set = in_set AND (?5 = 0 OR imported)",
	/* No row: it was imported before.  own: a person's, which is no longer alone. */
	[Q_PUT_IMPORT] = "INSERT INTO entries (list, value, description, added, expires, in_set, own, imported)"
	    " VALUES (?1,?2,?3,?4,0,0,0,1) ON CONFLICT (list, value) DO UPDATE SET imported = 1 WHERE NOT imported RETURNING own",
	[Q_DEL] = "DELETE FROM entries WHERE list = ?1 AND value = ?2 RETURNING value, in_set",
	[Q_DEL_IMPORT] = "DELETE FROM entries WHERE list = ?1 AND value = ?2 AND imported AND NOT own RETURNING value, in_set",
	[Q_UNIMPORT] = "UPDATE entries SET imported = 0, in_set = in_set AND expires = 0 WHERE list = ?1 AND value = ?2 AND imported"
	    " RETURNING expires",
	[Q_DEL_ID] = "DELETE FROM entries WHERE list = ?1 AND id = ?2 RETURNING value, in_set",
	[Q_UNDO] = "INSERT OR IGNORE INTO undone VALUES (?1)",
	[Q_TEXT] = "SELECT list, value, CASE WHEN imported THEN 0 ELSE expires END FROM entries WHERE in_set = 0",
	[Q_UNDONE] = "SELECT value FROM undone",
	[Q_ALL] = "SELECT value FROM entries WHERE list = ?1 AND (expires = 0 OR imported)",
	[Q_LIST] = "SELECT id, value, description, added, expires, imported FROM entries WHERE list = ?1 AND"
	    " (?2 = '' OR instr(value, ?2) OR instr(description, ?2)) ORDER BY id DESC LIMIT ?3 OFFSET ?4",
	[Q_COUNT] = "SELECT count(*) FROM (SELECT 1 FROM entries WHERE in_set = 0 AND list < 2"
	    " UNION ALL SELECT 1 FROM undone)",
	[Q_SEARCHED] = "SELECT count(*) FROM entries WHERE list = ?1 AND (?2 = '' OR instr(value, ?2) OR instr(description, ?2))",
	[Q_GENERATION] = "SELECT generation FROM sets WHERE list = ?1",
	[Q_GENERATION_SET] = "INSERT OR REPLACE INTO sets VALUES (?1, ?2)",
	[Q_FOLD] = "UPDATE entries SET in_set = 1 WHERE list < 2 AND (expires = 0 OR imported) AND in_set = 0",
	[Q_REDO_ALL] = "DELETE FROM undone",
	[Q_OUTLIVED] = "UPDATE entries SET own = 0, expires = 0, description = '" EGRESS_IMPORTED "'"
	    " WHERE expires > 0 AND expires <= ?1 AND imported",
	[Q_EXPIRE] = "DELETE FROM entries WHERE expires > 0 AND expires <= ?1 AND NOT imported",
	[Q_POLICY_ADD] = "INSERT INTO policies (added, text, made_by, description) VALUES (?1, ?2, ?3, ?4)",
	[Q_POLICY_GET] = "SELECT " POLICY_COLUMNS ", text FROM policies WHERE ?1 = 0 OR version = ?1 ORDER BY version DESC LIMIT 1",
	/* The length is in the row's head: texts of another are not read. */
	[Q_POLICY_FIND] = "SELECT " POLICY_COLUMNS " FROM policies WHERE length(text) = length(?1) AND text = ?1"
	    " ORDER BY version DESC LIMIT 1",
	[Q_POLICY_LIST] = "SELECT " POLICY_COLUMNS " FROM policies ORDER BY version DESC LIMIT ?1 OFFSET ?2",
	[Q_POLICY_DROP] = "DELETE FROM policies WHERE version = ?1",
	[Q_POLICY_OLD] = "DELETE FROM policies WHERE version <= ?1",
	[Q_POLICY_TOTAL] = "SELECT count(*) FROM policies",
};

struct egress_store {
	pthread_mutex_t	 lock;
	sqlite3		*db;
	sqlite3_stmt	*q[Q_N];
	char		 dir[4000];
	bool		 stale;		/* committed, but not written for the helper */
};

static sqlite3_stmt *
query(struct egress_store *s, int q)
{
	sqlite3_reset(s->q[q]);
	sqlite3_clear_bindings(s->q[q]);
	return s->q[q];
}

/* To the end; 0 or -errno. */
static int
finish(sqlite3_stmt *q)
{
	int rc;

	while ((rc = sqlite3_step(q)) == SQLITE_ROW)
		;
	sqlite3_reset(q);
	return rc == SQLITE_DONE ? 0 : store_errno(rc);
}

static int64_t
number(struct egress_store *s, int which, int list)
{
	sqlite3_stmt *q = query(s, which);
	int64_t n = 0;

	if (sqlite3_bind_parameter_count(q) > 0)
		sqlite3_bind_int(q, 1, list);
	if (sqlite3_step(q) == SQLITE_ROW)
		n = sqlite3_column_int64(q, 0);
	sqlite3_reset(q);
	return n;
}

static int
run(struct egress_store *s, const char *text)
{
	return store_errno(sqlite3_exec(s->db, text, NULL, NULL, NULL));
}

/* --- what the helper reads -------------------------------------------------------------------- */

static void
set_path(const struct egress_store *s, int list, int64_t generation, char *out, size_t size)
{
	snprintf(out, size, "%s/%s.%" PRId64 ".set", s->dir, list == EGRESS_DOMAINS ? "domains" : "addresses", generation);
}

static int
set_fill(struct egress_store *s, int list, struct set_dom_writer *dom, struct set_ip_writer *ip)
{
	static const struct set_class listed = { .categories = 1, .confidence = 100 };
	sqlite3_stmt *q = query(s, Q_ALL);
	struct cidr c;
	int rc, r = 0;

	sqlite3_bind_int(q, 1, list);
	while (r == 0 && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		const char *v = (const char *)sqlite3_column_text(q, 0);

		if (dom != NULL)
			r = set_dom_writer_add(dom, v, strlen(v), &listed);
		else if (cidr_parse(v, &c) == 0)
			r = set_ip_writer_add(ip, &c, &listed);
	}
	sqlite3_reset(q);
	return r;
}

/* A new set of the whole list, under the next number. */
static int
set_write(struct egress_store *s, int list)
{
	static const char *const categories[] = { "api" };
	int64_t generation = number(s, Q_GENERATION, list) + 1;
	struct set_meta meta = { .created = time(NULL), .generation = (uint64_t)generation, .categories = categories,
	    .n_categories = 1 };
	struct set_dom_writer *dom = NULL;
	struct set_ip_writer *ip = NULL;
	sqlite3_stmt *q;
	char path[4100];
	int r = -EEXIST;

	set_path(s, list, generation, path, sizeof(path));
	/* Two names with one hash: another key, which practically never happens twice. */
	for (int i = 0; r == -EEXIST && i < 5; i++) {
		r = -ENOMEM;
		if (RAND_bytes(meta.key, sizeof(meta.key)) != 1)
			return -EIO;
		if (list == EGRESS_DOMAINS ? (dom = set_dom_writer_new(&meta)) != NULL : (ip = set_ip_writer_new(&meta)) != NULL)
			r = set_fill(s, list, dom, ip);
		if (r == 0)
			r = dom != NULL ? set_dom_writer_write(dom, path) : set_ip_writer_write(ip, path);
		set_dom_writer_free(&dom);
		set_ip_writer_free(&ip);
	}
	if (r < 0)
		return r;
	q = query(s, Q_GENERATION_SET);
	sqlite3_bind_int(q, 1, list);
	sqlite3_bind_int64(q, 2, generation);
	return finish(q);
}

static int
fold(struct egress_store *s)
{
	int r = set_write(s, EGRESS_DOMAINS);

	if (r == 0)
		r = set_write(s, EGRESS_NETWORKS);
	if (r == 0)
		r = finish(query(s, Q_FOLD));
	return r == 0 ? finish(query(s, Q_REDO_ALL)) : r;
}

static void
text_make(struct egress_store *s, struct buf *b)
{
	static const char kind[] = { 'd', 'i', 'w' };
	sqlite3_stmt *q;
	int lines = 1;

	buf_adds(b, "llmsec-egress-lists 1\n");
	for (int list = 0; list < EGRESS_WHITELIST; list++) {
		int64_t generation = number(s, Q_GENERATION, list);

		if (generation > 0) {
			buf_printf(b, list == EGRESS_DOMAINS ? "domains domains.%" PRId64 ".set\n" :
			    "addresses addresses.%" PRId64 ".set\n", generation);
			lines++;
		}
	}
	for (q = query(s, Q_UNDONE); sqlite3_step(q) == SQLITE_ROW; lines++)
		buf_printf(b, "-d %s\n", (const char *)sqlite3_column_text(q, 0));
	sqlite3_reset(q);
	for (q = query(s, Q_TEXT); sqlite3_step(q) == SQLITE_ROW; lines++) {
		buf_printf(b, "+%c %s", kind[sqlite3_column_int(q, 0) % 3], (const char *)sqlite3_column_text(q, 1));
		if (sqlite3_column_int64(q, 2) > 0)
			buf_printf(b, " %" PRId64, (int64_t)sqlite3_column_int64(q, 2));
		buf_addc(b, '\n');
	}
	sqlite3_reset(q);
	buf_printf(b, "end %d\n", lines);
}

static int
lists_replace(const struct egress_store *s, const struct buf *b)
{
	char path[4100];

	snprintf(path, sizeof(path), "%s/lists", s->dir);
	return file_replace(path, buf_ptr(b), buf_len(b), 0644, 0);
}

/* Sets that the text doesn't name any more, but for the last one: a helper may be about to open it. */
static void
sets_clean(const struct egress_store *s, int list, int64_t generation)
{
	char path[4100];

	for (int64_t g = generation - 2; g > 0 && g > generation - 10; g--) {
		set_path(s, list, g, path, sizeof(path));
		unlink(path);
	}
}

/* Inside the transaction: it commits only what the helper can read. */
static int
publish(struct egress_store *s)
{
	struct buf b = { .max = (size_t)32 << 20 };
	int r = number(s, Q_COUNT, 0) > OVERLAY_MAX ? fold(s) : 0;

	if (r == 0) {
		text_make(s, &b);
		r = b.err;
	}
	if (r == 0)
		r = run(s, "COMMIT");
	if (r == 0) {
		r = lists_replace(s, &b);
		s->stale = r < 0;
	}
	buf_free(&b);
	if (r == 0)
		for (int list = 0; list < EGRESS_WHITELIST; list++)
			sets_clean(s, list, number(s, Q_GENERATION, list));
	return r;
}

/* --- changes ---------------------------------------------------------------------------------- */

static int
begin(struct egress_store *s)
{
	int r;

	pthread_mutex_lock(&s->lock);
	r = run(s, "BEGIN IMMEDIATE");
	if (r < 0)
		pthread_mutex_unlock(&s->lock);
	return r;
}

static int
done(struct egress_store *s, int r, bool changed)
{
	/* What couldn't be written last time is written by whoever comes next, egress_store_tick() at the latest. */
	if (r == 0 && (changed || s->stale))
		r = publish(s);
	if (!sqlite3_get_autocommit(s->db))
		run(s, "ROLLBACK");
	pthread_mutex_unlock(&s->lock);
	if (r < 0)
		log_warnx("egress lists in %s: %s", s->dir, strerror(-r));
	return r;
}

/* Of an entry; false: it isn't on the list. */
static bool
state(struct egress_store *s, enum egress_list list, const char *value, bool *in_set, bool *imported)
{
	sqlite3_stmt *q = query(s, Q_STATE);
	bool found;

	sqlite3_bind_int(q, 1, (int)list);
	sqlite3_bind_text(q, 2, value, -1, SQLITE_STATIC);
	found = sqlite3_step(q) == SQLITE_ROW;
	*in_set = found && sqlite3_column_int(q, 0) != 0;
	*imported = found && sqlite3_column_int(q, 1) != 0;
	sqlite3_reset(q);
	return found;
}

/*
 * The set in force has the name, its row isn't in_set any more.  It stays so until the next fold: one that comes back is a line of
 * the text, which counts before this.
 */
static int
undo(struct egress_store *s, const char *name)
{
	sqlite3_stmt *q = query(s, Q_UNDO);

	sqlite3_bind_text(q, 1, name, -1, SQLITE_STATIC);
	return finish(q);
}

int
egress_store_add(struct egress_store *s, enum egress_list list, const char *value, const char *description, int64_t ttl_s)
{
	bool was_there, in_set, imported;
	int r = begin(s);
	sqlite3_stmt *q;

	if (r < 0)
		return r;
	was_there = state(s, list, value, &in_set, &imported);
	q = query(s, Q_PUT);
	sqlite3_bind_int(q, 1, (int)list);
	sqlite3_bind_text(q, 2, value, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 3, description, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 4, ctltime_now_ms());
	sqlite3_bind_int64(q, 5, ttl_s > 0 ? (int64_t)time(NULL) + ttl_s : 0);
	r = finish(q);
	/* One that is to end must not go on in the set. */
	if (r == 0 && in_set && ttl_s > 0 && !imported)
		r = list == EGRESS_DOMAINS ? undo(s, value) : set_write(s, EGRESS_NETWORKS);
	r = done(s, r, true);
	return r < 0 ? r : !was_there;
}

/* By <which> of Q_DEL, Q_DEL_IMPORT, Q_DEL_ID.  1: gone, with *in_set_net if the set of networks still has it, 0, or -errno. */
static int
remove_one(struct egress_store *s, int which, enum egress_list list, const char *value, int64_t id, bool *in_set_net,
    char was[EGRESS_VALUE])
{
	bool gone = false, in_set = false;
	sqlite3_stmt *q = query(s, which);
	int r;

	sqlite3_bind_int(q, 1, (int)list);
	if (value != NULL)
		sqlite3_bind_text(q, 2, value, -1, SQLITE_STATIC);
	else
		sqlite3_bind_int64(q, 2, id);
	if (sqlite3_step(q) == SQLITE_ROW) {
		gone = true;
		snprintf(was, EGRESS_VALUE, "%s", (const char *)sqlite3_column_text(q, 0));
		in_set = sqlite3_column_int(q, 1) != 0;
	}
	r = finish(q);
	if (r == 0 && in_set && list == EGRESS_DOMAINS)
		r = undo(s, was);
	else if (in_set)
		*in_set_net = true;
	return r < 0 ? r : gone;
}

int
egress_store_del(struct egress_store *s, enum egress_list list, const char *value, int64_t id, char was[EGRESS_VALUE])
{
	bool in_set_net = false, gone;
	int r = begin(s);

	if (r < 0)
		return r;
	r = remove_one(s, value != NULL ? Q_DEL : Q_DEL_ID, list, value, id, &in_set_net, was);
	gone = r > 0;
	if (r >= 0)
		r = in_set_net ? set_write(s, EGRESS_NETWORKS) : 0;
	r = done(s, r, gone);
	return r < 0 ? r : gone;
}

#define VALUE_MAX	(TI_KEY_MAX > CIDR_TEXT ? TI_KEY_MAX : CIDR_TEXT)

/* The text of key <i>, as the table has it. */
static void
key_text(const struct ti_keys *keys, enum egress_list list, size_t i, char text[VALUE_MAX])
{
	size_t len;
	const char *key = ti_keys_at(keys, i, &len);
	struct cidr net;

	if (list == EGRESS_NETWORKS) {
		ti_net_of_key(&net, key);
		cidr_format(&net, text);
	} else {
		ti_name_of_key(text, key, len);
	}
}

/* The list doesn't want it any more, but a person does: until the end that they set, if any.  1: changed, 0, or -errno. */
static int
unimport_one(struct egress_store *s, enum egress_list list, const char *value, bool *in_set_net)
{
	sqlite3_stmt *q = query(s, Q_UNIMPORT);
	bool changed, ends;
	int r;

	sqlite3_bind_int(q, 1, (int)list);
	sqlite3_bind_text(q, 2, value, -1, SQLITE_STATIC);
	changed = sqlite3_step(q) == SQLITE_ROW;
	ends = changed && sqlite3_column_int64(q, 0) > 0;
	r = finish(q);
	if (r == 0 && ends && list == EGRESS_DOMAINS)
		r = undo(s, value);
	else if (ends)
		*in_set_net = true;
	return r < 0 ? r : changed;
}

int
egress_store_remove(struct egress_store *s, enum egress_list list, struct ti_collect *c, struct egress_counts *n)
{
	struct ti_keys *keys = list == EGRESS_NETWORKS ? &c->nets : &c->names;
	bool in_set_net = false, changed = false;
	int r = begin(s);

	memset(n, 0, sizeof(*n));
	n->invalid = ti_collect_refused(c);
	if (r < 0)
		return r;
	ti_keys_sort(keys);
	for (size_t i = 0; r >= 0 && i < keys->n; i++) {
		char text[VALUE_MAX], was[EGRESS_VALUE];

		key_text(keys, list, i, text);
		r = remove_one(s, Q_DEL_IMPORT, list, text, 0, &in_set_net, was);
		n->removed += r > 0;
		n->missing += r == 0;
		changed = changed || r > 0;
		if (r == 0)
			changed = (r = unimport_one(s, list, text, &in_set_net)) > 0 || changed;
	}
	if (r >= 0)
		r = in_set_net ? set_write(s, EGRESS_NETWORKS) : 0;
	return done(s, r, changed);
}

static int
import_one(struct egress_store *s, enum egress_list list, const char *value, const char *description, int64_t now,
    struct egress_counts *n, bool *changed)
{
	sqlite3_stmt *q = query(s, Q_PUT_IMPORT);
	bool is_new = false;
	int r;

	sqlite3_bind_int(q, 1, (int)list);
	sqlite3_bind_text(q, 2, value, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 3, description, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 4, now);
	if (sqlite3_step(q) == SQLITE_ROW) {
		*changed = true;
		is_new = sqlite3_column_int(q, 0) == 0;
	}
	r = finish(q);
	n->added += r == 0 && is_new;
	n->duplicate += r == 0 && !is_new;
	return r;
}

int
egress_store_import(struct egress_store *s, enum egress_list list, struct ti_collect *c, const char *description,
    struct egress_counts *n)
{
	struct ti_keys *keys = list == EGRESS_NETWORKS ? &c->nets : &c->names;
	int64_t now = ctltime_now_ms();
	bool changed = false;
	int r = begin(s);

	memset(n, 0, sizeof(*n));
	n->invalid = ti_collect_refused(c);
	if (r < 0)
		return r;
	n->duplicate = ti_keys_sort(keys);
	for (size_t i = 0; r == 0 && i < keys->n; i++) {
		char text[VALUE_MAX];
		bool one = false;

		key_text(keys, list, i, text);
		r = import_one(s, list, text, description, now, n, &one);
		changed = changed || one;
	}
	return done(s, r, changed);
}

void
egress_store_tick(struct egress_store *s)
{
	static const int which[] = { Q_OUTLIVED, Q_EXPIRE };
	int64_t now = time(NULL);
	int r = begin(s), gone = 0;

	if (r < 0)
		return;
	for (size_t i = 0; r == 0 && i < sizeof(which) / sizeof(which[0]); i++) {
		sqlite3_stmt *q = query(s, which[i]);

		sqlite3_bind_int64(q, 1, now);
		r = finish(q);
		gone += sqlite3_changes(s->db);
	}
	done(s, r, r == 0 && gone > 0);
}

int64_t
egress_store_list(struct egress_store *s, enum egress_list list, const char *search, int limit, int offset,
    void (*row)(void *, const struct egress_entry *), void *arg)
{
	sqlite3_stmt *q;
	int64_t total = 0;
	int rc;

	pthread_mutex_lock(&s->lock);
	q = query(s, Q_LIST);
	sqlite3_bind_int(q, 1, (int)list);
	sqlite3_bind_text(q, 2, search, -1, SQLITE_STATIC);
	sqlite3_bind_int(q, 3, limit);
	sqlite3_bind_int(q, 4, offset);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		struct egress_entry e = { sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 3), sqlite3_column_int64(q, 4),
		    (const char *)sqlite3_column_text(q, 1), (const char *)sqlite3_column_text(q, 2),
		    sqlite3_column_int(q, 5) != 0 };

		row(arg, &e);
	}
	sqlite3_reset(q);
	q = query(s, Q_SEARCHED);
	sqlite3_bind_int(q, 1, (int)list);
	sqlite3_bind_text(q, 2, search, -1, SQLITE_STATIC);
	if (rc == SQLITE_DONE && (rc = sqlite3_step(q)) == SQLITE_ROW)
		total = sqlite3_column_int64(q, 0);
	sqlite3_reset(q);
	pthread_mutex_unlock(&s->lock);
	return rc == SQLITE_ROW ? total : store_errno(rc);
}

/* --- policies --------------------------------------------------------------------------------- */

static void
version_take(sqlite3_stmt *q, struct egress_policy_version *v)
{
	v->number = sqlite3_column_int64(q, 0);
	v->added_ms = sqlite3_column_int64(q, 1);
	v->bytes = (size_t)sqlite3_column_int64(q, 2);
	snprintf(v->by, sizeof(v->by), "%s", (const char *)sqlite3_column_text(q, 3));
	snprintf(v->description, sizeof(v->description), "%s", (const char *)sqlite3_column_text(q, 4));
}

/* Runs <q> to its first row, if it has one; the version's number, 0, or -errno. */
static int64_t
version_first(sqlite3_stmt *q, struct buf *text, struct egress_policy_version *v)
{
	struct egress_policy_version own = {0};
	int rc = sqlite3_step(q);

	v = v != NULL ? v : &own;
	memset(v, 0, sizeof(*v));
	if (rc == SQLITE_ROW) {
		version_take(q, v);
		if (text != NULL)
			buf_add(text, sqlite3_column_blob(q, 5), (size_t)sqlite3_column_bytes(q, 5));
	}
	sqlite3_reset(q);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? v->number : store_errno(rc);
}

/* An empty text is a text, not NULL. */
static void
bind_text(sqlite3_stmt *q, int at, const char *text, size_t len)
{
	sqlite3_bind_blob64(q, at, len > 0 ? text : "", len, SQLITE_STATIC);
}

int64_t
egress_store_policy_add(struct egress_store *s, const char *text, size_t len, const char *by, const char *description)
{
	sqlite3_stmt *q;
	int64_t version;
	int r;

	pthread_mutex_lock(&s->lock);
	q = query(s, Q_POLICY_ADD);
	sqlite3_bind_int64(q, 1, ctltime_now_ms());
	bind_text(q, 2, text, len);
	sqlite3_bind_text(q, 3, by, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 4, description, -1, SQLITE_STATIC);
	r = finish(q);
	version = sqlite3_last_insert_rowid(s->db);
	if (r == 0) {
		q = query(s, Q_POLICY_OLD);
		sqlite3_bind_int64(q, 1, version - EGRESS_POLICY_VERSIONS);
		finish(q);
	}
	pthread_mutex_unlock(&s->lock);
	return r < 0 ? r : version;
}

int
egress_store_policy_drop(struct egress_store *s, int64_t version)
{
	sqlite3_stmt *q;
	int r;

	pthread_mutex_lock(&s->lock);
	q = query(s, Q_POLICY_DROP);
	sqlite3_bind_int64(q, 1, version);
	r = finish(q);
	pthread_mutex_unlock(&s->lock);
	return r;
}

int64_t
egress_store_policy_get(struct egress_store *s, int64_t version, struct buf *text, struct egress_policy_version *v)
{
	sqlite3_stmt *q;
	int64_t found;

	pthread_mutex_lock(&s->lock);
	q = query(s, Q_POLICY_GET);
	sqlite3_bind_int64(q, 1, version);
	found = version_first(q, text, v);
	pthread_mutex_unlock(&s->lock);
	return found;
}

int64_t
egress_store_policy_find(struct egress_store *s, const char *text, size_t len, struct egress_policy_version *v)
{
	sqlite3_stmt *q;
	int64_t found;

	pthread_mutex_lock(&s->lock);
	q = query(s, Q_POLICY_FIND);
	bind_text(q, 1, text, len);
	found = version_first(q, NULL, v);
	pthread_mutex_unlock(&s->lock);
	return found;
}

int64_t
egress_store_policy_list(struct egress_store *s, int limit, int offset,
    void (*row)(void *, const struct egress_policy_version *), void *arg)
{
	struct egress_policy_version v;
	sqlite3_stmt *q;
	int64_t total;

	pthread_mutex_lock(&s->lock);
	q = query(s, Q_POLICY_LIST);
	sqlite3_bind_int(q, 1, limit);
	sqlite3_bind_int(q, 2, offset);
	while (sqlite3_step(q) == SQLITE_ROW) {
		version_take(q, &v);
		row(arg, &v);
	}
	sqlite3_reset(q);
	total = number(s, Q_POLICY_TOTAL, 0);
	pthread_mutex_unlock(&s->lock);
	return total;
}

/* --- opening ---------------------------------------------------------------------------------- */

int
egress_store_open(struct egress_store **out, const char *dir)
{
	static const char settings[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;";
	struct egress_store *s = calloc(1, sizeof(*s));
	char path[4100];
	int r;

	*out = NULL;
	if (s == NULL)
		return -ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	snprintf(s->dir, sizeof(s->dir), "%s", dir);
	snprintf(path, sizeof(path), "%s/lists", dir);
	file_replace_tidy(path);
	snprintf(path, sizeof(path), "%s/egress.db", dir);
	r = store_errno(sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
	    SQLITE_OPEN_EXRESCODE, NULL));
	if (r == 0)
		r = run(s, settings);
	if (r == 0)
		r = store_migrate_steps(s->db, steps, sizeof(steps) / sizeof(steps[0]), 0);
	for (int i = 0; r == 0 && i < Q_N; i++)
		r = store_errno(sqlite3_prepare_v3(s->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->q[i], NULL));
	/* What was committed, but not yet written for the helper when the last llmsecd died. */
	if (r == 0)
		r = begin(s);
	if (r == 0)
		r = done(s, 0, true);
	if (r < 0)
		egress_store_close(&s);
	*out = s;
	return r;
}

void
egress_store_close(struct egress_store **sp)
{
	struct egress_store *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	for (int i = 0; i < Q_N; i++)
		sqlite3_finalize(s->q[i]);
	sqlite3_close(s->db);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
