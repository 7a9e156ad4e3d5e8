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
	struct conf_at		 at;
	char			*name;
	struct conf_strs	 domains;
};

struct egress_conf_rule {
	struct conf_at		 at;
	char			*id;
	int			 action;	/* enum egress_rule_action */
	struct conf_strs	 groups, domains;
	struct conf_strs	 ports;		/* "443", "8000-8010"; empty: 443 */
	struct conf_strs	 methods;	/* empty: any */
	struct conf_strs	 identities;	/* empty: everybody */
	struct conf_strs	 cidrs;		/* addresses that may be written as such */
	struct conf_strs	 paths;		/* exact, or with a star at the end; empty: any */
	int			 tls;		/* enum egress_tls */
	bool			 override_lists, websocket, grpc, doh;
};

/* What becomes of TLS that a rule allows. */
enum egress_tls { EGRESS_TLS_SPLICE, EGRESS_TLS_BUMP };

enum egress_mode { EGRESS_ENFORCE, EGRESS_OBSERVE };

/* What a workload is: a refusal of the gateway or of an agent's host is an anomaly, not routine. */
enum egress_kind { EGRESS_APPLICATION, EGRESS_GATEWAY, EGRESS_AGENT };

/* Whoever fits one of the lists; the first identity that fits is the one. */
struct egress_conf_identity {
	struct conf_at		 at;
	char			*id;
	int			 kind;		/* enum egress_kind */
	struct conf_strs	 sources;	/* networks */
	struct conf_strs	 users;		/* of the proxy */
	struct conf_strs	 certificates;	/* common names of clients' certificates */
	struct conf_strs	 labels;	/* header of a trusted hop */
};

/* Bytes that may pass in an hour or a day of UTC. */
enum egress_direction { EGRESS_BOTH, EGRESS_UP, EGRESS_DOWN };
enum egress_per { EGRESS_PER_DAY, EGRESS_PER_HOUR };

struct egress_conf_budget {
	struct conf_at		 at;
	char			*id;
	struct conf_strs	 identities;	/* empty: everybody */
	struct conf_strs	 rules;		/* that allowed it; empty: any */
	int			 direction;	/* enum egress_direction */
	int			 per;		/* enum egress_per */
	int64_t			 bytes;
	bool			 share;		/* one count for all identities, not one each */
};

/* What Squid wrote of the bytes that passed, and what was made of it. */
struct egress_conf_accounts {
	char	*log, *state;
};

struct egress_conf_lists {
	char	*path;
	bool	 required;
};

struct egress_conf_events {
	char	*socket, *spool_dir;
};

struct egress_conf_threats {
	char	*domains, *ips;
	int	 min_confidence;
	bool	 required;
};

struct egress_conf {
	int				 log_level;
	char				*node, *run_dir;
	struct egress_conf_events	 events;
	char				*counters_dir;
	int				 mode;		/* enum egress_mode */
	char				*providers;	/* file of more groups */
	char				*gate;		/* socket of llmsec-egress-gate */
	bool				 allow_missing_sni;
	struct conf_strs		 trusted_hops;	/* who may say a label */
	struct conf_strs		 permit_private; /* networks of the house that may be reached */
	struct egress_conf_threats	 threats;
	struct egress_conf_lists	 lists;
	struct egress_conf_identity	*identities;
	size_t				 n_identities;
	struct egress_conf_group	*groups;
	size_t				 n_groups;
	struct egress_conf_rule		*rules;
	size_t				 n_rules;
	struct egress_conf_accounts	 accounts;
	struct egress_conf_budget	*budgets;
	size_t				 n_budgets;
};

/* The file that `providers` names. */
struct egress_providers {
	struct egress_conf_group	*groups;
	size_t				 n_groups;
};

extern const struct conf_opt egress_conf_opts[], egress_providers_opts[];
#endif
