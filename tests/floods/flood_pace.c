/* SPDX-License-Identifier: MIT */
/*
 * Requests at a fixed rate, over plain HTTP: each has its time, and waits for a free connection if it must; latency counts
 * from that time on, so that a server that falls behind can't hide it (Tene's "coordinated omission").
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/floods/flood.h"

struct lane {
	struct conn	 c;
	double		 due;		/* of the request under way */
	size_t		 n;
	char		 b[4096];
	bool		 busy;
};

static const char ask[] = "GET /v1/models HTTP/1.1\r\nHost: localhost\r\nUser-Agent: llmsec-flood\r\nAccept: */*\r\n"
    "Authorization: Bearer sk-llmsec-bench\r\nAccept-Encoding: gzip\r\n\r\n";

/* The answer is here as a whole: its status, or 0. */
static unsigned
answered(const struct lane *l)
{
	const char *end = strstr(l->b, "\r\n\r\n"), *len = strcasestr(l->b, "\r\ncontent-length:");

	if (end == NULL || (len != NULL && len < end && l->n < (size_t)(end + 4 - l->b) + strtoul(len + 17, NULL, 10)))
		return 0;
	return (unsigned)strtoul(l->b + 9, NULL, 10) % 600;
}

/* False: the connection is gone. */
static bool
take(struct flood *f, struct lane *l)
{
	ssize_t k = conn_try(&l->c, l->b + l->n, sizeof(l->b) - 1 - l->n, 0);
	unsigned status;

	if (k == CONN_NOTHING)
		return true;
	if (k <= 0)
		return false;
	l->n += (size_t)k;
	l->b[l->n] = '\0';
	status = answered(l);
	if (status != 0 && l->busy) {
		f->status[status]++;
		if (f->n_sample < FLOOD_SAMPLES)
			f->sample[f->n_sample++] = (flood_now() - l->due) * 1000;
		l->n = 0;
		l->busy = false;
	}
	return true;
}

static void
give(struct flood *f, struct lane *l, double due)
{
	l->due = due;
	l->busy = true;
	l->n = 0;
	f->sent++;
	if (conn_write(&l->c, ask, sizeof(ask) - 1) != 0)
		f->closed++;
}

void
flood_pace(struct flood *f)
{
	static struct lane lane[FLOOD_CONNS_MAX];
	struct epoll_event e[256];
	int ep = epoll_create1(EPOLL_CLOEXEC), n;
	double next, now, gap = 1.0 / f->rate;
	unsigned free_at = 0;

	for (unsigned i = 0; i < f->conns; i++) {
		e[0] = (struct epoll_event){.events = EPOLLIN, .data.u32 = i};
		if (conn_open(f, &lane[i].c) == 0)
			epoll_ctl(ep, EPOLL_CTL_ADD, lane[i].c.fd, &e[0]);
	}
	f->until = flood_now() + f->seconds;
	for (next = flood_now(); (now = flood_now()) < f->until;) {
		for (unsigned tried = 0; next <= now && tried < f->conns; free_at = (free_at + 1) % f->conns, tried++)
			if (!lane[free_at].busy && lane[free_at].c.fd >= 0) {
				give(f, &lane[free_at], next);
				next += gap;
				tried = 0;
			}
		n = epoll_wait(ep, e, 256, next - now > 0.001 ? 1 : 0);
		for (int i = 0; i < n; i++) {
			struct lane *l = &lane[e[i].data.u32];

			if (l->c.fd >= 0 && !take(f, l)) {
				f->closed++;
				conn_close(&l->c);
			}
		}
	}
	for (unsigned i = 0; i < f->conns; i++)
		conn_close(&lane[i].c);
	close(ep);
}
