/* SPDX-License-Identifier: MIT */
/* Flow, chains, actions, ctl: small rule sets and what must come of them.  Each runs with and without gates. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/waf/exec_rig.h"

struct row {
	const char *rules, *request, *want;
};

#define GET(path)	"GET " path " HTTP/1.1\r\nHost: a\r\nUser-Agent: Mozilla\r\nCookie: k=v; l=w\r\n\r\n"
/* The value of a TX variable at the end of phase 2. */
#define SHOW(what)	"SecAction \"id:99,phase:2,pass,log,msg:'" what "'\"\n"

static const struct row flow[] = {
	{ "SecRule ARGS \"@rx b\" \"id:1,phase:2,deny,log,msg:'m'\"", GET("/?x=abc"), "deny 403 in 2 by 1 1:m" },
	{ "SecRule ARGS \"@rx b\" \"id:1,phase:2,deny,log,msg:'m'\"", GET("/?x=acd"), "pass" },
	{ "SecRule ARGS \"!@rx b\" \"id:1,phase:2,deny,log,msg:'m'\"", GET("/?x=acd"), "deny 403 in 2 by 1 1:m" },
	{ "SecRule ARGS:y \"!@rx b\" \"id:1,phase:2,deny,log\"", GET("/?x=acd"), "pass" },	/* absent: never matches */
	{ "SecRule ARGS \"@rx b\" \"id:1,phase:2,deny,nolog\"", GET("/?x=abc"), "deny 403 in 2 by 1" },
	{ "SecRule ARGS \"@rx b\" \"id:1,phase:2,deny,status:418,log\"", GET("/?x=abc"), "deny 418 in 2 by 1 1:" },
	{ "SecRule ARGS \"@rx b\" \"id:1,phase:2,drop,log\"", GET("/?x=abc"), "drop 403 in 2 by 1 1:" },
	{ "SecRule ARGS \"@rx b\" \"id:1,phase:2,redirect:'https://e/%{matched_var}',log\"", GET("/?x=abc"),
	    "redirect 302 in 2 by 1 to https://e/abc 1:" },
	{ "SecDefaultAction \"phase:2,log,deny,status:402\"\nSecRule ARGS \"@rx b\" \"id:1,phase:2,block\"", GET("/?x=abc"),
	    "deny 402 in 2 by 1 1:" },
	{ "SecRule ARGS \"@rx b\" \"id:1,phase:2,pass,log,msg:'%{matched_var_name}'\"", GET("/?x=b&y=c&z=b"),
	    "pass 1:ARGS:x 1:ARGS:z" },		/* each match of its own */
	{ "SecRule ARGS \"@rx b\" \"id:1,phase:2,deny,log,msg:'%{matched_var_name}'\"", GET("/?x=b&y=c&z=b"),
	    "deny 403 in 2 by 1 1:ARGS:x" },	/* a decision ends the rule at once */
	{ "SecAction \"id:1,phase:1,allow,log\"\n" SHOW("x"), NULL, "allow 1:" },
	{ "SecAction \"id:1,phase:2,allow:phase,log\"\n" SHOW("x") "SecAction \"id:3,phase:3,pass,log\"", NULL, "pass 1: 3:" },
	{ "SecAction \"id:1,phase:1,allow:request,log\"\n" SHOW("x") "SecAction \"id:3,phase:3,pass,log\"", NULL, "pass 1: 3:" },
	{ "SecAction \"id:1,phase:1,deny,log\"\nSecAction \"id:5,phase:5,pass,log,msg:'last'\"", NULL,
	    "deny 403 in 1 by 1 1: 5:last" },
	{ "SecAction \"id:5,phase:5,deny,log\"", NULL, "pass 5:" },
	/* skip and markers */
	{ "SecAction \"id:1,phase:2,pass,nolog,skip:1\"\nSecAction \"id:2,phase:2,pass,log\"\nSecAction \"id:3,phase:2,pass,log\"",
	    NULL, "pass 3:" },
	{ "SecAction \"id:1,phase:2,pass,nolog,skipAfter:END\"\nSecAction \"id:2,phase:2,pass,log\"\nSecMarker END\n"
	  "SecAction \"id:3,phase:2,pass,log\"", NULL, "pass 3:" },
	{ "SecRule ARGS:n \"@eq 1\" \"id:1,phase:2,pass,nolog,skipAfter:END\"\nSecAction \"id:2,phase:2,pass,log\"\n"
	  "SecMarker END\nSecAction \"id:3,phase:2,pass,log\"", GET("/?n=2"), "pass 2: 3:" },
	{ "SecRule ARGS:n \"@eq 1\" \"id:1,phase:2,pass,nolog,chain,skipAfter:END\"\nSecRule ARGS:m \"@eq 1\"\n"
	  "SecAction \"id:2,phase:2,pass,log\"\nSecMarker END", GET("/?n=1&m=1"), "pass" },
	/* modes */
	{ "SecRuleEngine DetectionOnly\nSecAction \"id:1,phase:1,deny,log\"\nSecAction \"id:2,phase:1,drop,log\"", NULL,
	    "pass would by 1 1: 2:" },
	{ "SecRuleEngine DetectionOnly\nSecAction \"id:1,phase:1,allow,log\"\nSecAction \"id:2,phase:1,pass,log\"", NULL,
	    "pass 1: 2:" },
	{ "SecRuleEngine Off\nSecAction \"id:1,phase:1,deny,log\"", NULL, "pass" },
	{ "SecAction \"id:1,phase:1,pass,nolog,ctl:ruleEngine=Off\"\nSecAction \"id:2,phase:1,deny,log\"", NULL, "pass" },
	{ "SecAction \"id:1,phase:1,pass,nolog,ctl:ruleEngine=DetectionOnly\"\nSecAction \"id:2,phase:1,deny,log\"", NULL,
	    "pass would by 2 2:" },
};

static const struct row chains[] = {
	{ "SecRule ARGS:a \"@streq 1\" \"id:1,phase:2,deny,log,msg:'%{matched_var_name}',chain\"\nSecRule ARGS:b \"@streq 2\"",
	    GET("/?a=1&b=2"), "deny 403 in 2 by 1 1:ARGS:b" },
	{ "SecRule ARGS:a \"@streq 1\" \"id:1,phase:2,deny,log,chain\"\nSecRule ARGS:b \"@streq 2\"", GET("/?a=1&b=3"), "pass" },
	/* non-disruptive actions run as their rule matches, the rest of the chain may fail */
	{ "SecRule ARGS:a \"@streq 1\" \"id:1,phase:2,deny,log,chain,setvar:tx.x=7\"\nSecRule ARGS:b \"@streq 2\"\n"
	  SHOW("%{tx.x}"), GET("/?a=1&b=3"), "pass 99:7" },
	{ "SecRule ARGS \"@rx (.)z\" \"id:1,phase:2,pass,log,capture,chain,msg:'%{tx.n}'\"\n"
	  "SecRule TX:1 \"@rx .\" \"setvar:tx.n=+1\"", GET("/?a=1z&b=2z"), "pass 1:1" },
	{ "SecRule ARGS \"@rx b\" \"id:1,phase:2,pass,log,chain,msg:'%{matched_var_name}'\"\n"
	  "SecRule MATCHED_VARS \"@rx c\"", GET("/?x=b&y=bc&z=c"), "pass 1:MATCHED_VARS:ARGS:y" },
	{ "SecRule ARGS \"@rx b\" \"id:1,phase:2,pass,log,chain,msg:'%{matched_var}'\"\n"
	  "SecRule MATCHED_VARS_NAMES \"@rx :y$\"", GET("/?x=b&y=bc&z=c"), "pass 1:ARGS:y" },
	{ "SecRule ARGS \"@rx B\" \"id:1,phase:2,pass,log,t:uppercase,chain,msg:'%{matched_var}'\"\nSecRule MATCHED_VAR \"@rx BC\"",
	    GET("/?y=bc"), "pass 1:BC" },	/* MATCHED_VAR is the transformed value */
	{ "SecRule ARGS \"@rx b\" \"id:1,phase:2,pass,nolog\"\nSecRule MATCHED_VARS \"@rx b\" \"id:2,phase:2,pass,log\"",
	    GET("/?x=b"), "pass" },		/* gone with the chain */
	{ "SecRule ARGS:a \"@eq 1\" \"id:1,phase:2,pass,log,chain\"\nSecRule ARGS:b \"@eq 2\" \"chain\"\nSecRule &ARGS \"@eq 2\"",
	    GET("/?a=1&b=2"), "pass 1:" },
	{ "SecRule ARGS:a \"@eq 1\" \"id:1,phase:2,deny,log,chain\"\nSecRule ARGS:b \"!@eq 2\" \"chain\"\nSecRule &ARGS \"@eq 2\"",
	    GET("/?a=1&b=2"), "pass" },
};

static const struct row vars[] = {
	{ "SecAction \"id:1,phase:2,pass,nolog,setvar:tx.a=3,setvar:tx.a=+4,setvar:tx.a=-2\"\n" SHOW("%{tx.a}"), NULL, "pass 99:5" },
	{ "SecAction \"id:1,phase:2,pass,nolog,setvar:tx.a=3,setvar:tx.a=-5\"\n" SHOW("%{tx.a}"), NULL, "pass 99:0" },
	{ "SecAction \"id:1,phase:2,pass,nolog,setvar:tx.a=+2\"\n" SHOW("%{tx.a}"), NULL, "pass 99:2" },
	{ "SecAction \"id:1,phase:2,pass,nolog,setvar:tx.a=text\"\n" SHOW("%{TX.A}"), NULL, "pass 99:text" },
	{ "SecAction \"id:1,phase:2,pass,nolog,setvar:tx.a=1,setvar:!tx.a\"\n" SHOW("<%{tx.a}>"), NULL, "pass 99:<>" },
	{ "SecAction \"id:1,phase:2,pass,nolog,setvar:tx.a=4,setvar:tx.b=%{tx.a},setvar:tx.b=+%{tx.a}\"\n" SHOW("%{tx.b}"), NULL,
	    "pass 99:8" },
	{ "SecAction \"id:1,phase:2,pass,nolog,setvar:'tx.a=x%{tx.none}y%{request_method}'\"\n" SHOW("%{tx.a}"), NULL,
	    "pass 99:xyGET" },
	{ "SecRule ARGS \"@rx .\" \"id:1,phase:2,pass,nolog,setvar:'tx.n_%{matched_var_name}=%{matched_var}'\"\n"
	  "SecRule TX:/^n_/ \"@rx .\" \"id:2,phase:2,pass,log,msg:'%{matched_var_name}=%{matched_var}'\"", GET("/?q=1&r=2"),
	    "pass 2:TX:n_ARGS:q=1 2:TX:n_ARGS:r=2" },
	{ "SecRule ARGS \"@rx ^\" \"id:1,phase:2,pass,nolog,setvar:tx.c=+1\"\n" SHOW("%{tx.c}"), GET("/?a=1&b=2&c=3"), "pass 99:3" },
	/* captures: set by a capturing match, the rest cleared */
	{ "SecRule ARGS \"@rx (a)(b)(x)?\" \"id:1,phase:2,pass,nolog,capture\"\n" SHOW("%{tx.0}-%{tx.1}-%{tx.2}-%{tx.3}"), GET("/?q=zab"),
	    "pass 99:ab-a-b-" },
	{ "SecRule ARGS \"@rx (a)(b)\" \"id:1,phase:2,pass,nolog,capture\"\nSecRule ARGS \"@rx (z)\" \"id:2,phase:2,pass,nolog,capture\"\n"
	  SHOW("%{tx.0}-%{tx.1}-%{tx.2}"), GET("/?q=zab"), "pass 99:z-z-" },
	{ "SecRule ARGS \"@rx (a)(b)\" \"id:1,phase:2,pass,nolog,capture\"\nSecRule ARGS \"@rx (z)\" \"id:2,phase:2,pass,nolog\"\n"
	  SHOW("%{tx.0}-%{tx.1}-%{tx.2}"), GET("/?q=zab"), "pass 99:ab-a-b" },
	{ "SecRule ARGS \"@pm foo Bar\" \"id:1,phase:2,pass,nolog,capture\"\n" SHOW("%{tx.0}"), GET("/?q=xxBARxx"), "pass 99:BAR" },
	{ "SecRule ARGS \"@detectSQLi\" \"id:1,phase:2,pass,log,capture,msg:'%{tx.0}'\"", GET("/?q=1%27%20or%201=1--"), "pass 1:s&1c" },
	/* numbers against TX */
	{ "SecAction \"id:1,phase:2,pass,nolog,setvar:tx.a=3,setvar:tx.b=4\"\nSecRule TX:a \"@lt %{tx.b}\" \"id:2,phase:2,pass,log,msg:'%{matched_var}'\"",
	    NULL, "pass 2:3" },
	{ "SecRule TX:nope \"@lt 5\" \"id:2,phase:2,pass,log\"", NULL, "pass" },
	{ "SecRule &TX:nope \"@eq 0\" \"id:2,phase:2,pass,log,msg:'%{matched_var_name}=%{matched_var}'\"", NULL, "pass 2:&TX:nope=0" },
	{ "SecAction \"id:1,phase:2,pass,nolog,setvar:tx.a=5x\"\nSecRule TX:a \"!@eq 5\" \"id:2,phase:2,pass,log\"", NULL, "pass" },
	/* counting, exclusion, keys in any case */
	{ "SecRule &ARGS \"@gt 1\" \"id:1,phase:2,pass,log,msg:'%{matched_var}'\"", GET("/?a=1&b=2&a=3"), "pass 1:3" },
	{ "SecRule &ARGS:a \"@eq 2\" \"id:1,phase:2,pass,log\"", GET("/?a=1&b=2&A=3"), "pass 1:" },
	{ "SecRule &REQUEST_HEADERS:host \"@eq 1\" \"id:1,phase:2,pass,log\"", NULL, "pass 1:" },
	{ "SecRule ARGS|!ARGS:a \"@rx .\" \"id:1,phase:2,pass,log,msg:'%{matched_var_name}'\"", GET("/?a=1&b=2"), "pass 1:ARGS:b" },
	{ "SecRule ARGS|!ARGS:/^a/ \"@rx .\" \"id:1,phase:2,pass,log,msg:'%{matched_var_name}'\"", GET("/?Abc=1&b=2"), "pass 1:ARGS:b" },
	{ "SecRule ARGS:/^a/ \"@rx .\" \"id:1,phase:2,pass,log,msg:'%{matched_var_name}'\"", GET("/?Abc=1&b=2"), "pass 1:ARGS:Abc" },
	{ "SecRule REQUEST_HEADERS:USER-AGENT \"@rx M\" \"id:1,phase:1,pass,log,msg:'%{matched_var_name}'\"", GET("/"),
	    "pass 1:REQUEST_HEADERS:User-Agent" },
	/* multiMatch: before, and after each step that changed something */
	{ "SecRule ARGS \"@rx a\" \"id:1,phase:2,pass,log,multiMatch,t:urlDecode,t:lowercase,msg:'%{matched_var}'\"", GET("/?q=A%2541a"),
	    "pass 1:A%41a 1:AAa 1:aaa" },
	{ "SecRule ARGS \"@rx a\" \"id:1,phase:2,pass,log,t:urlDecode,t:lowercase,msg:'%{matched_var}'\"", GET("/?q=A%2541a"), "pass 1:aaa" },
	/* macros */
	{ "SecRule REQUEST_URI \"@rx .\" \"id:7,phase:1,pass,log,severity:ERROR,rev:2,"
	  "msg:'%{rule.id} %{rule.severity} %{rule.rev} %{unique_id} %{remote_addr} %{request_headers.host} %{args.q} %{time_year}'\"",
	    GET("/?q=1"), "pass 7:7 3 2 u-1 192.0.2.1 a 1 2026" },
	{ "SecRule ARGS \"@rx b\" \"id:1,phase:2,pass,log,logdata:'found %{tx.0} in %{matched_var_name}: %{matched_var}',capture\"",
	    GET("/?x=abc"), "pass 1:>found b in ARGS:x: abc" },
	{ "SecAction \"id:1,phase:1,pass,nolog,severity:WARNING\"\nSecAction \"id:2,phase:1,pass,nolog,severity:ERROR\"\n"
	  SHOW("%{highest_severity}"), NULL, "pass 99:3" },
	{ SHOW("%{highest_severity}"), NULL, "pass 99:255" },
	{ "SecRule ARGS \"@endsWith .%{request_headers.host}\" \"id:1,phase:2,pass,log\"", GET("/?x=w.a"), "pass 1:" },
	{ "SecRule ARGS \"@within %{tx.list}\" \"id:1,phase:2,pass,log,msg:'%{matched_var}'\"", GET("/?x=w"), "pass" },
	{ "SecAction \"id:1,phase:2,pass,nolog,setenv:A=%{request_method}\"\n" SHOW("%{env.a}"), NULL, "pass 99:GET" },
};

static const struct row ctl[] = {
	{ "SecAction \"id:1,phase:1,pass,nolog,ctl:ruleRemoveById=2\"\nSecAction \"id:2,phase:1,deny,log\"\n" SHOW("x"), NULL, "pass 99:x" },
	{ "SecAction \"id:1,phase:1,pass,nolog,ctl:ruleRemoveById=2-3\"\nSecAction \"id:3,phase:2,deny,log\"\n" SHOW("x"), NULL, "pass 99:x" },
	{ "SecAction \"id:1,phase:1,pass,nolog,ctl:ruleRemoveByTag=atta\"\nSecAction \"id:2,phase:1,deny,log,tag:'attack-x'\"\n" SHOW("x"),
	    NULL, "pass 99:x" },
	{ "SecAction \"id:1,phase:1,pass,nolog,ctl:ruleRemoveByMsg=evil\"\nSecAction \"id:2,phase:1,deny,log,msg:'so evil'\"\n" SHOW("x"),
	    NULL, "pass 99:x" },
	{ "SecAction \"id:1,phase:1,pass,nolog,ctl:ruleRemoveById=2\"\nSecRule ARGS \"@rx .\" \"id:2,phase:2,deny,log,chain\"\nSecRule ARGS \"@rx .\"\n",
	    GET("/?a=1"), "pass" },
	{ "SecAction \"id:1,phase:1,pass,nolog,ctl:ruleRemoveTargetById=2;ARGS:A\"\n"
	  "SecRule ARGS \"@rx .\" \"id:2,phase:2,pass,log,msg:'%{matched_var_name}'\"", GET("/?a=1&b=2"), "pass 2:ARGS:b" },
	{ "SecAction \"id:1,phase:1,pass,nolog,ctl:ruleRemoveTargetById=2;ARGS\"\n"
	  "SecRule ARGS|ARGS_NAMES \"@rx .\" \"id:2,phase:2,pass,log,msg:'%{matched_var_name}'\"", GET("/?a=1"), "pass 2:ARGS_NAMES:a" },
	{ "SecAction \"id:1,phase:1,pass,nolog,ctl:'ruleRemoveTargetByTag=attack-sqli;ARGS:/^json\\.messages/'\"\n"
	  "SecRule ARGS \"@rx .\" \"id:2,phase:2,pass,log,tag:'attack-sqli',msg:'%{matched_var_name}'\"\n"
	  "SecRule ARGS \"@rx .\" \"id:3,phase:2,pass,log,tag:'attack-xss',msg:'%{matched_var_name}'\"",
	    GET("/?JSON.Messages.x=1&json.model=2&xjson.messages=3"),
	    "pass 2:ARGS:json.model 2:ARGS:xjson.messages 3:ARGS:JSON.Messages.x 3:ARGS:json.model 3:ARGS:xjson.messages" },
	/* two exclusions on one rule, in both orders on two rules; what a prefix test might get wrong */
	{ "SecAction \"id:1,phase:1,pass,nolog,ctl:ruleRemoveTargetById=3;ARGS:/^ab?/,ctl:ruleRemoveTargetById=4;ARGS:/^x|^b$/,"
	  "ctl:ruleRemoveTargetById=3;ARGS:/^x|^b$/,ctl:ruleRemoveTargetById=4;ARGS:/^ab?/\"\n"
	  "SecRule ARGS \"@rx .\" \"id:3,phase:2,pass,log,msg:'%{matched_var_name}'\"\n"
	  "SecRule ARGS \"@rx .\" \"id:4,phase:2,pass,log,msg:'%{matched_var_name}'\"", GET("/?a=1&ac=1&xy=1&b=1&bc=1&c=1"),
	    "pass 3:ARGS:bc 3:ARGS:c 4:ARGS:bc 4:ARGS:c" },
	{ "SecRule ARGS:a \"@streq go\" \"id:1,phase:2,pass,nolog,ctl:ruleRemoveTargetById=3;ARGS:a\"\n"
	  "SecRule ARGS \"@rx .\" \"id:3,phase:2,pass,log,msg:'%{matched_var_name}'\"", GET("/?a=no&b=1"), "pass 3:ARGS:a 3:ARGS:b" },
	{ "SecRule ARGS \"@rx .\" \"id:3,phase:2,pass,log,msg:'%{matched_var_name}'\"\n"
	  "SecAction \"id:1,phase:2,pass,nolog,ctl:ruleRemoveTargetById=4;ARGS:a\"\n"
	  "SecRule ARGS \"@rx .\" \"id:4,phase:2,pass,log,msg:'%{matched_var_name}'\"", GET("/?a=1&b=1"),
	    "pass 3:ARGS:a 3:ARGS:b 4:ARGS:b" },
	{ "SecAction \"id:1,phase:1,pass,nolog,ctl:ruleRemoveTargetById=2;TX:a,setvar:tx.a=1\"\nSecRule TX:a \"@eq 1\" \"id:2,phase:2,deny,log\"",
	    NULL, "pass" },
	{ "SecRuleRemoveById 2\nSecAction \"id:2,phase:1,deny,log\"\n" SHOW("x"), NULL, "deny 403 in 1 by 2 2:" },	/* only what stands above */
	{ "SecAction \"id:2,phase:1,deny,log\"\nSecRuleRemoveById 2\n" SHOW("x"), NULL, "pass 99:x" },
	{ "SecAction \"id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON\"\nSecRule ARGS \"@rx .\" \"id:2,phase:2,pass,log,msg:'%{matched_var_name}'\"",
	    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n{\"k\":1}", "pass 2:ARGS:json.k" },
	{ "SecAction \"id:1,phase:1,pass,nolog,ctl:requestBodyAccess=Off\"\nSecRule ARGS \"@rx .\" \"id:2,phase:2,deny,log\"",
	    "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=1", "pass" },
	{ "SecAction \"id:1,phase:1,pass,nolog,ctl:forceRequestBodyVariable=On\"\nSecRule REQUEST_BODY \"@rx ^xyz$\" \"id:2,phase:2,pass,log\"",
	    "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nxyz", "pass 2:" },
};

static void
run(const struct row *r, size_t n)
{
	struct waf_options bare = {.no_prefilter = true};
	struct rig rig;
	size_t i;

	for (i = 0; i < n; i++) {
		rig = (struct rig){.rules = r[i].rules, .request = r[i].request,
		    .response = strstr(r[i].rules, "phase:3") ? "HTTP/1.1 200 OK\r\nA: b\r\n\r\n" : NULL};
		assert_string_equal(rig_run(&rig), r[i].want);
		rig.opt = &bare;
		assert_string_equal(rig_run(&rig), r[i].want);
	}
	rig_done();
}

#define TABLE(name) \
	static void test_##name(void **state) \
	{ \
		(void)state; \
		run(name, sizeof(name) / sizeof(*name)); \
	}
TABLE(flow)
TABLE(chains)
TABLE(vars)
TABLE(ctl)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flow),
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_vars),
		cmocka_unit_test(test_ctl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
