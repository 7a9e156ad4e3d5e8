/* SPDX-License-Identifier: MIT */
/*
 * A child's events: its own client, because what the master opened would be shared after the fork, and a thread that sees
 * to what llmsecd hasn't acknowledged.  Without it an event written while llmsecd was away would wait in this child's
 * spool for the next request that c-icap happens to give to this child; perhaps for ever.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "icap-llmsec/icap_tr.h"
#include "lib/log.h"

#define TICK_S	1	/* event.h: "about 1 s" */

static struct {
	pthread_mutex_t	 lock;		/* guards what follows */
	pthread_cond_t	 work;		/* an event was emitted while <idle>, or <stop> */
	pthread_t	 thread;
	pid_t		 pid;		/* whose client and thread these are */
	struct event_client *client;
	bool		 ticks, stop;
	bool		 warned;	/* that there is no thread; it is tried again with each event */
	atomic_bool	 idle;		/* the thread sleeps until it is woken; read without the lock */
} ev = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER};

/* Sleeps while nothing is pending; else asks once a second. */
static void *
ticker(void *v)
{
	struct event_client *c = v;
	struct timespec at;

	pthread_mutex_lock(&ev.lock);
	while (!ev.stop) {
		/* Said before it looks: whoever emits looks the other way round, so one of both sees the other. */
		ev.idle = true;
		if (event_client_pending(c) == 0) {
			pthread_cond_wait(&ev.work, &ev.lock);
			continue;
		}
		ev.idle = false;
		clock_gettime(CLOCK_MONOTONIC, &at);
		at.tv_sec += TICK_S;
		pthread_cond_clockwait(&ev.work, &ev.lock, CLOCK_MONOTONIC, &at);
		if (!ev.stop)
			event_client_tick(c);
	}
	pthread_mutex_unlock(&ev.lock);
	return NULL;
}

/* Signals are c-icap's: none may land in a thread that it doesn't know. */
static bool
ticker_start(void)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&ev.thread, NULL, ticker, ev.client);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0 && !ev.warned)
		log_warnx("events: no thread for the spool: %s; trying again with each event", strerror(rc));
	ev.warned = rc != 0;
	return rc == 0;
}

/* The first event of this process opens the client.  A parent's is the parent's: not ours to close.  Lock held. */
static struct event_client *
client_here(const struct icap_policy *p)
{
	struct event_client_conf c = {p->events.socket, p->events.spool_dir, p->node[0] ? p->node : NULL,
	    "gateway", "icap", 0};
	int rc;

	if (ev.client != NULL && ev.pid == getpid()) {
		ev.ticks = ev.ticks || ticker_start();
		return ev.client;
	}
	ev.client = NULL;
	ev.pid = getpid();
	ev.stop = ev.ticks = ev.warned = false;
	rc = event_client_open(&ev.client, &c);
	if (rc < 0) {
		log_warnx("events: cannot open a spool in %s: %s", c.spool_dir, strerror(-rc));
		return NULL;
	}
	ev.ticks = ticker_start();
	return ev.client;
}

int
tr_events_emit(const struct icap_policy *p, const struct event *e)
{
	struct event_client *c;
	int rc;

	pthread_mutex_lock(&ev.lock);
	c = client_here(p);
	pthread_mutex_unlock(&ev.lock);
	if (c == NULL)
		return -EIO;
	rc = event_emit(c, e);
	/* The first that is pending wakes the thread; it sees to those behind it by the clock. */
	if (ev.idle) {
		pthread_mutex_lock(&ev.lock);
		pthread_cond_signal(&ev.work);
		pthread_mutex_unlock(&ev.lock);
	}
	return rc;
}

void
tr_events_close(void)
{
	bool ticks;

	pthread_mutex_lock(&ev.lock);
	if (ev.client == NULL || ev.pid != getpid()) {
		pthread_mutex_unlock(&ev.lock);
		return;
	}
	ticks = ev.ticks;
	ev.stop = true;
	ev.ticks = false;
	pthread_cond_signal(&ev.work);
	pthread_mutex_unlock(&ev.lock);
	if (ticks)
		pthread_join(ev.thread, NULL);
	event_client_close(&ev.client);
}
