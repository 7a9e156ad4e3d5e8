/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/xdp_count.h"

#define ROW(id, name, action, help) [XR_##id] = {name, help, XDPF_##action},
const struct xdp_reason xdp_reasons[XR_MAX] = {XDPF_REASONS(ROW)};

const char *const xdp_proto_names[XP_MAX] = {
	"other", "tcp4", "udp4", "icmp4", "other4", "tcp6", "udp6", "icmp6", "other6",
};

const char *
xdp_action_name(enum xdpf_action a)
{
	return a == XDPF_PASS ? "pass" : a == XDPF_TX ? "answer" : "drop";
}

int
xdp_totals_read(const struct xdp_maps *m, struct xdp_totals *t)
{
	int cpus = libbpf_num_possible_cpus(), r;
	struct xdpf_cpu *per;
	uint32_t zero = 0;

	memset(t, 0, sizeof(*t));
	if (cpus <= 0)
		return -EINVAL;
	per = calloc((size_t) cpus, sizeof(*per));
	if (per == NULL)
		return -ENOMEM;
	r = bpf_map_lookup_elem(m->fd[XM_CPU], &zero, per) < 0 ? -errno : 0;
	for (int i = 0; i < cpus; i++)
		for (int slot = 0; slot < XR_MAX * XDPF_PROTO_SLOTS; slot++) {
			const struct xdpf_stat *s = &per[i].stat[slot];

			if (slot % XDPF_PROTO_SLOTS >= XP_MAX)
				continue;
			t->v[slot / XDPF_PROTO_SLOTS][slot % XDPF_PROTO_SLOTS].packets += s->packets;
			t->v[slot / XDPF_PROTO_SLOTS][slot % XDPF_PROTO_SLOTS].bytes += s->bytes;
		}
	free(per);
	return r;
}

void
xdp_totals_reason(const struct xdp_totals *t, int reason, struct xdpf_stat *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (int p = 0; p < XP_MAX; p++) {
		sum->packets += t->v[reason][p].packets;
		sum->bytes += t->v[reason][p].bytes;
	}
}
