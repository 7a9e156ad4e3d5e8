/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_XDP_FILTER_H
#define LLMSEC_XDP_FILTER_H
/* The bits before the tables (struct xdpf_filter), and keys.  Pure functions over memory. */
#include "bpf/xdp_shared.h"
#include "lib/cidr.h"

struct xdp_filter_short {	/* what struct xdpf_conf holds of the filter */
	uint64_t	ban6, allow6;
};

void	xdp_key4(const struct cidr *, struct xdpf_key4 *);
void	xdp_key6(const struct cidr *, struct xdpf_key6 *);
void	xdp_cidr4(const struct xdpf_key4 *, struct cidr *);
void	xdp_cidr6(const struct xdpf_key6 *, struct cidr *);
void	xdp_lpm(const struct cidr *, struct xdpf_lpm *);
/* Set what lets the kernel find <c>.  Bits are set atomically: the kernel is reading. */
void	xdp_filter_ban(struct xdpf_filter *, struct xdp_filter_short *, const struct cidr *c);
void	xdp_filter_allow(struct xdpf_filter *, struct xdp_filter_short *, const struct cidr *c);
#endif
