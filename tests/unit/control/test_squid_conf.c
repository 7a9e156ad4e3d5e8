/* SPDX-License-Identifier: MIT */
/* squid.conf as Squid reads it, and whether it refuses what nobody allowed: one line changed at a time. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/egress_shape.h"
#include "control/squid_conf.h"
#include "tests/unit/control/ctl_test.h"

#define HEAD \
	"http_port 3128 name=llmsec_proxy\n" \
	"external_acl_type llmsec_egress ttl=0 negative_ttl=0 children-startup=0 %>a %>rm %>rd %>rP %ssl::>sni %>rs /x -c /y\n" \
	"acl llmsec_proxy myportname llmsec_proxy\n" \
	"acl llmsec_egress external llmsec_egress\n" \
	"acl llmsec_manager url_regex -i ^cache_object:// +i ^[^:]+://[^/]+/squid-internal-\n" \
	"acl llmsec_private_dst dst 10.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 fe80::/10 fc00::/7\n"
#define MANAGER	"http_access deny llmsec_proxy llmsec_manager\n"
#define ASK	"http_access deny llmsec_proxy !llmsec_egress\n"
#define GUARD	"http_access deny llmsec_proxy to_localhost\nhttp_access deny llmsec_proxy llmsec_private_dst\n"
#define ALLOW	"http_access allow llmsec_proxy\n"
#define LAST	"http_access deny all\n"
#define GOOD	HEAD MANAGER ASK GUARD ALLOW LAST

static int
judge_budgets(struct ctl_test *t, const char *text, const char *log, char **said)
{
	const char *path = ctl_test_path(t, "squid.conf");
	struct squid_conf *conf;
	int faults = 0;
	size_t n;
	FILE *f;

	ctl_test_file(path, text, strlen(text), false);
	f = open_memstream(said, &n);
	assert_non_null(f);
	assert_int_equal(squid_conf_read(&conf, path, f, &faults), 0);
	faults += egress_shape_check(conf, log, f);
	assert_string_equal(egress_shape_policy(conf) != NULL ? egress_shape_policy(conf) : "/y", "/y");
	squid_conf_free(&conf);
	fclose(f);
	return faults;
}

static int
judge(struct ctl_test *t, const char *text, char **said)
{
	return judge_budgets(t, text, NULL, said);
}

static void
test_good(void **state)
{
	static const char *const good[] = {
		GOOD,
		/* the same to Squid */
		HEAD "  http_access   deny\tllmsec_proxy \\\n   llmsec_manager # x\r\n" ASK GUARD ALLOW LAST,
		HEAD MANAGER "http_access deny \\\n# not the end\n\n  llmsec_proxy !llmsec_egress\n" GUARD ALLOW LAST,
		/* on all ports, as docs/egress.md has it for a Squid that is there already */
		HEAD "http_access deny manager\nhttp_access deny !llmsec_egress\nhttp_access deny to_localhost\n"
		    "http_access deny llmsec_private_dst\nacl lan src 10.0.0.0/8\nhttp_access allow lan\n" LAST,
		/* an accelerator beside it */
		HEAD "http_port 3129 accel defaultsite=x name=llmsec_accel\nacl llmsec_accel myportname llmsec_accel\n"
		    "http_access allow llmsec_accel\n" MANAGER ASK GUARD ALLOW LAST,
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char *said = NULL;

		if (judge(*state, good[i], &said) != 0)
			fail_msg("case %zu: %s", i, said);
		free(said);
	}
}

static void
test_bad(void **state)
{
	static const struct {
		const char	*text, *word;
	} bad[] = {
		{ HEAD MANAGER GUARD ALLOW LAST, "nobody asks" },
		{ "http_access allow all\n" GOOD, "stands before the helper" },
		{ HEAD MANAGER ASK GUARD ALLOW "http_access allow all\n" LAST, "open relay" },
		{ HEAD "http_access\tallow all\n" MANAGER ASK GUARD ALLOW LAST, "stands before the helper" },
		{ HEAD "  http_access allow all\n" MANAGER ASK GUARD ALLOW LAST, "stands before the helper" },
		{ HEAD "http_acc\\\ness allow all\n" MANAGER ASK GUARD ALLOW LAST, "stands before the helper" },
		{ HEAD MANAGER "http_access deny llmsec_proxy !llmsec_egress CONNECT\n" GUARD ALLOW LAST, "one ACL more" },
		{ HEAD MANAGER "acl never src 192.0.2.1\nhttp_access deny never llmsec_proxy !llmsec_egress\n" GUARD ALLOW LAST, "one ACL more" },
		{ HEAD MANAGER ASK GUARD ALLOW "acl never src 192.0.2.1\nhttp_access deny never all\n", "is not deny all" },
		{ HEAD MANAGER ASK GUARD ALLOW, "is not deny all" },
		{ HEAD MANAGER ASK GUARD ALLOW "http_access deny !all\n", "is not deny all" },
		{ HEAD MANAGER ASK GUARD LAST "http_access allow llmsec_proxy\n", "is not deny all" },
		{ HEAD "acl llmsec_egress src 10.0.0.0/8\n" MANAGER ASK GUARD ALLOW LAST, "no ACL that can be judged" },
		{ "http_port 3128 name=llmsec_proxy\nacl llmsec_proxy myportname llmsec_proxy\nacl llmsec_egress src 10.0.0.0/8\n"
		    "acl llmsec_manager url_regex ^cache_object://\nacl llmsec_private_dst dst 10.0.0.0/8\n" MANAGER ASK GUARD ALLOW LAST,
		    "nobody asks" },
		{ HEAD "external_acl_type other %SRC /bin/true\nacl llmsec_egress external other\n" MANAGER ASK GUARD ALLOW LAST, "nobody asks" },
		{ HEAD MANAGER GUARD ASK ALLOW LAST, "get resolved" },
		{ HEAD MANAGER ASK ALLOW GUARD LAST, "no guard of addresses" },
		{ HEAD MANAGER ASK "http_access deny llmsec_proxy to_localhost\nhttp_access deny llmsec_proxy CONNECT llmsec_private_dst\n"
		    ALLOW LAST, "no guard of addresses (169.254.169.254)" },
		{ HEAD ASK GUARD ALLOW LAST, "manager is open" },
		{ HEAD "http_port 8080\n" MANAGER ASK GUARD ALLOW LAST, "nobody asks" },
		{ HEAD "if ${process_number} = 1\nhttp_access deny llmsec_proxy llmsec_manager\nendif\n" MANAGER ASK GUARD ALLOW LAST, "in an if" },
		{ HEAD MANAGER ASK GUARD "http_access allow \"/etc/x\"\n" ALLOW LAST, "from a file" },
		{ HEAD MANAGER ASK GUARD "http_access Allow all\n" ALLOW LAST, "leaves such a line out" },
		{ GOOD "url_rewrite_program /x\n", "elsewhere" },
		{ GOOD "http_access deny \\", "ends where a line is continued" },
		{ GOOD "include /nonexistent/*.conf\n", "no such file" },
		{ HEAD MANAGER ASK GUARD ALLOW LAST "acl x external llmsec_egress opens\n", "told that TLS is opened" },
		{ "http_port 3129 ssl-bump name=b\nacl b external llmsec_egress bump\nssl_bump bump b\nssl_bump terminate all\n" GOOD, "17th code" },
		{ "http_port 3129 ssl-bump name=b\nssl_bump splice all\n" GOOD, "saw no ClientHello" },
		{ "http_port 3129 ssl-bump name=b\nacl h external llmsec_egress hello\nssl_bump splice h\n" GOOD, "not terminate all" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *said = NULL;

		if (judge(*state, bad[i].text, &said) == 0 || strstr(said, bad[i].word) == NULL)
			fail_msg("case %zu: wanted \"%s\", got: %s", i, bad[i].word, said);
		free(said);
	}
}

#define FORMAT	"logformat b %ts %{identity}note %{budgets}note %>st %<st\n"
#define COUNTED	"acl counted note budgets\n"

/* Budgets that nobody counts would allow without a word. */
static void
test_budgets(void **state)
{
	static const struct {
		const char	*text;
		bool		 good;
	} t[] = {
		{ GOOD FORMAT COUNTED "access_log stdio:/log logformat=b llmsec_proxy counted\n", true },
		{ GOOD FORMAT "access_log none to_localhost\naccess_log stdio:/log logformat=b\n", false },
		{ GOOD FORMAT "access_log stdio:/log logformat=b\naccess_log none\n", true },
		{ GOOD "http_port 3129 accel defaultsite=x name=a\nacl a myportname a\n" FORMAT COUNTED
		    "access_log none a\naccess_log daemon:/log buffer-size=0 logformat=b counted\n", true },
		{ GOOD, false },
		{ GOOD FORMAT COUNTED "access_log stdio:/other logformat=b llmsec_proxy counted\n", false },
		{ GOOD FORMAT COUNTED "access_log stdio:/log llmsec_proxy counted\n", false },
		{ GOOD COUNTED "access_log stdio:/log logformat=b llmsec_proxy counted\n", false },
		{ GOOD "logformat b %ts %>a %{budgets}note %>st %<st\n" COUNTED
		    "access_log stdio:/log logformat=b llmsec_proxy counted\n", false },
		{ GOOD FORMAT FORMAT COUNTED "access_log stdio:/log logformat=b llmsec_proxy counted\n", false },
		{ GOOD FORMAT COUNTED "access_log stdio:/log logformat=b llmsec_proxy !counted\n", false },
		{ GOOD FORMAT COUNTED "access_log stdio:/log logformat=b llmsec_proxy counted CONNECT\n", false },
		{ GOOD FORMAT "acl counted note budgets day\naccess_log stdio:/log logformat=b llmsec_proxy counted\n", false },
		{ GOOD FORMAT COUNTED "if ${process_number} = 1\naccess_log stdio:/log logformat=b counted\nendif\n", false },
		{ GOOD FORMAT COUNTED "http_port 3129 name=more\naccess_log stdio:/log logformat=b llmsec_proxy counted\n", false },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		char *said = NULL;

		judge_budgets(*state, t[i].text, "/log", &said);
		if ((strstr(said, "include llmsec-budget.conf") == NULL) != t[i].good)
			fail_msg("case %zu: %s", i, said);
		free(said);
		said = NULL;
		judge(*state, t[i].text, &said);
		assert_null(strstr(said, "llmsec-budget.conf"));
		free(said);
	}
}

/* Several files and globs on one line, quotes, an indented include, an include that includes itself. */
static void
test_include(void **state)
{
	static const char allow[] = "http_access allow all\n";
	char text[4096], *said = NULL;
	struct ctl_test *t = *state;

	ctl_test_file(ctl_test_path(t, "one.conf"), "# none\n", 7, false);
	ctl_test_file(ctl_test_path(t, "two two.conf"), allow, strlen(allow), false);
	snprintf(text, sizeof(text), "%s\t include %s/one.conf \"%s/two two.conf\"\n%s", HEAD, t->dir, t->dir, MANAGER ASK GUARD ALLOW LAST);
	assert_int_not_equal(judge(t, text, &said), 0);
	assert_non_null(strstr(said, "two two.conf:1: an http_access allow stands before"));
	free(said);
	said = NULL;
	snprintf(text, sizeof(text), "%sinclude %s/t*.conf\n%s", HEAD, t->dir, MANAGER ASK GUARD ALLOW LAST);
	assert_int_not_equal(judge(t, text, &said), 0);
	free(said);
	said = NULL;
	snprintf(text, sizeof(text), "%sinclude %s/squid.conf\n", GOOD, t->dir);
	assert_int_not_equal(judge(t, text, &said), 0);
	free(said);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_good, ctl_test_setup, ctl_test_teardown),
		cmocka_unit_test_setup_teardown(test_bad, ctl_test_setup, ctl_test_teardown),
		cmocka_unit_test_setup_teardown(test_budgets, ctl_test_setup, ctl_test_teardown),
		cmocka_unit_test_setup_teardown(test_include, ctl_test_setup, ctl_test_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
