/* SPDX-License-Identifier: MIT */
/* What a test wants against what it got; and the list of tests that are known to fail. */
#include "config.h"

#define PCRE2_CODE_UNIT_WIDTH 8

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pcre2.h>

#include "tests/waf/ftw.h"

/* 1 found, 0 not, -1 no pattern. */
static int
log_search(const struct buf *log, const char *pattern)
{
	PCRE2_SIZE at;
	int err, r;
	pcre2_code *re = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_MULTILINE, &err, &at, NULL);
	pcre2_match_data *md = re != NULL ? pcre2_match_data_create(1, NULL) : NULL;

	if (md == NULL)
		return -1;
	r = pcre2_match(re, (PCRE2_SPTR)buf_ptr(log), buf_len(log), 0, 0, md, NULL);
	pcre2_match_data_free(md);
	pcre2_code_free(re);
	return r >= 0 ? 1 : 0;
}

static bool
has_id(const int64_t *ids, size_t n, int64_t id)
{
	for (size_t i = 0; i < n; i++) {
		if (ids[i] == id)
			return true;
	}
	return false;
}

static bool
check_status(const struct ftw_expect *e, const struct ftw_answer *a, char *why, size_t size)
{
	if (e->error != (a->status == 0) && (e->error || e->n_status > 0)) {
		snprintf(why, size, e->error ? "answered with %d, an error was wanted" : "no answer", a->status);
		return false;
	}
	for (size_t i = 0; i < e->n_status; i++) {
		if (e->status[i] == a->status)
			return true;
	}
	if (e->n_status > 0)
		snprintf(why, size, "status %d, wanted %d%s", a->status, e->status[0],
		    e->n_status > 1 ? " or another" : "");
	return e->n_status == 0;
}

static bool
check_log(const struct ftw_expect *e, const struct ftw_answer *a, char *why, size_t size)
{
	for (size_t i = 0; i < e->n_log; i++) {
		if (log_search(&a->log, e->log[i]) != 1) {
			snprintf(why, size, "not in the log: %s", e->log[i]);
			return false;
		}
	}
	for (size_t i = 0; i < e->n_no_log; i++) {
		if (log_search(&a->log, e->no_log[i]) != 0) {
			snprintf(why, size, "in the log: %s", e->no_log[i]);
			return false;
		}
	}
	return true;
}

static bool
check_ids(const struct ftw_expect *e, const struct ftw_answer *a, char *why, size_t size)
{
	for (size_t i = 0; i < e->n_ids; i++) {
		if (!has_id(a->ids, a->n_ids, e->ids[i])) {
			snprintf(why, size, "%" PRId64 " did not match", e->ids[i]);
			return false;
		}
	}
	for (size_t i = 0; i < e->n_no_ids; i++) {
		if (has_id(a->ids, a->n_ids, e->no_ids[i])) {
			snprintf(why, size, "%" PRId64 " matched", e->no_ids[i]);
			return false;
		}
	}
	for (size_t i = 0; e->isolated && i < a->n_ids; i++) {
		if (!has_id(e->ids, e->n_ids, a->ids[i])) {
			snprintf(why, size, "%" PRId64 " matched too", a->ids[i]);
			return false;
		}
	}
	return true;
}

bool
ftw_check(const struct ftw_expect *e, const struct ftw_answer *a, char *why, size_t size)
{
	return check_status(e, a, why, size) && check_log(e, a, why, size) && check_ids(e, a, why, size);
}

struct override {
	char		*id, *reason;
	struct override	*next;
};

struct ftw_overrides {
	struct override	*first;
};

static void
override_take(struct ftw_overrides *o, char *line)
{
	char *reason = line + strcspn(line, " \t\n");
	struct override *v;

	if (line[0] == '#' || reason == line)
		return;
	if (*reason != '\0')
		*reason++ = '\0';
	reason += strspn(reason, " \t");
	reason[strcspn(reason, "\n")] = '\0';
	v = calloc(1, sizeof(*v));
	if (v == NULL)
		return;
	*v = (struct override){ strdup(line), strdup(reason), o->first };
	o->first = v;
}

struct ftw_overrides *
ftw_overrides_load(const char *path)
{
	struct ftw_overrides *o = calloc(1, sizeof(*o));
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0;

	if (o == NULL || f == NULL) {
		fprintf(stderr, "ftw: %s: %s\n", path, strerror(errno));
		free(o);
		return NULL;
	}
	while (getline(&line, &cap, f) >= 0)
		override_take(o, line);
	free(line);
	fclose(f);
	return o;
}

const char *
ftw_overrides_find(const struct ftw_overrides *o, const char *id)
{
	for (const struct override *v = o != NULL ? o->first : NULL; v != NULL; v = v->next) {
		if (strcmp(v->id, id) == 0)
			return v->reason;
	}
	return NULL;
}

void
ftw_overrides_free(struct ftw_overrides **o)
{
	struct override *v, *next;

	if (*o == NULL)
		return;
	for (v = (*o)->first; v != NULL; v = next) {
		next = v->next;
		free(v->id);
		free(v->reason);
		free(v);
	}
	free(*o);
	*o = NULL;
}
