/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <poll.h>
#include <stdlib.h>

#include "tests/floods/flood.h"

static void
pause_until(double t)
{
	double left = t - flood_now();

	if (left > 0)
		poll(NULL, 0, (int)(left * 1000) + 1);
}

/* Several connections in turns, each with one request under way: one thread has enough speed for loopback. */
void
flood_keepalive(struct flood *f)
{
	static struct conn c[FLOOD_CONNS_MAX];
	unsigned status;

	for (unsigned i = 0; i < f->conns; i++)
		c[i].fd = -1;
	for (unsigned i = 0; flood_now() < f->until; i = (i + 1) % f->conns) {
		if (c[i].fd < 0 && conn_open(f, &c[i]) != 0) {
			poll(NULL, 0, 5);
			continue;
		}
		f->sent++;
		status = conn_ask(&c[i]);
		f->status[status]++;
		if (status == 0) {
			f->closed++;
			conn_close(&c[i]);
		}
	}
	for (unsigned i = 0; i < f->conns; i++)
		conn_close(&c[i]);
}

void
flood_connect(struct flood *f)
{
	struct conn c;

	while (flood_now() < f->until) {
		if (conn_open(f, &c) != 0)
			continue;
		f->sent++;
		f->status[conn_ask(&c)]++;
		conn_close(&c);
	}
}

void
flood_probe(struct flood *f)
{
	struct conn c = {.fd = -1};
	double t0;
	unsigned status;

	while ((t0 = flood_now()) < f->until) {
		if (c.fd < 0 && conn_open(f, &c) != 0) {
			f->status[0]++;
			poll(NULL, 0, 10);
			continue;
		}
		t0 = flood_now();	/* a handshake is not part of a request */
		f->sent++;
		status = conn_ask(&c);
		f->status[status]++;
		if (status == 0)
			conn_close(&c);
		else if (f->n_sample < FLOOD_SAMPLES)
			f->sample[f->n_sample++] = (flood_now() - t0) * 1000;
		pause_until(t0 + f->interval_ms / 1000.0);
	}
	conn_close(&c);
}

/* Every connection gets <head> at once and then a byte of <more> each interval, for as long as the other side lets it. */
static void
drip(struct flood *f, const char *head, const char *more, size_t n_more)
{
	static struct conn c[FLOOD_CONNS_MAX];
	size_t n = 0, at = 0;
	char answer[512];
	double t;

	for (const char *p = head; *p != '\0'; p++)
		n++;
	for (unsigned i = 0; i < f->conns; i++)
		if (conn_open(f, &c[i]) == 0 && conn_write(&c[i], head, n) == 0)
			f->sent++;
	for (t = flood_now(); t < f->until; t += f->interval_ms / 1000.0, at++) {
		for (unsigned i = 0; i < f->conns; i++) {
			if (c[i].fd < 0)
				continue;
			ssize_t k = conn_try(&c[i], answer, sizeof(answer) - 1, 0);

			if (k == CONN_NOTHING && conn_write(&c[i], more + at % n_more, 1) == 0)
				continue;
			answer[k > 0 ? k : 0] = '\0';
			f->status[k > 12 ? strtoul(answer + 9, NULL, 10) % 600 : 0]++;
			f->closed++;
			conn_close(&c[i]);
		}
		pause_until(t + f->interval_ms / 1000.0);
	}
	for (unsigned i = 0; i < f->conns; i++)
		conn_close(&c[i]);
}

void
flood_slowloris(struct flood *f)
{
	static const char more[] = "X-A: b\r\n";

	drip(f, "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n", more, sizeof(more) - 1);
}

void
flood_slowbody(struct flood *f)
{
	drip(f, "POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n",
	    " ", 1);
}
