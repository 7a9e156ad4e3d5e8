/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/diag.h"
#include "lib/set_dom.h"
#include "squid-helpers/egress_policy.h"

static const char policy_text[] =
	"groups:\n"
	"  - name: llm\n"
	"    domains: [api.openai.com, .openai.azure.com, API.Anthropic.com.]\n"
	"rules:\n"
	"  - {id: no-labs, action: deny, domains: [.labs.openai.azure.com]}\n"
	"  - {id: llm, groups: [llm]}\n"
	"  - {id: pkg, domains: [pypi.example], ports: [80, 443, 8000-8010], methods: [CONNECT, GET]}\n"
	"  - {id: late-deny, action: deny, domains: [api.openai.com], ports: [1-65535]}\n";

static struct egress_policy *
load(const char *text, char *err, size_t size)
{
	struct egress_policy *p = NULL;
	struct diag *d = diag_new();
	int r = egress_policy_load(&p, "test.yaml", text, strlen(text), d);

	assert_int_equal(r < 0, p == NULL);
	if (err != NULL)
		snprintf(err, size, "%s", diag_first(d));
	diag_free(&d);
	return p;
}

static struct egress_str
str(const char *s)
{
	return (struct egress_str){ s, strlen(s) };
}

static void
expect(const struct egress_policy *p, const char *method, const char *host, unsigned port,
    const char *sni, enum egress_reason reason, const char *rule)
{
	struct egress_request q = { str("192.0.2.1"), str(method), str(host), str(sni), port };
	struct egress_verdict v;

	egress_decide(p, &q, &v);
	if (v.reason != reason || strcmp(v.rule, rule) != 0 || v.allow != (reason == EGRESS_ALLOWED))
		fail_msg("%s %s:%u: %s by %s; wanted %s by %s", method, host, port,
		    egress_reason_str(v.reason), v.rule, egress_reason_str(reason), rule);
}

static void
rules_decide_top_down(void **state)
{
	struct egress_policy *p = load(policy_text, NULL, 0);

	assert_non_null(p);
	expect(p, "CONNECT", "api.openai.com", 443, "", EGRESS_ALLOWED, "llm");
	expect(p, "CONNECT", "API.OPENAI.com.", 443, "", EGRESS_ALLOWED, "llm");
	expect(p, "CONNECT", "api.anthropic.com", 443, "", EGRESS_ALLOWED, "llm");
	expect(p, "CONNECT", "x.openai.azure.com", 443, "", EGRESS_ALLOWED, "llm");
	expect(p, "CONNECT", "a.b.openai.azure.com", 443, "", EGRESS_ALLOWED, "llm");
	expect(p, "CONNECT", "openai.azure.com", 443, "", EGRESS_ALLOWED, "llm");
	expect(p, "CONNECT", "x.labs.openai.azure.com", 443, "", EGRESS_DENIED_BY_RULE, "no-labs");
	expect(p, "CONNECT", "labs.openai.azure.com", 443, "", EGRESS_DENIED_BY_RULE, "no-labs");
	/* The allow rule doesn't fit this port, the deny rule further down does. */
	expect(p, "CONNECT", "api.openai.com", 8443, "", EGRESS_DENIED_BY_RULE, "late-deny");
	expect(p, "CONNECT", "x.openai.azure.com", 80, "", EGRESS_PORT_NOT_ALLOWED, "llm");
	expect(p, "GET", "pypi.example", 80, "", EGRESS_ALLOWED, "pkg");
	expect(p, "GET", "pypi.example", 8000, "", EGRESS_ALLOWED, "pkg");
	expect(p, "GET", "pypi.example", 8010, "", EGRESS_ALLOWED, "pkg");
	expect(p, "GET", "pypi.example", 8011, "", EGRESS_PORT_NOT_ALLOWED, "pkg");
	expect(p, "GET", "pypi.example", 0, "", EGRESS_PORT_NOT_ALLOWED, "pkg");
	expect(p, "POST", "pypi.example", 80, "", EGRESS_METHOD_NOT_ALLOWED, "pkg");
	expect(p, "BREW", "pypi.example", 80, "", EGRESS_METHOD_NOT_ALLOWED, "pkg");
	expect(p, "get", "pypi.example", 80, "", EGRESS_METHOD_NOT_ALLOWED, "pkg");
	egress_policy_free(&p);
	assert_null(p);
}

static void
lookalikes_stay_outside(void **state)
{
	static const char *const hosts[] = {
		"evilapi.openai.com", "api.openai.com.evil", "api.openai.com.evil.example", "openai.com",
		"com", "x.api.openai.com", "api-openai.com", "api.openai.co", "xapi.openai.com",
		"evilopenai.azure.com", "azure.com", "openai.azure.com.evil", "openai-azure.com",
		"api.openai.com-evil.example", "localhost", "xn--pi-7kc.openai.com",
	};
	struct egress_policy *p = load(policy_text, NULL, 0);

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		expect(p, "CONNECT", hosts[i], 443, "", EGRESS_NOT_ALLOWED, "egress.default-deny");
	egress_policy_free(&p);
}

static void
some_things_no_rule_opens(void **state)
{
	struct egress_policy *p = load(policy_text, NULL, 0);

	expect(p, "CONNECT", "127.1", 443, "", EGRESS_IP_LITERAL, "egress.ip-literal");
	expect(p, "CONNECT", "[::1]", 443, "", EGRESS_IP_LITERAL, "egress.ip-literal");
	expect(p, "GET", "169.254.169.254", 80, "", EGRESS_METADATA, "egress.metadata");
	expect(p, "GET", "metadata.google.internal", 80, "", EGRESS_METADATA, "egress.metadata");
	expect(p, "GET", "a@api.openai.com", 443, "", EGRESS_USERINFO, "egress.userinfo");
	expect(p, "GET", "api..openai.com", 443, "", EGRESS_BAD_HOST, "egress.bad-host");
	expect(p, "GET", "", 443, "", EGRESS_BAD_HOST, "egress.bad-host");
	expect(p, "CONNECT", "api.openai.com", 443, "api.openai.com", EGRESS_ALLOWED, "llm");
	expect(p, "CONNECT", "api.openai.com", 443, "API.openai.com.", EGRESS_ALLOWED, "llm");
	expect(p, "CONNECT", "api.openai.com", 443, "evil.example", EGRESS_SNI_MISMATCH,
	    "egress.sni-mismatch");
	expect(p, "CONNECT", "api.openai.com", 443, "x.api.openai.com", EGRESS_SNI_MISMATCH,
	    "egress.sni-mismatch");
	expect(p, "CONNECT", "api.openai.com", 443, "1.2.3.4", EGRESS_SNI_MISMATCH,
	    "egress.sni-mismatch");
	expect(NULL, "CONNECT", "api.openai.com", 443, "", EGRESS_NO_POLICY, "egress.no-policy");
	egress_policy_free(&p);
}

static void
mistakes_are_named(void **state)
{
	static const struct { const char *text, *error; } rows[] = {
		{ "rules: [{id: a, domains: ['*.openai.com']}]", "star" },
		{ "rules: [{id: a, domains: [10.0.0.1]}]", "address" },
		{ "rules: [{id: a, domains: ['0x7f.1']}]", "address" },
		{ "rules: [{id: a, domains: [metadata.google.internal]}]", "metadata" },
		{ "rules: [{id: a, domains: [.com]}]", "top-level" },
		{ "rules: [{id: a, domains: ['a b']}]", "not a host name" },
		{ "rules: [{id: a, domains: ['']}]", "not a host name" },
		{ "rules: [{id: a, domains: [.]}]", "not a host name" },
		{ "rules: [{id: a}]", "no group and no domain" },
		{ "rules: [{id: a, groups: [b]}]", "not a group" },
		{ "rules: [{id: a, domains: [b.c]}, {id: a, domains: [b.d]}]", "two rules" },
		{ "groups: [{name: a, domains: [b.c]}, {name: a, domains: [b.d]}]", "two groups" },
		{ "groups: [{name: a, domains: [b..c]}]", "not a host name" },
		{ "rules: [{id: a, domains: [b.c], ports: [0]}]", "not a port" },
		{ "rules: [{id: a, domains: [b.c], ports: [65536]}]", "not a port" },
		{ "rules: [{id: a, domains: [b.c], ports: ['20-10']}]", "not a port" },
		{ "rules: [{id: a, domains: [b.c], ports: ['443x']}]", "not a port" },
		{ "rules: [{id: a, domains: [b.c], ports: ['1-2-3']}]", "not a port" },
		{ "rules: [{id: a, domains: [b.c], ports: [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}]",
		  "too many" },
		{ "rules: [{id: a, domains: [b.c], methods: [get]}]", "not a method" },
		{ "rules: [{id: 'a\"b', domains: [b.c]}]", "must be" },
		{ "rules: [{id: a, domains: [b.c], colour: red}]", "colour" },
	};
	char err[512];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_null(load(rows[i].text, err, sizeof(err)));
		if (strstr(err, rows[i].error) == NULL)
			fail_msg("%s: \"%s\" doesn't say \"%s\"", rows[i].text, err, rows[i].error);
	}
}

static void
no_rule_means_nothing_leaves(void **state)
{
	struct egress_policy *p = load("rules: []\n", NULL, 0);

	assert_non_null(p);
	assert_int_equal(egress_policy_names(p), 0);
	expect(p, "CONNECT", "api.openai.com", 443, "", EGRESS_NOT_ALLOWED, "egress.default-deny");
	egress_policy_free(&p);
}

static void
a_group_may_serve_several_rules(void **state)
{
	struct egress_policy *p = load("groups: [{name: g, domains: [.b.example]}]\n"
	    "rules: [{id: one, groups: [g], ports: [1]}, {id: two, groups: [g], ports: [2]}]\n", NULL, 0);

	assert_non_null(p);
	assert_int_equal(egress_policy_names(p), 1);
	expect(p, "GET", "a.b.example", 1, "", EGRESS_ALLOWED, "one");
	expect(p, "GET", "a.b.example", 2, "", EGRESS_ALLOWED, "two");
	expect(p, "GET", "a.b.example", 3, "", EGRESS_PORT_NOT_ALLOWED, "one");
	egress_policy_free(&p);
}

static void
many_names_are_all_found(void **state)
{
	enum { N = 20000 };
	struct buf b = { 0 };
	struct egress_policy *p;
	char host[64];

	buf_adds(&b, "rules:\n  - id: many\n    domains:\n");
	for (int i = 0; i < N; i++)
		buf_printf(&b, "      - h%d.example\n", i);
	buf_addc(&b, '\0');
	p = load(buf_ptr(&b), NULL, 0);
	assert_non_null(p);
	assert_int_equal(egress_policy_names(p), N);
	for (int i = 0; i < N; i++) {
		snprintf(host, sizeof(host), "h%d.example", i);
		expect(p, "GET", host, 443, "", EGRESS_ALLOWED, "many");
		snprintf(host, sizeof(host), "g%d.example", i);
		expect(p, "GET", host, 443, "", EGRESS_NOT_ALLOWED, "egress.default-deny");
	}
	egress_policy_free(&p);
	buf_free(&b);
}

static void
the_shipped_policy_loads(void **state)
{
	static const char *const open[] = {
		"api.openai.com", "api.anthropic.com", "generativelanguage.googleapis.com",
		"api.mistral.ai", "openrouter.ai", "x.openai.azure.com",
	};
	char path[512], text[65536];
	struct egress_policy *p;
	const char *src = getenv("srcdir");
	FILE *f;

	assert_non_null(src);
	snprintf(path, sizeof(path), "%s/etc/llmsec/egress.yaml", src);
	f = fopen(path, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	p = load(text, NULL, 0);
	assert_non_null(p);
	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		expect(p, "CONNECT", open[i], 443, "", EGRESS_ALLOWED, "llm-providers");
	expect(p, "GET", "api.openai.com", 80, "", EGRESS_PORT_NOT_ALLOWED, "llm-providers");
	expect(p, "CONNECT", "github.com", 443, "", EGRESS_NOT_ALLOWED, "egress.default-deny");
	egress_policy_free(&p);
}

/* What the set lists is refused whatever a rule says; a set that was never readable opens nothing. */
static void
listed_hosts_are_refused(void **state)
{
	static const char *const categories[] = { "malware" };
	const struct set_meta meta = { .categories = categories, .n_categories = 1, .key = "test" };
	const struct set_class sure = { 1, 90, 0 }, unsure = { 1, 10, 0 };
	struct set_dom_writer *w = set_dom_writer_new(&meta);
	struct egress_policy *p = load("threats:\n  domains: /x.set\nrules:\n  - {id: r, domains: [.bad.example, fine.example]}\n", NULL, 0);
	struct set_dom *s;
	char path[] = "/tmp/egress-set.XXXXXX";
	int fd = mkstemp(path);

	assert_non_null(w);
	assert_non_null(p);
	assert_true(fd >= 0);
	close(fd);
	expect(p, "GET", "fine.example", 443, "", EGRESS_NO_POLICY, "egress.no-policy");
	set_dom_writer_add(w, "bad.example", 11, &sure);
	set_dom_writer_add(w, "fine.example", 12, &unsure);
	assert_int_equal(set_dom_writer_write(w, path), 0);
	set_dom_writer_free(&w);
	assert_int_equal(set_dom_open(&s, path, 0, NULL), 0);
	unlink(path);
	egress_policy_threats(p, s);
	expect(p, "GET", "fine.example", 443, "", EGRESS_ALLOWED, "r");
	expect(p, "GET", "www.bad.example", 443, "", EGRESS_THREAT, "egress.threat-intel");
	expect(p, "GET", "other.example", 443, "", EGRESS_NOT_ALLOWED, "egress.default-deny");
	expect(p, "GET", "10.0.0.1", 443, "", EGRESS_IP_LITERAL, "egress.ip-literal");
	egress_policy_free(&p);
	set_dom_close(&s);
	p = load("threats:\n  domains: /x.set\n  required: false\nrules:\n  - {id: r, domains: [fine.example]}\n", NULL, 0);
	expect(p, "GET", "fine.example", 443, "", EGRESS_ALLOWED, "r");
	egress_policy_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_decide_top_down),
		cmocka_unit_test(lookalikes_stay_outside),
		cmocka_unit_test(some_things_no_rule_opens),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(no_rule_means_nothing_leaves),
		cmocka_unit_test(a_group_may_serve_several_rules),
		cmocka_unit_test(many_names_are_all_found),
		cmocka_unit_test(the_shipped_policy_loads),
		cmocka_unit_test(listed_hosts_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
