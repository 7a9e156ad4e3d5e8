/* SPDX-License-Identifier: MIT */
/* Files: Includes, what is remembered of them, settings, and two whole rule sets. */
#include "config.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "haproxy-spoa/waf/seclang_private.h"
#include "tests/unit/waf/rules_show.h"

#define CRS	"/usr/share/modsecurity-crs/rules"
#define SETUP	"/etc/modsecurity/crs/crs-setup.conf"

static char dir[64];

static int
unlink_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_seclang.XXXXXX");
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	return nftw(dir, unlink_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void
put(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* The messages of the last load, with the folder's name cut out of them. */
static char messages[8192];

static struct waf_rules *
load(const char *name)
{
	struct diag *d = diag_new();
	char path[256], *text, *at;
	struct waf_rules *r;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	r = waf_rules_load(path, d);
	f = open_memstream(&text, &n);
	diag_print(d, f);
	fclose(f);
	while ((at = strstr(text, dir)) != NULL)
		memmove(at, at + strlen(dir), strlen(at + strlen(dir)) + 1);
	snprintf(messages, sizeof(messages), "%s", text);
	free(text);
	diag_free(&d);
	return r;
}

static void
test_include(void **state)
{
	struct waf_rules *r;
	char sub[128];

	(void)state;
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	assert_int_equal(mkdir(sub, 0700), 0);
	put("main.conf", "Include sub/*.conf\nIncludeOptional none/*.conf\nincludeoptional none.conf\nSecAction id:9,nolog\n");
	put("sub/b.conf", "SecAction id:2,nolog\n");
	put("sub/a.conf", "SecAction id:1,nolog\nInclude \"c.inc\"\n");
	put("sub/B.conf", "SecRule ARGS \"@pmFromFile p.data\" id:4,nolog\n");
	put("sub/c.inc", "SecAction id:3,nolog");
	put("sub/p.data", "one\ntwo\n");
	r = load("main.conf");
	assert_string_equal(messages, "");
	assert_string_equal(rules_show(r), "4 p2 ARGS @pmFromFile(p.data) pass\n1 p2 pass\n3 p2 pass\n2 p2 pass\n9 p2 pass\n");
	assert_int_equal(r->n_files, 6);
	assert_string_equal(r->files[0] + strlen(dir), "/main.conf");
	assert_string_equal(r->files[2] + strlen(dir), "/sub/p.data");
	assert_string_equal(r->all[2]->file + strlen(dir), "/sub/c.inc");
	assert_int_equal(r->all[0]->line, 1);
	waf_rules_free(&r);
}

/* One run names the mistakes of all files. */
static void
test_include_bad(void **state)
{
	(void)state;
	put("main.conf", "SecFoo\nInclude x*.conf\nInclude none.conf\nInclude no*.conf\nInclude sub\nSecBar\n");
	put("x1.conf", "SecRule ARGS x id:1,chain\n");
	put("x2.conf", "Include main.conf\nInclude ./x2.conf\nSecAction id:1,foo\n");
	assert_null(load("main.conf"));
	assert_string_equal(messages,
	    "/main.conf:1:1: error: unknown directive \"SecFoo\"\n"
	    "/x1.conf:1:1: error: the chain ends with the file: another SecRule must follow\n"
	    "/x2.conf:1:9: error: Include /main.conf: it includes itself\n"
	    "/x2.conf:2:9: error: Include /./x2.conf: it includes itself\n"
	    "/x2.conf:3:16: error: unknown action \"foo\"\n"
	    "/x2.conf:3:11: error: id 1 is taken by the rule in /x1.conf:1\n"
	    "/main.conf:3:9: error: Include /none.conf: no such file (IncludeOptional allows that)\n"
	    "/main.conf:4:9: error: Include /no*.conf: no such file (IncludeOptional allows that)\n"
	    "/main.conf:5:9: error: Include /sub: it is a folder: write FOLDER/*.conf\n"
	    "/main.conf:6:1: error: unknown directive \"SecBar\"\n");
	assert_null(load("missing.conf"));
	assert_string_equal(messages, "/missing.conf: error: No such file or directory\n");
	put("main.conf", "SecRule ARGS \"@pmFromFile none.data\" id:1\n");
	assert_null(load("main.conf"));
	assert_non_null(strstr(messages, "/main.conf:1: error: "));
}

static void
test_depth(void **state)
{
	char name[16], text[32];
	struct waf_rules *r;

	(void)state;
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "d%02d.conf", i);
		snprintf(text, sizeof(text), "Include d%02d.conf\n", i + 1);
		put(name, i == 19 ? "SecAction id:1,nolog\n" : text);
	}
	assert_null(load("d00.conf"));
	assert_string_equal(messages, "/d15.conf:1:9: error: Include: more than 16 files deep\n");
	r = load("d04.conf");
	assert_string_equal(rules_show(r), "1 p2 pass\n");
	waf_rules_free(&r);
}

static void
test_settings(void **state)
{
	struct waf_rules *r;
	char *text;

	(void)state;
	r = rules_load("", NULL, &text);
	assert_int_equal(r->settings.engine, WAF_MODE_ON);
	assert_true(r->settings.request_body_access);
	assert_false(r->settings.response_body_access);
	assert_int_equal(r->settings.time_limit_us, 250000);
	assert_int_equal(r->settings.n_response_mime, 2);
	assert_int_equal(r->settings.argument_separator, '&');
	assert_int_equal(r->settings.response_body_limit_action, WAF_LIMIT_REJECT);
	waf_rules_free(&r);
	free(text);
	r = rules_load("SecRuleEngine detectiononly\nSecRequestBodyAccess Off\nSecResponseBodyAccess On\nSecRequestBodyLimit 1\n"
	    "SecRequestBodyNoFilesLimit 2\nSecResponseBodyLimit 3\nSecRequestBodyLimitAction ProcessPartial\n"
	    "SecResponseBodyLimitAction ProcessPartial\nSecResponseBodyMimeType Text/Plain a/b\nSecResponseBodyMimeType c/d\n"
	    "SecArgumentSeparator ;\nSecCookieFormat 1\nSecCookieV0Separator ,\nSecArgumentsLimit 5\n"
	    "SecRequestBodyJsonDepthLimit 7\nSecPcreMatchLimit 8\nSecPcreMatchLimitRecursion 9\nSecLLMSecTimeLimit 10\n"
	    "SecUploadFileLimit 11\nSecCollectionTimeout 12\nSecComponentSignature \"x 1\"\nSecWebAppId w\nSecSensorId s\n"
	    "SecDataDir /var/d\nSecXmlExternalEntity Off\nSecHashEngine Off\n", NULL, &text);
	assert_string_equal(text, "");
	assert_int_equal(r->settings.engine, WAF_MODE_DETECTION_ONLY);
	assert_false(r->settings.request_body_access);
	assert_true(r->settings.response_body_access);
	assert_int_equal(r->settings.request_body_limit, 1);
	assert_int_equal(r->settings.request_body_no_files_limit, 2);
	assert_int_equal(r->settings.response_body_limit, 3);
	assert_int_equal(r->settings.request_body_limit_action, WAF_LIMIT_PARTIAL);
	assert_int_equal(r->settings.response_body_limit_action, WAF_LIMIT_PARTIAL);
	assert_int_equal(r->settings.n_response_mime, 3);
	assert_string_equal(r->settings.response_mime[0].p, "text/plain");
	assert_string_equal(r->settings.response_mime[2].p, "c/d");
	assert_int_equal(r->settings.argument_separator, ';');
	assert_int_equal(r->settings.cookie_format, 1);
	assert_int_equal(r->settings.cookie_v0_separator, ',');
	assert_int_equal(r->settings.arguments_limit, 5);
	assert_int_equal(r->settings.json_depth_limit, 7);
	assert_int_equal(r->settings.pcre_match_limit, 8);
	assert_int_equal(r->settings.pcre_match_limit_recursion, 9);
	assert_int_equal(r->settings.time_limit_us, 10000);
	assert_int_equal(r->settings.upload_file_limit, 11);
	assert_int_equal(r->settings.collection_timeout, 12);
	assert_string_equal(r->settings.component_signature.p, "x 1");
	assert_string_equal(r->settings.web_app_id.p, "w");
	assert_string_equal(r->settings.sensor_id.p, "s");
	assert_string_equal(r->settings.data_dir, "/var/d");
	waf_rules_free(&r);
	free(text);
}

struct counts {
	size_t	 rules, actions, markers, chained, heads, level[5], phase[6];
	size_t	 tag, setvar, plus, unset, expirevar, initcol, ctl[WAF_CTL_HASH_ENGINE + 1];
	size_t	 capture, multi, skip_after, msg, logdata, severity, deny, no_tfn, op[WAF_O_MAX], negated, op_macro;
	size_t	 var[WAF_V_MAX];
};

static void
count_acts(struct counts *c, const struct waf_rule *r)
{
	const struct waf_act *a;

	for (size_t i = 0; i < r->n_act; i++) {
		a = &r->act[i];
		c->setvar += a->kind == WAF_A_SETVAR;
		c->plus += a->kind == WAF_A_SETVAR && a->setop == '+';
		c->unset += a->kind == WAF_A_SETVAR && a->setop == '!';
		c->expirevar += a->kind == WAF_A_EXPIREVAR;
		c->initcol += a->kind == WAF_A_INITCOL;
		if (a->kind == WAF_A_CTL)
			c->ctl[a->ctl]++;
	}
}

static void
count_parts(struct counts *c, const struct waf_rule *r)
{
	c->tag += r->n_tag;
	c->capture += (r->flags & WAF_R_CAPTURE) != 0;
	c->multi += (r->flags & WAF_R_MULTIMATCH) != 0;
	c->skip_after += r->skip_after != NULL && r->skip_to != SIZE_MAX;
	c->msg += r->msg.n != 0;
	c->logdata += r->logdata.n != 0;
	c->severity += r->severity >= 0;
	c->deny += r->disruptive == WAF_D_DENY;
	c->no_tfn += r->n_tfn == 0;
	if (r->op != NULL) {
		c->op[r->op_id]++;
		c->negated += r->op_negated;
		c->op_macro += r->op_arg.has_macro;
	}
	for (size_t i = 0; i < r->n_target; i++)
		c->var[r->target[i].var]++;
}

static struct counts
count(const struct waf_rules *rules)
{
	struct counts c = {0};
	const struct waf_rule *r;

	for (size_t i = 0; i < rules->n_all; i++) {
		r = rules->all[i];
		if (r->marker != NULL) {
			c.markers++;
			continue;
		}
		c.actions += (r->flags & WAF_R_UNCONDITIONAL) != 0;
		c.rules += (r->flags & WAF_R_UNCONDITIONAL) == 0;
		c.chained += r->id == 0;
		c.heads += r->chained != NULL && r->id != 0;
		c.level[r->paranoia]++;
		c.phase[r->phase] += r->id != 0;
		count_acts(&c, r);
		count_parts(&c, r);
	}
	return c;
}

static void
test_v4(void **state)
{
	const char *src = getenv("srcdir");
	char path[4096];
	struct diag *d = diag_new();
	struct waf_rules *r;
	struct counts c;

	(void)state;
	snprintf(path, sizeof(path), "%s/tests/unit/waf/seclang_v4.conf", src ? src : ".");
	r = waf_rules_load(path, d);
	assert_string_equal(diag_first(d), "");
	assert_non_null(r);
	c = count(r);
	assert_int_equal(c.rules, 46);
	assert_int_equal(c.actions, 1);
	assert_int_equal(c.markers, 2);
	assert_int_equal(c.chained, 9);
	assert_int_equal(c.level[1], 1);
	assert_int_equal(c.level[2], 1);
	assert_int_equal(r->n_files, 2);
	assert_non_null(strstr(rules_show(r),
	    "912 p2 REQUEST_COOKIES|REQUEST_COOKIES_NAMES|ARGS_NAMES|ARGS|XML:/*|XML://@*|!REQUEST_COOKIES:/^_ga(?:_\\w+)?$/|"
	    "!REQUEST_COOKIES:plain @detectSQLi() t(utf8toUnicode,urlDecodeUni,removeNulls) pass log audit capture multi "
	    "severity(2) paranoia(2) msg(SQLi: <TX.0>) logdata(Matched Data: <TX.0> found within <MATCHED_VAR_NAME>: "
	    "<MATCHED_VAR>) tag(attack-sqli) tag(paranoia-level/2) setvar[TX.(sql_injection_score) + "
	    "(<TX.critical_anomaly_score>)]\n"));
	waf_rules_free(&r);
	diag_free(&d);
}

static void
check_crs_parts(const struct counts *c)
{
	assert_int_equal(c->tag, 1898);
	assert_int_equal(c->setvar, 546);
	assert_int_equal(c->plus, 440 + 4 + 1);
	assert_int_equal(c->unset, 2);
	assert_int_equal(c->expirevar, 20);
	assert_int_equal(c->initcol, 2);
	assert_int_equal(c->ctl[WAF_CTL_AUDIT_LOG_PARTS], 110);
	assert_int_equal(c->ctl[WAF_CTL_REMOVE_BY_ID], 46);
	assert_int_equal(c->ctl[WAF_CTL_REMOVE_BY_TAG], 2);
	assert_int_equal(c->ctl[WAF_CTL_REMOVE_TARGET_BY_ID], 202);
	assert_int_equal(c->ctl[WAF_CTL_REMOVE_TARGET_BY_TAG], 169);
	assert_int_equal(c->capture, 200);
	assert_int_equal(c->multi, 4);
	assert_int_equal(c->skip_after, 217);
	assert_int_equal(c->msg, 257);
	assert_int_equal(c->logdata, 226);
	assert_int_equal(c->severity, 245);
	assert_int_equal(c->deny, 5);
	assert_int_equal(c->no_tfn, 632 + 10);	/* the inventory leaves SecActions out */
	assert_int_equal(c->op[WAF_O_rx], 247 + 18);
	assert_int_equal(c->op[WAF_O_lt], 190);
	assert_int_equal(c->op[WAF_O_pmFromFile], 19);
	assert_int_equal(c->op[WAF_O_validateByteRange], 6);
	assert_int_equal(c->op_macro, 28);
	assert_int_equal(c->var[WAF_V_XML], 128);
	assert_int_equal(c->var[WAF_V_REQUEST_COOKIES_NAMES], 111);
	assert_int_equal(c->var[WAF_V_RESPONSE_BODY], 29);
}

/* Debian's package, where it is installed: the numbers are of an inventory made by other means. */
static void
test_crs(void **state)
{
	struct waf_rules *r;
	struct counts c;

	(void)state;
	if (access(SETUP, R_OK) != 0 || access(CRS "/REQUEST-901-INITIALIZATION.conf", R_OK) != 0)
		skip();
	put("crs.conf", "Include " SETUP "\nInclude " CRS "/*.conf\n");
	r = load("crs.conf");
	assert_null(strstr(messages, "error:"));
	assert_non_null(r);
	c = count(r);
	if (strcmp(r->settings.component_signature.p, "OWASP_CRS/3.3.4") != 0) {
		waf_rules_free(&r);
		skip();
	}
	assert_int_equal(c.rules, 790);
	assert_int_equal(c.actions, 10);
	assert_int_equal(c.markers, 40);
	assert_int_equal(c.chained, 166);
	assert_int_equal(c.heads, 115);
	assert_int_equal(c.level[1], 175);
	assert_int_equal(c.level[2], 51);
	assert_int_equal(c.level[3], 20);
	assert_int_equal(c.level[4], 7);
	assert_int_equal(c.phase[1], 147);
	assert_int_equal(c.phase[2], 389);
	assert_int_equal(c.phase[3], 24);
	assert_int_equal(c.phase[4], 58);
	assert_int_equal(c.phase[5], 16);
	check_crs_parts(&c);
	waf_rules_free(&r);
}

static void
named_in(const char *page, const struct sl_directive *d)
{
	char alone[80], with[80];

	for (; d->name != NULL; d++) {
		snprintf(alone, sizeof(alone), "`%s`", d->name);
		snprintf(with, sizeof(with), "`%s ", d->name);
		if (strstr(page, alone) == NULL && strstr(page, with) == NULL)
			fail_msg("docs/waf-seclang.md does not name %s", d->name);
	}
}

/* docs/waf-seclang.md is a promise: every row of the tables is in it. */
static void
test_docs(void **state)
{
	const char *src = getenv("srcdir");
	static char page[65536];
	char path[4096];
	size_t n;
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/docs/waf-seclang.md", src ? src : ".");
	assert_non_null(f = fopen(path, "r"));
	n = fread(page, 1, sizeof(page) - 1, f);
	fclose(f);
	page[n] = '\0';
	named_in(page, sl_settings);
	named_in(page, sl_ignored);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_include),
		cmocka_unit_test(test_include_bad),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_v4),
		cmocka_unit_test(test_crs),
		cmocka_unit_test(test_docs),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
