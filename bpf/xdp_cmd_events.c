/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "bpf/xdp_cli.h"
#include "bpf/xdp_count.h"
#include "bpf/xdp_event.h"

struct printer {
	const struct xdp_cli *c;
	int	 left;			/* 0: no end */
};

void
xdp_event_addr(const uint8_t addr[16], char out[CIDR_TEXT])
{
	struct cidr c = {.len = 128};

	memcpy(c.addr, addr, 16);
	cidr_format(&c, out);
}

static int
print(void *arg, void *data, size_t size)
{
	struct printer *p = arg;
	const struct xdpf_event *e = data;
	char src[CIDR_TEXT], dst[CIDR_TEXT], name[IF_NAMESIZE] = "?";
	const char *reason;

	if (size < sizeof(*e))
		return 0;
	xdp_event_addr(e->src, src);
	xdp_event_addr(e->dst, dst);
	if_indextoname(e->ifindex, name);
	reason = e->reason < XR_MAX ? xdp_reasons[e->reason].name : "?";
	if (p->c->json)
		printf("{\"ts\":%.6f,\"interface\":\"%s\",\"reason\":\"%s\",\"dry_run\":%s,\"src\":\"%s\",\"dst\":\"%s\","
		    "\"proto\":%u,\"sport\":%u,\"dport\":%u,\"tcp_flags\":%u,\"ttl\":%u,\"bytes\":%u}\n", (double) e->ts / 1e9,
		    name, reason, e->dry ? "true" : "false", src, dst, e->proto, e->sport, e->dport, e->tcp_flags, e->ttl, e->len);
	else
		printf("%.6f %s %s%s %s:%u -> %s:%u proto %u flags 0x%02x ttl %u, %u bytes\n", (double) e->ts / 1e9, name, reason,
		    e->dry ? " (dry-run)" : "", src, e->sport, dst, e->dport, e->proto, e->tcp_flags, e->ttl, e->len);
	if (fflush(stdout) != 0)
		return -EPIPE;
	return p->left > 0 && --p->left == 0 ? -ECANCELED : 0;
}

int
xdp_cmd_events(struct xdp_cli *c)
{
	struct printer p = {.c = c, .left = c->count ? c->repeat : 0};
	struct ring_buffer *ring;
	struct xdp_maps m;
	int r = xdp_cli_open(c, &m, false);

	if (r != 0)
		return r;
	ring = ring_buffer__new(m.fd[XM_EVENTS], print, &p, NULL);
	r = ring == NULL ? -errno : 0;
	while (r >= 0 || r == -EINTR)
		r = ring_buffer__poll(ring, 1000);
	ring_buffer__free(ring);
	xdp_maps_close(&m);
	if (r == -ECANCELED || r == -EPIPE)
		return XDP_EXIT_OK;
	xdp_cli_error("events: %s", strerror(-r));
	return XDP_EXIT_FAILED;
}
