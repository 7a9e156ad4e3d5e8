/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/log.h"
#include "ti-sync/run_private.h"
#include "ti-sync/share.h"

extern char **environ;

void
ti_state_path(char *out, size_t size, const struct ti_conf *c, const char *name)
{
	snprintf(out, size, "%s/%s", c->state_dir, name);
}

double
ti_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
ti_dir_make(const char *path)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *p = copy + 1; *p != '\0'; p++)
		if (*p == '/') {
			*p = '\0';
			if (mkdir(copy, 0755) != 0 && errno != EEXIST)
				return -errno;
			*p = '/';
		}
	return mkdir(copy, 0755) != 0 && errno != EEXIST ? -errno : 0;
}

/* One run at a time; the lock goes with the process. */
static int
lock_take(const struct ti_conf *c)
{
	char path[PATH_MAX];
	int fd;

	ti_state_path(path, sizeof(path), c, "lock");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		close(fd);
		return -EWOULDBLOCK;
	}
	return fd;
}

static bool
wanted(const struct ti_run_opts *o, const char *name)
{
	for (size_t i = 0; i < o->n_only; i++)
		if (strcmp(o->only[i], name) == 0)
			return true;
	return o->n_only == 0;
}

static int
jobs_make(struct ti_run *r)
{
	r->jobs = calloc(r->conf->n_active + 1, sizeof(*r->jobs));
	r->outputs = calloc(r->conf->n_outputs + r->conf->n_lists + 1, sizeof(*r->outputs));
	r->pushed = calloc(r->conf->n_push + 1, sizeof(*r->pushed));
	if (r->jobs == NULL || r->outputs == NULL || r->pushed == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < r->conf->n_active; i++) {
		struct ti_job *j = &r->jobs[r->n_jobs++];
		int err;

		j->f = r->conf->active[i];
		err = ti_store_feed_get(r->st, j->f->name, &j->row);
		if (err < 0)
			return err;
		j->outcome = wanted(r->o, j->f->name) &&
		    (r->o->force || r->o->n_only > 0 || *j->f->file != '\0' || j->row.parse_version != ti_conf_feed_digest(j->f) ||
		    j->row.error[0] != '\0' || (r->now - j->row.success) * 1000 >= j->f->refresh) ?
		    TI_UNCHANGED : TI_NOT_DUE;
	}
	return 0;
}

/* What a killed run left. */
static void
leftovers_remove(const struct ti_conf *c)
{
	char cmd[PATH_MAX];

	for (size_t i = 0; i < c->n_active; i++) {
		snprintf(cmd, sizeof(cmd), "%s/%s.new", c->state_dir, c->active[i]->name);
		unlink(cmd);
		snprintf(cmd, sizeof(cmd), "%s/%s.side", c->state_dir, c->active[i]->name);
		unlink(cmd);
	}
}

static void
tell_others(const struct ti_conf *c)
{
	size_t n = c->on_change.n;
	char **argv;
	pid_t pid;
	int status, err;

	if (n == 0)
		return;
	argv = calloc(n + 1, sizeof(*argv));	/* the list of the configuration has no NULL at its end */
	if (argv != NULL)
		memcpy(argv, c->on_change.v, n * sizeof(*argv));
	err = argv != NULL ? posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) : ENOMEM;
	free(argv);
	if (err != 0)
		log_err("on_change: %s: %s", c->on_change.v[0], strerror(err));
	else if (waitpid(pid, &status, 0) == pid && status != 0)
		log_err("on_change: %s ended with status %d", c->on_change.v[0],
		    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static enum ti_exit
run_locked(struct ti_run *r)
{
	struct buf json = {0};
	enum ti_exit code = TI_EXIT_OK;
	char path[PATH_MAX];
	int err;

	ti_state_path(path, sizeof(path), r->conf, "ti.db");
	err = ti_store_open(&r->st, path, false);
	if (err < 0) {
		log_err("%s: %s", path, err == -EPROTO ? "made by a newer program" : ti_store_error(NULL));
		return TI_EXIT_FAILED;
	}
	leftovers_remove(r->conf);
	err = ti_store_run_begin(r->st, r->now, &r->run);
	if (err == 0)
		err = jobs_make(r);
	if (err == 0)
		err = ti_run_fetch(r);
	if (err == 0)
		err = ti_run_publish(r);
	if (err == 0)
		err = ti_share_sign(r->conf, r->run);
	if (err == 0 && r->published)
		tell_others(r->conf);		/* before the push, which may take its time */
	if (err == 0)
		r->behind = !ti_push_all(r->conf, false, r->pushed);
	ti_run_report(r, &json);
	if (err == 0 && json.err == 0)
		err = ti_store_run_end(r->st, r->run, time(NULL), buf_ptr(&json));
	if (r->o->report != NULL)
		fprintf(r->o->report, "%s\n", buf_ptr(&json));
	if (!r->o->quiet)
		ti_run_say(r);
	for (size_t i = 0; i < r->n_jobs; i++)
		if (r->jobs[i].outcome == TI_REFUSED || r->jobs[i].outcome == TI_UNREACHABLE)
			code = TI_EXIT_FEEDS;
	if (r->behind)
		code = TI_EXIT_FEEDS;
	if (err < 0) {
		log_err("nothing new is published: %s", err == -EIO ? ti_store_error(r->st) : strerror(-err));
		code = TI_EXIT_FAILED;
	}
	buf_free(&json);
	return code;
}

int
ti_run_begin(const struct ti_conf *c, enum ti_exit *code)
{
	int fd, err = ti_dir_make(c->state_dir);

	*code = TI_EXIT_FAILED;
	if (err == 0)
		err = ti_dir_make(c->sets_dir);
	if (err < 0) {
		log_err("%s, %s: %s", c->state_dir, c->sets_dir, strerror(-err));
		return -1;
	}
	fd = lock_take(c);
	if (fd < 0) {
		log_err("%s: %s", c->state_dir, fd == -EWOULDBLOCK ? "another run is at it" : strerror(-fd));
		*code = fd == -EWOULDBLOCK ? TI_EXIT_BUSY : TI_EXIT_FAILED;
		return -1;
	}
	return fd;
}

enum ti_exit
ti_run(struct ti_conf *c, const struct ti_run_opts *o)
{
	struct ti_run r = {.conf = c, .o = o, .now = time(NULL)};
	enum ti_exit code;
	int fd = ti_run_begin(c, &code);

	if (fd < 0)
		return code;
	code = run_locked(&r);
	ti_store_close(&r.st);
	free(r.jobs);
	free(r.outputs);
	free(r.pushed);
	close(fd);
	return code;
}

enum ti_exit
ti_run_push(struct ti_conf *c, const struct ti_run_opts *o)
{
	struct ti_push_report *r = calloc(c->n_push + 1, sizeof(*r));
	enum ti_exit code = TI_EXIT_FAILED;
	int fd = r != NULL ? ti_run_begin(c, &code) : -1;

	if (fd >= 0) {
		code = ti_push_all(c, o->force, r) ? TI_EXIT_OK : TI_EXIT_FEEDS;
		close(fd);
	}
	free(r);
	return code;
}
