/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "bpf/xdp_bans.h"
#include "bpf/xdp_cli.h"
#include "bpf/xdp_feedline.h"
#include "bpf/xdp_tell.h"
#include "lib/log.h"
#include "lib/sdnotify.h"

/*
 * llmsecd's bans into the kernel.  It needs no capability, only write access to the pinned maps.  When llmsecd
 * is away, bans stay until they expire, which the kernel sees to; when it is back it tells the whole state,
 * and what isn't in it goes.
 */
#define DATAGRAM	65536
#define SILENCE_MS	45000		/* three pings of llmsecd that did not come */
#define SWEEP_MS	60000

struct follower {
	struct xdp_cli	*c;
	struct xdp_maps	 m;
	struct xdp_tell	*tell;
	struct cidr	*allow;
	size_t		 n_allow;
	int		 fd;		/* -1: not connected */
	bool		 whole;		/* between begin and end */
	struct xdp_ban_new *list;
	size_t		 n, cap;
	uint64_t	 heard_ms, tried_ms, swept_ms, looked_ms;
	uint64_t	 applied, refused;
	unsigned	 bad;
	bool		 said_away;
};

static uint64_t
now_ms(void)
{
	return xdp_now_ns() / 1000000;
}

static void
allow_refresh(struct follower *f)
{
	free(f->allow);
	if (xdp_allow_read(&f->m, &f->allow, &f->n_allow) != 0)
		log_warnx("cannot read the allow list");
}

static int
whole_add(struct follower *f, const struct xdp_ban_line *l)
{
	if (f->n == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 1024;
		struct xdp_ban_new *v = reallocarray(f->list, cap, sizeof(*v));

		if (v == NULL)
			return -ENOMEM;
		f->list = v;
		f->cap = cap;
	}
	f->list[f->n++] = (struct xdp_ban_new) {.cidr = l->cidr, .until = xdp_tick_in(l->ttl_ms)};
	return 0;
}

static int
whole_end(struct follower *f)
{
	size_t added, removed;
	int r = xdp_ban_replace(&f->m, XO_CLUSTER, f->list, f->n, &added, &removed);

	if (r == 0)
		log_info("llmsecd has %zu bans: %zu new here, %zu gone", f->n, added, removed);
	else
		log_err("llmsecd has %zu bans, and this host has not: %s", f->n,
		    r == -ENOSPC ? "the tables are full (max_bans4, max_bans6)" : strerror(-r));
	f->applied += r == 0 ? f->n : 0;
	f->refused += r != 0 ? f->n : 0;
	free(f->list);
	f->list = NULL;
	f->n = f->cap = 0;
	f->whole = false;
	return 0;
}

static int
change(struct follower *f, const struct xdp_ban_line *l)
{
	char text[CIDR_TEXT];
	int r = l->op == XDP_OP_ADD ? xdp_ban_add(&f->m, &l->cidr, XO_CLUSTER, xdp_tick_in(l->ttl_ms), NULL)
	    : xdp_ban_del(&f->m, &l->cidr, XO_CLUSTER);

	if (r == 0 || (r == -ENOENT && l->op == XDP_OP_DEL)) {
		f->applied++;
		return 0;
	}
	if (f->refused++ % 1000 == 0)
		log_err("%s is not %s: %s", cidr_format(&l->cidr, text), l->op == XDP_OP_ADD ? "banned" : "lifted",
		    r == -ENOSPC ? "the table is full (max_bans4, max_bans6)" : strerror(-r));
	return 0;
}

static int
line(void *arg, const struct xdp_ban_line *l)
{
	struct follower *f = arg;
	const struct cidr *entry;
	char text[CIDR_TEXT], other[CIDR_TEXT];

	switch (l->op) {
	case XDP_OP_BEGIN:
		f->whole = true;
		f->n = 0;
		allow_refresh(f);
		return 0;
	case XDP_OP_END:
		return f->whole ? whole_end(f) : 0;
	case XDP_OP_ADD:
		entry = xdp_allow_covers(f->allow, f->n_allow, &l->cidr);
		if (entry != NULL) {
			f->refused++;
			log_notice("llmsecd bans %s, which is not done: %s is on the allow list",
			    cidr_format(&l->cidr, text), cidr_format(entry, other));
			return 0;
		}
		return f->whole ? whole_add(f, l) : change(f, l);
	case XDP_OP_DEL:
		return change(f, l);
	case XDP_OP_OTHER:
		break;
	}
	return 0;
}

static void
hang_up(struct follower *f, const char *why)
{
	if (f->fd >= 0) {
		close(f->fd);
		log_warnx("llmsecd: %s; bans stay until they expire", why);
	}
	f->fd = -1;
	f->whole = false;
	f->n = 0;
}

static void
read_some(struct follower *f)
{
	static char buf[DATAGRAM];
	struct iovec iov = {.iov_base = buf, .iov_len = sizeof(buf)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	unsigned bad = f->bad;
	ssize_t n = recvmsg(f->fd, &msg, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		hang_up(f, n == 0 ? "closed the connection" : strerror(errno));
		return;
	}
	f->heard_ms = now_ms();
	if ((msg.msg_flags & MSG_TRUNC) != 0 || xdp_ban_lines(buf, (size_t) n, line, f, &f->bad) != 0)
		hang_up(f, "sent what is no list of JSON objects");
	if (f->bad != bad)
		log_warnx("llmsecd: %u lines made no sense, %u so far", f->bad - bad, f->bad);
}

static void
dial(struct follower *f)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	const char *path = f->c->conf.follow.socket;

	f->tried_ms = now_ms();
	if (strlen(path) >= sizeof(a.sun_path)) {
		log_err("%s: too long for a socket", path);
		return;
	}
	memcpy(a.sun_path, path, strlen(path) + 1);
	f->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (f->fd >= 0 && connect(f->fd, (struct sockaddr *) &a, sizeof(a)) == 0) {
		f->heard_ms = now_ms();
		f->said_away = false;
		log_info("connected to llmsecd at %s", path);
		return;
	}
	if (!f->said_away)
		log_warn("llmsecd at %s", path);
	f->said_away = true;
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

static uint32_t
map_id(int fd)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &len) < 0 ? 0 : info.id;
}

/* Somebody detached everything and attached anew: other maps, which know nothing. */
static void
maps_look(struct follower *f)
{
	struct xdp_maps now;

	if (xdp_maps_open(&now, f->c->pin_dir, false) != 0)
		return;
	if (map_id(now.fd[XM_BAN4]) == map_id(f->m.fd[XM_BAN4])) {
		xdp_maps_close(&now);
		return;
	}
	log_notice("%s was made anew: asking llmsecd for everything", f->c->pin_dir);
	xdp_maps_close(&f->m);
	f->m = now;
	xdp_tell_maps(f->tell, &f->m);
	hang_up(f, "asked again");
	dial(f);
}

static void
timers(struct follower *f)
{
	uint64_t t = now_ms();
	size_t n;

	if (f->fd < 0 && t - f->tried_ms >= 1000)
		dial(f);
	if (f->fd >= 0 && t - f->heard_ms >= SILENCE_MS)
		hang_up(f, "has been silent");
	if (t - f->looked_ms >= 5000) {
		f->looked_ms = t;
		maps_look(f);
	}
	if (t - f->swept_ms >= SWEEP_MS) {
		f->swept_ms = t;
		if (xdp_ban_expire(&f->m, &n) == 0 && n > 0)
			log_info("%zu expired bans taken out", n);
	}
	xdp_tell_tick(f->tell);
	if (sdnotify_watchdog_ms() > 0)
		sdnotify_send("WATCHDOG=1");
}

static void
run(struct follower *f, int signals)
{
	struct pollfd p[3] = {{.fd = signals, .events = POLLIN}, {.events = POLLIN}, {.events = POLLIN}};

	for (;;) {
		p[1].fd = f->fd;
		p[2].fd = xdp_tell_fd(f->tell);
		if (poll(p, 3, 1000) < 0 && errno != EINTR) {
			log_warn("poll");
			return;
		}
		if (p[0].revents != 0)
			return;
		/* A burst is read to its end before the timers run, a thousand datagrams at most. */
		for (int i = 0; i < 1000 && f->fd >= 0 && p[1].revents != 0; i++) {
			struct pollfd more = {.fd = f->fd, .events = POLLIN};

			read_some(f);
			more.fd = f->fd;
			if (f->fd < 0 || poll(&more, 1, 0) <= 0)
				break;
		}
		if (p[2].revents != 0)
			xdp_tell_read(f->tell);
		timers(f);
	}
}

int
xdp_cmd_follow(struct xdp_cli *c)
{
	struct follower f = {.c = c, .fd = -1};
	sigset_t set;
	int signals, r = xdp_cli_open(c, &f.m, false);

	if (r != 0)
		return r;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	f.tell = xdp_tell_open(&c->conf, &f.m);
	f.looked_ms = f.swept_ms = now_ms();
	allow_refresh(&f);
	sdnotify_send("READY=1");
	dial(&f);
	run(&f, signals);
	sdnotify_send("STOPPING=1");
	log_info("ends: %llu changes applied, %llu refused; bans stay", (unsigned long long) f.applied,
	    (unsigned long long) f.refused);
	if (f.fd >= 0)
		close(f.fd);
	close(signals);
	xdp_tell_close(&f.tell);
	xdp_maps_close(&f.m);
	free(f.list);
	free(f.allow);
	return XDP_EXIT_OK;
}
