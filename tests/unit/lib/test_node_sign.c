/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/diag.h"
#include "lib/edge_sign.h"
#include "lib/node_sign.h"

#define K1	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define K2	"202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
#define NOW	1790000000

static const struct node_msg post = { "POST", "/_cluster/blacklist?node=edge1", "[]", 2 };

static struct keyring *
ring(const char *text)
{
	char path[] = "/tmp/llmsec-test-XXXXXX";
	struct keyring *kr = NULL;
	struct diag *d = diag_new();
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	assert_int_equal(keyring_load(&kr, path, d), 0);
	unlink(path);
	diag_free(&d);
	return kr;
}

/* By openssl(1), so that another implementation's idea of the format counts: docs/cluster.md. */
static void
known_answer(void **state)
{
	static const struct node_sig s = { .v = { "a", "1790000000", "00112233445566778899aabbccddeeff",
	    "9f1c0e0000000000000000000000000000000000000000000000000000000000" } };
	struct keyring *kr = ring("a " K1 "\n");
	struct nonces *ns = nonces_new(8, NOW - 1000);
	struct node_sig right = s;

	assert_int_equal(node_verify(&s, kr, ns, &post, NOW), NODE_FORGED);
	strcpy(right.v[NODE_SIGNATURE], "4b21a4eed6926b6a319daa22e4f67ad3b66b83d321b1915da43dcfe19ce34b53");
	assert_int_equal(node_verify(&right, kr, ns, &post, NOW), NODE_OK);
	nonces_free(&ns);
	keyring_free(&kr);
}

static void
round_trip(void **state)
{
	static const struct node_msg other[] = {
		{ "GET", "/_cluster/blacklist?node=edge1", "[]", 2 },
		{ "POST", "/_cluster/blacklist?node=edge2", "[]", 2 },
		{ "POST", "/_cluster/blacklist?node=edge1", "[ ]", 3 },
		{ "POST", "/_cluster/blacklist?node=edge1", NULL, 0 },
		{ "POST/", "_cluster/blacklist?node=edge1", "[]", 2 },
	};
	struct keyring *kr = ring("a " K1 "\n");
	struct nonces *ns = nonces_new(8, NOW - 1000);
	struct node_sig s, t;

	assert_int_equal(node_sign(&s, kr, &post, NOW), 0);
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		assert_int_equal(node_verify(&s, kr, ns, &other[i], NOW), NODE_FORGED);
	for (int i = NODE_TIMESTAMP; i < NODE_HDR_N; i++) {
		t = s;
		t.v[i][strlen(t.v[i]) - 1] ^= 1;
		assert_int_equal(node_verify(&t, kr, ns, &post, NOW), NODE_FORGED);
	}
	assert_int_equal(node_verify(&s, kr, ns, &post, NOW), NODE_OK);
	assert_int_equal(node_verify(&s, kr, ns, &post, NOW), NODE_REPLAYED);
	assert_int_equal(node_sign(&t, kr, &post, NOW), 0);
	assert_string_not_equal(s.v[NODE_NONCE], t.v[NODE_NONCE]);
	assert_int_equal(node_verify(&t, kr, ns, &post, NOW), NODE_OK);
	nonces_free(&ns);
	keyring_free(&kr);
}

static void
clocks(void **state)
{
	struct keyring *kr = ring("a " K1 "\n");
	struct nonces *ns = nonces_new(8, NOW - 10);
	struct node_sig s;

	assert_int_equal(node_sign(&s, kr, &post, NOW), 0);
	assert_int_equal(node_verify(&s, kr, ns, &post, NOW + NODE_WINDOW_S + 1), NODE_STALE);
	assert_int_equal(node_verify(&s, kr, ns, &post, NOW - NODE_WINDOW_S - 1), NODE_STALE);
	assert_int_equal(node_verify(&s, kr, ns, &post, NOW + NODE_WINDOW_S), NODE_OK);
	/* Remembered until it is stale by itself. */
	assert_int_equal(node_verify(&s, kr, ns, &post, NOW + NODE_WINDOW_S), NODE_REPLAYED);
	assert_int_equal(node_verify(&s, kr, ns, &post, NOW - NODE_WINDOW_S), NODE_REPLAYED);
	/* Signed before this process lived. */
	assert_int_equal(node_sign(&s, kr, &post, NOW - 10), 0);
	assert_int_equal(node_verify(&s, kr, ns, &post, NOW), NODE_STALE);
	nonces_free(&ns);
	keyring_free(&kr);
}

/* Each step of a rotation with two nodes: none of them ever refuses the other. */
static void
rotation(void **state)
{
	static const char *const steps[] = { "a " K1 "\n", "a " K1 "\nb " K2 "\n", "b " K2 "\na " K1 "\n", "b " K2 "\n" };
	struct nonces *ns = nonces_new(64, NOW - 1000);
	struct node_sig s;

	for (int i = 0; i < 4; i++) {
		struct keyring *old = ring(steps[i > 0 ? i - 1 : 0]), *new = ring(steps[i]);

		assert_int_equal(node_sign(&s, old, &post, NOW), 0);
		assert_int_equal(node_verify(&s, new, ns, &post, NOW), NODE_OK);
		assert_int_equal(node_sign(&s, new, &post, NOW), 0);
		assert_int_equal(node_verify(&s, old, ns, &post, NOW), NODE_OK);
		keyring_free(&old);
		keyring_free(&new);
	}
	struct keyring *first = ring(steps[0]), *last = ring(steps[3]);

	assert_int_equal(node_sign(&s, first, &post, NOW), 0);
	assert_int_equal(node_verify(&s, last, ns, &post, NOW), NODE_UNKNOWN_KEY);
	keyring_free(&first);
	keyring_free(&last);
	nonces_free(&ns);
}

static void
memory_is_bounded(void **state)
{
	struct keyring *kr = ring("a " K1 "\n");
	struct nonces *ns = nonces_new(4, NOW - 1000);
	struct node_sig s[4], t;

	for (int i = 0; i < 4; i++) {
		assert_int_equal(node_sign(&s[i], kr, &post, NOW), 0);
		assert_int_equal(node_verify(&s[i], kr, ns, &post, NOW), NODE_OK);
	}
	assert_int_equal(node_sign(&t, kr, &post, NOW), 0);
	assert_int_equal(node_verify(&t, kr, ns, &post, NOW), NODE_FULL);
	/* Full, it still knows what it has seen. */
	for (int i = 0; i < 4; i++)
		assert_int_equal(node_verify(&s[i], kr, ns, &post, NOW), NODE_REPLAYED);
	for (int round = 1; round < 5; round++)
		for (int i = 0; i < 4; i++) {
			assert_int_equal(node_sign(&t, kr, &post, NOW + 301 * round), 0);
			assert_int_equal(node_verify(&t, kr, ns, &post, NOW + 301 * round), NODE_OK);
		}
	nonces_free(&ns);
	keyring_free(&kr);
}

static void
shapes(void **state)
{
#define NONCE	"00112233445566778899aabbccddeeff"
#define SIG	K1
	static const char *const bad[][NODE_HDR_N] = {
		{ NULL, "1", NONCE, SIG }, { "a", NULL, NONCE, SIG }, { "a", "1", NULL, SIG }, { "a", "1", NONCE, NULL },
		{ "", "1", NONCE, SIG }, { "a b", "1", NONCE, SIG }, { "a", "-1", NONCE, SIG }, { "a", "1.0", NONCE, SIG },
		{ "a", "1234567890123456", NONCE, SIG }, { "a", "1", "0011", SIG }, { "a", "1", NONCE "00", SIG },
		{ "a", "1", "00112233445566778899AABBCCDDEEFF", SIG }, { "a", "1", NONCE, "00" }, { "a", "1", NONCE, SIG "0" },
		{ "a", " 1", NONCE, SIG }, { "a", "1", NONCE, SIG "000102030405060708090a0b0c0d0e0f" },
	};
	static const char *const none[NODE_HDR_N], *const good[NODE_HDR_N] = { "a", "1", NONCE, SIG };
	struct node_sig s;

	assert_int_equal(node_sig_take(&s, none), NODE_ABSENT);
	assert_int_equal(node_sig_take(&s, good), NODE_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(node_sig_take(&s, bad[i]), NODE_MALFORMED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answer), cmocka_unit_test(round_trip), cmocka_unit_test(clocks),
		cmocka_unit_test(rotation), cmocka_unit_test(memory_is_bounded), cmocka_unit_test(shapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
