/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"

#define ARENA_BLOCK	(16 * 1024)
#define ARENA_ALIGN	16
#define ARENA_LIMIT	((size_t)64 << 20)

struct arena_block {
	struct arena_block *next;
	size_t		    cap, used;
	_Alignas(ARENA_ALIGN) unsigned char data[];
};

struct arena {
	struct arena_block *head;	/* newest; the first block is the last of the list */
	struct arena_block *spare;	/* to be used again, all of ARENA_BLOCK */
	struct arena_block *spare_big;	/* larger ones, few */
	size_t		    limit, used;
	size_t		    keep, kept;	/* bytes that may be kept by arena_reset, and are in both */
	bool		    failed;
};

static struct arena_block *
arena_block_new(size_t cap)
{
	struct arena_block *b = malloc(sizeof(*b) + cap);

	if (b != NULL) {
		b->next = NULL;
		b->cap = cap;
		b->used = 0;
	}
	return b;
}

struct arena *
arena_new(size_t limit)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->limit = limit ? limit : ARENA_LIMIT;
	a->head = arena_block_new(ARENA_BLOCK);
	if (a->head == NULL) {
		free(a);
		return NULL;
	}
	return a;
}

/* Back to where <until> was the newest block; what may be kept, up to <keep> bytes, is spare. */
static void
arena_drop(struct arena *a, const struct arena_block *until, size_t keep)
{
	struct arena_block *b, **list;

	while ((b = a->head) != until && b->next != NULL) {
		a->head = b->next;
		if (a->kept + b->cap > keep) {
			free(b);
			continue;
		}
		a->kept += b->cap;
		list = b->cap == ARENA_BLOCK ? &a->spare : &a->spare_big;
		b->next = *list;
		*list = b;
	}
}

static struct arena_block *
arena_take(struct arena *a, struct arena_block **link)
{
	struct arena_block *b = *link;

	*link = b->next;
	a->kept -= b->cap;
	b->used = 0;
	return b;
}

/* A block of at least <cap>, the smallest: which one it is must not depend on what was given back before.  A larger one is not wasted on much less. */
static struct arena_block *
arena_block_get(struct arena *a, size_t cap)
{
	struct arena_block **best = NULL;

	if (cap == ARENA_BLOCK)
		return a->spare != NULL ? arena_take(a, &a->spare) : arena_block_new(cap);
	for (struct arena_block **l = &a->spare_big; *l != NULL; l = &(*l)->next)
		if ((*l)->cap >= cap && (*l)->cap / 4 <= cap && (best == NULL || (*l)->cap < (*best)->cap))
			best = l;
	return best != NULL ? arena_take(a, best) : arena_block_new(cap);
}

void
arena_keep(struct arena *a, size_t bytes)
{
	a->keep = bytes;
	while (a->kept > a->keep)
		free(arena_take(a, a->spare_big != NULL ? &a->spare_big : &a->spare));
}

void
arena_reset(struct arena *a)
{
	arena_drop(a, NULL, a->keep);
	arena_keep(a, a->keep);
	a->head->used = 0;
	a->used = 0;
	a->failed = false;
}

struct arena_mark
arena_mark(const struct arena *a)
{
	return (struct arena_mark){a->head, a->head->used, a->used};
}

void
arena_rewind(struct arena *a, struct arena_mark m)
{
	arena_drop(a, m.block, a->limit);
	a->head->used = m.at;
	a->used = m.used;
}

void
arena_free(struct arena **ap)
{
	struct arena *a = *ap;

	*ap = NULL;
	if (a == NULL)
		return;
	arena_keep(a, 0);
	arena_drop(a, NULL, 0);
	free(a->head);
	free(a);
}

void *
arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *b = a->head;
	size_t need, cap;
	void *p;

	if (a->failed || n > a->limit - a->used)
		goto fail;
	need = (n + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (need == 0)
		need = ARENA_ALIGN;
	if (need > b->cap - b->used) {
		cap = need > ARENA_BLOCK / 4 ? need + ARENA_BLOCK : ARENA_BLOCK;
		b = arena_block_get(a, cap);
		if (b == NULL)
			goto fail;
		b->next = a->head;
		a->head = b;
	}
	p = b->data + b->used;
	b->used += need;
	a->used += n;
	return p;
fail:
	a->failed = true;
	return NULL;
}

void *
arena_calloc(struct arena *a, size_t n, size_t size)
{
	void *p;

	if (size != 0 && n > SIZE_MAX / size) {
		a->failed = true;
		return NULL;
	}
	p = arena_alloc(a, n * size);
	if (p != NULL)
		memset(p, 0, n * size);
	return p;
}

void *
arena_memdup(struct arena *a, const void *src, size_t n)
{
	void *p = arena_alloc(a, n);

	if (p != NULL && n != 0)
		memcpy(p, src, n);
	return p;
}

char *
arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *p = n < SIZE_MAX ? arena_alloc(a, n + 1) : NULL;

	if (p != NULL) {
		if (n != 0)
			memcpy(p, s, n);
		p[n] = '\0';
	}
	return p;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || (p = arena_alloc(a, (size_t)n + 1)) == NULL) {
		a->failed = true;
		return NULL;
	}
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

bool
arena_failed(const struct arena *a)
{
	return a->failed;
}

size_t
arena_used(const struct arena *a)
{
	return a->used;
}
