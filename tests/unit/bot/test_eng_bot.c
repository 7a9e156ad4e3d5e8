/* SPDX-License-Identifier: MIT */
/* The scores as an engine: configuration and its mistakes, lists that are replaced, thresholds, what the verdict tells. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "haproxy-spoa/policy.h"
#include "haproxy-spoa/req_raw.h"
#include "haproxy-spoa/spoad_counters.h"
#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/log.h"
#include "lib/set_dom.h"
#include "lib/set_ip.h"
#include "tests/unit/lib/temp.h"

#define SECOND	((uint64_t)1000000)
#define GOOGLEBOT	"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"

struct rig {
	char			 dir[TEMP_PATH];
	struct arena		*arena;
	struct policy		*policy;
	struct policy_thread	*thread;
};

static void
put(struct rig *r, const char *name, const char *text)
{
	char from[TEMP_PATH + 32], to[TEMP_PATH + 32];

	temp_write(r->dir, "new", text, strlen(text));
	snprintf(from, sizeof(from), "%s/new", r->dir);
	snprintf(to, sizeof(to), "%s/%s", r->dir, name);
	assert_int_equal(rename(from, to), 0);
}

static void
rig_new(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	temp_new(r->dir);
	r->arena = arena_new(0);
}

/* <bot> has %s where the folder goes, twice at most. */
static struct policy *
configured(struct rig *r, const char *bot, struct diag *d)
{
	char section[2048], text[4096], path[TEMP_PATH + 32];

	snprintf(section, sizeof(section), bot, r->dir, r->dir);
	snprintf(text, sizeof(text), "listen: [\"unix:/nowhere\"]\nedge_keys: \"\"\nbot:\n%s", section);
	put(r, "spoad.yaml", text);
	snprintf(path, sizeof(path), "%s/spoad.yaml", r->dir);
	return policy_load(path, d);
}

static void
rig_configure(struct rig *r, const char *bot)
{
	struct diag *d = diag_new();

	r->policy = configured(r, bot, d);
	if (r->policy == NULL)
		fail_msg("%s", diag_first(d));
	diag_free(&d);
	r->thread = policy_thread_new(r->policy);
}

static void
rig_close(struct rig *r)
{
	policy_thread_free(&r->thread);
	policy_unref(&r->policy);
	arena_free(&r->arena);
	temp_remove(r->dir);
}

static struct verdict
judge(struct rig *r, const char *ip, const char *path, const char *agent)
{
	char raw[1024];
	struct req_view q;
	struct verdict v;
	int n = snprintf(raw, sizeof(raw), "GET %s HTTP/1.1\r\nHost: app.example\r\nUser-Agent: %s\r\nAccept: text/html\r\n\r\n", path,
	    agent);

	assert_int_equal(req_raw_read(&q, arena_strndup(r->arena, raw, (size_t)n), (size_t)n, r->arena, NULL), 0);
	snprintf(q.ip, sizeof(q.ip), "%s", ip);
	verdict_init(&v, 0);
	policy_judge(r->policy, r->thread, &q, &v, r->arena, 0);
	assert_non_null(v.bot);
	return v;
}

static void
published_addresses_prove(void **state)
{
	struct rig r;
	struct verdict v;

	rig_new(&r);
	put(&r, "google", "66.249.64.0/19\n");
	put(&r, "gpt.json", "{\"prefixes\":[{\"ipv4Prefix\":\"192.0.2.0/28\"}]}");
	rig_configure(&r, "  resolver: {threads: 0}\n  crawlers:\n    - {agent: googlebot, addresses: %s/google}\n"
	    "    - {agent: GPTBot, addresses: %s/gpt.json}\n");
	v = judge(&r, "66.249.66.1", "/", GOOGLEBOT);
	assert_int_equal(v.bot->proof, PROOF_TRUE);
	assert_int_equal(v.bot_score, 10);
	assert_int_equal(v.threat_score, 0);
	v = judge(&r, "192.0.2.1", "/", GOOGLEBOT);		/* is GPTBot's */
	assert_int_equal(v.bot->proof, PROOF_FALSE);
	assert_int_equal(v.bot_score, 60);
	assert_int_equal(v.threat_score, 80);
	assert_true(v.tell && v.bot_tell);
	assert_int_equal(v.action, VERDICT_ALLOW);		/* it refuses nothing unless it is told to */
	assert_int_equal(judge(&r, "192.0.2.1", "/", "GPTBot/1.1").bot->proof, PROOF_TRUE);
	assert_int_equal(judge(&r, "192.0.2.1", "/", "ClaudeBot/1.0").bot->proof, PROOF_NONE);
	rig_close(&r);
}

static void
lists_are_replaced_while_running(void **state)
{
	struct rig r;

	rig_new(&r);
	rig_configure(&r, "  resolver: {threads: 0}\n  crawlers: [{agent: Googlebot, addresses: %s/google}]\n");
	assert_int_equal(judge(&r, "192.0.2.1", "/", GOOGLEBOT).bot->proof, PROOF_NONE);	/* no file yet */
	put(&r, "google", "192.0.2.0/24\n");
	policy_tick(r.policy, 1 * SECOND);
	policy_tick(r.policy, 2 * SECOND);
	assert_int_equal(judge(&r, "192.0.2.1", "/", GOOGLEBOT).bot->proof, PROOF_TRUE);
	put(&r, "google", "<html>503</html>\n");
	policy_tick(r.policy, 3 * SECOND);
	policy_tick(r.policy, 4 * SECOND);
	assert_int_equal(judge(&r, "192.0.2.1", "/", GOOGLEBOT).bot->proof, PROOF_TRUE);	/* the old one stays */
	put(&r, "google", "198.51.100.0/24\n");
	policy_tick(r.policy, 5 * SECOND);
	policy_tick(r.policy, 6 * SECOND);
	assert_int_equal(judge(&r, "192.0.2.1", "/", GOOGLEBOT).bot->proof, PROOF_FALSE);
	rig_close(&r);
}

static void
set_write(struct rig *r, const char *network, unsigned char confidence)
{
	static const char *const categories[] = {"scanner"};
	const struct set_meta meta = {.created = 1, .generation = 1, .categories = categories, .n_categories = 1};
	const struct set_class class = {.categories = 1, .confidence = confidence};
	struct set_ip_writer *w = set_ip_writer_new(&meta);
	char path[TEMP_PATH + 32];
	struct cidr c;

	assert_int_equal(cidr_parse(network, &c), 0);
	assert_int_equal(set_ip_writer_add(w, &c, &class), 0);
	snprintf(path, sizeof(path), "%s/ips.set", r->dir);
	assert_int_equal(set_ip_writer_write(w, path), 0);
	set_ip_writer_free(&w);
}

static void
intelligence_counts_by_its_confidence(void **state)
{
	struct rig r;

	rig_new(&r);
	set_write(&r, "192.0.2.0/24", 100);
	rig_configure(&r, "  resolver: {threads: 0}\n  ti_sets: [%s/ips.set]\n");
	assert_int_equal(judge(&r, "192.0.2.9", "/v1/models", "curl/8").threat_score, 60);
	assert_int_equal(judge(&r, "192.0.3.9", "/v1/models", "curl/8").threat_score, 0);
	assert_int_equal(judge(&r, "192.0.2.9", "/v1/models", "curl/8\r\nReferer: https://phish.example/").threat_score, 60);
	set_write(&r, "192.0.3.0/24", 50);
	policy_tick(r.policy, 1 * SECOND);
	policy_tick(r.policy, 2 * SECOND);
	assert_int_equal(judge(&r, "192.0.2.9", "/v1/models", "curl/8").threat_score, 0);
	assert_int_equal(judge(&r, "192.0.3.9", "/v1/models", "curl/8").threat_score, 30);
	rig_close(&r);
}

static void
sites_are_looked_up(void **state)
{
	static const char *const categories[] = {"phishing"};
	const struct set_meta meta = {.created = 1, .generation = 1, .categories = categories, .n_categories = 1, .key = "sixteen bytes!!"};
	const struct set_class class = {.categories = 1, .confidence = 100};
	struct set_dom_writer *w = set_dom_writer_new(&meta);
	char path[TEMP_PATH + 32];
	struct rig r;

	rig_new(&r);
	assert_int_equal(set_dom_writer_add(w, "phish.example", 13, &class), 0);
	snprintf(path, sizeof(path), "%s/domains.set", r.dir);
	assert_int_equal(set_dom_writer_write(w, path), 0);
	set_dom_writer_free(&w);
	rig_configure(&r, "  resolver: {threads: 0}\n  ti_domains: [%s/domains.set]\n");
	assert_int_equal(judge(&r, "192.0.2.9", "/v1/models", "curl/8\r\nReferer: https://WWW.Phish.example:8443/x").threat_score, 30);
	assert_int_equal(judge(&r, "192.0.2.9", "/v1/models", "curl/8\r\nOrigin: https://phish.example").threat_score, 30);
	assert_int_equal(judge(&r, "192.0.2.9", "/v1/models", "curl/8\r\nReferer: https://a.example/phish.example").threat_score, 0);
	assert_int_equal(judge(&r, "192.0.2.9", "/v1/models", "curl/8\r\nReferer: phish.example").threat_score, 0);
	rig_close(&r);
}

static void
thresholds_refuse(void **state)
{
	struct rig r;
	struct verdict v;

	rig_new(&r);
	rig_configure(&r, "  resolver: {threads: 0}\n  deny_at: {bot: 60, threat: 70}\n  event_at: {threat: 0}\n");
	v = judge(&r, "192.0.2.1", "/", "curl/8");
	assert_int_equal(v.action, VERDICT_ALLOW);
	assert_false(v.tell);
	v = judge(&r, "192.0.2.1", "/", "Mozilla/5.0 (X11) PhantomJS/2.1 Safari/538.1");
	assert_int_equal(v.action, VERDICT_DENY);
	assert_int_equal(v.status, 403);
	assert_string_equal(v.reason, "bot-score");
	assert_string_equal(v.rule_ids[0], "BOT-303");
	assert_true(v.tell);
	assert_string_equal(judge(&r, "192.0.2.1", "/", "sqlmap/1").reason, "threat-score");
	rig_close(&r);
}

static void
weights_are_the_operators(void **state)
{
	struct rig r;
	struct verdict v;

	rig_new(&r);
	rig_configure(&r, "  resolver: {threads: 0}\n  weights: {BOT-301: 7, BOT-305: 0}\n  api_paths: [/rpc/]\n");
	v = judge(&r, "192.0.2.1", "/", "curl/8");
	assert_int_equal(v.bot_score, 7);
	assert_int_equal(v.n_rule_ids, 0);			/* too little to be named */
	assert_int_equal(judge(&r, "192.0.2.1", "/", "some crawler").bot_score, 0);
	assert_int_equal(judge(&r, "192.0.2.1", "/rpc/x", "curl/8").bot_score, 0);
	assert_int_equal(judge(&r, "192.0.2.1", "/v1/x", "curl/8").bot_score, 7);
	/* Not by a path that another server may read as something else. */
	assert_int_equal(judge(&r, "192.0.2.1", "/rpc/../x", "curl/8").bot_score, 7);
	assert_int_equal(judge(&r, "192.0.2.1", "/rpc/%2e%2e/x", "curl/8").bot_score, 7);
	rig_close(&r);
}

static void
mistakes_have_their_place(void **state)
{
	static const struct {
		const char	*bot, *complaint;
	} t[] = {
		{"  weights: {BOT-1: 3}\n", "spoad.yaml:4:13: error: unknown key \"BOT-1\""},
		{"  weights: {BOT-101: 101}\n", "spoad.yaml:4:22: error: \"BOT-101\" out of range"},
		{"  countries: [{code: Germany, weight: 3}]\n", "two capital letters"},
		{"  asns: [{asn: 0, weight: 3}]\n", "spoad.yaml:4:16: error: \"asn\" out of range"},
		{"  crawlers: [{agent: curl, addresses: x}]\n", "that agent is no crawler"},
		{"  crawlers: [{agent: nobody, addresses: x}]\n", "no such agent"},
		{"  api_paths: [v1]\n", "a path begins with /"},
		{"  deny_at: {bot: 101}\n", "out of range"},
		{"  resolver: {threads: 17}\n", "out of range"},
	};
	struct policy *p;
	struct diag *d;
	struct rig r;

	rig_new(&r);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		d = diag_new();
		p = configured(&r, t[i].bot, d);
		if (p != NULL || strstr(diag_first(d), t[i].complaint) == NULL)
			fail_msg("%s: \"%s\", not \"%s\"", t[i].bot, diag_first(d), t[i].complaint);
		diag_free(&d);
	}
	rig_close(&r);
}

static void
lists_without_a_database_are_told_of(void **state)
{
	struct diag *d = diag_new();
	struct rig r;

	rig_new(&r);
	r.policy = configured(&r, "  resolver: {threads: 0}\n  countries: [{code: XA, weight: 5}]\n  asns: [{asn: 1, weight: 5}]\n", d);
	assert_non_null(r.policy);
	assert_int_equal(diag_errors(d), 0);
	assert_int_equal(diag_warnings(d), 2);
	diag_free(&d);
	rig_close(&r);
}

/* What fired is counted, by all configurations that there were. */
static void
features_are_counted(void **state)
{
	struct counters *c;
	uint64_t before;
	struct rig r;

	rig_new(&r);
	assert_int_equal(counters_open(&c, NULL, "spoad", spoad_counters, SPOAD_C_N), 0);
	rig_configure(&r, "  resolver: {threads: 0}\n");
	policy_report(r.policy, c);
	before = counters_get(c, SPOAD_C_BOT_SCANNER);
	judge(&r, "192.0.2.1", "/", "sqlmap/1");
	judge(&r, "192.0.2.1", "/", GOOGLEBOT);
	policy_report(r.policy, c);
	policy_report(r.policy, c);
	assert_int_equal(counters_get(c, SPOAD_C_BOT_SCANNER), before + 1);
	assert_true(counters_get(c, SPOAD_C_BOT_PROOF) > 0);		/* unproven: nobody to ask */
	assert_true(counters_get(c, SPOAD_C_THREAT_SCORE + 4) > 0);	/* 61-80 */
	counters_close(&c);
	rig_close(&r);
}

/* A reload keeps what the resolver's threads have learned, and switching the scores off ends them. */
static void
reloads_and_off(void **state)
{
	struct policy *old;
	struct verdict v;
	struct rig r;

	rig_new(&r);
	rig_configure(&r, "  resolver: {threads: 1}\n");
	old = r.policy;
	policy_thread_free(&r.thread);
	rig_configure(&r, "  resolver: {threads: 1}\n  rate: 5\n");
	policy_unref(&old);
	judge(&r, "127.0.0.1", "/", "curl/8");
	policy_thread_free(&r.thread);
	policy_unref(&r.policy);
	rig_configure(&r, "  enabled: false\n");
	{
		struct req_view q;

		req_view_init(&q);
		q.flags = 0;
		verdict_init(&v, 0);
		policy_tick(r.policy, 9 * SECOND);
		policy_judge(r.policy, r.thread, &q, &v, r.arena, 0);
	}
	assert_null(v.bot);
	assert_int_equal(v.bot_score, 0);
	rig_close(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_addresses_prove), cmocka_unit_test(lists_are_replaced_while_running),
		cmocka_unit_test(intelligence_counts_by_its_confidence), cmocka_unit_test(sites_are_looked_up),
		cmocka_unit_test(thresholds_refuse),
		cmocka_unit_test(weights_are_the_operators), cmocka_unit_test(mistakes_have_their_place),
		cmocka_unit_test(lists_without_a_database_are_told_of),
		cmocka_unit_test(features_are_counted), cmocka_unit_test(reloads_and_off),
	};

	log_init("test_eng_bot", LOG_DEST_STDERR, LOG_ERR);
	log_set_level(LOG_ERR);
	return cmocka_run_group_tests_name("eng_bot", tests, NULL, NULL);
}
