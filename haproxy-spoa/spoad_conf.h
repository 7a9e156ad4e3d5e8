/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOAD_CONF_H
#define LLMSEC_SPOAD_CONF_H
/*
 * spoad.yaml(5).  Immutable once loaded; all memory belongs to the conf_mem handed out beside it.
 */
#include <stddef.h>
#include <stdint.h>

#include "haproxy-spoa/eng_behave.h"
#include "haproxy-spoa/eng_bot.h"
#include "haproxy-spoa/eng_geo.h"
#include "haproxy-spoa/eng_guard.h"
#include "haproxy-spoa/eng_waf.h"
#include "lib/conf.h"

struct diag;

struct spoad_conf {
	char			*log_level, *node, *run_dir, *counters_dir, *edge_keys;
	struct {
		char		*socket, *spool_dir;
	}			 events;
	struct conf_strs	 listen;
	int			 workers;		/* 0: one per CPU */
	int			 max_connections;
	int64_t			 max_frame_size, max_reassembly, max_output;
	int64_t			 deadline, hello_timeout, idle_timeout, drain_timeout;	/* ms */
	struct guard_conf	 guard;
	struct waf_conf		 waf;
	struct geo_conf		 geo;
	struct bot_conf		 bot;
	char			*never_ban;
	struct behave_conf	 behaviour;
	bool			 check_only;	/* not of the file: engines leave their state alone */
};

extern const struct conf_opt spoad_conf_opts[];

/* Parse and cross-check; <path> NULL: the defaults.  0, or -errno with text in <diag>. */
int	spoad_conf_load(struct spoad_conf *, const char *path, struct conf_mem **, struct diag *);
#endif
