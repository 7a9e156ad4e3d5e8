/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_RUN_PRIVATE_H
#define LLMSEC_TI_RUN_PRIVATE_H
/* What the files of one run share. */
#include <limits.h>
#include <time.h>

#include "lib/buf.h"
#include "ti-sync/compile.h"
#include "ti-sync/fetch.h"
#include "ti-sync/import.h"
#include "ti-sync/push.h"
#include "ti-sync/run.h"

enum ti_outcome { TI_NOT_DUE, TI_UNCHANGED, TI_UPDATED, TI_REFUSED, TI_UNREACHABLE, TI_OUTCOMES };

struct ti_job {				/* one feed in this run */
	struct ti_conf_feed	*f;
	struct ti_feed_row	 row;
	enum ti_outcome		 outcome;
	struct ti_fetch		*fetch, *side;	/* side: checksum or signature; NULL: none */
	char			*auth;
	char			 tmp[PATH_MAX], side_tmp[PATH_MAX];
	struct ti_import	 im;
	char			 why[256];
};

struct ti_run {
	struct ti_conf		*conf;
	const struct ti_run_opts *o;
	struct ti_store		*st;
	struct ti_job		*jobs;
	size_t			 n_jobs;
	int64_t			 run;
	time_t			 now;
	bool			 changed;	/* some feed's entries */
	/* publishing */
	struct ti_compiled	 names, nets;
	size_t			 set_names, set_nets;
	bool			 published;
	struct { size_t entries; } *outputs;	/* those of the configuration, then push's */
	struct ti_push_report	*pushed;	/* one for each node */
	bool			 behind;	/* a node hasn't everything */
	double			 t_fetch, t_import, t_publish;
};

int	ti_run_fetch(struct ti_run *);		/* run_fetch.c */
int	ti_run_publish(struct ti_run *);	/* run_publish.c */
void	ti_run_report(const struct ti_run *, struct buf *json);	/* report.c */
void	ti_run_say(const struct ti_run *);	/* one line a feed into the log */
double	ti_seconds(void);
const char *ti_outcome_str(enum ti_outcome);
#endif
