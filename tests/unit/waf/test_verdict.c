/* SPDX-License-Identifier: MIT */
/* What a transaction ends in: scores, presets, modes, limits, log lines, counts. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lib/diag.h"
#include "tests/unit/waf/exec_rig.h"

#define GET(path)	"GET " path " HTTP/1.1\r\nHost: a.example\r\n\r\n"

static void
test_scores(void **state)
{
	static const struct {
		const char *set;
		int in, out, sqli, session;
	} rows[] = {
		{ "tx.anomaly_score_pl1=5,setvar:tx.anomaly_score_pl2=3", 8, 0, 0, 0 },
		{ "tx.paranoia_level=1,setvar:tx.anomaly_score_pl1=5,setvar:tx.anomaly_score_pl2=3", 5, 0, 0, 0 },
		{ "tx.anomaly_score=9,setvar:tx.anomaly_score_pl1=5", 9, 0, 0, 0 },
		{ "tx.blocking_paranoia_level=2,setvar:tx.inbound_anomaly_score_pl2=4,setvar:tx.inbound_anomaly_score_pl3=4", 4, 0, 0, 0 },
		{ "tx.blocking_inbound_anomaly_score=7,setvar:tx.blocking_outbound_anomaly_score=4", 7, 4, 0, 0 },
		{ "tx.outbound_anomaly_score_pl1=4,setvar:tx.sql_injection_score=5,setvar:tx.session_fixation_score=3", 0, 4, 5, 3 },
	};
	char rules[512];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct rig rig = {.rules = rules};

		snprintf(rules, sizeof(rules), "SecAction \"id:1,phase:1,pass,nolog,setvar:%s\"", rows[i].set);
		rig_run(&rig);
		assert_int_equal(rig_verdict()->inbound_score, rows[i].in);
		assert_int_equal(rig_verdict()->outbound_score, rows[i].out);
		assert_int_equal(rig_verdict()->category_score[WAF_C_SQLI], rows[i].sqli);
		assert_int_equal(rig_verdict()->category_score[WAF_C_SESSION], rows[i].session);
	}
}

static void
test_presets(void **state)
{
	static const struct waf_preset presets[] = {{"level", "3"}, {"unknown_to_rules", "x"}};
	struct waf_profile p = {.name = "p", .presets = presets, .n_presets = 2};
	struct rig rig = {.profile = &p, .rules =
	    "SecAction \"id:1,phase:1,pass,nolog,setvar:tx.level=1,setvar:tx.level=+1,setvar:!tx.level\"\n"
	    "SecRule TX:level \"@eq 3\" \"id:2,phase:1,pass,log\"\nSecRule &TX:level \"@eq 1\" \"id:3,phase:1,deny,log\""};

	(void)state;
	assert_string_equal(rig_run(&rig), "deny 403 in 1 by 3 2: 3:");
	p.mode = WAF_MODE_DETECTION_ONLY;
	assert_string_equal(rig_run(&rig), "pass would by 3 2: 3:");
	p.mode = WAF_MODE_OFF;
	assert_string_equal(rig_run(&rig), "pass");
}

/* Catastrophic for a backtracking matcher, and no "no" of the automaton, which does not know "$"; the limit is met, the recommended rule sees it, the verdict is an error. */
static void
test_regex_limit(void **state)
{
	char request[4096] = "GET /?q=y-", *p = request + strlen(request);
	struct rig rig = {.request = request, .rules = "SecPcreMatchLimit 100\nSecPcreMatchLimitRecursion 100\n"
	    "SecRule ARGS:q \"!@rx (x+x+)+[yz]$\" \"id:1,phase:2,deny,log\"\n"
	    "SecRule TX:/^MSC_/ \"!@streq 0\" \"id:2,phase:2,pass,log,msg:'%{matched_var_name}'\""};

	(void)state;
	memset(p, 'x', 2000);
	strcpy(p + 2000, "y- HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_string_equal(rig_run(&rig), "error regex-limit 2:TX:msc_pcre_limits_exceeded");
	/* a refusal is worth more than a doubt */
	rig.rules = "SecPcreMatchLimit 100\nSecPcreMatchLimitRecursion 100\n"
	    "SecRule ARGS:q \"@rx (x+x+)+[yz]$\" \"id:1,phase:2,pass,log\"\nSecAction \"id:2,phase:2,deny,log\"";
	assert_string_equal(rig_run(&rig), "deny 403 in 2 by 2 2:");
}

static void
test_time_limit(void **state)
{
	size_t n = 200000, i;
	char *request = malloc(n + 256), *rules = malloc(100000), *p = rules;
	struct rig rig = {.rules = rules, .request = request};

	(void)state;
	p += sprintf(p, "SecLLMSecTimeLimit 1\nSecRequestBodyLimit 1000000\nSecRequestBodyNoFilesLimit 1000000\n");
	for (i = 1; i < 500; i++)
		p += sprintf(p, "SecRule ARGS \"@rx (?:\\d\\W){2,%zu}[^\\d-]\" \"id:%zu,phase:2,pass,nolog\"\n", i + 2, i);
	i = (size_t)sprintf(request, "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
	    "Content-Length: %zu\r\n\r\nq=", n + 2);
	for (size_t k = 0; k < n; k++)
		request[i + k] = k == 0 ? 'a' : k % 2 ? '7' : '-';
	request[i + n] = '\0';
	assert_string_equal(rig_run(&rig), "error time");
	free(request);
	free(rules);
}

static void
test_arguments_limit(void **state)
{
	struct rig rig = {.rules = "SecArgumentsLimit 2\nSecRule ARGS:x \"@rx .\" \"id:1,phase:2,deny,log\"",
	    .request = GET("/?a=1&b=2&c=3")};

	(void)state;
	assert_string_equal(rig_run(&rig), "error arguments");
	rig.request = GET("/?x=1&b=2&c=3");
	assert_string_equal(rig_run(&rig), "deny 403 in 2 by 1 1:");
}

static void
test_many_matches(void **state)
{
	char rules[] = "SecArgumentsLimit 4000\nSecRule ARGS \"@rx .\" \"id:1,phase:2,pass,log,setvar:tx.n=+1\"\n"
	    "SecRule TX:n \"@eq 600\" \"id:2,phase:2,deny,log\"";
	char request[8192] = "GET /?a=1";
	struct rig rig = {.rules = rules, .request = request};
	size_t i;

	(void)state;
	for (i = 1; i < 600; i++)
		strcat(request, "&a=1");
	strcat(request, " HTTP/1.1\r\nHost: a\r\n\r\n");
	rig_run(&rig);
	assert_int_equal(rig_verdict()->action, WAF_DENY);
	assert_int_equal(rig_verdict()->n_matches, 512);
	assert_int_equal(rig_verdict()->n_matches_lost, 600 + 1 - 512);
}

static void
test_log_line(void **state)
{
	static const char want[] = "ModSecurity: Warning. Matched at ARGS:q. [file \"test\"] [line \"1\"] [id \"7\"] [msg \"a \\x22b\\x22\"] "
	    "[data \"x\\x5c\\x0a\\xff\"] [severity \"CRITICAL\"] [ver \"V/1\"] [tag \"t1\"] [tag \"t-a.example\"] [hostname \"a.example\"] "
	    "[uri \"/p\"] [unique_id \"u-1\"]";
	struct rig rig = {.request = GET("/p?q=x%5c%0a%ff"), .rules =
	    "SecRule ARGS \"@rx .\" \"id:7,phase:2,pass,log,msg:'a \\\"b\\\"',logdata:'%{matched_var}',severity:CRITICAL,ver:'V/1',"
	    "tag:'t1',tag:'t-%{request_headers.host}'\""};
	char buf[1024];
	size_t n;

	(void)state;
	rig_run(&rig);
	n = waf_log_line(buf, sizeof(buf), rig_tx(), &rig_verdict()->matches[0], SIZE_MAX);
	assert_string_equal(buf, want);
	assert_int_equal(n, strlen(want));
	assert_int_equal(waf_log_line(buf, 20, rig_tx(), &rig_verdict()->matches[0], SIZE_MAX), n);
	assert_string_equal(buf, "ModSecurity: Warnin");
	waf_log_line(buf, sizeof(buf), rig_tx(), &rig_verdict()->matches[0], 1);
	assert_non_null(strstr(buf, "[data \"x\"]"));
	waf_log_line(buf, sizeof(buf), rig_tx(), &rig_verdict()->matches[0], 0);
	assert_null(strstr(buf, "[data"));
}

static void
test_explain(void **state)
{
	struct waf_options opt = {.explain = true};
	struct rig rig = {.opt = &opt, .request = GET("/?q=A%2542"), .rules =
	    "SecRule ARGS \"@rx b\" \"id:1,phase:2,pass,nolog,t:urlDecode,t:lowercase\""};

	(void)state;
	rig_run(&rig);
	assert_int_equal(rig_verdict()->n_matches, 1);
	assert_string_equal(rig_verdict()->matches[0].tfns, "urlDecode,lowercase");
	assert_int_equal(rig_verdict()->matches[0].value.n, 2);
	assert_memory_equal(rig_verdict()->matches[0].value.p, "ab", 2);
	assert_false(rig_verdict()->matches[0].log);
}

struct seen {
	size_t n, detections;
	int64_t last;
};

static void
see(void *arg, const struct waf_rule_info *i)
{
	struct seen *s = arg;

	s->n++;
	s->detections += i->detection;
	s->last = i->id;
	if (i->id == 3) {
		assert_string_equal(i->category, "attack-sqli");
		assert_int_equal(i->paranoia, 2);
		assert_true(i->prefiltered);
	}
}

static void
test_stats(void **state)
{
	static const char rules[] = "SecAction \"id:1,phase:1,pass,nolog\"\n"
	    "SecRule TX:anomaly_score \"@ge 5\" \"id:2,phase:2,deny,log,severity:CRITICAL\"\nSecMarker X\n"
	    "SecRule ARGS \"@rx select\" \"id:3,phase:2,pass,log,severity:CRITICAL,tag:'attack-sqli',tag:'paranoia-level/2',chain\"\n"
	    "SecRule ARGS \"@pm foo bar\"\n"
	    "SecRule TX:anomaly_score \"@ge 5\" \"id:4,phase:2,deny,log,severity:CRITICAL,tag:'attack-generic'\"\n"
	    "SecRule TX:/part_type_.*/ \"!@rx ^a\" \"id:5,phase:2,block,severity:CRITICAL,tag:'attack-protocol'\"\n"
	    "SecRule TX:/part_type_.*/ \"!@rx ^a\" \"id:6,phase:2,pass,nolog,severity:CRITICAL,tag:'attack-protocol'\"";
	struct seen seen = {0};
	struct waf_stats s;
	struct diag *d = diag_new();
	struct waf *w;

	(void)state;
	assert_int_equal(waf_load_mem(&w, "test", NULL, rules, sizeof(rules) - 1, NULL, d), 0);
	waf_stats(w, &s);
	assert_int_equal(s.rules, 6);
	assert_int_equal(s.detection_rules, 2);	/* 3, and 5, which looks at TX for an attack */
	assert_int_equal(s.chains, 1);
	assert_int_equal(s.regexes, 3);
	assert_int_equal(s.phrases, 2);
	assert_int_equal(s.by_phase[2], 5);
	assert_int_equal(s.by_paranoia[2], 1);
	waf_each_rule(w, see, &seen);
	assert_int_equal(seen.n, 6);
	assert_int_equal(seen.detections, 2);
	assert_int_equal(seen.last, 6);
	waf_free(&w);
	assert_int_not_equal(waf_load_mem(&w, "bad", NULL, "SecRuke ARGS", 12, NULL, d), 0);
	assert_null(w);
	diag_free(&d);
}

static int
done(void **state)
{
	(void)state;
	rig_done();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scores),
		cmocka_unit_test(test_presets),
		cmocka_unit_test(test_regex_limit),
		cmocka_unit_test(test_time_limit),
		cmocka_unit_test(test_arguments_limit),
		cmocka_unit_test(test_many_matches),
		cmocka_unit_test(test_log_line),
		cmocka_unit_test(test_explain),
		cmocka_unit_test(test_stats),
	};

	return cmocka_run_group_tests(tests, NULL, done);
}
