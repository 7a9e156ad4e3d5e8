/* SPDX-License-Identifier: MIT */
/* XML bodies: text and attributes as libxml2's own tree has them, and what must not get through. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>

#include "lib/arena.h"
#include "tests/unit/waf/vars_show.h"

#define COUNT(a)	(sizeof(a) / sizeof(*(a)))
#define SHOW(t, name)	vars_show(&(t)->vars, WAF_V_##name)

static void
xml_run(struct vars_test *t, const char *body, size_t n)
{
	vars_test_init(t);
	vars_test_body(t, "text/xml", "XML", body, n);
}

static const char *
xpath(struct vars_test *t, const char *path)
{
	static const struct waf_xmlns ns[] = { { "s", "urn:s" } };
	struct waf_list out = { NULL, 0, 0 };

	assert_int_equal(waf_vars_xpath(&t->vars, path, ns, 1, &out), 0);
	for (size_t i = 0; i < out.n; i++) {
		assert_int_equal(out.v[i].key.n, strlen(path));
		out.v[i].key.n = 0;
	}
	return vars_show_list(&out, false);
}

static const struct {
	const char *body, *text, *attrs;
	bool error;
} docs[] = {
	{ "<a/>", "", "", false },
	{ "<?xml version=\"1.0\"?><a>x<b>y</b>z</a>", "xyz", "", false },
	{ "<a> <b>\n1</b><!-- c --><?pi d?></a>\n", " \\x0a1", "", false },
	{ "<a x='1' y=\"2\"><b x='3'/></a>", "", "1|2|3", false },
	{ "<a x='&lt;&amp;&#38;&#x3c;&quot;&amp;#38;'>&lt;&amp;&#60;</a>", "<&<", "<&&<\"&#38;", false },
	{ "<a><![CDATA[<script>]]>&gt;</a>", "<script>>", "", false },
	{ "<a x='a\nb\tc'/>", "", "a b c", false },
	{ "<s:a xmlns:s='urn:s' s:x='1'><s:b>2</s:b></s:a>", "2", "1", false },
	{ "<n:a n:x='1'>2</n:a>", "2", "1", false },
	{ "<a>\xc3\xa9&#233;</a>", "\\xc3\\xa9\\xc3\\xa9", "", false },
	{ "<?xml version='1.0' encoding='ISO-8859-1'?><a x='\xe9'>\xe9</a>", "\\xc3\\xa9", "\\xc3\\xa9", false },
	{ "<!DOCTYPE a [<!ELEMENT a ANY>]><a>1</a>", "1", "", false },
	/* ill-formed: what came before is kept */
	{ "<a>1</b>", "1", "", true },
	{ "<a x='1'>1", "", "1", true },
	{ "<a x='1' x='2'>1</a>", "", "", true },
	{ "<a>1</a><b/>", "1", "", true },
	{ "<a>1</a>x", "1", "", true },
	{ "<a>&nosuch;</a>", "", "", true },
	{ "<a>\xff</a>", "", "", true },
	{ "<a>&#0;</a>", "", "", true },
	{ "x", "", "", true },
	{ "{\"a\":1}", "", "", true },
	/* declarations are refused, and shown */
	{ "<!DOCTYPE a [<!ENTITY e \"<script>\">]><a>1&e;2</a>", "1", "<script>", true },
	{ "<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><a>1&e;</a>", "1", "file:///etc/passwd", true },
	{ "<!DOCTYPE a [<!ENTITY % p SYSTEM \"http://127.0.0.1:1/x.dtd\">%p;]><a>1</a>", "",
	    "http://127.0.0.1:1/x.dtd", true },
	{ "<!DOCTYPE a PUBLIC \"p\" \"http://127.0.0.1:1/x.dtd\"><a>1</a>", "1", "p|http://127.0.0.1:1/x.dtd", true },
	{ "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a>1</a>", "1", "file:///etc/passwd", true },
	{ "<!DOCTYPE a [<!NOTATION n SYSTEM \"x\"><!ENTITY e SYSTEM \"u\" NDATA n>]><a/>", "", "u", true },
	{ "<!DOCTYPE a [<!ATTLIST a d CDATA \"evil\">]><a/>", "", "evil", false },
};

static void
test_documents(void **state)
{
	struct vars_test t;

	(void)state;
	for (size_t i = 0; i < COUNT(docs); i++) {
		xml_run(&t, docs[i].body, strlen(docs[i].body));
		if (strcmp(xpath(&t, "/*"), docs[i].text) || strcmp(xpath(&t, "//@*"), docs[i].attrs) ||
		    strcmp(SHOW(&t, REQBODY_ERROR), docs[i].error ? "1" : "0"))
			fail_msg("%s\ntext %s\nattrs %s\nerror %s", docs[i].body, xpath(&t, "/*"), xpath(&t, "//@*"),
			    SHOW(&t, REQBODY_ERROR_MSG));
		assert_int_equal(*SHOW(&t, REQBODY_ERROR_MSG) != '\0', docs[i].error);
		assert_int_equal(t.vars.error, WAF_E_NONE);
		assert_string_equal(SHOW(&t, REQUEST_BODY), "");
		vars_test_free(&t);
	}
}

static const struct {
	const char *path, *want;
} paths[] = {
	{ "/*", "12ab" },
	{ "//@*", "v|w" },
	{ "//b", "1|2" },
	{ "/r/b[2]/text()", "2" },
	{ "//s:c", "ab" },
	{ "//s:c/@w", "w" },
	{ "//nosuch", "" },
	{ "count(//b)", "2" },
	{ "string(//b)", "1" },
	{ "//*", "12ab|1|2|ab|b" },
	{ "//comment()", "x" },
	{ "/*[", NULL },
	{ "", NULL },
	{ "//u:x", "" },
};

static void
test_xpath(void **state)
{
	static const char body[] =
	    "<r v='v'><b>1</b><b>2</b><!--x--><c xmlns='urn:s' w='w'>a<d>b</d></c></r>";
	static const struct waf_xmlns ns[] = { { "s", "urn:s" } };
	struct waf_list out = { NULL, 0, 0 };
	struct vars_test t;

	(void)state;
	xml_run(&t, body, sizeof(body) - 1);
	for (size_t i = 0; i < COUNT(paths); i++) {
		if (paths[i].want != NULL)
			assert_string_equal(xpath(&t, paths[i].path), paths[i].want);
		else
			assert_int_equal(waf_vars_xpath(&t.vars, paths[i].path, ns, 1, &out), -EINVAL);
		assert_int_equal(waf_xpath_check(paths[i].path, ns, 1), paths[i].want != NULL ? 0 : -EINVAL);
	}
	waf_vars_release(&t.vars);
	assert_string_equal(xpath(&t, "/*"), "");
	vars_test_free(&t);

	/* nothing but the two simple ones from a document that isn't sound */
	xml_run(&t, "<r><b>1</b>", 11);
	assert_string_equal(xpath(&t, "//b"), "");
	assert_string_equal(xpath(&t, "/*"), "1");
	vars_test_free(&t);
	/* and nothing from no document */
	vars_test_init(&t);
	assert_string_equal(xpath(&t, "//b"), "");
	vars_test_free(&t);
}

static void
test_cut(void **state)
{
	struct vars_test t;

	(void)state;
	vars_test_init(&t);
	t.req.body_cut = true;
	vars_test_body(&t, NULL, "XML", "<a x='1'><b>text</b><c>more</c><d y='2", 38);
	assert_string_equal(SHOW(&t, REQBODY_ERROR), "0");
	assert_string_equal(SHOW(&t, INBOUND_DATA_ERROR), "1");
	assert_string_equal(xpath(&t, "/*"), "textmore");
	assert_string_equal(xpath(&t, "//@*"), "1");
	vars_test_free(&t);
}

static double
cpu_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* Nine levels of ten: 1 GB if anyone expanded it. */
static void
test_billion_laughs(void **state)
{
	char body[4096], *p = body;
	struct vars_test t;
	double start = cpu_ms();

	(void)state;
	p += sprintf(p, "<!DOCTYPE a [<!ENTITY e0 \"lol\">");
	for (int i = 1; i < 10; i++) {
		p += sprintf(p, "<!ENTITY e%d \"", i);
		for (int k = 0; k < 10; k++)
			p += sprintf(p, "&e%d;", i - 1);
		p += sprintf(p, "\">");
	}
	p += sprintf(p, "]><a b=\"&e9;\">&e9;</a>");
	xml_run(&t, body, (size_t)(p - body));
	assert_string_equal(SHOW(&t, REQBODY_ERROR_MSG), "XML: entity declaration refused");
	assert_string_equal(xpath(&t, "/*"), "");
	assert_string_equal(xpath(&t, "//a"), "");
	assert_true(arena_used(t.arena) < 100000);
	assert_true(cpu_ms() - start < 500);
	vars_test_free(&t);
}

static char *
repeat(const char *head, const char *piece, size_t times, const char *tail)
{
	size_t n = strlen(piece), h = strlen(head);
	char *s = malloc(h + n * times + strlen(tail) + 1), *p = s + h;

	assert_non_null(s);
	memcpy(s, head, h);
	for (; times > 0; times--, p += n)
		memcpy(p, piece, n);
	strcpy(p, tail);
	return s;
}

static void
check_refused(char *body, enum waf_error want, const char *msg)
{
	struct vars_test t;
	double start = cpu_ms();

	xml_run(&t, body, strlen(body));
	assert_int_equal(t.vars.error, want);
	assert_string_equal(SHOW(&t, REQBODY_ERROR_MSG), msg);
	assert_true(cpu_ms() - start < 1000);
	vars_test_free(&t);
	free(body);
}

static void
test_limits(void **state)
{
	char *many, *p;

	(void)state;
	check_refused(repeat("", "<a>", 257, ""), WAF_E_DEPTH, "XML: nested too deeply");
	check_refused(repeat("", "<a>", 40000, ""), WAF_E_DEPTH, "XML: nested too deeply");
	check_refused(repeat("<r>", "<a b=''/>", 1000, "</r>"), WAF_E_NONE, "");
	check_refused(repeat("<r>", "<a b=''/>", 1001, "</r>"), WAF_E_ARGS, "XML: too many attributes");
	check_refused(repeat("<r>", "<a xmlns:b='c'/>", 1001, "</r>"), WAF_E_NONE, "");
	check_refused(repeat("<r>", "a='b' ", 20000, "</r>"), WAF_E_NONE, "");
	check_refused(repeat("<r>", "<a/>", 20000, "</r>"), WAF_E_NONE, "");
	p = many = malloc(120000);
	assert_non_null(many);
	p += sprintf(p, "<r");
	for (int i = 0; i < 10000; i++)
		p += sprintf(p, " a%d=''", i);
	sprintf(p, "/>");
	check_refused(many, WAF_E_ARGS, "XML: too many attributes");
	p = many = malloc(120000);
	assert_non_null(many);
	for (int i = 0, n = 0; i < 4; i++) {
		p += sprintf(p, "<r");
		for (int k = 0; k < 200; k++)
			p += sprintf(p, " xmlns:n%d='u%d'", n + k, k);
		n += 200;
		p += sprintf(p, ">");
	}
	check_refused(many, WAF_E_ARGS, "XML: too many namespaces");
}

/* An attribute that the DTD gives to every element is seen once. */
static void
test_default_attributes(void **state)
{
	char *body = repeat("<!DOCTYPE r [<!ATTLIST a b CDATA \"0123456789012345678901234567890123456789\">]><r>",
	    "<a/>", 20000, "</r>");
	struct vars_test t;

	(void)state;
	xml_run(&t, body, strlen(body));
	assert_int_equal(t.vars.error, WAF_E_NONE);
	assert_int_equal(strlen(xpath(&t, "//@*")), 40);
	assert_true(arena_used(t.arena) < 100000);
	vars_test_free(&t);
	free(body);
}

/* An XPath that would take very long is given up. */
static void
test_slow_xpath(void **state)
{
	char *body = repeat("<r>", "<a>1</a>", 10000, "</r>");
	struct waf_list out = { NULL, 0, 0 };
	struct vars_test t;
	double start = cpu_ms();

	(void)state;
	xml_run(&t, body, strlen(body));
	assert_int_equal(waf_vars_xpath(&t.vars, "//a[following::a[following::a='2']]", NULL, 0, &out), 0);
	assert_int_equal(t.vars.error, WAF_E_TIME);
	assert_int_equal(out.n, 0);
	assert_true(cpu_ms() - start < 3000);
	vars_test_free(&t);
	free(body);
}

/* ---- libxml2's tree of the same document ---- */

static uint64_t rng_state = 0x853c49e6748fea9bULL;

static unsigned
rng(unsigned n)
{
	rng_state ^= rng_state >> 12;
	rng_state ^= rng_state << 25;
	rng_state ^= rng_state >> 27;
	return (unsigned)((rng_state * 2685821657736338717ULL) >> 40) % n;
}

static char *
random_xml(char *p, int depth)
{
	static const char *const pieces[] = { "text", "&lt;", "&amp;", "&#65;", "&#x1F600;", "<![CDATA[<&]]>",
	    "<!--c-->", "<?p i?>", "\n", "\xc3\xa9", "]]", "'\"" };
	static const char *const values[] = { "", "v", "&lt;&amp;&quot;", "&#38;#38;", "a\n\tb", "\xc3\xa9", "&#9;" };
	unsigned name = rng(3);

	p += sprintf(p, "<n%u", name);
	for (unsigned i = rng(4); i > 0; i--)
		p += sprintf(p, " a%u=\"%s\"", i, values[rng(COUNT(values))]);
	p += sprintf(p, ">");
	for (unsigned i = rng(5); i > 0; i--)
		if (depth > 0 && rng(2))
			p = random_xml(p, depth - 1);
		else
			p += sprintf(p, "%s", pieces[rng(COUNT(pieces))]);
	return p + sprintf(p, "</n%u>", name);
}

static void
oracle(xmlDoc *doc, const char *path, char *out)
{
	xmlXPathContext *c = xmlXPathNewContext(doc);
	xmlXPathObject *o = xmlXPathEvalExpression(BAD_CAST path, c);

	*out = '\0';
	for (int i = 0; o->nodesetval != NULL && i < o->nodesetval->nodeNr; i++) {
		xmlChar *s = xmlNodeGetContent(o->nodesetval->nodeTab[i]);

		out += sprintf(out, "%s%s", i ? "|" : "", (const char *)s);
		xmlFree(s);
	}
	xmlXPathFreeObject(o);
	xmlXPathFreeContext(c);
}

static void
check_same(struct vars_test *t, const char *path, xmlDoc *doc)
{
	static char want[262144], got[262144];
	struct waf_list out = { NULL, 0, 0 };
	char *p = got;

	oracle(doc, path, want);
	assert_int_equal(waf_vars_xpath(&t->vars, path, NULL, 0, &out), 0);
	*p = '\0';
	for (size_t i = 0; i < out.n; i++)
		p += sprintf(p, "%s%.*s", i ? "|" : "", (int)out.v[i].value.n, out.v[i].value.p);
	assert_string_equal(got, want);
}

static void
test_oracle(void **state)
{
	static char body[65536];
	struct vars_test t;
	xmlDoc *doc;
	size_t n;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		n = (size_t)(random_xml(body, 5) - body);
		doc = xmlReadMemory(body, (int)n, "x", NULL, XML_PARSE_NONET);
		assert_non_null(doc);
		xml_run(&t, body, n);
		t.set.arguments_limit = 0;
		assert_string_equal(SHOW(&t, REQBODY_ERROR), "0");
		check_same(&t, "/*", doc);
		check_same(&t, "//@*", doc);
		check_same(&t, "//n1", doc);
		vars_test_free(&t);
		xmlFreeDoc(doc);
	}
}

/* libxml2's encoders like to write to stderr past every handler. */
static void
test_silence(void **state)
{
	static const char body[] = "\xff\xfe<\0a\0>\0\x2f\xdb\x61\0<\0/\0a\0>";
	struct vars_test t;
	FILE *f = tmpfile();
	int saved = dup(2);

	(void)state;
	assert_non_null(f);
	assert_true(saved >= 0 && dup2(fileno(f), 2) == 2);
	xml_run(&t, body, sizeof(body));
	xpath(&t, "//b");
	dup2(saved, 2);
	close(saved);
	fseek(f, 0, SEEK_END);
	assert_int_equal(ftell(f), 0);
	assert_string_equal(SHOW(&t, REQBODY_ERROR), "1");
	vars_test_free(&t);
	fclose(f);
}

/* Several threads at once. */
static void *
hammer(void *arg)
{
	unsigned *good = arg;

	for (int i = 0; i < 200; i++) {
		struct vars_test t;
		const char *body = i & 1 ? "<a x='1'>t</a>" : "<a x='1'>t</b>";

		xml_run(&t, body, 14);
		*good += (*waf_vars_get(&t.vars, WAF_V_REQBODY_ERROR).p == '0') == (i & 1);
		vars_test_free(&t);
	}
	return NULL;
}

static void
test_threads(void **state)
{
	unsigned good[4] = { 0 };
	pthread_t thread[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, hammer, &good[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(good[i], 200);
	}
}

static void
test_memory(void **state)
{
	static const char body[] = "<a x='1&amp;2' y='3'><b>text</b>more<c/></a>";
	struct waf_list out;
	struct vars_test t;

	(void)state;
	for (size_t limit = 1; limit < 4000; limit += 7) {
		vars_test_init(&t);
		arena_free(&t.arena);
		t.arena = arena_new(limit);
		waf_vars_init(&t.vars, t.arena);
		vars_test_body(&t, NULL, "XML", body, sizeof(body) - 1);
		out = (struct waf_list){ NULL, 0, 0 };
		waf_vars_xpath(&t.vars, "//b", NULL, 0, &out);
		assert_int_equal(t.vars.error, arena_failed(t.arena) ? WAF_E_MEMORY : WAF_E_NONE);
		vars_test_free(&t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silence), cmocka_unit_test(test_threads), cmocka_unit_test(test_documents), cmocka_unit_test(test_xpath),
		cmocka_unit_test(test_cut), cmocka_unit_test(test_billion_laughs), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_default_attributes), cmocka_unit_test(test_slow_xpath),
		cmocka_unit_test(test_oracle), cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
