/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/event.h"
#include "tests/tools/events_tool.h"

#define THREADS_MAX	16
#define SPOOLS_MAX	256

struct emit {
	struct event_client	*client;
	const char		*socket, *spool_dir, *tag, *log;
	char			*detail;
	unsigned long		 n, rate;
	unsigned		 pad, threads, wait_s;
	int			 log_fd;
	struct timespec		 began;
	_Atomic unsigned long	 next, taken, failed;
	char			 spools[SPOOLS_MAX][128];	/* names seen */
	unsigned		 n_spools;
};

static atomic_bool stopping;	/* lock-free, so a signal handler may set it */

static void
stop(int sig)
{
	stopping = true;
}

/* Which spools of ours are there?  A name never seen before means that it was rotated. */
static void
spools_look(struct emit *e)
{
	char prefix[64];
	struct dirent *de;
	DIR *dir = opendir(e->spool_dir);
	unsigned i;

	snprintf(prefix, sizeof(prefix), "llmsec-events-%ld-", (long)getpid());
	while (dir != NULL && (de = readdir(dir)) != NULL) {
		if (strncmp(de->d_name, prefix, strlen(prefix)) != 0)
			continue;
		for (i = 0; i < e->n_spools && strcmp(e->spools[i], de->d_name) != 0; i++)
			;
		if (i == e->n_spools && i < SPOOLS_MAX)
			snprintf(e->spools[e->n_spools++], sizeof(e->spools[0]), "%.127s", de->d_name);
	}
	if (dir != NULL)
		closedir(dir);
}

static void
pace(const struct emit *e, unsigned long i)
{
	uint64_t ns = e->rate > 0 ? (uint64_t)i * 1000000000 / e->rate : 0;
	struct timespec at = e->began;

	ns += (uint64_t)at.tv_nsec;
	at.tv_sec += (time_t)(ns / 1000000000);
	at.tv_nsec = (long)(ns % 1000000000);
	if (e->rate > 0)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static void
emit_one(struct emit *e, unsigned long i)
{
	char id[128];
	struct event ev = { .event = "test.event", .severity = (int)(i % 11), .score = -1, .action = "monitor",
		.request_id = id, .detail = e->detail };
	int n = snprintf(id, sizeof(id) - 1, "%s-%lu", e->tag, i);

	if (event_emit(e->client, &ev) < 0) {
		e->failed++;
		return;
	}
	e->taken++;
	/* From here on it is promised. */
	id[n] = '\n';
	if (write(e->log_fd, id, (size_t)n + 1) != n + 1)
		abort();
}

static void *
emit_thread(void *arg)
{
	struct emit *e = arg;
	unsigned long i;

	while (!stopping && (i = e->next++) < e->n) {
		pace(e, i);
		emit_one(e, i);
	}
	return NULL;
}

static void
emit_all(struct emit *e)
{
	pthread_t threads[THREADS_MAX];

	clock_gettime(CLOCK_MONOTONIC, &e->began);
	for (unsigned i = 0; i < e->threads; i++)
		if (pthread_create(&threads[i], NULL, emit_thread, e) != 0)
			abort();
	while (!stopping && e->next < e->n) {
		spools_look(e);
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	for (unsigned i = 0; i < e->threads; i++)
		pthread_join(threads[i], NULL);
	spools_look(e);
	for (unsigned i = 0; i < e->wait_s * 100 && event_client_pending(e->client) > 0; i++) {
		event_client_tick(e->client);
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
}

static bool
options_take(struct emit *e, int argc, char **argv)
{
	int o;

	optind = 1;
	while ((o = getopt(argc, argv, "s:d:t:n:p:r:j:w:")) != -1) {
		switch (o) {
		case 's': e->socket = optarg; break;
		case 'd': e->spool_dir = optarg; break;
		case 't': e->tag = optarg; break;
		case 'n': e->n = strtoul(optarg, NULL, 10); break;
		case 'p': e->pad = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'r': e->rate = strtoul(optarg, NULL, 10); break;
		case 'j': e->threads = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'w': e->wait_s = (unsigned)strtoul(optarg, NULL, 10); break;
		default: return false;
		}
	}
	if (optind != argc - 1)
		return false;
	e->log = argv[optind];
	return e->spool_dir != NULL && e->tag != NULL && strlen(e->tag) < 64 && e->n > 0 && e->threads > 0 &&
	    e->threads <= THREADS_MAX && e->pad <= 8192;
}

int
events_emit(int argc, char **argv)
{
	static struct emit e = { .threads = 1 };
	struct event_client_conf conf = { .node = "test", .layer = "control", .program = "llmsec-events" };
	int r;

	if (!options_take(&e, argc, argv))
		return 2;
	signal(SIGTERM, stop);
	conf.socket_path = e.socket;
	conf.spool_dir = e.spool_dir;
	e.detail = malloc(e.pad + 16);
	e.log_fd = open(e.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (e.detail == NULL || e.log_fd < 0)
		return 1;
	sprintf(e.detail, "{\"pad\":\"%*s\"}", (int)e.pad, "");
	r = event_client_open(&e.client, &conf);
	if (r < 0) {
		fprintf(stderr, "cannot begin a spool in %s: %s\n", e.spool_dir, strerror(-r));
		return 1;
	}
	emit_all(&e);
	printf("taken %lu failed %lu pending %llu spools %u\n", e.taken, e.failed,
	    (unsigned long long)event_client_pending(e.client), e.n_spools);
	event_client_close(&e.client);
	close(e.log_fd);
	free(e.detail);
	return e.failed == 0 ? 0 : 1;
}
