/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOAD_HOT_H
#define LLMSEC_SPOAD_HOT_H
/*
 * Files whose content may be replaced while requests are judged: databases, lists, sets.  hot_tick() in the main thread
 * notices a new file, opens it and publishes it; each worker moves over at its next request, and the last to let go of
 * the old one closes it.  What cannot be opened leaves the old one in place, and the log says so once.
 *
 * A request takes no lock: it tries one, and keeps what it has where the main thread is just publishing.
 */
#include <stddef.h>
#include <stdint.h>

struct diag;

struct hot_kind {
	const char	*what;		/* for the log: "addresses" */
	/* 0, -EAGAIN: it changed meanwhile, or -errno; text in <diag> is logged. */
	int		(*open)(void **object, const char *path, struct diag *);
	void		(*close)(void **object);
};

struct hot_file {
	const char		*path;		/* borrowed */
	const struct hot_kind	*kind;
};

struct hot;
struct hot_view;	/* what one worker holds */

/* Opens what can be opened.  NULL: out of memory. */
struct hot	*hot_new(const struct hot_file *, size_t n);
void		 hot_free(struct hot **);	/* after the last view */
/* Cheap: looks once a second at most.  A file counts when two looks found it the same. */
void		 hot_tick(struct hot *, uint64_t now_us);
struct hot_view	*hot_view_new(const struct hot *);	/* NULL: out of memory */
void		 hot_view_free(struct hot_view **);
/* Once per request, then hot_view_get(): NULL where nothing could be opened yet. */
void		 hot_view_follow(struct hot_view *, struct hot *);
void		*hot_view_get(const struct hot_view *, size_t);
#endif
