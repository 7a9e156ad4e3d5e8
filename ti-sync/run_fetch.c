/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "ti-sync/progress.h"
#include "ti-sync/run_private.h"
#include "ti-sync/verify.h"

static void
fail(struct ti_job *j, enum ti_outcome how, const char *why)
{
	j->outcome = how;
	snprintf(j->why, sizeof(j->why), "%s", why);
}

/* The first line of a file that only its owner reads: nobody else may learn the key. */
static int
auth_read(struct ti_job *j)
{
	char line[1024];
	FILE *f;

	if (*j->f->auth_header_file == '\0')
		return 0;
	f = fopen(j->f->auth_header_file, "re");
	if (f == NULL || fgets(line, sizeof(line), f) == NULL || strchr(line, ':') == NULL) {
		fail(j, TI_UNREACHABLE, "auth_header_file can't be read, or is no header line");
		if (f != NULL)
			fclose(f);
		return -1;
	}
	fclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	j->auth = strdup(line);
	return j->auth != NULL ? 0 : -1;
}

static void
fetch_fill(const struct ti_run *r, struct ti_job *j, struct ti_fetch *v)
{
	const struct ti_conf_feed *f = j->f;
	bool whole = r->o->force || strcmp(j->row.url, f->url) != 0 || j->row.parse_version != ti_conf_feed_digest(f);

	ti_state_path(j->tmp, sizeof(j->tmp), r->conf, "");
	snprintf(j->tmp + strlen(j->tmp), sizeof(j->tmp) - strlen(j->tmp), "%s.new", f->name);
	*v = (struct ti_fetch){.name = f->name, .url = f->url, .to = j->tmp, .etag = whole ? "" : j->row.etag,
	    .modified = whole ? "" : j->row.modified, .header = j->auth, .ca_file = f->ca_file,
	    .max_bytes = f->max_bytes, .allow_private = f->allow_private, .allow_http = f->allow_http};
	j->fetch = v;
}

static struct ti_fetch_opts
fetch_opts(const struct ti_run *r, struct ti_progress *bar)
{
	return (struct ti_fetch_opts){.proxy = r->conf->fetch.proxy, .user_agent = r->conf->fetch.user_agent,
	    .parallel = r->conf->fetch.parallel, .retries = r->conf->fetch.retries,
	    .connect_timeout = r->conf->fetch.connect_timeout, .timeout = r->conf->fetch.timeout,
	    .backoff = r->conf->fetch.backoff, .progress = bar != NULL ? ti_progress_fetch : NULL, .arg = bar};
}

/* Where the checksum or the signature of a feed is. */
static bool
side_url(const struct ti_conf_feed *f, char *out, size_t size)
{
	if (*f->public_key != '\0' && *f->signature_url != '\0')
		snprintf(out, size, "%s", f->signature_url);
	else if (*f->public_key != '\0')
		snprintf(out, size, "%s.%s", f->url, strlen(f->public_key) > 50 ? "minisig" : "sig");
	else if (*f->sha256_url != '\0')
		snprintf(out, size, "%s", f->sha256_url);
	else
		return false;
	return true;
}

static int
sides_fetch(struct ti_run *r)
{
	struct ti_fetch *v = calloc(r->n_jobs + 1, sizeof(*v));
	char (*url)[1100] = calloc(r->n_jobs + 1, sizeof(*url));
	struct ti_fetch_opts o = fetch_opts(r, NULL);
	size_t n = 0;
	int err = -ENOMEM;

	for (size_t i = 0; v != NULL && url != NULL && i < r->n_jobs; i++) {
		struct ti_job *j = &r->jobs[i];

		if (j->fetch == NULL || j->fetch->status != TI_FETCH_NEW || !side_url(j->f, url[n], sizeof(url[n])))
			continue;
		ti_state_path(j->side_tmp, sizeof(j->side_tmp), r->conf, "");
		snprintf(j->side_tmp + strlen(j->side_tmp), sizeof(j->side_tmp) - strlen(j->side_tmp), "%s.side", j->f->name);
		v[n] = (struct ti_fetch){.name = j->f->name, .url = url[n], .to = j->side_tmp, .etag = "", .modified = "",
		    .header = j->auth, .ca_file = j->f->ca_file, .max_bytes = 65536, .allow_private = j->f->allow_private,
		    .allow_http = j->f->allow_http};
		j->side = &v[n++];
	}
	if (v != NULL && url != NULL)
		err = n > 0 ? ti_fetch_all(v, n, &o) : 0;
	for (size_t i = 0; i < r->n_jobs; i++)
		if (r->jobs[i].side != NULL && r->jobs[i].side->status == TI_FETCH_FAILED) {
			char why[256];

			snprintf(why, sizeof(why), "checksum or signature: %.200s", r->jobs[i].side->why);
			fail(&r->jobs[i], TI_UNREACHABLE, why);
		}
	free(url);
	for (size_t i = 0; i < r->n_jobs; i++)
		r->jobs[i].side = NULL;		/* the file at side_tmp is what counts now */
	free(v);
	return err;
}

static size_t
side_read(const struct ti_job *j, char *b, size_t size)
{
	FILE *f = fopen(j->side_tmp, "re");
	size_t n = f != NULL ? fread(b, 1, size, f) : 0;

	if (f != NULL)
		fclose(f);
	return n;
}

/* Does the content agree with its checksum and its signature? */
static const char *
content_check(const struct ti_job *j, const char *path, const char *sha)
{
	static char b[8192];
	char want[65];

	if (*j->f->sha256 != '\0' && strcasecmp(j->f->sha256, sha) != 0)
		return "its SHA-256 is not what the configuration says";
	if (*j->f->public_key != '\0')
		return ti_signature_check(path, j->f->public_key, b, side_read(j, b, sizeof(b)));
	if (*j->f->sha256_url != '\0') {
		if (ti_sha256_find(b, side_read(j, b, sizeof(b)), want) == NULL)
			return "sha256_url has no checksum";
		if (strcasecmp(want, sha) != 0)
			return "its SHA-256 is not what sha256_url says";
	}
	return NULL;
}

/* New content lies at <path>. */
static int
content_take(struct ti_run *r, struct ti_job *j, const char *path)
{
	char sha[65];
	const char *why;
	struct stat st;
	int err = ti_sha256_file(path, sha);

	if (err < 0 || stat(path, &st) != 0) {
		fail(j, TI_UNREACHABLE, strerror(err < 0 ? -err : errno));
		return 0;
	}
	why = content_check(j, path, sha);
	if (why != NULL) {
		fail(j, TI_REFUSED, why);
		return 0;
	}
	j->row.success = r->now;
	if (!r->o->force && strcmp(sha, j->row.sha256) == 0 && j->row.parse_version == ti_conf_feed_digest(j->f)) {
		j->outcome = TI_UNCHANGED;	/* the same bytes again, whatever the server says */
		return 0;
	}
	snprintf(j->row.sha256, sizeof(j->row.sha256), "%s", sha);
	j->row.bytes = st.st_size;
	err = ti_import_file(r->st, j->f, path, r->run, &j->row, &j->im);
	if (err == -ENOMEM || err == -EIO || err == -ENOSPC)
		return err;
	if (err < 0) {
		fail(j, TI_REFUSED, j->im.why);
		return 0;
	}
	j->outcome = TI_UPDATED;
	r->changed |= j->im.names.added + j->im.names.gone + j->im.names.returned + j->im.nets.added + j->im.nets.gone +
	    j->im.nets.returned > 0;
	return 0;
}

/* The row as it was, but for the failure: what it had stays. */
static int
failure_store(struct ti_run *r, struct ti_job *j)
{
	struct ti_feed_row row;
	int err = ti_store_feed_get(r->st, j->f->name, &row);

	row.checked = r->now;
	snprintf(row.error, sizeof(row.error), "%s", j->why);
	j->row = row;
	return err < 0 ? err : ti_store_feed_put(r->st, &row);
}

static int
job_finish(struct ti_run *r, struct ti_job *j)
{
	int err = 0;

	j->row.checked = r->now;
	if (j->outcome == TI_UNREACHABLE)
		return failure_store(r, j);
	if (*j->f->file != '\0') {
		j->row.url[0] = '\0';
		err = content_take(r, j, j->f->file);
	} else if (j->fetch->status == TI_FETCH_FAILED) {
		fail(j, TI_UNREACHABLE, j->fetch->why);
	} else if (j->fetch->status == TI_FETCH_SAME) {
		j->outcome = TI_UNCHANGED;
		j->row.success = r->now;
	} else {
		snprintf(j->row.url, sizeof(j->row.url), "%s", j->f->url);
		snprintf(j->row.etag, sizeof(j->row.etag), "%s", j->fetch->new_etag);
		snprintf(j->row.modified, sizeof(j->row.modified), "%s", j->fetch->new_modified);
		err = content_take(r, j, j->tmp);
	}
	if (err < 0)
		return err;
	if (j->outcome == TI_REFUSED || j->outcome == TI_UNREACHABLE)
		return failure_store(r, j);
	if (j->outcome == TI_UNCHANGED) {
		j->row.error[0] = '\0';
		return ti_store_feed_put(r->st, &j->row);
	}
	return 0;
}

int
ti_run_fetch(struct ti_run *r)
{
	struct ti_fetch *v = calloc(r->n_jobs + 1, sizeof(*v));
	struct ti_progress bar;
	struct ti_fetch_opts o;
	double t = ti_seconds();
	size_t n = 0;
	int err = 0;

	if (v == NULL)
		return -ENOMEM;
	ti_progress_init(&bar, r->o->quiet);
	o = fetch_opts(r, &bar);
	for (size_t i = 0; i < r->n_jobs; i++) {
		struct ti_job *j = &r->jobs[i];

		if (j->outcome != TI_NOT_DUE && *j->f->url != '\0' && auth_read(j) == 0)
			fetch_fill(r, j, &v[n++]);
	}
	if (n > 0)
		err = ti_fetch_all(v, n, &o);
	if (err == 0)
		err = sides_fetch(r);
	r->t_fetch = ti_seconds() - t;
	t = ti_seconds();
	for (size_t i = 0; err == 0 && i < r->n_jobs; i++) {
		struct ti_job *j = &r->jobs[i];

		if (j->outcome == TI_NOT_DUE)
			continue;
		if (r->o->accept_loss)
			j->f->max_loss = 100;
		ti_progress_feed(&bar, j->f->name, i, r->n_jobs);
		err = job_finish(r, j);
		if (j->tmp[0] != '\0')
			unlink(j->tmp);
		if (j->side_tmp[0] != '\0')
			unlink(j->side_tmp);
	}
	r->t_import = ti_seconds() - t;
	ti_progress_end(&bar);
	for (size_t i = 0; i < r->n_jobs; i++) {
		free(r->jobs[i].auth);
		r->jobs[i].auth = NULL;
		r->jobs[i].fetch = NULL;
	}
	free(v);
	return err;
}
