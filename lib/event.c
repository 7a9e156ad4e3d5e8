/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/event.h"
#include "lib/event_line.h"
#include "lib/log.h"

#define SPOOL_MAX	((int64_t)256 << 20)
#define SPOOL_ROTATE	(1 << 20)	/* a connected sender begins a new spool at this size */
#define RECONNECT_MS	1000
#define CLOSE_WAIT_MS	300

struct spool {
	int		 fd;		/* -1: none; its lock says "the sender lives" */
	int64_t		 size;
	uint64_t	 lines;
	char		 name[128];
};

struct event_client {
	pthread_mutex_t	lock;
	char		socket_path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char		*spool_dir;
	struct event_origin origin;
	char		program[64];
	int64_t		spool_max, rotate_at;
	struct spool	cur;		/* lines go here */
	struct spool	old;		/* full, and waits for the acknowledgement of <old_seq> */
	uint64_t	old_seq;
	int		sock;
	bool		live;		/* hello sent: lines go out as datagrams */
	bool		drained;	/* hello acknowledged: the spool's earlier lines are stored */
	uint64_t	seq;		/* of this connection */
	_Atomic uint64_t pending, dropped;	/* read without the lock */
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

/*
 * The name is random so that it is new even where every process is number 1: a collector that still
 * reads an older file never meets our lines under its name.  One that looked between our open and
 * our flock took the file for a dead sender's; then it is locked or unlinked, and we make another.
 */
static int
spool_create(struct event_client *c, struct spool *s)
{
	char path[4096];
	struct stat st;
	uint64_t rnd;

	for (int i = 0; i < 100; i++) {
		if (getrandom(&rnd, sizeof(rnd), 0) != (ssize_t)sizeof(rnd))
			return -EIO;
		snprintf(s->name, sizeof(s->name), "%s-%ld-%llu.spool", c->program, (long)getpid(),
		    (unsigned long long)rnd);
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", c->spool_dir, s->name) >= sizeof(path))
			return -ENAMETOOLONG;
		s->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
		if (s->fd < 0 && errno != EEXIST)
			return -errno;
		if (s->fd < 0)
			continue;
		s->size = 0;
		s->lines = 0;
		if (flock(s->fd, LOCK_EX | LOCK_NB) == 0 && fstat(s->fd, &st) == 0 && st.st_nlink > 0)
			return 0;
		close(s->fd);
		s->fd = -1;
	}
	return -EEXIST;
}

/* Not unlinked, it is a dead sender's spool to the collector, which reads and removes it. */
static void
spool_drop(const struct event_client *c, struct spool *s, bool unlink_it)
{
	char path[4096];

	if (s->fd < 0)
		return;
	snprintf(path, sizeof(path), "%s/%s", c->spool_dir, s->name);
	if (unlink_it)
		unlink(path);
	close(s->fd);
	s->fd = -1;
}

static void
disconnect(struct event_client *c)
{
	if (c->sock >= 0)
		close(c->sock);
	c->sock = -1;
	c->live = c->drained = false;
	c->seq = 0;
	/* The next hello names the current spool only: let go of the other, so that it is found. */
	spool_drop(c, &c->old, false);
	c->pending = c->cur.fd >= 0 ? c->cur.lines : 0;
}

static bool
say_hello(struct event_client *c)
{
	char hello[160];
	int n = snprintf(hello, sizeof(hello), "H 1 %s", c->cur.name);

	return send(c->sock, hello, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) == n;
}

/*
 * Connect and say hello.  Everything spooled so far is the collector's to read; only what is emitted from
 * now on is sent.
 */
static void
try_connect(struct event_client *c)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	if (c->socket_path[0] == '\0' || c->live || mono_ms() < c->next_connect)
		return;
	c->next_connect = mono_ms() + RECONNECT_MS;
	c->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->sock < 0)
		return;
	strcpy(sa.sun_path, c->socket_path);
	if (connect(c->sock, (struct sockaddr *)&sa, sizeof(sa)) < 0 || !say_hello(c)) {
		disconnect(c);
		return;
	}
	c->live = true;
}

/*
 * Begin a new spool when this one is large.  Waiting for a moment with nothing in flight would wait
 * forever under load, so the full one is kept until its last line is acknowledged.  Only one at a
 * time, and only after the hello's acknowledgement: from then on "up to <seq>" covers all its lines.
 */
static void
spool_rotate(struct event_client *c)
{
	struct spool fresh;

	if (!c->live || !c->drained || c->old.fd >= 0 || c->cur.size < c->rotate_at)
		return;
	if (spool_create(c, &fresh) < 0)
		return;		/* the present one does as long as it has room */
	c->old = c->cur;
	c->old_seq = c->seq;
	c->cur = fresh;
	if (!say_hello(c))
		disconnect(c);
}

/* Everything up to <seq> is on the collector's disk. */
static void
acked(struct event_client *c, uint64_t seq)
{
	c->drained = true;
	c->pending = c->seq - seq;
	if (c->old.fd >= 0 && seq >= c->old_seq)
		spool_drop(c, &c->old, true);
	spool_rotate(c);
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
		if (sscanf(b, "A %llu", &seq) == 1 && seq <= c->seq)
			acked(c, seq);
	}
	if (c->live)		/* end of file: the collector went away */
		disconnect(c);
}

static int
spool_append(struct event_client *c)
{
	size_t n = buf_len(&c->line);
	ssize_t w;

	if (c->cur.fd < 0) {
		disconnect(c);		/* it announced a spool that is no more */
		c->next_connect = 0;
		if (spool_create(c, &c->cur) < 0)
			return -EIO;
	}
	if (c->cur.size + (int64_t)n > c->spool_max)
		return -ENOSPC;
	do
		w = write(c->cur.fd, buf_ptr(&c->line), n);
	while (w < 0 && errno == EINTR);
	if (w == (ssize_t)n) {
		c->cur.size += w;
		c->cur.lines++;
		return 0;
	}
	/* Half a line (disk full): take it back, a reader must not meet it in front of the next one. */
	if (w < 0)
		return -errno;
	if (ftruncate(c->cur.fd, c->cur.size) < 0)
		spool_drop(c, &c->cur, false);
	return -ENOSPC;
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
		was_live = c->live;	/* else the hello comes after the line and covers it */
		try_connect(c);
		if (was_live && c->live)
			send_line(c);
		spool_rotate(c);
		c->warned = false;
	} else {
		c->dropped++;
		if (!c->warned)
			log_warnx("events: lost one: %s", strerror(-rc));
		c->warned = true;
		try_connect(c);		/* a full spool is emptied by nobody else */
	}
	pthread_mutex_unlock(&c->lock);
	return rc;
}

void
event_client_tick(struct event_client *c)
{
	pthread_mutex_lock(&c->lock);
	take_acks(c);
	if (c->pending > 0 && c->cur.fd >= 0)
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
	c->sock = c->cur.fd = c->old.fd = -1;
	pthread_mutex_init(&c->lock, NULL);
	if (conf->socket_path != NULL && strlen(conf->socket_path) >= sizeof(c->socket_path)) {
		rc = -ENAMETOOLONG;
		goto fail;
	}
	if (conf->socket_path != NULL)
		strcpy(c->socket_path, conf->socket_path);
	snprintf(c->program, sizeof(c->program), "%s", conf->program);
	c->spool_max = conf->spool_max ? conf->spool_max : SPOOL_MAX;
	/* Below the limit, or a spool that is full and acknowledged would never be exchanged. */
	c->rotate_at = c->spool_max / 2 < SPOOL_ROTATE ? c->spool_max / 2 : SPOOL_ROTATE;
	c->spool_dir = strdup(conf->spool_dir);
	if (c->spool_dir == NULL)
		goto fail;
	rc = event_origin_init(&c->origin, conf->node, conf->layer);
	if (rc == 0)
		rc = spool_create(c, &c->cur);
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
	/* Closing our copies leaves the parent's locks and connection as they are. */
	spool_drop(c, &c->cur, false);
	disconnect(c);
	c->next_connect = 0;
	c->pending = c->dropped = 0;
	event_origin_reseed(&c->origin);
	return spool_create(c, &c->cur);
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
	spool_drop(c, &c->old, c->pending == 0);
	spool_drop(c, &c->cur, c->pending == 0);
	disconnect(c);
	pthread_mutex_unlock(&c->lock);
	pthread_mutex_destroy(&c->lock);
	buf_free(&c->line);
	free(c->spool_dir);
	free(c);
}
