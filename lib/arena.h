/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ARENA_H
#define LLMSEC_ARENA_H
/*
 * Region memory for one request (Unbound "regional", Varnish "ws"): many small allocations, one
 * free.  Not thread safe: an arena belongs to one request.  A failed allocation returns NULL and
 * marks the arena; callers may do all their work and test arena_failed() once.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;

/* <limit> bytes in all (0: 64 MiB).  NULL on ENOMEM. */
struct arena	*arena_new(size_t limit);
/* Drop everything but keep the first block, for the next request of the same worker. */
void		 arena_reset(struct arena *);
/* From now on arena_reset keeps blocks of up to <bytes> in all: for workers whose requests need much and often,
   so that memory doesn't go to the system and back each time. */
void		 arena_keep(struct arena *, size_t bytes);
void		 arena_free(struct arena **);

/* A place to come back to: what is allocated after arena_mark() is gone after arena_rewind(), and its memory is ready for
   the next allocations.  Marks nest; a reset ends them all. */
struct arena_mark { void *block; size_t at, used; };
struct arena_mark arena_mark(const struct arena *);
void		 arena_rewind(struct arena *, struct arena_mark);

/* 16-byte aligned, not zeroed / zeroed.  A size of 0 gives a unique pointer. */
void		*arena_alloc(struct arena *, size_t);
void		*arena_calloc(struct arena *, size_t n, size_t size);
/* Copies; the copy of arena_strndup is NUL-terminated, embedded NULs are kept. */
void		*arena_memdup(struct arena *, const void *, size_t);
char		*arena_strndup(struct arena *, const char *, size_t);
char		*arena_printf(struct arena *, const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));
bool		 arena_failed(const struct arena *);
/* Bytes handed out so far. */
size_t		 arena_used(const struct arena *);
#endif
