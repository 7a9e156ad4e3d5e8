/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/xdp_bans.h"
#include "bpf/xdp_cli.h"
#include "bpf/xdp_feed.h"
#include "bpf/xdp_never.h"
#include "lib/diag.h"

struct taken {
	struct cidr	*v;
	size_t		 n;
};

static int
take(void *arg, const struct cidr *c)
{
	struct taken *t = arg;
	struct cidr *v = reallocarray(t->v, t->n + 1, sizeof(*v));

	if (v == NULL)
		return -ENOMEM;
	t->v = v;
	t->v[t->n++] = *c;
	return 0;
}

int
xdp_allow_read(const struct xdp_maps *m, struct cidr **list, size_t *n)
{
	struct taken t = {0};
	int r = xdp_allow_each(m, take, &t);

	if (r != 0) {
		free(t.v);
		t = (struct taken) {0};
	}
	*list = t.v;
	*n = t.n;
	return r;
}

const struct cidr *
xdp_allow_covers(const struct cidr *list, size_t n, const struct cidr *c)
{
	for (size_t i = 0; i < n; i++)
		if (cidr_covers(&list[i], c))
			return &list[i];
	return NULL;
}

static int
words_parse(struct xdp_cli *c, int from, struct cidr **out)
{
	*out = calloc((size_t) c->n_words + 1, sizeof(**out));
	if (*out == NULL)
		return XDP_EXIT_FAILED;
	for (int i = from; i < c->n_words; i++)
		if (cidr_parse(c->words[i], &(*out)[i]) != 0) {
			xdp_cli_error("\"%s\" is neither an address nor a network", c->words[i]);
			return XDP_EXIT_USAGE;
		}
	return 0;
}

static int
origin_parse(const struct xdp_cli *c, enum xdpf_origin def, enum xdpf_origin *out)
{
	*out = def;
	if (c->origin == NULL)
		return 0;
	for (int i = 0; i < XO_MAX; i++)
		if (strcmp(c->origin, xdp_origin_names[i]) == 0) {
			*out = (enum xdpf_origin) i;
			return 0;
		}
	xdp_cli_error("--origin: manual, cluster or import, not \"%s\"", c->origin);
	return XDP_EXIT_USAGE;
}

static int
ports_parse(const struct xdp_cli *c, struct xdp_ban_ports *p)
{
	memset(p, 0, sizeof(*p));
	if (c->port == NULL && c->proto == NULL)
		return 0;
	if (c->port == NULL || xdp_ports_parse(c->port, &p->lo, &p->hi) != 0) {
		xdp_cli_error("--port: a port or LOW-HIGH is needed, not \"%s\"", c->port != NULL ? c->port : "");
		return XDP_EXIT_USAGE;
	}
	if (c->proto == NULL)
		return 0;
	p->proto = strcmp(c->proto, "tcp") == 0 ? 6 : strcmp(c->proto, "udp") == 0 ? 17 : 0;
	if (p->proto != 0)
		return 0;
	xdp_cli_error("--proto: tcp or udp, not \"%s\"", c->proto);
	return XDP_EXIT_USAGE;
}

static const char *
ban_error(int err)
{
	return err == -EINVAL ? "is everyone: use lockdown for that"
	    : err == -ENOSPC ? "not banned: the table is full (max_bans4, max_bans6); nothing was pushed out"
	    : err == -ENOENT ? "is not banned" : strerror(-err);
}

static int
ban_one(struct xdp_maps *m, const struct cidr *c, uint32_t until, const struct xdp_ban_ports *ports)
{
	char text[CIDR_TEXT], other[CIDR_TEXT];
	const struct cidr *entry;
	struct cidr *allow;
	size_t n;
	int r = xdp_allow_read(m, &allow, &n);

	cidr_format(c, text);
	entry = r == 0 ? xdp_allow_covers(allow, n, c) : NULL;
	if (entry != NULL)
		xdp_cli_error("%s is not banned: %s is on the allow list", text, cidr_format(entry, other));
	free(allow);
	if (entry != NULL)
		return -EPERM;
	if (r == 0)
		r = xdp_ban_add(m, c, XO_MANUAL, until, ports);
	if (r != 0)
		xdp_cli_error("%s: %s", text, ban_error(r));
	return r;
}

int
xdp_cmd_ban(struct xdp_cli *c)
{
	struct xdp_ban_ports ports;
	struct cidr *list = NULL;
	struct xdp_maps m;
	int64_t ttl = -1;
	int r = words_parse(c, 0, &list), failed = 0;

	if (r == 0 && c->ttl != NULL && xdp_duration_parse(c->ttl, &ttl) != 0) {
		xdp_cli_error("--ttl: \"%s\" is no duration (30s, 10m, 2h, 7d, forever)", c->ttl);
		r = XDP_EXIT_USAGE;
	}
	if (r == 0)
		r = ports_parse(c, &ports);
	if (r == 0)
		r = xdp_cli_open(c, &m, false);
	if (r == 0) {
		for (int i = 0; i < c->n_words; i++)
			failed += ban_one(&m, &list[i], xdp_tick_in(ttl), &ports) != 0;
		xdp_maps_close(&m);
	}
	free(list);
	return r != 0 ? r : failed > 0 ? XDP_EXIT_FAILED : XDP_EXIT_OK;
}

int
xdp_cmd_unban(struct xdp_cli *c)
{
	enum xdpf_origin origin;
	struct cidr *list = NULL;
	struct xdp_maps m;
	char text[CIDR_TEXT];
	int r = words_parse(c, 0, &list), failed = 0, e;

	if (r == 0)
		r = origin_parse(c, XO_MAX, &origin);
	if (r == 0)
		r = xdp_cli_open(c, &m, false);
	if (r == 0) {
		for (int i = 0; i < c->n_words; i++) {
			e = xdp_ban_del(&m, &list[i], origin);
			failed += e != 0;
			if (e != 0)
				xdp_cli_error("%s: %s", cidr_format(&list[i], text), ban_error(e));
		}
		xdp_maps_close(&m);
	}
	free(list);
	return r != 0 ? r : failed > 0 ? XDP_EXIT_FAILED : XDP_EXIT_OK;
}

/* --- list */

struct lister {
	const struct xdp_cli *c;
	const struct xdp_maps *m;
	enum xdpf_origin origin;
	uint32_t	 now;
	size_t		 n;
};

static void
left_text(uint32_t until, bool json, char out[32])
{
	int64_t left = until == XDPF_FOREVER ? -1 : xdp_tick_left_ms(until);

	if (!json)
		xdp_duration_format(until == XDPF_FOREVER ? -1 : left < 0 ? 0 : left, out);
	else if (until == XDPF_FOREVER)
		snprintf(out, 32, "null");
	else
		snprintf(out, 32, "%.1f", (double) left / 1000);
}

static void
line_print(struct lister *l, const struct xdp_ban *b, const char *origin, uint32_t until, bool ports)
{
	const char *proto = b->val.proto == 6 ? "tcp" : b->val.proto == 17 ? "udp" : "any";
	char text[CIDR_TEXT], left[32], scope[48] = "";

	cidr_format(&b->cidr, text);
	left_text(until, l->c->json, left);
	if (ports)
		snprintf(scope, sizeof(scope), l->c->json ? ",\"proto\":\"%s\",\"ports\":\"%u-%u\"" : " %s ports %u-%u", proto,
		    b->val.port_lo, b->val.port_hi);
	if (l->c->json)
		printf("{\"cidr\":\"%s\",\"origin\":\"%s\",\"left_s\":%s,\"hits\":%u%s}\n", text, origin, left, xdp_ban_hits(l->m, b), scope);
	else
		printf("%-43s %-8s %-10s %u hits%s\n", text, origin, left, xdp_ban_hits(l->m, b), scope);
	l->n++;
}

static int
ban_print(void *arg, const struct xdp_ban *b)
{
	struct lister *l = arg;

	for (int i = 0; i < XO_MAX; i++)
		if (b->val.origin_until[i] > l->now && (l->origin == XO_MAX || (int) l->origin == i))
			line_print(l, b, xdp_origin_names[i], b->val.origin_until[i], false);
	if (b->val.port_until > l->now && (l->origin == XO_MAX || l->origin == XO_MANUAL))
		line_print(l, b, xdp_origin_names[XO_MANUAL], b->val.port_until, true);
	return ferror(stdout);
}

static int
list_some(struct lister *l, const struct cidr *list, int n)
{
	struct xdp_ban b;
	size_t before;
	int missing = 0;

	for (int i = 0; i < n; i++) {
		b.cidr = list[i];
		before = l->n;
		if (xdp_ban_get(l->m, &list[i], &b.val) == 0)
			ban_print(l, &b);
		missing += l->n == before;
	}
	return missing > 0 ? XDP_EXIT_FAILED : XDP_EXIT_OK;
}

int
xdp_cmd_list(struct xdp_cli *c)
{
	struct xdp_maps m;
	struct lister l = {.c = c, .m = &m, .now = (uint32_t) (xdp_now_ns() >> XDPF_TICK_SHIFT)};
	struct cidr *list = NULL;
	int r = words_parse(c, 0, &list);

	if (r == 0)
		r = origin_parse(c, XO_MAX, &l.origin);
	if (r == 0)
		r = xdp_cli_open(c, &m, true);
	if (r == 0) {
		if (c->n_words > 0)
			r = list_some(&l, list, c->n_words);
		else
			r = xdp_ban_each(&m, ban_print, &l) != 0 ? XDP_EXIT_FAILED : XDP_EXIT_OK;
		xdp_maps_close(&m);
	}
	free(list);
	return r;
}

int
xdp_cmd_flush(struct xdp_cli *c)
{
	enum xdpf_origin origin;
	struct xdp_maps m;
	size_t n = 0;
	int r = origin_parse(c, XO_MAX, &origin);

	if (r == 0)
		r = xdp_cli_open(c, &m, false);
	if (r != 0)
		return r;
	r = xdp_ban_flush(&m, origin, &n);
	xdp_maps_close(&m);
	if (r != 0)
		xdp_cli_error("flush: %s", strerror(-r));
	else
		printf("%zu bans lifted\n", n);
	return r != 0 ? XDP_EXIT_FAILED : XDP_EXIT_OK;
}

int
xdp_cmd_expire(struct xdp_cli *c)
{
	struct xdp_maps m;
	size_t n = 0;
	int r = xdp_cli_open(c, &m, false);

	if (r != 0)
		return r;
	r = xdp_ban_expire(&m, &n);
	if (r == 0)
		r = xdp_filter_rebuild(&m);
	xdp_maps_close(&m);
	if (r != 0)
		xdp_cli_error("expire: %s", strerror(-r));
	else
		printf("%zu expired bans taken out\n", n);
	return r != 0 ? XDP_EXIT_FAILED : XDP_EXIT_OK;
}

/* --- allow */

static int
allow_print(void *arg, const struct cidr *c)
{
	char text[CIDR_TEXT];

	(void) arg;
	puts(cidr_format(c, text));
	return ferror(stdout);
}

int
xdp_cmd_allow(struct xdp_cli *c)
{
	bool add = strcmp(c->words[0], "add") == 0, list = strcmp(c->words[0], "list") == 0;
	struct cidr *v = NULL;
	struct xdp_maps m;
	char text[CIDR_TEXT];
	int r, e, failed = 0;

	if ((!add && !list && strcmp(c->words[0], "del") != 0) || list != (c->n_words == 1)) {
		fputs("usage: llmsec-xdp allow list | add|del CIDR...\n", stderr);
		return XDP_EXIT_USAGE;
	}
	r = words_parse(c, 1, &v);
	if (r == 0)
		r = xdp_cli_open(c, &m, list);
	if (r == 0) {
		if (list)
			failed = xdp_allow_each(&m, allow_print, NULL) != 0;
		for (int i = 1; i < c->n_words; i++) {
			e = add ? xdp_allow_add(&m, &v[i]) : xdp_allow_del(&m, &v[i]);
			failed += e != 0;
			if (e != 0)
				xdp_cli_error("%s: %s", cidr_format(&v[i], text), e == -EINVAL ? "is everyone: use panic for that"
				    : e == -ENOENT ? "is not on the allow list" : strerror(-e));
		}
		xdp_maps_close(&m);
	}
	free(v);
	return r != 0 ? r : failed > 0 ? XDP_EXIT_FAILED : XDP_EXIT_OK;
}

/* --- import */

/* What the allow list covers stays out; kernel and list agree then about who is banned. */
static int
allowed_out(const struct xdp_maps *m, struct cidr *list, size_t *n, size_t *out)
{
	struct cidr *allow;
	size_t kept = 0, n_allow;
	int r = xdp_allow_read(m, &allow, &n_allow);

	*out = 0;
	if (r != 0)
		return r;
	for (size_t i = 0; i < *n; i++)
		if (xdp_allow_covers(allow, n_allow, &list[i]) == NULL)
			list[kept++] = list[i];
	*out = *n - kept;
	*n = kept;
	free(allow);
	return 0;
}

static int
import_list(struct xdp_maps *m, const struct cidr *list, size_t n, uint32_t until, size_t *added, size_t *removed)
{
	struct xdp_ban_new *v = calloc(n + 1, sizeof(*v));
	int r = v == NULL ? -ENOMEM : 0;

	for (size_t i = 0; i < n && r == 0; i++)
		v[i] = (struct xdp_ban_new) {.cidr = list[i], .until = until};
	if (r == 0)
		r = xdp_ban_replace(m, XO_IMPORT, v, n, added, removed);
	free(v);
	return r;
}

int
xdp_cmd_import(struct xdp_cli *c)
{
	size_t n = 0, skipped = 0, added = 0, removed = 0, allowed;
	struct cidr *list = NULL;
	struct xdp_maps m;
	int64_t ttl = -1;
	int r;

	if (c->ttl != NULL && xdp_duration_parse(c->ttl, &ttl) != 0) {
		xdp_cli_error("--ttl: \"%s\" is no duration (30s, 10m, 2h, 7d, forever)", c->ttl);
		return XDP_EXIT_USAGE;
	}
	r = xdp_feed_read(c->words[0], &list, &n, &skipped, c->diag);
	xdp_cli_diag(c);
	if (r == 0 && n == 0) {
		xdp_cli_error("%s: no address in it; what is banned stays (llmsec-xdp flush --origin import)", c->words[0]);
		r = -EINVAL;
	}
	if (r != 0) {
		free(list);
		return XDP_EXIT_FAILED;
	}
	r = xdp_cli_open(c, &m, false);
	if (r != 0) {
		free(list);
		return r;
	}
	r = allowed_out(&m, list, &n, &allowed);
	if (r == 0)
		r = import_list(&m, list, n, xdp_tick_in(ttl), &added, &removed);
	xdp_maps_close(&m);
	free(list);
	if (r != 0)
		xdp_cli_error("%s: %s", c->words[0], r == -ENOSPC ? "has more networks than the tables have room for "
		    "(max_bans4, max_bans6); nothing was changed" : strerror(-r));
	else
		printf("%zu networks: %zu new, %zu gone; %zu on the allow list, %zu lines skipped\n", n, added, removed,
		    allowed, skipped);
	return r != 0 ? XDP_EXIT_FAILED : XDP_EXIT_OK;
}
