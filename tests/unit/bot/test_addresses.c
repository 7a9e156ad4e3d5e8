/* SPDX-License-Identifier: MIT */
/* Lists of addresses as crawlers' owners publish them, and what must not pass for one. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "haproxy-spoa/bot/addresses.h"
#include "lib/diag.h"

static struct addresses *
parsed(const char *text, const char *complaint)
{
	struct diag *d = diag_new();
	struct addresses *a;
	int rc = addresses_parse(&a, "list", text, strlen(text), d);

	if (complaint == NULL) {
		if (rc != 0)
			fail_msg("%s", diag_first(d));
	} else {
		assert_int_equal(rc, -EINVAL);
		assert_null(a);
		if (strstr(diag_first(d), complaint) == NULL)
			fail_msg("%s: not \"%s\"", diag_first(d), complaint);
	}
	diag_free(&d);
	return a;
}

static void
text_is_read(void **state)
{
	struct addresses *a = parsed("# crawlers\n192.0.2.0/28\n  192.0.2.4 # inside\r\n2001:db8:1::/48\n\n198.51.100.7", NULL);
	static const char *const in[] = {"192.0.2.0", "192.0.2.15", "::ffff:192.0.2.3", "2001:db8:1:2::3", "198.51.100.7"};
	static const char *const out[] = {"192.0.1.255", "192.0.2.16", "2001:db8:2::", "198.51.100.8", "", "x", "192.0.2.0/28"};

	(void)state;
	assert_int_equal(addresses_count(a), 3);	/* one of four lies in another */
	for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++)
		assert_true(addresses_have(a, in[i]));
	for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++)
		assert_false(addresses_have(a, out[i]));
	addresses_free(&a);
	assert_null(a);
}

static void
json_is_read(void **state)
{
	struct addresses *a = parsed("{\"creationTime\":\"2026-01-01T00:00:00\",\"prefixes\":[{\"ipv4Prefix\":\"192.0.2.0/24\"},"
	    "{\"ipv6Prefix\":\"2001:db8::/32\",\"service\":\"none of ours\"}]}", NULL);

	(void)state;
	assert_int_equal(addresses_count(a), 2);
	assert_true(addresses_have(a, "192.0.2.200"));
	assert_true(addresses_have(a, "2001:db8::1"));
	assert_false(addresses_have(a, "203.0.113.1"));
	addresses_free(&a);
	a = parsed("[\"192.0.2.1\", \"192.0.2.3/32\"]", NULL);
	assert_true(addresses_have(a, "192.0.2.3"));
	assert_false(addresses_have(a, "192.0.2.2"));
	addresses_free(&a);
}

static void
rubbish_is_refused_whole(void **state)
{
	(void)state;
	parsed("", "no address in it");
	parsed("# nothing\n", "no address in it");
	parsed("192.0.2.1\n<html>404</html>\n", "list:2: error: \"<html>404</html>\"");
	parsed("{\"prefixes\":[]}", "no address in it");
	parsed("{\"prefixes\":[{\"ipv4Prefix\":\"192.0.2.0/24\"}", "byte ");
	parsed("{\"prefixes\":[{\"ipv4Prefix\":\"nonsense\"}]}", "neither an address nor a network");
	/* everybody would be Googlebot */
	parsed("0.0.0.0/0\n", "wider than any crawler's network");
	parsed("::/0\n", "wider than any crawler's network");
	parsed("66.0.0.0/7\n", "wider than any crawler's network");
	parsed("192.0.2.1.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22.23.24.25.26.27.28.29.30.31.32.33.34.35\n", "neither");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_read), cmocka_unit_test(json_is_read), cmocka_unit_test(rubbish_is_refused_whole),
	};

	return cmocka_run_group_tests_name("addresses", tests, NULL, NULL);
}
