/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "haproxy-spoa/judge.h"
#include "haproxy-spoa/policy.h"
#include "haproxy-spoa/spoad_counters.h"
#include "haproxy-spoa/spop_conn.h"
#include "haproxy-spoa/worker.h"
#include "lib/arena.h"
#include "lib/log.h"

#define READ_CHUNK	65536
#define EVENTS		64
#define TICK_MS		500
#define ARENA_MAX	(8u << 20)
#define LINGER_US	1000000		/* for the peer to read our DISCONNECT */

enum source_kind { SRC_WAKE, SRC_LISTEN, SRC_CONN };

struct source {			/* what an epoll event points to */
	enum source_kind kind;
	int		 fd;
};

struct conn {
	struct source	 src;		/* first member: the event is the connection */
	struct conn	*prev, *next;
	struct spop_conn spop;
	uint64_t	 active_us;	/* last byte either way */
	uint32_t	 want;		/* epoll events asked for */
	bool		 blocked;	/* output is full, input waits */
	bool		 lingering;	/* all said; only waiting for the peer to close */
	uint64_t	 n_frames, n_reassembled;	/* counted so far */
};

struct worker {
	struct worker_shared	*shared;
	pthread_t		 thread;
	int			 ep;
	struct source		 wake;
	struct source		*listen;
	size_t			 n_listen;
	struct policy		*policy;
	unsigned		 generation;
	struct judge		 judge;
	struct conn		*conns;
	struct conn		*closed;	/* freed once the round's events are through */
	uint64_t		 now_us, ticked_us, stop_us;
	bool			 draining;
	_Atomic uint64_t	 beat_us;
};

static void
worker_count(struct worker *w, enum spoad_counter c, uint64_t n)
{
	if (w->shared->counters != NULL && n != 0)
		counters_add(w->shared->counters, c, n);
}

static void
conn_close(struct worker *w, struct conn *c)
{
	int now = atomic_fetch_sub(&w->shared->connections, 1) - 1;

	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		w->conns = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	close(c->src.fd);
	c->src.fd = -1;
	spop_conn_free(&c->spop);
	c->next = w->closed;
	w->closed = c;
	if (w->shared->counters != NULL)
		counters_set(w->shared->counters, SPOAD_C_CONNS_NOW, now);
}

static void
conns_reap(struct worker *w)
{
	struct conn *c;

	while ((c = w->closed) != NULL) {
		w->closed = c->next;
		free(c);
	}
}

static void
conn_open(struct worker *w, int fd)
{
	const struct spoad_conf *conf = policy_conf(w->policy);
	struct spop_conn_conf sc = {(uint32_t)conf->max_frame_size, (size_t)conf->max_reassembly,
		(size_t)conf->max_output};
	struct epoll_event ev = {.events = EPOLLIN};
	struct conn *c;
	int now = atomic_fetch_add(&w->shared->connections, 1) + 1;

	c = now <= conf->max_connections && now <= w->shared->fd_connections ? calloc(1, sizeof(*c)) : NULL;
	if (c == NULL) {
		/* Closing at once lets HAProxy fail over at once; a full backlog would only make it wait. */
		worker_count(w, SPOAD_C_CONNS_REFUSED, 1);
		atomic_fetch_sub(&w->shared->connections, 1);
		close(fd);
		return;
	}
	c->src = (struct source){SRC_CONN, fd};
	c->want = ev.events;
	c->active_us = w->now_us;
	spop_conn_init(&c->spop, &sc, judge_notify, &w->judge);
	ev.data.ptr = &c->src;
	c->next = w->conns;
	if (w->conns != NULL)
		w->conns->prev = c;
	w->conns = c;
	worker_count(w, SPOAD_C_CONNS, 1);
	if (w->shared->counters != NULL)
		counters_set(w->shared->counters, SPOAD_C_CONNS_NOW, now);
	if (epoll_ctl(w->ep, EPOLL_CTL_ADD, fd, &ev) != 0)
		conn_close(w, c);
}

static void
listener_accept(struct worker *w, const struct source *s)
{
	int fd;

	for (unsigned i = 0; i < EVENTS; i++) {
		fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			conn_open(w, fd);
			continue;
		}
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			log_warn("accept");
		return;
	}
}

/* False: the peer is gone. */
static bool
conn_flush(struct worker *w, struct conn *c)
{
	struct buf *out = &c->spop.out;
	ssize_t n;

	while (buf_len(out) > 0) {
		n = send(c->src.fd, buf_ptr(out), buf_len(out), MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		buf_consume(out, (size_t)n);
		c->active_us = w->now_us;
	}
	return true;
}

static void
conn_account(struct worker *w, struct conn *c)
{
	worker_count(w, SPOAD_C_FRAMES, c->spop.n_frames - c->n_frames);
	worker_count(w, SPOAD_C_REASSEMBLED, c->spop.n_reassembled - c->n_reassembled);
	c->n_frames = c->spop.n_frames;
	c->n_reassembled = c->spop.n_reassembled;
}

/* The state machine has ended: count why, and leave the peer time to read our last frame. */
static bool
conn_end(struct worker *w, struct conn *c)
{
	if (!c->lingering) {
		if (c->spop.healthcheck)
			worker_count(w, SPOAD_C_HEALTHCHECKS, 1);
		else if (c->spop.status != SPOP_S_NORMAL && c->spop.status != SPOP_S_TIMEOUT) {
			worker_count(w, SPOAD_C_HUNGUP, 1);
			log_debug("spop", "hanging up, status %d", c->spop.status);
		}
		if (c->spop.by_peer)
			return false;
		shutdown(c->src.fd, SHUT_WR);
		c->lingering = true;
		c->active_us = w->now_us;
	}
	return true;
}

static void
conn_rearm(struct worker *w, struct conn *c)
{
	struct epoll_event ev = {.data.ptr = &c->src};

	if (c->lingering || (c->spop.state != SPOP_ST_CLOSING && !c->blocked))
		ev.events |= EPOLLIN;
	if (buf_len(&c->spop.out) > 0)
		ev.events |= EPOLLOUT;
	if (ev.events != c->want && epoll_ctl(w->ep, EPOLL_CTL_MOD, c->src.fd, &ev) == 0)
		c->want = ev.events;
}

/* Serve what has arrived and write what can be written; closes the connection when it is over. */
static void
conn_serve(struct worker *w, struct conn *c)
{
	bool alive;

	do {
		c->blocked = spop_conn_process(&c->spop);
		conn_account(w, c);	/* who has read an answer finds it counted */
		alive = conn_flush(w, c);
	} while (alive && c->blocked && buf_len(&c->spop.out) == 0);
	if (alive && c->spop.state == SPOP_ST_CLOSING && buf_len(&c->spop.out) == 0)
		alive = conn_end(w, c);
	if (alive)
		conn_rearm(w, c);
	else
		conn_close(w, c);
}

/* One read; false: the peer is gone, or nothing was there. */
static bool
conn_read(struct worker *w, struct conn *c, bool *gone)
{
	char *p = spop_conn_room(&c->spop, READ_CHUNK);
	ssize_t n;

	*gone = false;
	if (p == NULL) {
		*gone = true;
		return false;
	}
	n = recv(c->src.fd, p, READ_CHUNK, 0);
	if (n > 0) {
		spop_conn_got(&c->spop, (size_t)n);
		c->active_us = w->now_us;
		return true;
	}
	*gone = n == 0 || (errno != EAGAIN && errno != EINTR);
	return false;
}

static void
conn_event(struct worker *w, struct conn *c, uint32_t events)
{
	char waste[4096];
	bool gone = false;

	if (c->src.fd < 0)	/* closed earlier in this round */
		return;
	if (c->lingering) {
		ssize_t n = recv(c->src.fd, waste, sizeof(waste), 0);

		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			conn_close(w, c);
		return;
	}
	if (events & EPOLLIN)
		conn_read(w, c, &gone);
	else if (events & (EPOLLERR | EPOLLHUP))
		gone = true;
	if (gone)
		conn_close(w, c);
	else
		conn_serve(w, c);
}

static void
conn_check_idle(struct worker *w, struct conn *c)
{
	const struct spoad_conf *conf = policy_conf(w->policy);
	int64_t limit = c->spop.state == SPOP_ST_HELLO ? conf->hello_timeout : conf->idle_timeout;

	if (c->lingering || c->spop.state == SPOP_ST_CLOSING) {
		if (w->now_us - c->active_us > LINGER_US)
			conn_close(w, c);
	} else if (w->now_us - c->active_us > (uint64_t)limit * 1000) {
		worker_count(w, SPOAD_C_TIMEOUTS, 1);
		spop_conn_disconnect(&c->spop, SPOP_S_TIMEOUT);
		conn_serve(w, c);
	}
}

/* Stopping: answer all that has arrived, then say goodbye. */
static void
conn_drain(struct worker *w, struct conn *c)
{
	bool gone, full;

	if (c->spop.state == SPOP_ST_CLOSING)
		return;
	do {
		full = spop_conn_process(&c->spop);
		if (full && (!conn_flush(w, c) || buf_len(&c->spop.out) > 0))
			break;	/* a peer that doesn't read gets no more */
	} while (full || (c->spop.state != SPOP_ST_CLOSING && conn_read(w, c, &gone)));
	spop_conn_disconnect(&c->spop, SPOP_S_NORMAL);
	conn_serve(w, c);
}

static void
worker_take_policy(struct worker *w)
{
	struct policy *old = w->policy;

	policy_thread_free(&w->judge.thread);
	pthread_mutex_lock(&w->shared->lock);
	w->policy = policy_ref(w->shared->policy);
	w->generation = atomic_load(&w->shared->generation);
	pthread_mutex_unlock(&w->shared->lock);
	w->judge.policy = w->policy;
	w->judge.thread = policy_thread_new(w->policy);
	if (w->judge.thread == NULL)
		log_err("out of memory: requests cannot be judged");
	policy_unref(&old);
}

static void
worker_drain(struct worker *w)
{
	struct conn *c, *next;

	w->draining = true;
	w->stop_us = w->now_us + (uint64_t)policy_conf(w->policy)->drain_timeout * 1000;
	for (size_t i = 0; i < w->n_listen; i++)
		epoll_ctl(w->ep, EPOLL_CTL_DEL, w->listen[i].fd, NULL);
	for (c = w->conns; c != NULL; c = next) {
		next = c->next;
		conn_drain(w, c);
	}
}

static void
worker_tick(struct worker *w)
{
	struct conn *c, *next;

	w->ticked_us = w->now_us;
	for (c = w->conns; c != NULL; c = next) {
		next = c->next;
		conn_check_idle(w, c);
	}
}

static void
worker_round(struct worker *w)
{
	struct epoll_event ev[EVENTS];
	uint64_t count;
	int n = epoll_wait(w->ep, ev, EVENTS, w->draining ? 20 : TICK_MS);

	w->now_us = policy_now_us();
	w->judge.since_us = w->now_us;
	atomic_store_explicit(&w->beat_us, w->now_us, memory_order_relaxed);
	if (atomic_load(&w->shared->generation) != w->generation)
		worker_take_policy(w);
	for (int i = 0; i < n; i++) {
		struct source *s = ev[i].data.ptr;

		if (s->kind == SRC_CONN)
			conn_event(w, (struct conn *)s, ev[i].events);
		else if (s->kind == SRC_LISTEN)
			listener_accept(w, s);
		else if (read(s->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
			log_warn("eventfd");
	}
	conns_reap(w);
	if (w->now_us - w->ticked_us >= TICK_MS * 1000)
		worker_tick(w);
	if (!w->draining && atomic_load(&w->shared->stopping))
		worker_drain(w);
	conns_reap(w);
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;

	while (!w->draining || (w->conns != NULL && w->now_us < w->stop_us))
		worker_round(w);
	while (w->conns != NULL)
		conn_close(w, w->conns);
	conns_reap(w);
	return NULL;
}

static void
worker_free(struct worker **wp)
{
	struct worker *w = *wp;

	*wp = NULL;
	if (w->ep >= 0)
		close(w->ep);
	if (w->wake.fd >= 0)
		close(w->wake.fd);
	arena_free(&w->judge.arena);
	policy_thread_free(&w->judge.thread);
	policy_unref(&w->policy);
	free(w->listen);
	free(w);
}

static int
worker_watch(struct worker *w, struct source *s, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = s};

	return epoll_ctl(w->ep, EPOLL_CTL_ADD, s->fd, &ev) ? -errno : 0;
}

static int
worker_setup(struct worker *w, const int *fds, size_t n)
{
	int rc;

	w->ep = epoll_create1(EPOLL_CLOEXEC);
	w->wake = (struct source){SRC_WAKE, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
	w->listen = calloc(n ? n : 1, sizeof(*w->listen));
	w->judge.arena = arena_new(ARENA_MAX);
	if (w->ep < 0 || w->wake.fd < 0)
		return -errno;
	if (w->listen == NULL || w->judge.arena == NULL)
		return -ENOMEM;
	w->judge.counters = w->shared->counters;
	w->judge.events = w->shared->events;
	worker_take_policy(w);
	w->now_us = w->ticked_us = policy_now_us();
	atomic_store(&w->beat_us, w->now_us);
	rc = worker_watch(w, &w->wake, EPOLLIN);
	for (; rc == 0 && w->n_listen < n; w->n_listen++) {
		w->listen[w->n_listen] = (struct source){SRC_LISTEN, fds[w->n_listen]};
		rc = worker_watch(w, &w->listen[w->n_listen], EPOLLIN | EPOLLEXCLUSIVE);
	}
	return rc;
}

int
worker_start(struct worker **wp, struct worker_shared *shared, const int *fds, size_t n)
{
	struct worker *w = calloc(1, sizeof(*w));
	int rc;

	if (w == NULL)
		return -ENOMEM;
	w->shared = shared;
	rc = worker_setup(w, fds, n);
	if (rc == 0)
		rc = -pthread_create(&w->thread, NULL, worker_main, w);
	if (rc == 0)
		*wp = w;
	else
		worker_free(&w);
	return rc;
}

void
worker_wake(struct worker *w)
{
	uint64_t one = 1;

	if (write(w->wake.fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_warn("eventfd");
}

uint64_t
worker_beat(const struct worker *w)
{
	return atomic_load_explicit(&w->beat_us, memory_order_relaxed);
}

void
worker_join(struct worker **wp)
{
	if (*wp == NULL)
		return;
	pthread_join((*wp)->thread, NULL);
	worker_free(wp);
}
