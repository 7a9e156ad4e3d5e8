/* SPDX-License-Identifier: MIT */
/* JA3 and JA4 of hellos whose fingerprints are known: published ones, and ones computed by hand with sha256sum. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "haproxy-spoa/tls/ja.h"
#include "tests/unit/tls/hello_make.h"

static struct tls_hello h;

static void
make(const struct hello_recipe *r)
{
	static uint8_t msg[70000];
	size_t n = hello_make(msg, sizeof(msg), r);

	assert_int_equal(tls_hello_parse(&h, (enum tls_transport)r->transport, msg, n), TLS_OK);
}

static void
ja4_is(const struct hello_recipe *r, const char *want)
{
	char got[JA4_LEN];

	make(r);
	ja4_hash(got, &h);
	assert_string_equal(got, want);
}

static void
ja4_starts(const struct hello_recipe *r, const char *want)
{
	char got[JA4_LEN];

	make(r);
	ja4_hash(got, &h);
	got[strlen(want)] = '\0';
	assert_string_equal(got, want);
}

static void
published(void **state)
{
	char raw[4096], text[4096], hash[JA3_HEX];

	ja4_is(&hello_chrome, HELLO_CHROME_JA4);
	assert_int_equal(ja4_raw(raw, sizeof(raw), &h), strlen(HELLO_CHROME_JA4_R));
	assert_string_equal(raw, HELLO_CHROME_JA4_R);
	ja3_text(text, sizeof(text), &h);
	assert_string_equal(text, "771,4865-4866-4867-49195-49199-49196-49200-52393-52392-49171-49172-156-157-47-53,"
	    "0-23-65281-10-11-35-16-5-13-18-51-45-43-27-17513-21,29-23-24,0");
	ja3_hash(hash, &h);
	assert_string_equal(hash, "cd08e31494f9531f560d64c695473da9");	/* Chrome 108's, in every public list */
	assert_true(h.has_grease);
	assert_false(h.has_pq);
}

static void
order_does_not_matter_to_ja4(void **state)
{
	static const uint16_t ciphers[] = {0x0035, 0x1301, 0x1302, 0xc02b, 0x9a9a, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013,
		0xc014, 0x009c, 0x009d, 0x002f, 0x1303, 0};
	static const uint16_t exts[] = {0x0015, 0x0000, 0x0017, 0xff01, 0x000a, 0x000b, 0x0023, 0x002b, 0x001b, 0x4469, 0x0010,
		0x0005, 0x000d, 0x0012, 0x0033, 0x002d, 0xffff};
	struct hello_recipe r = hello_chrome;
	char a[JA3_HEX], b[JA3_HEX];

	make(&r);
	ja3_hash(a, &h);
	r.ciphers = ciphers;
	r.exts = exts;
	ja4_is(&r, HELLO_CHROME_JA4);
	ja3_hash(b, &h);
	assert_string_not_equal(a, b);
}

static void
signature_order_does(void **state)
{
	static const uint16_t sigalgs[] = {0x0804, 0x0403, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601, 0};
	static const uint16_t greased[] = {0x0403, 0x0804, 0x4a4a, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601, 0};
	struct hello_recipe r = hello_chrome;
	char got[JA4_LEN];

	r.sigalgs = sigalgs;
	make(&r);
	ja4_hash(got, &h);
	assert_string_not_equal(got, HELLO_CHROME_JA4);
	r.sigalgs = greased;
	ja4_is(&r, HELLO_CHROME_JA4);
}

/* sha256("002f") and sha256("000a,000b") by sha256sum(1) */
static void
small_ones(void **state)
{
	static const uint16_t one[] = {0x002f, 0}, none[] = {0}, grease[] = {0x0a0a, 0};
	static const uint16_t two_exts[] = {10, 11, 0xffff}, no_exts[] = {0xffff}, sni_only[] = {0, 16, 0xffff};
	static const uint16_t groups[] = {23, 0};
	static const uint8_t points[] = {0, 0xff};
	struct hello_recipe r = {.transport = 't', .version = 0x0301, .ciphers = one, .exts = two_exts, .groups = groups,
	    .points = points};

	ja4_is(&r, "t10i010200_ba72b8082249_33a13ba74d1c");
	r.exts = no_exts;
	ja4_is(&r, "t10i010000_ba72b8082249_000000000000");
	r.exts = NULL;
	ja4_is(&r, "t10i010000_ba72b8082249_000000000000");
	r.ciphers = none;
	ja4_is(&r, "t10i000000_000000000000_000000000000");
	r.ciphers = grease;
	ja4_is(&r, "t10i000000_000000000000_000000000000");
	r.exts = sni_only;
	r.sni = "a";
	r.alpn[0] = "h3";
	ja4_is(&r, "t10d0002h3_000000000000_000000000000");
}

static void
versions(void **state)
{
	static const struct {
		char		 transport;
		unsigned	 legacy;
		uint16_t	 list[4];
		const char	*want;
	} t[] = {
		{'t', 0x0303, {0x0304, 0x0303, 0}, "t13"}, {'t', 0x0303, {0x0303, 0x7a7a, 0x0304, 0}, "t13"},
		{'t', 0x0303, {0x0303, 0x0302, 0}, "t12"}, {'t', 0x0303, {0}, "t12"}, {'t', 0x0302, {0}, "t11"},
		{'t', 0x0300, {0}, "ts3"}, {'t', 0x0002, {0}, "ts2"}, {'t', 0x1234, {0}, "t00"}, {'q', 0x0303, {0x0304, 0}, "q13"},
		{'d', 0xfefd, {0}, "dd2"}, {'d', 0xfeff, {0}, "dd1"}, {'d', 0xfefd, {0xfefd, 0xfefc, 0}, "dd2"}, {'d', 0xfefd, {0xfefc, 0}, "dd3"},
		{'t', 0x0303, {0x0a0a, 0}, "t12"},
	};
	static const uint16_t ciphers[] = {0x1301, 0}, exts[] = {43, 0xffff}, without[] = {0xffff};
	struct hello_recipe r = {.ciphers = ciphers};

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		r.transport = t[i].transport;
		r.version = t[i].legacy;
		r.versions = t[i].list;
		r.exts = t[i].list[0] ? exts : without;
		ja4_starts(&r, t[i].want);
	}
}

static void
alpn_ends(void **state)
{
	static const struct {
		const char	*alpn;
		size_t		 n;
		const char	*want;
	} t[] = {
		{"h2", 2, "h2"}, {"http/1.1", 8, "h1"}, {"h", 1, "hh"}, {"", 0, "00"}, {"\xab", 1, "ab"}, {"\xab\xcd", 2, "ad"},
		{"0\xab", 2, "3b"}, {"01\xab\xcd", 4, "3d"}, {"0\xab\xcd" "1", 4, "01"}, {"\xba" "a", 2, "b1"}, {" x", 2, "28"},
	};
	static const uint16_t ciphers[] = {0x1301, 0}, exts[] = {16, 0xffff};
	struct hello_recipe r = {.transport = 't', .version = 0x0303, .ciphers = ciphers, .exts = exts};
	char got[JA4_LEN];

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		r.alpn[0] = t[i].alpn;
		r.alpn_len = t[i].n;
		make(&r);
		ja4_hash(got, &h);
		got[10] = '\0';
		assert_string_equal(got + 8, t[i].want);
	}
}

static void
counts_stop_at_99(void **state)
{
	static uint16_t ciphers[301], exts[201];
	struct hello_recipe r = {.transport = 't', .version = 0x0303, .ciphers = ciphers, .exts = exts};

	for (unsigned i = 0; i < 300; i++)
		ciphers[i] = (uint16_t)(0x0100 + i);
	for (unsigned i = 0; i < 200; i++)
		exts[i] = (uint16_t)(0x5000 + i);
	exts[200] = 0xffff;
	ja4_starts(&r, "t12i999900_");
}

static void
raw_is_cut_not_overrun(void **state)
{
	char b[20];

	make(&hello_chrome);
	memset(b, 'x', sizeof(b));
	assert_int_equal(ja4_raw(b, 12, &h), strlen(HELLO_CHROME_JA4_R));
	assert_string_equal(b, "t13d1516h2_");
	assert_int_equal(b[12], 'x');
}

static void
post_quantum(void **state)
{
	static const uint16_t groups[] = {0x11ec, 0x001d, 0};
	struct hello_recipe r = hello_chrome;

	r.groups = groups;
	make(&r);
	assert_true(h.has_pq);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published), cmocka_unit_test(order_does_not_matter_to_ja4), cmocka_unit_test(signature_order_does),
		cmocka_unit_test(small_ones), cmocka_unit_test(versions), cmocka_unit_test(alpn_ends),
		cmocka_unit_test(counts_stop_at_99), cmocka_unit_test(raw_is_cut_not_overrun), cmocka_unit_test(post_quantum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
