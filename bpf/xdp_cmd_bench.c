/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "bpf/xdp_bans.h"
#include "bpf/xdp_cli.h"
#include "bpf/xdp_count.h"
#include "bpf/xdp_frame.h"
#include "bpf/xdp_parse.h"
#include "bpf/xdp_run.h"
#include "lib/diag.h"

/*
 * The kernel repeats one packet <repeat> times and says how long it took; the best of 100 runs counts,
 * because whatever else happens on the machine only makes it longer.
 */
#define RUNS		100
#define BENCH_NET	0x20000000U	/* as in the program */
#define SPACE		(1U << 29)

struct scene {
	const char	*name;
	struct xdp_frame frame;
	unsigned	 prefixes;	/* bans in the tables; 0: as many as --prefixes says */
	unsigned	 sources;	/* 0: the frame's source; else one of so many, ... */
	bool		 banned;	/* ... which are the banned ones */
	bool		 syn_flood;	/* a budget that is exhausted */
	bool		 no_cookies;
	bool		 known;		/* its source has begun a connection before */
	int		 cookies;	/* the budget of cookies; 0: none is too many */
};

#define DST	"198.51.100.1"
#define SRC	"203.0.113.7"
static const uint8_t initial[] = {0xc0, 0, 0, 0, 1};

static const struct scene scenes[] = {
	{"nothing banned: pass, UDP", {.src = SRC, .dst = DST, .proto = 17, .sport = 9, .dport = 443, .payload = 18}, .prefixes = 1},
	{"1k bans: pass, UDP", {.src = SRC, .dst = DST, .proto = 17, .sport = 9, .dport = 443, .payload = 18}, .prefixes = 1000},
	{"1k bans: pass, TCP, no limits", {.src = SRC, .dst = DST, .proto = 6, .sport = 9, .dport = 22, .tcp_flags = XT_ACK}, .prefixes = 1000},
	{"1k bans: pass, TCP, known source", {.src = SRC, .dst = DST, .proto = 6, .sport = 9, .dport = 443, .tcp_flags = XT_ACK},
	    .prefixes = 1000, .known = true},
	{"1k bans: pass, ICMP", {.src = SRC, .dst = DST, .proto = 1}, .prefixes = 1000},
	{"1k bans: pass, UDP, IPv6", {.src = "2001:db8::7", .dst = "2001:db8:f::1", .proto = 17, .sport = 9, .dport = 443, .payload = 18},
	    .prefixes = 1000},
	{"1k bans: hit, one source", {.src = "32.0.0.0", .dst = DST, .proto = 17, .sport = 9, .dport = 443, .payload = 18}, .prefixes = 1000},
	{"1k bans: hit, all of them", {.src = SRC, .dst = DST, .proto = 17, .sport = 9, .dport = 443, .payload = 18}, .prefixes = 1000,
	    .sources = 1000, .banned = true},
	{"N bans: pass, UDP", {.src = SRC, .dst = DST, .proto = 17, .sport = 9, .dport = 443, .payload = 18}},
	{"N bans: hit, one source", {.src = "32.0.0.0", .dst = DST, .proto = 17, .sport = 9, .dport = 443, .payload = 18}},
	{"N bans: hit, all of them", {.src = SRC, .dst = DST, .proto = 17, .sport = 9, .dport = 443, .payload = 18}, .sources = 1,
	    .banned = true},
	{"random sources, UDP over budget", {.src = SRC, .dst = DST, .proto = 17, .sport = 9, .dport = 443, .payload = 18}, .prefixes = 1000,
	    .sources = SPACE, .syn_flood = true},
	{"random sources, QUIC Initial", {.src = SRC, .dst = DST, .proto = 17, .sport = 9, .dport = 443, .payload = 1200,
	    .first = initial, .n_first = 5}, .prefixes = 1000, .sources = SPACE, .syn_flood = true},
	{"random sources, SYN, no cookies", {.src = SRC, .dst = DST, .proto = 6, .sport = 9, .dport = 443, .tcp_flags = XT_SYN},
	    .prefixes = 1000, .sources = SPACE, .syn_flood = true, .no_cookies = true},
	{"random sources, SYN, cookies", {.src = SRC, .dst = DST, .proto = 6, .sport = 9, .dport = 443, .tcp_flags = XT_SYN},
	    .prefixes = 1000, .sources = SPACE, .syn_flood = true},
	{"random sources, SYN, 200k cookies/s", {.src = SRC, .dst = DST, .proto = 6, .sport = 9, .dport = 443, .tcp_flags = XT_SYN},
	    .prefixes = 1000, .sources = SPACE, .syn_flood = true, .cookies = 200000},
	{"random sources, ACK, no connection", {.src = SRC, .dst = DST, .proto = 6, .sport = 9, .dport = 443, .tcp_flags = XT_ACK},
	    .prefixes = 1000, .sources = SPACE, .syn_flood = true},
};

/* Ban i of n: /32s over the whole of 32.0.0.0/3, every eighth one a /24. */
static int
bans_fill(struct xdp_maps *m, unsigned n, unsigned stride)
{
	struct xdp_ban_new *v = calloc(n, sizeof(*v));
	size_t added, removed;
	int r;

	if (v == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++) {
		struct xdpf_key4 k = {.addr = BENCH_NET + i * stride, .bit = 1};

		if (i % 8 == 7 && stride >= 256) {
			k.bit = 256;
			k.addr &= ~255U;
		}
		v[i].until = XDPF_FOREVER;
		v[i].cidr = (struct cidr) {.addr = {[10] = 0xff, [11] = 0xff}, .len = k.bit == 1 ? 128 : 120};
		for (int b = 0; b < 4; b++)
			v[i].cidr.addr[12 + b] = (uint8_t) (k.addr >> (24 - 8 * b));
	}
	r = xdp_ban_replace(m, XO_IMPORT, v, n, &added, &removed);
	free(v);
	return r;
}

/* <peer> NULL, or another program and its frame, run by turns so that both have the same machine. */
struct subject {
	int		 fd;
	const uint8_t	*frame;
	size_t		 len;
	uint32_t	 ns;
};

static int
best_of(struct subject *s, struct subject *peer, unsigned repeat, struct xdp_run *run)
{
	int r = 0;

	s->ns = UINT32_MAX;
	for (int i = 0; i < RUNS && r == 0; i++) {
		if (peer != NULL && (r = xdp_run(peer->fd, peer->frame, peer->len, repeat, run)) == 0)
			peer->ns = run->ns < peer->ns ? run->ns : peer->ns;
		if (r == 0)
			r = xdp_run(s->fd, s->frame, s->len, repeat, run);
		s->ns = r == 0 && run->ns < s->ns ? run->ns : s->ns;
	}
	return r;
}

static void
print(const struct xdp_cli *c, const char *name, uint32_t ns, uint32_t peer_ns, const char *reason)
{
	if (c->json)
		printf("{\"path\":\"%s\",\"ns\":%u,\"peer\":%u,\"reason\":\"%s\"}\n", name, ns, peer_ns, reason);
	else if (peer_ns != 0)
		printf("%-36s %5u ns  %5u ns %6.2f  %s\n", name, ns, peer_ns, (double) ns / peer_ns, reason);
	else
		printf("%-36s %5u ns %7.1f Mpps  %s\n", name, ns, ns > 0 ? 1000.0 / ns : 0.0, reason);
	fflush(stdout);
}

/* The configuration of a scene: ports 443, and limits that one packet a nanosecond doesn't reach, or all do. */
static void
scene_conf(const struct scene *s, struct xdp_conf *conf)
{
	static char *port[] = {(char *) (uintptr_t) "443"};
	const struct conf_strs ports = {.v = port, .n = 1};
	int rate = s->syn_flood ? 1000 : 100000000;

	conf->protect = (struct xdp_protect) {.tcp = ports, .udp = ports, .quic = ports};
	conf->source = (struct xdp_rates) {rate, rate, rate, rate, rate, 60000};
	conf->budget = (struct xdp_budgets) {.syn = rate, .udp = rate, .quic = rate, .icmp = rate, .ack = rate,
	    .new_sources = rate, .cookies = s->cookies, .syn_retries = rate, .events = conf->budget.events, .burst = 20};
	conf->max_bans4 = 1 << 21;
	conf->ask_kernel = !s->known;	/* there is no such connection here */
}

/* Another program of this kernel: what to compare with. */
struct peer {
	uint8_t		 frame[2][2048];
	struct subject	 pass, drop;
};

static int
peer_open(const char *id, const char *drop_src, struct peer *p)
{
	struct subject *s[2] = {&p->pass, &p->drop};
	struct xdp_frame f = scenes[0].frame;
	int fd = bpf_prog_get_fd_by_id((uint32_t) strtoul(id, NULL, 10));

	if (fd < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		f.src = i == 1 && drop_src != NULL ? drop_src : SRC;
		*s[i] = (struct subject) {.fd = fd, .frame = p->frame[i], .len = xdp_frame_make(&f, p->frame[i], 2048)};
	}
	return p->drop.len == 0 ? -EINVAL : 0;
}

/* Make the source known by a SYN. */
static int
scene_learn(const struct scene *s, int prog_fd, struct xdp_run *run)
{
	struct xdp_frame f = s->frame;
	uint8_t frame[2048];

	f.tcp_flags = XT_SYN;
	return s->known ? xdp_run(prog_fd, frame, xdp_frame_make(&f, frame, sizeof(frame)), 1, run) : 0;
}

static int
scene_run(struct xdp_cli *c, const struct scene *s, struct peer *p)
{
	unsigned n = s->prefixes > 0 ? s->prefixes : (unsigned) c->prefixes, stride = SPACE / n;
	struct xdp_load_opts opts = {.cookies = !s->no_cookies && xdp_has_cookies(), .bench_stride = s->banned ? stride : 1,
	    .bench_sources = s->banned && s->sources == 1 ? n : s->sources,
	    .bench_syn = (s->frame.tcp_flags & XT_SYN) != 0 && s->syn_flood};
	struct xdp_run *run = calloc(1, sizeof(*run));
	struct xdp_conf conf = c->conf;
	struct xdp_load *l = NULL;
	uint8_t frame[2048];
	struct subject own = {.frame = frame, .len = xdp_frame_make(&s->frame, frame, sizeof(frame))}, *peer = NULL;
	int r;

	scene_conf(s, &conf);
	r = run == NULL || own.len == 0 ? -ENOMEM : xdp_load(&l, &conf, NULL, &opts, c->diag);
	if (r == 0)
		r = xdp_apply(xdp_load_maps(l), &conf, opts.cookies, c->diag);
	if (r == 0)
		r = bans_fill(xdp_load_maps(l), n, stride);
	if (r == 0) {
		own.fd = xdp_load_prog_fd(l);
		r = scene_learn(s, own.fd, run);
		/* What it ends as decides what it is compared with. */
		if (r == 0)
			r = xdp_run(own.fd, frame, own.len, 1000, run);
	}
	if (r == 0) {
		peer = p == NULL ? NULL : run->action == XDP_DROP ? &p->drop : &p->pass;
		if (peer != NULL)
			peer->ns = UINT32_MAX;
		r = best_of(&own, peer, (unsigned) c->repeat, run);
	}
	if (r == 0)
		print(c, s->name, own.ns, peer != NULL ? peer->ns : 0, xdp_reasons[xdp_load_last_reason(l) % XR_MAX].name);
	xdp_load_free(&l);
	free(run);
	return r;
}

int
xdp_cmd_bench(struct xdp_cli *c)
{
	struct peer *peer = NULL;
	int r = 0;

	if (c->repeat == 0)
		c->repeat = 20000;
	if (c->prefixes == 0)
		c->prefixes = 1000000;
	if (c->prefixes > 2000000) {
		xdp_cli_error("--prefixes: at most 2000000");
		return XDP_EXIT_USAGE;
	}
	if (c->prog_id != NULL) {
		peer = calloc(1, sizeof(*peer));
		r = peer == NULL ? -ENOMEM : peer_open(c->prog_id, c->hex, peer);
	}
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]) && r == 0; i++)
		if (c->n_words == 0 || strstr(scenes[i].name, c->words[0]) != NULL)
			r = scene_run(c, &scenes[i], peer);
	free(peer);
	if (r != 0)
		xdp_cli_error("bench: %s", strerror(-r));
	return r == 0 ? XDP_EXIT_OK : r == -EPERM ? XDP_EXIT_SKIP : XDP_EXIT_FAILED;
}
