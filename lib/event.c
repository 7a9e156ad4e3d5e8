/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/event.h"
#include "lib/event_line.h"
#include "lib/log.h"

#define SPOOL_MAX	((int64_t)256 << 20)
#define SPOOL_ROTATE	(1 << 20)	/* acknowledged spools larger than this are replaced */
#define RECONNECT_MS	1000
#define CLOSE_WAIT_MS	300

struct event_client {
	pthread_mutex_t	lock;
	char		socket_path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char		*spool_dir;
	struct event_origin origin;
	char		program[64];
	int64_t		spool_max, spool_size;
	int		spool_fd, sock;
	unsigned	generation;	/* of the spool's name */
	char		spool_name[128];
	bool		live;		/* hello sent: lines go out as datagrams */
	uint64_t	seq, acked;	/* of this connection */
	uint64_t	pending, dropped;
	int64_t		next_connect;	/* monotonic ms */
	struct buf	line;
	bool		warned;
};

static int64_t
mono_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A name nobody used before: a collector that still reads an older file never meets new lines in it. */
static int
spool_create(struct event_client *c)
{
	char path[4096];
	int fd = -1;

	for (int i = 0; i < 1000 && fd < 0; i++) {
		snprintf(c->spool_name, sizeof(c->spool_name), "%s-%ld-%u.spool", c->program, (long)getpid(),
		    c->generation++);
		snprintf(path, sizeof(path), "%s/%s", c->spool_dir, c->spool_name);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
		if (fd < 0 && errno != EEXIST)
			return -errno;
	}
	if (fd < 0)
		return -EEXIST;
	flock(fd, LOCK_EX | LOCK_NB);	/* held until this process ends: "its sender lives" */
	c->spool_fd = fd;
	c->spool_size = 0;
	return 0;
}

static void
spool_drop(struct event_client *c, bool unlink_it)
{
	char path[4096];

	if (c->spool_fd < 0)
		return;
	snprintf(path, sizeof(path), "%s/%s", c->spool_dir, c->spool_name);
	if (unlink_it)
		unlink(path);
	close(c->spool_fd);
	c->spool_fd = -1;
}

static void
disconnect(struct event_client *c)
{
	if (c->sock >= 0)
		close(c->sock);
	c->sock = -1;
	c->live = false;
	c->seq = c->acked = 0;
}

/*
 * Connect and say hello.  Everything spooled so far is the collector's to read; only what is emitted from
 * now on is sent.
 */
static void
try_connect(struct event_client *c)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	char hello[160];
	int n;

	if (c->socket_path[0] == '\0' || c->live || mono_ms() < c->next_connect)
		return;
	c->next_connect = mono_ms() + RECONNECT_MS;
	c->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->sock < 0)
		return;
	strcpy(sa.sun_path, c->socket_path);
	n = snprintf(hello, sizeof(hello), "H 1 %s", c->spool_name);
	if (connect(c->sock, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    send(c->sock, hello, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) != n) {
		disconnect(c);
		return;
	}
	c->live = true;
}

/* All lines of the spool are on the collector's disk. */
static void
all_acked(struct event_client *c)
{
	c->pending = 0;
	if (c->spool_size < SPOOL_ROTATE)
		return;
	spool_drop(c, true);
	disconnect(c);		/* the next hello announces the new file */
	c->next_connect = 0;
	if (spool_create(c) < 0)
		log_warnx("events: cannot make a new spool in %s", c->spool_dir);
}

static void
take_acks(struct event_client *c)
{
	char b[64];
	unsigned long long seq;
	ssize_t n;

	while (c->live && (n = recv(c->sock, b, sizeof(b) - 1, MSG_DONTWAIT)) != 0) {
		if (n < 0) {
			if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
				disconnect(c);
			return;
		}
		b[n] = '\0';
		if (sscanf(b, "A %llu", &seq) != 1 || seq > c->seq)
			continue;
		c->acked = seq;
		if (seq == c->seq)
			all_acked(c);
		else if (c->pending > c->seq - seq)
			c->pending = c->seq - seq;
	}
	if (c->live)		/* end of file: the collector went away */
		disconnect(c);
}

static int
spool_append(struct event_client *c)
{
	size_t n = buf_len(&c->line);
	ssize_t w;

	if (c->spool_fd < 0 && spool_create(c) < 0)
		return -EIO;
	if (c->spool_size + (int64_t)n > c->spool_max)
		return -ENOSPC;
	do
		w = write(c->spool_fd, buf_ptr(&c->line), n);
	while (w < 0 && errno == EINTR);
	if (w == (ssize_t)n) {
		c->spool_size += w;
		return 0;
	}
	/* Half a line (disk full): take it back, a reader must not meet it in front of the next one. */
	if (w > 0 && ftruncate(c->spool_fd, c->spool_size) < 0)
		spool_drop(c, false);
	return w < 0 ? -errno : -ENOSPC;
}

static void
send_line(struct event_client *c)
{
	char head[32];
	struct iovec iov[2];
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
	int n = snprintf(head, sizeof(head), "E %llu ", (unsigned long long)(c->seq + 1));

	iov[0] = (struct iovec){head, (size_t)n};
	iov[1] = (struct iovec){(void *)(uintptr_t)buf_ptr(&c->line), buf_len(&c->line) - 1};
	if (sendmsg(c->sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		disconnect(c);	/* slow or gone: the spool has it, the next hello makes it read */
	else
		c->seq++;
}

int
event_emit(struct event_client *c, const struct event *e)
{
	bool was_live;
	int rc;

	pthread_mutex_lock(&c->lock);
	take_acks(c);
	buf_clear(&c->line);
	rc = event_line(&c->line, &c->origin, e);
	if (rc == 0)
		rc = spool_append(c);
	if (rc == 0) {
		c->pending++;
		was_live = c->live;
		try_connect(c);
		if (was_live)
			send_line(c);
		c->warned = false;
	} else {
		c->dropped++;
		if (!c->warned)
			log_warnx("events: lost one: %s", strerror(-rc));
		c->warned = true;
	}
	pthread_mutex_unlock(&c->lock);
	return rc;
}

void
event_client_tick(struct event_client *c)
{
	pthread_mutex_lock(&c->lock);
	take_acks(c);
	if (c->pending > 0)
		try_connect(c);
	pthread_mutex_unlock(&c->lock);
}

uint64_t
event_client_pending(const struct event_client *c)
{
	return c->pending;
}

uint64_t
event_client_dropped(const struct event_client *c)
{
	return c->dropped;
}

int
event_client_open(struct event_client **out, const struct event_client_conf *conf)
{
	struct event_client *c = calloc(1, sizeof(*c));
	int rc = -ENOMEM;

	*out = NULL;
	if (c == NULL)
		return -ENOMEM;
	c->sock = c->spool_fd = -1;
	pthread_mutex_init(&c->lock, NULL);
	if (conf->socket_path != NULL && strlen(conf->socket_path) >= sizeof(c->socket_path)) {
		rc = -ENAMETOOLONG;
		goto fail;
	}
	if (conf->socket_path != NULL)
		strcpy(c->socket_path, conf->socket_path);
	snprintf(c->program, sizeof(c->program), "%s", conf->program);
	c->spool_max = conf->spool_max ? conf->spool_max : SPOOL_MAX;
	c->spool_dir = strdup(conf->spool_dir);
	if (c->spool_dir == NULL)
		goto fail;
	rc = event_origin_init(&c->origin, conf->node, conf->layer);
	if (rc == 0)
		rc = spool_create(c);
	if (rc < 0)
		goto fail;
	try_connect(c);
	*out = c;
	return 0;
fail:
	free(c->spool_dir);
	pthread_mutex_destroy(&c->lock);
	free(c);
	return rc;
}

int
event_client_reopen(struct event_client *c)
{
	pthread_mutex_init(&c->lock, NULL);	/* the parent may have held it when it forked */
	if (c->spool_fd >= 0)
		close(c->spool_fd);
	c->spool_fd = -1;
	disconnect(c);
	c->next_connect = 0;
	c->pending = c->dropped = 0;
	c->generation = 0;
	event_origin_reseed(&c->origin);
	return spool_create(c);
}

/* Give the collector a moment to acknowledge; what it doesn't stays in the spool, which it then finds unlocked. */
void
event_client_close(struct event_client **cp)
{
	struct event_client *c = *cp;
	int64_t end = mono_ms() + CLOSE_WAIT_MS;
	struct pollfd p;

	*cp = NULL;
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	take_acks(c);
	while (c->live && c->pending > 0 && mono_ms() < end) {
		p = (struct pollfd){.fd = c->sock, .events = POLLIN};
		poll(&p, 1, 50);
		take_acks(c);
	}
	spool_drop(c, c->pending == 0);
	disconnect(c);
	pthread_mutex_unlock(&c->lock);
	pthread_mutex_destroy(&c->lock);
	buf_free(&c->line);
	free(c->spool_dir);
	free(c);
}
