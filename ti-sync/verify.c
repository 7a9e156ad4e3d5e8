/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "ti-sync/file.h"
#include "ti-sync/verify.h"

static void
hex(char *out, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sprintf(out + 2 * i, "%02x", p[i]);
}

int
ti_sha256_file(const char *path, char out[65])
{
	uint8_t md[32];
	unsigned n;
	struct ti_bytes m;
	int err = ti_file_map(&m, path);

	if (err < 0)
		return err;
	if (EVP_Digest(m.n > 0 ? m.p : "", m.n, md, &n, EVP_sha256(), NULL) != 1)
		err = -EIO;
	else
		hex(out, md, sizeof(md));
	ti_file_unmap(&m);
	return err;
}

const char *
ti_sha256_find(const char *text, size_t n, char out[65])
{
	size_t run = 0;

	for (size_t i = 0; i < n; i++) {
		run = isxdigit((unsigned char)text[i]) ? run + 1 : 0;
		if (run == 64 && (i + 1 == n || !isxdigit((unsigned char)text[i + 1]))) {
			for (int k = 0; k < 64; k++)
				out[k] = (char)tolower((unsigned char)text[i - 63 + (size_t)k]);
			out[64] = '\0';
			return out;
		}
	}
	return NULL;
}

/* ---- Ed25519 ------------------------------------------------------------------------------------- */

/* Bytes that came out, -1: not base64, or more than <max>. */
static int
base64(uint8_t *out, int max, const char *p, size_t n)
{
	uint8_t tmp[512], again[1024];
	int r, pad = 0;

	while (n > 0 && isspace((unsigned char)p[n - 1]))
		n--;
	if (n == 0 || n % 4 != 0 || n > 600)
		return -1;
	for (size_t i = n; i > 0 && p[i - 1] == '='; i--)
		pad++;
	r = EVP_DecodeBlock(tmp, (const uint8_t *)p, (int)n);
	if (r < 0 || r - pad > max || pad > 2)
		return -1;
	/* One spelling only: the bits that padding leaves over are zero (RFC 4648, 3.5). */
	if (EVP_EncodeBlock(again, tmp, r - pad) != (int)n || memcmp(again, p, n) != 0)
		return -1;
	memcpy(out, tmp, (size_t)(r - pad));
	return r - pad;
}

static bool
holds(const uint8_t key[32], const uint8_t sig[64], const void *p, size_t n)
{
	EVP_PKEY *pk = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, 32);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = pk != NULL && ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pk) == 1 &&
	    EVP_DigestVerify(ctx, sig, 64, n > 0 ? p : "", n) == 1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pk);
	return ok;
}

/* The n-th line, without its end. */
static const char *
line_of(const char *p, size_t n, int k, size_t *len)
{
	for (const char *end = p + n, *nl; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			nl = end;
		if (k-- == 0) {
			*len = (size_t)(nl - p);
			return p;
		}
	}
	*len = 0;
	return p;
}

/* "untrusted comment", signature, "trusted comment: ", a signature over signature and comment. */
static const char *
minisign_check(const struct ti_bytes *m, const uint8_t key[42], const char *sig, size_t n)
{
	static const char trusted[] = "trusted comment: ";
	uint8_t s[74], global[64], signed_text[64 + 1024], md[64];
	unsigned md_n;
	size_t len, k, total = n;
	const char *p = line_of(sig, n, 1, &len);

	if (base64(s, sizeof(s), p, len) != sizeof(s) || s[0] != 'E' || (s[1] != 'd' && s[1] != 'D'))
		return "the signature is not one of minisign's";
	if (memcmp(s + 2, key + 2, 8) != 0)
		return "the signature is by another key";
	p = line_of(sig, n, 2, &len);
	k = sizeof(trusted) - 1;
	if (len < k || memcmp(p, trusted, k) != 0 || len - k > 1024)
		return "the signature has no trusted comment";
	memcpy(signed_text, s + 10, 64);
	memcpy(signed_text + 64, p + k, len - k);
	n = 64 + len - k;
	p = line_of(sig, total, 3, &len);
	if (base64(global, sizeof(global), p, len) != sizeof(global) || !holds(key + 10, global, signed_text, n))
		return "the trusted comment was changed";
	if (s[1] == 'd')
		return holds(key + 10, s + 10, m->p, m->n) ? NULL : "the signature doesn't fit";
	if (EVP_Digest(m->n > 0 ? m->p : "", m->n, md, &md_n, EVP_blake2b512(), NULL) != 1)
		return "OpenSSL has no BLAKE2b";
	return holds(key + 10, s + 10, md, sizeof(md)) ? NULL : "the signature doesn't fit";
}

static const char *
raw_check(const struct ti_bytes *m, const uint8_t key[32], const void *sig, size_t n)
{
	uint8_t s[64];

	if (n == 64)
		memcpy(s, sig, 64);
	else if (base64(s, sizeof(s), sig, n) != sizeof(s))
		return "the signature is neither 64 bytes nor their base64";
	return holds(key, s, m->p, m->n) ? NULL : "the signature doesn't fit";
}

const char *
ti_signature_check_bytes(const void *p, size_t n, const char *key64, const void *sig, size_t sig_n)
{
	const struct ti_bytes m = {(void *)(uintptr_t)p, n};
	uint8_t key[42];
	int k = base64(key, sizeof(key), key64, strlen(key64));
	char text[4097] = "";

	if (k != 32 && (k != 42 || key[0] != 'E' || key[1] != 'd'))
		return "public_key is neither a raw Ed25519 key nor one of minisign's";
	if (sig_n >= sizeof(text))
		return "the signature is too long";
	memcpy(text, sig, sig_n);
	return k == 32 ? raw_check(&m, key, text, sig_n) : minisign_check(&m, key, text, sig_n);
}

const char *
ti_signature_check(const char *path, const char *key64, const void *sig, size_t n)
{
	const char *why;
	struct ti_bytes m;

	if (ti_file_map(&m, path) < 0)
		return "can't read the content";
	why = ti_signature_check_bytes(m.p, m.n, key64, sig, n);
	ti_file_unmap(&m);
	return why;
}
