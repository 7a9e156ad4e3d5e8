/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "haproxy-spoa/never_watch.h"
#include "lib/diag.h"
#include "lib/log.h"
#include "lib/never_ban.h"

#define CHECK_US	1000000

struct never_slot {		/* one list, counted */
	struct never_ban	*list;
	atomic_uint		 refs;
};

struct stamp {
	dev_t		 dev;
	ino_t		 ino;		/* 0: no file */
	off_t		 size;
	struct timespec	 mtime;
};

struct never_watch {
	char			*path;
	struct stamp		 loaded, seen;
	uint64_t		 checked_us;
	pthread_mutex_t		 lock;	/* of cur; workers only try it */
	struct never_slot	*cur;	/* NULL: empty */
	atomic_uint		 generation;
};

static void
slot_unref(struct never_slot *s)
{
	if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	never_ban_free(&s->list);
	free(s);
}

static struct stamp
stamp_take(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return (struct stamp){0};
	return (struct stamp){st.st_dev, st.st_ino, st.st_size, st.st_mtim};
}

static bool
stamp_same(const struct stamp *a, const struct stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->mtime.tv_sec == b->mtime.tv_sec &&
	    a->mtime.tv_nsec == b->mtime.tv_nsec;
}

static void
publish(struct never_watch *w, struct never_slot *s)
{
	struct never_slot *old;

	pthread_mutex_lock(&w->lock);
	old = w->cur;
	w->cur = s;
	atomic_fetch_add_explicit(&w->generation, 1, memory_order_release);
	pthread_mutex_unlock(&w->lock);
	slot_unref(old);
}

static int
load(struct never_watch *w, unsigned *line)
{
	struct never_slot *s = calloc(1, sizeof(*s));
	int r = s != NULL ? never_ban_load(&s->list, w->path, line) : -ENOMEM;

	if (r < 0) {
		free(s);
		return r;
	}
	atomic_init(&s->refs, 1);
	publish(w, s);
	return 0;
}

int
never_watch_open(struct never_watch **out, const char *path, struct diag *d)
{
	struct never_watch *w = calloc(1, sizeof(*w));
	unsigned line = 0;
	int r = 0;

	*out = NULL;
	if (w == NULL || (w->path = strdup(path)) == NULL) {
		free(w);
		diag_error(d, path, 0, 0, "out of memory");
		return -ENOMEM;
	}
	pthread_mutex_init(&w->lock, NULL);
	*out = w;
	if (path[0] == '\0')
		return 0;
	w->loaded = w->seen = stamp_take(path);
	r = load(w, &line);
	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		diag_error(d, path, (int)line, 0, "%s", r == -EINVAL ? "neither an address nor a network" : strerror(-r));
		never_watch_close(out);
	}
	return r;
}

void
never_watch_close(struct never_watch **wp)
{
	struct never_watch *w = *wp;

	*wp = NULL;
	if (w == NULL)
		return;
	slot_unref(w->cur);
	pthread_mutex_destroy(&w->lock);
	free(w->path);
	free(w);
}

bool
never_watch_waits(const struct never_watch *w)
{
	return w->path[0] != '\0' && w->cur == NULL;
}

/* Only a file that two looks found the same: one that is being written is left alone. */
void
never_watch_tick(struct never_watch *w, uint64_t now_us)
{
	struct stamp now;
	unsigned line = 0;
	bool settled;
	int r;

	if (w->path[0] == '\0' || now_us - w->checked_us < CHECK_US)
		return;
	w->checked_us = now_us;
	now = stamp_take(w->path);
	settled = stamp_same(&now, &w->seen);
	w->seen = now;
	if (!settled || now.ino == 0 || stamp_same(&now, &w->loaded))
		return;
	w->loaded = now;
	r = load(w, &line);
	if (r == 0)
		log_notice("never-ban list %s read again", w->path);
	else if (r == -EINVAL)
		log_err("%s:%u: neither an address nor a network; the old list stays", w->path, line);
	else
		log_err("%s: %s; the old list stays", w->path, strerror(-r));
}

const struct never_ban *
never_watch_list(struct never_watch *w)
{
	return w->cur != NULL ? w->cur->list : NULL;
}

const struct never_ban *
never_reader_list(struct never_reader *r, struct never_watch *w)
{
	if (r->generation != atomic_load_explicit(&w->generation, memory_order_acquire) &&
	    pthread_mutex_trylock(&w->lock) == 0) {
		slot_unref(r->cur);
		r->cur = w->cur;
		if (r->cur != NULL)
			atomic_fetch_add_explicit(&r->cur->refs, 1, memory_order_relaxed);
		r->generation = atomic_load_explicit(&w->generation, memory_order_relaxed);
		pthread_mutex_unlock(&w->lock);
	}
	return r->cur != NULL ? r->cur->list : NULL;
}

void
never_reader_drop(struct never_reader *r)
{
	slot_unref(r->cur);
	*r = (struct never_reader){0};
}
