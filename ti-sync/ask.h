/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_ASK_H
#define LLMSEC_TI_ASK_H
/* Questions about what is stored and published: the commands that change nothing. */
#include "ti-sync/conf.h"

/* Exit status: 0 listed, 1 not listed, 2 it is neither name nor network, 3 no database. */
int	ti_ask_why(const struct ti_conf *, const char *what);
int	ti_ask_stats(const struct ti_conf *);
/* Between two runs; <to> 0: the last, <from> 0: the one before. */
int	ti_ask_diff(const struct ti_conf *, int64_t from, int64_t to);
int	ti_ask_report(const struct ti_conf *);
int	ti_ask_catalogue(const struct ti_conf *);
/* What a set file holds; is <what> (or NULL) in it? */
int	ti_ask_set(const char *path, const char *what);
#endif
