/* SPDX-License-Identifier: MIT */
/* The WAF as an engine: its configuration, what becomes of each of its verdicts, and what it tells. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "haproxy-spoa/eng_waf.h"
#include "haproxy-spoa/policy.h"
#include "haproxy-spoa/req_view.h"
#include "haproxy-spoa/respond.h"
#include "haproxy-spoa/waf/persist.h"
#include "lib/arena.h"
#include "lib/diag.h"

static const char rules_text[] =
    "SecRuleEngine On\n"
    "SecRequestBodyAccess On\n"
    "SecRequestBodyLimitAction ProcessPartial\n"
    "SecAction \"id:1,phase:1,pass,nolog,setvar:tx.level=1,setvar:tx.inbound_anomaly_score_threshold=5\"\n"
    "SecRule REQUEST_HEADERS:Content-Type \"@contains json\" \"id:2,phase:1,pass,nolog,t:none,ctl:requestBodyProcessor=JSON\"\n"
    "SecRule REQBODY_ERROR \"!@eq 0\" \"id:3,phase:2,deny,status:400,log,t:none,msg:'Not JSON'\"\n"
    "SecRule ARGS \"@contains evil\" \"id:100,phase:2,deny,status:403,log,t:none,severity:CRITICAL,"
	"tag:'attack-sqli',tag:'attack-%{MATCHED_VAR}',tag:'OWASP_CRS',msg:'Evil: %{MATCHED_VAR}',"
	"logdata:'%{MATCHED_VAR}'\"\n"
    "SecRule ARGS \"@contains three\" \"id:101,phase:2,pass,log,t:none,severity:WARNING,"
	"tag:'attack-sqli',tag:'OWASP_CRS',setvar:'tx.anomaly_score=+3',"
	"setvar:'tx.sql_injection_score=+3'\"\n"
    "SecRule ARGS \"@contains five\" \"id:102,phase:2,pass,log,t:none,severity:CRITICAL,setvar:'tx.anomaly_score=+5'\"\n"
    "SecRule ARGS:to \"@rx .\" \"id:103,phase:2,redirect:'%{MATCHED_VAR}',log,t:none\"\n"
    "SecRule ARGS \"@contains drop\" \"id:104,phase:2,drop,log,t:none\"\n"
    "SecRule ARGS \"@contains fine\" \"id:105,phase:2,allow,log,t:none\"\n"
    "SecRule ARGS \"@contains odd\" \"id:106,phase:2,deny,status:200,log,t:none\"\n"
    "SecRule REQUEST_URI \"@beginsWith /preset\" \"id:107,phase:2,deny,status:429,log,t:none,chain\"\n"
    "SecRule TX:level \"@eq 2\" \"t:none\"\n"
    "SecRule TX:anomaly_score \"@ge %{tx.inbound_anomaly_score_threshold}\" \"id:200,phase:2,deny,log,t:none,"
	"msg:'Score'\"\n";

static const char conf_text[] =
    "  profiles:\n"
    "    - {name: llm, inbound_threshold: 4, presets: [\"TX.Level=2\"]}\n"
    "    - {name: watch, mode: detection_only}\n"
    "    - {name: away, mode: \"off\"}\n";

static char dir[64];

struct bench {
	struct policy	*policy;
	struct policy_thread *thread;
	struct arena	*arena;
	struct req_view	 r;
	struct verdict	 v;
};

static char *
path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
file_write(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* A policy with these rules and the rest of its section `waf`; NULL, and the first mistake in <why>. */
static struct policy *
policy_make(const char *rules, const char *waf, char why[512])
{
	struct diag *d = diag_new();
	struct policy *p;
	char text[4096];

	file_write("waf.conf", rules);
	snprintf(text, sizeof(text), "listen: [\"unix:/nowhere\"]\nedge_keys: \"\"\ndeadline: 9s\nbot: {enabled: false}\nwaf:\n  rules: %s\n%s",
	    path_of("waf.conf"), waf);
	file_write("spoad.yaml", text);
	p = policy_load(path_of("spoad.yaml"), d);
	snprintf(why, 512, "%s", diag_first(d));
	diag_free(&d);
	return p;
}

static void
bench_up(struct bench *b, const char *rules, const char *waf)
{
	char why[512];

	memset(b, 0, sizeof(*b));
	b->policy = policy_make(rules, waf, why);
	if (b->policy == NULL)
		fail_msg("%s", why);
	b->thread = policy_thread_new(b->policy);
	b->arena = arena_new(0);
	assert_non_null(b->thread);
	assert_non_null(b->arena);
}

static void
bench_down(struct bench *b)
{
	arena_free(&b->arena);
	policy_thread_free(&b->thread);
	policy_unref(&b->policy);
}

static struct span
span(const char *s)
{
	return (struct span){s, strlen(s)};
}

static const struct verdict *
ask_view(struct bench *b, struct policy_thread *t)
{
	verdict_init(&b->v, 1700000000);
	policy_judge(b->policy, t, &b->r, &b->v, b->arena, 0);
	return &b->v;
}

static void
view_make(struct bench *b, const char *uri, const char *profile)
{
	arena_reset(b->arena);
	req_view_init(&b->r);
	b->r.method = span("POST");
	b->r.version = span("1.1");
	b->r.uri = span(uri);
	b->r.waf_profile = span(profile);
	b->r.request_id = span("abc");
	b->r.body_size = 0;
	b->r.flags = 0;
	strcpy(b->r.ip, "192.0.2.7");
	req_view_split_uri(&b->r);
}

static const struct verdict *
ask(struct bench *b, const char *uri, const char *profile)
{
	view_make(b, uri, profile);
	return ask_view(b, b->thread);
}

static const struct verdict *
ask_json(struct bench *b, const char *body, int64_t size)
{
	static struct req_header type = {{"content-type", 12}, {"application/json", 16}};

	view_make(b, "/v1/messages", "");
	b->r.headers = &type;
	b->r.n_headers = 1;
	b->r.body = span(body);
	b->r.body_size = size;
	return ask_view(b, b->thread);
}

static void
every_action_has_its_verdict(void **state)
{
	static const struct {
		const char	*uri, *profile;
		enum verdict_action action;
		int		 status;
		const char	*reason, *rules;
		int		 score, threat;
		bool		 tell;
	} t[] = {
		{"/?a=good", "", VERDICT_ALLOW, 200, "ok", "", 0, 0, false},
		{"/?a=evil", "", VERDICT_DENY, 403, "waf", "100", 0, 100, true},
		{"/?a=three", "", VERDICT_ALLOW, 200, "ok", "101", 3, 30, false},
		{"/?a=three", "llm", VERDICT_ALLOW, 200, "ok", "101", 3, 30, false},
		{"/?a=five", "", VERDICT_DENY, 403, "waf", "102", 5, 50, true},
		{"/?a=evil&b=evil", "watch", VERDICT_ALLOW, 200, "ok", "100", 0, 0, true},
		{"/?a=three&b=five", "", VERDICT_DENY, 403, "waf", "101,102", 8, 80, true},
		{"/?a=drop", "", VERDICT_DENY, 403, "waf-drop", "104", 0, 100, true},
		{"/?to=http://x/", "", VERDICT_DENY, 403, "waf-redirect", "103", 0, 100, true},
		{"/?a=odd", "", VERDICT_DENY, 403, "waf", "106", 0, 100, true},
		/* Allowed by its rule, so the rule that would refuse isn't reached. */
		{"/?a=fine&b=odd", "", VERDICT_ALLOW, 200, "ok", "", 0, 0, false},
		/* Pinned by the profile, though a SecAction sets it to 1. */
		{"/preset", "", VERDICT_ALLOW, 200, "ok", "", 0, 0, false},
		{"/preset", "llm", VERDICT_DENY, 429, "waf", "107", 0, 100, true},
		{"/?a=evil", "watch", VERDICT_ALLOW, 200, "ok", "100", 0, 0, true},
		{"/?a=five", "watch", VERDICT_ALLOW, 200, "ok", "102", 5, 50, true},
	};
	struct bench b;
	const struct verdict *v;

	(void)state;
	bench_up(&b, rules_text, conf_text);
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		v = ask(&b, t[i].uri, t[i].profile);
		if (v->action != t[i].action || v->status != t[i].status || strcmp(v->reason, t[i].reason) != 0 ||
		    strcmp(v->waf.rules, t[i].rules) != 0 || v->waf.score != t[i].score ||
		    v->threat_score != t[i].threat || v->tell != t[i].tell || !v->waf.ran)
			fail_msg("%s as \"%s\": %s %d %s rules \"%s\" score %d threat %d tell %d", t[i].uri, t[i].profile,
			    verdict_action_str(v->action), v->status, v->reason, v->waf.rules, v->waf.score,
			    v->threat_score, v->tell);
		assert_int_equal(v->n_rule_ids, v->waf.n_ids);
	}
	bench_down(&b);
}

static void
a_profile_chooses_and_a_wrong_name_is_closed(void **state)
{
	struct bench b;

	(void)state;
	bench_up(&b, rules_text, conf_text);
	assert_int_equal(ask(&b, "/?a=evil", "away")->action, VERDICT_ALLOW);
	assert_false(b.v.waf.ran);
	assert_int_equal(ask(&b, "/?a=good", "nosuch")->action, VERDICT_ERROR);
	assert_string_equal(b.v.reason, "waf-profile");
	assert_int_equal(ask(&b, "/?a=good", "llm2")->action, VERDICT_ERROR);
	assert_int_equal(ask(&b, "/?a=good", "default")->action, VERDICT_ALLOW);
	bench_down(&b);
	bench_up(&b, rules_text, "  mode: detection_only\n  default_profile: strict\n"
	    "  profiles: [{name: strict}, {name: hard, mode: \"on\"}]\n");
	assert_int_equal(ask(&b, "/?a=evil", "")->action, VERDICT_ALLOW);
	assert_true(b.v.waf.monitored);
	assert_int_equal(ask(&b, "/?a=evil", "hard")->action, VERDICT_DENY);
	bench_down(&b);
}

static void
a_limit_is_an_error_unless_allowed(void **state)
{
	static const char rules[] = "SecRuleEngine On\nSecArgumentsLimit 40\n"
	    "SecRule ARGS \"@contains evil\" \"id:100,phase:2,deny,log\"\n";
	char many[512] = "/?a=1";
	struct bench b;

	(void)state;
	while (strlen(many) < 400)
		strcat(many, "&a=1");
	bench_up(&b, rules, conf_text);
	assert_int_equal(ask(&b, many, "")->action, VERDICT_ERROR);
	assert_string_equal(b.v.reason, "waf-arguments");
	assert_int_equal(b.v.waf.action, WAF_ERROR);
	assert_int_equal(b.v.waf.error, WAF_E_ARGS);
	assert_int_equal(ask(&b, many, "watch")->action, VERDICT_ALLOW);
	assert_true(b.v.waf.monitored && b.v.tell);
	assert_int_equal(b.v.waf.error, WAF_E_ARGS);
	/* A worker that got no memory for its scratch. */
	view_make(&b, "/?a=good", "");
	assert_int_equal(ask_view(&b, NULL)->action, VERDICT_ERROR);
	assert_string_equal(b.v.reason, "waf-memory");
	bench_down(&b);
	bench_up(&b, "SecRuleEngine DetectionOnly\nSecArgumentsLimit 40\nSecAction \"id:1,phase:1,pass\"\n", "");
	assert_int_equal(ask(&b, many, "")->action, VERDICT_ALLOW);
	assert_true(b.v.waf.monitored);
	bench_down(&b);
	bench_up(&b, rules, "  on_error: allow\n");
	assert_int_equal(ask(&b, many, "")->action, VERDICT_ALLOW);
	assert_true(b.v.tell);
	assert_string_equal(b.v.rule_ids[0], "waf-arguments");
	bench_down(&b);
}

static void
a_refusal_stands_before_the_waf(void **state)
{
	struct bench b;

	(void)state;
	bench_up(&b, rules_text, conf_text);
	view_make(&b, "/?a=evil", "");
	b.r.body_size = 9;	/* which the guard refuses */
	assert_int_equal(ask_view(&b, b.thread)->status, 413);
	assert_string_equal(b.v.reason, "body-too-large");
	bench_down(&b);
}

static void
bodies_whole_and_cut(void **state)
{
	struct bench b;

	(void)state;
	bench_up(&b, rules_text, "guard: {routes: [{path_prefix: /v1/, oversize: flag}]}\n");
	assert_int_equal(ask_json(&b, "{\"a\":[\"good\"]}", -1)->action, VERDICT_ALLOW);
	assert_int_equal(ask_json(&b, "{\"a\":[\"evil\"]}", -1)->action, VERDICT_DENY);
	assert_int_equal(ask_json(&b, "{\"a\":[\"good\"", -1)->status, 400);
	/* The same start of a body that the guard let pass as cut. */
	assert_int_equal(ask_json(&b, "{\"a\":[\"good\"", 1000)->action, VERDICT_ALLOW);
	assert_true(b.v.truncated);
	assert_int_equal(ask_json(&b, "{\"a\":[\"evil\"", 1000)->action, VERDICT_DENY);
	bench_down(&b);
}

static json_t *
detail(const struct verdict *v)
{
	json_error_t err;
	json_t *j;

	assert_non_null(v->waf.detail);
	j = json_loads(v->waf.detail, JSON_REJECT_DUPLICATES, &err);
	if (j == NULL)
		fail_msg("%s: %s", err.text, v->waf.detail);
	return j;
}

static void
the_detail_names_but_never_quotes(void **state)
{
	struct bench b;
	json_t *j, *r;

	(void)state;
	bench_up(&b, rules_text, conf_text);
	ask(&b, "/?%22q%0a%ff%e2%82%ac%5c=evil-s3cret&x=three", "llm");
	assert_null(strstr(b.v.waf.detail, "s3cret"));
	j = detail(&b.v);
	assert_string_equal(json_string_value(json_object_get(j, "action")), "deny");
	assert_string_equal(json_string_value(json_object_get(j, "profile")), "llm");
	assert_int_equal(json_integer_value(json_object_get(j, "rule")), 100);
	r = json_array_get(json_object_get(j, "rules"), 0);
	assert_string_equal(json_string_value(json_object_get(r, "id")), "100");
	/* As written: expanded, message and tags would hold the value. */
	assert_string_equal(json_string_value(json_object_get(r, "msg")), "Evil: %{MATCHED_VAR}");
	assert_int_equal(json_array_size(json_object_get(r, "tags")), 0);
	assert_string_equal(json_string_value(json_object_get(r, "var")),
	    "ARGS:\"q\n\xef\xbf\xbd\xe2\x82\xac\\");
	json_decref(j);
	j = detail(ask(&b, "/?a=three&b=five", ""));
	assert_int_equal(json_integer_value(json_object_get(j, "score")), 8);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(j, "categories"), "sqli")), 3);
	r = json_array_get(json_object_get(j, "rules"), 0);
	assert_string_equal(json_string_value(json_array_get(json_object_get(r, "tags"), 0)), "attack-sqli");
	assert_int_equal(json_array_size(json_object_get(r, "tags")), 1);
	json_decref(j);
	bench_down(&b);
}

static void
the_detail_has_bounds(void **state)
{
	char *text = calloc(1, 100000), uri[2048] = "/?";
	struct bench b;
	json_t *j;
	size_t n;

	(void)state;
	strcpy(text, "SecRuleEngine On\n");
	for (int i = 0; i < 200; i++)
		sprintf(text + strlen(text), "SecRule ARGS \"@contains x\" \"id:%d,phase:2,pass,log,t:none,tag:'attack-%0*d',"
		    "msg:'%0*d'\"\n", 9000000 + i, 40, i, 150, i);
	memset(uri + 2, '\x01', 1500);
	strcat(uri, "=x");
	bench_up(&b, text, "");
	j = detail(ask(&b, uri, ""));
	assert_true(strlen(b.v.waf.detail) < 8192);
	n = json_array_size(json_object_get(j, "rules"));
	assert_true(n > 3 && n <= WAF_REPORT_RULES);
	assert_int_equal(n + (size_t)json_integer_value(json_object_get(j, "more")), 200);
	assert_int_equal(b.v.waf.n_ids, WAF_REPORT_RULES);
	assert_int_equal(b.v.n_rule_ids, VERDICT_RULES_MAX);
	assert_int_equal(strlen(b.v.waf.rules), WAF_REPORT_RULES * 8 - 1);
	json_decref(j);
	bench_down(&b);
	free(text);
}

static void
a_redirect_never_splits_a_header(void **state)
{
	struct bench b;

	(void)state;
	bench_up(&b, rules_text, conf_text);
	assert_string_equal(ask(&b, "/?to=https%3a//x.example/a%3fb", "")->waf.redirect, "https://x.example/a?b");
	assert_string_equal(ask(&b, "/?to=https%3a//x%0d%0aSet-Cookie:%20a", "")->waf.redirect, "");
	assert_int_equal(b.v.action, VERDICT_DENY);
	bench_down(&b);
}

static void
passed_requests_are_told_from_a_score_on(void **state)
{
	struct bench b;

	(void)state;
	bench_up(&b, rules_text, "  event_score: 3\n");
	assert_true(ask(&b, "/?a=three", "")->tell);
	bench_down(&b);
	bench_up(&b, rules_text, "  event_score: 0\n");
	assert_false(ask(&b, "/?a=three", "")->tell);
	bench_down(&b);
}

static void
mistakes_are_named(void **state)
{
	static const struct {
		const char	*rules, *waf, *why;
	} t[] = {
		{"SecRuleEngine On\nSecNonsense 1\n", "", "waf.conf:2"},
		{"SecRule ARGS \"@rx (\" \"id:1,phase:2,deny\"\n", "", "waf.conf:1"},
		{"SecRuleEngine On\n", "  default_profile: x\n", "no profile \"x\""},
		{"SecRuleEngine On\n", "  profiles: [{name: a}, {name: a}]\n", "\"a\" is there twice"},
		{"SecRuleEngine On\n", "  profiles: [{name: \"a b\"}]\n", "\"a b\" is no name"},
		{"SecRuleEngine On\n", "  profiles: [{name: a, presets: [x]}]\n", "preset \"x\" is not name=value"},
		{"SecRuleEngine On\n", "  profiles: [{name: a, paranoia_level: 3, detection_paranoia_level: 2}]\n",
		    "below paranoia_level"},
		{"SecRuleEngine On\n", "  mode: maybe\n", "mode"},
	};
	char why[512];

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		assert_null(policy_make(t[i].rules, t[i].waf, why));
		if (strstr(why, t[i].why) == NULL)
			fail_msg("\"%s\" doesn't say \"%s\"", why, t[i].why);
	}
}

static void
a_check_makes_no_state(void **state)
{
	char text[512], why[512];
	struct diag *d = diag_new();
	struct policy *p;

	(void)state;
	snprintf(text, sizeof(text), "  state_dir: %s\n", dir);
	p = policy_make("SecAction \"id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR},setvar:ip.n=+1\"\n", text, why);
	if (p == NULL)
		fail_msg("%s", why);
	policy_unref(&p);
	assert_int_equal(access(path_of("data.mdb"), F_OK), 0);
	unlink(path_of("data.mdb"));
	unlink(path_of("lock.mdb"));
	assert_true(policy_check(path_of("spoad.yaml"), d));
	assert_int_equal(access(path_of("data.mdb"), F_OK), -1);
	file_write("waf.conf", "SecNonsense\n");
	assert_false(policy_check(path_of("spoad.yaml"), d));
	diag_free(&d);
}

/* Phase 1 sets up and refuses nothing, phase 2 doesn't run, 3 and 4 do; nothing is stored and nothing told but of the answer. */
static const char answer_rules[] =
    "SecRuleEngine On\nSecResponseBodyAccess On\nSecResponseBodyMimeType text/html\n"
    "SecAction \"id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR},setvar:ip.n=+1,setvar:tx.seen=%{REQUEST_HEADERS.X-A}\"\n"
    "SecRule REQUEST_URI \"@contains bad\" \"id:2,phase:1,deny,log,severity:CRITICAL\"\n"
    "SecRule REQUEST_URI \"@contains trusted\" \"id:3,phase:1,allow,nolog\"\n"
    "SecRule REQUEST_URI \"@contains unwatched\" \"id:4,phase:1,pass,nolog,ctl:ruleEngine=Off\"\n"
    "SecAction \"id:5,phase:2,deny,log,severity:CRITICAL\"\n"
    "SecRule RESPONSE_STATUS \"@eq 599\" \"id:6,phase:3,deny,status:418,log,severity:ERROR\"\n"
    "SecRule RESPONSE_HEADERS:X-Leak \"@streq %{tx.seen}\" \"id:7,phase:3,deny,status:502,log,severity:ERROR\"\n"
    "SecRule RESPONSE_BODY \"@contains ORA-\" \"id:8,phase:4,pass,log,severity:CRITICAL,setvar:tx.outbound_anomaly_score=+4\"\n"
    "SecRule TX:outbound_anomaly_score \"@ge %{tx.outbound_anomaly_score_threshold}\" \"id:9,phase:4,deny,log\"\n"
    "SecAction \"id:10,phase:5,pass,log,severity:CRITICAL\"\n";

static const struct verdict *
answer(struct bench *b, const char *uri, const char *profile, int status, const char *leak, const char *body)
{
	static struct req_header rq = {{"x-a", 3}, {"mark", 4}};
	struct req_header rs[2] = {{{"Content-Type", 12}, {"text/html; charset=utf-8", 24}}, {{"X-Leak", 6}, span(leak)}};
	struct rsp_view rsp = {.status = status, .version = {"1.1", 3}, .headers = rs, .n_headers = 2, .body = span(body)};

	view_make(b, uri, profile);
	b->r.headers = &rq;
	b->r.n_headers = 1;
	verdict_init(&b->v, 1700000000);
	policy_respond(b->policy, b->thread, &b->r, &rsp, &b->v, b->arena, 0);
	return &b->v;
}

static void
answers_are_judged_alone(void **state)
{
	static const struct {
		const char *uri, *profile;
		int answered;
		const char *leak, *body;
		enum verdict_action action;
		int status;
		const char *rules;
		int score;
	} t[] = {
		{"/", "", 200, "", "fine", VERDICT_ALLOW, 200, "", 0},
		{"/bad", "", 200, "", "fine", VERDICT_ALLOW, 200, "", 0},
		{"/", "", 599, "", "", VERDICT_DENY, 418, "6", 0},
		{"/bad", "", 200, "mark", "", VERDICT_DENY, 502, "7", 0},
		{"/", "", 200, "", "ORA-0815", VERDICT_DENY, 403, "8", 4},
		{"/", "lax", 200, "", "ORA-0815", VERDICT_ALLOW, 200, "8", 4},
		{"/", "watch", 200, "", "ORA-0815", VERDICT_ALLOW, 200, "8", 4},
		{"/", "away", 200, "", "ORA-0815", VERDICT_ALLOW, 200, "", 0},
		{"/trusted", "", 599, "mark", "ORA-0815", VERDICT_ALLOW, 200, "", 0},
		{"/unwatched", "", 599, "mark", "ORA-0815", VERDICT_ALLOW, 200, "", 0},
		{"/", "nosuch", 200, "", "fine", VERDICT_ERROR, 503, "", 0},
	};
	char text[512];
	struct bench b;

	(void)state;
	snprintf(text, sizeof(text), "  state_dir: %s\n  profiles:\n    - {name: default, outbound_threshold: 4}\n"
	    "    - {name: lax, outbound_threshold: 9}\n    - {name: watch, mode: detection_only, outbound_threshold: 4}\n"
	    "    - {name: away, mode: \"off\"}\n", dir);
	bench_up(&b, answer_rules, text);
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		const struct verdict *v = answer(&b, t[i].uri, t[i].profile, t[i].answered, t[i].leak, t[i].body);
		const char *rules = v->waf.ran ? v->waf.rules : "";

		if (v->action != t[i].action || v->status != t[i].status || strcmp(rules, t[i].rules) != 0 ||
		    (v->waf.ran && v->waf.score != t[i].score))
			fail_msg("%zu: %s %d %s \"%s\" %d", i, verdict_action_str(v->action), v->status, v->reason, rules,
			    v->waf.score);
	}
	assert_true(answer(&b, "/", "watch", 200, "", "ORA-1")->waf.monitored);
	assert_non_null(strstr(b.v.waf.detail, "\"score\":4"));
	bench_down(&b);
	unlink(path_of("data.mdb"));
	unlink(path_of("lock.mdb"));
}

static void
nothing_is_stored_for_an_answer(void **state)
{
	static const char rules[] = "SecAction \"id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR},setvar:ip.n=+1\"\n"
	    "SecRule IP:n \"@ge 2\" \"id:2,phase:2,deny,log,severity:CRITICAL\"\n";
	char text[256];
	struct bench b;

	(void)state;
	snprintf(text, sizeof(text), "  state_dir: %s\n", dir);
	bench_up(&b, rules, text);
	answer(&b, "/", "", 200, "", "");
	answer(&b, "/", "", 200, "", "");
	assert_int_equal(ask(&b, "/", "")->action, VERDICT_ALLOW);
	assert_int_equal(ask(&b, "/", "")->action, VERDICT_DENY);
	bench_down(&b);
	unlink(path_of("data.mdb"));
	unlink(path_of("lock.mdb"));
}

static void
put_old(void *arg, bool found, struct persist_record *rec, struct arena *a)
{
	(void)arg;
	(void)found;
	(void)a;
	*rec = (struct persist_record){.created = 1000, .updated = 1000, .timeout = 60};
}

/* How many of two records that expired in 1970 are left. */
static int
old_records(struct persist *store, bool put)
{
	struct persist_update up[2] = {{"IP", WAF_STR("192.0.2.1"), NULL}, {"IP", WAF_STR("192.0.2.2"), NULL}};
	struct arena *a = arena_new(0);
	struct persist_record rec;
	int n = 0;

	if (put)
		assert_int_equal(persist_update(store, up, 2, 1000, put_old, a), 0);
	for (int i = 0; i < 2; i++)
		n += persist_get(store, up[i].coll, up[i].key, 1001, &rec, a) == 1;
	arena_free(&a);
	return n;
}

static void
expired_state_is_dropped(void **state)
{
	static const char rules[] = "SecAction \"id:1,phase:1,pass,nolog\"\n";
	struct diag *d = diag_new();
	struct persist *store = persist_open(dir, d);
	char text[512], why[512];
	struct policy *p;

	(void)state;
	assert_int_equal(old_records(store, true), 2);
	snprintf(text, sizeof(text), "  state_dir: %s\n", dir);
	if ((p = policy_make(rules, text, why)) == NULL)
		fail_msg("%s", why);
	assert_int_equal(old_records(store, false), 0);	/* loading */
	assert_int_equal(old_records(store, true), 2);
	policy_tick(p, 1000);
	assert_int_equal(old_records(store, false), 2);	/* too early */
	policy_tick(p, 60000000);
	assert_int_equal(old_records(store, false), 0);
	policy_unref(&p);
	persist_close(&store);
	unlink(path_of("data.mdb"));
	unlink(path_of("lock.mdb"));
	diag_free(&d);
}

static void
no_rules_no_waf(void **state)
{
	struct diag *d = diag_new();
	struct bench b = {.arena = arena_new(0)};

	(void)state;
	file_write("spoad.yaml", "listen: [\"unix:/nowhere\"]\nedge_keys: \"\"\n");
	file_write("waf.conf", "");
	b.policy = policy_load(path_of("spoad.yaml"), d);
	assert_non_null(b.policy);
	b.thread = policy_thread_new(b.policy);
	assert_int_equal(ask(&b, "/?a=evil", "nosuch")->action, VERDICT_ALLOW);
	assert_false(b.v.waf.ran);
	bench_down(&b);
	diag_free(&d);
}

static void
targets_are_split_and_straightened(void **state)
{
	static const struct {
		const char	*uri, *path, *query, *origin;
	} t[] = {
		{"/a/b?c=d", "/a/b", "c=d", "/a/b?c=d"},
		{"/a", "/a", "", "/a"},
		{"/a?", "/a", "", "/a?"},
		{"/a#f?g", "/a", "", "/a#f?g"},
		{"https://host/a?b", "/a", "b", "/a?b"},
		{"https://host", "", "", "https://host"},
		{"https://host?/v1/messages", "", "/v1/messages", "?/v1/messages"},
		{"https://host#/v1/messages", "", "", "#/v1/messages"},
		{"/a?u=http://x/y", "/a", "u=http://x/y", "/a?u=http://x/y"},
		{"*", "", "", "*"},
		{"host:443", "", "", "host:443"},
	};
	struct arena *a = arena_new(0);
	struct req_view r;
	struct span s;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		req_view_init(&r);
		r.uri = span(t[i].uri);
		req_view_split_uri(&r);
		assert_true(span_is(r.path, t[i].path));
		assert_true(span_is(r.query, t[i].query));
		s = req_view_origin_form(&r, a);
		if (!span_is(s, t[i].origin))
			fail_msg("%s gives %.*s", t[i].uri, (int)s.n, s.p);
	}
	/* From a configuration before the WAF. */
	req_view_init(&r);
	r.path = span("/p");
	assert_true(span_is(req_view_origin_form(&r, a), "/p"));
	r.query = span("q=1");
	req_view_split_uri(&r);
	assert_true(span_is(req_view_origin_form(&r, a), "/p?q=1"));
	arena_free(&a);
}

static int
dir_up(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_eng_waf.XXXXXX");
	return mkdtemp(dir) == NULL;
}

static int
dir_down(void **state)
{
	(void)state;
	unlink(path_of("waf.conf"));
	unlink(path_of("spoad.yaml"));
	return rmdir(dir);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, dir_up, dir_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_action_has_its_verdict), TEST(a_profile_chooses_and_a_wrong_name_is_closed),
		TEST(a_limit_is_an_error_unless_allowed), TEST(a_refusal_stands_before_the_waf),
		TEST(bodies_whole_and_cut), TEST(the_detail_names_but_never_quotes), TEST(the_detail_has_bounds),
		TEST(a_redirect_never_splits_a_header), TEST(passed_requests_are_told_from_a_score_on),
		TEST(mistakes_are_named), TEST(a_check_makes_no_state), TEST(expired_state_is_dropped),
		TEST(answers_are_judged_alone), TEST(nothing_is_stored_for_an_answer),
		TEST(no_rules_no_waf), TEST(targets_are_split_and_straightened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
