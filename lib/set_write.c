/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/file_write.h"
#include "lib/set_private.h"

/* ---- classes ------------------------------------------------------------------------------------ */

static size_t
class_hash(const struct set_class *c)	/* multiplication by 2^64 / phi: Knuth 6.4 */
{
	uint64_t h = (c->categories ^ (uint64_t)c->confidence << 48 ^ (uint64_t)c->flags << 56) *
	    0x9e3779b97f4a7c15u;

	return (size_t)(h >> 32);
}

static bool
class_same(const struct set_class *a, const struct set_class *b)
{
	return a->categories == b->categories && a->confidence == b->confidence && a->flags == b->flags;
}

static int
classes_grow(struct set_classes *c)
{
	size_t cap = c->cap != 0 ? c->cap * 2 : 64;
	struct set_class *v = realloc(c->v, cap * sizeof(*v));
	uint32_t *slot;

	if (v == NULL)
		return -ENOMEM;
	c->v = v;
	slot = calloc(cap * 2, sizeof(*slot));
	if (slot == NULL)
		return -ENOMEM;
	free(c->slot);
	c->slot = slot;
	c->cap = cap;
	c->mask = cap * 2 - 1;
	for (size_t i = 0; i < c->n; i++) {
		size_t k = class_hash(&v[i]) & c->mask;

		while (slot[k] != 0)
			k = (k + 1) & c->mask;
		slot[k] = (uint32_t)i + 1;
	}
	return 0;
}

int
set_classes_add(struct set_classes *c, const struct set_class *cl)
{
	size_t k;

	if (c->last != 0 && class_same(&c->v[c->last - 1], cl))
		return (int)c->last;
	if (c->n == c->cap && classes_grow(c) < 0)
		return -ENOMEM;
	for (k = class_hash(cl) & c->mask; c->slot[k] != 0; k = (k + 1) & c->mask)
		if (class_same(&c->v[c->slot[k] - 1], cl))
			return (int)(c->last = c->slot[k]);
	if (c->n == SET_CLASSES_MAX - 1)
		return -E2BIG;
	c->v[c->n++] = *cl;
	c->slot[k] = c->last = (uint32_t)c->n;
	return (int)c->last;
}

void
set_classes_free(struct set_classes *c)
{
	free(c->v);
	free(c->slot);
	memset(c, 0, sizeof(*c));
}

/* ---- the file ----------------------------------------------------------------------------------- */

static void
put16(uint8_t *p, uint64_t v)
{
	uint16_t x = htole16((uint16_t)v);

	memcpy(p, &x, sizeof(x));
}

static void
put32(uint8_t *p, uint64_t v)
{
	uint32_t x = htole32((uint32_t)v);

	memcpy(p, &x, sizeof(x));
}

static void
put64(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

void
set_out_init(struct set_out *o, enum set_kind kind, const struct set_meta *meta)
{
	memset(o, 0, sizeof(*o));
	o->kind = kind;
	o->meta = *meta;
	o->meta.categories = NULL;
	if (o->meta.n_categories > SET_CATEGORIES)
		o->meta.n_categories = SET_CATEGORIES;
	for (size_t i = 0; i < o->meta.n_categories; i++)
		snprintf(o->names[i], SET_NAME_SIZE, "%s", meta->categories[i]);
}

static uint64_t
aligned(uint64_t n)
{
	return (n + SET_ALIGN - 1) & ~(uint64_t)(SET_ALIGN - 1);
}

/* Where each section goes; returns the size of the file. */
static uint64_t
layout(uint8_t *head, const struct set_span *s)
{
	uint64_t at = SET_HEADER;

	for (int i = 0; i < SET_SECTIONS; i++) {
		put64(head + SET_AT_TABLE + 16 * i, at);
		put64(head + SET_AT_TABLE + 16 * i + 8, s[i].n);
		at += aligned(s[i].n);
	}
	return at;
}

static void
head_fill(uint8_t head[SET_HEADER], const struct set_out *o, unsigned width, const struct set_span *s)
{
	memset(head, 0, SET_HEADER);
	memcpy(head, SET_MAGIC, 8);
	put16(head + SET_AT_VERSION, set_version(o->kind));
	head[SET_AT_KIND] = (uint8_t)o->kind;
	head[SET_AT_WIDTH] = (uint8_t)width;
	put16(head + SET_AT_FLAGS, o->flags);
	put16(head + SET_AT_PROBES, o->probes);
	put64(head + SET_AT_CREATED, (uint64_t)o->meta.created);
	put64(head + SET_AT_GENERATION, o->meta.generation);
	put64(head + SET_AT_ENTRIES, o->entries);
	memcpy(head + SET_AT_KEY, o->meta.key, sizeof(o->meta.key));
	put64(head + SET_AT_SIZE, layout(head, s));
}

/* The header comes last into the file, too: until then it has no magic. */
static int
file_write(int fd, uint8_t head[SET_HEADER], const struct set_span *s)
{
	static const uint8_t zero[SET_HEADER];
	uint32_t crc = 0;
	int err = file_write_all(fd, zero, SET_HEADER);

	for (int i = 0; err == 0 && i < SET_SECTIONS; i++) {
		size_t pad = (size_t)(aligned(s[i].n) - s[i].n);

		if (s[i].n > 0)
			err = file_write_all(fd, s[i].p, s[i].n);
		if (err == 0 && pad > 0)
			err = file_write_all(fd, zero, pad);
		crc = s[i].n > 0 ? set_crc32c(crc, s[i].p, s[i].n) : crc;
		crc = set_crc32c(crc, zero, pad);
	}
	put32(head + SET_AT_BODY_CRC, crc);
	put32(head + SET_AT_HEAD_CRC, set_crc32c(0, head, SET_AT_HEAD_CRC));
	if (err == 0 && pwrite(fd, head, SET_HEADER, 0) != SET_HEADER)
		err = -EIO;
	if (err == 0 && fsync(fd) != 0)
		err = -errno;
	return err;
}

static int
publish(uint8_t head[SET_HEADER], const struct set_span *s, const char *path)
{
	char tmp[PATH_MAX];
	int fd, err;

	if (snprintf(tmp, sizeof(tmp), "%s.new", path) >= (int)sizeof(tmp))
		return -ENAMETOOLONG;
	if (unlink(tmp) != 0 && errno != ENOENT)	/* of a writer that was killed */
		return -errno;
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	err = file_write(fd, head, s);
	if (close(fd) != 0 && err == 0)
		err = -errno;
	if (err == 0 && rename(tmp, path) != 0)
		err = -errno;
	if (err != 0) {
		unlink(tmp);
		return err;
	}
	return file_parent_sync(path);
}

static uint8_t *
classes_bytes(const struct set_classes *c, size_t *n)
{
	uint8_t *v = calloc(c->n + 1, SET_CLASS_SIZE);

	*n = (c->n + 1) * SET_CLASS_SIZE;
	for (size_t i = 0; v != NULL && i < c->n; i++) {
		uint8_t *p = v + (i + 1) * SET_CLASS_SIZE;

		put64(p, c->v[i].categories);
		p[8] = c->v[i].confidence;
		p[9] = c->v[i].flags;
	}
	return v;
}

int
set_out_write(const struct set_out *o, const struct set_classes *c, const struct set_span *own, size_t n,
    const char *path)
{
	struct set_span s[SET_SECTIONS] = {{NULL, 0}};
	uint8_t head[SET_HEADER];
	uint8_t *classes = classes_bytes(c, &s[SET_S_CLASSES].n);
	int err;

	if (classes == NULL)
		return -ENOMEM;
	s[SET_S_CATEGORIES] = (struct set_span){(const uint8_t *)o->names, o->meta.n_categories * SET_NAME_SIZE};
	s[SET_S_CLASSES].p = classes;
	for (size_t i = 0; i < n; i++)
		s[2 + i] = own[i];
	head_fill(head, o, set_classes_width(c), s);
	err = publish(head, s, path);
	free(classes);
	return err;
}
