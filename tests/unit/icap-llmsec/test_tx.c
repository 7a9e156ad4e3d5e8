/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "icap-llmsec/mask.h"
#include "lib/diag.h"
#include "lib/edge_sign.h"

#define KEY_A "a 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
#define KEY_B "b f00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
#define KEY_A2 "a f00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"

static struct keyring *
keyring(const char *text)
{
	char path[] = "/tmp/test_tx.XXXXXX";
	int fd = mkstemp(path);
	struct diag *d = diag_new();
	struct keyring *kr;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(keyring_load(&kr, path, d), 0);
	unlink(path);
	diag_free(&d);
	return kr;
}

static struct buf
sealed(const struct keyring *kr, size_t originals)
{
	struct tx tx = { .request_id = "req-1", .flags = TX_STREAM | TX_INSPECTED };
	struct buf b = { 0 };
	char s[64];

	if (originals > 0)
		tx.vault = mask_vault_new();
	for (size_t i = 0; i < originals; i++) {
		snprintf(s, sizeof(s), "user%zu@example.org", i);
		assert_non_null(mask_token(tx.vault, i & 1 ? "CARD" : "EMAIL", s, strlen(s)));
	}
	assert_int_equal(tx_seal(&b, kr, &tx), 0);
	tx_clear(&tx);
	return b;
}

static void
test_round_trip(void **state)
{
	struct keyring *kr = keyring(KEY_A);
	static const size_t sizes[] = { 0, 1, 2, 3, 100, 300 };
	struct tx tx;
	size_t n;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct buf b = sealed(kr, sizes[i]), again = sealed(kr, sizes[i]);

		assert_true(buf_len(&b) <= TX_MAX);
		assert_memory_equal(buf_ptr(&b), "v1.a.", 5);
		assert_null(memmem(buf_ptr(&b), buf_len(&b), "example", 7));
		assert_memory_not_equal(buf_ptr(&b), buf_ptr(&again), buf_len(&b));	/* a nonce each */
		assert_int_equal(tx_open(&tx, kr, buf_ptr(&b), buf_len(&b)), 0);
		assert_string_equal(tx.request_id, "req-1");
		assert_int_equal(tx.flags, TX_STREAM | TX_INSPECTED);
		assert_int_equal(mask_vault_count(tx.vault), sizes[i]);
		if (sizes[i] >= 2)
			assert_memory_equal(mask_original(tx.vault, "[CARD_2]", 8, &n), "user1@example.org", 17);
		tx_clear(&tx);
		assert_null(tx.vault);
		buf_free(&b);
		buf_free(&again);
	}
	keyring_free(&kr);
}

/* Reserved numbers leave gaps between tokens; they must survive. */
static void
test_gaps(void **state)
{
	struct keyring *kr = keyring(KEY_A);
	struct tx in = { .request_id = "r", .vault = mask_vault_new() }, out;
	struct buf b = { 0 };
	size_t n;

	mask_reserve(in.vault, "[X_1][X_3]", 10);
	assert_string_equal(mask_token(in.vault, "EMAIL", "a", 1), "[EMAIL_2]");
	assert_string_equal(mask_token(in.vault, "EMAIL", "b", 1), "[EMAIL_4]");
	assert_int_equal(tx_seal(&b, kr, &in), 0);
	assert_int_equal(tx_open(&out, kr, buf_ptr(&b), buf_len(&b)), 0);
	assert_memory_equal(mask_original(out.vault, "[EMAIL_4]", 9, &n), "b", 1);
	assert_null(mask_original(out.vault, "[EMAIL_3]", 9, &n));
	tx_clear(&in);
	tx_clear(&out);
	buf_free(&b);
	keyring_free(&kr);
}

static void
refused(const struct keyring *kr, const char *s, size_t len)
{
	struct tx tx;

	assert_int_equal(tx_open(&tx, kr, s, len), -EBADMSG);
	assert_null(tx.vault);
}

static void
test_tampered(void **state)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ ";
	struct keyring *kr = keyring(KEY_A KEY_B);
	struct buf b = sealed(kr, 3);
	char *s = strndup(buf_ptr(&b), buf_len(&b));
	size_t len = strlen(s);

	for (size_t i = 0; i < len; i++) {	/* every byte, every value it may have */
		char was = s[i];

		for (size_t k = 0; k < sizeof(alphabet); k++)
			if (alphabet[k] != was) {
				s[i] = alphabet[k];
				refused(kr, s, len);
			}
		s[i] = was;
		refused(kr, s, i);
	}
	s[3] = 'b';	/* another key of the same ring */
	refused(kr, s, len);
	refused(kr, "", 0);
	refused(kr, "v1..", 4);
	refused(kr, "v1.a.", 5);
	refused(NULL, buf_ptr(&b), buf_len(&b));
	free(s);
	buf_free(&b);
	keyring_free(&kr);
}

static void
test_rotation(void **state)
{
	struct keyring *old = keyring(KEY_A), *both = keyring(KEY_B KEY_A), *new = keyring(KEY_B), *changed = keyring(KEY_A2);
	struct buf b = sealed(old, 1), c = sealed(both, 1);
	struct tx tx;

	assert_int_equal(tx_open(&tx, both, buf_ptr(&b), buf_len(&b)), 0);
	tx_clear(&tx);
	assert_memory_equal(buf_ptr(&c), "v1.b.", 5);
	assert_int_equal(tx_open(&tx, new, buf_ptr(&c), buf_len(&c)), 0);
	tx_clear(&tx);
	refused(old, buf_ptr(&c), buf_len(&c));
	refused(new, buf_ptr(&b), buf_len(&b));		/* stale: its key is gone */
	refused(changed, buf_ptr(&b), buf_len(&b));	/* or means another */
	buf_free(&b);
	buf_free(&c);
	keyring_free(&old);
	keyring_free(&both);
	keyring_free(&new);
	keyring_free(&changed);
}

static void
test_limits(void **state)
{
	struct keyring *kr = keyring(KEY_A);
	struct tx tx = { .request_id = "r", .vault = mask_vault_new() };
	static char big[TX_MAX];
	struct buf b = { 0 };

	memset(big, 'x', sizeof(big));
	assert_int_equal(tx_seal(&b, NULL, &tx), -ENOKEY);
	assert_non_null(mask_token(tx.vault, "EMAIL", big, sizeof(big)));
	assert_int_equal(tx_seal(&b, kr, &tx), -EMSGSIZE);
	assert_int_equal(buf_len(&b), 0);
	refused(kr, big, sizeof(big));
	tx_clear(&tx);
	buf_free(&b);
	keyring_free(&kr);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_gaps), cmocka_unit_test(test_tampered),
		cmocka_unit_test(test_rotation), cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
