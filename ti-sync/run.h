/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_RUN_H
#define LLMSEC_TI_RUN_H
/* One run: fetch what is due, store it, compile, publish, report. */
#include <stdbool.h>
#include <stdio.h>

#include "ti-sync/conf.h"

enum ti_exit {
	TI_EXIT_OK,		/* every feed that was due is in */
	TI_EXIT_FEEDS,		/* some are not; what they had before stays, the rest is published; or a node of push
				   hasn't everything */
	TI_EXIT_USAGE,		/* arguments or configuration */
	TI_EXIT_FAILED,		/* nothing was published: database, disk, memory */
	TI_EXIT_BUSY		/* another run is at it */
};

struct ti_run_opts {
	bool	 force;		/* fetch everything, whole */
	bool	 rebuild;	/* publish though nothing changed */
	bool	 accept_loss;	/* this once, whatever shrank is believed */
	bool	 quiet, debug;
	char	**only;		/* names of feeds; NULL: all */
	size_t	 n_only;
	FILE	*report;	/* JSON; NULL: none */
};

enum ti_exit ti_run(struct ti_conf *, const struct ti_run_opts *);
/* Only the nodes of push, with what was published last; opts->force: all of it again. */
enum ti_exit ti_run_push(struct ti_conf *, const struct ti_run_opts *);
/*
 * The folders are there and the lock of the state folder is taken: its descriptor, which the caller closes.  -1: said in
 * the log, <code> is what to exit with (TI_EXIT_BUSY: another run has it).
 */
int	ti_run_begin(const struct ti_conf *, enum ti_exit *code);
/* With those above it; 0 or -errno. */
int	ti_dir_make(const char *path);
/* Path of a file in the state folder. */
void	ti_state_path(char *out, size_t size, const struct ti_conf *, const char *name);
#endif
