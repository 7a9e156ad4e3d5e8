/* SPDX-License-Identifier: MIT */
/*
 * The sealed link between REQMOD and RESPMOD.  AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce under
 * a key derived by HKDF-SHA256 (RFC 5869) from the keyring's key, so that the same file may serve other
 * purposes.  Plain text: version, flags, request id, then the vault's entries, all length-prefixed; in version 2 the time spent
 * and the sketch follow.  A sketch that doesn't fit stays behind: the answer is then judged without it.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "icap-llmsec/mask.h"
#include "icap-llmsec/mask_private.h"
#include "icap-llmsec/responses.h"
#include "lib/base64.h"
#include "lib/edge_sign.h"
#include "lib/wire.h"

#define TX_NONCE	12
#define TX_TAG		16
#define TX_PLAIN_MAX	(TX_MAX * 3 / 4 - 128)

static int
tx_key(uint8_t out[32], const struct keyring *kr, const char *kid)
{
	static const char info[] = "llmsec X-LLMSec-Tx v1";
	size_t len;
	const uint8_t *key = kr ? keyring_key(kr, kid, &len) : NULL;
	EVP_KDF *kdf;
	EVP_KDF_CTX *ctx;
	OSSL_PARAM par[4];
	int rc = -EIO;

	if (key == NULL)
		return -ENOKEY;
	kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	par[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)"SHA256", 0);
	par[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key, len);
	par[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info, sizeof(info) - 1);
	par[3] = OSSL_PARAM_construct_end();
	if (ctx != NULL && EVP_KDF_derive(ctx, out, 32, par) == 1)
		rc = 0;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return rc;
}

static void
sketch_encode(struct wire_out *w, const struct resp_sketch *sk)
{
	wire_put_be64(w, sk->key);
	wire_put_be32(w, sk->units);
	wire_put_varint(w, sk->n);
	for (uint32_t i = 0; i < sk->n; i++)
		wire_put_be32(w, sk->shingle[i]);
	wire_put_str(w, sk->bloom, sk->has_urls ? SKETCH_BLOOM : 0);
	wire_put_str(w, sk->canary, strlen(sk->canary));
}

static bool
sketch_decode(struct wire *w, struct resp_sketch *sk)
{
	const uint8_t *p;
	uint64_t n;

	sk->key = wire_be64(w);
	sk->units = wire_be32(w);
	n = wire_varint(w);
	if (w->err || n > SKETCH_SHINGLES)
		return false;
	sk->n = (uint32_t)n;
	for (uint32_t i = 0; i < sk->n; i++)
		sk->shingle[i] = wire_be32(w);
	n = wire_varint(w);
	p = wire_bytes(w, n);
	if (w->err || (n != 0 && n != SKETCH_BLOOM))
		return false;
	sk->has_urls = n != 0;
	if (n != 0)
		memcpy(sk->bloom, p, n);
	n = wire_varint(w);
	p = wire_bytes(w, n);
	if (w->err || (n != 0 && n != CANARY_LEN))
		return false;
	if (n != 0)
		memcpy(sk->canary, p, n);
	return true;
}

static int
tx_encode(uint8_t *plain, size_t *len, const struct tx *tx)
{
	struct wire_out w;
	const char *token, *original;
	size_t n;

	wire_out_init(&w, plain, TX_PLAIN_MAX);
	wire_put_u8(&w, 1);
	wire_put_be32(&w, tx->flags);
	wire_put_str(&w, tx->request_id, strnlen(tx->request_id, sizeof(tx->request_id)));
	wire_put_varint(&w, mask_vault_count(tx->vault));
	for (size_t i = 0; mask_vault_entry(tx->vault, i, &token, &original, &n) == 0; i++) {
		wire_put_str(&w, token, strlen(token));
		wire_put_str(&w, original, n);
	}
	*len = wire_out_len(&w);
	if (w.err || (tx->sketch == NULL && tx->req_us == 0))
		return w.err ? -EMSGSIZE : 0;
	wire_put_be32(&w, tx->req_us);
	wire_put_u8(&w, tx->sketch != NULL);
	if (tx->sketch != NULL)
		sketch_encode(&w, tx->sketch);
	if (w.err)
		return 0;
	plain[0] = 2;
	*len = wire_out_len(&w);
	return 0;
}

static int
tx_crypt(int enc, const uint8_t key[32], const uint8_t *nonce, const uint8_t *in, size_t n, uint8_t *out,
    uint8_t *tag)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int k, rc = -EBADMSG;

	if (c == NULL)
		return -ENOMEM;
	if (EVP_CipherInit_ex(c, EVP_aes_256_gcm(), NULL, key, nonce, enc) == 1 &&
	    EVP_CipherUpdate(c, out, &k, in, (int)n) == 1 &&
	    (enc || EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TX_TAG, tag) == 1) &&
	    EVP_CipherFinal_ex(c, out + k, &k) == 1 &&
	    (!enc || EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TX_TAG, tag) == 1))
		rc = 0;
	EVP_CIPHER_CTX_free(c);
	return rc;
}

/* base64url without padding (RFC 4648, 5) */
static void
b64url(struct buf *out, const uint8_t *p, size_t n)
{
	static const char a[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32_t v;
	char c[4];

	for (; n > 0; p += 3) {
		size_t k = n < 3 ? n : 3;

		v = (uint32_t)p[0] << 16 | (k > 1 ? (uint32_t)p[1] << 8 : 0) | (k > 2 ? p[2] : 0);
		for (int i = 0; i < 4; i++)
			c[i] = a[v >> (18 - 6 * i) & 63];
		buf_add(out, c, k + 1);
		n -= k;
	}
}

/* Returns bytes written, or -1; <out> holds 3/4 of <n>, rounded up. */
static ssize_t
b64url_decode(uint8_t *out, const char *p, size_t n)
{
	uint32_t v = 0;
	ssize_t k = 0;

	if (n % 4 == 1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int d = p[i] == '+' || p[i] == '/' ? -1 : base64_value[(unsigned char)p[i]];

		if (d < 0)
			return -1;
		v = v << 6 | (uint32_t)d;
		if (i % 4 == 1)
			out[k++] = (uint8_t)(v >> 4);
		else if (i % 4 == 2)
			out[k++] = (uint8_t)(v >> 2);
		else if (i % 4 == 3)
			out[k++] = (uint8_t)v;
	}
	/* one text, one spelling: what is left over is zero */
	if ((n % 4 == 2 && (v & 15) != 0) || (n % 4 == 3 && (v & 3) != 0))
		return -1;
	return k;
}

int
tx_seal(struct buf *out, const struct keyring *kr, const struct tx *tx)
{
	uint8_t key[32], *m;
	size_t n;
	int rc;

	if (kr == NULL)
		return -ENOKEY;
	m = malloc(TX_NONCE + 2 * TX_PLAIN_MAX + TX_TAG);
	if (m == NULL)
		return -ENOMEM;
	rc = tx_encode(m + TX_NONCE + TX_PLAIN_MAX, &n, tx);
	if (rc == 0)
		rc = tx_key(key, kr, NULL);
	if (rc == 0 && RAND_bytes(m, TX_NONCE) != 1)
		rc = -EIO;
	if (rc == 0)	/* nonce | cipher text | tag, in one piece */
		rc = tx_crypt(1, key, m, m + TX_NONCE + TX_PLAIN_MAX, n, m + TX_NONCE, m + TX_NONCE + n);
	if (rc == 0) {
		buf_printf(out, "v1.%s.", keyring_first_id(kr));
		b64url(out, m, TX_NONCE + n + TX_TAG);
		rc = out->err;
	}
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(m + TX_NONCE + TX_PLAIN_MAX, TX_PLAIN_MAX);
	free(m);
	return rc;
}

int
tx_decode(struct tx *tx, const uint8_t *p, size_t n)
{
	struct wire w;
	uint64_t k, tl, ol;
	const uint8_t *t, *o;
	uint8_t version;

	wire_init(&w, p, n);
	version = wire_u8(&w);
	if (version != 1 && version != 2)
		return -EBADMSG;
	tx->flags = wire_be32(&w);
	k = wire_varint(&w);
	t = k < sizeof(tx->request_id) ? wire_bytes(&w, k) : NULL;
	if (t == NULL)
		return -EBADMSG;
	memcpy(tx->request_id, t, k);
	tx->request_id[k] = '\0';
	k = wire_varint(&w);
	if (k > 0 && !w.err && (tx->vault = mask_vault_new()) == NULL)
		return -ENOMEM;
	while (k-- > 0 && !w.err) {
		tl = wire_varint(&w);
		t = wire_bytes(&w, tl);
		ol = wire_varint(&w);
		o = wire_bytes(&w, ol);
		if (w.err || mask_vault_add(tx->vault, (const char *)t, tl, (const char *)o, ol) < 0)
			return -EBADMSG;
	}
	if (version == 2)
		tx->req_us = wire_be32(&w);
	if (version == 2 && wire_u8(&w) == 1 && !w.err) {
		if ((tx->sketch = calloc(1, sizeof(*tx->sketch))) == NULL)
			return -ENOMEM;
		if (!sketch_decode(&w, tx->sketch))
			return -EBADMSG;
	}
	return w.err || wire_left(&w) != 0 ? -EBADMSG : 0;
}

int
tx_open(struct tx *tx, const struct keyring *kr, const char *s, size_t len)
{
	uint8_t key[32], *m = NULL, *plain;
	char kid[65];
	const char *dot;
	ssize_t n;
	int rc = -EBADMSG;

	memset(tx, 0, sizeof(*tx));
	if (kr == NULL || len < 5 || len > 2 * TX_MAX || memcmp(s, "v1.", 3) != 0 ||
	    (dot = memchr(s + 3, '.', len - 3)) == NULL || (size_t)(dot - s - 3) >= sizeof(kid))
		return -EBADMSG;
	memcpy(kid, s + 3, (size_t)(dot - s - 3));
	kid[dot - s - 3] = '\0';
	if (kid[0] == '\0' || tx_key(key, kr, kid) < 0)
		return -EBADMSG;
	m = malloc(2 * len);
	if (m == NULL)
		return -ENOMEM;
	n = b64url_decode(m, dot + 1, len - (size_t)(dot + 1 - s));
	plain = m + len;
	if (n >= TX_NONCE + TX_TAG)
		rc = tx_crypt(0, key, m, m + TX_NONCE, (size_t)n - TX_NONCE - TX_TAG, plain, m + n - TX_TAG);
	if (rc == 0)
		rc = tx_decode(tx, plain, (size_t)n - TX_NONCE - TX_TAG);
	if (rc < 0)
		tx_clear(tx);
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(m, 2 * len);
	free(m);
	return rc;
}

void
tx_clear(struct tx *tx)
{
	mask_vault_free(&tx->vault);
	free(tx->sketch);
	memset(tx, 0, sizeof(*tx));
}
