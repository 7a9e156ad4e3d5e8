/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "control/egress_store.h"
#include "control/egress_try.h"
#include "control/egress_version.h"
#include "lib/buf.h"
#include "lib/file_write.h"
#include "lib/log.h"

/* Of the policy file, of which a process has one: versions and file must change in the same order. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int
egress_version_in_force(struct egress_store *s, const char *path, struct buf *text, struct egress_policy_version *v)
{
	int r;

	memset(v, 0, sizeof(*v));
	pthread_mutex_lock(&lock);
	r = egress_try_read(path, text);
	if (r == 0)
		egress_store_policy_find(s, buf_ptr(text), buf_len(text), v);
	pthread_mutex_unlock(&lock);
	return r;
}

/* Under <lock>.  What stands in the file becomes a version unless one has that text; *now: that version, 0: there is no file. */
static int
adopt(struct egress_store *s, const char *path, const char *description, struct buf *was, struct egress_policy_version *now)
{
	int r = egress_try_read(path, was);
	int64_t v;

	memset(now, 0, sizeof(*now));
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	v = egress_store_policy_find(s, buf_ptr(was), buf_len(was), now);
	if (v != 0)
		return v < 0 ? (int)v : 0;
	v = egress_store_policy_add(s, buf_ptr(was), buf_len(was), "", description);
	if (v < 0)
		return (int)v;
	log_info("policy %s: %s; kept as version %" PRId64, path, description, v);
	now->number = v;
	return 0;
}

int
egress_version_adopt(struct egress_store *s, const char *path, const char *description)
{
	struct egress_policy_version now;
	struct buf was = {0};
	int r;

	pthread_mutex_lock(&lock);
	file_replace_tidy(path);
	r = adopt(s, path, description, &was, &now);
	pthread_mutex_unlock(&lock);
	buf_free(&was);
	return r;
}

/* Under <lock>.  The version first: a file that no version has is what is kept, never the other way round. */
static int64_t
put(struct egress_store *s, const char *path, const struct buf *text, const char *by, const char *description)
{
	int64_t v = egress_store_policy_add(s, buf_ptr(text), buf_len(text), by, description);
	int r;

	if (v < 0)
		return v;
	/* As readable as it was: the helper runs as Squid's user. */
	r = file_replace(path, buf_ptr(text), buf_len(text), 0644, FILE_KEEP_RIGHTS);
	if (r < 0) {
		egress_store_policy_drop(s, v);
		return r;
	}
	return v;
}

int64_t
egress_version_put(struct egress_store *s, const char *path, const struct buf *text, const char *by, const char *description,
    int *changed, char *why, size_t size)
{
	struct egress_policy_version now;
	struct buf was = {0};
	int64_t v = egress_try_check(path, buf_ptr(text), buf_len(text), why, size);

	*changed = 0;
	if (v < 0)
		return v;
	pthread_mutex_lock(&lock);
	v = adopt(s, path, "edited by hand", &was, &now);
	if (v == 0 && now.number > 0 && buf_len(&was) == buf_len(text) &&
	    (buf_len(text) == 0 || memcmp(buf_ptr(&was), buf_ptr(text), buf_len(text)) == 0)) {
		v = now.number;
	} else if (v == 0) {
		v = put(s, path, text, by, description);
		*changed = v > 0;
	}
	pthread_mutex_unlock(&lock);
	buf_free(&was);
	return v;
}
