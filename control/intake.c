/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/board.h"
#include "control/collector.h"
#include "control/ctltime.h"
#include "control/evline.h"
#include "control/intake.h"
#include "control/intake_private.h"
#include "control/listen.h"
#include "control/llmsecd_conf.h"
#include "control/llmsecd_metrics.h"
#include "lib/log.h"

#define CONNS_MAX	1024
#define ROUND_DATAGRAMS	64	/* of one connection before the others get their turn */
#define SLICE_LINES	500

static void
conn_close(struct intake *in, struct conn *c)
{
	struct conn **p = &in->conns;

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	in->n_conns--;
	if (c->hello) {
		board_connected(in->board, c->who, c->pid, -1);
		board_pending(in->board, c->who, (int64_t)c->acked - (int64_t)c->received);
		/* What it said last may be in its spool only. */
		intake_job_add(in, c->spool);
	}
	close(c->fd);
	free(c);
}

static int
conn_accept(struct intake *in)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct ucred cred;
	socklen_t len = sizeof(cred);
	struct conn *c;
	int fd = accept4(in->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return -errno;
	/* While nothing can be stored a connection would only keep lines from their spool's owner. */
	if (!collector_ok(in->collector) || in->n_conns >= CONNS_MAX ||
	    (c = calloc(1, sizeof(*c))) == NULL) {
		close(fd);
		return 0;
	}
	c->fd = fd;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0)
		c->pid = cred.pid;
	snprintf(c->who, sizeof(c->who), "pid %ld", (long)c->pid);
	c->next = in->conns;
	in->conns = c;
	in->n_conns++;
	ev.data.ptr = c;
	if (epoll_ctl(in->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		conn_close(in, c);
	return 0;
}

/* --- datagrams ----------------------------------------------------------------------------- */

/*
 * "H 1 name".  A sender that rotates its spool says it again on the same connection: what it wrote to
 * the old one came as events too, which the acknowledgement counts.  Before the first spool was read
 * that is not so, and a sender that doesn't wait for that breaks the protocol.
 */
static int
hello_take(struct intake *in, struct conn *c, char *text)
{
	int r;

	if (strncmp(text, "1 ", 2) != 0 || !spool_name_ok(text + 2))
		return -EPROTO;
	if (c->hello && !c->settled)
		return -EPROTO;
	if (!c->hello) {
		spool_program(c->who, text + 2);
		board_connected(in->board, c->who, c->pid, 1);
	}
	c->hello = true;
	snprintf(c->spool, sizeof(c->spool), "%s", text + 2);
	c->ack_due = true;
	/* Unread it may hold lines that an acknowledgement would let its sender delete. */
	r = intake_job_add(in, c->spool);
	if (r < 0)
		log_warnx("cannot read spool %s: %s; closing its connection", c->spool, strerror(-r));
	return r < 0 ? -EPROTO : 0;
}

/* "E seq json": 0, -EPROTO, or the collector's error. */
static int
event_take(struct intake *in, struct conn *c, const char *text, size_t len)
{
	const char *p = text, *end = text + len;
	uint64_t seq = 0;
	int r;

	if (!c->hello)
		return -EPROTO;
	for (; p < end && *p >= '0' && *p <= '9' && seq < UINT64_MAX / 16; p++)
		seq = seq * 10 + (uint64_t)(*p - '0');
	/* Seq numbers rise by one: a gap would make the acknowledgement a lie. */
	if (p == text || p == end || *p != ' ' || seq != c->received + 1)
		return -EPROTO;
	p++;
	r = collector_line(in->collector, c->who, p, (size_t)(end - p));
	if (r < 0)
		return r;
	c->received = seq;
	board_pending(in->board, c->who, 1);
	c->ack_due = true;
	return 0;
}

static int
datagram_take(struct intake *in, struct conn *c, char *d, size_t len)
{
	int r = -EPROTO;

	d[len] = '\0';
	if (len > 2 && d[0] == 'E' && d[1] == ' ')
		r = event_take(in, c, d + 2, len - 2);
	else if (len > 2 && d[0] == 'H' && d[1] == ' ' && strlen(d) == len)
		r = hello_take(in, c, d + 2);
	if (r != -EPROTO)
		return r;
	intake_count(in, M_PROTOCOL, 1);
	r = collector_reject(in->collector, c->who, d, len, "not the event protocol");
	return r < 0 ? r : -EPROTO;
}

/* Read one round.  0: go on; 1: close the connection; -errno: the collector went down. */
static int
conn_read(struct intake *in, struct conn *c)
{
	for (int i = 0; i < ROUND_DATAGRAMS; i++) {
		struct iovec iov = { in->datagram, sizeof(in->datagram) - 1 };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
		ssize_t n = recvmsg(c->fd, &msg, MSG_DONTWAIT);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : 1;
		if (n == 0)
			return 1;
		r = datagram_take(in, c, in->datagram, (size_t)n);
		if (r == -EPROTO)
			return 1;
		if (r < 0)
			return r;
		if (collector_due(in->collector))
			return 0;
	}
	return 0;
}

/* --- acknowledgements ---------------------------------------------------------------------- */

static void
ack_send(struct intake *in, struct conn *c)
{
	char text[32];
	int n;

	n = snprintf(text, sizeof(text), "A %" PRIu64, c->received);
	if (send(c->fd, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return;		/* full: the next round tries again; gone: reading will tell */
	board_pending(in->board, c->who, (int64_t)c->acked - (int64_t)c->received);
	c->acked = c->received;
	c->ack_due = false;
	c->settled = true;
}

static void
everything_failed(struct intake *in)
{
	while (in->conns != NULL)
		conn_close(in, in->conns);
	intake_jobs_drop(in);
}

static void
commit(struct intake *in)
{
	if (collector_commit(in->collector) < 0) {
		everything_failed(in);
		return;
	}
	intake_jobs_committed(in);
	for (struct conn *c = in->conns; c != NULL; c = c->next)
		if (c->ack_due && !intake_job_busy(in, c->spool))
			ack_send(in, c);
}

/* Somebody waits for an acknowledgement that needs no further event to be sent. */
static bool
ack_ready(const struct intake *in)
{
	for (const struct conn *c = in->conns; c != NULL; c = c->next)
		if (c->ack_due && !intake_job_busy(in, c->spool))
			return true;
	return false;
}

/* --- the loop ------------------------------------------------------------------------------ */

void
intake_count(struct intake *in, int metric, uint64_t n)
{
	if (in->ctr != NULL)
		counters_add(in->ctr, (size_t)metric, n);
}

static void
publish(struct intake *in)
{
	struct board_health h = { .db_ok = collector_ok(in->collector), .spools = in->n_jobs };

	h.queue = collector_queue(in->collector, &h.oldest_ms);
	snprintf(h.db_error, sizeof(h.db_error), "%s", collector_error(in->collector));
	board_health_set(in->board, &h);
	if (in->ctr == NULL)
		return;
	counters_set(in->ctr, M_CONNECTIONS, in->n_conns);
	counters_set(in->ctr, M_SPOOLS, in->n_jobs);
}

static int
timeout_of(struct intake *in, int max)
{
	int64_t now = ctltime_mono_ms();
	int t = collector_timeout(in->collector);

	if (intake_jobs_reading(in) && collector_ok(in->collector))
		return 0;
	if (in->scan_ms - now < t)
		t = in->scan_ms > now ? (int)(in->scan_ms - now) : 0;
	return t < max ? t : max;
}

static int
events_handle(struct intake *in, struct epoll_event *ev, int n)
{
	int extra = 0, r;

	for (int i = 0; i < n; i++) {
		if (ev[i].data.ptr == &in->listen_fd) {
			while (conn_accept(in) == 0)
				;
		} else if (ev[i].data.ptr == &in->extra_fd) {
			extra = 1;
		} else {
			r = conn_read(in, ev[i].data.ptr);
			if (r == 1)
				conn_close(in, ev[i].data.ptr);
			if (r < 0) {
				everything_failed(in);	/* the rest of <ev> points nowhere now */
				break;
			}
		}
	}
	return extra;
}

int
intake_run_once(struct intake *in, int timeout_ms)
{
	struct epoll_event ev[32];
	int n, extra;

	n = epoll_wait(in->epoll_fd, ev, 32, timeout_of(in, timeout_ms));
	if (n < 0 && errno != EINTR)
		return -errno;
	extra = events_handle(in, ev, n);
	if (intake_jobs_step(in, SLICE_LINES) < 0)
		everything_failed(in);
	if (collector_due(in->collector))
		commit(in);
	else if (collector_queue(in->collector, &(int64_t){0}) == 0 && collector_ok(in->collector) &&
	    (ack_ready(in) || intake_jobs_ended(in)))
		commit(in);
	/* A moment without a batch comes at once: committing is what makes one. */
	if (collector_idle(in->collector))
		intake_scan(in, true);
	else if (!collector_ok(in->collector))
		everything_failed(in);
	if (ctltime_mono_ms() >= in->scan_ms)
		intake_scan(in, false);
	publish(in);
	return extra;
}

/* The name goes first: afterwards it may be a successor's. */
static void
listen_end(struct intake *in)
{
	if (in->listen_fd < 0)
		return;
	unlink(in->socket);
	epoll_ctl(in->epoll_fd, EPOLL_CTL_DEL, in->listen_fd, NULL);
	close(in->listen_fd);
	in->listen_fd = -1;
}

void
intake_drain(struct intake *in, int timeout_ms)
{
	int64_t end = ctltime_mono_ms() + timeout_ms;
	struct epoll_event ev[32];
	int n;

	listen_end(in);
	epoll_ctl(in->epoll_fd, EPOLL_CTL_DEL, in->extra_fd, NULL);
	/* Spools need no haste: what is in them stays in them. */
	while (collector_ok(in->collector) && ctltime_mono_ms() < end &&
	    (n = epoll_wait(in->epoll_fd, ev, 32, 0)) > 0) {
		events_handle(in, ev, n);
		if (collector_due(in->collector))
			commit(in);
	}
	if (collector_ok(in->collector))
		commit(in);
}

static int
watch(struct intake *in, int fd, void *ptr)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = ptr };

	return epoll_ctl(in->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

int
intake_open(struct intake **out, const struct llmsecd_conf *conf, struct collector *collector,
    struct board *board, struct counters *ctr, int extra_fd)
{
	struct intake *in = calloc(1, sizeof(*in));
	int r;

	*out = NULL;
	if (in == NULL)
		return -ENOMEM;
	in->collector = collector;
	in->board = board;
	in->ctr = ctr;
	in->extra_fd = extra_fd;
	in->socket = strdup(conf->events.socket);
	in->listen_fd = in->socket != NULL ? listen_seqpacket(in->socket) : -ENOMEM;
	in->spool_fd = open(conf->events.spool_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	in->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (in->listen_fd < 0) {
		r = in->listen_fd;
		log_err("cannot listen on %s: %s", conf->events.socket, strerror(-r));
	} else if (in->spool_fd < 0) {
		r = -errno;
		log_warn("cannot open %s", conf->events.spool_dir);
	} else {
		r = in->epoll_fd < 0 ? -errno : watch(in, in->listen_fd, &in->listen_fd);
	}
	if (r == 0 && extra_fd >= 0)
		r = watch(in, extra_fd, &in->extra_fd);
	if (r < 0) {
		intake_close(&in);
		return r;
	}
	intake_scan(in, true);
	publish(in);
	*out = in;
	return 0;
}

void
intake_close(struct intake **inp)
{
	struct intake *in = *inp;

	if (in == NULL)
		return;
	while (in->conns != NULL)
		conn_close(in, in->conns);
	intake_jobs_drop(in);
	listen_end(in);
	free(in->socket);
	if (in->spool_fd >= 0)
		close(in->spool_fd);
	if (in->epoll_fd >= 0)
		close(in->epoll_fd);
	free(in);
	*inp = NULL;
}
