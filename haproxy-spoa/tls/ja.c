/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "haproxy-spoa/tls/ja.h"

/*
 * Text goes to a buffer, to a digest, or to both, so that a list of any length is hashed without a buffer of
 * its size.  <n> counts all of it.
 */
struct sink {
	char		*out;
	size_t		 size, n;
	EVP_MD_CTX	*md;
};

static void
put(struct sink *s, const char *text, size_t n)
{
	for (size_t i = 0; i < n && s->out != NULL && s->n + i + 1 < s->size; i++)
		s->out[s->n + i] = text[i];
	s->n += n;
	if (s->out != NULL && s->size > 0)
		s->out[s->n < s->size ? s->n : s->size - 1] = '\0';
	if (s->md != NULL)
		EVP_DigestUpdate(s->md, text, n);
}

static void
put_hex(struct sink *s, uint16_t v, bool comma)
{
	char b[8];

	put(s, b, (size_t)snprintf(b, sizeof(b), comma ? ",%04x" : "%04x", v));
}

static void
put_decimal(struct sink *s, unsigned v, bool dash)
{
	char b[8];

	put(s, b, (size_t)snprintf(b, sizeof(b), dash ? "-%u" : "%u", v));
}

/* --- JA3 ------------------------------------------------------------------------------------------- */

static void
ja3_list(struct sink *s, struct tls_list16 l)
{
	bool any = false;

	put(s, ",", 1);
	for (size_t i = 0; i < l.n; i++)
		if (!tls_is_grease(tls_u16(l, i))) {
			put_decimal(s, tls_u16(l, i), any);
			any = true;
		}
}

static void
ja3_write(struct sink *s, const struct tls_hello *h)
{
	bool any = false;

	put_decimal(s, h->legacy_version, false);
	ja3_list(s, h->ciphers);
	put(s, ",", 1);
	for (size_t i = 0; i < h->n_ext; i++)
		if (!tls_is_grease(h->ext[i])) {
			put_decimal(s, h->ext[i], any);
			any = true;
		}
	ja3_list(s, h->groups);
	put(s, ",", 1);
	for (size_t i = 0; i < h->point_formats.n; i++)
		put_decimal(s, h->point_formats.p[i], i > 0);
}

size_t
ja3_text(char *out, size_t size, const struct tls_hello *h)
{
	struct sink s = {.out = out, .size = size};

	ja3_write(&s, h);
	return s.n;
}

/* <bytes> of the digest in hexadecimal; "0"s where there is no digest to be had. */
static void
digest_hex(EVP_MD_CTX *md, char *out, unsigned bytes)
{
	unsigned char d[EVP_MAX_MD_SIZE] = {0};

	if (md != NULL)
		EVP_DigestFinal_ex(md, d, NULL);
	for (unsigned i = 0; i < bytes; i++)
		snprintf(out + 2 * i, 3, "%02x", d[i]);
}

static EVP_MD_CTX *
digest_start(const EVP_MD *type)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	if (md != NULL && EVP_DigestInit_ex(md, type, NULL) != 1) {
		EVP_MD_CTX_free(md);
		md = NULL;
	}
	return md;
}

void
ja3_hash(char out[JA3_HEX], const struct tls_hello *h)
{
	struct sink s = {.md = digest_start(EVP_md5())};

	ja3_write(&s, h);
	digest_hex(s.md, out, 16);
	EVP_MD_CTX_free(s.md);
}

/* --- JA4 ------------------------------------------------------------------------------------------- */

static int
by_value(const void *a, const void *b)
{
	uint16_t x = *(const uint16_t *)a, y = *(const uint16_t *)b;

	return x < y ? -1 : x > y;
}

static const char *
version_text(uint16_t v)
{
	static const struct {
		uint16_t	v;
		const char	*text;
	} known[] = {
		{0x0304, "13"}, {0x0303, "12"}, {0x0302, "11"}, {0x0301, "10"}, {0x0300, "s3"}, {0x0002, "s2"},
		{0xfeff, "d1"}, {0xfefd, "d2"}, {0xfefc, "d3"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].v == v)
			return known[i].text;
	return "00";
}

/*
 * "the highest value in the extension" supported_versions, else the legacy field.  By number, as the definition says and
 * every tool has it, although DTLS counts downwards: a client that offers DTLS 1.3 and 1.2 is "d2".
 */
static uint16_t
version_of(const struct tls_hello *h)
{
	uint16_t best = 0, v;

	for (size_t i = 0; i < h->versions.n; i++) {
		v = tls_u16(h->versions, i);
		if (tls_is_grease(v))
			continue;
		if (v > best)
			best = v;
	}
	return best ? best : h->legacy_version;
}

static bool
alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static void
alpn_ends(char out[2], struct tls_bytes alpn)
{
	static const char hex[] = "0123456789abcdef";

	out[0] = out[1] = '0';
	if (alpn.n == 0)
		return;
	if (alnum(alpn.p[0]) && alnum(alpn.p[alpn.n - 1])) {
		out[0] = (char)alpn.p[0];
		out[1] = (char)alpn.p[alpn.n - 1];
	} else {
		out[0] = hex[alpn.p[0] >> 4];
		out[1] = hex[alpn.p[alpn.n - 1] & 15];
	}
}

struct ja4 {
	uint16_t	 cipher[TLS_CIPHERS_MAX], ext[TLS_EXTENSIONS_MAX];
	size_t		 n_cipher, n_ext, n_ext_all;
	char		 a[16];
};

static void
ja4_collect(struct ja4 *j, const struct tls_hello *h)
{
	char alpn[2];
	uint16_t v;

	j->n_cipher = j->n_ext = j->n_ext_all = 0;
	for (size_t i = 0; i < h->ciphers.n; i++)
		if (!tls_is_grease(v = tls_u16(h->ciphers, i)))
			j->cipher[j->n_cipher++] = v;
	for (size_t i = 0; i < h->n_ext; i++) {
		if (tls_is_grease(h->ext[i]))
			continue;
		j->n_ext_all++;
		if (h->ext[i] != 0 && h->ext[i] != 16)	/* SNI and ALPN are in part a */
			j->ext[j->n_ext++] = h->ext[i];
	}
	qsort(j->cipher, j->n_cipher, sizeof(*j->cipher), by_value);
	qsort(j->ext, j->n_ext, sizeof(*j->ext), by_value);
	alpn_ends(alpn, h->alpn);
	snprintf(j->a, sizeof(j->a), "%c%s%c%02zu%02zu%c%c", (char)h->transport, version_text(version_of(h)),
	    h->has_sni ? 'd' : 'i', j->n_cipher < 99 ? j->n_cipher : 99, j->n_ext_all < 99 ? j->n_ext_all : 99, alpn[0],
	    alpn[1]);
}

static void
ja4_ciphers(struct sink *s, const struct ja4 *j)
{
	for (size_t i = 0; i < j->n_cipher; i++)
		put_hex(s, j->cipher[i], i > 0);
}

/* Sorted extensions, "_", signature algorithms in the order sent; no "_" without any. */
static void
ja4_extensions(struct sink *s, const struct ja4 *j, const struct tls_hello *h)
{
	bool any = false;

	for (size_t i = 0; i < j->n_ext; i++)
		put_hex(s, j->ext[i], i > 0);
	for (size_t i = 0; i < h->sigalgs.n; i++) {
		if (tls_is_grease(tls_u16(h->sigalgs, i)))
			continue;
		if (!any)
			put(s, "_", 1);
		put_hex(s, tls_u16(h->sigalgs, i), any);
		any = true;
	}
}

void
ja4_hash(char out[JA4_LEN], const struct tls_hello *h)
{
	struct sink b = {.md = digest_start(EVP_sha256())}, c = {.md = digest_start(EVP_sha256())};
	char hb[13] = "000000000000", hc[13] = "000000000000";
	struct ja4 j;

	ja4_collect(&j, h);
	ja4_ciphers(&b, &j);
	ja4_extensions(&c, &j, h);
	if (j.n_cipher > 0)
		digest_hex(b.md, hb, 6);
	if (j.n_ext > 0)
		digest_hex(c.md, hc, 6);
	snprintf(out, JA4_LEN, "%.10s_%.12s_%.12s", j.a, hb, hc);
	EVP_MD_CTX_free(b.md);
	EVP_MD_CTX_free(c.md);
}

size_t
ja4_raw(char *out, size_t size, const struct tls_hello *h)
{
	struct sink s = {.out = out, .size = size};
	struct ja4 j;

	ja4_collect(&j, h);
	put(&s, j.a, strlen(j.a));
	put(&s, "_", 1);
	ja4_ciphers(&s, &j);
	put(&s, "_", 1);
	ja4_extensions(&s, &j, h);
	return s.n;
}
