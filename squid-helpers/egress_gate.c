/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/diag.h"
#include "lib/log.h"
#include "lib/sdnotify.h"
#include "squid-helpers/egress_gate.h"
#include "squid-helpers/egress_lists.h"

#define LOOK_MS		20
#define RENEW_S		5	/* others may flush routes and rules */
#define CUTS_MAX	1024	/* of one walk through the connections */

static volatile sig_atomic_t got_end;

static void
on_end(int sig)
{
	got_end = sig;
}

/* --- a sorted list of networks ---------------------------------------------------------------- */

struct nets {
	struct cidr	*v;
	size_t		 n, cap;
};

static int
nets_add(void *arg, const struct cidr *c)
{
	struct nets *s = arg;

	if (s->n == s->cap) {
		size_t cap = s->cap > 0 ? s->cap * 2 : 256;
		struct cidr *v = realloc(s->v, cap * sizeof(*v));

		if (v == NULL)
			return -ENOMEM;
		s->v = v;
		s->cap = cap;
	}
	s->v[s->n++] = *c;
	return 0;
}

static int
net_cmp(const void *a, const void *b)
{
	const struct cidr *x = a, *y = b;
	int r = memcmp(x->addr, y->addr, sizeof(x->addr));

	return r != 0 ? r : (int)x->len - (int)y->len;
}

static void
nets_sort(struct nets *s)
{
	size_t n = 0;

	if (s->n == 0)
		return;
	qsort(s->v, s->n, sizeof(*s->v), net_cmp);
	for (size_t i = 0; i < s->n; i++)
		if (n == 0 || net_cmp(&s->v[n - 1], &s->v[i]) != 0)
			s->v[n++] = s->v[i];
	s->n = n;
}

/* --- the lists into the kernel ------------------------------------------------------------------ */

/* A kernel without IPv6 has no such connections either: done. */
static int
route_change(struct egress_gate *g, const struct cidr *c, bool add, size_t changes[2])
{
	int err = gate_kernel_route(&g->kernel, c, add);

	if (!cidr_is_v4(c) && (err == -EAFNOSUPPORT || err == -EOPNOTSUPP))
		return 0;
	changes[add]++;
	return err;
}

/* From what is there to what is to be.  One that can't be changed does not keep the others: the first error. */
static int
routes_change(struct egress_gate *g, const struct nets *want, size_t changes[2])
{
	size_t i = 0, k = 0;
	int first = 0;

	while (i < g->n_nets || k < want->n) {
		int c = i == g->n_nets ? 1 : k == want->n ? -1 : net_cmp(&g->nets[i], &want->v[k]), err = 0;

		if (c <= 0)
			i++;
		if (c >= 0)
			k++;
		if (c < 0)
			err = route_change(g, &g->nets[i - 1], false, changes);
		else if (c > 0)
			err = route_change(g, &want->v[k - 1], true, changes);
		if (first == 0)
			first = err;
	}
	return first;
}

static bool
is_proxy_port(const struct egress_gate *g, uint16_t port)
{
	for (size_t i = 0; i < g->n_ports; i++)
		if (g->ports[i] == port)
			return true;
	return false;
}

static bool
to_listed(void *arg, const struct gate_socket *s)
{
	const struct egress_gate *g = arg;

	return !is_proxy_port(g, s->local_port) && egress_lists_denied_ip(g->lists, s->peer, g->checked);
}

/* What is there: an earlier run may have left it, or others have taken it away. */
static int
reread(struct egress_gate *g)
{
	struct nets have = {0};
	int err = gate_kernel_routes(&g->kernel, nets_add, &have);

	if (err < 0) {
		free(have.v);
		return err;
	}
	nets_sort(&have);
	free(g->nets);
	g->nets = have.v;
	g->n_nets = have.n;
	return 0;
}

/* <cut>: connections may have begun that the routes would not have let. */
static int
apply(struct egress_gate *g, bool cut)
{
	struct nets want = {0};
	size_t changes[2] = {0};	/* out, in */
	int err = egress_lists_each_net(g->lists, g->checked, nets_add, &want), gone = 0;

	if (err == 0) {
		nets_sort(&want);
		err = routes_change(g, &want, changes);
	}
	if (changes[1] > 0 || cut)
		gone = gate_kernel_cut(&g->kernel, to_listed, g);
	if (changes[0] + changes[1] > 0 || gone > 0)
		log_info("lists %s: %zu networks refused, %zu of them new, %d connections cut", g->lists_path, want.n,
		    changes[1], gone > 0 ? gone : 0);
	free(want.v);
	return err < 0 ? err : gone < 0 ? gone : 0;
}

/* The kernel as the lists say; without lists only the rules.  What fails is tried again with the next second. */
static void
renew(struct egress_gate *g)
{
	int added = gate_kernel_rules(&g->kernel, g->ports, g->n_ports), err = added < 0 ? added : 0, r;

	if (added > 0)
		log_notice("%d routing rules were gone and are back", added);
	if (g->lists != NULL) {
		r = reread(g);
		if (r == 0)
			r = apply(g, added > 0 || g->kernel_err < 0);
		err = err < 0 ? err : r;
	}
	if (err < 0 && err != g->kernel_err)
		log_err("routes, rules or connections: %s", strerror(-err));
	g->kernel_err = err;
	g->renewed = g->checked;
}

/* <again>: the same file as before. */
static void
load(struct egress_gate *g, bool again)
{
	struct egress_lists *fresh = NULL;
	struct diag *d = diag_new();
	int err = d != NULL ? egress_lists_reload(&fresh, g->lists, g->lists_path, d) : -ENOMEM;

	/* No lists yet. */
	if (err == -ENOENT && g->lists == NULL && set_stamp_same(&g->seen, &(struct set_stamp){0}))
		err = 0;
	if (err < 0 && (!again || err != g->lists_err))
		log_err("lists: %s; what is in force stays", d != NULL && diag_errors(d) ? diag_first(d) : strerror(-err));
	diag_free(&d);
	g->lists_err = err;
	if (fresh != NULL) {
		egress_lists_free(&g->lists);
		g->lists = fresh;
	}
}

int
egress_gate_check(struct egress_gate *g, time_t now)
{
	time_t before = g->checked;
	struct set_stamp stamp;
	bool second = now != before, changed;

	set_stamp_take(&stamp, g->lists_path);
	changed = !set_stamp_same(&stamp, &g->seen);
	g->checked = now;
	g->seen = stamp;
	/* A file that is wrong stays wrong; a disk or memory may not. */
	if (changed || (second && g->lists_err < 0 && g->lists_err != -EINVAL)) {
		load(g, !changed);
		changed = g->lists_err == 0;
	}
	if (changed || (second && g->kernel_err < 0) || now < g->renewed || now - g->renewed >= RENEW_S ||
	    (second && g->lists != NULL && egress_lists_net_ends(g->lists, before, now)))
		renew(g);
	return g->lists_err < 0 ? g->lists_err : g->kernel_err;
}

/* --- the helper's datagrams --------------------------------------------------------------------- */

struct client {
	uint8_t		addr[16];
	uint16_t	port;
};

struct cuts {
	const struct egress_gate *g;
	struct client	 v[CUTS_MAX];
	size_t		 n;
};

static bool
is_doomed(void *arg, const struct gate_socket *s)
{
	const struct cuts *c = arg;

	if (!is_proxy_port(c->g, s->local_port))
		return false;
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].port == s->peer_port && memcmp(c->v[i].addr, s->peer, 16) == 0)
			return true;
	return false;
}

/* "cut ADDRESS PORT"; anything else is nothing. */
static void
cut_read(struct cuts *c, const char *line)
{
	char address[64], more;
	struct cidr net;
	unsigned port;

	if (sscanf(line, "cut %63s %5u%c", address, &port, &more) == 2 && port > 0 && port < 65536 &&
	    cidr_parse(address, &net) == 0 && cidr_is_host(&net)) {
		memcpy(c->v[c->n].addr, net.addr, 16);
		c->v[c->n++].port = (uint16_t)port;
	}
}

static void
cuts_make(struct egress_gate *g, struct cuts *c)
{
	int gone;

	if (c->n == 0)
		return;
	gone = gate_kernel_cut(&g->kernel, is_doomed, c);
	if (gone < 0)
		log_err("revoked connections: %s", strerror(-gone));
	else
		log_info("revoked: %zu connections, %d were open and are cut", c->n, gone);
	c->n = 0;
}

void
egress_gate_datagram(struct egress_gate *g, const char *p, size_t n)
{
	static struct cuts c;
	char line[128];

	c.g = g;
	c.n = 0;
	while (n > 0) {
		const char *lf = memchr(p, '\n', n);
		size_t k = lf != NULL ? (size_t)(lf - p) : n;

		if (k < sizeof(line)) {
			memcpy(line, p, k);
			line[k] = '\0';
			cut_read(&c, line);
		}
		if (c.n == CUTS_MAX)
			cuts_make(g, &c);
		k += lf != NULL;
		p += k;
		n -= k;
	}
	cuts_make(g, &c);
}

/* --- the process -------------------------------------------------------------------------------- */

static int
socket_open(const char *path, uid_t uid)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, err = 0;

	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	strcpy(sun.sun_path, path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	unlink(path);
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 || chmod(path, 0600) < 0 || chown(path, uid, (gid_t)-1) < 0)
		err = -errno;
	if (err < 0)
		close(fd);
	return err < 0 ? err : fd;
}

int
egress_gate_open(struct egress_gate *g, const char *lists_path, const char *socket_path, uid_t uid, uint32_t table)
{
	int err = gate_kernel_open(&g->kernel, uid, table, g->ports, g->n_ports);

	g->lists_path = lists_path;
	g->lists_err = -EAGAIN;	/* not read yet */
	g->fd = -1;
	if (err < 0) {
		log_err("routing rules: %s (CAP_NET_ADMIN is needed)", strerror(-err));
		return err;
	}
	if (*socket_path != '\0') {
		g->fd = socket_open(socket_path, uid);
		if (g->fd < 0) {
			log_err("%s: %s", socket_path, strerror(-g->fd));
			gate_kernel_close(&g->kernel);
			return g->fd;
		}
	}
	return 0;
}

void
egress_gate_close(struct egress_gate *g)
{
	gate_kernel_close(&g->kernel);
	egress_lists_free(&g->lists);
	free(g->nets);
	g->nets = NULL;
	if (g->fd >= 0)
		close(g->fd);
}

void
egress_gate_run(struct egress_gate *g)
{
	static char b[65536];
	struct sigaction end = { .sa_handler = on_end };
	struct pollfd p = { .fd = g->fd, .events = POLLIN };
	bool ready = false;

	sigemptyset(&end.sa_mask);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	while (got_end == 0) {
		if (egress_gate_check(g, time(NULL)) == 0 && !ready) {
			sdnotify_send("READY=1");
			ready = true;
		}
		if (poll(&p, 1, LOOK_MS) > 0) {
			ssize_t n = recv(g->fd, b, sizeof(b), 0);

			if (n > 0)
				egress_gate_datagram(g, b, (size_t)n);
		}
	}
}
