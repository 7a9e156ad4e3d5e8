/* SPDX-License-Identifier: MIT */
/* Codes: base64, hexadecimal, digests, UTF-8 written out. */
#include "config.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#include "haproxy-spoa/waf/transform_private.h"
#include "lib/base64.h"

#define RUN_ARGS	unsigned char *restrict out, const unsigned char *restrict p, size_t n, \
			const struct waf_unimap *map

#define X16(v)	v, v, v, v, v, v, v, v, v, v, v, v, v, v, v, v
const signed char tfn_hex[256] = {
	X16(-1), X16(-1), X16(-1),
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -1, -1, -1, -1, -1,
	-1, 10, 11, 12, 13, 14, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, X16(-1),
	-1, 10, 11, 12, 13, 14, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, X16(-1),
	X16(-1), X16(-1), X16(-1), X16(-1), X16(-1), X16(-1), X16(-1), X16(-1),
};
#undef X16

static const char hex_digit[] = "0123456789abcdef";

/* Whole bytes of the digits; a rest of less than eight bits is dropped, padding is not asked for. */
static size_t
base64_run(unsigned char *out, const unsigned char *p, size_t n, bool skip)
{
	unsigned acc = 0, bits = 0;
	size_t o = 0;
	int v;

	for (size_t i = 0; i < n; i++) {
		v = p[i] == '-' || p[i] == '_' ? -1 : base64_value[p[i]];
		if (v < 0 && !skip)
			break;
		if (v < 0)
			continue;
		acc = acc << 6 | (unsigned)v;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[o++] = (unsigned char)(acc >> bits);
		}
	}
	return o;
}

size_t
tfn_base64_decode(RUN_ARGS)
{
	(void)map;
	return base64_run(out, p, n, false);
}

size_t
tfn_base64_decode_ext(RUN_ARGS)
{
	(void)map;
	return base64_run(out, p, n, true);
}

size_t
tfn_base64_encode(RUN_ARGS)
{
	(void)map;
	/* Takes an int, and ends with a NUL, for which there is room. */
	return n <= INT32_MAX / 2 ? (size_t)EVP_EncodeBlock(out, p, (int)n) : SIZE_MAX;
}

/* What is no digit counts by its distance from 'A', as it does in ModSecurity: garbage, but the same garbage. */
static unsigned
any_digit(unsigned char c)
{
	return c >= 'A' ? (c & 0xdfu) - 'A' + 10 : (unsigned)c - '0';
}

size_t
tfn_hex_decode(RUN_ARGS)
{
	size_t o = 0;

	(void)map;
	for (size_t i = 0; n - i >= 2; i += 2)
		out[o++] = (unsigned char)(any_digit(p[i]) * 16 + any_digit(p[i + 1]));
	return o;
}

size_t
tfn_hex_encode(RUN_ARGS)
{
	(void)map;
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = (unsigned char)hex_digit[p[i] >> 4];
		out[2 * i + 1] = (unsigned char)hex_digit[p[i] & 15];
	}
	return 2 * n;
}

/* 0x414243 is "ABC"; pairs of digits until there are no more. */
size_t
tfn_sql_hex(RUN_ARGS)
{
	size_t i = 0, o = 0;

	(void)map;
	while (i < n) {
		if (p[i] == '0' && n - i >= 4 && (p[i + 1] | 32) == 'x' && tfn_is_hex2(p + i + 2))
			for (i += 2; n - i >= 2 && tfn_is_hex2(p + i); i += 2)
				out[o++] = tfn_hex2(p + i);
		else
			out[o++] = p[i++];
	}
	return o;
}

/*
 * With EVP_md5() and EVP_sha1() OpenSSL 3 looks the algorithm up under locks in every call, which costs more than
 * a request; so it is fetched once, and what fetching can't find is looked up as before.
 */
static EVP_MD *fetched_md5, *fetched_sha1;

static void
fetch_digests(void)
{
	fetched_md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	fetched_sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
}

static size_t
digest(unsigned char *out, const unsigned char *p, size_t n, EVP_MD *const *fetched, const EVP_MD *other)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	unsigned len = 0;

	pthread_once(&once, fetch_digests);
	return EVP_Digest(p, n, out, &len, *fetched != NULL ? *fetched : other, NULL) == 1 ? len : SIZE_MAX;
}

size_t
tfn_md5(RUN_ARGS)
{
	(void)map;
	return digest(out, p, n, &fetched_md5, EVP_md5());
}

size_t
tfn_sha1(RUN_ARGS)
{
	(void)map;
	return digest(out, p, n, &fetched_sha1, EVP_sha1());
}

/*
 * Bytes of the character of more than one byte at p and its code point; 0: none.  Overlong forms and surrogates
 * are read as what they stand for: whoever decodes them behind us would do so, and a rule has to see it.
 */
static size_t
utf8_loose(const unsigned char *p, size_t n, unsigned *cp)
{
	size_t len = (p[0] & 0xe0) == 0xc0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : (p[0] & 0xf8) == 0xf0 ? 4 : 0;

	if (len == 0 || len > n)
		return 0;
	*cp = p[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (p[i] & 0x3fu);
	}
	return *cp <= 0x10ffff ? len : 0;
}

/* %u and at least four digits. */
static size_t
write_u(unsigned char *out, unsigned cp)
{
	int digits = cp > 0xfffff ? 6 : cp > 0xffff ? 5 : 4;
	size_t o = 0;

	out[o++] = '%';
	out[o++] = 'u';
	while (digits-- > 0)
		out[o++] = (unsigned char)hex_digit[cp >> (4 * digits) & 15];
	return o;
}

size_t
tfn_utf8_to_unicode(RUN_ARGS)
{
	size_t i = 0, o = 0, k;
	unsigned cp;

	(void)map;
	while (i < n) {
		k = p[i] >= 0x80 ? utf8_loose(p + i, n - i, &cp) : 0;
		if (k != 0)
			o += write_u(out + o, cp);
		else
			out[o++] = p[i];
		i += k != 0 ? k : 1;
	}
	return o;
}
