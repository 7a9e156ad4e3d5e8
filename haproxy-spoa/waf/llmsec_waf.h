/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_WAF_CLI_H
#define LLMSEC_WAF_CLI_H
/*
 * llmsec-waf, inside: what its subcommands share.  Exit codes are an interface: 0 well, 1 findings (mistakes
 * in the rules, a request refused), 2 usage or a file that can't be read.
 */
#include <stdbool.h>
#include <stddef.h>

#include "haproxy-spoa/waf/waf.h"
#include "lib/buf.h"

struct http_raw;

enum { CLI_OK = 0, CLI_FINDINGS = 1, CLI_USAGE = 2 };

struct cli {
	/* options */
	const char	*rules, *state_dir, *client_ip;
	bool		 exec, list, json, all, no_prefilter, verify;
	enum waf_mode	 mode;
	struct waf_preset presets[32];
	size_t		 n_presets;
	char		**files;	/* of the command line; none: "-" */
	int		 n_files;
	/* made from them */
	struct waf	*waf;
	struct waf_thread *thread;
	struct waf_profile profile;
	struct arena	*arena;		/* of the request in hand */
	struct waf_request req;		/* likewise */
	struct waf_response rsp;
};

/* Load --rules; CLI_OK or an exit code, mistakes on stderr. */
int		 cli_load(struct cli *, bool explain);
void		 cli_unload(struct cli *);

int		 cli_check(struct cli *);
int		 cli_rules(struct cli *);
int		 cli_run(struct cli *);
int		 cli_explain(struct cli *);
/* The co-process: records on stdin, a line for each on stdout, until end of input. */
int		 cli_exec(struct cli *);

/* The whole file, "-" is standard input.  false: said so on stderr. */
bool		 cli_read_file(const char *path, struct buf *);
/* Judge one parsed message pair; response NULL: no phases 3 and 4.  NULL: out of memory. */
const struct waf_verdict *cli_judge(struct cli *, const struct http_raw *req, const struct http_raw *rsp,
		    struct waf_str id, struct waf_tx **);
/* Bytes of any kind as the inside of a JSON string. */
void		 cli_json_bytes(struct buf *, const char *, size_t);
/* Bytes for a terminal: outside 0x20..0x7e as \xHH; at most <max> of them, then "...". */
void		 cli_text_bytes(struct buf *, const char *, size_t n, size_t max);
const char	*cli_severity_name(int);
const char	*cli_action_name(enum waf_action);
const char	*cli_category_name(enum waf_category);
#endif
