/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_XDP_CONF_H
#define LLMSEC_XDP_CONF_H
/*
 * /etc/llmsec/xdp.yaml, and what of it goes into the kernel (struct xdpf_conf, the port bits and the
 * list of protected addresses).  Immutable once loaded.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/xdp_shared.h"
#include "lib/cidr.h"
#include "lib/conf.h"

struct diag;

enum { XDP_MODE_AUTO, XDP_MODE_NATIVE, XDP_MODE_GENERIC };
enum { XDP_FRAG_PASS, XDP_FRAG_LIMIT, XDP_FRAG_DROP };
enum { XDP_COOKIES_AUTO, XDP_COOKIES_OFF };

struct xdp_rates {			/* packets per second, 0: no limit; the same order as xdpf_class */
	int	syn, tcp, udp, quic, icmp;
	int64_t	burst;			/* ms */
};

struct xdp_budgets {			/* per second, 0: no limit; the same order as xdpf_budget_id */
	int	syn, udp, quic, icmp, ack, new_sources, cookies, syn_retries, events;
	int64_t	burst;
};

struct xdp_protect {
	struct conf_strs addresses, tcp, udp, quic;
};

struct xdp_follow {
	char	*socket, *spool_dir, *events_socket;
};

struct xdp_conf {
	char	*log_level, *pin_dir, *never_ban;
	struct conf_strs allow;
	int	 mode, fragments, syn_cookies;
	int	 max_bans4, max_bans6, max_sources;
	bool	 dry_run, drop_malformed, drop_martians, ask_kernel;
	struct xdp_protect protect;
	struct xdp_rates source, network;
	struct xdp_budgets budget;
	struct xdp_follow follow;
};

extern const struct conf_opt xdp_conf_opts[];

/* <path> NULL: the defaults.  0, -EINVAL (see <diag>) or -errno. */
int	xdp_conf_load(struct xdp_conf *, const char *path, struct conf_mem **, struct diag *);
/* The kernel's part; the switches (panic, lockdown), short6 and secret are not the file's and stay. */
void	xdp_conf_kernel(const struct xdp_conf *, struct xdpf_conf *, bool cookies, int cpus);
/* "443", "8000-8100": every port of <list> sets its bit in <bits> (65536 of them).  0 or -EINVAL. */
int	xdp_ports_set(const struct conf_strs *list, uint32_t *bits);
int	xdp_ports_parse(const char *text, uint16_t *lo, uint16_t *hi);
#endif
