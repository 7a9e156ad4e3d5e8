/* SPDX-License-Identifier: MIT */
/* SipHash, and the six slots of one source: what they hold, and what they forget when. */
#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "lib/siphash.h"
#include "haproxy-spoa/behave/window.h"

/* ---- SipHash ---------------------------------------------------------------------------------- */

/* Another implementation: OpenSSL's, bytes of the 128-bit tag. */
static void
oracle(uint8_t out[16], const uint8_t key[16], const uint8_t *p, size_t n)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	EVP_MAC_CTX *c = EVP_MAC_CTX_new(mac);
	unsigned size = 16;
	OSSL_PARAM params[] = {OSSL_PARAM_uint(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_END};
	size_t len = 0;

	assert_int_equal(EVP_MAC_init(c, key, 16, params), 1);
	assert_int_equal(EVP_MAC_update(c, p, n), 1);
	assert_int_equal(EVP_MAC_final(c, out, &len, 16), 1);
	assert_int_equal(len, 16);
	EVP_MAC_CTX_free(c);
	EVP_MAC_free(mac);
}

static void
siphash_agrees_with_openssl(void **state)
{
	uint8_t key[16], data[100], want[16], got[16];
	struct sip_key k;
	struct sip_hash h;

	(void)state;
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	memcpy(&k, key, 16);
	for (size_t n = 0; n <= sizeof(data); n++) {
		oracle(want, key, data, n);
		h = siphash(&k, data, n);
		memcpy(got, &h.lo, 8);
		memcpy(got + 8, &h.hi, 8);
		assert_memory_equal(got, want, 16);
	}
}

/* ---- windows ---------------------------------------------------------------------------------- */

static struct window_sum
sum(const struct window *w, uint32_t slot)
{
	struct window_sum s;

	window_sum(w, slot, &s);
	return s;
}

static void
add(struct window *w, uint32_t slot, unsigned n, struct window_add a)
{
	while (n-- > 0)
		window_add(w, slot, &a);
}

static void
sixty_seconds_slide(void **state)
{
	struct window w;
	struct window_sum s;

	(void)state;
	window_reset(&w, 1000);
	for (uint32_t i = 0; i < 6; i++)
		add(&w, 1000 + i, i + 1, (struct window_add){.error = i % 2, .path = i});
	s = sum(&w, 1005);
	assert_int_equal(s.requests, 21);
	assert_int_equal(s.errors, 2 + 4 + 6);
	assert_int_equal(s.paths, 6);
	assert_int_equal(s.slots, 6);
	assert_int_equal(s.age_s, 50);
	/* One slot after the other drops out. */
	assert_int_equal(sum(&w, 1006).requests, 20);
	assert_int_equal(sum(&w, 1008).requests, 15);
	assert_int_equal(sum(&w, 1010).requests, 6);
	assert_false(window_over(&w, 1010));
	assert_true(window_over(&w, 1011));
	assert_int_equal(sum(&w, 1011).requests, 0);
	/* A slot that comes round again begins at nothing. */
	add(&w, 1006, 1, (struct window_add){.path = 9});
	s = sum(&w, 1006);
	assert_int_equal(s.requests, 21);
	assert_int_equal(s.paths, 6);
	add(&w, 1050, 1, (struct window_add){0});
	assert_int_equal(sum(&w, 1050).requests, 1);
	assert_int_equal(sum(&w, 1050).paths, 1);
}

/* The stamp of a slot has 12 bits: what is as old as that is not taken for new. */
static void
old_slots_stay_old(void **state)
{
	struct window w;

	(void)state;
	window_reset(&w, 5);
	add(&w, 5, 100, (struct window_add){.error = true});
	assert_int_equal(sum(&w, 5 + 4096).requests, 0);
	assert_int_equal(sum(&w, 5 + 3 * 4096).requests, 0);	/* the same place and the same stamp */
	/* The first slots of a machine just booted. */
	window_reset(&w, 0);
	add(&w, 0, 3, (struct window_add){0});
	assert_int_equal(sum(&w, 0).requests, 3);
	assert_int_equal(sum(&w, 5).requests, 3);
	assert_int_equal(sum(&w, 6).requests, 0);
}

static void
numbers_stop_at_their_largest(void **state)
{
	struct window w;
	struct window_sum s;

	(void)state;
	window_reset(&w, 7);
	add(&w, 7, 300000, (struct window_add){.error = true, .waf_hit = true, .page = true, .asset = true});
	s = sum(&w, 7);
	assert_int_equal(s.requests, 65535);
	assert_int_equal(s.errors, 4095);
	assert_int_equal(s.waf_hits, 255);
	assert_int_equal(s.pages, 15);
	assert_int_equal(s.assets, 15);
	assert_int_equal(s.paths, 1);
}

/* Mean error of the estimate, over many runs: the standard error of the paper, no bias to speak of. */
static void
paths_are_estimated(void **state)
{
	static const struct { unsigned n, most; } t[] = {{1, 5}, {16, 12}, {64, 16}, {128, 20}, {200, 30}};
	const struct sip_key k = {1, 2};
	struct window w;
	uint32_t x = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		double off = 0, bias = 0, got;

		for (unsigned run = 0; run < 400; run++) {
			window_reset(&w, 0);
			for (unsigned p = 0; p < t[i].n; p++, x++)
				add(&w, p % 6, 2, (struct window_add){.path = siphash(&k, &x, sizeof(x)).lo});
			got = sum(&w, 5).paths;
			off += (got - t[i].n) * (got - t[i].n);
			bias += got - t[i].n;
		}
		off = 100 * sqrt(off / 400) / t[i].n;
		bias = 100 * bias / 400 / t[i].n;
		print_message("# %u distinct paths: standard error %.1f %%, bias %+.1f %%\n", t[i].n, off, bias);
		assert_true(off < t[i].most);
		assert_true(bias > -5 && bias < 5);
	}
}

static void
clients_are(const struct window *w, uint32_t slot, bool want_shared, bool want_clean)
{
	bool shared, clean;

	window_clients(w, slot, &shared, &clean);
	assert_int_equal(shared, want_shared);
	assert_int_equal(clean, want_clean);
}

static void
clients_of_an_address(void **state)
{
	struct window w;

	(void)state;
	window_reset(&w, 600);
	clients_are(&w, 600, false, false);
	window_client_add(&w, 600, 100, true);
	clients_are(&w, 600, false, false);
	window_client_add(&w, 600, 200, false);
	window_client_add(&w, 600, 100, false);	/* once bad is bad */
	clients_are(&w, 600, true, true);
	/* The minute after still knows them, together with new ones; the one after that doesn't. */
	window_client_add(&w, 606, 200, true);
	clients_are(&w, 611, true, false);
	clients_are(&w, 612, false, false);
	window_client_add(&w, 612, 300, false);
	clients_are(&w, 612, true, true);
	clients_are(&w, 640, false, false);
	/* More than three: there are others, and whether one of them is clean. */
	window_reset(&w, 3);
	for (uint64_t i = 1; i < 10; i++)
		window_client_add(&w, 3, i, true);
	clients_are(&w, 3, true, false);
	window_client_add(&w, 3, 11, false);
	clients_are(&w, 8, true, true);
}

/* Another's count: differences, whatever happens to it. */
static void
told_errors_are_differences(void **state)
{
	struct window w;

	(void)state;
	window_reset(&w, 10);
	assert_int_equal(window_told(&w, 10, 500), 0);	/* from before our time */
	assert_int_equal(window_told(&w, 10, 503), 3);
	assert_int_equal(window_told(&w, 10, 501), 0);	/* another thread's, older */
	assert_int_equal(window_told(&w, 10, 504), 1);
	assert_int_equal(window_told(&w, 10, 20504), 20000);
	assert_int_equal(window_told(&w, 10, 20506), 2);
	assert_int_equal(window_told(&w, 10, 65534), 0);	/* nobody errs so fast: begun anew */
	assert_int_equal(window_told(&w, 10, 65536), 2);
	assert_int_equal(window_told(&w, 10, 30000), 30000 - 1);
	assert_int_equal(window_told(&w, 10, 7), 0);		/* HAProxy was restarted */
	add(&w, 10, 1, (struct window_add){.told = 7, .error = true});
	assert_int_equal(sum(&w, 10).errors, 7);	/* one of them was ours */
	assert_int_equal(window_told(&w, 15, 9), 2);
	assert_int_equal(window_told(&w, 16, 90), 0);	/* after a minute's pause */
	add(&w, 11, 1, (struct window_add){.told = 1000});
	assert_int_equal(sum(&w, 11).errors, 262);
}

static void
worth_is_what_would_be_lost(void **state)
{
	struct window quiet, busy, bad, idle;

	(void)state;
	window_reset(&quiet, 10);
	window_reset(&busy, 10);
	window_reset(&bad, 10);
	window_reset(&idle, 10);
	add(&quiet, 12, 1, (struct window_add){0});
	add(&idle, 10, 1, (struct window_add){0});
	add(&busy, 10, 50, (struct window_add){0});
	add(&bad, 10, 1, (struct window_add){.error = true});
	assert_true(window_worth(&idle, 12) < window_worth(&quiet, 12));
	assert_true(window_worth(&quiet, 12) < window_worth(&busy, 12));
	assert_true(window_worth(&busy, 12) < window_worth(&bad, 12));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_agrees_with_openssl), cmocka_unit_test(sixty_seconds_slide),
		cmocka_unit_test(old_slots_stay_old), cmocka_unit_test(numbers_stop_at_their_largest),
		cmocka_unit_test(paths_are_estimated), cmocka_unit_test(clients_of_an_address),
		cmocka_unit_test(worth_is_what_would_be_lost), cmocka_unit_test(told_errors_are_differences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
