/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/tools/icapc.h"

#define QUEUE_MAX	(64 * 1024)	/* unsent bytes over which no slice is made */

struct icapc_conn {
	const struct icapc_opt *o;
	int		 fd;
	struct buf	 out, in;
	/* of the transaction that is being sent */
	bool		 go, ended;	/* the body may go; all of it is queued */
	size_t		 at;
	unsigned	 rnd;
	uint64_t	 t0, next_us;
};

static uint64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int
conn_connect(const struct icapc_opt *o)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *ai;
	int fd, one = 1, rc = 0;

	if (getaddrinfo(o->host, o->port, &hints, &ai) != 0)
		return -EHOSTUNREACH;
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, ai->ai_addr, ai->ai_addrlen) < 0)
		rc = -errno;
	freeaddrinfo(ai);
	if (rc < 0) {
		if (fd >= 0)
			close(fd);
		return rc;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));	/* slices are meant to travel alone */
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

int
icapc_conn_open(struct icapc_conn **cp, const struct icapc_opt *o)
{
	struct icapc_conn *c = calloc(1, sizeof(*c));

	*cp = c;
	if (c == NULL)
		return -ENOMEM;
	c->o = o;
	c->rnd = o->seed;
	c->fd = conn_connect(o);
	if (c->fd < 0) {
		int rc = c->fd;

		icapc_conn_close(cp);
		return rc;
	}
	return 0;
}

void
icapc_conn_close(struct icapc_conn **cp)
{
	struct icapc_conn *c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	if (c->fd >= 0)
		close(c->fd);
	buf_free(&c->out);
	buf_free(&c->in);
	free(c);
}

/* Queue what may be sent now. */
static int
conn_fill(struct icapc_conn *c, uint64_t now)
{
	int rc = 0;

	while (rc == 0 && c->go && !c->ended && now >= c->next_us && buf_len(&c->out) < QUEUE_MAX) {
		if (c->at == buf_len(&c->o->body)) {
			c->ended = true;
			return icapc_msg_end(&c->out);
		}
		rc = icapc_msg_chunk(&c->out, c->o, &c->at, &c->rnd);
		if (c->o->delay_ms > 0)
			c->next_us = now + (uint64_t)c->o->delay_ms * 1000;
	}
	return rc;
}

static int
conn_write(struct icapc_conn *c)
{
	ssize_t n;

	while (buf_len(&c->out) > 0) {
		n = send(c->fd, buf_ptr(&c->out), buf_len(&c->out), MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		buf_consume(&c->out, (size_t)n);
	}
	return 0;
}

static int
conn_read(struct icapc_conn *c)
{
	ssize_t n;
	char *p;

	for (;;) {
		p = buf_room(&c->in, 65536);
		if (p == NULL)
			return -ENOMEM;
		n = recv(c->fd, p, 65536, 0);
		if (n == 0)
			return -EPIPE;
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		buf_wrote(&c->in, (size_t)n);
	}
}

static int
conn_wait(struct icapc_conn *c, uint64_t now, uint64_t deadline)
{
	struct pollfd p = {.fd = c->fd};
	uint64_t until = deadline, hears = c->t0 + (uint64_t)c->o->deaf_ms * 1000;

	if (now >= deadline)
		return -ETIMEDOUT;
	if (now >= hears || !c->go)	/* the word to go on is always heard */
		p.events |= POLLIN;
	else
		until = hears < until ? hears : until;
	if (buf_len(&c->out) > 0)
		p.events |= POLLOUT;
	else if (c->go && !c->ended && c->next_us < until)
		until = c->next_us > now ? c->next_us : now;
	return poll(&p, 1, (int)((until - now + 999) / 1000)) < 0 && errno != EINTR ? -errno : 0;
}

/* Until the answer is whole.  What came before the connection broke still counts. */
static int
conn_run(struct icapc_conn *c, struct icapc_answer *a)
{
	uint64_t deadline = c->t0 + (uint64_t)c->o->timeout_ms * 1000, now = now_us();
	int rc = 0, broken = 0;

	for (;;) {
		rc = icapc_answer_take(a, &c->in);
		if (rc < 0)
			return rc;
		if (rc > 0) {		/* 100 Continue */
			c->go = true;
			continue;
		}
		if (a->first_us == 0 && buf_len(&a->body) > 0)
			a->first_us = now - c->t0;
		if (a->complete || broken < 0)
			break;
		rc = conn_fill(c, now);
		if (rc == 0)
			rc = conn_wait(c, now, deadline);
		if (rc < 0)
			return rc;
		broken = conn_write(c);
		now = now_us();
		if (c->ended && a->sent_us == 0 && buf_len(&c->out) == 0)
			a->sent_us = now - c->t0;
		if (!c->go || now >= c->t0 + (uint64_t)c->o->deaf_ms * 1000) {
			rc = conn_read(c);
			if (rc < 0)
				broken = rc;
		}
	}
	a->total_us = now - c->t0;
	return a->complete ? 0 : broken;
}

static int
conn_start(struct icapc_conn *c)
{
	c->at = 0;
	c->ended = !c->o->has_body;
	c->go = c->o->no_preview;
	c->t0 = now_us();
	c->next_us = 0;
	return icapc_msg_head(&c->out, c->o);
}

int
icapc_conn_do(struct icapc_conn *c, struct icapc_answer *a)
{
	int rc;

	if (c->at != 0 && !c->ended)
		return -EPIPE;		/* the last answer came before its request was whole */
	rc = conn_start(c);
	return rc < 0 ? rc : conn_run(c, a);
}

int
icapc_conn_queue(struct icapc_conn *c)
{
	int rc = conn_start(c);

	while (rc == 0 && !c->ended && c->at < buf_len(&c->o->body))
		rc = icapc_msg_chunk(&c->out, c->o, &c->at, &c->rnd);
	if (rc == 0 && c->o->has_body)
		rc = icapc_msg_end(&c->out);
	c->ended = true;
	return rc;
}

int
icapc_conn_read(struct icapc_conn *c, struct icapc_answer *a)
{
	return conn_run(c, a);
}
