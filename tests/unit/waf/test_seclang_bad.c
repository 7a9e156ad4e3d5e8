/* SPDX-License-Identifier: MIT */
/* What is wrong -> the exact words for it, with line and column; nothing half-loaded comes back. */
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
	const char	*text, *messages;
};

static void
check_rows(const struct row *rows, size_t n)
{
	struct waf_rules *r;
	char *messages;

	for (size_t i = 0; i < n; i++) {
		r = rules_load(rows[i].text, NULL, &messages);
		assert_string_equal(messages, rows[i].messages);
		assert_true((r == NULL) == (strstr(messages, "error:") != NULL));
		waf_rules_free(&r);
		free(messages);
	}
}

static void
test_lines(void **state)
{
	static const struct row rows[] = {
		{"Foo bar\nSecRuleEngine On\n  Baz\n", "t:1:1: error: unknown directive \"Foo\"\n"
		    "t:3:3: error: unknown directive \"Baz\"\n"},
		{"<IfModule x>", "t:1:1: error: <IfModule: sections are Apache's; write what is inside of it\n"},
		{"SecRule ARGS \"x", "t:1:15: error: the quote that opens here is never closed\n"},
		{"SecRule ARGS \\\n \"x\"y\" id:1", "t:2:4: error: a quote ends here but text follows: write \\\" inside of quotes\n"},
		{"SecRule ARGS", "t:1:1: error: SecRule: takes 2 to 3 arguments, not 1\n"},
		{"SecMarker a b", "t:1:1: error: SecMarker: takes 1 argument, not 2\n"},
		{"SecRuleRemoveById", "t:1:1: error: SecRuleRemoveById: takes at least 1 argument, not 0\n"},
		{"# x \\\nSecAction id:1\n", "t:2:1: warning: the comment above ends in a backslash: this line is part of it\n"},
		{"Include x.conf", "t:1:9: error: Include: no files may be read from here\n"},
		{"SecUnicodeMapFile x 20127", "t:1:19: error: SecUnicodeMapFile: no files may be read from here\n"},
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void
test_targets(void **state)
{
	static const struct row rows[] = {
		{"SecRule FOO|ARGS|BAR x id:1", "t:1:9: error: unknown variable \"FOO\"\n"
		    "t:1:18: error: unknown variable \"BAR\"\n"},
		{"SecRule \"\" x id:1", "t:1:10: error: no target is named\n"},
		{"SecRule ARGS|!&TX x id:1", "t:1:14: error: a target can't be written with \"!&\" here\n"},
		{"SecRule ARGS|REQUEST_URI:x x id:1", "t:1:26: error: variable REQUEST_URI has no parts to select from\n"},
		{"SecRule ARGS: x id:1", "t:1:14: error: ARGS: nothing after the colon\n"},
		{"SecRule HTTP_Host x id:1", "t:1:9: error: variable HTTP_Host: not supported: write REQUEST_HEADERS:Name\n"},
		{"SecRule XML:/a[ x id:1", "t:1:1: error: XML:/a[: not an XPath\n"},
		{"SecRule PERF_ALL x id:1", "t:1:9: error: variable PERF_ALL: not supported: ModSecurity's own timing; "
		    "llmsecctl shows ours\n"},
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void
test_operators(void **state)
{
	static const struct row rows[] = {
		{"SecRule ARGS \"!@foo x\" id:1", "t:1:17: error: unknown operator \"@foo\"\n"},
		{"SecRule ARGS \"@streq %{foo.x}\" id:1", "t:1:24: error: %{foo.x}: no such variable\n"},
		{"SecRule ARGS \"@streq \\\"%{request_uri.x}\" id:1", "t:1:26: error: %{request_uri.x}: REQUEST_URI has no parts\n"},
		{"SecRule ARGS \"@pmFromFile x.data\" id:1", "t:1:27: error: @pmFromFile: no files may be read from here\n"},
		{"SecRule ARGS \\\n  \"@ipMatchF x.data\" id:1", "t:2:14: error: @ipMatchFromFile: no files may be read from here\n"},
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

#define R(acts)	"SecAction \"id:1," acts "\""

static void
test_actions(void **state)
{
	static const struct row rows[] = {
		{R("foo,phase:1,bar:x"), "t:1:17: error: unknown action \"foo\"\nt:1:29: error: unknown action \"bar\"\n"},
		{R("pass\\\n,foo"), "t:2:2: error: unknown action \"foo\"\n"},
		{R("msg:'a'b',foo"), "t:1:24: error: msg: text after the closing quote, a comma is missing\n"
		    "t:1:27: error: unknown action \"foo\"\n"},
		{R("msg:'a"), "t:1:21: error: the quote that opens here is never closed\n"},
		{R("msg:'%{x}'"), "t:1:22: error: %{x}: no such variable\n"},
		{R("msg"), "t:1:17: error: msg: needs a value after a colon\n"},
		{R("pass:1"), "t:1:17: error: pass: takes no value\n"},
		{R("phase:6"), "t:1:23: error: phase: \"6\" is none of 1 to 5, request, response, logging\n"},
		{R("severity:8"), "t:1:26: error: severity: \"8\" is none of 0 to 7, EMERGENCY to DEBUG\n"},
		{R("status:99"), "t:1:24: error: status: \"99\" is not a number from 100 to 599\n"},
		{R("maturity:0"), "t:1:26: error: maturity: \"0\" is not a number from 1 to 9\n"},
		{R("skip:x"), "t:1:22: error: skip: \"x\" is not a number from 1 to 100000\n"},
		{R("allow:x"), "t:1:23: error: allow:x: expected phase or request\n"},
		{R("deny,pass"), "t:1:22: warning: pass: replaces the disruptive action named before\n"},
		{R("t:foo"), "t:1:19: error: unknown transformation \"foo\"\n"},
		{R("exec:/bin/x"), "t:1:17: error: exec: refused: rules start no programs; events are where to react\n"},
		{R("proxy:http://x/"), "t:1:17: error: proxy: refused: routing is HAProxy's: use_backend on a variable of the verdict\n"},
		{R("append:x,prepend:y"), "t:1:17: error: append: refused: answers pass through unchanged\n"
		    "t:1:26: error: prepend: refused: answers pass through unchanged\n"},
		{R("pause:10"), "t:1:17: warning: pause: has no effect: a paused worker is what the client wants; use tarpit in HAProxy\n"},
		{R("setvar:foo"), "t:1:24: error: \"foo\": expected COLLECTION.NAME\n"},
		{R("setvar:args.x=1"), "t:1:24: error: \"args\" is no collection that can be written: TX, IP, GLOBAL, SESSION, USER, RESOURCE\n"},
		{R("setvar:!tx.a=1"), "t:1:25: error: setvar:!tx.a=1: what is unset takes no value\n"},
		{R("expirevar:tx.a=1"), "t:1:27: warning: expirevar: TX ends with the transaction anyway\n"},
		{R("deprecatevar:ip.a=1"), "t:1:30: error: deprecatevar: expected NAME=AMOUNT/SECONDS\n"},
		{R("initcol:ip"), "t:1:25: error: initcol: expected COLLECTION=KEY\n"},
		{R("initcol:tx=1"), "t:1:25: error: initcol: \"tx\" is none of IP, GLOBAL, SESSION, USER, RESOURCE\n"},
		{R("setenv:=1"), "t:1:24: error: setenv: expected NAME=VALUE\n"},
		{R("xmlns:a"), "t:1:23: error: xmlns: expected PREFIX=URI\n"},
		{R("skipAfter:X"), "t:1:1: warning: skipAfter:X: no such marker below: it skips the rest of phase 2\n"},
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void
test_ctl(void **state)
{
	static const struct row rows[] = {
		{R("ctl:foo"), "t:1:21: error: ctl: expected NAME=VALUE\n"},
		{R("ctl:foo=1"), "t:1:21: error: unknown ctl \"foo\"\n"},
		{R("ctl:ruleEngine=Of"), "t:1:32: error: ctl:ruleEngine=Of: only On Off DetectionOnly can be chosen\n"},
		{R("ctl:hashEngine=On"), "t:1:32: error: ctl:hashEngine=On: only Off can be chosen\n"},
		{R("ctl:auditLogParts=+e"), "t:1:36: error: ctl:auditLogParts: parts are capital letters, + or - before them\n"},
		{R("ctl:requestBodyLimit=x"), "t:1:38: error: ctl:requestBodyLimit=x: not a number\n"},
		{R("ctl:ruleRemoveById=x"), "t:1:36: error: ctl:ruleRemoveById=x: not a rule id or a range of ids\n"},
		{R("ctl:ruleRemoveById=9-1"), "t:1:36: error: ctl:ruleRemoveById=9-1: not a rule id or a range of ids\n"},
		{R("ctl:ruleRemoveByTag="), "t:1:37: error: ctl:ruleRemoveByTag: nothing after the =\n"},
		{R("ctl:ruleRemoveTargetById=1"), "t:1:42: error: ctl:ruleRemoveTargetById: expected WHICH;TARGET\n"},
		{R("ctl:ruleRemoveTargetById=1;FOO:x"), "t:1:44: error: unknown variable \"FOO\"\n"},
		{R("ctl:ruleRemoveTargetById=1;!ARGS"), "t:1:44: error: a target can't be written with \"!\" here\n"},
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void
test_rules(void **state)
{
	static const struct row rows[] = {
		{"SecAction pass", "t:1:11: error: the rule has no id\n"},
		{"SecRule ARGS x", "t:1:9: error: the rule has no id\n"},
		{"SecAction id:0", "t:1:14: error: id: \"0\" is not a positive number\n"},
		{"SecAction id:7\n\nSecAction id:7", "t:3:11: error: id 7 is taken by the rule in t:1\n"},
		{"SecRule ARGS x id:1,chain\n", "t:1:1: error: the chain ends with the file: another SecRule must follow\n"},
		{"SecRule ARGS x id:1,chain\nSecMarker m\n", "t:2:1: error: SecMarker: the chain of the rule above is not complete\n"},
		{"SecRule ARGS x id:1,chain\nSecRule ARGS x \"id:2,phase:1,deny,skip:1,skipAfter:a,msg:'x',severity:1,tag:a,nolog\"",
		 "t:2:17: error: id: not in a later rule of a chain, only in its first\n"
		 "t:2:22: error: phase: not in a later rule of a chain, only in its first\n"
		 "t:2:30: error: deny: not in a later rule of a chain, only in its first\n"
		 "t:2:35: error: skip: not in a later rule of a chain, only in its first\n"
		 "t:2:42: error: skipAfter: not in a later rule of a chain, only in its first\n"
		 "t:2:54: warning: msg: never shown: a match is told in the words of the chain's first rule\n"
		 "t:2:62: warning: severity: never shown: a match is told in the words of the chain's first rule\n"},
		{"SecDefaultAction pass", "t:1:18: error: SecDefaultAction: names no phase\n"},
		{"SecDefaultAction phase:1", "t:1:18: error: SecDefaultAction: names no disruptive action\n"},
		{"SecDefaultAction phase:1,block", "t:1:26: error: block: this is where it is said what block does\n"},
		{"SecDefaultAction phase:1,pass,id:1,chain,msg:x,tag:y",
		 "t:1:31: error: id: not in SecDefaultAction\nt:1:36: error: chain: not in SecDefaultAction\n"
		 "t:1:42: error: msg: not in SecDefaultAction\nt:1:48: error: tag: not in SecDefaultAction\n"},
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

#define A	"SecRule ARGS x id:1,nolog,tag:a,chain\nSecRule ARGS y\n"

static void
test_updates(void **state)
{
	static const struct row rows[] = {
		{A "SecRuleRemoveById 2 x 1", "t:3:19: warning: SecRuleRemoveById: no rule above has \"2\": changes follow the rules "
		    "they change\nt:3:21: error: SecRuleRemoveById: \"x\" is not a rule id or a range of ids\n"},
		{A "SecRuleRemoveByTag b", "t:3:20: warning: SecRuleRemoveByTag: no rule above has \"b\": changes follow the rules "
		    "they change\n"},
		{A "SecRuleUpdateTargetById 1:2 !ARGS:x", "t:3:25: warning: SecRuleUpdateTargetById: no rule above has \"1:2\": "
		    "changes follow the rules they change\n"},
		{A "SecRuleUpdateTargetById 1 !FOO", "t:3:28: error: unknown variable \"FOO\"\n"},
		{A "SecRuleUpdateTargetById 1 TX GEO", "t:3:30: warning: SecRuleUpdateTargetById: no rule meant has the target \"GEO\"\n"},
		{A "SecRuleUpdateActionById 1 id:2,phase:1,chain", "t:3:27: error: id: not in SecRuleUpdateActionById\n"
		    "t:3:32: error: phase: not in SecRuleUpdateActionById\nt:3:40: error: chain: not in SecRuleUpdateActionById\n"},
		{A "SecRuleUpdateActionById 1:1 deny", "t:3:29: error: deny: not in a later rule of a chain, only in its first\n"},
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void
test_settings(void **state)
{
	static const struct row rows[] = {
		{"SecRuleEngine Maybe", "t:1:15: error: SecRuleEngine: \"Maybe\" is none of On, DetectionOnly, Off\n"},
		{"SecRequestBodyAccess 1", "t:1:22: error: SecRequestBodyAccess: \"1\" is neither On nor Off\n"},
		{"SecRequestBodyLimit 10k", "t:1:21: error: SecRequestBodyLimit: \"10k\" is not a number from 0 to 1073741824\n"},
		{"SecCookieFormat 2", "t:1:17: error: SecCookieFormat: \"2\" is not a number from 0 to 1\n"},
		{"SecArgumentSeparator ab", "t:1:22: error: SecArgumentSeparator: \"ab\" is not one character\n"},
		{"SecRequestBodyLimitAction x", "t:1:27: error: SecRequestBodyLimitAction: \"x\" is neither Reject nor ProcessPartial\n"},
		{"SecRequestBodyJsonDepthLimit 512", "t:1:30: warning: SecRequestBodyJsonDepthLimit: the deepest that is read "
		    "here is 128\n"},
		{"SecXmlExternalEntity On\nSecXmlExternalEntity off", "t:1:22: error: SecXmlExternalEntity: only Off: an external "
		    "entity reads files and networks for the client\n"},
		{"SecAuditEngine Off\nSecAuditEngine RelevantOnly\nsecauditengine On\n", "t:2:16: warning: SecAuditEngine: has no "
		    "effect: decisions are events, see docs/events.md\n"},
		{"SecRuleScript x.lua", "t:1:15: error: SecRuleScript: refused: rules run no Lua\n"},
		{"SecLLMSecTimeLimit 0", "t:1:20: error: SecLLMSecTimeLimit: \"0\" is not a number from 1 to 60000\n"},
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

/* An operator or a pattern that does not compile is told by waf_op_new; here it counts that nothing is loaded. */
static void
test_not_compiled(void **state)
{
	static const char *const texts[] = {
		"SecRule ARGS \"@rx (\" id:1", "SecRule ARGS:/(/ x id:1", "SecAction id:1,ctl:ruleRemoveByTag=(",
		"SecRuleRemoveByTag (", "SecRule ARGS \"@validateByteRange x\" id:1", "SecRule ARGS \"@rsub s/a/b/\" id:1",
	};
	struct waf_rules *r;
	char *messages;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		r = rules_load(texts[i], NULL, &messages);
		assert_null(r);
		assert_non_null(strstr(messages, "t:1: error: "));
		free(messages);
	}
}

static void
test_nul(void **state)
{
	struct waf_rules *r = waf_rules_load_mem("t", NULL, "SecAction id:1\0", 15, NULL);

	(void)state;
	assert_null(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_operators),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_ctl),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_updates),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_not_compiled),
		cmocka_unit_test(test_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
