/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/diag.h"
#include "lib/file_write.h"
#include "lib/log.h"
#include "lib/set_dom.h"
#include "lib/set_ip.h"
#include "ti-sync/delta.h"
#include "ti-sync/fetch.h"
#include "ti-sync/file.h"
#include "ti-sync/manifest.h"
#include "ti-sync/run.h"
#include "ti-sync/share.h"
#include "ti-sync/verify.h"

enum { PULLED = 0, UNREACHABLE = 1, NO_UPSTREAM = 2, REFUSED = 3 };	/* exit status */

struct pull {
	const struct ti_conf	*c;
	struct ti_manifest	 m;
	bool			 fresh;			/* something came */
	int64_t			 bytes;			/* of sets and deltas */
};

static bool
get(struct pull *p, const char *name, const char *to, int64_t max)
{
	const struct ti_conf *c = p->c;
	struct ti_fetch_opts o = {.proxy = c->fetch.proxy, .user_agent = c->fetch.user_agent, .parallel = 1,
	    .retries = c->fetch.retries, .connect_timeout = c->fetch.connect_timeout, .timeout = c->fetch.timeout,
	    .backoff = c->fetch.backoff};
	char url[1200];
	struct ti_fetch f = {.name = "upstream", .url = url, .to = to, .etag = "", .modified = "", .header = NULL,
	    .ca_file = c->upstream.ca_file, .max_bytes = max, .allow_private = c->upstream.allow_private, .allow_http = true};

	snprintf(url, sizeof(url), "%s/%s", c->upstream.url, name);
	if (ti_fetch_all(&f, 1, &o) == 0 && f.status == TI_FETCH_NEW) {
		p->bytes += f.bytes;
		return true;
	}
	log_err("%s: %s", url, f.why);
	unlink(to);
	return false;
}

static void
path_in(char out[PATH_MAX], const struct pull *p, const char *name, const char *suffix)
{
	snprintf(out, PATH_MAX, "%s/%s%s", p->c->sets_dir, name, suffix);
}

/* ---- by deltas ------------------------------------------------------------------------------------ */

/* The deltas that lead from <have> to what the manifest says, in order; 0: none do. */
static size_t
chain_find(const struct ti_manifest *m, int file, const char *have, const struct ti_delta_ref *chain[TI_DELTAS_MAX])
{
	const char *at = have;
	int64_t sum = 0;
	size_t n = 0;

	for (size_t i = 0; i < m->n_deltas; i++) {
		const struct ti_delta_ref *d = &m->delta[i];

		if (d->file != file || strcmp(d->base, at) != 0)
			continue;
		chain[n++] = d;
		sum += d->size;
		at = d->result;
	}
	return n > 0 && strcmp(at, m->file[file].sha256) == 0 && sum < m->file[file].size ? n : 0;
}

/* <base> with <delta> into <to>.  NULL or why not. */
static const char *
delta_apply(const char *base, const char *delta, const char *to, int64_t size)
{
	struct ti_bytes b = {0}, d = {0};
	const char *why = "can't write";
	void *out = MAP_FAILED;
	int fd = open(to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	/* With its blocks allocated: a full disk is an error here, and not a signal below. */
	if (fd >= 0 && size > 0 && posix_fallocate(fd, 0, size) == 0)
		out = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (out != MAP_FAILED)
		why = ti_file_map(&b, base) < 0 || ti_file_map(&d, delta) < 0 ? "can't read" :
		    ti_delta_apply(out, (size_t)size, b.p, b.n, d.p, d.n);
	if (out != MAP_FAILED)
		munmap(out, (size_t)size);
	ti_file_unmap(&b);
	ti_file_unmap(&d);
	if (fd >= 0)
		close(fd);
	return why;
}

/* What a delta says its result's size is, within reason: the manifest knows only the last one's.  -1: no delta. */
static int64_t
result_size(const char *delta, int64_t max)
{
	struct ti_bytes d;
	uint64_t v = 0;

	if (ti_file_map(&d, delta) < 0)
		return -1;
	for (size_t i = 16; d.n >= 24 && i < 24; i++)
		v = v << 8 | ((const uint8_t *)d.p)[i];
	ti_file_unmap(&d);
	return v > 0 && v <= (uint64_t)max ? (int64_t)v : -1;
}

static bool
sha256_is(const char *path, const char *sha256)
{
	char sha[65];

	return ti_sha256_file(path, sha) == 0 && strcmp(sha, sha256) == 0;
}

/* One delta, fetched, and verified before it is read; <from> becomes <to>.  NULL or why not. */
static const char *
step(struct pull *p, const struct ti_delta_ref *d, const char *from, const char *to)
{
	char name[TI_DELTA_NAME], tmp[PATH_MAX];
	const char *why = NULL;
	int64_t size;

	ti_delta_name(name, d);
	path_in(tmp, p, name, ".pulled");
	if (!get(p, name, tmp, d->size))
		return "not there";
	if (!sha256_is(tmp, d->sha256))
		why = "not what the manifest says";
	else if ((size = result_size(tmp, p->m.file[d->file].size * 4)) < 0)
		why = "its result has an impossible size";
	else
		why = delta_apply(from, tmp, to, size);
	if (why == NULL && !sha256_is(to, d->result))
		why = "what comes out is not what the manifest says";
	unlink(tmp);
	return why;
}

/* Does <to> become what the manifest says by deltas? */
static bool
by_deltas(struct pull *p, int i, const char *have, const char *path, const char *to)
{
	const struct ti_delta_ref *chain[TI_DELTAS_MAX];
	size_t n = chain_find(&p->m, i, have, chain);
	char side[PATH_MAX];
	const char *why = NULL;

	if (n == 0)
		return false;
	path_in(side, p, ti_set_names[i], ".step");
	for (size_t k = 0; why == NULL && k < n; k++) {
		/* The last one ends in <to>. */
		const char *out = (n - k) % 2 != 0 ? to : side, *from = k == 0 ? path : out == to ? side : to;

		why = step(p, chain[k], from, out);
	}
	unlink(side);
	if (why != NULL) {
		log_warnx("%s: delta: %s; the whole is fetched", ti_set_names[i], why);
		unlink(to);
	}
	return why == NULL;
}

/* ---- one set --------------------------------------------------------------------------------------- */

static bool
opens(int which, const char *path, struct diag *d)
{
	struct set_dom *dom = NULL;
	struct set_ip *ip = NULL;
	bool ok = which == 0 ? set_dom_open(&dom, path, 0, d) == 0 : set_ip_open(&ip, path, 0, d) == 0;

	set_dom_close(&dom);
	set_ip_close(&ip);
	return ok;
}

/* <tmp> is what the manifest says, and a set: it takes the place of <path>. */
static int
set_install(const struct pull *p, int i, const char *tmp, const char *path)
{
	struct diag *d = diag_new();
	int fd = open(tmp, O_RDONLY | O_CLOEXEC), r = REFUSED;

	if (!sha256_is(tmp, p->m.file[i].sha256))
		log_err("%s: not what the manifest says", ti_set_names[i]);
	else if (!opens(i, tmp, d))
		log_err("%s", diag_first(d));
	else if (fd < 0 || fsync(fd) != 0 || chmod(tmp, 0644) != 0 || rename(tmp, path) != 0 ||
	    file_dir_sync(p->c->sets_dir) != 0)
		log_err("%s: %s", path, strerror(errno));
	else
		r = PULLED;
	if (fd >= 0)
		close(fd);
	diag_free(&d);
	return r;
}

static int
set_pull(struct pull *p, int i)
{
	char path[PATH_MAX], tmp[PATH_MAX], sha[65] = "";
	int r = UNREACHABLE;

	path_in(path, p, ti_set_names[i], "");
	path_in(tmp, p, ti_set_names[i], ".pulled");
	if (ti_sha256_file(path, sha) == 0 && strcmp(sha, p->m.file[i].sha256) == 0)
		return PULLED;
	if (by_deltas(p, i, sha, path, tmp) || get(p, ti_set_names[i], tmp, p->m.file[i].size))
		r = set_install(p, i, tmp, path);
	unlink(tmp);
	p->fresh |= r == PULLED;
	return r;
}

/* ---- the manifest ---------------------------------------------------------------------------------- */

/* The run that was pulled last: a manifest from before it is an old one played back. */
static int64_t
last_pulled(const struct ti_conf *c)
{
	char path[PATH_MAX];
	long long run = 0;
	FILE *f;

	ti_state_path(path, sizeof(path), c, "pulled");
	f = fopen(path, "re");
	if (f == NULL || fscanf(f, "%lld", &run) != 1)
		run = 0;
	if (f != NULL)
		fclose(f);
	return run;
}

static int
manifest_get(struct pull *p)
{
	char path[PATH_MAX];
	const char *why = "can't be read";
	struct ti_bytes b;

	ti_state_path(path, sizeof(path), p->c, "manifest.pulled");
	if (!get(p, "manifest", path, TI_MANIFEST_MAX))
		return UNREACHABLE;
	p->bytes = 0;
	if (ti_file_map(&b, path) == 0) {
		why = ti_manifest_read(&p->m, b.n > 0 ? b.p : "", b.n, p->c->upstream.public_key);
		ti_file_unmap(&b);
	}
	unlink(path);
	if (why == NULL && p->m.run < last_pulled(p->c))
		why = "older than what was pulled before";
	if (why != NULL)
		log_err("%s/manifest: %s", p->c->upstream.url, why);
	return why == NULL ? PULLED : REFUSED;
}

/* Before the sets: when only one of them comes through, nobody can go back behind it. */
static int
run_keep(const struct pull *p)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%" PRId64 "\n", p->m.run);

	return ti_file_put(p->c->state_dir, "pulled", text, (size_t)n) < 0 ? REFUSED : PULLED;
}

static int
pull_locked(const struct ti_conf *c, bool quiet)
{
	struct pull p = {.c = c};
	int r = manifest_get(&p);

	if (r == PULLED)
		r = run_keep(&p);
	for (int i = 0; r == PULLED && i < 2; i++)
		r = set_pull(&p, i);
	if (r != PULLED)
		return r;
	if (!quiet && p.fresh)
		log_info("%s: run %" PRId64 ", published here; %" PRId64 " bytes fetched", c->upstream.url, p.m.run, p.bytes);
	else if (!quiet)
		log_info("%s: run %" PRId64 ", nothing new", c->upstream.url, p.m.run);
	return PULLED;
}

int
ti_share_pull(const struct ti_conf *c, bool quiet)
{
	enum ti_exit code = TI_EXIT_FAILED;
	int fd, r;

	if (*c->upstream.url == '\0' || *c->upstream.public_key == '\0') {
		log_err("pull: upstream needs url and public_key");
		return NO_UPSTREAM;
	}
	fd = ti_run_begin(c, &code);
	if (fd < 0)
		return (int)code;
	r = pull_locked(c, quiet);
	close(fd);
	return r;
}
