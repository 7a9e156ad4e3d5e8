/* SPDX-License-Identifier: MIT */
/* Signatures made here with OpenSSL, in raw form and as minisign writes them; and each byte of them changed. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "tests/unit/lib/temp.h"
#include "ti-sync/verify.h"

static char dir[TEMP_PATH], path[TEMP_PATH + 16];
static const char content[] = "bad-one.com\nbad-two.com\n";
static EVP_PKEY *key;
static uint8_t pub[32];

static int
setup(void **state)
{
	size_t n = sizeof(pub);

	temp_new(dir);
	temp_write(dir, "content", content, sizeof(content) - 1);
	snprintf(path, sizeof(path), "%s/content", dir);
	key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	return key != NULL && EVP_PKEY_get_raw_public_key(key, pub, &n) == 1 ? 0 : -1;
}

static int
teardown(void **state)
{
	EVP_PKEY_free(key);
	temp_remove(dir);
	return 0;
}

static void
sign(uint8_t out[64], const void *p, size_t n)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t len = 64;

	assert_int_equal(EVP_DigestSignInit(c, NULL, NULL, NULL, key), 1);
	assert_int_equal(EVP_DigestSign(c, out, &len, p, n), 1);
	EVP_MD_CTX_free(c);
}

static void
base64(char *out, const void *p, size_t n)
{
	EVP_EncodeBlock((uint8_t *)out, p, (int)n);
}

static void
test_raw(void **state)
{
	char key64[64], sig64[128];
	uint8_t sig[64];

	base64(key64, pub, 32);
	sign(sig, content, sizeof(content) - 1);
	assert_null(ti_signature_check(path, key64, sig, 64));
	base64(sig64, sig, 64);
	assert_null(ti_signature_check(path, key64, sig64, strlen(sig64)));
	strcat(sig64, "\n");
	assert_null(ti_signature_check(path, key64, sig64, strlen(sig64)));
	for (int i = 0; i < 64; i++) {
		sig[i] ^= 1;
		assert_non_null(ti_signature_check(path, key64, sig, 64));
		sig[i] ^= 1;
	}
	assert_non_null(ti_signature_check(path, key64, sig, 63));
	assert_non_null(ti_signature_check(path, key64, "", 0));
	assert_non_null(ti_signature_check(path, "c2hvcnQ=", sig, 64));
	assert_non_null(ti_signature_check(path, "", sig, 64));
}

/* kind 'd' signs the content, 'D' its BLAKE2b-512. */
static size_t
minisign(char *out, size_t size, char kind)
{
	static const char comment[] = "timestamp:1700000000";
	uint8_t s[74] = {'E', (uint8_t)kind, 1, 2, 3, 4, 5, 6, 7, 8}, md[64], both[64 + sizeof(comment)], global[64];
	char a[128], b[128];
	unsigned n;

	assert_int_equal(EVP_Digest(content, sizeof(content) - 1, md, &n, EVP_blake2b512(), NULL), 1);
	if (kind == 'd')
		sign(s + 10, content, sizeof(content) - 1);
	else
		sign(s + 10, md, sizeof(md));
	memcpy(both, s + 10, 64);
	memcpy(both + 64, comment, sizeof(comment) - 1);
	sign(global, both, 64 + sizeof(comment) - 1);
	base64(a, s, sizeof(s));
	base64(b, global, sizeof(global));
	return (size_t)snprintf(out, size, "untrusted comment: x\n%s\ntrusted comment: %s\n%s\n", a, comment, b);
}

static void
test_minisign(void **state)
{
	uint8_t k[42] = {'E', 'd', 1, 2, 3, 4, 5, 6, 7, 8};
	char key64[64], sig[1024];

	memcpy(k + 10, pub, 32);
	base64(key64, k, sizeof(k));
	for (const char *kind = "dD"; *kind != '\0'; kind++) {
		size_t n = minisign(sig, sizeof(sig), *kind);

		assert_null(ti_signature_check(path, key64, sig, n));
		/* Everything behind the untrusted comment counts, but the words "trusted comment: " are checked as such. */
		for (size_t i = 21; i < n - 1; i++) {
			char was = sig[i];

			sig[i] = was == 'A' ? 'B' : 'A';
			assert_non_null(ti_signature_check(path, key64, sig, n));
			sig[i] = was;
		}
		for (size_t i = 0; i + 2 < n; i += 7)
			assert_non_null(ti_signature_check(path, key64, sig, i));
	}
	k[3]++;
	base64(key64, k, sizeof(k));
	assert_string_equal(ti_signature_check(path, key64, sig, minisign(sig, sizeof(sig), 'D')), "the signature is by another key");
}

static void
test_changed_content(void **state)
{
	char key64[64], other[TEMP_PATH + 16];
	uint8_t sig[64];

	base64(key64, pub, 32);
	sign(sig, content, sizeof(content) - 1);
	temp_write(dir, "other", "bad-one.com\n", 12);
	snprintf(other, sizeof(other), "%s/other", dir);
	assert_string_equal(ti_signature_check(other, key64, sig, 64), "the signature doesn't fit");
	assert_non_null(ti_signature_check("/nonexistent", key64, sig, 64));
}

static void
test_sha256(void **state)
{
	char hex[65];

	temp_write(dir, "abc", "abc", 3);
	snprintf(path, sizeof(path), "%s/abc", dir);
	assert_int_equal(ti_sha256_file(path, hex), 0);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");	/* FIPS 180-2 */
	assert_non_null(ti_sha256_find("BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  abc\n", 70, hex));
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_null(ti_sha256_find("ba7816bf", 8, hex));
	assert_null(ti_sha256_find("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad00", 66, hex));
	snprintf(path, sizeof(path), "%s/content", dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raw), cmocka_unit_test(test_minisign), cmocka_unit_test(test_changed_content),
		cmocka_unit_test(test_sha256),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
