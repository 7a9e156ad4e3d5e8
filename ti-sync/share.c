/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "ti-sync/delta.h"
#include "ti-sync/file.h"
#include "ti-sync/manifest.h"
#include "ti-sync/share.h"
#include "ti-sync/verify.h"

#define DELTAS_KEPT	8		/* of each set: who was away for more versions fetches the whole */

static void
kept_path(char out[PATH_MAX], const struct ti_conf *c, int i)
{
	snprintf(out, PATH_MAX, "%s/.%s.before", c->sets_dir, ti_set_names[i]);
}

static void
set_path(char out[PATH_MAX], const struct ti_conf *c, int i)
{
	snprintf(out, PATH_MAX, "%s/%s", c->sets_dir, ti_set_names[i]);
}

/* A second name for the file that the publication takes the first one from. */
void
ti_share_keep(const struct ti_conf *c)
{
	char path[PATH_MAX], kept[PATH_MAX];

	for (int i = 0; *c->sign_key != '\0' && i < 2; i++) {
		set_path(path, c, i);
		kept_path(kept, c, i);
		unlink(kept);
		if (link(path, kept) != 0 && errno != ENOENT)
			log_warn("%s: no delta this time", path);
	}
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

static int
manifest_put(const struct ti_conf *c, const struct ti_manifest *m)
{
	struct buf b = {0};
	char sig[96];
	int err;

	ti_manifest_write(m, &b);
	err = b.err;
	if (err == 0 && !sign(c->sign_key, buf_ptr(&b), buf_len(&b), sig)) {
		log_err("sign_key: %s: not an Ed25519 key in PEM, or not readable", c->sign_key);
		err = -EINVAL;
	}
	if (err == 0)
		buf_printf(&b, "sig %s\n", sig);
	if (err == 0)
		err = b.err != 0 ? b.err : ti_file_put(c->sets_dir, "manifest", buf_ptr(&b), buf_len(&b));
	buf_free(&b);
	return err;
}

/* ---- deltas -------------------------------------------------------------------------------------- */

/* From the version of before to this one, unless that is half as large as the whole.  NULL *d->base: none. */
static int
delta_put(const struct ti_conf *c, int i, const struct ti_bytes *old, const struct ti_bytes *new, struct ti_delta_ref *d)
{
	char name[TI_DELTA_NAME], path[PATH_MAX];
	struct buf b = {0};
	struct stat st;
	int err = ti_delta_make(&b, old->p, old->n, new->p, new->n, new->n / 2);

	if (err == 0)
		err = ti_file_put(c->sets_dir, ti_delta_name(name, d), buf_ptr(&b), buf_len(&b));
	buf_free(&b);
	if (err < 0)
		return err;
	if (snprintf(path, sizeof(path), "%s/%s", c->sets_dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	err = stat(path, &st) != 0 ? -errno : ti_sha256_file(path, d->sha256);
	d->size = st.st_size;
	return err;
}

/* The one new delta of set <i>, if there is any. */
static bool
delta_new(const struct ti_conf *c, int i, const char *sha256, struct ti_delta_ref *d)
{
	struct ti_bytes old = {0}, new = {0};
	char path[PATH_MAX], kept[PATH_MAX];
	int err;

	set_path(path, c, i);
	kept_path(kept, c, i);
	memset(d, 0, sizeof(*d));
	d->file = i;
	if (ti_sha256_file(kept, d->base) < 0 || strcmp(d->base, sha256) == 0)
		return false;
	memcpy(d->result, sha256, sizeof(d->result));
	err = ti_file_map(&old, kept);
	if (err == 0)
		err = ti_file_map(&new, path);
	if (err == 0)
		err = delta_put(c, i, &old, &new, d);
	ti_file_unmap(&old);
	ti_file_unmap(&new);
	if (err < 0 && err != -EFBIG)
		log_warnx("%s: no delta: %s", path, strerror(-err));
	return err == 0;
}

static void
old_manifest(const struct ti_conf *c, struct ti_manifest *m)
{
	char path[PATH_MAX];
	struct ti_bytes b;
	const char *sig;

	memset(m, 0, sizeof(*m));
	if (snprintf(path, sizeof(path), "%s/manifest", c->sets_dir) >= (int)sizeof(path) || ti_file_map(&b, path) < 0)
		return;
	sig = b.n > 0 ? memmem(b.p, b.n, "\nsig ", 5) : NULL;
	if (sig == NULL || ti_manifest_parse(m, b.p, (size_t)(sig + 1 - (const char *)b.p)) != NULL)
		memset(m, 0, sizeof(*m));
	ti_file_unmap(&b);
}

static bool
delta_there(const struct ti_conf *c, const struct ti_delta_ref *d)
{
	char name[TI_DELTA_NAME], path[PATH_MAX], sha[65];

	return snprintf(path, sizeof(path), "%s/%s", c->sets_dir, ti_delta_name(name, d)) < (int)sizeof(path) &&
	    ti_sha256_file(path, sha) == 0 && strcmp(sha, d->sha256) == 0;
}

/* Those of before that lead to the newest one, as long as all together are smaller than the whole. */
static void
chain_make(const struct ti_conf *c, struct ti_manifest *m, const struct ti_manifest *old, const struct ti_delta_ref *last)
{
	struct ti_delta_ref chain[DELTAS_KEPT];
	size_t n = 0;
	int64_t sum = last->size;

	chain[n++] = *last;
	for (size_t i = old->n_deltas; i > 0 && n < DELTAS_KEPT; i--) {
		const struct ti_delta_ref *d = &old->delta[i - 1];

		if (d->file != last->file || strcmp(d->result, chain[n - 1].base) != 0)
			continue;
		sum += d->size;
		if (sum >= m->file[last->file].size || !delta_there(c, d))
			break;
		chain[n++] = *d;
	}
	while (n > 0 && m->n_deltas < TI_DELTAS_MAX)
		m->delta[m->n_deltas++] = chain[--n];
}

static bool
ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), k = strlen(end);

	return n >= k && strcmp(name + n - k, end) == 0;
}

/* What the manifest doesn't name any more, and what a killed run left. */
static void
deltas_clean(const struct ti_conf *c, const struct ti_manifest *m)
{
	char name[TI_DELTA_NAME], path[PATH_MAX];
	DIR *dir = opendir(c->sets_dir);
	struct dirent *e;

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		size_t i = 0;

		if (!ends_in(e->d_name, ".delta") && !ends_in(e->d_name, ".delta.new"))
			continue;
		while (i < m->n_deltas && strcmp(ti_delta_name(name, &m->delta[i]), e->d_name) != 0)
			i++;
		if (i == m->n_deltas && snprintf(path, sizeof(path), "%s/%s", c->sets_dir, e->d_name) < (int)sizeof(path))
			unlink(path);
	}
	if (dir != NULL)
		closedir(dir);
}

/* A set that didn't change keeps the deltas that lead to it. */
static void
deltas_list(const struct ti_conf *c, struct ti_manifest *m, const struct ti_manifest *old)
{
	struct ti_delta_ref d;

	for (int i = 0; i < 2; i++) {
		if (delta_new(c, i, m->file[i].sha256, &d)) {
			chain_make(c, m, old, &d);
			continue;
		}
		for (size_t k = 0; strcmp(old->file[i].sha256, m->file[i].sha256) == 0 && k < old->n_deltas; k++)
			if (old->delta[k].file == i && m->n_deltas < TI_DELTAS_MAX && delta_there(c, &old->delta[k]))
				m->delta[m->n_deltas++] = old->delta[k];
	}
}

static int
sets_read(const struct ti_conf *c, struct ti_manifest *m)
{
	char path[PATH_MAX];
	struct stat st;
	int err = 0;

	for (int i = 0; err == 0 && i < 2; i++) {
		set_path(path, c, i);
		err = stat(path, &st) != 0 ? -errno : ti_sha256_file(path, m->file[i].sha256);
		m->file[i].size = st.st_size;
	}
	return err;
}

int
ti_share_sign(const struct ti_conf *c, int64_t run)
{
	struct ti_manifest m = {.run = run}, old;
	char path[PATH_MAX];
	int err;

	if (*c->sign_key == '\0')
		return 0;
	err = sets_read(c, &m);
	old_manifest(c, &old);
	if (err == 0 && memcmp(m.file, old.file, sizeof(m.file)) != 0) {
		deltas_list(c, &m, &old);
		err = manifest_put(c, &m);
		if (err == 0)
			deltas_clean(c, &m);
	}
	for (int i = 0; i < 2; i++) {
		kept_path(path, c, i);
		unlink(path);
	}
	if (err < 0)
		log_err("%s/manifest: %s", c->sets_dir, strerror(-err));
	return err;
}
