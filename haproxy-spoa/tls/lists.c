/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/tls/lists.h"

enum { EXT_SERVER_NAME = 0, EXT_SIGNATURE_ALGORITHMS = 13, EXT_ALPN = 16, EXT_SUPPORTED_VERSIONS = 43 };

static struct tls_list16
list16(struct tls_bytes b, bool *even)
{
	*even &= b.n % 2 == 0;
	return (struct tls_list16){b.p, b.n / 2};
}

static bool
has_extension(const struct tls_hello *h, uint16_t type)
{
	for (size_t i = 0; i < h->n_ext; i++)
		if (h->ext[i] == type)
			return true;
	return false;
}

static bool
extensions_take(struct tls_hello *h, struct tls_list16 all)
{
	if (all.n > TLS_EXTENSIONS_MAX)
		return false;
	for (size_t i = 0; i < all.n; i++) {
		if (has_extension(h, tls_u16(all, i)))
			return false;
		h->ext[h->n_ext++] = tls_u16(all, i);
	}
	return true;
}

static bool
bytes_are(struct tls_bytes b, const char *text)
{
	return b.n == strlen(text) && memcmp(b.p, text, b.n) == 0;
}

enum tls_result
tls_hello_lists(struct tls_hello *h, const struct tls_lists *l, bool *whole)
{
	bool even = true;

	memset(h, 0, sizeof(*h));
	*whole = false;
	if (l->hello_id == 0 || l->ciphers.n == 0)
		return TLS_SHORT;
	h->transport = l->alpn.n > 0 && bytes_are(l->alpn, "h3") ? TLS_OVER_QUIC : TLS_OVER_TCP;
	h->legacy_version = (uint16_t)l->hello_id;
	h->ciphers = list16(l->ciphers, &even);
	h->groups = list16(l->groups, &even);
	h->sigalgs = list16(l->sigalgs, &even);
	h->versions = list16(l->versions, &even);
	h->point_formats = l->formats;
	if (!even || l->hello_id > 0xffff || h->ciphers.n > TLS_CIPHERS_MAX || !extensions_take(h, list16(l->exts, &even)) || !even)
		return TLS_MALFORMED;
	h->has_sni = has_extension(h, EXT_SERVER_NAME);
	h->has_alpn = has_extension(h, EXT_ALPN);
	h->alpn = l->alpn;
	/* The client sent it, HAProxy didn't keep it: half of a hello has no JA4. */
	*whole = !(has_extension(h, EXT_SIGNATURE_ALGORITHMS) && h->sigalgs.n == 0) &&
	    !(has_extension(h, EXT_SUPPORTED_VERSIONS) && h->versions.n == 0);
	return TLS_OK;
}
