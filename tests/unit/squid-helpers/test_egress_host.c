/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "squid-helpers/egress_host.h"

struct row {
	const char		*in;
	enum egress_host_kind	 kind;
	const char		*out;	/* NULL: whatever */
};

static void
check_rows(const struct row *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct egress_host h;

		egress_host_parse(&h, r[i].in, strlen(r[i].in));
		if (h.kind != r[i].kind || (r[i].out != NULL && strcmp(h.name, r[i].out) != 0))
			fail_msg("\"%s\": kind %d, name \"%s\"; wanted %d \"%s\"", r[i].in, h.kind,
			    h.name, r[i].kind, r[i].out ? r[i].out : "");
		assert_int_equal(strlen(h.name), h.len);
	}
}
#define CHECK(rows)	check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

static void
names_take_one_form(void **state)
{
	static const struct row rows[] = {
		{ "api.openai.com", EGRESS_HOST_NAME, "api.openai.com" },
		{ "API.OpenAI.COM", EGRESS_HOST_NAME, "api.openai.com" },
		{ "api.openai.com.", EGRESS_HOST_NAME, "api.openai.com" },
		{ "api%2eopenai%2Ecom", EGRESS_HOST_NAME, "api.openai.com" },
		{ "%41PI.openai.com", EGRESS_HOST_NAME, "api.openai.com" },
		{ "xn--bcher-kva.example", EGRESS_HOST_NAME, "xn--bcher-kva.example" },
		{ "_dmarc.example.com", EGRESS_HOST_NAME, "_dmarc.example.com" },
		{ "localhost", EGRESS_HOST_NAME, "localhost" },
		{ "1.example", EGRESS_HOST_NAME, "1.example" },
		{ "0xg.example", EGRESS_HOST_NAME, NULL },
		{ "10.0.0.1.nip.io", EGRESS_HOST_NAME, NULL },
		{ "face", EGRESS_HOST_NAME, "face" },
	};

	CHECK(rows);
}

static void
ipv4_in_every_spelling(void **state)
{
	static const struct row rows[] = {
		{ "127.0.0.1", EGRESS_HOST_IP, "127.0.0.1" },
		{ "127.0.0.1.", EGRESS_HOST_IP, "127.0.0.1" },
		{ "127.1", EGRESS_HOST_IP, "127.0.0.1" },
		{ "127.0.1", EGRESS_HOST_IP, "127.0.0.1" },
		{ "2130706433", EGRESS_HOST_IP, "127.0.0.1" },
		{ "0x7f000001", EGRESS_HOST_IP, "127.0.0.1" },
		{ "0X7F.0.0.1", EGRESS_HOST_IP, "127.0.0.1" },
		{ "0x7f.1", EGRESS_HOST_IP, "127.0.0.1" },
		{ "017700000001", EGRESS_HOST_IP, "127.0.0.1" },
		{ "0177.0.0.01", EGRESS_HOST_IP, "127.0.0.1" },
		{ "0177.0x0.0.1", EGRESS_HOST_IP, "127.0.0.1" },
		{ "%31%32%37.0.0.1", EGRESS_HOST_IP, "127.0.0.1" },
		{ "10.65535", EGRESS_HOST_IP, "10.0.255.255" },
		{ "1.2.65535", EGRESS_HOST_IP, "1.2.255.255" },
		{ "0", EGRESS_HOST_IP, "0.0.0.0" },
		/*
		 * Clients that follow the WHATWG URL standard read nothing after 0x as zero and connect;
		 * inet_aton(3) refuses.  One reader is enough to make it an address.
		 */
		{ "0x", EGRESS_HOST_IP, "0.0.0.0" },
		{ "127.0x", EGRESS_HOST_IP, "127.0.0.0" },
		{ "0x.0x.0x.0x", EGRESS_HOST_IP, "0.0.0.0" },
		{ "0xg", EGRESS_HOST_NAME, "0xg" },
		{ "4294967295", EGRESS_HOST_IP, "255.255.255.255" },
		{ "4294967296", EGRESS_HOST_BAD, NULL },
		{ "18446744073709551617", EGRESS_HOST_BAD, NULL },
		{ "256.0.0.1", EGRESS_HOST_BAD, NULL },
		{ "1.2.3.256", EGRESS_HOST_BAD, NULL },
		{ "1.2.3.4.5", EGRESS_HOST_BAD, NULL },
		{ "08.0.0.1", EGRESS_HOST_BAD, NULL },
		{ "example.1", EGRESS_HOST_BAD, NULL },
		{ "example.0x1", EGRESS_HOST_BAD, NULL },
	};

	CHECK(rows);
}

static void
ipv6_with_and_without_brackets(void **state)
{
	static const struct row rows[] = {
		{ "[::1]", EGRESS_HOST_IP, "::1" },
		{ "::1", EGRESS_HOST_IP, "::1" },
		{ "[0:0:0:0:0:0:0:1]", EGRESS_HOST_IP, "::1" },
		{ "[2001:DB8::1]", EGRESS_HOST_IP, "2001:db8::1" },
		{ "%5b::1%5d", EGRESS_HOST_IP, "::1" },
		{ "[::ffff:127.0.0.1]", EGRESS_HOST_IP, "::ffff:127.0.0.1" },
		{ "[::ffff:7f00:1]", EGRESS_HOST_IP, "::ffff:127.0.0.1" },
		{ "[fe80::1%25eth0]", EGRESS_HOST_BAD, NULL },
		{ "[fe80::1%eth0]", EGRESS_HOST_BAD, NULL },
		{ "[]", EGRESS_HOST_BAD, NULL },
		{ "[", EGRESS_HOST_BAD, NULL },
		{ "[::1", EGRESS_HOST_BAD, NULL },
		{ "[::1]x", EGRESS_HOST_BAD, NULL },
		{ "[api.openai.com]", EGRESS_HOST_BAD, NULL },
		{ "api.openai.com:443", EGRESS_HOST_BAD, NULL },
	};

	CHECK(rows);
}

static void
metadata_is_known_in_disguise(void **state)
{
	static const struct row rows[] = {
		{ "169.254.169.254", EGRESS_HOST_METADATA, "169.254.169.254" },
		{ "2852039166", EGRESS_HOST_METADATA, NULL },
		{ "0xa9fea9fe", EGRESS_HOST_METADATA, NULL },
		{ "0251.0376.0251.0376", EGRESS_HOST_METADATA, NULL },
		{ "169.254.43518", EGRESS_HOST_METADATA, NULL },
		{ "169.254.170.2", EGRESS_HOST_METADATA, NULL },
		{ "168.63.129.16", EGRESS_HOST_METADATA, NULL },
		{ "100.100.100.200", EGRESS_HOST_METADATA, NULL },
		{ "[::ffff:169.254.169.254]", EGRESS_HOST_METADATA, NULL },
		{ "[::a9fe:a9fe]", EGRESS_HOST_METADATA, NULL },
		{ "[64:ff9b::a9fe:a9fe]", EGRESS_HOST_METADATA, NULL },
		{ "[2002:a9fe:a9fe::1]", EGRESS_HOST_METADATA, NULL },
		{ "[2001:0:1:2:3:4:5601:5601]", EGRESS_HOST_METADATA, NULL },
		{ "[fd00:ec2::254]", EGRESS_HOST_METADATA, NULL },
		{ "metadata.google.internal", EGRESS_HOST_METADATA, NULL },
		{ "METADATA.google.internal.", EGRESS_HOST_METADATA, NULL },
		{ "x.metadata.google.internal", EGRESS_HOST_METADATA, NULL },
		{ "metadata", EGRESS_HOST_METADATA, NULL },
		{ "notmetadata.google.internal", EGRESS_HOST_NAME, NULL },
		{ "169.254.169.255", EGRESS_HOST_IP, NULL },
	};

	CHECK(rows);
}

static void
what_is_no_host(void **state)
{
	static const char label64[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com";
	static const struct row rows[] = {
		{ "", EGRESS_HOST_BAD, "" },
		{ ".", EGRESS_HOST_BAD, NULL },
		{ "..", EGRESS_HOST_BAD, NULL },
		{ ".com", EGRESS_HOST_BAD, NULL },
		{ "a..b", EGRESS_HOST_BAD, NULL },
		{ "api.openai.com..", EGRESS_HOST_BAD, NULL },
		{ "a b.com", EGRESS_HOST_BAD, "a?b.com" },
		{ "a\"<b>\n.com", EGRESS_HOST_BAD, "a??b??.com" },
		{ "b\xc3\xbc" "cher.example", EGRESS_HOST_BAD, NULL },
		{ "api\xef\xbc\x8eopenai.com", EGRESS_HOST_BAD, NULL },
		{ "api%252eopenai.com", EGRESS_HOST_BAD, NULL },
		{ "api%00.openai.com", EGRESS_HOST_BAD, NULL },
		{ "a%", EGRESS_HOST_BAD, NULL },
		{ "a%2", EGRESS_HOST_BAD, NULL },
		{ "a%zz.com", EGRESS_HOST_BAD, NULL },
		{ "a/b", EGRESS_HOST_BAD, NULL },
		{ label64, EGRESS_HOST_BAD, NULL },
		{ label64 + 1, EGRESS_HOST_NAME, NULL },
		{ "api.openai.com@evil.example", EGRESS_HOST_USERINFO, NULL },
		{ "evil%40api.openai.com", EGRESS_HOST_USERINFO, NULL },
	};
	char longest[300];
	struct egress_host h;

	CHECK(rows);
	for (size_t i = 0; i < sizeof(longest); i++)
		longest[i] = i % 2 ? '.' : 'a';
	egress_host_parse(&h, longest, 253);
	assert_int_equal(h.kind, EGRESS_HOST_NAME);
	egress_host_parse(&h, longest, 254);	/* and the dot at the end */
	assert_int_equal(h.kind, EGRESS_HOST_NAME);
	egress_host_parse(&h, longest, 255);
	assert_int_equal(h.kind, EGRESS_HOST_BAD);
	egress_host_parse(&h, "a\0b.com", 7);
	assert_int_equal(h.kind, EGRESS_HOST_BAD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_take_one_form),
		cmocka_unit_test(ipv4_in_every_spelling),
		cmocka_unit_test(ipv6_with_and_without_brackets),
		cmocka_unit_test(metadata_is_known_in_disguise),
		cmocka_unit_test(what_is_no_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
