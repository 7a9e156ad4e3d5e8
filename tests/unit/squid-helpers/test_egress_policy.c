/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/cidr.h"
#include "lib/diag.h"
#include "lib/set_dom.h"
#include "lib/set_ip.h"
#include "squid-helpers/egress_lists.h"
#include "squid-helpers/egress_policy.h"
#include "squid-helpers/egress_threats.h"

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
	struct egress_request q = { str("192.0.2.1"), str(method), str(host), str(sni), port, .phase = EGRESS_AT_REQUEST };
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

/* Written in either form, they are the A-labels that Squid says; examples of RFC 3492 section 7.1 and UTS 46. */
static void
international_names_are_what_is_dialled(void **state)
{
	struct egress_policy *p = load("rules:\n"
	    "  - {id: u, domains: [b\xc3\xbc" "cher.example.net, .Stra\xc3\x9f" "e.example.net]}\n"
	    "  - {id: a, domains: [XN--Fsqu00A.example.net]}\n", NULL, 0);

	(void)state;
	assert_non_null(p);
	expect(p, "CONNECT", "xn--bcher-kva.example.net", 443, "", EGRESS_ALLOWED, "u");
	expect(p, "CONNECT", "xn--strae-oqa.example.net", 443, "", EGRESS_ALLOWED, "u");
	expect(p, "CONNECT", "below.XN--strae-oqa.example.net.", 443, "", EGRESS_ALLOWED, "u");
	expect(p, "CONNECT", "xn--fsqu00a.example.net", 443, "", EGRESS_ALLOWED, "a");
	expect(p, "CONNECT", "bucher.example.net", 443, "", EGRESS_NOT_ALLOWED, "egress.default-deny");
	expect(p, "CONNECT", "strasse.example.net", 443, "", EGRESS_NOT_ALLOWED, "egress.default-deny");
	egress_policy_free(&p);
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
	for (const char *const *s = (const char *const[]){ "api.openai.com:443", "api%2eopenai.com", "api.openai.com:", "[api.openai.com]",
	    "api.openai.com..", "a@api.openai.com", NULL }; *s != NULL; s++)
		expect(p, "CONNECT", "api.openai.com", 443, *s, EGRESS_SNI_MISMATCH, "egress.sni-mismatch");
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
		{ "rules: [{id: a, domains: ['.\xd1\x80\xd1\x84']}]", "top-level" },
		{ "rules: [{id: a, domains: [xn--a.example.net]}]", "not a valid international name" },
		{ "groups:\n  - {name: g, domains: [b.example.net]}\n  - {name: h, domains: [xn--a.example.net]}\n", "test.yaml:3:5: error: h:" },
		{ "rules:\n  - id: a\n    domains: ['*.example.net']\n", "test.yaml:2:5: error: a:" },
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
		{ "rules: [{id: a, domains: [b.c], paths: [/a/../b]}]", "no request fits" },
		{ "rules: [{id: a, domains: [b.c], paths: [/a//b]}]", "no request fits" },
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
	struct diag *d;
	const char *src = getenv("srcdir");
	FILE *f;

	assert_non_null(src);
	snprintf(path, sizeof(path), "%s/etc/llmsec/egress.yaml", src);
	f = fopen(path, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	d = diag_new();
	assert_int_equal(egress_policy_load(&p, path, text, strlen(text), d), 0);
	diag_free(&d);
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
	struct egress_threats t = { 0 };
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
	assert_int_equal(set_dom_open(&t.domains, path, 0, NULL), 0);
	unlink(path);
	egress_policy_threats(p, &t);
	expect(p, "GET", "fine.example", 443, "", EGRESS_ALLOWED, "r");
	expect(p, "GET", "www.bad.example", 443, "", EGRESS_THREAT, "egress.threat-intel");
	expect(p, "GET", "other.example", 443, "", EGRESS_NOT_ALLOWED, "egress.default-deny");
	expect(p, "GET", "10.0.0.1", 443, "", EGRESS_IP_LITERAL, "egress.ip-literal");
	egress_policy_free(&p);
	egress_threats_close(&t);
	p = load("threats:\n  domains: /x.set\n  required: false\nrules:\n  - {id: r, domains: [fine.example]}\n", NULL, 0);
	expect(p, "GET", "fine.example", 443, "", EGRESS_ALLOWED, "r");
	egress_policy_free(&p);
}

static void
set_ip_make(const char *path, const char *const nets[], const struct set_class class[], size_t n)
{
	static const char *const categories[] = { "malware" };
	const struct set_meta meta = { .categories = categories, .n_categories = 1 };
	struct set_ip_writer *w = set_ip_writer_new(&meta);

	assert_non_null(w);
	for (size_t i = 0; i < n; i++) {
		struct cidr c;

		assert_int_equal(cidr_parse(nets[i], &c), 0);
		assert_int_equal(set_ip_writer_add(w, &c, &class[i]), 0);
	}
	assert_int_equal(set_ip_writer_write(w, path), 0);
	set_ip_writer_free(&w);
}

static const char ips_text[] =
    "threats: {ips: /x.set}\nlists: {path: ''}\nrules:\n"
    "  - {id: marked, domains: [marked.example], cidrs: [198.41.0.0/24], override_lists: true}\n"
    "  - {id: r, domains: [fine.example], cidrs: [198.41.0.0/16, '2606:4700::/32']}\n";

/* By literal in every spelling, and by what the asker found behind the name; a rule that overrides lists stands. */
static void
listed_addresses_are_refused(void **state)
{
	static const char *const nets[] = { "198.41.0.0/24", "198.41.0.128/25", "198.41.1.0/24", "2606:4700:1::/48" };
	static const struct set_class class[] = { { 1, 90, 0 }, { 1, 90, SET_PASS }, { 1, 10, 0 }, { 1, 50, 0 } };
	struct egress_policy *p = load(ips_text, NULL, 0);
	struct egress_threats t = { 0 };
	struct egress_request q = { str("192.0.2.1"), str("GET"), str("fine.example"), .port = 443 };
	struct egress_verdict v;
	char path[] = "/tmp/egress-set.XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_non_null(p);
	assert_true(fd >= 0);
	close(fd);
	expect(p, "GET", "198.41.2.1", 443, "", EGRESS_NO_POLICY, "egress.no-policy");
	set_ip_make(path, nets, class, 4);
	assert_int_equal(set_ip_open(&t.ips, path, 0, NULL), 0);
	unlink(path);
	egress_policy_threats(p, &t);
	expect(p, "GET", "198.41.2.1", 443, "", EGRESS_ALLOWED, "r");
	expect(p, "GET", "[2606:4700:1::7]", 443, "", EGRESS_THREAT, "egress.threat-intel");
	expect(p, "GET", "[2606:4700:2::7]", 443, "", EGRESS_ALLOWED, "r");
	/* Marked, an exception of ti-sync's own, and not sure enough. */
	expect(p, "GET", "198.41.0.7", 443, "", EGRESS_ALLOWED, "marked");
	expect(p, "GET", "198.41.0.200", 443, "", EGRESS_ALLOWED, "marked");
	expect(p, "GET", "198.41.1.1", 443, "", EGRESS_ALLOWED, "r");
	q.address = str("2606:4700:1::9");
	egress_decide(p, &q, &v);
	assert_int_equal(v.reason, EGRESS_THREAT);
	q.address = str("198.41.0.7");
	egress_decide(p, &q, &v);
	assert_int_equal(v.reason, EGRESS_THREAT);
	q.address = str("198.41.0.200");
	egress_decide(p, &q, &v);
	assert_int_equal(v.reason, EGRESS_ALLOWED);
	q.host = str("marked.example");
	q.address = str("198.41.0.7");
	egress_decide(p, &q, &v);
	assert_int_equal(v.reason, EGRESS_ALLOWED);
	/* What no rule overrides comes first. */
	q.address = str("10.0.0.1");
	egress_decide(p, &q, &v);
	assert_int_equal(v.reason, EGRESS_PRIVATE);
	egress_policy_free(&p);
	p = load("threats: {ips: /x.set}\nrules: [{id: r, cidrs: [198.41.0.0/16]}]\n", NULL, 0);
	assert_non_null(p);
	egress_policy_threats(p, &t);
	for (const char *const *h = (const char *const[]){ "198.41.0.7", "0306.051.0.7", "0xc6290007", "3324575751", "[::ffff:198.41.0.7]",
	    "198.41.7", NULL }; *h != NULL; h++)
		expect(p, "GET", *h, 443, "", EGRESS_THREAT, "egress.threat-intel");
	egress_policy_free(&p);
	egress_threats_close(&t);
}

static struct {
	unsigned	 loaded, refused;
	uint64_t	 entries;
} heard;

static void
hear(void *arg, const char *path, const struct set_info *info, const char *why)
{
	(void)arg;
	(void)path;
	heard.loaded += why == NULL;
	heard.refused += why != NULL;
	heard.entries = info->entries;
}

/* Another file at the place is in force at once, a broken one never, and each is told of once. */
static void
threats_follow_their_files(void **state)
{
	static const char *const nets[] = { "198.41.0.0/24", "198.41.4.0/24" };
	static const struct set_class class[] = { { 1, 90, 0 }, { 1, 90, 0 } };
	struct egress_threats t = { 0 };
	char path[] = "/tmp/egress-set.XXXXXX";
	char nowhere[] = "";
	struct egress_conf_threats c = { .domains = nowhere, .ips = path, .required = true };
	struct rlimit was, none;
	int fd = mkstemp(path);

	(void)state;
	memset(&heard, 0, sizeof(heard));
	assert_true(fd >= 0);
	close(fd);
	unlink(path);
	assert_true(egress_threats_check(&t, &c, hear, NULL));	/* a name that had none before */
	assert_false(egress_threats_check(&t, &c, hear, NULL));
	assert_int_equal(heard.refused, 1);
	assert_int_equal(egress_threats_stale(&t), 1);
	set_ip_make(path, nets, class, 1);
	assert_true(egress_threats_check(&t, &c, hear, NULL));
	assert_int_equal(heard.loaded, 1);
	assert_int_equal(heard.entries, 1);
	assert_int_equal(egress_threats_stale(&t), 0);
	set_ip_make(path, nets, class, 2);
	assert_true(egress_threats_check(&t, &c, hear, NULL));
	assert_int_equal(heard.entries, 2);
	fd = open(path, O_WRONLY | O_TRUNC);
	assert_true(fd >= 0 && write(fd, "broken", 6) == 6);
	close(fd);
	assert_false(egress_threats_check(&t, &c, hear, NULL));
	assert_false(egress_threats_check(&t, &c, hear, NULL));
	assert_int_equal(heard.refused, 2);
	assert_int_equal(heard.entries, 2);
	assert_int_equal(egress_threats_stale(&t), 1);
	assert_true(set_ip_find(t.ips, AF_INET, (const uint8_t[]){ 198, 41, 4, 1 }, NULL));
	/* no descriptor to read it with: told of once, and read when there is one */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	set_ip_make(path, nets, class, 1);
	none = was;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_false(egress_threats_check(&t, &c, hear, NULL));
	assert_false(egress_threats_check(&t, &c, hear, NULL));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(egress_threats_stale(&t), 1);
	assert_int_equal(heard.refused, 3);
	assert_int_equal(heard.entries, 2);
	assert_true(egress_threats_check(&t, &c, hear, NULL));
	assert_int_equal(egress_threats_stale(&t), 0);
	assert_int_equal(heard.entries, 1);
	c.ips = nowhere;
	assert_true(egress_threats_check(&t, &c, hear, NULL));
	assert_null(t.ips);
	assert_int_equal(egress_threats_stale(&t), 0);
	unlink(path);
	egress_threats_close(&t);
}

static const char full_text[] =
	"allow_missing_sni: false\n"
	"trusted_hops: [192.0.2.9]\n"
	"permit_private: [10.9.0.0/16]\n"
	"identities:\n"
	"  - {id: agent, kind: agent, sources: [198.51.100.0/24, '2001:db8::/32'], labels: [a1]}\n"
	"  - {id: ann, users: [ann], certificates: [ann.example]}\n"
	"rules:\n"
	"  - {id: chat, domains: [llm.example.com], methods: [POST], paths: [/v1/chat/*, /v1/models], tls: bump}\n"
	"  - {id: agents, domains: [hub.example.com], identities: [agent]}\n"
	"  - {id: anns, domains: [hub.example.com], identities: [ann], ports: [80]}\n"
	"  - {id: nets, cidrs: [1.2.3.0/24, 10.0.0.0/8, '::/0']}\n"
	"  - {id: open, domains: [.open.example.com], ports: [1-65535]}\n"
	"  - {id: talk, domains: [talk.example.com, dns.google], websocket: true, grpc: true, doh: true, ports: [443, 853]}\n";

/* "src method host port sni scheme path inner label upgrade type user cert address word", by name. */
struct full {
	const char *src, *method, *host;
	unsigned port;
	struct egress_request more;
	enum egress_reason reason;
	const char *rule;
};
#define S(text) { text, sizeof(text) - 1 }

static void
every_part_of_the_tuple_counts(void **state)
{
	static const struct full rows[] = {
		{ "192.0.2.1", "CONNECT", "llm.example.com", 443, { .port = 0 }, EGRESS_ALLOWED, "chat" },
		{ "192.0.2.1", "CONNECT", "llm.example.com", 443, { .phase = EGRESS_AT_TUNNEL }, EGRESS_NOT_OPENED, "chat" },
		{ "192.0.2.1", "CONNECT", "x.open.example.com", 443, { .phase = EGRESS_AT_TUNNEL }, EGRESS_ALLOWED, "open" },
		{ "192.0.2.1", "POST", "llm.example.com", 443, { .phase = EGRESS_AT_TUNNEL, .path = S("/v1/models") }, EGRESS_ALLOWED, "chat" },
		{ "192.0.2.1", "POST", "llm.example.com", 443, { .path = S("/v1/chat/completions?x=1") }, EGRESS_ALLOWED, "chat" },
		{ "192.0.2.1", "POST", "llm.example.com", 443, { .path = S("/v1/models") }, EGRESS_ALLOWED, "chat" },
		{ "192.0.2.1", "POST", "llm.example.com", 443, { .path = S("/v1/models2") }, EGRESS_PATH_NOT_ALLOWED, "chat" },
		{ "192.0.2.1", "POST", "llm.example.com", 443, { .path = S("/v1/chat/../files") }, EGRESS_PATH_NOT_ALLOWED, "chat" },
		{ "192.0.2.1", "POST", "llm.example.com", 443, { .path = S("/v1/chat/%2e%2e/files") }, EGRESS_PATH_NOT_ALLOWED, "chat" },
		{ "192.0.2.1", "POST", "llm.example.com", 443, { .path = S("/v1/chat//x") }, EGRESS_PATH_NOT_ALLOWED, "chat" },
		{ "192.0.2.1", "POST", "llm.example.com", 443, { .port = 0 }, EGRESS_PATH_NOT_ALLOWED, "chat" },
		{ "192.0.2.1", "GET", "llm.example.com", 443, { .path = S("/v1/models") }, EGRESS_METHOD_NOT_ALLOWED, "chat" },
		{ "192.0.2.1", "POST", "llm.example.com", 443, { .path = S("/v1/models"), .inner = S("evil.example.com") }, EGRESS_SNI_MISMATCH, "egress.sni-mismatch" },
		{ "192.0.2.1", "POST", "llm.example.com", 443, { .path = S("/v1/models"), .inner = S("LLM.example.com.:443") }, EGRESS_ALLOWED, "chat" },
		{ "192.0.2.1", "POST", "llm.example.com", 443, { .path = S("/v1/models"), .inner = S("llm.example.com:evil.com") }, EGRESS_SNI_MISMATCH, "egress.sni-mismatch" },
		{ "192.0.2.1", "POST", "llm.example.com", 443, { .path = S("/v1/models"), .inner = S("llm.example.com:443@evil.com") }, EGRESS_SNI_MISMATCH, "egress.sni-mismatch" },
		{ "192.0.2.1", "POST", "llm.example.com", 443, { .path = S("/v1/models"), .scheme = S("ftp") }, EGRESS_SCHEME, "egress.scheme" },
		{ "192.0.2.1", "CONNECT", "hub.example.com", 443, { .port = 0 }, EGRESS_IDENTITY_NOT_ALLOWED, "agents" },
		{ "198.51.100.7", "CONNECT", "hub.example.com", 443, { .port = 0 }, EGRESS_ALLOWED, "agents" },
		{ "2001:db8::7", "CONNECT", "hub.example.com", 443, { .port = 0 }, EGRESS_ALLOWED, "agents" },
		{ "192.0.2.9", "CONNECT", "hub.example.com", 443, { .label = S("a1") }, EGRESS_ALLOWED, "agents" },
		{ "192.0.2.8", "CONNECT", "hub.example.com", 443, { .label = S("a1") }, EGRESS_IDENTITY_NOT_ALLOWED, "agents" },
		{ "192.0.2.1", "GET", "hub.example.com", 80, { .user = S("ann") }, EGRESS_ALLOWED, "anns" },
		{ "192.0.2.1", "GET", "hub.example.com", 80, { .certificate = S("ann.example") }, EGRESS_ALLOWED, "anns" },
		{ "192.0.2.1", "GET", "hub.example.com", 80, { .user = S("anne") }, EGRESS_IDENTITY_NOT_ALLOWED, "agents" },
		{ "192.0.2.1", "CONNECT", "1.2.3.4", 443, { .port = 0 }, EGRESS_ALLOWED, "nets" },
		{ "192.0.2.1", "CONNECT", "0x01020304", 443, { .port = 0 }, EGRESS_ALLOWED, "nets" },
		{ "192.0.2.1", "CONNECT", "1.2.3.4", 22, { .port = 0 }, EGRESS_PORT_NOT_ALLOWED, "nets" },
		{ "192.0.2.1", "CONNECT", "10.1.1.1", 443, { .port = 0 }, EGRESS_PRIVATE, "egress.private-address" },
		{ "192.0.2.1", "CONNECT", "10.9.1.1", 443, { .port = 0 }, EGRESS_ALLOWED, "nets" },
		{ "192.0.2.1", "CONNECT", "8.8.8.8", 443, { .port = 0 }, EGRESS_ALLOWED, "nets" },
		{ "192.0.2.1", "CONNECT", "[64:ff9b::a9fe:a9fe]", 443, { .port = 0 }, EGRESS_METADATA, "egress.metadata" },
		{ "192.0.2.1", "CONNECT", "[64:ff9b::808:808]", 443, { .port = 0 }, EGRESS_PRIVATE, "egress.private-address" },
		{ "192.0.2.1", "CONNECT", "[fc00::1]", 443, { .port = 0 }, EGRESS_PRIVATE, "egress.private-address" },
		{ "192.0.2.1", "CONNECT", "100.100.100.200", 443, { .port = 0 }, EGRESS_METADATA, "egress.metadata" },
		{ "192.0.2.1", "CONNECT", "0", 443, { .port = 0 }, EGRESS_PRIVATE, "egress.private-address" },
		{ "192.0.2.1", "CONNECT", "x.open.example.com", 443, { .address = S("127.0.0.1") }, EGRESS_PRIVATE, "egress.private-address" },
		{ "192.0.2.1", "CONNECT", "x.open.example.com", 443, { .address = S("168.63.129.16") }, EGRESS_METADATA, "egress.metadata" },
		{ "192.0.2.1", "CONNECT", "x.open.example.com", 443, { .address = S("93.184.216.34") }, EGRESS_ALLOWED, "open" },
		{ "192.0.2.1", "CONNECT", "x.open.example.com", 443, { .phase = EGRESS_AT_HELLO }, EGRESS_NO_SNI, "egress.no-sni" },
		{ "192.0.2.1", "CONNECT", "x.open.example.com", 443, { .phase = EGRESS_AT_HELLO, .sni = S("X.open.example.com") }, EGRESS_ALLOWED, "open" },
		{ "192.0.2.1", "CONNECT", "x.open.example.com", 853, { .port = 0 }, EGRESS_DOH, "egress.dns-endpoint" },
		{ "192.0.2.1", "GET", "x.open.example.com", 80, { .path = S("/dns-query?dns=AA") }, EGRESS_DOH, "egress.dns-endpoint" },
		{ "192.0.2.1", "POST", "x.open.example.com", 80, { .content_type = S("application/dns-message") }, EGRESS_DOH, "egress.dns-endpoint" },
		{ "192.0.2.1", "GET", "x.open.example.com", 80, { .path = S("//dns-query?dns=AA") }, EGRESS_DOH, "egress.dns-endpoint" },
		{ "192.0.2.1", "GET", "x.open.example.com", 80, { .path = S("/a/dns-query/") }, EGRESS_DOH, "egress.dns-endpoint" },
		{ "192.0.2.1", "GET", "x.open.example.com", 80, { .path = S("/dns-query-help?x=/dns-query") }, EGRESS_ALLOWED, "open" },
		/* The example of RFC 8484 section 4.1.1 elsewhere, another id and flags, and what only looks like it. */
		{ "192.0.2.1", "GET", "x.open.example.com", 80, { .path = S("/q?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB") }, EGRESS_DOH, "egress.dns-endpoint" },
		{ "192.0.2.1", "GET", "x.open.example.com", 80, { .path = S("/q?a=b&dns=q80BIAABAAAAAAABA3d3dwdleGFtcGxlA2NvbQAAAQAB") }, EGRESS_DOH, "egress.dns-endpoint" },
		{ "192.0.2.1", "GET", "x.open.example.com", 80, { .path = S("/q?dns=AAABAAABAAAAAAAA") }, EGRESS_ALLOWED, "open" },
		{ "192.0.2.1", "GET", "x.open.example.com", 80, { .path = S("/q?dns=ns1.long-name.example.com") }, EGRESS_ALLOWED, "open" },
		{ "192.0.2.1", "GET", "x.open.example.com", 80, { .path = S("/q?dns=") }, EGRESS_ALLOWED, "open" },
		{ "192.0.2.1", "GET", "x.open.example.com", 80, { .path = S("/q?adns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB") }, EGRESS_ALLOWED, "open" },
		{ "192.0.2.1", "POST", "x.open.example.com", 80, { .content_type = S("Application/DNS-Message; x=1") }, EGRESS_DOH, "egress.dns-endpoint" },
		{ "192.0.2.1", "GET", "x.open.example.com", 80, { .upgrade = S("websocket") }, EGRESS_WEBSOCKET, "egress.websocket" },
		{ "192.0.2.1", "POST", "x.open.example.com", 80, { .content_type = S("application/grpc+proto") }, EGRESS_GRPC, "egress.grpc" },
		{ "192.0.2.1", "POST", "talk.example.com", 443, { .content_type = S("application/grpc"), .upgrade = S("websocket") }, EGRESS_ALLOWED, "talk" },
		{ "192.0.2.1", "CONNECT", "dns.google", 853, { .port = 0 }, EGRESS_ALLOWED, "talk" },
	};
	struct egress_policy *p = load(full_text, NULL, 0);

	assert_non_null(p);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct full *r = &rows[i];
		struct egress_request q = r->more;
		struct egress_verdict v;

		q.src = str(r->src);
		q.method = str(r->method);
		q.host = str(r->host);
		q.port = r->port;
		egress_decide(p, &q, &v);
		if (v.reason != r->reason || strcmp(v.rule, r->rule) != 0)
			fail_msg("row %zu, %s %s:%u: %s by %s; wanted %s by %s", i, r->method, r->host, r->port,
			    egress_reason_str(v.reason), v.rule, egress_reason_str(r->reason), r->rule);
		assert_int_equal(v.bump, v.allow && strcmp(v.rule, "chat") == 0);
	}
	egress_policy_free(&p);
}

/* A server may read each of these as a path below /admin/, or as /exact. */
static void
refusals_see_every_reading_of_a_path(void **state)
{
	static const char *const refused[] = {
		"/admin/", "/admin/x", "//admin/x", "/./admin/x", "/x/../admin/x", "/x/y/../../admin/x", "/../admin/x", "/Admin/X",
		"/%61dmin/x", "/%2561dmin/x", "/x/%2e%2e/admin/x", "/x%2f../admin/x", "\\admin\\x", "/x\\..\\admin/x",
		"/admin;v=1/x", "/x;a/../admin/x", "/admin//x", "/admin/x?y", "/admin/%3f", "/%25252561dmin/x", "/exact", "/exact/",
		"/exact?x", "/exact%3fx", "/exact%23/../..", "/EXACT;x", "/.%2fexact", "/admin%2fx", "/x%00/admin", "/exact/.", "/exact/x/..",
	}, *const fine[] = {
		"/", "", "/x", "/administrator", "/x/admin/y", "/exactly", "/exact/x", "/?/admin/x", "/x?/../admin/", "/.admin/x",
		"/.well-known/x", "/100%/x", "/a%20b", "/\xc3\xbc", "/%3f/../x", "/admin/../x", "/...", "/x/..y",
	};
	struct egress_policy *p = load("rules:\n  - {id: no, action: deny, domains: [a.example.com], paths: [/admin/*, /exact]}\n"
	    "  - {id: get, domains: [b.example.com], methods: [GET], ports: [80]}\n"
	    "  - {id: no-delete, action: deny, domains: [a.example.com], methods: [DELETE]}\n"
	    "  - {id: yes, domains: [a.example.com], ports: [80], tls: bump}\n"
	    "  - {id: well, domains: [w.example.com], ports: [80], paths: [/.well-known/*]}\n", NULL, 0);
	struct egress_request q = { str("192.0.2.1"), str("GET"), str("a.example.com"), .port = 80 };
	struct egress_verdict v;
	char longest[5000];

	(void)state;
	assert_non_null(p);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		q.path = str(refused[i]);
		egress_decide(p, &q, &v);
		if (v.reason != EGRESS_DENIED_BY_RULE)
			fail_msg("%s passes: %s by %s", refused[i], egress_reason_str(v.reason), v.rule);
	}
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		q.path = str(fine[i]);
		egress_decide(p, &q, &v);
		if (!v.allow)
			fail_msg("%s is refused: %s by %s", fine[i], egress_reason_str(v.reason), v.rule);
	}
	/* What is too long to be read, or too deep, is refused. */
	memset(longest, 'a', sizeof(longest));
	longest[0] = '/';
	q.path = (struct egress_str){ longest, sizeof(longest) };
	egress_decide(p, &q, &v);
	assert_int_equal(v.reason, EGRESS_DENIED_BY_RULE);
	q.path = str("/%25252525252561dmin");
	egress_decide(p, &q, &v);
	assert_int_equal(v.reason, EGRESS_DENIED_BY_RULE);
	/* The tunnel is opened, and what is inside is asked about. */
	q.path = str("");
	q.method = str("CONNECT");
	egress_decide(p, &q, &v);
	assert_true(v.allow && v.bump);
	/* No tunnel inside of that, nor a request of another scheme. */
	q.inside = true;
	egress_decide(p, &q, &v);
	assert_int_equal(v.reason, EGRESS_NESTED);
	q.method = str("GET");
	q.scheme = str("http");
	q.path = str("/x");
	egress_decide(p, &q, &v);
	assert_int_equal(v.reason, EGRESS_NESTED);
	q.scheme = str("https");
	egress_decide(p, &q, &v);
	assert_true(v.allow);
	q.inside = false;
	for (const char *const *m = (const char *const[]){ "DELETE", "delete", "PROPFIND", NULL }; *m != NULL; m++) {
		q.path = str("/x");
		q.method = str(*m);
		egress_decide(p, &q, &v);
		assert_int_equal(v.reason, EGRESS_DENIED_BY_RULE);
	}
	q.method = str("GET");
	q.host = str("w.example.com");
	q.path = str("/.well-known/openid-configuration");
	egress_decide(p, &q, &v);
	assert_true(v.allow);
	egress_policy_free(&p);
}

/* "No port" of a rule that refuses is every port. */
static void
refusals_are_for_every_port(void **state)
{
	struct egress_policy *p = load("rules:\n  - {id: no, action: deny, domains: [.bad.example.com]}\n"
	    "  - {id: yes, domains: [.example.com], ports: [80, 443, 8000-9000]}\n", NULL, 0);

	(void)state;
	assert_non_null(p);
	expect(p, "GET", "x.bad.example.com", 80, "", EGRESS_DENIED_BY_RULE, "no");
	expect(p, "CONNECT", "bad.example.com", 8443, "", EGRESS_DENIED_BY_RULE, "no");
	expect(p, "GET", "bad.example.com", 0, "", EGRESS_DENIED_BY_RULE, "no");
	expect(p, "GET", "good.example.com", 80, "", EGRESS_ALLOWED, "yes");
	egress_policy_free(&p);
}

static void
observing_refuses_nothing(void **state)
{
	struct egress_policy *p = load("mode: observe\nrules: [{id: r, domains: [fine.example]}]\n", NULL, 0);
	struct egress_request q = { str("192.0.2.1"), str("GET"), str("169.254.169.254"), .port = 80 };
	struct egress_verdict v;

	assert_non_null(p);
	egress_decide(p, &q, &v);
	assert_true(v.allow && v.observed);
	assert_int_equal(v.reason, EGRESS_METADATA);
	q.host = str("fine.example");
	q.port = 443;
	egress_decide(p, &q, &v);
	assert_true(v.allow && !v.observed);
	egress_decide(NULL, &q, &v);
	assert_false(v.allow);
	egress_policy_free(&p);
}

/* Lists of the API: they beat rules that don't say otherwise, and end when they say. */
static void
lists_beat_rules(void **state)
{
	static const char text[] = "llmsec-egress-lists 1\n+d bad.example\n+d old.example 1000\n+d late.example 99999999999\n"
	    "+i 1.2.3.0/24\n+w new.example\n+d both.new.example\nend 7\n";
	static const char *const broken[] = {
		"", "llmsec-egress-lists 2\nend 1\n", "llmsec-egress-lists 1\n", "llmsec-egress-lists 1\n+d x.example\nend 1\n",
		"llmsec-egress-lists 1\n+d a b c\nend 2\n", "llmsec-egress-lists 1\n+i x.example\nend 2\n",
		"llmsec-egress-lists 1\n+d 1.2.3.4\nend 2\n", "llmsec-egress-lists 1\ndomains ../x.set\nend 2\n",
		"llmsec-egress-lists 1\n+x y.example\nend 2\n", "llmsec-egress-lists 1\n+d x.example -5\nend 2\n",
	};
	struct egress_policy *p = load("lists: {path: /x}\nrules:\n  - {id: keep, domains: [kept.bad.example], override_lists: true}\n"
	    "  - {id: r, domains: [.bad.example, old.example, late.example], cidrs: [1.2.0.0/16]}\n", NULL, 0);
	struct egress_lists *l;

	assert_non_null(p);
	expect(p, "GET", "old.example", 443, "", EGRESS_NO_POLICY, "egress.no-policy");
	assert_int_equal(egress_lists_load_mem(&l, "x", "", text, strlen(text), NULL), 0);
	egress_policy_lists(p, l);
	expect(p, "GET", "bad.example", 443, "", EGRESS_LISTED, "egress.api-list");
	expect(p, "GET", "a.b.bad.example", 443, "", EGRESS_LISTED, "egress.api-list");
	expect(p, "GET", "kept.bad.example", 443, "", EGRESS_ALLOWED, "keep");
	expect(p, "GET", "old.example", 443, "", EGRESS_ALLOWED, "r");
	expect(p, "GET", "late.example", 443, "", EGRESS_LISTED, "egress.api-list");
	expect(p, "GET", "1.2.3.4", 443, "", EGRESS_LISTED, "egress.api-list");
	expect(p, "GET", "1.2.4.4", 443, "", EGRESS_ALLOWED, "r");
	expect(p, "GET", "new.example", 443, "", EGRESS_ALLOWED, "api.whitelist");
	expect(p, "GET", "www.new.example", 443, "", EGRESS_NOT_ALLOWED, "egress.default-deny");
	expect(p, "GET", "new.example", 80, "", EGRESS_NOT_ALLOWED, "egress.default-deny");
	expect(p, "GET", "both.new.example", 443, "", EGRESS_LISTED, "egress.api-list");
	egress_lists_free(&l);
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct diag *d = diag_new();

		assert_int_equal(egress_lists_load_mem(&l, "x", "", broken[i], strlen(broken[i]), d), -EINVAL);
		assert_null(l);
		diag_free(&d);
	}
	egress_policy_free(&p);
}

/* The whitelist is a rule behind the last one: it adds names, and takes back nothing. */
static void
the_whitelist_adds_names(void **state)
{
	static const char text[] = "llmsec-egress-lists 1\n+w one.example\n+w .all.example\n+w cdn.example\n+w post.example\n+w path.example\n"
	    "+w denied.example\n+w theirs.example\n+w other-port.example\n+w bad.example\n+d bad.example\n+w dns.google\nend 12\n";
	struct egress_policy *p = load("lists: {path: /x}\nidentities: [{id: other, sources: [10.0.0.0/8]}]\nrules:\n"
	    "  - {id: post, domains: [post.example], methods: [POST]}\n  - {id: path, domains: [path.example], paths: [/v1/*]}\n"
	    "  - {id: no, action: deny, domains: [.denied.example]}\n  - {id: theirs, domains: [theirs.example], identities: [other]}\n"
	    "  - {id: p8443, domains: [other-port.example], ports: [8443]}\n", NULL, 0);
	struct egress_request q = { str("192.0.2.1"), str("GET"), str("one.example"), str(""), 443, .phase = EGRESS_AT_REQUEST };
	struct egress_verdict v;
	struct egress_lists *l;

	(void)state;
	assert_non_null(p);
	assert_int_equal(egress_lists_load_mem(&l, "x", "", text, strlen(text), NULL), 0);
	egress_policy_lists(p, l);
	expect(p, "GET", "one.example", 443, "", EGRESS_ALLOWED, "api.whitelist");
	expect(p, "CONNECT", "one.example", 443, "", EGRESS_ALLOWED, "api.whitelist");
	expect(p, "CONNECT", "one.example", 443, "two.example", EGRESS_SNI_MISMATCH, "egress.sni-mismatch");
	expect(p, "GET", "one.example", 8080, "", EGRESS_NOT_ALLOWED, "egress.default-deny");
	expect(p, "GET", "www.one.example", 443, "", EGRESS_NOT_ALLOWED, "egress.default-deny");
	expect(p, "GET", "all.example", 443, "", EGRESS_ALLOWED, "api.whitelist");
	expect(p, "GET", "a.b.all.example", 443, "", EGRESS_ALLOWED, "api.whitelist");
	expect(p, "GET", "xall.example", 443, "", EGRESS_NOT_ALLOWED, "egress.default-deny");
	expect(p, "POST", "post.example", 443, "", EGRESS_ALLOWED, "post");
	expect(p, "GET", "post.example", 443, "", EGRESS_METHOD_NOT_ALLOWED, "post");
	expect(p, "GET", "path.example", 443, "", EGRESS_PATH_NOT_ALLOWED, "path");
	expect(p, "GET", "denied.example", 443, "", EGRESS_DENIED_BY_RULE, "no");
	expect(p, "GET", "theirs.example", 443, "", EGRESS_IDENTITY_NOT_ALLOWED, "theirs");
	expect(p, "GET", "other-port.example", 443, "", EGRESS_ALLOWED, "api.whitelist");
	expect(p, "GET", "bad.example", 443, "", EGRESS_LISTED, "egress.api-list");
	expect(p, "GET", "dns.google", 443, "", EGRESS_DOH, "egress.dns-endpoint");
	q.upgrade = str("websocket");
	egress_decide(p, &q, &v);
	assert_int_equal(v.reason, EGRESS_WEBSOCKET);
	egress_policy_free(&p);
	egress_lists_free(&l);
}

/* As many rules as there may be are read before anybody waits; one more is told so. */
static void
a_policy_has_a_size(void **state)
{
	struct buf b = { .max = (size_t)64 << 20 };
	char err[256];
	struct egress_policy *p;

	(void)state;
	buf_adds(&b, "rules:\n");
	for (int i = 0; i <= EGRESS_RULES_MAX; i++) {
		if (i == EGRESS_RULES_MAX) {
			buf_addc(&b, '\0');
			p = load(buf_ptr(&b), err, sizeof(err));
			assert_non_null(p);
			egress_policy_free(&p);
			b.len--;
		}
		buf_printf(&b, "- {id: r%d, domains: [h%d.example.com]}\n", i, i);
	}
	buf_addc(&b, '\0');
	assert_null(load(buf_ptr(&b), err, sizeof(err)));
	assert_non_null(strstr(err, "at most"));
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_decide_top_down),
		cmocka_unit_test(international_names_are_what_is_dialled),
		cmocka_unit_test(lookalikes_stay_outside),
		cmocka_unit_test(some_things_no_rule_opens),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(no_rule_means_nothing_leaves),
		cmocka_unit_test(a_group_may_serve_several_rules),
		cmocka_unit_test(many_names_are_all_found),
		cmocka_unit_test(the_shipped_policy_loads),
		cmocka_unit_test(listed_hosts_are_refused),
		cmocka_unit_test(listed_addresses_are_refused),
		cmocka_unit_test(threats_follow_their_files),
		cmocka_unit_test(every_part_of_the_tuple_counts),
		cmocka_unit_test(observing_refuses_nothing),
		cmocka_unit_test(refusals_see_every_reading_of_a_path),
		cmocka_unit_test(refusals_are_for_every_port),
		cmocka_unit_test(lists_beat_rules),
		cmocka_unit_test(the_whitelist_adds_names),
		cmocka_unit_test(a_policy_has_a_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
