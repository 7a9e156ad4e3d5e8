/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/diag.h"
#include "lib/set_private.h"

/* ---- stamps ------------------------------------------------------------------------------------ */

void
set_stamp_take(struct set_stamp *s, const char *path)
{
	struct stat st;

	memset(s, 0, sizeof(*s));
	if (path == NULL || path[0] == '\0' || stat(path, &st) != 0)
		return;
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	s->size = st.st_size;
	s->mtime = st.st_mtim;
}

bool
set_stamp_same(const struct set_stamp *a, const struct set_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	    a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec;
}

/* ---- what a file says of itself ------------------------------------------------------------------ */

static int
bad(struct diag *d, const char *name, const char *why)
{
	diag_error(d, name, 0, 0, "%s", why);
	return -EBADMSG;
}

static void
head_read(struct set_map *m, const uint8_t *h)
{
	m->info.kind = h[SET_AT_KIND];
	m->info.version = set_le16(h + SET_AT_VERSION);
	m->info.size = set_le64(h + SET_AT_SIZE);
	m->info.created = (time_t)set_le64(h + SET_AT_CREATED);
	m->info.generation = set_le64(h + SET_AT_GENERATION);
	m->info.entries = set_le64(h + SET_AT_ENTRIES);
	m->info.checksum = set_le32(h + SET_AT_BODY_CRC);
	m->width = h[SET_AT_WIDTH];
	m->flags = set_le16(h + SET_AT_FLAGS);
	m->probes = set_le16(h + SET_AT_PROBES);
	memcpy(m->key, h + SET_AT_KEY, sizeof(m->key));
}

/* Sections lie one behind the other and inside the file, or the file is refused. */
static const char *
sections_read(struct set_map *m, const uint8_t *h)
{
	uint64_t at = SET_HEADER;

	for (int i = 0; i < SET_SECTIONS; i++) {
		uint64_t off = set_le64(h + SET_AT_TABLE + 16 * i), n = set_le64(h + SET_AT_TABLE + 16 * i + 8);

		if (off < at || off % SET_ALIGN != 0 || off > m->size || n > m->size - off)
			return "a section lies outside of the file";
		m->s[i] = (struct set_span){(const uint8_t *)m->base + off, (size_t)n};
		at = off + n;
	}
	if (m->s[SET_S_CATEGORIES].n % SET_NAME_SIZE != 0 ||
	    m->s[SET_S_CATEGORIES].n > SET_CATEGORIES * SET_NAME_SIZE)
		return "its categories make no sense";
	if (m->s[SET_S_CLASSES].n % SET_CLASS_SIZE != 0 ||
	    m->s[SET_S_CLASSES].n / SET_CLASS_SIZE > (m->width == 1 ? 256 : SET_CLASSES_MAX + 1))
		return "its classes make no sense";
	m->info.n_categories = m->s[SET_S_CATEGORIES].n / SET_NAME_SIZE;
	m->info.n_classes = m->s[SET_S_CLASSES].n / SET_CLASS_SIZE;
	for (size_t i = 0; i < m->info.n_categories; i++)
		if (m->s[SET_S_CATEGORIES].p[(i + 1) * SET_NAME_SIZE - 1] != 0)
			return "a category's name has no end";
	return NULL;
}

static const char *
head_check(struct set_map *m, enum set_kind kind)
{
	const uint8_t *h = m->base;

	if (m->size < SET_HEADER || memcmp(h, SET_MAGIC, 8) != 0)
		return "not a set of llmsec, or its beginning is damaged";
	if (set_crc32c(0, h, SET_AT_HEAD_CRC) != set_le32(h + SET_AT_HEAD_CRC))
		return "the header is damaged (checksum)";
	head_read(m, h);
	if (m->info.kind != kind)
		return kind == SET_DOMAINS ? "a set, but not of domains" : "a set, but not of addresses";
	if (m->info.version < set_version(kind))
		return "an older version of the format: the next run of llmsec-ti-sync makes a new one";
	if (m->info.version > set_version(kind))
		return "a newer version of the format than this program knows";
	if (m->info.size != m->size)
		return m->size < m->info.size ? "cut short" : "longer than it says";
	if (m->width != 1 && m->width != 2)
		return "classes of an impossible width";
	return sections_read(m, h);
}

static int
map_check(struct set_map *m, enum set_kind kind, unsigned flags, const char *name, struct diag *d)
{
	const char *why = head_check(m, kind);

	if (why == NULL && (flags & SET_QUICK) == 0 && set_crc32c(0, (const uint8_t *)m->base + SET_HEADER,
	    m->size - SET_HEADER) != m->info.checksum)
		why = "damaged (checksum)";
	return why == NULL ? 0 : bad(d, name, why);
}

/* ---- opening ------------------------------------------------------------------------------------- */

#define HUGE_PAGE	((size_t)2 << 20)

static size_t
huge_round(size_t n)
{
	return (n + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
}

static int
read_all(int fd, uint8_t *p, size_t n)
{
	for (ssize_t k; n > 0; p += k, n -= (size_t)k) {
		k = read(fd, p, n);
		if (k < 0 && errno == EINTR)
			k = 0;
		else if (k <= 0)
			return k < 0 ? -errno : -EBADMSG;
	}
	return 0;
}

/* One huge page more than needed, so that a whole number of them lies inside. */
static int
file_copy(struct set_map *m, int fd)
{
	int err;

	m->mapped_size = huge_round(m->size) + HUGE_PAGE;
	m->mapped = mmap(NULL, m->mapped_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m->mapped == MAP_FAILED) {
		m->mapped = NULL;
		return -ENOMEM;
	}
	m->base = (void *)huge_round((uintptr_t)m->mapped);
	madvise(m->base, huge_round(m->size), MADV_HUGEPAGE);
	err = read_all(fd, m->base, m->size);
	mprotect(m->mapped, m->mapped_size, PROT_READ);
	return err;
}

static int
file_share(struct set_map *m, int fd)
{
	m->mapped_size = m->size;
	m->mapped = mmap(NULL, m->size, PROT_READ, MAP_SHARED, fd, 0);
	if (m->mapped == MAP_FAILED) {
		m->mapped = NULL;
		return -errno;
	}
	m->base = m->mapped;
	return 0;
}

static int
file_map(struct set_map *m, const char *path, unsigned flags)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = 0;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0)
		err = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size < SET_HEADER || (uint64_t)st.st_size > SIZE_MAX / 2)
		err = -EBADMSG;
	if (err == 0) {
		m->size = (size_t)st.st_size;
		err = (flags & SET_COPY) != 0 ? file_copy(m, fd) : file_share(m, fd);
	}
	close(fd);
	return err;
}

static void
map_close(struct set_map *m)
{
	if (m->mapped != NULL)
		munmap(m->mapped, m->mapped_size);
	memset(m, 0, sizeof(*m));
}

/* The rest of opening, once the bytes are in sight. */
static int
set_begin(void *set, const struct set_type *t, unsigned flags, const char *name, struct diag *d)
{
	int err = map_check(set, t->kind, flags, name, d);
	const char *why = err == 0 ? t->check(set, (flags & SET_QUICK) != 0) : NULL;

	return why != NULL ? bad(d, name, why) : err;
}

void *
set_open(const struct set_type *t, const char *path, unsigned flags, struct diag *d, int *err)
{
	struct set_map *m = calloc(1, t->size);

	*err = m != NULL ? file_map(m, path, flags) : -ENOMEM;
	if (*err == 0)
		*err = set_begin(m, t, flags, path, d);
	else if (*err == -EBADMSG)
		bad(d, path, "too short for a set, or not a file");
	else
		diag_error(d, path, 0, 0, "%s", strerror(-*err));
	if (*err != 0) {
		set_close(m);
		m = NULL;
	}
	return m;
}

void *
set_open_mem(const struct set_type *t, const void *p, size_t n, unsigned flags, struct diag *d, int *err)
{
	struct set_map *m = calloc(1, t->size);

	*err = -ENOMEM;
	if (m == NULL)
		return NULL;
	m->base = (void *)(uintptr_t)p;
	m->size = n;
	*err = set_begin(m, t, flags, "memory", d);
	if (*err != 0) {
		set_close(m);
		m = NULL;
	}
	return m;
}

void
set_close(void *set)
{
	if (set != NULL)
		map_close(set);
	free(set);
}

struct set_class
set_map_class(const struct set_map *m, unsigned i)
{
	struct set_class c = {0};

	if (i < m->info.n_classes) {
		const uint8_t *p = m->s[SET_S_CLASSES].p + (size_t)i * SET_CLASS_SIZE;

		c = (struct set_class){set_le64(p), p[8], p[9]};
	}
	return c;
}

const char *
set_map_category(const struct set_map *m, unsigned i)
{
	return i < m->info.n_categories ?
	    (const char *)m->s[SET_S_CATEGORIES].p + (size_t)i * SET_NAME_SIZE : NULL;
}

bool
set_map_hit(const struct set_map *m, unsigned i, unsigned depth, struct set_hit *hit)
{
	struct set_class c = set_map_class(m, i);

	if ((c.flags & SET_PASS) != 0)
		return false;
	if (hit != NULL)
		*hit = (struct set_hit){c.categories, c.confidence, (uint8_t)depth};
	return true;
}
