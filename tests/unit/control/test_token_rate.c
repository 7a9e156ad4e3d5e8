/* SPDX-License-Identifier: MIT */
/* Whoever asks too often is told so, and nobody else is. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "control/token_rate.h"

static int
takes(struct token_rate *t, const char *name, int64_t now_ms, int tries)
{
	uint64_t refused;
	int n = 0;

	for (int i = 0; i < tries; i++)
		n += token_rate_take(t, name, now_ms, &refused);
	return n;
}

static void
test_rate(void **state)
{
	static struct token_rate t = TOKEN_RATE(50, 200);
	uint64_t refused;

	assert_int_equal(takes(&t, "ops", 1000, 300), 200);
	assert_int_equal(takes(&t, "ops", 1100, 300), 5);
	assert_true(token_rate_take(&t, "ops", 1200, &refused));
	assert_int_equal(refused, 295);
	assert_true(token_rate_take(&t, "ops", 1200, &refused));
	assert_int_equal(refused, 0);
	assert_int_equal(takes(&t, "ops", 3600000, 300), 200);
}

/* As many names as there is room for, whatever they hash to: the first's flood is no other's. */
static void
test_nobody_else(void **state)
{
	static struct token_rate t = TOKEN_RATE(50, 200);
	char name[80];

	for (int i = 0; i < TOKEN_RATE_NAMES; i++) {
		snprintf(name, sizeof(name), "token-%d", i);
		assert_int_equal(takes(&t, name, 1000, 300), 200);
	}
	assert_int_equal(takes(&t, "token-0", 1000, 1), 0);
}

static void
test_full_table(void **state)
{
	static struct token_rate t = TOKEN_RATE(1, 2);
	char name[80];

	for (int i = 0; i < TOKEN_RATE_NAMES; i++) {
		snprintf(name, sizeof(name), "token-%d", i);
		assert_int_equal(takes(&t, name, 1000, 2), 2);
	}
	/* Nobody is forgotten who still owes something: those beyond share one. */
	assert_int_equal(takes(&t, "one more", 1000, 1), 1);
	assert_int_equal(takes(&t, "and another", 1000, 5), 1);
	assert_int_equal(takes(&t, "token-7", 1000, 5), 0);
	/* Who owes nothing any more makes room. */
	assert_int_equal(takes(&t, "one more", 3000, 5), 2);
	assert_int_equal(takes(&t, "and another", 3000, 5), 2);
	assert_int_equal(takes(&t, "token-7", 3000, 5), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_nobody_else),
		cmocka_unit_test(test_full_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
