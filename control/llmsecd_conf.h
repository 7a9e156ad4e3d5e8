/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_LLMSECD_CONF_H
#define LLMSEC_LLMSECD_CONF_H
/* llmsecd.yaml as values: llmsecd.yaml(5).  Immutable once loaded. */
#include <stdint.h>

#include "lib/conf.h"

struct diag;

#define LLMSECD_NODES	15	/* other edges */

struct llmsecd_node {
	char	*name;
	char	*url;
	char	*table;
};

struct llmsecd_conf {
	int	 log_level;
	char	*node;
	char	*run_dir;
	char	*counters_dir;
	struct {
		char	*socket;
		char	*spool_dir;
	} events;
	struct {
		char	*path;
		int	 batch_max;
		int64_t	 batch_delay;
	} database;
	struct {
		int64_t	 max_age;
		int	 max_rows;
		int	 slice;
		int64_t	 every;
	} retention;
	struct {
		char	*listen;
		char	*token_file;
		char	*ban_token_file;
		char	*read_token_file;
		char	*tokens;
		int	 max_connections;
	} http;
	struct {
		char	*database;
		char	*never_ban;
		int64_t	 default_ttl;
		char	*haproxy_socket;
		char	*haproxy_table;
		char	*haproxy_map;
		char	*socket;
		char	*orders;
	} bans;
	struct {
		char	*dir;
		char	*policy;
	} egress;
	struct {
		char	*keys;
		char	*ca_file;
		char	*cert_file;
		struct llmsecd_node *nodes;
		size_t	 n_nodes;
	} cluster;
};

extern const struct conf_opt llmsecd_conf_opts[];

/* The file, or every default for <path> NULL.  As conf_load(), and what one key can't tell. */
int	llmsecd_conf_load(struct llmsecd_conf *, const char *path, struct conf_mem **, struct diag *);
#endif
