/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_PUSH_DIFF_H
#define LLMSEC_TI_PUSH_DIFF_H
/*
 * What a node lacks, and what it has too much: one walk through two files of names or of networks, a line each, in
 * the order of their keys (ti-sync/keys.h).  The first is what is published for the node, with its exceptions beside
 * it (WANT.except); the second what the node has said it took.  Memory is two lines, whatever the files' size.
 *
 * A node that imports lists knows no exceptions, and a name of the allow list is never to be refused: what covers an
 * exception is not wanted.
 */
#include <stddef.h>
#include <stdint.h>

#include "ti-sync/keys.h"

enum ti_diff { TI_DIFF_SAME, TI_DIFF_NEW, TI_DIFF_GONE };

struct ti_diff_files {
	enum ti_kind	 kind;
	const char	*want, *sent;	/* sent: need not exist */
};

/* <text> is a name or a network, NUL-terminated.  Anything but 0 ends the walk and is returned. */
typedef int (*ti_diff_fn)(void *arg, enum ti_diff, const char *text);

/* 0, what <fn> returned, -EBADMSG (a line that can't be), or -errno.  *left_out: covering an exception; may be NULL. */
int	ti_diff_walk(const struct ti_diff_files *, ti_diff_fn, void *arg, size_t *left_out);
/* The run in the first line, "# llmsec-ti-sync, run N"; 0: none, or no file. */
int64_t	ti_diff_run(const char *path);
#endif
