/* SPDX-License-Identifier: MIT */
/* From the arguments of a NOTIFY to the variables of its ACK, without a connection. */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "haproxy-spoa/judge.h"
#include "haproxy-spoa/judge_hello.h"
#include "haproxy-spoa/policy.h"
#include "haproxy-spoa/spoad_counters.h"
#include "haproxy-spoa/spop_conn.h"
#include "haproxy-spoa/spop_frame.h"
#include "lib/arena.h"
#include "lib/diag.h"
#include "tests/unit/tls/hello_make.h"

struct arg {
	const char	 *name;
	struct spop_value v;
};

struct bench {
	struct policy	*policy;
	struct counters	*counters;
	struct judge	 j;
	uint8_t		 in[4096], out[4096];
	size_t		 in_len, out_len;
};

static const char rules[] =
    "SecRuleEngine On\n"
    "SecRule ARGS \"@contains evil\" \"id:7,phase:2,deny,status:429,log,setvar:tx.anomaly_score=+5\"\n"
    "SecRule ARGS \"@contains hmm\" \"id:8,phase:2,pass,log,severity:NOTICE,setvar:tx.anomaly_score=+2\"\n"
    "SecRule ARGS \"@contains away\" \"id:9,phase:2,redirect:https://x.example/,log\"\n";

static void
file_make(char *path, const char *text)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static struct policy *
policy_make(void)
{
	char path[] = "/tmp/test_judge.XXXXXX", waf[] = "/tmp/test_judge.XXXXXX", text[256];
	struct diag *d = diag_new();
	struct policy *p;

	file_make(waf, rules);
	snprintf(text, sizeof(text), "listen: [\"unix:/nowhere\"]\nedge_keys: \"\"\ndeadline: 1s\nbot: {enabled: false}\n"
	    "waf: {rules: %s, profiles: [{name: watch, mode: detection_only}]}\n", waf);
	file_make(path, text);
	p = policy_load(path, d);
	unlink(path);
	unlink(waf);
	diag_free(&d);
	assert_non_null(p);
	return p;
}

static int
bench_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (b == NULL || counters_open(&b->counters, NULL, "spoad", spoad_counters, SPOAD_C_N) != 0)
		return -1;
	b->policy = policy_make();
	b->j = (struct judge){.policy = b->policy, .thread = policy_thread_new(b->policy), .arena = arena_new(1 << 20), .counters = b->counters,
		.since_us = policy_now_us()};
	*state = b;
	return b->j.arena == NULL;
}

static int
bench_down(void **state)
{
	struct bench *b = *state;

	arena_free(&b->j.arena);
	policy_thread_free(&b->j.thread);
	counters_close(&b->counters);
	policy_unref(&b->policy);
	free(b);
	return 0;
}

static void
message_add(struct bench *b, const char *name, const struct arg *args, unsigned n)
{
	struct wire_out o;

	wire_out_init(&o, b->in + b->in_len, sizeof(b->in) - b->in_len);
	wire_put_str(&o, name, strlen(name));
	wire_put_u8(&o, (uint8_t)n);
	for (unsigned i = 0; i < n; i++)
		spop_kv_put(&o, args[i].name, &args[i].v);
	assert_int_equal(o.err, 0);
	b->in_len += wire_out_len(&o);
}

static int
ask(struct bench *b)
{
	struct spop_notify n = {1, 1, 65532, b->in, b->in_len};
	struct wire_out o;
	int status;

	wire_out_init(&o, b->out, sizeof(b->out));
	status = judge_notify(&b->j, &n, &o);
	assert_int_equal(o.err, 0);
	b->out_len = wire_out_len(&o);
	return status;
}

static const char *
var(const struct bench *b, const char *name)
{
	static char text[512];
	struct spop_action a;
	struct wire w;
	int64_t num;

	wire_init(&w, b->out, b->out_len);
	while (spop_action_get(&w, &a)) {
		if (a.name_len != strlen(name) || memcmp(a.name, name, a.name_len) != 0)
			continue;
		if (a.value.type == SPOP_D_STR)
			snprintf(text, sizeof(text), "%.*s", (int)a.value.str.len, a.value.str.p);
		else if (spop_value_int(&a.value, &num))
			snprintf(text, sizeof(text), "%lld", (long long)num);
		else
			snprintf(text, sizeof(text), "%s", a.value.b ? "true" : "false");
		return text;
	}
	assert_int_equal(w.err, 0);
	return "(unset)";
}

/* host: x and an end; what HAProxy's req.hdrs_bin makes of it. */
#define HDRS	"\4host\1x\0\0"

static const struct arg good[] = {
	{"method", {.type = SPOP_D_STR, .str = {"POST", 4}}}, {"path", {.type = SPOP_D_STR, .str = {"/v1/messages", 12}}},
	{"ver", {.type = SPOP_D_STR, .str = {"1.1", 3}}}, {"rid", {.type = SPOP_D_STR, .str = {"abc", 3}}},
	{"hdrs", {.type = SPOP_D_BIN, .str = {HDRS, sizeof(HDRS) - 1}}},
	{"body", {.type = SPOP_D_BIN, .str = {"{}", 2}}}, {"body_size", {.type = SPOP_D_INT64, .i = 2}},
};
#define N_GOOD	(sizeof(good) / sizeof(*good))

static void
a_good_request_is_allowed_and_counted(void **state)
{
	struct bench *b = *state;

	message_add(b, JUDGE_MESSAGE, good, N_GOOD);
	assert_int_equal(ask(b), SPOP_S_NORMAL);
	assert_string_equal(var(b, "action"), "allow");
	assert_string_equal(var(b, "request_id"), "abc");
	assert_string_equal(var(b, "rule_ids_json"), "[]");
	assert_string_equal(var(b, "truncated"), "false");
	assert_string_equal(var(b, "signature"), "(unset)");
	assert_int_equal(counters_get(b->counters, SPOAD_C_ALLOW), 1);
	assert_int_equal(counters_get(b->counters, SPOAD_C_DENY), 0);
}

static void
a_late_verdict_is_an_error(void **state)
{
	struct bench *b = *state;

	message_add(b, JUDGE_MESSAGE, good, N_GOOD);
	b->j.since_us = policy_now_us() - 1500000;	/* the deadline is 1 s */
	assert_int_equal(ask(b), SPOP_S_NORMAL);
	assert_string_equal(var(b, "action"), "error");
	assert_string_equal(var(b, "status"), "503");
	assert_string_equal(var(b, "reason"), "deadline");
	assert_int_equal(counters_get(b->counters, SPOAD_C_ERROR), 1);
	assert_int_equal(counters_get(b->counters, SPOAD_C_ALLOW), 0);
}

static void
a_cut_body_is_refused_with_its_rule(void **state)
{
	struct bench *b = *state;
	struct arg cut[N_GOOD];

	memcpy(cut, good, sizeof(cut));
	cut[N_GOOD - 1].v.i = 3;
	message_add(b, JUDGE_MESSAGE, cut, N_GOOD);
	assert_int_equal(ask(b), SPOP_S_NORMAL);
	assert_string_equal(var(b, "action"), "deny");
	assert_string_equal(var(b, "status"), "413");
	assert_string_equal(var(b, "rule_ids"), "guard-oversize");
	assert_string_equal(var(b, "rule_ids_json"), "[\"guard-oversize\"]");
	assert_int_equal(counters_get(b->counters, SPOAD_C_TRUNC_DENY), 1);
}

static void
addresses_of_both_families(void **state)
{
	struct bench *b = *state;
	struct arg ip = {"ip", {.type = SPOP_D_IPV4}};

	inet_pton(AF_INET, "192.0.2.7", &ip.v.ip4);
	message_add(b, JUDGE_MESSAGE, &ip, 1);
	assert_int_equal(ask(b), SPOP_S_NORMAL);
	assert_string_equal(var(b, "client_ip"), "192.0.2.7");
	b->in_len = 0;
	ip.v.type = SPOP_D_IPV6;
	inet_pton(AF_INET6, "2001:db8::1", &ip.v.ip6);
	message_add(b, JUDGE_MESSAGE, &ip, 1);
	assert_int_equal(ask(b), SPOP_S_NORMAL);
	assert_string_equal(var(b, "client_ip"), "2001:db8::1");
}

static void
ask_uri(struct bench *b, const char *uri, const char *profile)
{
	struct arg all[N_GOOD + 1];

	memcpy(all, good, sizeof(good));
	all[1] = (struct arg){"uri", {.type = SPOP_D_STR, .str = {uri, strlen(uri)}}};
	all[N_GOOD] = (struct arg){"waf_profile", {.type = SPOP_D_NULL}};
	if (profile != NULL)
		all[N_GOOD].v = (struct spop_value){.type = SPOP_D_STR, .str = {profile, strlen(profile)}};
	b->in_len = 0;
	message_add(b, JUDGE_MESSAGE, all, N_GOOD + 1);
	assert_int_equal(ask(b), SPOP_S_NORMAL);
}

static void
the_waf_has_variables_and_counters(void **state)
{
	struct bench *b = *state;

	ask_uri(b, "/x?a=good", NULL);
	assert_string_equal(var(b, "action"), "allow");
	assert_string_equal(var(b, "waf_score"), "0");
	assert_string_equal(var(b, "waf_rules"), "");
	assert_string_equal(var(b, "waf_redirect"), "(unset)");
	ask_uri(b, "https://host/x?a=hmm", NULL);
	assert_string_equal(var(b, "action"), "allow");
	assert_string_equal(var(b, "waf_score"), "2");
	assert_string_equal(var(b, "waf_rules"), "8");
	assert_string_equal(var(b, "rule_ids_json"), "[\"8\"]");
	assert_string_equal(var(b, "threat_score"), "20");
	ask_uri(b, "/x?a=hmm+evil", NULL);
	assert_string_equal(var(b, "action"), "deny");
	assert_string_equal(var(b, "status"), "429");
	assert_string_equal(var(b, "reason"), "waf");
	assert_string_equal(var(b, "waf_rules"), "7");
	ask_uri(b, "/x?a=evil", "watch");
	assert_string_equal(var(b, "action"), "allow");
	ask_uri(b, "/x?a=away", NULL);
	assert_string_equal(var(b, "waf_redirect"), "https://x.example/");
	ask_uri(b, "/x?a=good", "nosuch");
	assert_string_equal(var(b, "action"), "error");
	assert_string_equal(var(b, "reason"), "waf-profile");
	assert_string_equal(var(b, "waf_score"), "(unset)");
	assert_int_equal(counters_get(b->counters, SPOAD_C_WAF_PASS), 2);
	assert_int_equal(counters_get(b->counters, SPOAD_C_WAF_DENY), 1);
	assert_int_equal(counters_get(b->counters, SPOAD_C_WAF_MONITOR), 1);
	assert_int_equal(counters_get(b->counters, SPOAD_C_WAF_REDIRECT), 1);
	assert_int_equal(counters_get(b->counters, SPOAD_C_ALLOW), 3);
	policy_thread_free(&b->j.thread);
	ask_uri(b, "/x?a=good", NULL);
	assert_string_equal(var(b, "reason"), "waf-memory");
	assert_int_equal(counters_get(b->counters, SPOAD_C_WAF_ERROR), 1);
	assert_int_equal(counters_get(b->counters, SPOAD_C_WAF_E_MEMORY), 1);
}

static void
unknown_names_are_ignored_in_every_type(void **state)
{
	static const struct arg odd[] = {
		{"x0", {.type = SPOP_D_NULL}}, {"x1", {.type = SPOP_D_BOOL, .b = true}},
		{"x2", {.type = SPOP_D_INT32, .i = -5}}, {"x3", {.type = SPOP_D_UINT32, .u = 5}},
		{"x4", {.type = SPOP_D_INT64, .i = INT64_MIN}}, {"x5", {.type = SPOP_D_UINT64, .u = UINT64_MAX}},
		{"x6", {.type = SPOP_D_IPV4}}, {"x7", {.type = SPOP_D_IPV6}},
		{"x8", {.type = SPOP_D_STR, .str = {"s", 1}}}, {"x9", {.type = SPOP_D_BIN, .str = {"b", 1}}},
	};
	struct bench *b = *state;
	struct arg all[N_GOOD + 10];

	message_add(b, "something-newer", odd, 10);
	assert_int_equal(ask(b), SPOP_S_NORMAL);
	assert_int_equal(b->out_len, 0);
	memcpy(all, odd, sizeof(odd));
	memcpy(all + 10, good, sizeof(good));
	message_add(b, JUDGE_MESSAGE, all, N_GOOD + 10);
	assert_int_equal(ask(b), SPOP_S_NORMAL);
	assert_string_equal(var(b, "action"), "allow");
}

static void
what_cannot_be_read_is_an_error(void **state)
{
	struct bench *b = *state;
	struct arg bad[N_GOOD];

	memcpy(bad, good, sizeof(bad));
	bad[4].v.str.len = 3;		/* headers cut short */
	message_add(b, JUDGE_MESSAGE, bad, N_GOOD);
	assert_int_equal(ask(b), SPOP_S_NORMAL);
	assert_string_equal(var(b, "action"), "error");
	assert_string_equal(var(b, "reason"), "arguments-malformed");
	b->in_len = 0;
	message_add(b, JUDGE_MESSAGE, good, 4);		/* no headers at all */
	assert_int_equal(ask(b), SPOP_S_NORMAL);
	assert_string_equal(var(b, "action"), "error");
	assert_string_equal(var(b, "reason"), "arguments-missing");
	assert_int_equal(counters_get(b->counters, SPOAD_C_ERROR), 2);
}

static void
a_payload_cut_anywhere_is_invalid(void **state)
{
	struct bench *b = *state;
	size_t n;

	message_add(b, JUDGE_MESSAGE, good, N_GOOD);
	for (n = b->in_len - 1; n > 0; n--) {
		b->in_len = n;
		assert_int_equal(ask(b), SPOP_S_INVALID);
	}
	assert_int_equal(counters_get(b->counters, SPOAD_C_ALLOW), 0);
}

#define CHROME_JA3	"cd08e31494f9531f560d64c695473da9"

static size_t
hello_ask(struct bench *b, const uint8_t *rec, size_t n)
{
	struct arg a[] = {{"ip", {.type = SPOP_D_IPV4}}, {"hello", {.type = SPOP_D_BIN, .str = {(const char *)rec, n}}}};

	b->in_len = 0;
	message_add(b, JUDGE_HELLO, a, 2);
	assert_int_equal(ask(b), SPOP_S_NORMAL);
	return b->out_len;
}

static void
a_hello_has_its_fingerprint(void **state)
{
	static const size_t chunks[] = {16384, 100, 4, 1};
	struct bench *b = *state;
	uint8_t msg[1024], rec[8192];
	size_t len = hello_make(msg, sizeof(msg), &hello_chrome), n;

	for (size_t i = 0; i < sizeof(chunks) / sizeof(*chunks); i++) {
		n = hello_records(rec, msg, len, chunks[i]);
		hello_ask(b, rec, n);
		assert_string_equal(var(b, "hello"), "ok");
		assert_string_equal(var(b, "ja4"), HELLO_CHROME_JA4);
		assert_string_equal(var(b, "ja3"), CHROME_JA3);
	}
	assert_int_equal(counters_get(b->counters, SPOAD_C_HELLO_OK), 4);
}

static void
what_is_no_whole_hello_has_none(void **state)
{
	struct bench *b = *state;
	uint8_t msg[1024], rec[2048];
	size_t len = hello_make(msg, sizeof(msg), &hello_chrome), n;

	n = hello_records(rec, msg, len, 100);
	for (size_t i = 1; i < n; i++) {
		hello_ask(b, rec, i);
		assert_string_equal(var(b, "hello"), "short");
		assert_string_equal(var(b, "ja4"), "(unset)");
		assert_string_equal(var(b, "ja3"), "(unset)");
	}
	assert_int_equal(counters_get(b->counters, SPOAD_C_HELLO_SHORT), n - 1);
	hello_ask(b, (const uint8_t *)"GET / HTTP/1.1\r\n", 16);
	assert_string_equal(var(b, "hello"), "not-hello");
	rec[5 + 4 + 34] = 255;		/* a session id of 255 bytes */
	hello_ask(b, rec, n);
	assert_string_equal(var(b, "hello"), "malformed");
	assert_string_equal(var(b, "ja4"), "(unset)");
	assert_int_equal(counters_get(b->counters, SPOAD_C_HELLO_MALFORMED), 1);
	assert_int_equal(counters_get(b->counters, SPOAD_C_HELLO_NOT_HELLO), 1);
	assert_int_equal(counters_get(b->counters, SPOAD_C_ALLOW), 0);
}

/* Only what this agent wrote itself is believed; one wrong byte, and nothing is known. */
static void
a_request_brings_its_fingerprint(void **state)
{
	static const struct {
		const char *ja, *ja4, *ja3, *hello;
	} cases[] = {
		{HELLO_CHROME_JA4 "/" CHROME_JA3 "/ok", HELLO_CHROME_JA4, CHROME_JA3, "ok"},
		{"t00i000000_000000000000_000000000000/" CHROME_JA3 "/ok", "t00i000000_000000000000_000000000000", CHROME_JA3, "ok"},
		{"-/-/short", "", "", "short"}, {"-/-/malformed", "", "", "malformed"}, {"-/-/not-hello", "", "", "not-hello"},
		{"-/-/-", "", "", ""}, {"", "", "", ""}, {"//", "", "", ""}, {"-/-/ok", "", "", ""},
		{HELLO_CHROME_JA4 "/" CHROME_JA3, "", "", ""}, {HELLO_CHROME_JA4 "/" CHROME_JA3 "/short", "", "", ""},
		{HELLO_CHROME_JA4 "/" CHROME_JA3 "/ok/", "", "", ""}, {HELLO_CHROME_JA4 "/" CHROME_JA3 "/OK", "", "", ""},
		{HELLO_CHROME_JA4 "/-/ok", "", "", ""},
		{"-/" CHROME_JA3 "/ok", "", CHROME_JA3, "ok"},	/* of HAProxy 2.6's lists */
		{"q13d0312h3_55b375c5d22e_06cda9e17597/" CHROME_JA3 "/ok", "q13d0312h3_55b375c5d22e_06cda9e17597", CHROME_JA3, "ok"},
		{HELLO_CHROME_JA4 "a/" CHROME_JA3 "/ok", "", "", ""},
		{"x13d1516h2_8daaf6152771_e5627efa2ab1/" CHROME_JA3 "/ok", "", "", ""},
		{"t13d1516h2_8daaf6152771_e5627efa2aB1/" CHROME_JA3 "/ok", "", "", ""},
		{"t13d1516\"2_8daaf6152771_e5627efa2ab1/" CHROME_JA3 "/ok", "", "", ""},
		{"0123456789abcdef0123456789abcdef", "", "", ""},	/* somebody's own unique-id */
	};
	struct bench *b = *state;
	struct arg all[N_GOOD + 1];

	memcpy(all, good, sizeof(good));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		all[N_GOOD] = (struct arg){"ja", {.type = SPOP_D_STR, .str = {cases[i].ja, strlen(cases[i].ja)}}};
		b->in_len = 0;
		message_add(b, JUDGE_MESSAGE, all, N_GOOD + 1);
		assert_int_equal(ask(b), SPOP_S_NORMAL);
		assert_string_equal(var(b, "action"), "allow");
		assert_string_equal(var(b, "ja4"), cases[i].ja4);
		assert_string_equal(var(b, "ja3"), cases[i].ja3);
		assert_string_equal(var(b, "hello"), cases[i].hello);
	}
}

/* What HAProxy keeps of the hello of hello_chrome, in the order of its JA3. */
#define BIN(b)	{.type = SPOP_D_BIN, .str = {(const char *)(b), sizeof(b)}}
static const uint8_t chrome_ciphers[] = {0x13, 1, 0x13, 2, 0x13, 3, 0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x2c, 0xc0, 0x30, 0xcc, 0xa9,
	0xcc, 0xa8, 0xc0, 0x13, 0xc0, 0x14, 0, 0x9c, 0, 0x9d, 0, 0x2f, 0, 0x35};
static const uint8_t chrome_exts[] = {0, 0, 0, 23, 0xff, 1, 0, 10, 0, 11, 0, 35, 0, 16, 0, 5, 0, 13, 0, 18, 0, 51, 0, 45, 0, 43, 0,
	27, 0x44, 0x69, 0, 21};
static const uint8_t chrome_groups[] = {0, 29, 0, 23, 0, 24}, chrome_formats[] = {0}, chrome_versions[] = {3, 4, 3, 3};
static const uint8_t chrome_sigalgs[] = {4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 5, 1, 8, 6, 6, 1};
static const struct arg chrome_lists[] = {
	{"hello_id", {.type = SPOP_D_INT32, .i = 0x0303}}, {"ciphers", BIN(chrome_ciphers)}, {"exts", BIN(chrome_exts)},
	{"groups", BIN(chrome_groups)}, {"formats", BIN(chrome_formats)},
	{"alpn", {.type = SPOP_D_STR, .str = {"h2", 2}}}, {"sigalgs", BIN(chrome_sigalgs)}, {"versions", BIN(chrome_versions)},
};
#define N_LISTS	(sizeof(chrome_lists) / sizeof(*chrome_lists))

static void
lists_ask(struct bench *b, const struct arg *lists, unsigned n, const char *ja, const char *ja4, const char *ja3)
{
	b->in_len = 0;
	message_add(b, JUDGE_LISTS, lists, n);
	message_add(b, JUDGE_MESSAGE, good, N_GOOD);
	assert_int_equal(ask(b), SPOP_S_NORMAL);
	assert_string_equal(var(b, "ja"), ja);
	assert_string_equal(var(b, "ja4"), ja4);
	assert_string_equal(var(b, "ja3"), ja3);
	assert_string_equal(var(b, "action"), "allow");
}

/* The same fingerprints as of the bytes; what HAProxy didn't keep is not made up. */
static void
without_a_tcp_front_lists_do(void **state)
{
	struct bench *b = *state;
	struct arg l[N_LISTS];

	memcpy(l, chrome_lists, sizeof(l));
	lists_ask(b, l, N_LISTS, HELLO_CHROME_JA4 "/" CHROME_JA3 "/ok", HELLO_CHROME_JA4, CHROME_JA3);
	l[5].v = (struct spop_value){.type = SPOP_D_STR, .str = {"h3", 2}};
	lists_ask(b, l, N_LISTS, "q13d1516h3_8daaf6152771_e5627efa2ab1/" CHROME_JA3 "/ok", "q13d1516h3_8daaf6152771_e5627efa2ab1",
	    CHROME_JA3);
	lists_ask(b, l, N_LISTS - 1, "-/" CHROME_JA3 "/ok", "", CHROME_JA3);		/* no versions */
	lists_ask(b, l, N_LISTS - 2, "-/" CHROME_JA3 "/ok", "", CHROME_JA3);		/* HAProxy 2.6 */
	assert_int_equal(counters_get(b->counters, SPOAD_C_HELLO_OK), 4);
	l[6].v.str.len--;
	lists_ask(b, l, N_LISTS, "-/-/malformed", "", "");
	memcpy(l, chrome_lists, sizeof(l));
	l[0].v.type = SPOP_D_NULL;							/* no capture buffer */
	lists_ask(b, l, N_LISTS, "-/-/-", "", "");
	lists_ask(b, l, 0, "-/-/-", "", "");
	assert_int_equal(counters_get(b->counters, SPOAD_C_HELLO_SHORT), 0);
	assert_int_equal(counters_get(b->counters, SPOAD_C_HELLO_MALFORMED), 1);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, bench_up, bench_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_good_request_is_allowed_and_counted), TEST(a_late_verdict_is_an_error),
		TEST(a_cut_body_is_refused_with_its_rule), TEST(addresses_of_both_families),
		TEST(unknown_names_are_ignored_in_every_type), TEST(what_cannot_be_read_is_an_error),
		TEST(a_payload_cut_anywhere_is_invalid), TEST(the_waf_has_variables_and_counters),
		TEST(a_hello_has_its_fingerprint), TEST(what_is_no_whole_hello_has_none),
		TEST(a_request_brings_its_fingerprint), TEST(without_a_tcp_front_lists_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
