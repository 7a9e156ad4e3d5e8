/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/xdp_bans.h"
#include "bpf/xdp_cli.h"
#include "lib/diag.h"

bool
xdp_cli_cookies(const struct xdp_cli *c, bool say)
{
	if (c->no_cookies || c->conf.syn_cookies == XDP_COOKIES_OFF)
		return false;
	if (!xdp_has_cookies()) {
		if (say)
			xdp_cli_error("this kernel has no raw SYN cookie helpers (Linux 6.0): over the budget only SYNs "
			    "that are sent again pass");
		return false;
	}
	if (xdp_sysctl_syncookies() == 2)
		return true;
	if (say)
		xdp_cli_error("net.ipv4.tcp_syncookies is %d; SYN cookies need 2 (sysctl -w net.ipv4.tcp_syncookies=2): "
		    "over the budget only SYNs that are sent again pass", xdp_sysctl_syncookies());
	return false;
}

/*
 * New maps get their configuration before the first packet; those that are in use get the new one after
 * the program that understands it.  Both are the same order here: the layout is checked by xdp_load().
 */
int
xdp_cmd_attach(struct xdp_cli *c)
{
	struct xdp_load_opts opts = {.cookies = false, .bench_stride = 1};
	struct xdp_load *l = NULL;
	bool native, cookies = xdp_cli_cookies(c, c->conf.protect.tcp.n > 0);
	int r, failed = 0;

	opts.cookies = cookies;
	r = xdp_load(&l, &c->conf, c->pin_dir, &opts, c->diag);
	if (r == 0)
		r = xdp_apply(xdp_load_maps(l), &c->conf, cookies, c->diag);
	for (int i = 0; r == 0 && i < c->n_words; i++) {
		int a = xdp_attach(l, c->pin_dir, c->words[i], c->conf.mode, &native, c->diag);

		if (a < 0)
			failed++;
		else
			printf("%s: %s, %s mode\n", c->words[i], a == XDP_REPLACED ? "replaced" : "attached",
			    native ? "native" : "generic");
	}
	xdp_load_free(&l);
	return r != 0 || failed > 0 ? XDP_EXIT_FAILED : XDP_EXIT_OK;
}

int
xdp_cmd_apply(struct xdp_cli *c)
{
	struct xdp_maps m;
	int r = xdp_cli_open(c, &m, false);

	if (r != 0)
		return r;
	r = xdp_apply(&m, &c->conf, xdp_cli_cookies(c, c->conf.protect.tcp.n > 0), c->diag);
	xdp_maps_close(&m);
	return r != 0 ? XDP_EXIT_FAILED : XDP_EXIT_OK;
}

static int
detach_one(const char *dir, const char *ifname)
{
	int r = xdp_detach(dir, ifname);

	if (r == 0)
		printf("%s: detached\n", ifname);
	else if (r == -ENOENT)
		xdp_cli_error("%s: the filter isn't on it", ifname);
	else
		xdp_cli_error("%s: %s", ifname, strerror(-r));
	return r;
}

struct names {
	char	v[256][64];
	int	n;
};

static int
name_add(void *arg, const struct xdp_link *l)
{
	struct names *names = arg;

	if (names->n < 256)
		memcpy(names->v[names->n++], l->ifname, sizeof(l->ifname));
	return 0;
}

int
xdp_cmd_detach(struct xdp_cli *c)
{
	struct names *names = calloc(1, sizeof(*names));
	int r = 0, failed = 0;

	if (names == NULL)
		return XDP_EXIT_FAILED;
	if (!c->all && c->n_words == 0) {
		fputs("usage: llmsec-xdp detach IFACE... | --all\n", stderr);
		free(names);
		return XDP_EXIT_USAGE;
	}
	if (c->all)
		xdp_links(c->pin_dir, name_add, names);
	for (int i = 0; i < names->n; i++)
		failed += detach_one(c->pin_dir, names->v[i]) != 0;
	for (int i = 0; i < c->n_words && !c->all; i++)
		failed += detach_one(c->pin_dir, c->words[i]) != 0;
	if (c->all && failed == 0)
		r = xdp_unpin(c->pin_dir);
	if (r != 0)
		xdp_cli_error("%s: %s", c->pin_dir, strerror(-r));
	free(names);
	return failed > 0 || r != 0 ? XDP_EXIT_FAILED : XDP_EXIT_OK;
}

static int
link_print(void *arg, const struct xdp_link *l)
{
	const struct xdp_cli *c = arg;
	static int n;

	if (c->json)
		printf("%s{\"interface\":\"%s\",\"ifindex\":%u,\"mode\":\"%s\",\"program\":%u}", n++ ? "," : "", l->ifname,
		    l->ifindex, l->ifindex == 0 ? "gone" : l->native ? "native" : "generic", l->prog_id);
	else
		printf("%-16s %s, program %u\n", l->ifname, l->ifindex == 0 ? "is gone" : l->native ? "native" : "generic",
		    l->prog_id);
	return 0;
}

static const char *
on(const struct xdpf_conf *k, uint32_t flag)
{
	return k->flags & flag ? "on" : "off";
}

static void
status_json(struct xdp_cli *c, const struct xdpf_conf *k, const struct xdp_ban_counts *n)
{
	printf("{\"pin_dir\":\"%s\",\"panic\":\"%s\",\"lockdown\":\"%s\",\"dry_run\":\"%s\",\"syn_cookies\":\"%s\",\"interfaces\":[",
	    c->pin_dir, on(k, XF_PANIC), on(k, XF_LOCKDOWN), on(k, XF_DRY_RUN), on(k, XF_COOKIES));
	xdp_links(c->pin_dir, link_print, c);
	printf("],\"bans\":{\"ipv4\":%zu,\"ipv4_room\":%zu,\"ipv6\":%zu,\"ipv6_room\":%zu,\"manual\":%zu,\"cluster\":%zu,"
	    "\"import\":%zu,\"ports\":%zu}}\n", n->v4, n->room4, n->v6, n->room6, n->origin[XO_MANUAL],
	    n->origin[XO_CLUSTER], n->origin[XO_IMPORT], n->ports);
}

int
xdp_cmd_status(struct xdp_cli *c)
{
	struct xdp_ban_counts n;
	struct xdpf_conf k;
	struct xdp_maps m;
	int r = xdp_cli_open(c, &m, true);

	if (r != 0)
		return r;
	r = xdp_maps_conf_get(&m, &k);
	if (r == 0)
		r = xdp_ban_count(&m, &n);
	xdp_maps_close(&m);
	if (r != 0) {
		xdp_cli_error("%s: %s", c->pin_dir, strerror(-r));
		return XDP_EXIT_FAILED;
	}
	if (c->json) {
		status_json(c, &k, &n);
		return XDP_EXIT_OK;
	}
	xdp_links(c->pin_dir, link_print, c);
	printf("panic %s, lockdown %s, dry-run %s, SYN cookies %s\n", on(&k, XF_PANIC), on(&k, XF_LOCKDOWN),
	    on(&k, XF_DRY_RUN), on(&k, XF_COOKIES));
	printf("bans: %zu of %zu IPv4, %zu of %zu IPv6; in force %zu manual, %zu from ports, %zu cluster, %zu import\n",
	    n.v4, n.room4, n.v6, n.room6, n.origin[XO_MANUAL], n.ports, n.origin[XO_CLUSTER], n.origin[XO_IMPORT]);
	if (n.v4 == n.room4 || n.v6 == n.room6)
		puts("a ban table is full: further bans are refused (max_bans4, max_bans6)");
	return XDP_EXIT_OK;
}

int
xdp_cmd_switch(struct xdp_cli *c, const char *name)
{
	uint32_t flag = strcmp(name, "panic") == 0 ? XF_PANIC : strcmp(name, "lockdown") == 0 ? XF_LOCKDOWN : XF_DRY_RUN;
	bool set = strcmp(c->words[0], "on") == 0;
	struct xdpf_conf k;
	struct xdp_maps m;
	int r;

	if (!set && strcmp(c->words[0], "off") != 0) {
		fprintf(stderr, "usage: llmsec-xdp %s on|off\n", name);
		return XDP_EXIT_USAGE;
	}
	r = xdp_cli_open(c, &m, false);
	if (r != 0)
		return r;
	r = xdp_maps_lock(&m);
	if (r == 0)
		r = xdp_maps_conf_get(&m, &k);
	if (r == 0) {
		k.flags = set ? k.flags | flag : k.flags & ~flag;
		r = xdp_maps_conf_set(&m, &k);
	}
	xdp_maps_close(&m);
	if (r == 0)
		printf("%s is %s\n", name, set ? "on" : "off");
	else
		xdp_cli_error("%s: %s", name, strerror(-r));
	return r == 0 ? XDP_EXIT_OK : XDP_EXIT_FAILED;
}
