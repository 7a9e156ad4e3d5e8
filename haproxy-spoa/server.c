/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "haproxy-spoa/listen_addr.h"
#include "haproxy-spoa/policy.h"
#include "haproxy-spoa/server.h"
#include "haproxy-spoa/worker.h"
#include "lib/log.h"

#define STALL_US	5000000		/* a worker that hasn't come round for so long hangs */

struct server {
	struct worker_shared	 shared;
	struct worker		**workers;
	size_t			 n_workers;
	struct listen_addr	*addrs;
	size_t			 n_addrs, n_open;	/* configured; opened so far */
	int			*fds;		/* [worker][address]; a Unix socket is the same in all rows */
};

static size_t
workers_wanted(const struct spoad_conf *c)
{
	long n = c->workers > 0 ? c->workers : sysconf(_SC_NPROCESSORS_ONLN);

	return n > 0 ? (size_t)n : 1;
}

/*
 * Connections that the limit of open files leaves room for; the soft limit is raised where it may be.
 * Out of descriptors, accept(2) fails and HAProxy's connections wait in the backlog: a connection refused
 * in time is better.
 */
static int
fd_connections(const struct spoad_conf *c, size_t n_workers)
{
	rlim_t ours = 32 + n_workers * (2 + c->listen.n), want = ours + (rlim_t)c->max_connections + n_workers;
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) != 0)
		return c->max_connections;
	if (lim.rlim_cur < want) {
		lim.rlim_cur = lim.rlim_max < want ? lim.rlim_max : want;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
	if (lim.rlim_cur >= want)
		return (int)(lim.rlim_cur - ours - n_workers < INT_MAX ? lim.rlim_cur - ours - n_workers : INT_MAX);
	log_warnx("the limit of %lu open files leaves less than max_connections (%ld)",
	    (unsigned long)lim.rlim_cur, (long)c->max_connections);
	return lim.rlim_cur > ours + n_workers ? (int)(lim.rlim_cur - ours - n_workers) : 1;
}

static int
server_listen(struct server *s, const struct spoad_conf *c)
{
	size_t n = c->listen.n;
	char text[128];
	int fd;

	s->n_addrs = n;
	s->addrs = calloc(n, sizeof(*s->addrs));
	s->fds = malloc(n * s->n_workers * sizeof(*s->fds));
	if (s->addrs == NULL || s->fds == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n * s->n_workers; i++)
		s->fds[i] = -1;
	for (size_t i = 0; i < n; i++) {
		int rc = listen_addr_parse(&s->addrs[i], c->listen.v[i], c->run_dir);

		for (size_t w = 0; rc == 0 && w < s->n_workers; w++) {
			if (w > 0 && s->addrs[i].ss.ss_family == AF_UNIX)
				fd = s->fds[i];
			else
				fd = listen_addr_open(&s->addrs[i]);
			if (fd < 0)
				rc = fd;
			else
				s->fds[w * n + i] = fd;
		}
		if (rc != 0) {
			log_err("%s: %s", c->listen.v[i], strerror(-rc));
			return rc;
		}
		s->n_open = i + 1;
		listen_addr_show(&s->addrs[i], text, sizeof(text));
		log_info("listening on %s", text);
	}
	return 0;
}

static void
server_unlisten(struct server *s)
{
	size_t n = s->n_addrs;

	for (size_t i = 0; s->fds != NULL && i < n * s->n_workers; i++)
		if (s->fds[i] >= 0 && (i < n || s->fds[i] != s->fds[i % n]))
			close(s->fds[i]);
	for (size_t i = 0; i < s->n_open; i++)
		if (s->addrs[i].ss.ss_family == AF_UNIX)
			unlink(((struct sockaddr_un *)&s->addrs[i].ss)->sun_path);
}

int
server_start(struct server **sp, struct policy *p, struct counters *ctr, struct event_client *ev)
{
	const struct spoad_conf *c = policy_conf(p);
	struct server *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return -ENOMEM;
	*sp = s;
	pthread_mutex_init(&s->shared.lock, NULL);
	s->shared.policy = policy_ref(p);
	s->shared.counters = ctr;
	s->shared.events = ev;
	s->n_workers = workers_wanted(c);
	s->shared.fd_connections = fd_connections(c, s->n_workers);
	s->workers = calloc(s->n_workers, sizeof(*s->workers));
	rc = s->workers ? server_listen(s, c) : -ENOMEM;
	for (size_t i = 0; rc == 0 && i < s->n_workers; i++)
		rc = worker_start(&s->workers[i], &s->shared, s->fds + i * c->listen.n, c->listen.n);
	if (rc != 0)
		server_stop(sp);
	return rc;
}

static void
workers_wake(struct server *s)
{
	for (size_t i = 0; s->workers != NULL && i < s->n_workers; i++)
		if (s->workers[i] != NULL)
			worker_wake(s->workers[i]);
}

void
server_set_policy(struct server *s, struct policy *p)
{
	struct policy *old;

	pthread_mutex_lock(&s->shared.lock);
	old = s->shared.policy;
	s->shared.policy = policy_ref(p);
	atomic_fetch_add(&s->shared.generation, 1);
	pthread_mutex_unlock(&s->shared.lock);
	workers_wake(s);
	policy_unref(&old);
}

bool
server_healthy(const struct server *s)
{
	uint64_t now = policy_now_us();

	for (size_t i = 0; i < s->n_workers; i++)
		if (now > worker_beat(s->workers[i]) + STALL_US)
			return false;
	return true;
}

void
server_stop(struct server **sp)
{
	struct server *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	atomic_store(&s->shared.stopping, true);
	workers_wake(s);
	for (size_t i = 0; s->workers != NULL && i < s->n_workers; i++)
		worker_join(&s->workers[i]);
	server_unlisten(s);
	policy_unref(&s->shared.policy);
	pthread_mutex_destroy(&s->shared.lock);
	free(s->workers);
	free(s->addrs);
	free(s->fds);
	free(s);
}
