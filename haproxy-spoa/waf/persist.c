/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "haproxy-spoa/waf/persist.h"
#include "haproxy-spoa/waf/persist_record.h"

#define MAP_SIZE	((size_t)256 << 20)
#define MAX_READERS	512

struct persist {
	struct persist	*next;
	dev_t		 dev;
	ino_t		 ino;
	unsigned	 users;
	MDB_env		*env;
	MDB_dbi		 dbi;
	unsigned char	 swept[PERSIST_KEY_MAX];	/* where the last slice of a sweep ended */
	size_t		 swept_len;	/* 0: the next one begins at the first record */
};

/* Environments of this process.  Loading and freeing rules take the lock, requests never. */
static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct persist *registry;

static int
env_open(struct persist *p, const char *dir)
{
	MDB_txn *txn = NULL;
	int r;

	if ((r = mdb_env_create(&p->env)) != 0 || (r = mdb_env_set_mapsize(p->env, MAP_SIZE)) != 0 ||
	    (r = mdb_env_set_maxreaders(p->env, MAX_READERS)) != 0 ||
	    (r = mdb_env_open(p->env, dir, MDB_NOSYNC | MDB_NOTLS, 0600)) != 0 ||
	    (r = mdb_txn_begin(p->env, NULL, 0, &txn)) != 0)
		return r;
	if ((r = mdb_dbi_open(txn, NULL, 0, &p->dbi)) != 0) {
		mdb_txn_abort(txn);
		return r;
	}
	return mdb_txn_commit(txn);
}

static struct persist *
registry_find(const struct stat *st)
{
	struct persist *p;

	for (p = registry; p != NULL; p = p->next)
		if (p->dev == st->st_dev && p->ino == st->st_ino)
			break;
	return p;
}

static struct persist *
persist_new(const char *dir, const struct stat *st, struct diag *d)
{
	struct persist *p = calloc(1, sizeof(*p));
	int r = p == NULL ? ENOMEM : env_open(p, dir);

	if (r != 0) {
		diag_error(d, dir, 0, 0, "cannot open the store of persistent collections: %s", mdb_strerror(r));
		if (p != NULL && p->env != NULL)
			mdb_env_close(p->env);
		free(p);
		return NULL;
	}
	p->dev = st->st_dev;
	p->ino = st->st_ino;
	p->next = registry;
	registry = p;
	return p;
}

struct persist *
persist_open(const char *dir, struct diag *d)
{
	struct persist *p = NULL;
	struct stat st;

	if ((mkdir(dir, 0700) != 0 && errno != EEXIST) || stat(dir, &st) != 0) {
		diag_error(d, dir, 0, 0, "cannot use the folder of persistent collections: %s", strerror(errno));
		return NULL;
	}
	pthread_mutex_lock(&registry_lock);
	if ((p = registry_find(&st)) == NULL)
		p = persist_new(dir, &st, d);
	if (p != NULL)
		p->users++;
	pthread_mutex_unlock(&registry_lock);
	return p;
}

void
persist_close(struct persist **pp)
{
	struct persist *p = *pp, **at;

	*pp = NULL;
	if (p == NULL)
		return;
	pthread_mutex_lock(&registry_lock);
	if (--p->users == 0) {
		for (at = &registry; *at != p; at = &(*at)->next)
			;
		*at = p->next;
		mdb_env_close(p->env);
		free(p);
	}
	pthread_mutex_unlock(&registry_lock);
}

int
persist_get(struct persist *p, const char *coll, struct waf_str key, int64_t now, struct persist_record *rec,
    struct arena *a)
{
	unsigned char buf[PERSIST_KEY_MAX];
	MDB_val k = {persist_key(buf, coll, key), buf}, v;
	MDB_txn *txn;
	int r;

	memset(rec, 0, sizeof(*rec));
	if ((r = mdb_txn_begin(p->env, NULL, MDB_RDONLY, &txn)) != 0)
		return -EIO;
	r = mdb_get(txn, p->dbi, &k, &v);
	if (r == 0)
		r = persist_decode(rec, v.mv_data, v.mv_size, now, a);
	else
		r = r == MDB_NOTFOUND ? 0 : -EIO;
	mdb_txn_abort(txn);
	return r;
}

/* One record, within the write transaction. */
static int
update_one(struct persist *p, MDB_txn *txn, const struct persist_update *up, int64_t now,
    void (*fn)(void *, bool, struct persist_record *, struct arena *), struct arena *a)
{
	unsigned char buf[PERSIST_KEY_MAX];
	MDB_val k = {persist_key(buf, up->coll, up->key), buf}, v;
	struct persist_record rec = {0};
	bool found = false;
	int r;

	r = mdb_get(txn, p->dbi, &k, &v);
	if (r != 0 && r != MDB_NOTFOUND)
		return r;
	if (r == 0)
		found = persist_decode(&rec, v.mv_data, v.mv_size, now, a) == 1;
	fn(up->arg, found, &rec, a);
	if ((v.mv_data = persist_encode(&rec, &v.mv_size, a)) == NULL)
		return ENOMEM;
	return mdb_put(txn, p->dbi, &k, &v, 0);
}

int
persist_update(struct persist *p, const struct persist_update *up, size_t n, int64_t now,
    void (*fn)(void *, bool, struct persist_record *, struct arena *), struct arena *a)
{
	MDB_txn *txn;
	size_t i;
	int r;

	if (mdb_txn_begin(p->env, NULL, 0, &txn) != 0)
		return -EIO;
	for (r = 0, i = 0; i < n && r == 0; i++)
		r = update_one(p, txn, &up[i], now, fn, a);
	if (r != 0) {
		mdb_txn_abort(txn);
		return r == MDB_MAP_FULL ? -ENOSPC : -EIO;
	}
	return mdb_txn_commit(txn) == 0 ? 0 : -EIO;
}

/* One slice of a sweep. */
struct slice {
	unsigned char	 last[PERSIST_KEY_MAX];	/* of the keys looked at */
	size_t		 last_len, seen, dead;
	bool		 end;
};

/* From behind the key at which the last slice stopped; drops what is dead where <drop>. */
static int
slice_walk(struct persist *p, MDB_txn *txn, struct slice *s, int64_t now, size_t max, bool drop)
{
	MDB_val k = {p->swept_len, p->swept}, v;
	MDB_cursor *cur;
	int r;

	*s = (struct slice){.last_len = 0};
	if ((r = mdb_cursor_open(txn, p->dbi, &cur)) != 0)
		return r;
	r = mdb_cursor_get(cur, &k, &v, p->swept_len > 0 ? MDB_SET_RANGE : MDB_FIRST);
	for (; r == 0 && s->seen < max; r = mdb_cursor_get(cur, &k, &v, MDB_NEXT)) {
		s->last_len = k.mv_size < sizeof(s->last) ? k.mv_size : sizeof(s->last);
		memcpy(s->last, k.mv_data, s->last_len);
		s->seen++;
		if (!persist_dead(v.mv_data, v.mv_size, now))
			continue;
		s->dead++;
		if (drop && (r = mdb_cursor_del(cur, 0)) != 0)
			break;
	}
	mdb_cursor_close(cur);
	s->end = r == MDB_NOTFOUND;
	return s->end ? 0 : r;
}

/* Most slices have nothing dead in them, and then no writer has to wait for us. */
int
persist_sweep(struct persist *p, int64_t now, size_t max, size_t *dropped)
{
	struct slice s = {.dead = 0};
	MDB_txn *txn;
	bool drop;
	int r = 0;

	for (drop = false; r == 0 && (!drop || s.dead > 0); drop = true) {
		if ((r = mdb_txn_begin(p->env, NULL, drop ? 0 : MDB_RDONLY, &txn)) != 0)
			break;
		r = slice_walk(p, txn, &s, now, max, drop);
		if (r == 0 && drop)
			r = mdb_txn_commit(txn);
		else
			mdb_txn_abort(txn);
		if (drop)
			break;
	}
	if (r != 0)
		return r == MDB_MAP_FULL ? -ENOSPC : -EIO;
	if (dropped != NULL)
		*dropped += s.dead;
	p->swept_len = s.end ? 0 : s.last_len;
	memcpy(p->swept, s.last, p->swept_len);
	return s.end;
}
