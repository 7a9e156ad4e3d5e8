/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/diag.h"
#include "lib/log.h"
#include "squid-helpers/egress_conf.h"
#include "squid-helpers/egress_lists.h"
#include "squid-helpers/egress_policy.h"
#include "squid-helpers/egress_report.h"
#include "squid-helpers/egress_source.h"

#define POLICY_MAX	(64 << 20)

static int
read_file(const char *path, struct buf *b, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	if (fstat(fd, st) < 0)
		err = -errno;
	else if (!S_ISREG(st->st_mode))
		err = -EINVAL;
	b->max = POLICY_MAX;
	while (err == 0 && n != 0) {
		char *room = buf_room(b, 65536);

		if (room == NULL) {
			err = b->err;
			break;
		}
		n = read(fd, room, 65536);
		if (n > 0)
			buf_wrote(b, (size_t)n);
		else if (n < 0 && errno != EINTR)
			err = -errno;
	}
	close(fd);
	return err;
}

static uint64_t
digest(const char *p, size_t n)	/* FNV-1a; tells versions apart, protects nothing */
{
	uint64_t h = 14695981039346656037ULL;

	while (n-- > 0)
		h = (h ^ (unsigned char)*p++) * 1099511628211ULL;
	return h;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	    a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/*
 * A file written twice within one tick of the kernel's clock shows the same times both times (the
 * "racy git" problem), so a file this young is read again whatever stat(2) says.
 */
static bool
is_young(const struct stat *st)
{
	time_t now = time(NULL);

	return now >= st->st_ctim.tv_sec && now - st->st_ctim.tv_sec <= 1;
}

static void
source_reject(struct egress_source *s, struct egress_report *report, int err, const char *why)
{
	s->err = err;
	log_err("policy %s: %s; %s", s->path, why,
	    s->policy ? "the previous policy stays in force" : "everything is refused");
	egress_report_policy(report, s->policy, why);
}

static bool
source_parse(struct egress_source *s, struct egress_report *report, const struct buf *b)
{
	struct egress_policy *p = NULL;
	struct diag *d = diag_new();
	int err = -ENOMEM;

	if (d != NULL)
		err = egress_policy_load(&p, s->path, buf_ptr(b), buf_len(b), d);
	if (err < 0) {
		source_reject(s, report, err, err == -EINVAL ? diag_first(d) : strerror(-err));
	} else {
		egress_accounts_direct(&s->accounts, egress_policy_conf(p));
		egress_policy_free(&s->policy);
		s->policy = p;
		s->err = 0;
		log_info("policy %s: %zu names", s->path, egress_policy_names(p));
		egress_report_direct(report, egress_policy_conf(p));
		egress_report_policy(report, p, NULL);
	}
	diag_free(&d);
	return err == 0;
}

static void
threats_said(void *arg, const char *path, const struct set_info *info, const char *why)
{
	if (why != NULL)
		log_err("threats: %s; %s", why, info->generation != 0 || info->entries != 0 ? "the previous set stays in force" :
		    "none is in force");
	else
		log_info("threats %s: %llu entries, run %llu", path, (unsigned long long)info->entries,
		    (unsigned long long)info->generation);
	egress_report_threats(arg, path, info, why);
}

static void
threats_check(struct egress_source *s, struct egress_report *report)
{
	if (s->policy == NULL)
		return;
	s->changes += egress_threats_check(&s->threats, &egress_policy_conf(s->policy)->threats, threats_said, report);
	egress_report_stale(report, egress_threats_stale(&s->threats));
}

/* Lists of the API: read anew when another file stands there, the last good ones kept. */
bool
egress_source_lists(struct egress_source *s)
{
	const char *path = s->policy != NULL ? egress_policy_conf(s->policy)->lists.path : "";
	bool other = strcmp(path, s->lists_path) != 0;
	struct egress_lists *fresh = NULL;
	struct set_stamp now;
	struct diag *d;
	int r = 0;

	if (s->policy == NULL || (*path == '\0' && !other))
		return false;
	set_stamp_take(&now, path);
	if (!other && set_stamp_same(&now, &s->lists_seen))
		return false;
	s->lists_seen = now;
	snprintf(s->lists_path, sizeof(s->lists_path), "%s", path);
	d = diag_new();
	if (*path != '\0')
		r = d != NULL ? egress_lists_reload(&fresh, s->lists, path, d) : -ENOMEM;
	if (r < 0)
		log_err("lists: %s; %s", r == -EINVAL && diag_errors(d) ? diag_first(d) : strerror(-r),
		    s->lists != NULL && !other ? "the previous lists stay in force" : "none are in force");
	diag_free(&d);
	if (fresh == NULL && !other)
		return false;
	egress_policy_lists(s->policy, fresh);
	egress_lists_free(&s->lists);
	s->lists = fresh;
	if (fresh != NULL)
		log_info("lists %s: %zu entries", path, egress_lists_entries(fresh));
	s->changes++;
	return true;
}

bool
egress_source_accounts(struct egress_source *s)
{
	bool over = egress_accounts_check(&s->accounts);

	/* Counts may have moved, or be known by now. */
	if (s->policy != NULL)
		egress_policy_usage(s->policy, egress_accounts_usage(&s->accounts));
	s->changes += over;
	return over;
}

static bool
policy_check(struct egress_source *s, struct egress_report *report, bool force)
{
	struct stat st;
	struct buf b = { 0 };
	uint64_t dg;
	bool fresh = false;
	int err = stat(s->path, &st) < 0 ? -errno : 0;

	if (err == 0 && s->tried && !force && same_file(&st, &s->seen) && !is_young(&st))
		return false;
	if (err == 0)
		err = read_file(s->path, &b, &st);
	if (err < 0) {
		if (!s->tried || s->err != err || force)
			source_reject(s, report, err, strerror(-err));
		memset(&s->seen, 0, sizeof(s->seen));
		s->digest = 0;
	} else {
		dg = digest(buf_ptr(&b), buf_len(&b));
		s->seen = st;
		if (force || !s->tried || dg != s->digest)
			fresh = source_parse(s, report, &b);
		s->digest = s->err == -ENOMEM ? 0 : dg;	/* try again */
	}
	s->tried = true;
	buf_free(&b);
	return fresh;
}

bool
egress_source_check(struct egress_source *s, struct egress_report *report, bool force)
{
	bool fresh = policy_check(s, report, force);

	if (fresh) {
		s->changes++;
		egress_policy_threats(s->policy, &s->threats);
		egress_policy_lists(s->policy, s->lists);
	}
	threats_check(s, report);
	egress_source_lists(s);
	egress_source_accounts(s);
	s->changes += egress_accounts_keep(&s->accounts);
	return fresh;
}

void
egress_source_open(struct egress_source *s, const char *path)
{
	*s = (struct egress_source){ .path = path };
	egress_accounts_init(&s->accounts);
}

void
egress_source_close(struct egress_source *s)
{
	egress_accounts_close(&s->accounts);
	egress_threats_close(&s->threats);
	egress_lists_free(&s->lists);
	egress_policy_free(&s->policy);
}
