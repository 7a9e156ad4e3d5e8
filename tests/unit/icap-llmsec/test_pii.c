/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "icap-llmsec/pii.h"

typedef int find_fn(const char *, size_t, size_t, size_t *, size_t *);

struct row {
	const char	*text, *want;	/* every finding, each followed by '|' */
};

static void
check_rows(find_fn *find, const struct row *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char got[512] = "";
		size_t start, len, from = 0, total = strlen(t[i].text);

		while (find(t[i].text, total, from, &start, &len)) {
			assert_true(start >= from && len > 0 && start + len <= total);
			snprintf(got + strlen(got), sizeof(got) - strlen(got), "%.*s|", (int)len, t[i].text + start);
			from = start + len;
		}
		if (strcmp(got, t[i].want) != 0)
			fail_msg("\"%s\": %s", t[i].text, got);
	}
}

static void
test_cards(void **state)
{
	static const struct row t[] = {
		/* numbers that the networks publish for tests */
		{ "4111111111111111", "4111111111111111|" },
		{ "4222222222222", "4222222222222|" },
		{ "pay with 5555 5555 5555 4444.", "5555 5555 5555 4444|" },
		{ "2223-0031-2200-3222", "2223-0031-2200-3222|" },
		{ "378282246310005, 3782 822463 10005", "378282246310005|3782 822463 10005|" },
		{ "6011111111111117", "6011111111111117|" },
		{ "3530111333300000", "3530111333300000|" },
		{ "30569309025904 3056 930902 5904", "30569309025904|3056 930902 5904|" },
		{ "6200000000000005", "6200000000000005|" },
		{ "213161594239298 180020497005751", "213161594239298|180020497005751|" },
		{ "card:4111111111111111;", "4111111111111111|" },
		{ "\xe5\x8d\xa1" "4111111111111111\xe5\x8d\xa1", "4111111111111111|" },
		/* with an expiry date, check digits, another number behind or before it */
		{ "4111 1111 1111 1111 12/27", "4111 1111 1111 1111|" },
		{ "4111 1111 1111 1111 12 27 123", "4111 1111 1111 1111|" },
		{ "4111111111111111 12/27 123", "4111111111111111|" },
		{ "4111-1111-1111-1111-1227", "4111-1111-1111-1111|" },
		{ "3782 822463 10005 1227", "3782 822463 10005|" },
		{ "3056 930902 5904 12/27", "3056 930902 5904|" },
		{ "4111 1111 1111 1111 5555 5555 5555 4444", "4111 1111 1111 1111|5555 5555 5555 4444|" },
		{ "4111111111111111-5555555555554444", "4111111111111111|5555555555554444|" },
		{ "41 11 11 11 11 11 11 11", "41 11 11 11 11 11 11 11|" },
		{ "order 12 4111 1111 1111 1111", "4111 1111 1111 1111|" },
		{ "4111 1111 1111 1111 12ab", "4111 1111 1111 1111|" },
		/* no cards */
		{ "4111111111111112", "" },
		{ "1234567890123452", "" },
		{ "0000000000000000", "" },
		{ "41111111111111111111", "" },
		{ "id4111111111111111", "" },
		{ "4111111111111111a", "" },
		{ "_4111111111111111", "" },
		{ "0.4111111111111111", "" },
		{ "411111111111", "" },
		{ "4111  1111  1111  1111", "" },
		{ "41 11 11 11 11 11 11 11 12/27", "" },
		{ "4111 11 1111 111111 1227", "" },
		{ "", "" },
	};

	check_rows(pii_card, t, sizeof(t) / sizeof(t[0]));
}

/* Of all last digits exactly one makes a number. */
static void
test_luhn(void **state)
{
	static const char *const prefix[] = { "411111111111111", "555555555555444", "222300312200322", "601111111111111" };
	size_t start, len, n;

	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++) {
		char s[32];

		n = 0;
		for (char c = '0'; c <= '9'; c++) {
			snprintf(s, sizeof(s), "%s%c", prefix[i], c);
			n += (size_t)pii_card(s, strlen(s), 0, &start, &len);
		}
		assert_int_equal(n, 1);
	}
}

static void
test_emails(void **state)
{
	static const struct row t[] = {
		{ "ann@example.org", "ann@example.org|" },
		{ "Mail a.b+c@mail.example.co.uk.", "a.b+c@mail.example.co.uk|" },
		{ "<ann@example.org>,\"bob@example.org\"", "ann@example.org|bob@example.org|" },
		{ "mailto:ann@example.org?subject=x", "ann@example.org|" },
		{ "(ann_b-c@ex-ample.org)", "ann_b-c@ex-ample.org|" },
		{ "ann@m\xc3\xbcnchen.de!", "ann@m\xc3\xbcnchen.de|" },
		{ "ann@example.org\nbob@example.com", "ann@example.org|bob@example.com|" },
		{ "a@b.de", "a@b.de|" },
		{ "ann@example.org\xe3\x81\xbe\xe3\x81\xa7", "ann@example.org|" },
		{ "ann@example.org\xe3\x80\x82", "ann@example.org|" },
		{ "ann@example.org\xe5\x92\x8c" "bob@example.org", "ann@example.org|bob@example.org|" },
		{ "ann@mail.stra\xc3\x9f" "e.de", "ann@mail.stra\xc3\x9f" "e.de|" },
		{ "ann@mail.vi\xe1\xbb\x87t.vn", "ann@mail.vi\xe1\xbb\x87t.vn|" },
		{ "ann@b\xc3\xbc" "cher.example", "ann@b\xc3\xbc" "cher.example|" },
		{ "ann@x.\xe0\xb8\x84\xe0\xb8\xad\xe0\xb8\xa1", "ann@x.\xe0\xb8\x84\xe0\xb8\xad\xe0\xb8\xa1|" },
		{ "ann@example.com4111111111111111", "ann@example.com4111111111111111|" },
		{ "ann@example.com-x ann@example.org..", "ann@example.com|ann@example.org|" },
		{ "ANN@EXAMPLE.ORG", "ANN@EXAMPLE.ORG|" },
		{ "ann@localhost", "" },
		{ "@example.org", "" },
		{ "ann@", "" },
		{ "ann @example.org", "" },
		{ "ann@example.", "" },
		{ "ann@.example", "" },
		{ "ann@10.0.0.1", "" },
		{ "ann.@example.org", "" },
		{ "@decorator.name and git@", "" },
		{ "a@@b.de", "" },
		{ "", "" },
	};

	check_rows(pii_email, t, sizeof(t) / sizeof(t[0]));
}

/* Work is linear: a megabyte of what looks like a beginning everywhere. */
static void
test_hostile(void **state)
{
	static char text[1 << 20];
	size_t start, len;

	memset(text, '@', sizeof(text));
	assert_int_equal(pii_email(text, sizeof(text), 0, &start, &len), 0);
	memset(text, 'a', sizeof(text));
	for (size_t i = 0; i < sizeof(text); i += 70)
		text[i] = '@';
	assert_int_equal(pii_email(text, sizeof(text), 0, &start, &len), 0);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i & 1 ? ' ' : '4';
	pii_card(text, sizeof(text), 0, &start, &len);
	memset(text, '4', sizeof(text));
	assert_int_equal(pii_card(text, sizeof(text), 0, &start, &len), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cards), cmocka_unit_test(test_luhn), cmocka_unit_test(test_emails),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
