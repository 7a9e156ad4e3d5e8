/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/geo_db.h"
#include "haproxy-spoa/hot.h"
#include "lib/diag.h"
#include "lib/log.h"

#define CHECK_US	1000000

struct slot {			/* one opened file, counted */
	void			*object;
	const struct hot_kind	*kind;
	atomic_uint		 refs;
};

struct source {			/* main thread only */
	struct hot_file		 file;
	struct geo_stamp	 loaded, seen;
};

struct hot {
	size_t			 n;
	struct source		*src;
	uint64_t		 checked_us;
	pthread_mutex_t		 lock;		/* of cur; a request only ever tries it */
	struct slot		**cur;
	atomic_uint		 generation;
};

struct hot_view {
	size_t			 n;
	unsigned		 generation;
	struct slot		*cur[];
};

static void
slot_unref(struct slot *s)
{
	if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	s->kind->close(&s->object);
	free(s);
}

static struct slot *
slot_ref(struct slot *s)
{
	if (s != NULL)
		atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

static void
publish(struct hot *h, size_t i, struct slot *s)
{
	struct slot *old;

	pthread_mutex_lock(&h->lock);
	old = h->cur[i];
	h->cur[i] = s;
	atomic_fetch_add_explicit(&h->generation, 1, memory_order_release);
	pthread_mutex_unlock(&h->lock);
	slot_unref(old);
}

static void
source_load(struct hot *h, size_t i)
{
	const struct hot_file *f = &h->src[i].file;
	struct slot *s = calloc(1, sizeof(*s));
	struct diag *d = diag_new();
	int rc = s != NULL && d != NULL ? f->kind->open(&s->object, f->path, d) : -ENOMEM;

	if (rc == 0) {
		s->kind = f->kind;
		atomic_init(&s->refs, 1);
		publish(h, i, s);
		log_info("%s: loaded %s", f->kind->what, f->path);
	} else {
		bool said = d != NULL && diag_errors(d) > 0;	/* with the path */

		free(s);
		log_warnx("%s: %s%s%s; %s", f->kind->what, said ? "" : f->path, said ? "" : ": ",
		    said ? diag_first(d) : strerror(-rc),
		    h->cur[i] != NULL ? "the old one stays" : "done without until it can be read");
	}
	diag_free(&d);
}

/* Only a file that two looks found the same: one that is being written is left alone. */
static void
source_check(struct hot *h, size_t i)
{
	struct source *src = &h->src[i];
	struct geo_stamp now;
	bool settled;

	geo_stamp_take(&now, src->file.path);
	settled = geo_stamp_same(&now, &src->seen);
	src->seen = now;
	if (!settled || now.ino == 0 || geo_stamp_same(&now, &src->loaded))
		return;
	src->loaded = now;
	source_load(h, i);
}

void
hot_tick(struct hot *h, uint64_t now_us)
{
	if (now_us - h->checked_us < CHECK_US)
		return;
	h->checked_us = now_us;
	for (size_t i = 0; i < h->n; i++)
		source_check(h, i);
}

struct hot *
hot_new(const struct hot_file *files, size_t n)
{
	struct hot *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	pthread_mutex_init(&h->lock, NULL);
	h->src = calloc(n + 1, sizeof(*h->src));
	h->cur = calloc(n + 1, sizeof(*h->cur));
	if (h->src == NULL || h->cur == NULL) {
		hot_free(&h);
		return NULL;
	}
	h->n = n;
	for (size_t i = 0; i < n; i++) {
		h->src[i].file = files[i];
		geo_stamp_take(&h->src[i].loaded, files[i].path);
		h->src[i].seen = h->src[i].loaded;
		source_load(h, i);
	}
	return h;
}

void
hot_free(struct hot **hp)
{
	struct hot *h = *hp;

	*hp = NULL;
	if (h == NULL)
		return;
	for (size_t i = 0; i < h->n; i++)
		slot_unref(h->cur[i]);
	pthread_mutex_destroy(&h->lock);
	free(h->src);
	free(h->cur);
	free(h);
}

struct hot_view *
hot_view_new(const struct hot *h)
{
	struct hot_view *v = calloc(1, sizeof(*v) + h->n * sizeof(v->cur[0]));

	if (v != NULL)
		v->n = h->n;
	return v;
}

void
hot_view_free(struct hot_view **vp)
{
	struct hot_view *v = *vp;

	*vp = NULL;
	if (v == NULL)
		return;
	for (size_t i = 0; i < v->n; i++)
		slot_unref(v->cur[i]);
	free(v);
}

void
hot_view_follow(struct hot_view *v, struct hot *h)
{
	if (v->generation == atomic_load_explicit(&h->generation, memory_order_acquire) ||
	    pthread_mutex_trylock(&h->lock) != 0)
		return;
	for (size_t i = 0; i < v->n; i++) {
		slot_unref(v->cur[i]);
		v->cur[i] = slot_ref(h->cur[i]);
	}
	v->generation = atomic_load_explicit(&h->generation, memory_order_relaxed);
	pthread_mutex_unlock(&h->lock);
}

void *
hot_view_get(const struct hot_view *v, size_t i)
{
	return v->cur[i] != NULL ? v->cur[i]->object : NULL;
}
