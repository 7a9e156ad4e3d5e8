/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOOL_H
#define LLMSEC_SPOOL_H
/*
 * Reading one sender's spool (lib/event.h) from its beginning, a slice at a time.  The sender may
 * append meanwhile; it truncates only after an acknowledgement, so whoever reads for a connected
 * sender holds those back until the end is reached.  Never writes the file.  One thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "control/evline.h"

/* A line from this length on is rubbish and not even read as one. */
#define SPOOL_LINE_MAX	((size_t)4 * EVLINE_MAX)

struct spool;

/* Take one line (without newline) / what isn't one.  Not 0 stops the slice. */
struct spool_sink {
	int	(*line)(void *arg, const char *line, size_t len);
	int	(*rubbish)(void *arg, const void *, size_t len, const char *why);
	void	*arg;
};

/* <name> must be a plain file of that directory: -EINVAL, -ELOOP, or -errno of open. */
int	spool_open(struct spool **, int dirfd, const char *name);
void	spool_close(struct spool **);
const char *spool_name(const struct spool *);
/*
 * Hand on up to <max> lines.  1: there may be more.  0: the end (an unfinished last line is left
 * for later, or is rubbish once the sender is known to be dead).  Else what the sink returned.
 */
int	spool_read(struct spool *, unsigned max, const struct spool_sink *);
/*
 * Is its sender dead?  Then its lock is ours from now on, nobody appends any more, and the rest
 * can be read.  A spool made within the last seconds counts as alive.
 */
bool	spool_claim(struct spool *);
bool	spool_claimed(const struct spool *);
/* Delete the claimed file, after everything in it is on disk. */
int	spool_remove(struct spool *, int dirfd);
/* Is <name> what a spool is called? */
bool	spool_name_ok(const char *name);
/* The program in a spool's name: "llmsec-spoad-1234.spool" -> "llmsec-spoad". */
void	spool_program(char out[128], const char *name);
#endif
