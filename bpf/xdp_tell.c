/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "bpf/xdp_conf.h"
#include "bpf/xdp_count.h"
#include "bpf/xdp_event.h"
#include "bpf/xdp_tell.h"
#include "lib/event.h"
#include "lib/log.h"

struct xdp_tell {
	struct ring_buffer	*ring;
	struct event_client	*client;
};

static int
tell(void *arg, void *data, size_t size)
{
	struct xdp_tell *t = arg;
	const struct xdpf_event *e = data;
	char src[CIDR_TEXT], dst[CIDR_TEXT], detail[200];
	const char *rule;
	struct event ev = {.event = "kernel.drop", .severity = 3, .score = -1, .rule_ids = &rule, .n_rule_ids = 1};

	if (size < sizeof(*e) || e->reason >= XR_MAX)
		return 0;
	rule = xdp_reasons[e->reason].name;
	xdp_event_addr(e->src, src);
	xdp_event_addr(e->dst, dst);
	snprintf(detail, sizeof(detail), "{\"proto\":%u,\"sport\":%u,\"dport\":%u,\"bytes\":%u,\"tcp_flags\":%u,\"ttl\":%u}",
	    e->proto, e->sport, e->dport, e->len, e->tcp_flags, e->ttl);
	ev.action = e->dry ? "monitor" : "block";
	ev.ip = e->family != 0 ? src : NULL;
	ev.target = e->family != 0 ? dst : NULL;
	ev.detail = detail;
	event_emit(t->client, &ev);
	return 0;
}

void
xdp_tell_maps(struct xdp_tell *t, const struct xdp_maps *m)
{
	if (t == NULL)
		return;
	ring_buffer__free(t->ring);
	t->ring = ring_buffer__new(m->fd[XM_EVENTS], tell, t, NULL);
	if (t->ring == NULL)
		log_warn("no events of dropped packets: cannot map the ring buffer");
}

struct xdp_tell *
xdp_tell_open(const struct xdp_conf *c, const struct xdp_maps *m)
{
	const struct event_client_conf conf = {.socket_path = c->follow.events_socket, .spool_dir = c->follow.spool_dir,
	    .layer = "kernel", .program = "llmsec-xdp"};
	struct xdp_tell *t;
	int r;

	if (c->follow.spool_dir[0] == '\0')
		return NULL;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return NULL;
	r = event_client_open(&t->client, &conf);
	if (r != 0) {
		log_warnx("no events of dropped packets: %s: %s", c->follow.spool_dir, strerror(-r));
		free(t);
		return NULL;
	}
	xdp_tell_maps(t, m);
	return t;
}

void
xdp_tell_close(struct xdp_tell **tp)
{
	struct xdp_tell *t = *tp;

	*tp = NULL;
	if (t == NULL)
		return;
	ring_buffer__free(t->ring);
	event_client_close(&t->client);
	free(t);
}

int
xdp_tell_fd(const struct xdp_tell *t)
{
	return t != NULL && t->ring != NULL ? ring_buffer__epoll_fd(t->ring) : -1;
}

void
xdp_tell_read(struct xdp_tell *t)
{
	if (t != NULL && t->ring != NULL)
		ring_buffer__consume(t->ring);
}

void
xdp_tell_tick(struct xdp_tell *t)
{
	if (t != NULL)
		event_client_tick(t->client);
}
