/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/collector.h"
#include "control/ctltime.h"
#include "control/intake_private.h"
#include "control/llmsecd_metrics.h"
#include "lib/log.h"

#define SCAN_MS		2000	/* how often to look for spools of the dead */
#define SCAN_MORE_MS	50	/* while there are more of them than */
#define SCAN_JOBS	32	/* are read at once: each takes a descriptor and a block of memory */

struct feeding {
	struct intake	*in;
	struct job	*job;
};

static int
feed_line(void *arg, const char *line, size_t len)
{
	struct feeding *f = arg;

	intake_count(f->in, M_SPOOL_LINES, 1);
	return collector_line(f->in->collector, f->job->who, line, len);
}

static int
feed_rubbish(void *arg, const void *bytes, size_t len, const char *why)
{
	struct feeding *f = arg;

	return collector_reject(f->in->collector, f->job->who, bytes, len, why);
}

static struct job *
job_find(const struct intake *in, const char *name)
{
	for (struct job *j = in->jobs; j != NULL; j = j->next)
		if (strcmp(spool_name(j->spool), name) == 0)
			return j;
	return NULL;
}

static void
job_drop(struct intake *in, struct job *j)
{
	struct job **p = &in->jobs;

	while (*p != j)
		p = &(*p)->next;
	*p = j->next;
	in->n_jobs--;
	spool_close(&j->spool);
	free(j);
}

static int
job_new(struct intake *in, struct spool *spool)
{
	struct job *j = calloc(1, sizeof(*j));

	if (j == NULL) {
		spool_close(&spool);
		return -ENOMEM;
	}
	j->spool = spool;
	spool_program(j->who, spool_name(spool));
	j->next = in->jobs;
	in->jobs = j;
	in->n_jobs++;
	return 0;
}

int
intake_job_add(struct intake *in, const char *name)
{
	struct job *j = job_find(in, name);
	struct spool *spool;
	int r;

	if (j != NULL) {
		j->ended = false;	/* there may be more by now */
		return 0;
	}
	r = spool_open(&spool, in->spool_fd, name);
	return r == 0 ? job_new(in, spool) : r;
}

bool
intake_job_busy(const struct intake *in, const char *name)
{
	return job_find(in, name) != NULL;
}

/* Is a connection open that announced this spool? */
static bool
owner_connected(const struct intake *in, const char *name)
{
	for (const struct conn *c = in->conns; c != NULL; c = c->next)
		if (c->hello && strcmp(c->spool, name) == 0)
			return true;
	return false;
}

static int
job_step(struct intake *in, struct job *j, unsigned lines)
{
	struct feeding f = { in, j };
	struct spool_sink sink = { feed_line, feed_rubbish, &f };
	int r = spool_read(j->spool, lines, &sink);

	if (r == 0 && !spool_claimed(j->spool) && !owner_connected(in, spool_name(j->spool)) &&
	    spool_claim(j->spool))
		return 0;	/* its sender is dead: read once more what it wrote last */
	if (r == 0)
		j->ended = true;
	if (r < 0 && collector_ok(in->collector)) {
		log_warnx("cannot read spool %s: %s", spool_name(j->spool), strerror(-r));
		job_drop(in, j);
		return 0;
	}
	return r < 0 ? r : 0;
}

int
intake_jobs_step(struct intake *in, unsigned lines)
{
	struct job *next;
	int r;

	if (!collector_ok(in->collector))
		return 0;
	for (struct job *j = in->jobs; j != NULL; j = next) {
		next = j->next;
		if (j->ended)
			continue;
		r = job_step(in, j, lines);
		if (r < 0)
			return r;
		if (collector_due(in->collector))
			break;
	}
	return 0;
}

bool
intake_jobs_reading(const struct intake *in)
{
	for (const struct job *j = in->jobs; j != NULL; j = j->next)
		if (!j->ended)
			return true;
	return false;
}

bool
intake_jobs_ended(const struct intake *in)
{
	for (const struct job *j = in->jobs; j != NULL; j = j->next)
		if (j->ended)
			return true;
	return false;
}

void
intake_jobs_committed(struct intake *in)
{
	struct job *next;

	for (struct job *j = in->jobs; j != NULL; j = next) {
		next = j->next;
		if (!j->ended)
			continue;
		if (spool_claimed(j->spool) && spool_remove(j->spool, in->spool_fd) == 0)
			intake_count(in, M_SPOOLS_REMOVED, 1);
		job_drop(in, j);
	}
}

void
intake_jobs_drop(struct intake *in)
{
	while (in->jobs != NULL)
		job_drop(in, in->jobs);
}

/* A crashing sender may leave thousands; they are read a few at a time. */
static void
scan_one(struct intake *in, const char *name, bool all)
{
	struct spool *spool;

	if (!spool_name_ok(name) || job_find(in, name) != NULL || owner_connected(in, name))
		return;
	if (spool_open(&spool, in->spool_fd, name) < 0)
		return;
	if (spool_claim(spool) || all)
		job_new(in, spool);
	else
		spool_close(&spool);
}

void
intake_scan(struct intake *in, bool all)
{
	struct dirent *de;
	DIR *dir;
	int fd;

	in->scan_ms = ctltime_mono_ms() + SCAN_MS;
	if (!collector_ok(in->collector))
		return;
	fd = openat(in->spool_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		log_warn("cannot list the spool directory");
		return;
	}
	while (in->n_jobs < SCAN_JOBS && (de = readdir(dir)) != NULL)
		scan_one(in, de->d_name, all);
	if (in->n_jobs >= SCAN_JOBS)
		in->scan_ms = ctltime_mono_ms() + SCAN_MORE_MS;
	closedir(dir);
}
