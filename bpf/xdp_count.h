/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_XDP_COUNT_H
#define LLMSEC_XDP_COUNT_H
/* Names of reasons, and the counters of all CPUs together. */
#include "bpf/xdp_maps.h"

struct xdp_reason {
	const char	*name, *help;
	enum xdpf_action action;
};

struct xdp_totals {
	struct xdpf_stat v[XR_MAX][XP_MAX];
};

extern const struct xdp_reason xdp_reasons[XR_MAX];
extern const char *const xdp_proto_names[XP_MAX];
const char *xdp_action_name(enum xdpf_action);
int	xdp_totals_read(const struct xdp_maps *, struct xdp_totals *);
void	xdp_totals_reason(const struct xdp_totals *, int reason, struct xdpf_stat *sum);
#endif
