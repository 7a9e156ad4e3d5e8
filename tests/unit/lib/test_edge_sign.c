/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/diag.h"
#include "lib/edge_sign.h"
#include "tests/unit/lib/temp.h"

#define KEY_A	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B	"ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define NOW	((time_t)1700000000)
/* Computed with Python's hmac over the message that lib/edge_sign.h describes. */
#define MAC_A	"cf23bb5d6341479dbb45d278fab6c55ee68fd48fa471d5504d93cdb1fa30c38f"
#define SIG_A	"v1;kid=a;ts=1700000000;mac=" MAC_A

static char dir[TEMP_PATH], path[TEMP_PATH + 16];

static int
setup(void **state)
{
	temp_new(dir);
	snprintf(path, sizeof(path), "%s/keys", dir);
	return 0;
}

static int
teardown(void **state)
{
	temp_remove(dir);
	return 0;
}

static struct keyring *
ring(const char *text)
{
	struct keyring *kr;
	struct diag *d = diag_new();

	temp_write(dir, "keys", text, strlen(text));
	if (keyring_load(&kr, path, d) != 0)
		fail_msg("%s", diag_first(d));
	assert_int_equal(diag_warnings(d), 0);
	diag_free(&d);
	return kr;
}

static const struct edge_vals vals = {
	.v = { "12", "3", "aaa", "t13d", "DE", "192.0.2.7", NULL },
	.len = { 2, 1, 3, 4, 2, 9, 5 },
};

static enum edge_verdict
verify(const struct keyring *kr, const struct edge_vals *v, const char *sig, time_t now)
{
	return edge_verify(kr, v, sig, strlen(sig), now, 30);
}

static void
test_known_signature(void **state)
{
	struct keyring *kr = ring("a " KEY_A "\n");
	char sig[EDGE_SIG_MAX];

	assert_int_equal(edge_sign(sig, kr, &vals, NOW), 0);
	assert_string_equal(sig, SIG_A);
	assert_int_equal(verify(kr, &vals, sig, NOW), EDGE_OK);
	keyring_free(&kr);
	assert_null(kr);
	keyring_free(&kr);
}

/* No value can change, move into its neighbour, or vanish. */
static void
test_forged_values(void **state)
{
	struct keyring *kr = ring("a " KEY_A "\n");
	char text[16], sig[EDGE_SIG_MAX];
	struct edge_vals v;

	for (int i = 0; i < EDGE_HDR_N; i++) {
		for (size_t k = 0; v = vals, vals.v[i] != NULL && k < vals.len[i]; k++) {
			memcpy(text, vals.v[i], vals.len[i]);
			text[k] ^= 1;
			v.v[i] = text;
			assert_int_equal(verify(kr, &v, SIG_A, NOW), EDGE_FORGED);
		}
		v = vals;
		v.v[i] = vals.v[i] ? NULL : "x";
		v.len[i] = 1;
		assert_int_equal(verify(kr, &v, SIG_A, NOW), EDGE_FORGED);
	}
	v = vals;
	v.v[0] = "1";
	v.len[0] = 1;
	v.v[1] = "23";
	v.len[1] = 2;
	assert_int_equal(verify(kr, &v, SIG_A, NOW), EDGE_FORGED);
	/* An absent header and an empty one are the same, as the contract says. */
	v = vals;
	v.v[EDGE_REQUEST_ID] = "";
	v.len[EDGE_REQUEST_ID] = 0;
	assert_int_equal(verify(kr, &v, SIG_A, NOW), EDGE_OK);
	/* Bytes after a NUL count. */
	v.v[EDGE_REQUEST_ID] = "a\0b";
	v.len[EDGE_REQUEST_ID] = 3;
	assert_int_equal(edge_sign(sig, kr, &v, NOW), 0);
	v.v[EDGE_REQUEST_ID] = "a\0c";
	assert_int_equal(verify(kr, &v, sig, NOW), EDGE_FORGED);
	keyring_free(&kr);
}

static void
test_forged_signature(void **state)
{
	struct keyring *kr = ring("a " KEY_A "\n"), *other;
	char sig[sizeof(SIG_A)];

	for (size_t i = strlen("v1;kid=a;ts="); i < strlen(SIG_A); i++) {
		memcpy(sig, SIG_A, sizeof(sig));
		if (strspn(sig + i, "0123456789abcdef") == 0 || strncmp(sig + i, "ac=", 3) == 0)
			continue;	/* ";mac=" */
		sig[i] = sig[i] == '0' ? '1' : '0';
		assert_int_equal(verify(kr, &vals, sig, NOW), strncmp(&SIG_A[i], "c=", 2) ? EDGE_FORGED : EDGE_MALFORMED);
	}
	other = ring("a " KEY_B "\n");	/* another house, the same name */
	assert_int_equal(verify(other, &vals, SIG_A, NOW), EDGE_FORGED);
	keyring_free(&other);
	keyring_free(&kr);
}

/* A replay works inside the window only, whichever way the clocks differ. */
static void
test_window(void **state)
{
	struct keyring *kr = ring("a " KEY_A "\n");

	for (int age = -40; age <= 40; age++)
		assert_int_equal(verify(kr, &vals, SIG_A, NOW + age), age >= -30 && age <= 30 ? EDGE_OK : EDGE_STALE);
	assert_int_equal(edge_verify(kr, &vals, SIG_A, strlen(SIG_A), NOW, 0), EDGE_OK);
	assert_int_equal(edge_verify(kr, &vals, SIG_A, strlen(SIG_A), NOW + 1, 0), EDGE_STALE);
	assert_int_equal(verify(kr, &vals, SIG_A, 0), EDGE_STALE);
	assert_int_equal(verify(kr, &vals, SIG_A, INT64_MAX / 2), EDGE_STALE);
	keyring_free(&kr);
}

static void
test_rotation(void **state)
{
	struct keyring *before = ring("a " KEY_A "\n"), *during = ring("b " KEY_B "\na " KEY_A "\n"),
	    *after = ring("b " KEY_B "\n");
	char sig[EDGE_SIG_MAX];

	assert_string_equal(keyring_first_id(during), "b");
	assert_int_equal(verify(during, &vals, SIG_A, NOW), EDGE_OK);
	assert_int_equal(edge_sign(sig, during, &vals, NOW), 0);
	assert_memory_equal(sig, "v1;kid=b;", 9);
	assert_int_equal(verify(during, &vals, sig, NOW), EDGE_OK);
	assert_int_equal(verify(after, &vals, sig, NOW), EDGE_OK);
	assert_int_equal(verify(after, &vals, SIG_A, NOW), EDGE_UNKNOWN_KEY);
	assert_int_equal(verify(before, &vals, sig, NOW), EDGE_UNKNOWN_KEY);
	memcpy(sig, "v1;kid=a;", 9);	/* b's signature under a's name */
	assert_int_equal(verify(during, &vals, sig, NOW), EDGE_FORGED);
	keyring_free(&before);
	keyring_free(&during);
	keyring_free(&after);
}

static void
test_malformed(void **state)
{
	static const char *const bad[] = {
		"x", "v1", "v1;", "v2;kid=a;ts=1700000000;mac=" MAC_A, "V1;kid=a;ts=1700000000;mac=" MAC_A,
		" " SIG_A, SIG_A " ", SIG_A "0", SIG_A ";x=y", "v1;kid=;ts=1700000000;mac=" MAC_A,
		"v1;kid=a b;ts=1700000000;mac=" MAC_A, "v1;ts=1700000000;kid=a;mac=" MAC_A, "v1;kid=a;ts=;mac=" MAC_A,
		"v1;kid=a;ts=-1;mac=" MAC_A, "v1;kid=a;ts=+1;mac=" MAC_A, "v1;kid=a;ts=0x1;mac=" MAC_A,
		"v1;kid=a;ts= 1700000000;mac=" MAC_A, "v1;kid=a;ts=9999999999999999;mac=" MAC_A,
		"v1;kid=a;ts=1700000000;mac=", "v1;kid=a;ts=1700000000;mac=g" MAC_A, "v1;kid=a;ts=1700000000",
		"v1;kid=a;ts=1700000000;mac=000102030405060708090A0B0C0D0E0F101112131415161718191a1b1c1d1e1f",
		"v1;kid=a;ts=1700000000;mac=00010203040506070809 a0b0c0d0e0f101112131415161718191a1b1c1d1e1f0",
	};
	struct keyring *kr = ring("a " KEY_A "\n");
	char text[1000];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (verify(kr, &vals, bad[i], NOW) != EDGE_MALFORMED)
			fail_msg("%s", bad[i]);
	for (size_t n = 1; n < strlen(SIG_A); n++)
		assert_int_equal(edge_verify(kr, &vals, SIG_A, n, NOW, 30), EDGE_MALFORMED);
	assert_int_equal(edge_verify(kr, &vals, SIG_A, 0, NOW, 30), EDGE_ABSENT);
	assert_int_equal(edge_verify(kr, &vals, NULL, 0, NOW, 30), EDGE_ABSENT);
	memset(text, 'a', sizeof(text));
	memcpy(text, "v1;kid=", 7);
	assert_int_equal(edge_verify(kr, &vals, text, sizeof(text), NOW, 30), EDGE_MALFORMED);
	memset(text, '\0', sizeof(text));
	assert_int_equal(edge_verify(kr, &vals, text, 100, NOW, 30), EDGE_MALFORMED);
	keyring_free(&kr);
}

static void
test_keyring(void **state)
{
	struct keyring *kr = ring("# first comes the one that signs\r\n\n  new-1.x_Y\t" KEY_B "  \r\n\t# old\nold " KEY_A
	    KEY_A);
	const uint8_t *k;
	size_t n;

	assert_string_equal(keyring_first_id(kr), "new-1.x_Y");
	k = keyring_key(kr, NULL, &n);
	assert_int_equal(n, 32);
	assert_int_equal(k[0], 0xff);
	assert_ptr_equal(keyring_key(kr, "new-1.x_Y", &n), k);
	k = keyring_key(kr, "old", &n);
	assert_int_equal(n, 64);
	assert_int_equal(k[63], 0x1f);
	assert_null(keyring_key(kr, "ol", &n));
	assert_int_equal(n, 0);
	assert_null(keyring_key(kr, "older", &n));
	keyring_free(&kr);
}

struct ring_fault {
	const char	*text, *want;
	size_t		 len;		/* 0: strlen */
};

static const struct ring_fault ring_faults[] = {
	{ "", " error: no key in this file", 0 },
	{ "# nothing\n\n", " error: no key in this file", 0 },
	{ "a\n", "1:2: error: key must be 32 to 256 bytes in hex", 0 },
	{ "\n a 0011\n", "2:4: error: key must be 32 to 256 bytes in hex", 0 },
	{ "a " KEY_A "0\n", "1:3: error: key must be 32 to 256 bytes in hex", 0 },
	{ "a " KEY_A KEY_A KEY_A KEY_A KEY_A KEY_A KEY_A KEY_A "00\n", "1:3: error: key must be 32 to 256 bytes in hex", 0 },
	{ "  a  xy" KEY_A "\n", "1:6: error: key is not hex", 0 },
	{ "a " KEY_A " b\n", "1:3: error: text after the key", 0 },
	{ "a/b " KEY_A "\n", "1:1: error: key id must be 1 to 64 of A-Z a-z 0-9 . _ -", 0 },
	{ "a;b " KEY_A "\n", "1:1: error: key id must be 1 to 64 of A-Z a-z 0-9 . _ -", 0 },
	{ KEY_A "0 " KEY_A "\n", "1:1: error: key id must be 1 to 64 of A-Z a-z 0-9 . _ -", 0 },
	{ "a " KEY_A "\n\n  a " KEY_B "\n", "3:3: error: key id \"a\" is used twice", 0 },
	{ "a " KEY_A "\nb " KEY_B "\0\n", "2: error: line too long or has a NUL byte", 135 },
	{ "a " KEY_A "\nb " KEY_B "\0", "2: error: line too long or has a NUL byte", 134 },
	{ "a " KEY_A "\rb " KEY_B "\n", "1:3: error: text after the key", 0 },
};

static void
test_keyring_faults(void **state)
{
	for (size_t i = 0; i < sizeof(ring_faults) / sizeof(*ring_faults); i++) {
		const struct ring_fault *t = &ring_faults[i];
		struct diag *d = diag_new();
		struct keyring *kr;
		const char *got;

		temp_write(dir, "keys", t->text, t->len ? t->len : strlen(t->text));
		assert_int_equal(keyring_load(&kr, path, d), -EINVAL);
		assert_null(kr);
		got = diag_first(d) + strlen(path) + 1;
		if (strcmp(got, t->want) != 0)
			fail_msg("%s gives %s, wanted %s", t->text, got, t->want);
		diag_free(&d);
		assert_int_equal(keyring_load(&kr, path, NULL), -EINVAL);
	}
}

/* A key never comes back in a message, wherever in its line the mistake is. */
static void
test_messages_hide_keys(void **state)
{
	static const char good[] = "name " KEY_B "\n";
	char text[sizeof(good) + 1], *msg = NULL;
	size_t n = 0;

	for (size_t at = 0; at < sizeof(good) - 1; at++)
		for (const char *c = " \t#/x;"; *c != '\0'; c++) {
			struct diag *d = diag_new();
			struct keyring *kr;
			FILE *f = open_memstream(&msg, &n);

			memcpy(text, good, at);
			text[at] = *c;
			memcpy(text + at + 1, good + at, sizeof(good) - at);
			temp_write(dir, "keys", text, strlen(text));
			keyring_load(&kr, path, d);
			diag_print(d, f);
			fclose(f);
			assert_null(strstr(msg, "ffee"));
			assert_null(strstr(msg, "ddcc"));
			assert_null(strstr(msg, "1100"));
			free(msg);
			keyring_free(&kr);
			diag_free(&d);
		}
}

static void
test_keyring_file(void **state)
{
	struct diag *d = diag_new();
	struct keyring *kr;
	struct buf b = { 0 };
	char gone[TEMP_PATH + 16];

	snprintf(gone, sizeof(gone), "%s/none", dir);
	assert_int_equal(keyring_load(&kr, gone, d), -ENOENT);
	assert_non_null(strstr(diag_first(d), "none: error: cannot open: No such file"));
	temp_write(dir, "keys", "a " KEY_A "\n", 3 + strlen(KEY_A));
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(keyring_load(&kr, path, d), 0);
	assert_int_equal(diag_warnings(d), 1);
	keyring_free(&kr);
	assert_int_equal(chmod(path, 0600), 0);
	for (int i = 0; i < 64; i++)
		buf_printf(&b, "k%d " KEY_A "\n", i);
	temp_write(dir, "keys", b.data, b.len);
	assert_int_equal(keyring_load(&kr, path, d), 0);
	keyring_free(&kr);
	buf_adds(&b, "one-more " KEY_A "\n");
	temp_write(dir, "keys", b.data, b.len);
	assert_int_equal(keyring_load(&kr, path, d), -EINVAL);
	buf_free(&b);
	diag_free(&d);
}

static void *
sign_and_verify(void *kr)
{
	char sig[EDGE_SIG_MAX];

	for (int i = 0; i < 300; i++)
		if (edge_sign(sig, kr, &vals, NOW + i) != 0 || verify(kr, &vals, sig, NOW + i) != EDGE_OK)
			return kr;	/* a signature of our own was refused */
	return NULL;
}

static void
test_threads(void **state)
{
	struct keyring *kr = ring("a " KEY_A "\n");
	pthread_t t[4];
	void *why;

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, sign_and_verify, kr), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], &why);
		assert_null(why);
	}
	keyring_free(&kr);
}

static void
test_names(void **state)
{
	for (int i = 0; i <= EDGE_HDR_N; i++)
		assert_memory_equal(edge_hdr_name[i], "X-Edge99-", 9);
	assert_string_equal(edge_hdr_name[EDGE_HDR_N], "X-Edge99-Signature");
	assert_string_equal(edge_verdict_str(EDGE_OK), "ok");
	assert_string_equal(edge_verdict_str(EDGE_FORGED), "forged");
	assert_string_equal(edge_verdict_str((enum edge_verdict)99), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_signature),
		cmocka_unit_test(test_forged_values),
		cmocka_unit_test(test_forged_signature),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_keyring),
		cmocka_unit_test(test_keyring_faults),
		cmocka_unit_test(test_messages_hide_keys),
		cmocka_unit_test(test_keyring_file),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
