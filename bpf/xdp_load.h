/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_XDP_LOAD_H
#define LLMSEC_XDP_LOAD_H
/*
 * The program into the kernel, onto interfaces and off again.  Below the pin folder:
 *
 *	maps/NAME	shared by all interfaces; they outlive programs
 *	links/IFACE	the attachment; while this file exists, the filter is on, whoever has died
 *
 * Attaching where a link exists replaces the program in it: one pointer in the kernel, no packet sees
 * neither.  Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON.
 */
#include <stdbool.h>
#include <stddef.h>

#include "bpf/xdp_conf.h"
#include "bpf/xdp_maps.h"

struct diag;
struct xdp_load;

struct xdp_load_opts {
	const struct xdp_maps *reuse;	/* their bans, allow list, configuration and filter instead of empty ones */
	bool		 cookies;
	unsigned	 bench_sources, bench_stride;	/* see the program */
	bool		 bench_syn;
};

struct xdp_link {
	char		ifname[64];
	unsigned	ifindex;	/* 0: the interface is gone */
	unsigned	prog_id;
	bool		native;
};

/* Does this kernel have the raw SYN cookie helpers? */
bool	xdp_has_cookies(void);
/* net.ipv4.tcp_syncookies; -1: unknown */
int	xdp_sysctl_syncookies(void);

/*
 * Load.  <dir> NULL: a private copy for tests and benchmarks, which keeps the last reason.  Otherwise
 * maps that are pinned there are used, and new ones pinned.  Text about failures goes to diag.
 */
int	xdp_load(struct xdp_load **, const struct xdp_conf *, const char *dir, const struct xdp_load_opts *,
	    struct diag *);
void	xdp_load_free(struct xdp_load **);
int	xdp_load_prog_fd(const struct xdp_load *);
/* The maps; they belong to <l>. */
struct xdp_maps *xdp_load_maps(struct xdp_load *);
/* What the last packet of BPF_PROG_TEST_RUN was (private copies only). */
unsigned xdp_load_last_reason(const struct xdp_load *);

/* Write the configuration into maps: rates, ports, protected addresses, allow list, never-ban file. */
int	xdp_apply(struct xdp_maps *, const struct xdp_conf *, bool cookies, struct diag *);

enum { XDP_ATTACHED, XDP_REPLACED };
/* XDP_ATTACHED, XDP_REPLACED or -errno with a diag; *native: where it runs. */
int	xdp_attach(struct xdp_load *, const char *dir, const char *ifname, int mode, bool *native, struct diag *);
/* 0, or -ENOENT: it isn't on that interface. */
int	xdp_detach(const char *dir, const char *ifname);
/* Each link of the folder. */
int	xdp_links(const char *dir, int (*)(void *arg, const struct xdp_link *), void *arg);
/* Remove every map from <dir>; -EBUSY while there are links. */
int	xdp_unpin(const char *dir);
#endif
