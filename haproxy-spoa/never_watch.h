/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOAD_NEVER_WATCH_H
#define LLMSEC_SPOAD_NEVER_WATCH_H
/*
 * The never-ban list, read again when its file changes.  One thread opens, ticks and closes; workers hold a reader each
 * and never wait: while a new list is being published they use the old one for one more request.
 */
#include <stdbool.h>
#include <stdint.h>

struct diag;
struct never_ban;
struct never_slot;
struct never_watch;

struct never_reader {		/* zero-initialised, one thread */
	struct never_slot	*cur;
	unsigned		 generation;
};

/*
 * <path> "": nobody is on it.  A file that isn't there is waited for; one with a mistake is an error.
 * 0 or -errno with text in <diag>.
 */
int	never_watch_open(struct never_watch **, const char *path, struct diag *);
/* There was no file yet. */
bool	never_watch_waits(const struct never_watch *);
void	never_watch_close(struct never_watch **);
/* Look at the file, once a second at most.  A mistake in it leaves the old list in force. */
void	never_watch_tick(struct never_watch *, uint64_t now_us);
/* The list in force, for the thread that ticks; NULL: empty. */
const struct never_ban *never_watch_list(struct never_watch *);

/* Valid until the next call. */
const struct never_ban *never_reader_list(struct never_reader *, struct never_watch *);
void	never_reader_drop(struct never_reader *);
#endif
