/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
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
	expect_unmask(v, "\\\\[EMAIL_1] \\[x] \\[EMAIL_9\\] \\", "\\\\[CARD_2] \\[x] \\[EMAIL_9\\] \\", 1);
	expect_unmask(v, "DOMAIN\\[EMAIL_1] [EMAIL\\_1] [EMAIL_1\\]", "DOMAIN\\[CARD_2] [CARD_2] [EMAIL_1\\]", 2);
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

/* --- masking and unmasking, whole and in pieces, of texts that nobody thought of ------------------ */

static uint32_t seed;

static uint32_t
any(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

/* What may stand between originals: also what looks like a placeholder, or begins like one, as a client may write it. */
static const char *const between[] = { "write to ", " and ", "[", "]", "[[", "\\", "\\[", "[EMAIL_", "[EMAIL", "_1]", "[EMAIL_1]",
	"[CARD_2]", "[email_3]", "\\[EMAIL\\_4\\]", "[EMAIL_99999]", "\xc3\xa9", "\xe6\x97\xa5", "[PHONE_5", "5", "\n", "" };
static const char *const originals[] = { "ann@example.org", "4111 1111 1111 1111", "[EMAIL_1]x", "]", "\\", ("b\xc3\xb6" "b@example.com"),
	"+49 30 123456", "[CARD_" };
static const char *const kinds[] = { "EMAIL", "CARD", "PHONE" };

struct piece {
	const char	*text;
	const char	*kind;		/* NULL: stays */
};

static void
texts_make(struct mask_vault *v, struct buf *plain, struct buf *masked)
{
	struct piece piece[60];
	size_t n = 1 + any(60);

	for (size_t i = 0; i < n; i++) {
		bool original = any(3) == 0;

		piece[i].text = original ? originals[any(8)] : between[any(sizeof(between) / sizeof(*between))];
		piece[i].kind = original ? kinds[any(3)] : NULL;
		buf_adds(plain, piece[i].text);
	}
	assert_int_equal(mask_reserve(v, buf_ptr(plain), buf_len(plain)), 0);
	for (size_t i = 0; i < n; i++)
		buf_adds(masked, piece[i].kind == NULL ? piece[i].text :
		    mask_token(v, piece[i].kind, piece[i].text, strlen(piece[i].text)));
}

/* As a stream does it: what may be the beginning of a placeholder waits for more. */
static void
unmask_in_pieces(const struct mask_vault *v, const struct buf *masked, struct buf *out)
{
	const char *p = buf_ptr(masked);
	size_t done = 0, seen = 0, len = buf_len(masked), keep;

	while (seen < len) {
		seen += 1 + any(7);
		seen = seen < len ? seen : len;
		keep = seen < len ? mask_partial(v, p + done, seen - done) : 0;
		assert_in_range(keep, 0, seen - done);
		mask_unmask(v, p + done, seen - done - keep, out);
		done = seen - keep;
	}
}

static void
test_property(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 20000; round++) {
		struct mask_vault *v = mask_vault_new();
		struct buf plain = { 0 }, masked = { 0 }, whole = { 0 }, pieces = { 0 };

		seed = round;
		texts_make(v, &plain, &masked);
		mask_unmask(v, buf_ptr(&masked), buf_len(&masked), &whole);
		unmask_in_pieces(v, &masked, &pieces);
		buf_addc(&plain, '\0');
		buf_addc(&whole, '\0');
		buf_addc(&pieces, '\0');
		buf_addc(&masked, '\0');
		if (strcmp(buf_ptr(&plain), buf_ptr(&whole)) != 0 || strcmp(buf_ptr(&plain), buf_ptr(&pieces)) != 0)
			fail_msg("round %u:\nplain  %s\nmasked %s\nwhole  %s\npieces %s", round, buf_ptr(&plain), buf_ptr(&masked),
			    buf_ptr(&whole), buf_ptr(&pieces));
		buf_free(&plain);
		buf_free(&masked);
		buf_free(&whole);
		buf_free(&pieces);
		mask_vault_free(&v);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens), cmocka_unit_test(test_reserve), cmocka_unit_test(test_numbers_run_out),
		cmocka_unit_test(test_unmask), cmocka_unit_test(test_partial), cmocka_unit_test(test_property),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
