/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EGRESS_CONF_H
#define LLMSEC_EGRESS_CONF_H
/*
 * llmsec-egress.yaml(5) as structs.  All memory belongs to the struct conf_mem that lib/conf.h hands out;
 * immutable once loaded.
 */
#include "lib/conf.h"

enum egress_rule_action { EGRESS_RULE_ALLOW, EGRESS_RULE_DENY };

struct egress_conf_group {
	char			*name;
	struct conf_strs	 domains;
};

struct egress_conf_rule {
	char			*id;
	int			 action;	/* enum egress_rule_action */
	struct conf_strs	 groups, domains;
	struct conf_strs	 ports;		/* "443", "8000-8010"; empty: 443 */
	struct conf_strs	 methods;	/* empty: any */
};

struct egress_conf_events {
	char	*socket, *spool_dir;
};

struct egress_conf_threats {
	char	*domains;
	int	 min_confidence;
	bool	 required;
};

struct egress_conf {
	int				 log_level;
	char				*node, *run_dir;
	struct egress_conf_events	 events;
	char				*counters_dir;
	struct egress_conf_threats	 threats;
	struct egress_conf_group	*groups;
	size_t				 n_groups;
	struct egress_conf_rule		*rules;
	size_t				 n_rules;
};

extern const struct conf_opt egress_conf_opts[];
#endif
