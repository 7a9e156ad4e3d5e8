/* SPDX-License-Identifier: MIT */
/* What SecLang says -> the model. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/waf/rules_show.h"

#define COUNT(a)	(sizeof(a) / sizeof(*(a)))

struct row {
	const char	*text, *model;
};

static void
check_rows(const struct row *rows, size_t n)
{
	struct waf_rules *r;
	char *messages;

	for (size_t i = 0; i < n; i++) {
		r = rules_load(rows[i].text, NULL, &messages);
		assert_string_equal(messages, "");
		assert_non_null(r);
		assert_string_equal(rules_show(r), rows[i].model);
		waf_rules_free(&r);
		assert_null(r);
		free(messages);
	}
}

/* Quotes, escapes, continuations, comments. */
static void
test_words(void **state)
{
	static const struct row rows[] = {
		{"", ""},
		{"# nothing\n\n   \t\n", ""},
		{"SecAction id:1", "1 p2 pass log audit\n"},
		{"secACTION \"id:1,nolog\"\n", "1 p2 pass\n"},
		{"SecAction 'id:1,nolog'\r\n", "1 p2 pass\n"},
		{"\xef\xbb\xbfSecAction id:1,nolog", "1 p2 pass\n"},
		{"  SecRule \\\n  ARGS\\\n \\\r\n\"a\" \\\n\t\"id:1,\\\n  phase:1,\\\n nolog\"", "1 p1 ARGS @rx(a) pass\n"},
		{"SecRule ARGS \"@rx a\\\"b\\'c\\d\\\\\\\\e\" id:1,nolog", "1 p2 ARGS @rx(a\"b\\'c\\d\\\\e) pass\n"},
		{"SecRule ARGS '@streq a\"b\\'c' id:1,nolog", "1 p2 ARGS @streq(a\"b'c) pass\n"},
		{"SecRule ARGS \"@streq a\\\\b\" id:1,nolog", "1 p2 ARGS @streq(a\\b) pass\n"},
		{"SecRule ARGS a\\\\b\\\"c id:1,nolog", "1 p2 ARGS @rx(a\\b\\\"c) pass\n"},
		{"SecRule ARGS \"\" id:1,nolog", "1 p2 ARGS @rx() pass\n"},
		{"# a comment \\\n# that goes on\nSecMarker x", "marker x\n"},
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

#define R(target)	"SecRule " target " x id:1,nolog"
#define M(target)	"1 p2 " target " @rx(x) pass\n"

static void
test_targets(void **state)
{
	static const struct row rows[] = {
		{R("args"), M("ARGS")},
		{R("ARGS|!ARGS:Foo|&TX:Bar"), M("ARGS|!ARGS:foo|&TX:bar")},
		{R("ARGS,ARGS_NAMES"), M("ARGS|ARGS_NAMES")},
		{R("\"ARGS | !ARGS:a b |REQUEST_URI\""), M("ARGS|!ARGS:a b|REQUEST_URI")},
		{R("REQUEST_COOKIES:/S?DW[a-f0-9]+/"), M("REQUEST_COOKIES:/S?DW[a-f0-9]+/")},
		{R("REQUEST_COOKIES|!REQUEST_COOKIES:/__utm/|ARGS"), M("REQUEST_COOKIES|!REQUEST_COOKIES:/__utm/|ARGS")},
		{R("ARGS:/a|b,c/|TX"), M("ARGS:/a|b,c/|TX")},
		{R("ARGS:/a\\/|b/"), M("ARGS:/a\\/|b/")},
		{R("ARGS:/^a/b|c$/|TX"), M("ARGS:/^a/b|c$/|TX")},
		{R("ARGS:/var|TX:0"), M("ARGS:/var|TX:0")},
		{R("\"ARGS:'/a|b/'|ARGS:'c|d'|TX:1\""), M("ARGS:/a|b/|ARGS:c|d|TX:1")},
		{R("!ARGS_NAMES:/^[\\w]+\\[[\\w\\-]*?\\]$/|ARGS_NAMES"), M("!ARGS_NAMES:/^[\\w]+\\[[\\w\\-]*?\\]$/|ARGS_NAMES")},
		{R("XML:/*|XML://@*|XML"), M("XML:/*|XML://@*|XML")},
		{R("\"XML:/a/b[contains(., 'x|y')]/Text|ARGS\""), M("XML:/a/b[contains(., 'x|y')]/Text|ARGS")},
		{R("REQUEST_HEADERS:X.Filename"), M("REQUEST_HEADERS:x.filename")},
		{R("ARGS:a[b][c]"), M("ARGS:a[b][c]")},
		{R("ARGS:json.a:b"), M("ARGS:json.a:b")},
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

#undef R
#undef M
#define R(op)	"SecRule ARGS \"" op "\" id:1,nolog"
#define M(op)	"1 p2 ARGS " op " pass\n"

static void
test_operators(void **state)
{
	static const struct row rows[] = {
		{R("@rx a b "), M("@rx(a b )")},
		{R("!@rx a"), M("!@rx(a)")},
		{R("! @STREQ a"), M("!@streq(a)")},
		{R("!a"), M("!@rx(a)")},
		{R(" @eq   0"), M("@eq(0)")},
		{R("@unconditionalMatch"), M("@unconditionalMatch()")},
		{R("@within %{tx.Allowed}|%{REQUEST_HEADERS:Host}"), M("@within(<TX.allowed>|<REQUEST_HEADERS.host>)")},
		{R("@rx ^%{2,3}[%]{1}%{nosuch}%{"), M("@rx(^%{2,3}[%]{1}%{nosuch}%{)")},
		{R("@streq %{}%{1}%{a b}%"), M("@streq(%{}%{1}%{a b}%)")},
		{R("@ge %{tx.inbound_anomaly_score_threshold}"), M("@ge(<TX.inbound_anomaly_score_threshold>)")},
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

#undef R
#undef M
#define R(acts)	"SecAction \"id:1,nolog," acts "\""
#define M(rest)	"1 p2" rest "\n"

static void
test_actions(void **state)
{
	static const struct row rows[] = {
		{R("phase:request"), M(" pass")},
		{R("phase:response,log"), "1 p4 pass log audit\n"},
		{R("phase:logging,auditlog"), "1 p5 pass audit\n"},
		{R("phase:'3'"), "1 p3 pass\n"},
		{R("log,noauditlog"), M(" pass log")},
		{R("deny,status:403"), M(" deny status(403)")},
		{R("block"), M(" pass")},
		{R("drop"), M(" drop")},
		{R("allow"), M(" allow")},
		{R("allow:phase"), M(" allow:phase")},
		{R("allow:request"), M(" allow:request")},
		{R("redirect:http://a/?x=%{unique_id},status:302"), M(" redirect status(302) redirect(http://a/?x=<UNIQUE_ID>)")},
		{R("severity:CRITICAL"), M(" pass severity(2)")},
		{R("severity:'7',maturity:1,accuracy:9,rev:'2',ver:'OWASP_CRS/3.3.4'"),
		    M(" pass severity(7) maturity(1) accuracy(9) ver(OWASP_CRS/3.3.4) rev(2)")},
		{R("msg:'it\\'s, %{MATCHED_VAR_NAME}: \\\\d',logdata:plain text"),
		    M(" pass msg(it's, <MATCHED_VAR_NAME>: \\d) logdata(plain text)")},
		{R("tag:'a/b',tag:paranoia-level/3,tag:'%{tx.x}'"), M(" pass paranoia(3) tag(a/b) tag(paranoia-level/3) tag(<TX.x>)")},
		{R("tag:'paranoia-level/9'"), M(" pass tag(paranoia-level/9)")},
		{R("capture,multiMatch,sanitiseMatched"), M(" pass capture multi sanitise")},
		{R("sanitizeMatchedBytes:1/4"), M(" pass sanitise")},
		{R("t:none,t:lowercase,t:normalisePath"), M(" t(lowercase,normalizePath) pass")},
		{R("t:lowercase,t:none,t:sha1,t:hexEncode"), M(" t(sha1,hexEncode) pass")},
		{R("setvar:tx.A"), M(" pass setvar[TX.(a) = (1)]")},
		{R("setvar:'tx.a_%{rule.id}=%{matched_var}'"), M(" pass setvar[TX.(a_<RULE.id>) = (<MATCHED_VAR>)]")},
		{R("setvar:'tx.s=+%{tx.critical}',setvar:TX.s=-1"), M(" pass setvar[TX.(s) + (<TX.critical>)] setvar[TX.(s) - (1)]")},
		{R("setvar:!ip.x,setvar:'!session.%{tx.0}'"), M(" pass setvar[IP.(x) !] setvar[SESSION.(<TX.0>) !]")},
		{R("setvar:tx.a=b=c,setvar:tx.e="), M(" pass setvar[TX.(a) = (b=c)] setvar[TX.(e) = ()]")},
		{R("expirevar:ip.a=60,expirevar:'ip.b=%{tx.t}',expirevar:ip.c"),
		    M(" pass expirevar[IP.(a) (60)] expirevar[IP.(b) (<TX.t>)] expirevar[IP.(c) (3600)]")},
		{R("deprecatevar:session.score=60/300"), M(" pass deprecatevar[SESSION.(score) (60/300)]")},
		{R("initcol:global=global,initcol:ip=%{remote_addr}_%{tx.ua_hash}"),
		    M(" pass initcol[GLOBAL (global)] initcol[IP (<REMOTE_ADDR>_<TX.ua_hash>)]")},
		{R("setsid:%{tx.0},setuid:u,setrsc:'r'"), M(" pass setsid[ (<TX.0>)] setuid[ (u)] setrsc[ (r)]")},
		{R("setenv:A=%{tx.b},setenv:b,setenv:!c"), M(" pass setenv[.(A) = (<TX.b>)] setenv[.(b) = (1)] setenv[.(c) ! ()]")},
		{R("xmlns:'soap=http://a/,b'"), M(" pass xmlns(soap=http://a/,b)")},
		{R("xmlns:soap=http://a/,xmlns:'b=http://c/,d'"), M(" pass xmlns(soap=http://a/) xmlns(b=http://c/,d)")},
		{R("  , skip:2 "), M(" pass to(1)")},
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void
test_ctl(void **state)
{
	static const struct row rows[] = {
		{R("ctl:ruleEngine=off,ctl:RULEENGINE=DetectionOnly"), M(" pass ctl(ruleEngine=(Off)) ctl(ruleEngine=(DetectionOnly))")},
		{R("ctl:auditEngine=RelevantOnly,ctl:auditLogParts=+E"), M(" pass ctl(auditEngine=(RelevantOnly)) ctl(auditLogParts=(+E))")},
		{R("ctl:forceRequestBodyVariable=On,ctl:requestBodyAccess=Off,ctl:responseBodyAccess=On"),
		    M(" pass ctl(forceRequestBodyVariable=(On)) ctl(requestBodyAccess=(Off)) ctl(responseBodyAccess=(On))")},
		{R("ctl:requestBodyProcessor=urlencoded,ctl:requestBodyLimit=10,ctl:responseBodyLimit=%{tx.l}"),
		    M(" pass ctl(requestBodyProcessor=(URLENCODED)) ctl(requestBodyLimit=(10)) ctl(responseBodyLimit=(<TX.l>))")},
		{R("ctl:ruleRemoveById=942100,ctl:ruleRemoveById=1-20"), M(" pass ctl(removeById=942100-942100) ctl(removeById=1-20)")},
		{R("ctl:ruleRemoveByTag=attack-.*,ctl:'ruleRemoveByMsg=a b, c'"), M(" pass ctl(removeByTag=attack-.*) ctl(removeByMsg=a b, c)")},
		{R("ctl:ruleRemoveTargetById=1-2;ARGS:Pass[pass1]"), M(" pass ctl(removeTargetById=1-2;ARGS:pass[pass1])")},
		{R("ctl:ruleRemoveTargetByTag=OWASP_CRS;ARGS_NAMES,nolog"), M(" pass ctl(removeTargetByTag=OWASP_CRS;ARGS_NAMES)")},
		{R("ctl:'ruleRemoveTargetByMsg=a b;ARGS:/^a,b$/'"), M(" pass ctl(removeTargetByMsg=a b;ARGS:/^a,b$/)")},
		{R("ctl:ruleRemoveTargetById=1;ARGS:/^a{1,2}\\/|b,c$/,ctl:hashEngine=Off"),
		    M(" pass ctl(removeTargetById=1-1;ARGS:/^a{1,2}\\/|b,c$/) ctl(hashEngine=(Off))")},
		{R("ctl:ruleRemoveTargetById=1;ARGS:'a,b',nolog"), M(" pass ctl(removeTargetById=1-1;ARGS:a,b)")},
		{R("ctl:ruleRemoveTargetByTag='x,y';ARGS:a|TX"), M(" pass ctl(removeTargetByTag=x,y;ARGS:a) ctl(removeTargetByTag=x,y;TX)")},
		{R("ctl:ruleRemoveTargetById=1;XML:/*"), M(" pass ctl(removeTargetById=1-1;XML:/*)")},
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void
test_inheritance(void **state)
{
	static const struct row rows[] = {
		{"SecDefaultAction phase:1,nolog,auditlog,deny,status:429\n"
		 "SecDefaultAction \"phase:2,log,t:lowercase,t:trim,redirect:http://x/\"\n"
		 "SecAction id:1,phase:1,block\nSecAction id:2,phase:1,pass,log\nSecRule ARGS x id:3,block\n"
		 "SecRule ARGS x id:4,t:none,t:sha1,status:301\nSecRule ARGS x id:5,t:sha1,deny\nSecRule ARGS x id:6,phase:3,block\n",
		 "1 p1 deny audit status(429)\n2 p1 pass log audit status(429)\n"
		 "3 p2 ARGS @rx(x) t(lowercase,trim) redirect log audit redirect(http://x/)\n"
		 "4 p2 ARGS @rx(x) t(sha1) redirect log audit status(301) redirect(http://x/)\n"
		 "5 p2 ARGS @rx(x) t(lowercase,trim,sha1) deny log audit redirect(http://x/)\n"
		 "6 p3 ARGS @rx(x) pass log audit\n"},
		{"SecDefaultAction phase:2,pass,nolog,setvar:tx.d=1\nSecAction id:1,setvar:tx.a=2\n"
		 "SecDefaultAction phase:2,deny,nolog\nSecAction id:2,block\n",
		 "1 p2 pass setvar[TX.(d) = (1)] setvar[TX.(a) = (2)]\n2 p2 deny\n"},
		{"SecDefaultAction phase:3,deny,nolog,t:trim\nSecRule ARGS a id:1,phase:3,chain,block\n"
		 "  SecRule ARGS b chain,capture\n    SecRule ARGS c\nSecRule ARGS d id:2,nolog",
		 "1 p3 ARGS @rx(a) t(trim) deny\n+ ARGS @rx(b) t(trim) capture\n+ ARGS @rx(c) t(trim)\n2 p2 ARGS @rx(d) pass\n"},
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void
test_chain_links(void **state)
{
	char *messages;
	struct waf_rules *r = rules_load("SecRule ARGS a id:1,phase:4,chain\nSecRule ARGS b chain\nSecAction setvar:tx.a\n"
	    "SecRule ARGS c id:2\n", NULL, &messages);

	(void)state;
	assert_string_equal(messages, "");
	assert_int_equal(r->phase[4].n, 1);
	assert_int_equal(r->phase[2].n, 1);
	assert_ptr_equal(r->phase[4].rule[0]->chained, r->all[1]);
	assert_ptr_equal(r->all[1]->chained, r->all[2]);
	assert_null(r->all[2]->chained);
	assert_int_equal(r->all[2]->phase, 4);
	assert_true(r->all[2]->flags & WAF_R_UNCONDITIONAL);
	assert_int_equal(r->all[3]->line, 4);
	waf_rules_free(&r);
	free(messages);
}

/* Markers stand in all phases, so the index is one of the rule's own phase. */
static void
test_skips(void **state)
{
	static const struct row rows[] = {
		{"SecMarker m\nSecAction id:1,phase:1,nolog,skipAfter:m\nSecAction id:2,nolog\nSecAction id:3,phase:1,nolog\n"
		 "SecMarker m\nSecAction id:4,phase:1,nolog\nSecMarker m",
		 "marker m\n1 p1 pass to(4)\n2 p2 pass\n3 p1 pass\nmarker m\n4 p1 pass\nmarker m\n"},
		{"SecAction id:1,nolog,skip:2\nSecAction id:2,nolog,phase:1\nSecMarker x\nSecAction id:3,nolog\nSecMarker y\n"
		 "SecAction id:4,nolog\nSecAction id:5,nolog\n",
		 "1 p2 pass to(5)\n2 p1 pass\nmarker x\n3 p2 pass\nmarker y\n4 p2 pass\n5 p2 pass\n"},
		{"SecAction id:1,nolog,skipAfter:20\nSecAction id:20,nolog\nSecAction id:3,nolog,skip:9\n",
		 "1 p2 pass to(2)\n20 p2 pass\n3 p2 pass to(3)\n"},
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

#undef R
#define RULES	"SecRule ARGS|ARGS:a x \"id:1,nolog,msg:'one thing',tag:t/a\"\nSecRule TX x id:2,nolog,tag:t/b,chain\n" \
		"SecRule ARGS:a y tag:t/c\nSecRule TX z id:3,nolog,tag:u\n"
#define R1	"1 p2 ARGS|ARGS:a @rx(x) pass msg(one thing) tag(t/a)\n"
#define R2	"2 p2 TX @rx(x) pass tag(t/b)\n+ ARGS:a @rx(y)"
#define R3	"3 p2 TX @rx(z) pass tag(u)\n"
#define TC	" log audit tag(t/c)\n"

static void
test_updates(void **state)
{
	static const struct row rows[] = {
		{RULES, R1 R2 TC R3},
		{RULES "SecRuleRemoveById 1", R2 TC R3},
		{RULES "SecRuleRemoveById 3 \"1, 2\"\nSecAction id:2,nolog", "2 p2 pass\n"},
		{RULES "SecRuleRemoveById 1-2\nSecRuleRemoveById 3-3", ""},
		{RULES "SecRuleRemoveByTag t/c", R1 R3},
		{RULES "SecRuleRemoveByTag ^t/[ab]$", R3},
		{RULES "SecRuleRemoveByMsg \"one th\"", R2 TC R3},
		{RULES "SecRuleUpdateTargetById 3 \"!TX:/^a|b$/\"", R1 R2 TC "3 p2 TX|!TX:/^a|b$/ @rx(z) pass tag(u)\n"},
		{RULES "SecRuleUpdateTargetById 3 ARGS,ENV", R1 R2 TC "3 p2 TX|ARGS|ENV @rx(z) pass tag(u)\n"},
		{RULES "SecRuleUpdateTargetById 2:1 !TX", R1
		    "2 p2 TX @rx(x) pass tag(t/b)\n+ ARGS:a|!TX @rx(y) log audit tag(t/c)\n" R3},
		{RULES "SecRuleUpdateTargetById 1 ENV ARGS", "1 p2 ENV|ARGS:a @rx(x) pass msg(one thing) tag(t/a)\n" R2 TC R3},
		{RULES "SecRuleUpdateTargetById 1-2 ENV|GEO ARGS:a", "1 p2 ARGS|ENV|GEO @rx(x) pass msg(one thing) tag(t/a)\n" R2 TC R3},
		{RULES "SecRuleUpdateTargetByTag ^u$ !TX:Q", R1 R2 TC "3 p2 TX|!TX:q @rx(z) pass tag(u)\n"},
		{RULES "SecRuleUpdateTargetByMsg one !ARGS:q", "1 p2 ARGS|ARGS:a|!ARGS:q @rx(x) pass msg(one thing) tag(t/a)\n" R2 TC R3},
		{RULES "SecRuleUpdateActionById 3 \"deny,log,status:400,msg:'m',setvar:tx.a,t:trim\"",
		    R1 R2 TC "3 p2 TX @rx(z) t(trim) deny log audit status(400) msg(m) tag(u) setvar[TX.(a) = (1)]\n"},
		{RULES "SecRuleUpdateActionById 2:1 t:trim,nolog", R1 "2 p2 TX @rx(x) pass tag(t/b)\n+ ARGS:a @rx(y) t(trim) tag(t/c)\n" R3},
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_operators),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_ctl),
		cmocka_unit_test(test_inheritance),
		cmocka_unit_test(test_chain_links),
		cmocka_unit_test(test_skips),
		cmocka_unit_test(test_updates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
