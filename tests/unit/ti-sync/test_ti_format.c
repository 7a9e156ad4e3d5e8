/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ti-sync/format.h"

static struct ti_collect c;
static char found[4096];

static void
list_names(void)
{
	size_t len;

	found[0] = '\0';
	ti_keys_sort(&c.names);
	ti_keys_sort(&c.nets);
	for (size_t i = 0; i < c.names.n; i++) {
		char name[TI_KEY_MAX];
		const char *key = ti_keys_at(&c.names, i, &len);

		ti_name_of_key(name, key, len);
		strcat(strcat(found, name), " ");
	}
	for (size_t i = 0; i < c.nets.n; i++) {
		char text[CIDR_TEXT];
		struct cidr net;

		ti_net_of_key(&net, ti_keys_at(&c.nets, i, &len));
		strcat(strcat(found, cidr_format(&net, text)), " ");
	}
	if (found[0] != '\0')
		found[strlen(found) - 1] = '\0';
}

/* Everything the text lists, sorted, as one line; the text goes in in pieces of <step>. */
static enum ti_format
parse_with(const struct ti_format_opts *o, const char *text, size_t step)
{
	struct ti_parser *ps;
	enum ti_format f;
	size_t n = strlen(text);

	ti_collect_free(&c);
	memset(&c, 0, sizeof(c));
	ps = ti_parser_new(o, &c);
	assert_non_null(ps);
	for (size_t i = 0; i < n; i += step)
		ti_parser_feed(ps, text + i, n - i < step ? n - i : step);
	ti_parser_end(ps);
	f = ti_parser_format(ps);
	ti_parser_free(&ps);
	list_names();
	return f;
}

static void
expect(enum ti_format f, const char *column, const char *path, const char *text, const char *want)
{
	struct ti_format_opts o = {f, column, path};

	parse_with(&o, text, 1);
	assert_string_equal(found, want);
	parse_with(&o, text, 7);
	assert_string_equal(found, want);
	parse_with(&o, text, 100000);
	assert_string_equal(found, want);
	/* And found out by itself, where that is possible. */
	if ((column == NULL || *column == '\0') && path == NULL) {
		o.format = TI_F_AUTO;
		assert_string_equal(ti_format_str(parse_with(&o, text, 100000)), ti_format_str(f));
		assert_string_equal(found, want);
	}
}

static void
test_list(void **state)
{
	expect(TI_F_LIST, NULL, NULL, "# comment\nBad-Domain.COM\n*.evil.net\n.dotted.org.\n\nevil.net\r\n"
	    "tail.ru # why\n  spaced.cn  \n! not a name\nhttp://user:pw@url-host.info:8080/path?q=a.b\n"
	    "path-host.biz/x\nport-host.biz:81\n", "path-host.biz port-host.biz spaced.cn bad-domain.com url-host.info "
	    "evil.net dotted.org tail.ru");
	expect(TI_F_LIST, NULL, NULL, "8.8.8.8\n9.9.9.0/24 ; SBL1\n2a00:1450::/32\n[2a00:1451::1]\n1.1.1.4 - 1.1.1.7\n"
	    "5.5.5.5-5.5.5.6\n6.6.6.6:443\n2a00::1\n", "1.1.1.4/30 5.5.5.5 5.5.5.6 6.6.6.6 8.8.8.8 9.9.9.0/24 2a00::1 "
	    "2a00:1450::/32 2a00:1451::1");
	expect(TI_F_LIST, NULL, NULL, "", "");
	expect(TI_F_LIST, NULL, NULL, "no-newline.com", "no-newline.com");
	expect(TI_F_LIST, NULL, NULL, "cr-a.com\rcr-b.com # why\r\r# no\rcr-c.com\r", "cr-a.com cr-b.com cr-c.com");
	assert_int_equal(c.line, 5);
	expect(TI_F_HOSTS, NULL, NULL, "0.0.0.0 one-cr.com\r0.0.0.0 two-cr.com\r\n0.0.0.0 three-cr.com\r\r\n",
	    "one-cr.com three-cr.com two-cr.com");
	assert_int_equal(c.line, 3);
}

static void
test_refused(void **state)
{
	static const struct { const char *text; enum ti_reason why; } v[] = {
		{"-bad.com", TI_BAD_NAME}, {"bad-.com", TI_BAD_NAME}, {"a..com", TI_BAD_NAME}, {"a b", TI_SINGLE_LABEL},
		{"ex*mple.com", TI_BAD_NAME}, {"com", TI_SINGLE_LABEL}, {"co.uk", TI_PUBLIC_SUFFIX},
		{"github.io", TI_PUBLIC_SUFFIX}, {"x.local", TI_RESERVED_NAME}, {"localhost", TI_RESERVED_NAME},
		{"www.example.com", TI_RESERVED_NAME}, {"10.1.2.3", TI_RESERVED_ADDRESS},
		{"0.0.0.0/0", TI_WIDE_NETWORK}, {"127.0.0.1", TI_RESERVED_ADDRESS}, {"::1", TI_RESERVED_ADDRESS},
		{"fe80::1", TI_RESERVED_ADDRESS}, {"300.1.1.1", TI_BAD_ADDRESS}, {"1.2.3.4/33", TI_BAD_ADDRESS},
		{"9.9.9.9-9.9.9.1", TI_BAD_ADDRESS}, {"http://", TI_BAD_NAME}, {"\xff\xfe.com", TI_BAD_IDN},
		{"xn--a.com", TI_BAD_IDN}, {"8.8.8.8.8", TI_BAD_ADDRESS},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct ti_format_opts o = {.format = TI_F_LIST};

		parse_with(&o, v[i].text, 100);
		if (c.refused[v[i].why] != 1)
			print_message("%s: not \"%s\"\n", v[i].text, ti_reason_str(v[i].why));
		assert_int_equal(c.refused[v[i].why], 1);
		assert_int_equal(ti_collect_entries(&c), 0);
		assert_int_equal(c.example[v[i].why][0].line, 1);
	}
	/* Below a public suffix is fine, and names that only look reserved. */
	expect(TI_F_LIST, NULL, NULL, "x.co.uk\nnotlocal.com\nevil.github.io\n", "notlocal.com evil.github.io x.co.uk");
	/* IDNA 2008 with UTS 46: "Bücher" and "faß", in upper case and as A-label. */
	expect(TI_F_LIST, NULL, NULL, "B\xc3\x9c" "CHER.com\nxn--bcher-kva.com\nfa\xc3\x9f.de\n",
	    "xn--bcher-kva.com xn--fa-hia.de");
}

static void
test_long_line(void **state)
{
	struct ti_format_opts o = {.format = TI_F_LIST};
	char *text = malloc(200100);

	memset(text, 'a', 200000);
	strcpy(text + 200000, "\nafter.com\n");
	parse_with(&o, text, 5000);
	assert_string_equal(found, "after.com");
	assert_int_equal(c.refused[TI_TOO_LONG], 1);
	parse_with(&o, text, 300000);
	assert_string_equal(found, "after.com");
	free(text);
}

static void
test_hosts(void **state)
{
	expect(TI_F_HOSTS, NULL, NULL, "127.0.0.1 localhost\n0.0.0.0 a-bad.com b-bad.com # note\n0.0.0.0\tc-bad.com\n"
	    "::1 ip6-localhost\nd-bad.com\n", "a-bad.com b-bad.com c-bad.com d-bad.com");
}

static void
test_adblock(void **state)
{
	expect(TI_F_ADBLOCK, NULL, NULL, "[Adblock Plus 2.0]\n! Title\n||ads-one.com^\n||ads-two.com^$important,document\n"
	    "||ads-three.com^$third-party\n||ads-four.com/path^\n@@||good-one.com^\n##.banner\nx.com##.ad\n/regex/\n"
	    "||ads-five.com^|\n||ads-*.com^\n", "ads-five.com ads-one.com ads-two.com");
	assert_int_equal(c.refused[TI_UNSUPPORTED], 7);
}

static void
test_dnsmasq(void **state)
{
	expect(TI_F_DNSMASQ, NULL, NULL, "# c\naddress=/bad-one.com/0.0.0.0\naddress=/bad-two.com/bad-three.com/#\n"
	    "local=/bad-four.com/\nserver=/bad-five.com/\nserver=/fine.com/9.9.9.9\naddress=/fine.com/192.168.1.1\n"
	    "cache-size=1\n", "bad-five.com bad-four.com bad-one.com bad-three.com bad-two.com");
	assert_int_equal(c.refused[TI_UNSUPPORTED], 3);
}

static void
test_rpz(void **state)
{
	expect(TI_F_RPZ, NULL, NULL, "$TTL 300\n@ IN SOA ns.x.net. h.x.net. (\n 1 2 3 4 5 )\n  IN NS ns.x.net.\n"
	    "bad-one.com CNAME .\n*.bad-one.com CNAME .\nbad-two.com 60 IN CNAME *. ; note\n"
	    "$ORIGIN rpz.zone.net.\nbad-three.com.rpz.zone.net. IN A 0.0.0.0\nfine.com CNAME rpz-passthru.\n"
	    "24.0.8.8.9.rpz-ip CNAME .\n48.zz.5.2a00.rpz-ip CNAME .\n32.1.2.3.4.rpz-client-ip CNAME .\n",
	    "bad-one.com bad-three.com bad-two.com 9.8.8.0/24 2a00:5::/48");
	assert_int_equal(c.refused[TI_UNSUPPORTED], 2);
	expect(TI_F_BIND, NULL, NULL, "// c\nzone \"bad-one.com\" { type master; file \"x\"; };\nzone \"bad-two.com\" IN {\n"
	    "};\n", "bad-one.com bad-two.com");
}

static void
test_tables(void **state)
{
	expect(TI_F_CSV, NULL, NULL, "# header\n\"id\",\"when\",\"url\"\n\"1\",\"2026-01-01\",\"http://bad-one.com/x,\"\"y\"\n"
	    "\"2\",\"2026-01-01\",\"https://9.9.9.9/\"\n", "bad-one.com 9.9.9.9");
	expect(TI_F_CSV, "3", NULL, "n,fine.com,bad-one.com\nm,fine.net,bad-two.com\n", "bad-one.com bad-two.com");
	expect(TI_F_CSV, "host", NULL, "a;host;b\n1;bad-one.com;x.com\n", "bad-one.com");
	expect(TI_F_TSV, NULL, NULL, "1\tbad-one.com\n2\tbad-two.com\n", "bad-one.com bad-two.com");
	expect(TI_F_CSV, "9", NULL, "a,b\n", "");
}

static void
test_json(void **state)
{
	expect(TI_F_JSON, NULL, NULL, "{\"data\":[{\"host\":\"bad-one.com\",\"note\":\"x.com\"},{\"url\":\"http://bad-two.com/\"}],"
	    "\"domains\":[\"bad-three.com\"]}", "bad-one.com bad-three.com bad-two.com");
	expect(TI_F_JSON, NULL, NULL, "[\"bad-one.com\", \"9.9.9.9\"]", "bad-one.com 9.9.9.9");
	expect(TI_F_JSON, NULL, "a.[].v", "{\"a\":[{\"v\":\"bad-one.com\"},{\"w\":\"x.com\"}],\"host\":\"y.com\"}", "bad-one.com");
	expect(TI_F_JSONL, NULL, NULL, "{\"ioc\":\"bad-one.com\"}\n{\"ioc\":\"bad-two.com\"}\n", "bad-one.com bad-two.com");
	expect(TI_F_DROP, NULL, NULL, "{\"cidr\":\"9.8.0.0/16\",\"sblid\":\"SBL1\"}\n{\"type\":\"metadata\",\"records\":1}\n",
	    "9.8.0.0/16");
}

/* What is refused is named with its line, however the text is cut. */
static void
test_json_lines(void **state)
{
	static const char text[] = "[\"bad-one.com\",\n\"a..com\",\n\n\"bad-\\n-two.com\", \"bad-three.com\"]\n";
	struct ti_format_opts o = {TI_F_JSON, NULL, NULL};

	for (size_t step = 1; step < sizeof(text); step++) {
		parse_with(&o, text, step);
		assert_int_equal(c.example[TI_BAD_NAME][0].line, 2);
		assert_int_equal(c.example[TI_BAD_NAME][1].line, 4);
		assert_int_equal(c.line, 5);
	}
}

static void
test_stix(void **state)
{
	expect(TI_F_STIX, NULL, NULL, "{\"type\":\"bundle\",\"objects\":["
	    "{\"type\":\"indicator\",\"pattern\":\"[domain-name:value = 'bad-one.com' OR ipv4-addr:value = '9.9.9.9']\"},"
	    "{\"type\":\"indicator\",\"pattern\":\"[url:value = 'https://bad-two.com/x']\"},"
	    "{\"type\":\"indicator\",\"pattern\":\"[domain-name:value = 'less.com' AND file:size = 1]\"},"
	    "{\"type\":\"indicator\",\"revoked\":true,\"pattern\":\"[domain-name:value = 'gone.com']\"},"
	    "{\"type\":\"malware\",\"pattern\":\"[domain-name:value = 'no.com']\"},"
	    "{\"type\":\"indicator\",\"pattern\":\"[file:hashes.MD5 = 'x']\"}]}",
	    "bad-one.com bad-two.com 9.9.9.9");
	assert_int_equal(c.refused[TI_UNSUPPORTED], 2);
}

static void
test_misp(void **state)
{
	expect(TI_F_MISP, NULL, NULL, "{\"Event\":{\"Attribute\":[{\"type\":\"domain\",\"value\":\"bad-one.com\",\"to_ids\":true},"
	    "{\"type\":\"domain|ip\",\"value\":\"bad-two.com|9.9.9.9\"},{\"type\":\"md5\",\"value\":\"x\"},"
	    "{\"type\":\"domain\",\"value\":\"context.com\",\"to_ids\":false}],"
	    "\"Object\":[{\"Attribute\":[{\"type\":\"url\",\"value\":\"http://bad-three.com/a\"}]}]}}",
	    "bad-one.com bad-three.com bad-two.com 9.9.9.9");
}

static void
test_broken_json(void **state)
{
	struct ti_format_opts o = {.format = TI_F_JSON};
	struct ti_parser *ps = ti_parser_new(&o, &c);

	assert_int_equal(ti_parser_feed(ps, "{\"a\":", 5), 0);
	assert_int_equal(ti_parser_end(ps), -EBADMSG);
	assert_non_null(strstr(ti_parser_error(ps), "not JSON"));
	ti_parser_free(&ps);
}

static void
test_sort(void **state)
{
	struct ti_keys k = {0};
	char key[32];
	size_t len;
	unsigned x = 1;

	for (int i = 0; i < 5000; i++) {
		x = x * 1103515245 + 12345;
		snprintf(key, sizeof(key), "com %s%u", i % 3 == 0 ? "same-prefix-here-" : "", x >> 16 & 0xfff);
		assert_int_equal(ti_keys_add(&k, key, strlen(key)), 0);
	}
	ti_keys_add(&k, "com", 3);
	ti_keys_add(&k, "com 1", 5);
	ti_keys_add(&k, "com 1 a", 7);
	ti_keys_add(&k, "com 1-a", 7);
	ti_keys_sort(&k);
	for (size_t i = 1; i < k.n; i++) {
		size_t la, lb;
		const char *a = ti_keys_at(&k, i - 1, &la), *b = ti_keys_at(&k, i, &lb);

		assert_true(ti_key_cmp(a, la, b, lb) < 0);
	}
	assert_memory_equal(ti_keys_at(&k, 0, &len), "com", 3);
	assert_true(ti_key_covers(TI_DOMAIN, "com 1", 5, "com 1 a", 7));
	assert_false(ti_key_covers(TI_DOMAIN, "com 1", 5, "com 1-a", 7));
	ti_keys_free(&k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list), cmocka_unit_test(test_refused), cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_hosts), cmocka_unit_test(test_adblock), cmocka_unit_test(test_dnsmasq),
		cmocka_unit_test(test_rpz), cmocka_unit_test(test_tables), cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_lines), cmocka_unit_test(test_stix), cmocka_unit_test(test_misp), cmocka_unit_test(test_broken_json),
		cmocka_unit_test(test_sort),
	};
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	ti_collect_free(&c);
	return r;
}
