/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/diag.h"
#include "lib/log.h"
#include "lib/set_dom.h"
#include "lib/set_ip.h"
#include "ti-sync/fetch.h"
#include "ti-sync/run.h"
#include "ti-sync/share.h"
#include "ti-sync/verify.h"

#define MANIFEST_MAX	4096

static const char *const names[2] = {"domains.set", "ips.set"};

static int
dir_sync(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;

	if (fd < 0 || fsync(fd) != 0)
		err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

/* Written aside, forced to the disk, renamed. */
static int
file_put(const char *dir, const char *name, const char *text, size_t n)
{
	char tmp[PATH_MAX], path[PATH_MAX];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(tmp, sizeof(tmp), "%s/%s.new", dir, name);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	if (write(fd, text, n) != (ssize_t)n || fsync(fd) != 0)
		err = errno != 0 ? -errno : -EIO;
	if (close(fd) != 0 && err == 0)
		err = -errno;
	if (err == 0 && rename(tmp, path) != 0)
		err = -errno;
	return err != 0 ? err : dir_sync(dir);
}

/* ---- signing ------------------------------------------------------------------------------------- */

static bool
sign(const char *key_file, const char *text, size_t n, char out[96])
{
	FILE *f = fopen(key_file, "re");
	EVP_PKEY *key = f != NULL ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[64];
	size_t len = sizeof(sig);
	bool ok = key != NULL && ctx != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 &&
	    EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestSign(ctx, sig, &len, (const uint8_t *)text, n) == 1;

	if (ok)
		EVP_EncodeBlock((uint8_t *)out, sig, (int)len);
	if (f != NULL)
		fclose(f);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ok;
}

int
ti_share_sign(const struct ti_conf *c, int64_t run)
{
	char text[MANIFEST_MAX], path[PATH_MAX], sha[65], sig[96];
	int n = snprintf(text, sizeof(text), "llmsec-sets 1\nrun %" PRId64 "\n", run), err = 0;

	if (*c->sign_key == '\0')
		return 0;
	for (int i = 0; err == 0 && i < 2; i++) {
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", c->sets_dir, names[i]);
		err = stat(path, &st) != 0 ? -errno : ti_sha256_file(path, sha);
		if (err == 0)
			n += snprintf(text + n, sizeof(text) - (size_t)n, "%s %lld %s\n", names[i], (long long)st.st_size, sha);
	}
	if (err == 0 && !sign(c->sign_key, text, (size_t)n, sig)) {
		log_err("sign_key: %s: not an Ed25519 key in PEM, or not readable", c->sign_key);
		return -EINVAL;
	}
	if (err == 0) {
		n += snprintf(text + n, sizeof(text) - (size_t)n, "sig %s\n", sig);
		err = file_put(c->sets_dir, "manifest", text, (size_t)n);
	}
	if (err < 0)
		log_err("%s/manifest: %s", c->sets_dir, strerror(-err));
	return err;
}

/* ---- reading ------------------------------------------------------------------------------------- */

static const char *
signature_holds(const char *text, size_t n, const char *sig, size_t sig_n, const char *public_key)
{
	char tmp[] = "/tmp/llmsec-manifest.XXXXXX";
	int fd = mkstemp(tmp);
	const char *why = "can't write a temporary file";

	if (fd < 0)
		return why;
	if (write(fd, text, n) == (ssize_t)n)
		why = ti_signature_check(tmp, public_key, sig, sig_n);
	close(fd);
	unlink(tmp);
	return why;
}

const char *
ti_manifest_read(struct ti_manifest *m, const char *text, size_t n, const char *public_key)
{
	char copy[MANIFEST_MAX + 1], *sig;
	const char *why;
	long long run, size[2];

	if (n > MANIFEST_MAX || memchr(text, '\0', n) != NULL)
		return "not a manifest";
	memcpy(copy, text, n);
	copy[n] = '\0';
	sig = strstr(copy, "\nsig ");
	if (sig == NULL)
		return "it has no signature";
	why = signature_holds(copy, (size_t)(sig + 1 - copy), sig + 5, strcspn(sig + 5, "\r\n"), public_key);
	if (why != NULL)
		return why;
	memset(m, 0, sizeof(*m));
	if (sscanf(copy, "llmsec-sets 1\nrun %lld\ndomains.set %lld %64[0-9a-f]\nips.set %lld %64[0-9a-f]\nsig", &run, &size[0],
	    m->file[0].sha256, &size[1], m->file[1].sha256) != 5 || size[0] < 0 || size[1] < 0)
		return "a manifest of another version";
	m->run = run;
	m->file[0].size = size[0];
	m->file[1].size = size[1];
	return NULL;
}

/* ---- pulling ------------------------------------------------------------------------------------- */

static struct ti_fetch
fetch_of(const struct ti_conf *c, const char *url, const char *to, int64_t max)
{
	return (struct ti_fetch){.name = "upstream", .url = url, .to = to, .etag = "", .modified = "", .header = NULL,
	    .ca_file = c->upstream.ca_file, .max_bytes = max, .allow_private = c->upstream.allow_private, .allow_http = true};
}

static bool
get(const struct ti_conf *c, const char *name, const char *to, int64_t max)
{
	struct ti_fetch_opts o = {.proxy = c->fetch.proxy, .user_agent = c->fetch.user_agent, .parallel = 1,
	    .retries = c->fetch.retries, .connect_timeout = c->fetch.connect_timeout, .timeout = c->fetch.timeout,
	    .backoff = c->fetch.backoff};
	char url[1200];
	struct ti_fetch f;

	snprintf(url, sizeof(url), "%s/%s", c->upstream.url, name);
	f = fetch_of(c, url, to, max);
	if (ti_fetch_all(&f, 1, &o) == 0 && f.status == TI_FETCH_NEW)
		return true;
	log_err("%s: %s", url, f.why);
	unlink(to);
	return false;
}

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

/* 0, 1 unreachable, 3 refused. */
static int
set_pull(const struct ti_conf *c, const struct ti_manifest *m, int i, bool *fresh)
{
	char path[PATH_MAX], tmp[PATH_MAX], sha[65];
	struct diag *d;
	int fd, r = 0;

	snprintf(path, sizeof(path), "%s/%s", c->sets_dir, names[i]);
	snprintf(tmp, sizeof(tmp), "%s/%s.pulled", c->sets_dir, names[i]);
	if (ti_sha256_file(path, sha) == 0 && strcmp(sha, m->file[i].sha256) == 0)
		return 0;
	if (!get(c, names[i], tmp, m->file[i].size))
		return 1;
	d = diag_new();
	fd = open(tmp, O_RDONLY | O_CLOEXEC);
	if (ti_sha256_file(tmp, sha) < 0 || strcmp(sha, m->file[i].sha256) != 0) {
		log_err("%s: not what the manifest says", names[i]);
		r = 3;
	} else if (!opens(i, tmp, d)) {
		log_err("%s", diag_first(d));
		r = 3;
	} else if (fd < 0 || fsync(fd) != 0 || chmod(tmp, 0644) != 0 || rename(tmp, path) != 0 || dir_sync(c->sets_dir) != 0) {
		log_err("%s: %s", path, strerror(errno));
		r = 3;
	}
	if (fd >= 0)
		close(fd);
	unlink(tmp);
	diag_free(&d);
	*fresh |= r == 0;
	return r;
}

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
manifest_get(const struct ti_conf *c, struct ti_manifest *m)
{
	char path[PATH_MAX], text[MANIFEST_MAX + 1];
	const char *why;
	size_t n = 0;
	FILE *f;

	ti_state_path(path, sizeof(path), c, "manifest.pulled");
	if (!get(c, "manifest", path, MANIFEST_MAX))
		return 1;
	f = fopen(path, "re");
	if (f != NULL) {
		n = fread(text, 1, sizeof(text), f);
		fclose(f);
	}
	unlink(path);
	why = ti_manifest_read(m, text, n, c->upstream.public_key);
	if (why == NULL && m->run < last_pulled(c))
		why = "older than what was pulled before";
	if (why != NULL)
		log_err("%s/manifest: %s", c->upstream.url, why);
	return why == NULL ? 0 : 3;
}

int
ti_share_pull(const struct ti_conf *c, bool quiet)
{
	struct ti_manifest m;
	bool fresh = false;
	char text[32];
	int r, n;

	if (*c->upstream.url == '\0' || *c->upstream.public_key == '\0') {
		log_err("pull: upstream needs url and public_key");
		return 2;
	}
	if (ti_dir_make(c->state_dir) < 0 || ti_dir_make(c->sets_dir) < 0) {
		log_err("%s, %s: %s", c->state_dir, c->sets_dir, strerror(errno));
		return 3;
	}
	r = manifest_get(c, &m);
	for (int i = 0; r == 0 && i < 2; i++)
		r = set_pull(c, &m, i, &fresh);
	if (r != 0)
		return r;
	n = snprintf(text, sizeof(text), "%" PRId64 "\n", m.run);
	if (file_put(c->state_dir, "pulled", text, (size_t)n) < 0)
		return 3;
	if (!quiet)
		log_info("%s: run %" PRId64 "%s", c->upstream.url, m.run, fresh ? ", published here" : ", nothing new");
	return 0;
}
