/* SPDX-License-Identifier: MIT */
/* The process around the gate: the helper's datagrams, and the loop. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/sdnotify.h"
#include "lib/set_ip.h"
#include "squid-helpers/egress_gate.h"
#include "squid-helpers/egress_lists.h"

#define LOOK_MS		20
#define CUTS_MAX	1024	/* of one walk through the connections */

static volatile sig_atomic_t got_end;

static void
on_end(int sig)
{
	got_end = sig;
}

bool
egress_gate_is_proxy(const struct egress_gate *g, uint16_t port)
{
	for (size_t i = 0; i < g->n_ports; i++)
		if (g->ports[i] == port)
			return true;
	return false;
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

	if (!egress_gate_is_proxy(c->g, s->local_port))
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
egress_gate_open(struct egress_gate *g, const char *socket_path, uid_t uid, uint32_t table)
{
	int err = gate_kernel_open(&g->kernel, uid, table, g->ports, g->n_ports);

	g->lists_file.err = *g->lists_file.path != '\0' ? -EAGAIN : 0;	/* not read yet */
	g->threats_file.err = *g->threats_file.path != '\0' ? -EAGAIN : 0;
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
	set_ip_close(&g->threats);
	gate_nets_free(&g->nets);
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
