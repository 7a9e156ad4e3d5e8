/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "control/token_file.h"
#include "lib/buf.h"
#include "lib/file_write.h"
#include "lib/log.h"
#include "lib/set_file.h"

#define TOKENS_MAX	1000
#define HEX		65

static const char *const roles[] = { "", "viewer", "operator", "admin" };

struct token {
	char	name[TOKEN_NAME], hash[HEX];
	int	role;
};

struct token_file {
	char			*path;
	struct set_stamp	 seen;
	struct token		*v;
	size_t			 n;
};

static void
hash_hex(const char *token, size_t len, char out[HEX])
{
	unsigned char h[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	EVP_Digest(token, len, h, &n, EVP_sha256(), NULL);
	for (unsigned i = 0; i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", h[i]);
}

static int
role_find(const char *name)
{
	for (int i = 1; i < 4; i++)
		if (strcmp(roles[i], name) == 0)
			return i;
	return 0;
}

/* The tokens of a file, new memory.  Their number or -errno; -EINVAL: a line is none. */
static int
load(const char *path, struct token **out)
{
	FILE *f = fopen(path, "re");
	char line[256], role[16];
	int n = 0;

	*out = NULL;
	if (f == NULL)
		return -errno;
	*out = calloc(TOKENS_MAX, sizeof(**out));
	while (*out != NULL && n >= 0 && fgets(line, sizeof(line), f) != NULL) {
		struct token *t;

		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (n == TOKENS_MAX) {
			n = -EFBIG;
			break;
		}
		t = &(*out)[n];
		t->role = sscanf(line, "%64s %15s %64s", t->name, role, t->hash) == 3 && strlen(t->hash) == HEX - 1 ?
		    role_find(role) : 0;
		n = t->role > 0 ? n + 1 : -EINVAL;
	}
	fclose(f);
	if (*out == NULL)
		n = -ENOMEM;
	if (n < 0) {
		free(*out);
		*out = NULL;
	}
	return n;
}

struct token_file *
token_file_open(const char *path)
{
	struct token_file *t = calloc(1, sizeof(*t));

	if (t != NULL && (t->path = strdup(path)) == NULL) {
		free(t);
		t = NULL;
	}
	return t;
}

void
token_file_close(struct token_file **tp)
{
	struct token_file *t = *tp;

	*tp = NULL;
	if (t == NULL)
		return;
	free(t->path);
	free(t->v);
	free(t);
}

static void
refresh(struct token_file *t)
{
	struct set_stamp now;
	int n;

	set_stamp_take(&now, t->path);
	if (set_stamp_same(&now, &t->seen))
		return;
	t->seen = now;
	free(t->v);
	n = load(t->path, &t->v);
	t->n = n > 0 ? (size_t)n : 0;
	if (n < 0)
		log_warnx("%s: %s; nobody gets in with it", t->path, n == -EINVAL ? "a line is no token" : strerror(-n));
}

int
token_file_find(struct token_file *t, const char *token, size_t len, char name[TOKEN_NAME])
{
	char hash[HEX];
	int role = 0;

	name[0] = '\0';
	if (t->path[0] == '\0')
		return 0;
	refresh(t);
	hash_hex(token, len, hash);
	for (size_t i = 0; i < t->n; i++)
		if (CRYPTO_memcmp(t->v[i].hash, hash, HEX) == 0) {
			role = t->v[i].role;
			memcpy(name, t->v[i].name, TOKEN_NAME);
		}
	return role;
}

/* --- llmsecctl ------------------------------------------------------------------------------- */

static int
save(const char *path, const struct token *v, int n, const char *without)
{
	struct buf b = {0};
	int r;

	for (int i = 0; i < n; i++)
		if (without == NULL || strcmp(v[i].name, without) != 0)
			buf_printf(&b, "%s %s %s\n", v[i].name, roles[v[i].role], v[i].hash);
	r = b.err != 0 ? b.err : file_replace(path, buf_ptr(&b), buf_len(&b), 0640, FILE_KEEP_RIGHTS);
	buf_free(&b);
	return r;
}

static bool
name_ok(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return n > 0 && n <= 64 && s[n] == '\0';
}

int
token_file_add(const char *path, const char *name, const char *role, FILE *out)
{
	unsigned char rnd[32];
	char token[HEX + 7] = "llmsec_";
	struct token *v = NULL;
	int n = load(path, &v), r = 0;

	if (n == -ENOENT) {
		v = calloc(TOKENS_MAX, sizeof(*v));
		n = v != NULL ? 0 : -ENOMEM;
	}
	if (n < 0)
		return n;
	for (int i = 0; i < n; i++)
		if (strcmp(v[i].name, name) == 0)
			r = -EEXIST;
	if (r == 0 && (!name_ok(name) || role_find(role) == 0))
		r = -EINVAL;
	if (r == 0 && n == TOKENS_MAX)
		r = -ENOSPC;
	if (r == 0 && RAND_bytes(rnd, sizeof(rnd)) != 1)
		r = -EIO;
	if (r == 0) {
		for (size_t i = 0; i < sizeof(rnd); i++)
			snprintf(token + 7 + 2 * i, 3, "%02x", rnd[i]);
		snprintf(v[n].name, sizeof(v[n].name), "%s", name);
		v[n].role = role_find(role);
		hash_hex(token, strlen(token), v[n].hash);
		r = save(path, v, n + 1, NULL);
	}
	if (r == 0)
		fprintf(out, "%s\n", token);
	OPENSSL_cleanse(token, sizeof(token));
	OPENSSL_cleanse(rnd, sizeof(rnd));
	free(v);
	return r;
}

int
token_file_revoke(const char *path, const char *name)
{
	struct token *v;
	int n = load(path, &v), r = -ENOENT;

	for (int i = 0; i < n; i++)
		if (strcmp(v[i].name, name) == 0)
			r = 0;
	if (n >= 0 && r == 0)
		r = save(path, v, n, name);
	free(v);
	return n < 0 ? n : r;
}

int
token_file_list(const char *path, FILE *out)
{
	struct token *v;
	int n = load(path, &v);

	for (int i = 0; i < n; i++)
		fprintf(out, "%s %s\n", v[i].name, roles[v[i].role]);
	free(v);
	return n < 0 ? n : 0;
}
