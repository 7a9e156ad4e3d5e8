/* SPDX-License-Identifier: MIT */
/*
 * The shadow log's thread and files.  A file belongs to one process, shadow-START-PID-N.jsonl; nothing is written behind what another
 * process wrote, and removing old texts is removing files.  A file ends long before its first line is too old, so that no
 * line outlives <max_age> while a service runs.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "icap-llmsec/shadow_private.h"

#define CLEAN_S		60
#define RETRY_S		1		/* after a failure */
#define ARENA_KEEP	(1 << 20)
#define LINE_KEEP	(1 << 20)
#define FILES_MAX	65536		/* looked at in a folder */

/* ---- the folder ---------------------------------------------------------------------------------- */

/* Ours alone, or nothing goes there. */
static int
dir_open(const struct shadow_conf *c)
{
	struct stat st;
	int fd, rc = 0;

	if (mkdir(c->dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(c->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		rc = -errno;
	else if (st.st_uid != geteuid() || (st.st_mode & 077) != 0)
		rc = -EPERM;
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

struct old {
	char	name[64];
	int64_t	began, size;
};

static int
by_age(const void *a, const void *b)
{
	const struct old *x = a, *y = b;

	return x->began != y->began ? (x->began < y->began ? -1 : 1) : strcmp(x->name, y->name);
}

/* When a file of ours began, by its name; -1: it is none.  Also what llmsec-scan --forget left of one when it was killed. */
static int64_t
name_began(const char *name)
{
	long long began;
	long pid;
	unsigned number;
	int end = 0;

	if (sscanf(name, "shadow-%lld-%ld-%u.jsonl%n", &began, &pid, &number, &end) != 3 || end == 0)
		return -1;
	if (name[end] != '\0' && (strncmp(name + end, SHADOW_FORGET, sizeof(SHADOW_FORGET) - 1) != 0 || strlen(name + end) != sizeof(SHADOW_FORGET) + 5))
		return -1;
	return began;
}

static size_t
list(int dir, struct old **out)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct old *v = NULL, *w;
	struct dirent *e;
	struct stat st;
	size_t n = 0, cap = 0;

	if (d == NULL && fd >= 0)
		close(fd);
	while (d != NULL && n < FILES_MAX && (e = readdir(d)) != NULL) {
		int64_t began = name_began(e->d_name);

		if (began < 0 || strlen(e->d_name) >= sizeof(v->name) || fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (n == cap) {
			cap = cap == 0 ? 64 : 2 * cap;
			if ((w = realloc(v, cap * sizeof(*v))) == NULL)
				break;
			v = w;
		}
		memset(&v[n], 0, sizeof(v[n]));
		strcpy(v[n].name, e->d_name);
		v[n].began = began;
		v[n++].size = st.st_size;
	}
	if (d != NULL)
		closedir(d);
	if (n > 1)
		qsort(v, n, sizeof(*v), by_age);
	*out = v;
	return n;
}

static void
clean(const struct shadow_conf *c, int dir, int64_t now)
{
	struct old *v;
	size_t n = list(dir, &v);
	int64_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += v[i].size;
	for (size_t i = 0; i < n && (v[i].began + c->max_age / 1000 <= now || total > c->max_total); i++) {
		unlinkat(dir, v[i].name, 0);
		total -= v[i].size;
	}
	free(v);
}

int
shadow_clean(const struct shadow *s)
{
	int dir = dir_open(s->conf);

	if (dir < 0)
		return dir;
	clean(s->conf, dir, time(NULL));
	close(dir);
	return 0;
}

/* ---- the file ------------------------------------------------------------------------------------ */

static void
file_close(struct shadow_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->dir >= 0)
		close(f->dir);
	f->fd = f->dir = -1;
}

/*
 * Is the present one there, and ours?  Who writes a file anew (llmsec-scan --forget) takes the lock before the new one takes the place of the old, which has no
 * name then.  A file system without locks: without.
 */
static bool
file_locked(struct shadow_file *f)
{
	struct stat st;

	while (flock(f->fd, LOCK_EX) < 0 && errno == EINTR)
		;
	return fstat(f->fd, &st) == 0 && st.st_nlink > 0;
}

static int
file_create(struct shadow_file *f, const struct shadow_conf *c, int64_t now)
{
	f->dir = dir_open(c);
	if (f->dir < 0) {
		int rc = f->dir;

		f->dir = -1;
		return rc;
	}
	f->began = now;
	f->size = 0;
	do {
		snprintf(f->name, sizeof(f->name), "shadow-%lld-%ld-%u.jsonl", (long long)now, (long)getpid(), f->number++);
		f->fd = openat(f->dir, f->name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	} while (f->fd < 0 && errno == EEXIST);
	if (f->fd < 0)
		return -errno;
	clean(c, f->dir, now);
	return 0;
}

/* A new one, or the present one if it has room, is young, and nobody removed it; locked. */
static int
file_ready(struct shadow_file *f, const struct shadow_conf *c, int64_t need)
{
	int64_t now = time(NULL), span = c->max_age / 8000;
	int rc;

	if (f->fd >= 0 && f->size + need <= c->max_file && now - f->began < span && file_locked(f))
		return 0;
	for (int tries = 0; tries < 8; tries++) {
		file_close(f);
		rc = file_create(f, c, now);
		if (rc < 0 || file_locked(f))
			return rc;
	}
	file_close(f);
	return -EBUSY;		/* somebody removes them as fast as they come */
}

/* All of a line or nothing of it: a reader must not meet half of one in front of the next. */
static int
file_append(struct shadow_file *f, const struct shadow_conf *c, const struct buf *b)
{
	size_t n = buf_len(b);
	ssize_t w;
	int rc = file_ready(f, c, (int64_t)n);

	if (rc < 0)
		return rc;
	do
		w = write(f->fd, buf_ptr(b), n);
	while (w < 0 && errno == EINTR);
	if (w == (ssize_t)n) {
		f->size += w;
		flock(f->fd, LOCK_UN);
		return 0;
	}
	rc = w < 0 ? -errno : -ENOSPC;
	if (w > 0 && ftruncate(f->fd, f->size) < 0)
		unlinkat(f->dir, f->name, 0);
	if (f->size == 0)
		unlinkat(f->dir, f->name, 0);	/* else every second of a full disk leaves an empty one */
	file_close(f);
	return rc;
}

/* ---- the thread ---------------------------------------------------------------------------------- */

static void
write_one(struct shadow *s, const struct shadow_slot *x)
{
	int rc;

	buf_clear(&s->line);
	rc = shadow_line(s->masker, x, s->key, s->key_len, s->arena, &s->line);
	arena_reset(s->arena);
	if (rc == 0)
		rc = file_append(&s->file, s->conf, &s->line);
	if (s->line.err != 0 || s->line.cap > LINE_KEEP)
		buf_free(&s->line);
	s->told(s->arg, rc == 0 ? SHADOW_WRITTEN : SHADOW_FAILED, rc < 0 && !s->failing, rc);
	s->failing = rc < 0;
}

/* What is in the ring.  After a failure the rest of what is there now is given up: the next try comes a moment later. */
static bool
drain(struct shadow *s)
{
	bool any = false;

	for (;;) {
		struct shadow_slot *x = shadow_slot_at(s, s->head);

		if (atomic_load_explicit(&x->seq, memory_order_acquire) != s->head + 1)
			return any;
		if (s->failing && any)
			s->told(s->arg, SHADOW_FAILED, false, 0);
		else
			write_one(s, x);
		memset(x->text, 0, x->len);
		atomic_store_explicit(&x->seq, s->head + SHADOW_SLOTS, memory_order_release);
		s->head++;
		any = true;
	}
}

static void
pause_until(struct shadow *s, int64_t seconds)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += seconds;
	while (sem_clockwait(&s->work, CLOCK_MONOTONIC, &at) < 0 && errno == EINTR)
		;
}

void *
shadow_thread(void *v)
{
	struct shadow *s = v;
	struct timespec now, cleaned = {0};

	s->arena = arena_new((size_t)s->conf->max_text * 64 + (8 << 20));
	if (s->arena != NULL)
		arena_keep(s->arena, ARENA_KEEP);
	while (s->arena != NULL) {
		bool last = s->stop;

		drain(s);
		if (last)
			break;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (cleaned.tv_sec == 0 || now.tv_sec - cleaned.tv_sec >= CLEAN_S) {
			shadow_clean(s);
			cleaned = now;
		}
		if (s->failing) {	/* not woken by what comes: the disk would be tried at every request */
			clock_gettime(CLOCK_MONOTONIC, &now);
			now.tv_sec += RETRY_S;
			while (!s->stop && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &now, NULL) == EINTR)
				;
		} else
			pause_until(s, CLEAN_S);
	}
	file_close(&s->file);
	buf_free(&s->line);
	arena_free(&s->arena);
	return NULL;
}
