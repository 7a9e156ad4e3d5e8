/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/xdp_conf.h"
#include "lib/diag.h"
#include "lib/log.h"

#define NS		1000000000ULL
#define RATE_MAX	100000000
/* The kernel's coarse clock steps by 1/HZ: at most 10 ms.  A limit must bear the packets of two steps. */
#define TOLERANCE_MIN	20000000ULL

static const struct conf_enum mode_names[] = {
	{"auto", XDP_MODE_AUTO}, {"native", XDP_MODE_NATIVE}, {"generic", XDP_MODE_GENERIC}, {NULL, 0}};
static const struct conf_enum frag_names[] = {
	{"pass", XDP_FRAG_PASS}, {"limit", XDP_FRAG_LIMIT}, {"drop", XDP_FRAG_DROP}, {NULL, 0}};
static const struct conf_enum cookie_names[] = {{"auto", XDP_COOKIES_AUTO}, {"off", XDP_COOKIES_OFF}, {NULL, 0}};

#define RATE(S, f, d, h) CONF_INT(S, f, 0, RATE_MAX, d, "per second", h)

static const struct conf_opt protect_opts[] = {
	CONF_STRS(struct xdp_protect, addresses, "of this host, addresses or networks; empty: all"),
	CONF_STRS(struct xdp_protect, tcp, "ports or ranges: 443, 8000-8010"),
	CONF_STRS(struct xdp_protect, udp, "ports or ranges"),
	CONF_STRS(struct xdp_protect, quic, "UDP ports that speak QUIC (HTTP/3); protected as UDP, too"),
	CONF_END
};

static const struct conf_opt source_opts[] = {
	RATE(struct xdp_rates, syn, "100", "new TCP connections"),
	RATE(struct xdp_rates, tcp, "50000", "TCP packets"),
	RATE(struct xdp_rates, udp, "20000", "UDP packets"),
	RATE(struct xdp_rates, quic, "100", "new QUIC connections"),
	RATE(struct xdp_rates, icmp, "50", "ICMP packets"),
	CONF_DURATION(struct xdp_rates, burst, 20, 60000, "2s", "how much of its rate a source may use at once"),
	CONF_END
};

static const struct conf_opt network_opts[] = {
	RATE(struct xdp_rates, syn, "0", "new TCP connections"),
	RATE(struct xdp_rates, tcp, "0", "TCP packets"),
	RATE(struct xdp_rates, udp, "0", "UDP packets"),
	RATE(struct xdp_rates, quic, "0", "new QUIC connections"),
	RATE(struct xdp_rates, icmp, "0", "ICMP packets"),
	CONF_DURATION(struct xdp_rates, burst, 20, 60000, "2s", "how much of its rate a network may use at once"),
	CONF_END
};

static const struct conf_opt budget_opts[] = {
	RATE(struct xdp_budgets, syn, "5000", "SYNs; over it: cookies, or only retries"),
	RATE(struct xdp_budgets, udp, "20000", "UDP packets of unknown sources"),
	RATE(struct xdp_budgets, quic, "5000", "new QUIC connections of unknown sources"),
	RATE(struct xdp_budgets, icmp, "500", "ICMP packets of unknown sources"),
	RATE(struct xdp_budgets, ack, "5000", "TCP packets that belong to no connection"),
	RATE(struct xdp_budgets, new_sources, "5000", "sources that become known"),
	RATE(struct xdp_budgets, cookies, "200000", "SYN cookies sent"),
	RATE(struct xdp_budgets, syn_retries, "2000", "SYNs sent again, where there are no cookies"),
	RATE(struct xdp_budgets, events, "50", "samples of dropped packets; 0: none"),
	CONF_DURATION(struct xdp_budgets, burst, 20, 10000, "100ms", "how much of a budget may be used at once"),
	CONF_END
};

static const struct conf_opt follow_opts[] = {
	CONF_STR(struct xdp_follow, socket, LLMSEC_RUNDIR "/bans.sock", "path", "where llmsecd tells its bans"),
	CONF_STR(struct xdp_follow, events_socket, LLMSEC_RUNDIR "/events.sock", "path",
	    "where llmsecd listens for events; \"\": spool only"),
	CONF_STR(struct xdp_follow, spool_dir, "", "path", "samples of drops wait here as events; \"\": none are sent"),
	CONF_END
};

const struct conf_opt xdp_conf_opts[] = {
	CONF_STR(struct xdp_conf, log_level, "info", "level", "err, warning, notice, info or debug"),
	CONF_STR(struct xdp_conf, pin_dir, "/sys/fs/bpf/llmsec", "path", "folder of a bpf file system for maps and links"),
	CONF_STR(struct xdp_conf, never_ban, LLMSEC_SYSCONFDIR "/never-ban.lst", "path",
	    "addresses and networks that are always allowed, one a line; \"\": no file"),
	CONF_STRS(struct xdp_conf, allow, "further addresses and networks that are always allowed"),
	CONF_ENUM(struct xdp_conf, mode, mode_names, "auto", "native (in the driver), generic, or auto: native where possible"),
	CONF_BOOL(struct xdp_conf, dry_run, "false", "count everything, drop nothing"),
	CONF_BOOL(struct xdp_conf, drop_malformed, "true", "packets that no stack sends"),
	CONF_BOOL(struct xdp_conf, drop_martians, "true", "source addresses that no host can have"),
	CONF_ENUM(struct xdp_conf, fragments, frag_names, "limit", "to protected addresses: pass, limit (as UDP) or drop"),
	CONF_ENUM(struct xdp_conf, syn_cookies, cookie_names, "auto",
	    "auto: where the kernel has the helpers and net.ipv4.tcp_syncookies is 2"),
	CONF_BOOL(struct xdp_conf, ask_kernel, "true",
	    "look for a TCP packet's connection before a budget drops it; false where this host only forwards"),
	CONF_INT(struct xdp_conf, max_bans4, 1024, 1 << 24, "1048576", "entries", "IPv4 bans; one more is refused"),
	CONF_INT(struct xdp_conf, max_bans6, 1024, 1 << 24, "262144", "entries", "IPv6 bans; one more is refused"),
	CONF_INT(struct xdp_conf, max_sources, 1024, 1 << 24, "65536", "entries", "known sources; the oldest makes room"),
	CONF_MAP(struct xdp_conf, protect, protect_opts, "what the rates and budgets below are for"),
	CONF_MAP(struct xdp_conf, source, source_opts, "for one IPv4 address or IPv6 /64"),
	CONF_MAP(struct xdp_conf, network, network_opts, "for one IPv4 /24 or IPv6 /48"),
	CONF_MAP(struct xdp_conf, budget, budget_opts, "for all sources together"),
	CONF_MAP(struct xdp_conf, follow, follow_opts, "llmsec-xdp follow"),
	CONF_END
};

int
xdp_ports_parse(const char *text, uint16_t *lo, uint16_t *hi)
{
	unsigned long a, b;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	a = b = strtoul(text, &end, 10);
	if (*end == '-' && end[1] >= '0' && end[1] <= '9')
		b = strtoul(end + 1, &end, 10);
	if (*end != '\0' || a == 0 || a > b || b > 65535)
		return -EINVAL;
	*lo = (uint16_t) a;
	*hi = (uint16_t) b;
	return 0;
}

int
xdp_ports_set(const struct conf_strs *list, uint32_t *bits)
{
	uint16_t lo, hi;

	for (size_t i = 0; i < list->n; i++) {
		if (xdp_ports_parse(list->v[i], &lo, &hi) != 0)
			return -EINVAL;
		for (unsigned p = lo; p <= hi; p++)
			bits[p >> 5] |= 1U << (p & 31);
	}
	return 0;
}

static void
check_ports(const struct conf_strs *list, const char *name, const char *path, struct diag *d)
{
	uint16_t lo, hi;

	for (size_t i = 0; i < list->n; i++)
		if (xdp_ports_parse(list->v[i], &lo, &hi) != 0)
			diag_error(d, path, 0, 0, "protect.%s: \"%s\" is neither a port nor a range LOW-HIGH", name, list->v[i]);
}

static void
check_cidrs(const struct conf_strs *list, const char *name, const char *path, struct diag *d)
{
	struct cidr c;

	for (size_t i = 0; i < list->n; i++)
		if (cidr_parse(list->v[i], &c) != 0)
			diag_error(d, path, 0, 0, "%s: \"%s\" is neither an address nor a network", name, list->v[i]);
		else if (c.len == 0 || (cidr_is_v4(&c) && c.len == 96))
			diag_error(d, path, 0, 0, "%s: \"%s\" is everyone", name, list->v[i]);
}

int
xdp_conf_load(struct xdp_conf *c, const char *path, struct conf_mem **mem, struct diag *d)
{
	int rc;

	memset(c, 0, sizeof(*c));
	rc = path != NULL ? conf_load(path, xdp_conf_opts, c, mem, d)
	    : conf_load_mem("defaults", "{}\n", 3, xdp_conf_opts, c, mem, d);
	if (rc != 0)
		return rc;
	if (path == NULL)
		path = "defaults";
	check_ports(&c->protect.tcp, "tcp", path, d);
	check_ports(&c->protect.udp, "udp", path, d);
	check_ports(&c->protect.quic, "quic", path, d);
	check_cidrs(&c->protect.addresses, "protect.addresses", path, d);
	check_cidrs(&c->allow, "allow", path, d);
	if (c->pin_dir[0] != '/')
		diag_error(d, path, 0, 0, "pin_dir: \"%s\" is no absolute path", c->pin_dir);
	if (log_level_parse(c->log_level) < 0)
		diag_error(d, path, 0, 0, "log_level: \"%s\" is not a level", c->log_level);
	if (diag_errors(d) == 0)
		return 0;
	conf_mem_free(mem);
	return -EINVAL;
}

static void
rates_kernel(const struct xdp_rates *r, struct xdpf_rate out[XC_MAX])
{
	const int per_s[XC_MAX] = {r->syn, r->tcp, r->udp, r->quic, r->icmp};
	uint64_t burst = (uint64_t) r->burst * 1000000;

	for (int i = 0; i < XC_MAX; i++) {
		out[i].interval = per_s[i] > 0 ? NS / (uint64_t) per_s[i] : 0;
		/* The packet that finds the bucket full is the first beyond it. */
		out[i].tolerance = burst > out[i].interval ? burst - out[i].interval : 0;
		if (out[i].tolerance < TOLERANCE_MIN)
			out[i].tolerance = TOLERANCE_MIN;
	}
}

static void
budgets_kernel(const struct xdp_budgets *b, struct xdpf_budget out[XB_MAX], int cpus)
{
	const int per_s[XB_MAX] = {b->syn, b->udp, b->quic, b->icmp, b->ack, b->new_sources, b->cookies,
	    b->syn_retries, b->events};
	uint64_t burst = (uint64_t) b->burst * 1000000, chunk;

	for (int i = 0; i < XB_MAX; i++) {
		memset(&out[i], 0, sizeof(out[i]));
		if (per_s[i] == 0)
			continue;
		/* All CPUs together hold at most about 5 ms of the budget. */
		chunk = (uint64_t) per_s[i] / 200 / (uint64_t) cpus;
		chunk = chunk < 1 ? 1 : chunk > 64 ? 64 : chunk;
		out[i].chunk = (uint32_t) chunk;
		out[i].interval = chunk * NS / (uint64_t) per_s[i];
		out[i].tolerance = burst > TOLERANCE_MIN ? burst : TOLERANCE_MIN;
	}
}

void
xdp_conf_kernel(const struct xdp_conf *c, struct xdpf_conf *k, bool cookies, int cpus)
{
	const struct xdp_rates *n = &c->network;
	uint32_t flags = k->flags & (XF_PANIC | XF_LOCKDOWN);

	flags |= c->dry_run ? XF_DRY_RUN : 0;
	flags |= c->drop_malformed ? 0 : XF_MALFORMED_PASS;
	flags |= c->drop_martians ? 0 : XF_MARTIAN_PASS;
	flags |= c->protect.addresses.n == 0 ? XF_PROTECT_ALL : 0;
	flags |= n->syn + n->tcp + n->udp + n->quic + n->icmp != 0 ? XF_NET_RATES : 0;
	flags |= c->fragments == XDP_FRAG_DROP ? XF_FRAG_DROP : 0;
	flags |= c->fragments == XDP_FRAG_LIMIT ? XF_FRAG_LIMIT : 0;
	flags |= cookies && c->syn_cookies == XDP_COOKIES_AUTO ? XF_COOKIES : 0;
	flags |= c->ask_kernel ? XF_LOOKUP : 0;
	flags |= c->protect.tcp.n + c->protect.udp.n + c->protect.quic.n != 0 ? XF_RATES : 0;
	k->layout = XDPF_LAYOUT;
	rates_kernel(&c->source, k->src);
	rates_kernel(n, k->net);
	budgets_kernel(&c->budget, k->budget, cpus);
	k->flags = flags;
}
