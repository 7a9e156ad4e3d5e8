/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_CONF_H
#define LLMSEC_TI_CONF_H
/* ti-sync.yaml: ti-sync.yaml(5). */
#include "lib/conf.h"
#include "lib/set_file.h"
#include "ti-sync/format.h"
#include "ti-sync/output.h"

struct diag;

struct ti_conf_feed {
	char	*name, *url, *file;
	bool	 enabled;
	int	 format;		/* enum ti_format */
	char	*column, *path;
	int	 kinds;			/* enum ti_kinds */
	char	*category;
	int	 confidence;
	char	*licence, *note;
	int64_t	 refresh, expiry;	/* milliseconds */
	int64_t	 max_bytes, max_unpacked;
	int	 max_entries, min_entries, max_loss;
	char	*auth_header_file;
	char	*sha256, *sha256_url;
	char	*public_key, *signature_url;
	char	*ca_file;
	bool	 allow_private, allow_http;
	uint64_t bit;			/* of its category; filled in after loading */
};

struct ti_conf_output {
	int	 type;			/* enum ti_output_type */
	char	*path;
	int	 min_confidence;
	struct conf_strs categories;
	char	*zone;
};

/* A node that gets what is published by its API. */
struct ti_conf_push {
	char	*name, *url, *token_file, *ca_file;
	int	 kinds;			/* enum ti_kinds */
	int	 min_confidence;
	struct conf_strs categories;
	int	 max_removals;		/* in a run and of a kind, where they go one by one */
	bool	 allow_http;
};

struct ti_conf {
	int	 log_level;
	char	*state_dir, *sets_dir, *catalogue;
	struct conf_strs enable;	/* feeds of the catalogue */
	struct conf_strs allow, allow_files;
	struct conf_strs top_files;
	int	 top_max;
	struct {
		char	*proxy, *user_agent;
		int	 parallel, retries;
		int64_t	 connect_timeout, timeout, backoff;
	} fetch;
	struct ti_conf_feed	*feeds;
	size_t			 n_feeds;
	struct ti_conf_output	*outputs;
	size_t			 n_outputs;
	struct ti_conf_push	*push;
	size_t			 n_push;
	struct conf_strs	 on_change;
	char			*sign_key;
	struct {
		char	*url, *public_key, *ca_file;
		bool	 allow_private;
	} upstream;
	/* filled in after loading */
	struct ti_conf_feed	*shipped;
	size_t			 n_shipped;
	struct ti_conf_feed	**active;	/* enabled feeds of both */
	size_t			 n_active;
	const char		*categories[SET_CATEGORIES];
	size_t			 n_categories;
	struct ti_conf_output	*lists;		/* outputs that push reads */
	size_t			 n_lists;
	struct conf_mem		*mem, *shipped_mem;
};

extern const struct conf_opt ti_conf_opts[];

/* 0, or -errno with the reasons in <diag>. */
int	ti_conf_load(struct ti_conf *, const char *path, struct diag *);
void	ti_conf_free(struct ti_conf *);
/* Category bits of an output. */
uint64_t ti_conf_bits(const struct ti_conf *, const struct conf_strs *);
/* Changes when something changes that decides what is published. */
uint64_t ti_conf_digest(const struct ti_conf *);
/* ... or how a feed's content is read. */
int64_t	ti_conf_feed_digest(const struct ti_conf_feed *);
#endif
