/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/counters.h"
#include "lib/counters_private.h"

struct counters {
	struct ctr_file	*map;
	size_t		 map_len;
	size_t		 n;
};

static size_t
ctr_size(size_t n)
{
	return sizeof(struct ctr_file) + n * sizeof(struct ctr_slot);
}

static int
defs_check(const struct counter_def *d, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strlen(d[i].name) >= CTR_NAME_MAX ||
		    (d[i].labels != NULL && strlen(d[i].labels) >= CTR_LABELS_MAX))
			return -ENAMETOOLONG;
		if (!ctr_name_ok(d[i].name) || !ctr_labels_ok(d[i].labels ? d[i].labels : ""))
			return -EINVAL;
	}
	return n > CTR_SLOTS_MAX ? -E2BIG : 0;
}

static void
slot_set_help(struct ctr_slot *s, const char *help)
{
	snprintf(s->help, sizeof(s->help), "%s", help ? help : "");
}

static void
ctr_fill(struct ctr_file *f, const struct counter_def *d, size_t n)
{
	memcpy(f->magic, CTR_MAGIC, sizeof(f->magic));
	f->slot_size = sizeof(struct ctr_slot);
	f->n_slots = (uint32_t)n;
	for (size_t i = 0; i < n; i++) {
		struct ctr_slot *s = &f->slot[i];

		snprintf(s->name, sizeof(s->name), "%s", d[i].name);
		snprintf(s->labels, sizeof(s->labels), "%s", d[i].labels ? d[i].labels : "");
		slot_set_help(s, d[i].help);
		s->kind = (uint32_t)d[i].kind;
	}
}

static bool
slot_is(const struct ctr_slot *s, const struct counter_def *d)
{
	return s->kind == (uint32_t)d->kind && strcmp(s->name, d->name) == 0 &&
	    strcmp(s->labels, d->labels ? d->labels : "") == 0;
}

static bool
ctr_same_table(const struct ctr_file *f, const struct counter_def *d, size_t n)
{
	if (f->n_slots != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!slot_is(&f->slot[i], &d[i]))
			return false;
	}
	return true;
}

static void
ctr_carry_over(struct ctr_file *to, const struct ctr_file *from)
{
	for (size_t i = 0; i < to->n_slots; i++) {
		struct ctr_slot *t = &to->slot[i];

		for (size_t j = 0; j < from->n_slots; j++) {
			const struct ctr_slot *s = &from->slot[j];

			if (t->kind == s->kind && strcmp(t->name, s->name) == 0 &&
			    strcmp(t->labels, s->labels) == 0) {
				memcpy(t->value, s->value, sizeof(t->value));
				break;
			}
		}
	}
}

/* Map an existing file; NULL if there is none or it is not one of ours. */
static struct ctr_file *
ctr_map_old(int dirfd, const char *file, size_t *len)
{
	int fd = openat(dirfd, file, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	struct ctr_file *f = NULL;
	struct stat st;
	void *p;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= (off_t)sizeof(*f) &&
	    st.st_size <= (off_t)ctr_size(CTR_SLOTS_MAX)) {
		*len = (size_t)st.st_size;
		p = mmap(NULL, *len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (p != MAP_FAILED && ctr_file_ok(p, *len))
			f = p;
		else if (p != MAP_FAILED)
			munmap(p, *len);
	}
	close(fd);
	return f;
}

/*
 * A new table never reshapes a file that others have mapped: it gets a new file under the same name.
 * What a process with the old table still counts from then on goes nowhere, as it should at a reload.
 */
static int
ctr_map_new(int dirfd, const char *file, const struct counter_def *d, size_t n,
    const struct ctr_file *old, struct ctr_file **out)
{
	char tmp[CTR_FILE_MAX + 8];
	struct ctr_file *f = NULL;
	size_t len = ctr_size(n);
	int fd, err = 0;

	snprintf(tmp, sizeof(tmp), ".%s.new", file);
	unlinkat(dirfd, tmp, 0);
	fd = openat(dirfd, tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	/* Reserve the blocks: a full disk must show here, not as SIGBUS on the request path. */
	err = -posix_fallocate(fd, 0, (off_t)len);
	if (err == 0) {
		f = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (f == MAP_FAILED) {
			err = -errno;
			f = NULL;
		}
	}
	close(fd);
	if (err == 0) {
		ctr_fill(f, d, n);
		if (old != NULL)
			ctr_carry_over(f, old);
		if (renameat(dirfd, tmp, dirfd, file) != 0)
			err = -errno;
	}
	if (err) {
		unlinkat(dirfd, tmp, 0);
		if (f != NULL)
			munmap(f, len);
		return err;
	}
	*out = f;
	return 0;
}

static int
ctr_map_dir(struct counters *c, const char *dir, const char *name, const struct counter_def *d,
    size_t n)
{
	char file[CTR_FILE_MAX];
	struct ctr_file *old;
	size_t old_len = 0;
	int dirfd, err = 0;

	if (strchr(name, '/') != NULL || name[0] == '.' ||
	    (size_t)snprintf(file, sizeof(file), "%s.ctr", name) >= sizeof(file))
		return -EINVAL;
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return -errno;
	/* Two children of one server may open at the same moment; the lock ends with the descriptor. */
	while (flock(dirfd, LOCK_EX) != 0) {
		if (errno != EINTR) {
			err = -errno;
			goto out;
		}
	}
	old = ctr_map_old(dirfd, file, &old_len);
	if (old != NULL && ctr_same_table(old, d, n)) {
		for (size_t i = 0; i < n; i++)
			slot_set_help(&old->slot[i], d[i].help);
		c->map = old;
		goto out;
	}
	err = ctr_map_new(dirfd, file, d, n, old, &c->map);
	if (old != NULL)
		munmap(old, old_len);
out:
	close(dirfd);
	return err;
}

/* Shared, so that children forked later count into the same memory. */
static int
ctr_map_private(struct counters *c, const struct counter_def *d, size_t n)
{
	void *p = mmap(NULL, ctr_size(n), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	c->map = p;
	ctr_fill(c->map, d, n);
	return 0;
}

int
counters_open(struct counters **out, const char *dir, const char *name, const struct counter_def *d,
    size_t n)
{
	struct counters *c;
	int err = defs_check(d, n);

	*out = NULL;
	if (err)
		return err;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return -ENOMEM;
	c->n = n;
	c->map_len = ctr_size(n);
	err = dir ? ctr_map_dir(c, dir, name, d, n) : ctr_map_private(c, d, n);
	if (err) {
		free(c);
		return err;
	}
	*out = c;
	return 0;
}

void
counters_close(struct counters **cp)
{
	struct counters *c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	munmap(c->map, c->map_len);
	free(c);
}

void
counters_add(struct counters *c, size_t idx, uint64_t n)
{
	if (idx < c->n)
		atomic_fetch_add_explicit(&c->map->slot[idx].value[0], n, memory_order_relaxed);
}

void
counters_set(struct counters *c, size_t idx, int64_t v)
{
	if (idx < c->n)
		atomic_store_explicit(&c->map->slot[idx].value[0], (uint64_t)v, memory_order_relaxed);
}

void
counters_observe(struct counters *c, size_t idx, uint64_t usec)
{
	unsigned b;

	if (idx >= c->n || c->map->slot[idx].kind != COUNTER_HISTOGRAM)
		return;
	/* Bucket b holds values <= 2^(CTR_BUCKET_MIN+b): round the logarithm up. */
	b = usec <= 1 ? 0 : 64 - (unsigned)__builtin_clzll(usec - 1);
	b = b <= CTR_BUCKET_MIN ? 0 : b - CTR_BUCKET_MIN;
	if (b > CTR_BUCKETS)
		b = CTR_BUCKETS;	/* +Inf */
	atomic_fetch_add_explicit(&c->map->slot[idx].value[0], usec, memory_order_relaxed);
	atomic_fetch_add_explicit(&c->map->slot[idx].value[1 + b], 1, memory_order_relaxed);
}

uint64_t
counters_get(const struct counters *c, size_t idx)
{
	uint64_t sum = 0;

	if (idx >= c->n)
		return 0;
	if (c->map->slot[idx].kind != COUNTER_HISTOGRAM)
		return atomic_load_explicit(&c->map->slot[idx].value[0], memory_order_relaxed);
	for (size_t b = 0; b <= CTR_BUCKETS; b++)
		sum += atomic_load_explicit(&c->map->slot[idx].value[1 + b], memory_order_relaxed);
	return sum;
}
