/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "lib/file_write.h"
#include "squid-helpers/audit_chain.h"

void
audit_hex(const uint8_t mac[AUDIT_MAC], char out[2 * AUDIT_MAC + 1])
{
	static const char digit[] = "0123456789abcdef";

	for (size_t i = 0; i < AUDIT_MAC; i++) {
		out[2 * i] = digit[mac[i] >> 4];
		out[2 * i + 1] = digit[mac[i] & 15];
	}
	out[2 * AUDIT_MAC] = '\0';
}

bool
audit_unhex(const char *p, uint8_t mac[AUDIT_MAC])
{
	for (size_t i = 0; i < 2 * AUDIT_MAC; i++) {
		int d = p[i] >= '0' && p[i] <= '9' ? p[i] - '0' : p[i] >= 'a' && p[i] <= 'f' ? p[i] - 'a' + 10 : -1;

		if (d < 0)
			return false;
		mac[i / 2] = (uint8_t)(i % 2 == 0 ? d << 4 : mac[i / 2] | d);
	}
	return true;
}

static int
key_make(const char *path)
{
	uint8_t key[AUDIT_KEY];
	char text[2 * AUDIT_KEY + 2];
	int fd, r;

	if (RAND_bytes(key, sizeof(key)) != 1)
		return -EIO;
	audit_hex(key, text);
	text[2 * AUDIT_KEY] = '\n';
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = file_write_all(fd, text, 2 * AUDIT_KEY + 1);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	close(fd);
	OPENSSL_cleanse(text, sizeof(text));
	OPENSSL_cleanse(key, sizeof(key));
	return r;
}

int
audit_key_read(const char *path, bool make, uint8_t key[AUDIT_KEY])
{
	char text[2 * AUDIT_KEY];
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;

	if (fd < 0 && errno == ENOENT && make) {
		r = key_make(path);
		return r < 0 ? r : audit_key_read(path, false, key);
	}
	if (fd < 0)
		return -errno;
	if (read(fd, text, sizeof(text)) != (ssize_t)sizeof(text) || !audit_unhex(text, key))
		r = -EINVAL;
	close(fd);
	OPENSSL_cleanse(text, sizeof(text));
	return r;
}

static void
mac3(const uint8_t key[AUDIT_KEY], const void *a, size_t na, const void *b, size_t nb, const void *c, size_t nc,
    uint8_t out[AUDIT_MAC])
{
	static EVP_MAC *hmac;
	EVP_MAC_CTX *ctx;
	OSSL_PARAM params[2] = { OSSL_PARAM_construct_utf8_string("digest", (char[]){ "SHA256" }, 0),
	    OSSL_PARAM_construct_end() };
	size_t n;

	if (hmac == NULL)
		hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	ctx = EVP_MAC_CTX_new(hmac);
	/* Without memory or HMAC there is no audit; going on would write records that nobody can check. */
	if (ctx == NULL || !EVP_MAC_init(ctx, key, AUDIT_KEY, params) || !EVP_MAC_update(ctx, a, na) ||
	    !EVP_MAC_update(ctx, b, nb) || (nc > 0 && !EVP_MAC_update(ctx, c, nc)) ||
	    !EVP_MAC_final(ctx, out, &n, AUDIT_MAC))
		abort();
	EVP_MAC_CTX_free(ctx);
}

static void
u64_bytes(uint64_t n, uint8_t out[8])
{
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)(n >> (56 - 8 * i));
}

void
audit_next(const uint8_t key[AUDIT_KEY], struct audit_state *st, const char *text, size_t len)
{
	uint8_t seq[8];

	u64_bytes(++st->seq, seq);
	mac3(key, st->mac, AUDIT_MAC, seq, sizeof(seq), text, len, st->mac);
}

void
audit_proof(const uint8_t key[AUDIT_KEY], const struct audit_state *st, uint8_t out[AUDIT_MAC])
{
	uint8_t seq[8];

	u64_bytes(st->seq, seq);
	mac3(key, "head", 4, st->mac, AUDIT_MAC, seq, sizeof(seq), out);
}

void
audit_header_proof(const uint8_t key[AUDIT_KEY], const struct audit_state *before, unsigned segment, size_t torn,
    uint8_t out[AUDIT_MAC])
{
	uint8_t numbers[24];

	u64_bytes(segment, numbers);
	u64_bytes(before->seq, numbers + 8);
	u64_bytes(torn, numbers + 16);
	mac3(key, "segment", 7, before->mac, AUDIT_MAC, numbers, sizeof(numbers), out);
}
