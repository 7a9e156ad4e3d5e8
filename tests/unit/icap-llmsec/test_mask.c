/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "icap-llmsec/mask.h"

static void
reserve(struct mask_vault *v, const char *text)
{
	assert_int_equal(mask_reserve(v, text, strlen(text)), 0);
}

static void
expect_unmask(const struct mask_vault *v, const char *text, const char *want, size_t n)
{
	struct buf b = { 0 };

	assert_int_equal(mask_unmask(v, text, strlen(text), &b), n);
	assert_int_equal(buf_len(&b), strlen(want));
	assert_memory_equal(buf_ptr(&b), want, strlen(want));
	buf_free(&b);
}

static void
test_tokens(void **state)
{
	struct mask_vault *v = mask_vault_new();
	const char *first, *o;
	char s[32], t[32];
	size_t n;

	first = mask_token(v, "EMAIL", "ann@example.org", 15);
	assert_string_equal(first, "[EMAIL_1]");
	assert_string_equal(mask_token(v, "CARD", "4111", 4), "[CARD_2]");
	assert_ptr_equal(mask_token(v, "EMAIL", "ann@example.org", 15), first);
	for (int i = 3; i <= 3000; i++) {
		snprintf(s, sizeof(s), "u%d@example.org", i);
		snprintf(t, sizeof(t), "[EMAIL_%d]", i);
		assert_string_equal(mask_token(v, "EMAIL", s, strlen(s)), t);
	}
	assert_int_equal(mask_vault_count(v), 3000);
	assert_string_equal(first, "[EMAIL_1]");	/* tokens don't move */
	o = mask_original(v, "[EMAIL_2999]", 12, &n);
	assert_int_equal(n, 17);
	assert_memory_equal(o, "u2999@example.org", 17);
	assert_null(mask_original(v, "[CARD_2999]", 11, &n));
	assert_null(mask_original(v, "[EMAIL_9999]", 12, &n));
	assert_null(mask_original(NULL, "[EMAIL_1]", 9, &n));
	assert_null(mask_token(v, "TOOLONGKIND", "x", 1));
	mask_vault_free(&v);
	assert_null(v);
}

/* What the client wrote itself is never one of ours, whatever number it has. */
static void
test_reserve(void **state)
{
	struct mask_vault *v = mask_vault_new();

	reserve(v, "see [EMAIL_1] and [X_3], [Y_2");
	reserve(v, "[X_999999999] [X_1048575] [X_1048576] [X_0]");
	assert_string_equal(mask_token(v, "EMAIL", "a@example.org", 13), "[EMAIL_2]");
	assert_string_equal(mask_token(v, "EMAIL", "b@example.org", 13), "[EMAIL_4]");
	expect_unmask(v, "[EMAIL_1] [EMAIL_2] [X_999999999] [EMAIL_4]", "[EMAIL_1] a@example.org [X_999999999] b@example.org", 2);
	mask_vault_free(&v);
}

static void
test_numbers_run_out(void **state)
{
	static char text[16];
	struct mask_vault *v = mask_vault_new();

	for (unsigned i = 0; i < 1u << 20; i++) {
		snprintf(text, sizeof(text), "[A_%u]", i);
		reserve(v, text);
	}
	assert_null(mask_token(v, "EMAIL", "a@example.org", 13));
	mask_vault_free(&v);
}

static void
test_unmask(void **state)
{
	struct mask_vault *v = mask_vault_new();

	expect_unmask(v, "[EMAIL_1]", "[EMAIL_1]", 0);
	expect_unmask(NULL, "[EMAIL_1]", "[EMAIL_1]", 0);
	assert_non_null(mask_token(v, "EMAIL", "[CARD_2]", 8));	/* no second pass over what was put in */
	assert_non_null(mask_token(v, "CARD", "4\"1", 3));
	expect_unmask(v, "", "", 0);
	expect_unmask(v, "[EMAIL_1]", "[CARD_2]", 1);
	expect_unmask(v, "a[[EMAIL_1]][CARD_2]b[EMAIL_1", "a[[CARD_2]]4\"1b[EMAIL_1", 2);
	expect_unmask(v, "EMAIL_1 [EMAIL_01] [EMAIL_ 1] [EMAIL_12] [_1] []", "EMAIL_1 [EMAIL_01] [EMAIL_ 1] [EMAIL_12] [_1] []", 0);
	/* as models rewrite them */
	expect_unmask(v, "[email_1] [Card_2] \\[EMAIL\\_1\\] \\[CARD_2\\]", "[CARD_2] 4\"1 [CARD_2] 4\"1", 4);
	expect_unmask(v, "\\\\[EMAIL_1] \\[x] \\[EMAIL_9\\] \\", "\\[CARD_2] \\[x] \\[EMAIL_9\\] \\", 1);
	mask_vault_free(&v);
}

static void
test_partial(void **state)
{
	static const char token[] = "text [EMAIL_1]";
	static const char *const not[] = { "", "x", "[]", "[_", "[EMAIL_]", "[EMAIL_1]", "[EMAIL 1", "[1", "[TOOLONGKIND",
		"[EMAIL_1234567890" };
	struct mask_vault *v = mask_vault_new();

	assert_int_equal(mask_partial(v, "[", 1), 0);	/* an empty vault waits for nothing */
	assert_non_null(mask_token(v, "EMAIL", "x", 1));
	for (size_t i = 6; i < sizeof(token) - 1; i++)
		assert_int_equal(mask_partial(v, token, i), i - 5);
	for (size_t i = 0; i < sizeof(not) / sizeof(not[0]); i++)
		if (mask_partial(v, not[i], strlen(not[i])) != 0)
			fail_msg("\"%s\"", not[i]);
	assert_int_equal(mask_partial(v, "[EMAIL_1][CAR", 13), 4);
	assert_int_equal(mask_partial(v, "x\\", 2), 1);
	assert_int_equal(mask_partial(v, "x\\[email\\_1\\", 12), 11);
	assert_int_equal(mask_partial(v, "[[[[", 4), 1);
	mask_vault_free(&v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens), cmocka_unit_test(test_reserve), cmocka_unit_test(test_numbers_run_out),
		cmocka_unit_test(test_unmask), cmocka_unit_test(test_partial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
