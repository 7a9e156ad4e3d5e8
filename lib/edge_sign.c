/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "lib/diag.h"
#include "lib/edge_sign.h"

#define KEY_ID_MAX	64
#define KEY_MIN		32
#define KEY_MAX		256
#define KEYS_MAX	64
#define MAC_LEN		32
#define LINE_MAX_LEN	(KEY_ID_MAX + 2 * KEY_MAX + 64)

struct key {
	char		 id[KEY_ID_MAX + 1];
	uint8_t		 bytes[KEY_MAX];
	size_t		 len;
	EVP_MAC_CTX	*mac;		/* keyed once; every use works on a copy */
};

struct keyring {
	struct key	*keys;
	size_t		 n;
};

const char *const edge_hdr_name[EDGE_HDR_N + 1] = {
	[EDGE_THREAT_SCORE] = "X-Edge99-Threat-Score",
	[EDGE_BOT_SCORE] = "X-Edge99-Bot-Score",
	[EDGE_JA3] = "X-Edge99-JA3",
	[EDGE_JA4] = "X-Edge99-JA4",
	[EDGE_COUNTRY] = "X-Edge99-Country",
	[EDGE_CLIENT_IP] = "X-Edge99-Client-IP",
	[EDGE_REQUEST_ID] = "X-Edge99-Request-Id",
	[EDGE_HDR_N] = "X-Edge99-Signature",
};

/* --- keyring ------------------------------------------------------------------------------- */

static int
hex_nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool
hex_decode(uint8_t *out, const char *hex, size_t n_out)
{
	for (size_t i = 0; i < n_out; i++) {
		int hi = hex_nibble(hex[2 * i]), lo = hi < 0 ? -1 : hex_nibble(hex[2 * i + 1]);

		if (lo < 0)
			return false;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

static bool
key_id_ok(const char *id, size_t n)
{
	if (n == 0 || n > KEY_ID_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = id[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    c == '-' || c == '_' || c == '.'))
			return false;
	}
	return true;
}

static EVP_MAC_CTX *
key_mac_new(const struct key *k)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;

	EVP_MAC_free(mac);	/* the context holds its own reference */
	if (ctx != NULL && EVP_MAC_init(ctx, k->bytes, k->len, params) != 1) {
		EVP_MAC_CTX_free(ctx);
		ctx = NULL;
	}
	return ctx;
}

static const struct key *
keyring_find(const struct keyring *kr, const char *id, size_t n)
{
	for (size_t i = 0; i < kr->n; i++) {
		if (strlen(kr->keys[i].id) == n && memcmp(kr->keys[i].id, id, n) == 0)
			return &kr->keys[i];
	}
	return NULL;
}

/* Messages name the place, never the text: the text is a secret, or a secret mistyped. */
static void
keyring_add_line(struct keyring *kr, const char *line, const char *path, int no, struct diag *d)
{
	const char *id = line + strspn(line, " \t"), *hex;
	size_t id_len = strcspn(id, " \t"), hex_len;
	struct key *k = &kr->keys[kr->n];
	int id_col = (int)(id - line) + 1, col;

	hex = id + id_len + strspn(id + id_len, " \t");
	hex_len = strcspn(hex, " \t");
	col = (int)(hex - line) + 1;
	if (!key_id_ok(id, id_len))
		diag_error(d, path, no, id_col, "key id must be 1 to %d of A-Z a-z 0-9 . _ -", KEY_ID_MAX);
	else if (keyring_find(kr, id, id_len) != NULL)
		diag_error(d, path, no, id_col, "key id \"%.*s\" is used twice", (int)id_len, id);
	else if (hex[hex_len + strspn(hex + hex_len, " \t")] != '\0')
		diag_error(d, path, no, col, "text after the key");
	else if (hex_len < 2 * KEY_MIN || hex_len > 2 * KEY_MAX || hex_len % 2 != 0)
		diag_error(d, path, no, col, "key must be %d to %d bytes in hex", KEY_MIN, KEY_MAX);
	else if (!hex_decode(k->bytes, hex, hex_len / 2))
		diag_error(d, path, no, col, "key is not hex");
	else if (kr->n == KEYS_MAX)
		diag_error(d, path, no, id_col, "more than %d keys", KEYS_MAX);
	else {
		memcpy(k->id, id, id_len);
		k->len = hex_len / 2;
		k->mac = key_mac_new(k);
		if (k->mac == NULL)
			diag_error(d, path, no, id_col, "cannot set up HMAC-SHA256");
		kr->n++;
	}
}

/* 1: a line, without its end.  0: there is no more.  -1: too long, or it has a NUL byte. */
static int
line_read(char line[LINE_MAX_LEN], FILE *f)
{
	size_t n = 0;
	int c;

	while ((c = getc(f)) != EOF && c != '\n') {
		if (c == '\0' || n == LINE_MAX_LEN - 1)
			return -1;
		line[n++] = (char)c;
	}
	if (n > 0 && line[n - 1] == '\r')
		n--;
	line[n] = '\0';
	return n > 0 || c != EOF;
}

static void
keyring_read(struct keyring *kr, FILE *f, const char *path, struct diag *d)
{
	char line[LINE_MAX_LEN], first;
	int no, got;

	for (no = 1; (got = line_read(line, f)) > 0; no++) {
		first = line[strspn(line, " \t")];
		if (first != '\0' && first != '#')
			keyring_add_line(kr, line, path, no, d);
	}
	if (got < 0)
		diag_error(d, path, no, 0, "line too long or has a NUL byte");
	if (ferror(f))
		diag_error(d, path, 0, 0, "read error");
	OPENSSL_cleanse(line, sizeof(line));
}

static void
keyring_check_mode(FILE *f, const char *path, struct diag *d)
{
	struct stat st;

	if (fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) != 0)
		diag_warn(d, path, 0, 0, "keys are open to group or others (mode %03o): chmod 600",
		    (unsigned)st.st_mode & 0777);
}

int
keyring_load(struct keyring **out, const char *path, struct diag *d)
{
	struct keyring *kr = NULL;
	struct diag *own = d == NULL ? diag_new() : NULL;
	int before, err = 0;
	FILE *f;

	*out = NULL;
	if (d == NULL && (d = own) == NULL)
		return -ENOMEM;
	before = diag_errors(d);
	f = fopen(path, "re");
	if (f == NULL) {
		err = -errno;
		diag_error(d, path, 0, 0, "cannot open: %s", strerror(-err));
		goto out;
	}
	setvbuf(f, NULL, _IONBF, 0);	/* no copy of the keys in stdio's heap */
	kr = calloc(1, sizeof(*kr));
	if (kr == NULL || (kr->keys = calloc(KEYS_MAX + 1, sizeof(*kr->keys))) == NULL) {
		err = -ENOMEM;
		goto out;
	}
	keyring_check_mode(f, path, d);
	keyring_read(kr, f, path, d);
	if (kr->n == 0 && diag_errors(d) == before)
		diag_error(d, path, 0, 0, "no key in this file");
	if (diag_errors(d) != before)
		err = -EINVAL;
out:
	if (f != NULL)
		fclose(f);
	diag_free(&own);
	if (err)
		keyring_free(&kr);
	*out = kr;
	return err;
}

void
keyring_free(struct keyring **krp)
{
	struct keyring *kr = *krp;

	*krp = NULL;
	if (kr == NULL)
		return;
	for (size_t i = 0; i < kr->n; i++)
		EVP_MAC_CTX_free(kr->keys[i].mac);
	if (kr->keys != NULL)
		OPENSSL_cleanse(kr->keys, (KEYS_MAX + 1) * sizeof(*kr->keys));
	free(kr->keys);
	free(kr);
}

const uint8_t *
keyring_key(const struct keyring *kr, const char *id, size_t *len)
{
	const struct key *k = id ? keyring_find(kr, id, strlen(id)) : kr->n ? kr->keys : NULL;

	*len = k ? k->len : 0;
	return k ? k->bytes : NULL;
}

const char *
keyring_first_id(const struct keyring *kr)
{
	return kr->n ? kr->keys[0].id : NULL;
}

/* --- signature ----------------------------------------------------------------------------- */

static bool
mac_add(EVP_MAC_CTX *ctx, const void *p, size_t n)
{
	uint8_t be[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };

	return n <= UINT32_MAX && EVP_MAC_update(ctx, be, sizeof(be)) == 1 &&
	    (n == 0 || EVP_MAC_update(ctx, p, n) == 1);
}

/* Length prefixes keep ("ab","c") and ("a","bc") apart. */
static int
edge_mac(uint8_t mac[MAC_LEN], const struct key *k, const struct edge_vals *v, const char *ts)
{
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(k->mac);
	size_t n = 0;
	bool ok = ctx != NULL;

	for (int i = 0; ok && i < EDGE_HDR_N; i++)
		ok = mac_add(ctx, v->v[i], v->v[i] ? v->len[i] : 0);
	ok = ok && mac_add(ctx, ts, strlen(ts)) && EVP_MAC_final(ctx, mac, &n, MAC_LEN) == 1 &&
	    n == MAC_LEN;
	EVP_MAC_CTX_free(ctx);
	return ok ? 0 : -ENOMEM;
}

int
edge_sign(char out[EDGE_SIG_MAX], const struct keyring *kr, const struct edge_vals *v, time_t now)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t mac[MAC_LEN];
	char ts[24];
	int n, err;

	if (kr->n == 0)
		return -ENOKEY;
	snprintf(ts, sizeof(ts), "%" PRId64, (int64_t)now);
	err = edge_mac(mac, &kr->keys[0], v, ts);
	if (err)
		return err;
	n = snprintf(out, EDGE_SIG_MAX, "v1;kid=%s;ts=%s;mac=", kr->keys[0].id, ts);
	for (size_t i = 0; i < MAC_LEN; i++) {
		out[n++] = hex[mac[i] >> 4];
		out[n++] = hex[mac[i] & 15];
	}
	out[n] = '\0';
	return 0;
}

struct edge_sig {		/* a parsed X-Edge99-Signature */
	const char	*kid;
	size_t		 kid_len;
	char		 ts[16];	/* as sent: the text is what is signed */
	int64_t		 ts_value;
	uint8_t		 mac[MAC_LEN];
};

/* Take literal <lit> off the front. */
static bool
sig_lit(const char **p, const char *end, const char *lit)
{
	size_t n = strlen(lit);

	if ((size_t)(end - *p) < n || memcmp(*p, lit, n) != 0)
		return false;
	*p += n;
	return true;
}

static bool
sig_ts(struct edge_sig *s, const char **p, const char *end)
{
	size_t n = 0;

	while (*p + n < end && (*p)[n] >= '0' && (*p)[n] <= '9') {
		if (n == sizeof(s->ts) - 1)
			return false;
		s->ts_value = s->ts_value * 10 + ((*p)[n] - '0');
		s->ts[n] = (*p)[n];
		n++;
	}
	s->ts[n] = '\0';
	*p += n;
	return n > 0;
}

static bool
sig_mac(struct edge_sig *s, const char *p, const char *end)
{
	if (end - p != 2 * MAC_LEN || !hex_decode(s->mac, p, MAC_LEN))
		return false;
	while (p < end && (*p < 'A' || *p > 'F'))
		p++;
	return p == end;
}

/* The one form edge_sign writes; anything else is malformed. */
static bool
edge_sig_parse(struct edge_sig *s, const char *p, size_t len)
{
	const char *end = p + len;

	memset(s, 0, sizeof(*s));
	if (len >= EDGE_SIG_MAX || !sig_lit(&p, end, "v1;kid="))
		return false;
	s->kid = p;
	while (p < end && *p != ';')
		p++;
	s->kid_len = (size_t)(p - s->kid);
	return key_id_ok(s->kid, s->kid_len) && sig_lit(&p, end, ";ts=") && sig_ts(s, &p, end) &&
	    sig_lit(&p, end, ";mac=") && sig_mac(s, p, end);
}

/* The MAC comes before the clock: "stale" is then a statement about our own edge's clock or a replay. */
enum edge_verdict
edge_verify(const struct keyring *kr, const struct edge_vals *v, const char *sig, size_t sig_len,
    time_t now, int max_age_s)
{
	const struct key *k;
	struct edge_sig s;
	uint8_t mac[MAC_LEN];
	int64_t age;

	if (sig == NULL || sig_len == 0)
		return EDGE_ABSENT;
	if (!edge_sig_parse(&s, sig, sig_len))
		return EDGE_MALFORMED;
	k = keyring_find(kr, s.kid, s.kid_len);
	if (k == NULL)
		return EDGE_UNKNOWN_KEY;
	if (edge_mac(mac, k, v, s.ts) != 0 || CRYPTO_memcmp(mac, s.mac, MAC_LEN) != 0)
		return EDGE_FORGED;
	age = (int64_t)now - s.ts_value;
	return age <= max_age_s && age >= -(int64_t)max_age_s ? EDGE_OK : EDGE_STALE;
}

const char *
edge_verdict_str(enum edge_verdict v)
{
	static const char *const name[] = {
		[EDGE_OK] = "ok", [EDGE_ABSENT] = "absent", [EDGE_MALFORMED] = "malformed",
		[EDGE_UNKNOWN_KEY] = "unknown-key", [EDGE_STALE] = "stale", [EDGE_FORGED] = "forged",
	};

	return (unsigned)v < sizeof(name) / sizeof(name[0]) ? name[v] : "?";
}
