/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_XDP_CLI_H
#define LLMSEC_XDP_CLI_H
/*
 * The commands of llmsec-xdp.  Each gets the words behind its name and the options; it prints results to
 * stdout, complaints to stderr, and returns the exit code: 0, 1 (it didn't work, or "no" to a question),
 * 2 (wrong usage or configuration), 3 (nothing is loaded), 77 (this kernel can't).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/xdp_conf.h"
#include "bpf/xdp_load.h"
#include "bpf/xdp_maps.h"

enum { XDP_EXIT_OK, XDP_EXIT_FAILED, XDP_EXIT_USAGE, XDP_EXIT_NOT_LOADED, XDP_EXIT_SKIP = 77 };

struct xdp_cli {
	const char	*conf_path;	/* NULL: defaults */
	const char	*pin_dir;	/* of the configuration or --pin-dir */
	const char	*ttl, *port, *proto, *origin, *hex, *pcap, *prog_id, *mode;
	const char	*bans[64];
	size_t		 n_bans;
	int		 watch;		/* seconds, 0: once */
	int		 repeat, prefixes;
	bool		 json, all, count, no_cookies, conf_given;
	struct xdp_conf	 conf;
	struct conf_mem	*mem;
	struct diag	*diag;
	char		**words;
	int		 n_words;
};

int	xdp_cmd_attach(struct xdp_cli *);
int	xdp_cmd_apply(struct xdp_cli *);
int	xdp_cmd_detach(struct xdp_cli *);
int	xdp_cmd_status(struct xdp_cli *);
int	xdp_cmd_switch(struct xdp_cli *, const char *name);
int	xdp_cmd_stats(struct xdp_cli *);
int	xdp_cmd_events(struct xdp_cli *);
int	xdp_cmd_ban(struct xdp_cli *);
int	xdp_cmd_unban(struct xdp_cli *);
int	xdp_cmd_list(struct xdp_cli *);
int	xdp_cmd_flush(struct xdp_cli *);
int	xdp_cmd_expire(struct xdp_cli *);
int	xdp_cmd_allow(struct xdp_cli *);
int	xdp_cmd_import(struct xdp_cli *);
int	xdp_cmd_test(struct xdp_cli *);
int	xdp_cmd_bench(struct xdp_cli *);
int	xdp_cmd_follow(struct xdp_cli *);

/* --- shared by them */
void	xdp_cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Open the pinned maps, or say why not; 0 or an exit code. */
int	xdp_cli_open(const struct xdp_cli *, struct xdp_maps *, bool ro);
/* Print what the diag has, so far, and forget it. */
void	xdp_cli_diag(struct xdp_cli *);
/* "90", "90s", "10m", "2h", "7d", "forever" (-1) in ms; 0 or -EINVAL. */
int	xdp_duration_parse(const char *, int64_t *ms);
/* "for ever", "2h03m", "12.4s" */
const char *xdp_duration_format(int64_t ms, char out[32]);
/* Cookies: wanted, and possible?  Says what is missing if <say>. */
bool	xdp_cli_cookies(const struct xdp_cli *, bool say);
/* The allow list as it is now; *list is the caller's (free). */
int	xdp_allow_read(const struct xdp_maps *, struct cidr **list, size_t *n);
/* The entry that covers <c>, or NULL. */
const struct cidr *xdp_allow_covers(const struct cidr *list, size_t n, const struct cidr *c);
#endif
