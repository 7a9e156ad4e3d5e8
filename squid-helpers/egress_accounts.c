/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/file_write.h"
#include "lib/log.h"
#include "squid-helpers/egress_accounts.h"
#include "squid-helpers/egress_conf.h"
#include "squid-helpers/egress_usage.h"

#define HEADER		"llmsec-egress-accounts 1"
#define CHUNK		65536
#define LINE		4096	/* longer ones are none of ours: 64 ids of 64 bytes fit */
#define STATE_MAX	(1 << 20)
#define HOLE_MIN	((off_t)1 << 20)	/* a hole is made in steps of this size */

void
egress_accounts_init(struct egress_accounts *a)
{
	*a = (struct egress_accounts){ .fd = -1 };
}

static void
log_close(struct egress_accounts *a)
{
	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
}

void
egress_accounts_close(struct egress_accounts *a)
{
	if (a->usage != NULL)
		egress_accounts_keep(a);
	log_close(a);
	egress_usage_free(&a->usage);
	free(a->log);
	free(a->state);
	egress_accounts_init(a);
}

/* Logged when it is another than before. */
static void
said(int *was, int err, const char *path, const char *consequence)
{
	if (err != *was && err < 0) {
		errno = -err;
		log_warn("accounts %s: %s", path, consequence);
	}
	*was = err;
}

/* --- the state file --------------------------------------------------------------------------- */

/* 0 or -errno.  <u> is changed line by line, so it is of no use after an error. */
static int
state_read(const char *path, struct egress_usage *u, ino_t *ino, off_t *at)
{
	unsigned long long i, n;
	char line[512], end[8] = "";
	FILE *f = fopen(path, "re");
	int r = -EBADMSG;

	if (f == NULL)
		return -errno;
	if (fgets(line, sizeof(line), f) != NULL && strcmp(line, HEADER "\n") == 0 && fgets(line, sizeof(line), f) != NULL &&
	    sscanf(line, "log %llu %llu", &i, &n) == 2 && n < INT64_MAX) {
		*ino = (ino_t)i;
		*at = (off_t)n;
		r = 0;
	}
	while (r == 0 && fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "end") == 0)
			snprintf(end, sizeof(end), "end");
		else if (*end != '\0' || !egress_usage_read_line(u, line))
			r = -EBADMSG;
	}
	fclose(f);
	egress_usage_settle(u, time(NULL));
	return r == 0 && *end == '\0' ? -EBADMSG : r;
}

static int
state_write(const struct egress_accounts *a)
{
	struct buf b = { .max = STATE_MAX };
	int r;

	buf_printf(&b, HEADER "\nlog %llu %llu\n", (unsigned long long)a->ino, (unsigned long long)a->at);
	egress_usage_write(a->usage, &b);
	buf_adds(&b, "end\n");
	/* To the disk, all of it: what it counts may be a hole in the log soon, so an older state would be new budgets. */
	r = b.err != 0 ? b.err : file_replace(a->state, buf_ptr(&b), buf_len(&b), 0644, 0);
	buf_free(&b);
	return r;
}

/* --- the log ---------------------------------------------------------------------------------- */

/* TIME IDENTITY BUDGETS UP DOWN.  False: it is no such line. */
static bool
count_line(struct egress_accounts *a, char *line, time_t now, bool *over)
{
	char *save = NULL, *v[6] = { NULL }, *end[3];
	unsigned long long t, up, down;
	size_t n = 0;

	for (char *w = strtok_r(line, " ", &save); w != NULL && n < 6; w = strtok_r(NULL, " ", &save))
		v[n++] = w;
	if (n != 5)
		return false;
	t = strtoull(v[0], &end[0], 10);
	up = strtoull(v[3], &end[1], 10);
	down = strtoull(v[4], &end[2], 10);
	if (*end[0] != '\0' || *end[1] != '\0' || *end[2] != '\0' || *v[0] == '-' || *v[3] == '-' || *v[4] == '-')
		return false;
	a->up += up;
	a->down += down;
	*over |= egress_usage_add(a->usage, v[1], v[2], up, down, t > (unsigned long long)now ? now : (time_t)t,
	    now);
	return true;
}

size_t
egress_accounts_lines(struct egress_accounts *a, char *p, size_t n, time_t now, bool *over)
{
	size_t at = 0;

	for (char *lf; (lf = memchr(p + at, '\n', n - at)) != NULL; at = (size_t)(lf - p) + 1) {
		*lf = '\0';
		a->lines++;
		if (lf - (p + at) >= LINE || !count_line(a, p + at, now, over)) {
			if (a->bad++ == 0)
				log_warnx("accounts %s: lines that are not those of llmsec-budget.conf", a->log);
		}
	}
	/* No end in so many bytes: not worth waiting for. */
	return at == 0 && n > LINE ? n : at;
}

/* The place of another helper, which made a hole of what this one has not read: its counts have it. */
static void
take_over(struct egress_accounts *a, const struct egress_conf *conf)
{
	struct egress_usage *u = egress_usage_new(conf);
	ino_t ino;
	off_t at;

	if (u != NULL && state_read(a->state, u, &ino, &at) == 0 && ino == a->ino && at > a->at) {
		egress_usage_free(&a->usage);
		a->usage = u;
		a->at = a->kept = at;
		return;
	}
	egress_usage_free(&u);
	/* Nobody counted what was there. */
	at = lseek(a->fd, a->at, SEEK_DATA);
	a->at = at > a->at ? at : at < 0 && errno == ENXIO ? lseek(a->fd, 0, SEEK_END) : a->at + 1;
}

static bool
log_read(struct egress_accounts *a, bool *over)
{
	static char b[CHUNK];
	ssize_t n = pread(a->fd, b, sizeof(b), a->at);
	size_t k;

	if (n < 0)
		said(&a->log_err, -errno, a->log, "counts stay as they are");
	if (n <= 0)
		return false;
	if (b[0] == '\0') {
		take_over(a, egress_usage_conf(a->usage));
		return true;
	}
	k = egress_accounts_lines(a, b, (size_t)n, time(NULL), over);
	a->at += (off_t)k;
	a->dirty |= k > 0;
	return k > 0;
}

static void
log_open(struct egress_accounts *a)
{
	struct stat st;
	int fd = open(a->log, O_RDWR | O_CLOEXEC | O_NONBLOCK), err = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -EINVAL;
	said(&a->log_err, err, a->log, "nothing is counted");
	if (err < 0) {
		if (fd >= 0)
			close(fd);
		return;
	}
	/* Another file, or one that was cut: from its beginning. */
	if (st.st_ino != a->ino || st.st_size < a->at)
		a->at = a->kept = a->free = 0;
	a->ino = st.st_ino;
	a->fd = fd;
	a->seen = true;
}

struct egress_usage *
egress_accounts_usage(const struct egress_accounts *a)
{
	return a->seen ? a->usage : NULL;
}

bool
egress_accounts_check(struct egress_accounts *a)
{
	bool over = false;

	if (a->usage == NULL)
		return false;
	if (a->fd < 0)
		log_open(a);
	while (a->fd >= 0 && log_read(a, &over))
		;
	return over;
}

/*
 * Is what has the log's name another file, or the same cut short?  One that is empty may be there before Squid writes to
 * it (logrotate(8), create).  When it is not, Squid is done with this one, and its end may be news since the last check.
 */
static void
log_follow(struct egress_accounts *a, bool *over)
{
	struct stat st;

	if (a->fd < 0)
		return;
	if (stat(a->log, &st) < 0 || (st.st_ino == a->ino ? st.st_size >= a->at : st.st_size == 0))
		return;
	while (log_read(a, over))
		;
	log_close(a);
	log_open(a);
}

/* What the state file before the last one had, too: another helper may be behind by less than that. */
static void
log_free(struct egress_accounts *a, off_t upto)
{
	upto -= upto % HOLE_MIN;
	/* The state's name has to be as durable as what it says (fsync(2)). */
	if (a->fd < 0 || upto - a->free < HOLE_MIN || file_parent_sync(a->state) < 0)
		return;
	if (fallocate(a->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, a->free, upto - a->free) < 0 && a->free == 0)
		log_warn("accounts %s: grows, rotate it", a->log);
	a->free = upto;
}

bool
egress_accounts_keep(struct egress_accounts *a)
{
	bool over = false;
	off_t before;

	if (a->usage == NULL)
		return false;
	/* First, so that the end of a log that is gone is in the state together with its successor's name. */
	log_follow(a, &over);
	egress_usage_settle(a->usage, time(NULL));
	before = a->kept;
	if (a->dirty) {
		said(&a->state_err, state_write(a), a->state, "counts are not kept");
		if (a->state_err == 0) {
			a->kept = a->at;
			a->dirty = false;
			log_free(a, before);
		}
	}
	return over;
}

/* --- policies --------------------------------------------------------------------------------- */

/* Counts of before, as far as the new policy has such budgets and identities. */
static void
usage_carry(struct egress_usage *to, const struct egress_usage *from)
{
	struct buf b = { .max = STATE_MAX };
	char *save = NULL;

	egress_usage_write(from, &b);
	buf_addc(&b, '\0');
	if (b.err == 0)
		for (char *l = strtok_r(b.data, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save))
			egress_usage_read_line(to, l);
	buf_free(&b);
}

static bool
same(const char *a, const char *b)
{
	return a != NULL && strcmp(a, b) == 0;
}

/* What an earlier helper left.  A state that can't be read begins anew, with what the log still has. */
static void
state_take(struct egress_accounts *a, const struct egress_conf *conf)
{
	int r = state_read(a->state, a->usage, &a->ino, &a->at);

	file_replace_tidy(a->state);
	if (r < 0) {
		egress_usage_free(&a->usage);
		a->usage = egress_usage_new(conf);
		a->ino = 0;
		a->at = 0;
	}
	if (r < 0 && r != -ENOENT) {
		errno = -r;
		log_warn("accounts %s: counts begin with what %s has", a->state, a->log);
	}
	a->kept = a->at;
	a->free = 0;
}

void
egress_accounts_direct(struct egress_accounts *a, const struct egress_conf *conf)
{
	bool go_on = a->usage != NULL && same(a->log, conf->accounts.log) && same(a->state, conf->accounts.state);
	struct egress_usage *u = conf->n_budgets > 0 ? egress_usage_new(conf) : NULL;

	if (go_on && u != NULL) {
		usage_carry(u, a->usage);
		egress_usage_free(&a->usage);
		a->usage = u;
		return;
	}
	/* Its counts speak of the policy before, which is gone: they were kept a second ago. */
	egress_usage_free(&a->usage);
	log_close(a);
	free(a->log);
	free(a->state);
	a->log = a->state = NULL;
	a->seen = false;
	a->usage = u;
	if (u == NULL)
		return;
	a->log = strdup(conf->accounts.log);
	a->state = strdup(conf->accounts.state);
	if (a->log != NULL && a->state != NULL)
		state_take(a, conf);
	else
		egress_usage_free(&a->usage);
}

struct egress_usage *
egress_accounts_peek(const struct egress_conf *conf)
{
	struct egress_usage *u = egress_usage_new(conf);
	ino_t ino;
	off_t at;

	if (u != NULL && state_read(conf->accounts.state, u, &ino, &at) < 0) {
		egress_usage_free(&u);
		u = egress_usage_new(conf);
	}
	return u;
}
