/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/ban_list.h"
#include "control/ban_sock.h"
#include "control/ctltime.h"
#include "control/listen.h"
#include "control/llmsecd_metrics.h"
#include "lib/buf.h"
#include "lib/log.h"

#define CLIENTS		8
#define NOTES_MAX	((size_t)32 << 20)	/* bytes of lines that the thread has not picked up */
#define OUT_MAX		((size_t)256 << 20)	/* of one client; a million bans fit */
#define PING_MS		15000

struct client {
	int		 fd;		/* -1: free */
	struct buf	 out;
};

struct ban_sock {
	pthread_t	 thread;
	struct ban_list	*list;
	struct counters	*ctr;
	char		*path;
	int		 listen_fd, wake_fd;
	struct client	 client[CLIENTS];
	int64_t		 ping_ms;
	pthread_mutex_t	 lock;		/* all below */
	struct buf	 notes;
	bool		 listened;	/* somebody is connected */
	bool		 lost, stopping;
};

static void
wake(struct ban_sock *s)
{
	const uint64_t one = 1;

	/* A full counter wakes as well. */
	if (write(s->wake_fd, &one, sizeof(one)) < 0)
		return;
}

static void
add_line(struct buf *b, const struct cidr *c, int64_t left_ms, const char *reason)
{
	char text[CIDR_TEXT];

	buf_printf(b, "{\"op\":\"add\",\"cidr\":\"%s\",\"ttl_s\":%" PRId64 ",\"reason\":\"", cidr_format(c, text),
	    left_ms > 0 ? (left_ms + 999) / 1000 : 1);
	buf_add_json(b, reason, strlen(reason));
	buf_adds(b, "\"}\n");
}

/* Under the list's lock: only a note. */
static void
note(void *arg, const struct ban_news *w)
{
	struct ban_sock *s = arg;
	char text[CIDR_TEXT];

	if (w->force == BAN_FORCE_SAME)
		return;
	pthread_mutex_lock(&s->lock);
	if (s->listened && !s->lost) {
		if (w->force == BAN_FORCE_ADD)
			add_line(&s->notes, &w->cidr, w->until_ms - ctltime_now_ms(), w->reason);
		else
			buf_printf(&s->notes, "{\"op\":\"%s\",\"cidr\":\"%s\"}\n", w->force == BAN_FORCE_DEL ?
			    "del" : "expire", cidr_format(&w->cidr, text));
		s->lost = s->notes.err != 0;
		wake(s);
	}
	pthread_mutex_unlock(&s->lock);
}

static void
client_close(struct ban_sock *s, struct client *c)
{
	bool any = false;

	close(c->fd);
	c->fd = -1;
	buf_free(&c->out);
	for (size_t i = 0; i < CLIENTS; i++)
		any |= s->client[i].fd >= 0;
	pthread_mutex_lock(&s->lock);
	s->listened = any;
	if (!any)
		buf_clear(&s->notes);
	pthread_mutex_unlock(&s->lock);
	if (s->ctr != NULL)
		counters_add(s->ctr, M_SOCK_CLIENTS, (uint64_t)-1);
}

/* Whole lines, as many as go into a datagram. */
static size_t
datagram_len(const struct buf *b)
{
	const char *p, *nl;
	size_t n = buf_len(b);

	if (n <= BAN_SOCK_DATAGRAM || b->data == NULL)
		return n;
	p = b->data + b->rd;
	nl = memrchr(p, '\n', BAN_SOCK_DATAGRAM);
	return nl != NULL ? (size_t)(nl + 1 - p) : n;
}

/* What the socket takes now; false: it is gone, or too slow. */
static bool
client_send(struct client *c)
{
	ssize_t n;

	while (buf_len(&c->out) > 0 && c->out.err == 0) {
		n = send(c->fd, buf_ptr(&c->out), datagram_len(&c->out), MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR || errno == ENOBUFS;
		buf_consume(&c->out, (size_t)n);
	}
	return c->out.err == 0;
}

static void
state_row(void *arg, const struct ban_row *row)
{
	int64_t until = ban_row_until(row);

	if (until != 0)
		add_line(arg, &row->cidr, until - ctltime_now_ms(), row->vote[0].reason);
}

static void
client_accept(struct ban_sock *s)
{
	int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *c = s->client;

	if (fd < 0)
		return;
	while (c < s->client + CLIENTS && c->fd >= 0)
		c++;
	if (c == s->client + CLIENTS) {
		log_warnx("%s: more than %d clients; one refused", s->path, CLIENTS);
		close(fd);
		return;
	}
	c->fd = fd;
	c->out = (struct buf){ .max = OUT_MAX };
	/* Noted from now on; what is noted twice does no harm. */
	pthread_mutex_lock(&s->lock);
	s->listened = true;
	pthread_mutex_unlock(&s->lock);
	if (s->ctr != NULL)
		counters_add(s->ctr, M_SOCK_CLIENTS, 1);
	buf_adds(&c->out, "{\"op\":\"begin\",\"v\":1}\n");
	ban_list_each(s->list, state_row, &c->out);
	buf_adds(&c->out, "{\"op\":\"end\"}\n");
}

/* Hand what was noted to every client.  Lost some: they must come again. */
static void
notes_take(struct ban_sock *s)
{
	struct buf notes;
	uint64_t n;
	bool lost;

	if (read(s->wake_fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		log_warn("%s", s->path);
	pthread_mutex_lock(&s->lock);
	notes = s->notes;
	lost = s->lost;
	s->notes = (struct buf){ .max = NOTES_MAX };
	s->lost = false;
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < CLIENTS; i++)
		if (s->client[i].fd >= 0) {
			if (lost)
				client_close(s, &s->client[i]);
			else if (buf_len(&notes) > 0)
				buf_add(&s->client[i].out, buf_ptr(&notes), buf_len(&notes));
		}
	if (buf_len(&notes) > 0)
		s->ping_ms = ctltime_mono_ms() + PING_MS;
	buf_free(&notes);
}

static void
ping(struct ban_sock *s)
{
	if (ctltime_mono_ms() < s->ping_ms)
		return;
	s->ping_ms = ctltime_mono_ms() + PING_MS;
	for (size_t i = 0; i < CLIENTS; i++)
		if (s->client[i].fd >= 0)
			buf_adds(&s->client[i].out, "{\"op\":\"ping\"}\n");
}

static bool
stopping(struct ban_sock *s)
{
	bool r;

	pthread_mutex_lock(&s->lock);
	r = s->stopping;
	pthread_mutex_unlock(&s->lock);
	return r;
}

/* A client says nothing; what is readable is its end, or nonsense. */
static void
client_serve(struct ban_sock *s, struct client *c, short happened)
{
	char junk[256];

	if (c->fd < 0)
		return;
	if ((happened & (POLLERR | POLLHUP)) != 0 || ((happened & POLLIN) != 0 &&
	    recv(c->fd, junk, sizeof(junk), MSG_DONTWAIT) == 0) || !client_send(c))
		client_close(s, c);
}

static void *
sock_main(void *arg)
{
	struct ban_sock *s = arg;
	struct pollfd p[CLIENTS + 2];

	while (!stopping(s)) {
		p[0] = (struct pollfd){ .fd = s->listen_fd, .events = POLLIN };
		p[1] = (struct pollfd){ .fd = s->wake_fd, .events = POLLIN };
		for (size_t i = 0; i < CLIENTS; i++)
			p[i + 2] = (struct pollfd){ .fd = s->client[i].fd, .events = (short)(POLLIN |
			    (buf_len(&s->client[i].out) > 0 ? POLLOUT : 0)) };
		if (poll(p, CLIENTS + 2, 1000) < 0)
			memset(p, 0, sizeof(p));
		notes_take(s);
		ping(s);
		for (size_t i = 0; i < CLIENTS; i++)
			client_serve(s, &s->client[i], p[i + 2].fd == s->client[i].fd ? p[i + 2].revents : 0);
		if ((p[0].revents & POLLIN) != 0)
			client_accept(s);
	}
	return NULL;
}

static void
sock_free(struct ban_sock *s)
{
	for (size_t i = 0; i < CLIENTS; i++)
		if (s->client[i].fd >= 0)
			client_close(s, &s->client[i]);
	if (s->listen_fd >= 0) {
		unlink(s->path);
		close(s->listen_fd);
	}
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	buf_free(&s->notes);
	pthread_mutex_destroy(&s->lock);
	free(s->path);
	free(s);
}

int
ban_sock_start(struct ban_sock **out, const char *path, struct ban_list *list, struct counters *ctr)
{
	struct ban_sock *s = calloc(1, sizeof(*s));
	int r;

	*out = NULL;
	if (s == NULL)
		return -ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	for (size_t i = 0; i < CLIENTS; i++)
		s->client[i].fd = -1;
	s->list = list;
	s->ctr = ctr;
	s->notes.max = NOTES_MAX;
	s->path = strdup(path);
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->listen_fd = s->path != NULL ? listen_seqpacket(path) : -ENOMEM;
	r = s->listen_fd < 0 ? s->listen_fd : s->wake_fd < 0 ? -EMFILE : 0;
	if (r == 0 && ctr != NULL)
		counters_set(ctr, M_SOCK_CLIENTS, 0);
	if (r == 0)
		r = -pthread_create(&s->thread, NULL, sock_main, s);
	if (r < 0) {
		sock_free(s);
		return r;
	}
	ban_list_observe(list, note, s);
	*out = s;
	return 0;
}

void
ban_sock_stop(struct ban_sock **sp)
{
	struct ban_sock *s = *sp;

	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_mutex_unlock(&s->lock);
	wake(s);
	pthread_join(s->thread, NULL);
	sock_free(s);
	*sp = NULL;
}
