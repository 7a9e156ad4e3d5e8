/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/json.h"
#include "lib/json_private.h"
#include "tests/unit/lib/json_trace.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static uint64_t rng_state = 0x9e3779b97f4a7c15ULL;

static uint32_t
rng(void)
{
	rng_state ^= rng_state >> 12;
	rng_state ^= rng_state << 25;
	rng_state ^= rng_state >> 27;
	return (uint32_t)((rng_state * 2685821657736338717ULL) >> 32);
}

static void
trace_whole(struct trace *t, const char *p, size_t n, unsigned flags, const struct json_limits *lim)
{
	struct json_scan *s = json_scan_new(trace_value, t, flags, lim);

	assert_non_null(s);
	trace_feed(s, p, n);
	trace_end(t, s);
	json_scan_free(&s);
	assert_null(s);
}

static void
check_trace(const char *in, const char *want)
{
	struct trace t = { 0 };

	trace_whole(&t, in, strlen(in), 0, NULL);
	assert_string_equal(t.log.data, want);
	buf_free(&t.log);
}

static void
test_trace(void **state)
{
	check_trace("{\"a\":[1,-2.5e+3,{\"b\":\"x\\n\\u00fc\"},[]],\"a\":{}, \"z\":null}\n",
	    " { 0-1\n"
	    "a [ 5-6 #0\n"
	    "a[0] num 6-7 #0 <1>\n"
	    "a[1] num 8-15 #1 <-2.5e+3>\n"
	    "a[2] { 16-17 #2\n"
	    "a[2].b str 21-32 #0 <x\\n\\u00fc> =x\n\xc3\xbc\n"
	    "a[2] } 16-33 #2\n"
	    "a[3] [ 34-35 #3\n"
	    "a[3] ] 34-36 #3\n"
	    "a ] 5-37 #0\n"
	    "a { 42-43 dup #1\n"
	    "a } 42-44 dup #1\n"
	    "z null 50-54 #2\n"
	    " } 0-55\n"
	    "0 ok");
	check_trace(" true ", " true 1-5\n0 ok");
	check_trace("-0", " num 0-2 <-0>\n0 ok");
	check_trace("\"\"", " str 0-2 <> =\n0 ok");
	check_trace("[false,\"\\ud83d\\ude00\\/\\b\\f\\r\\t\\\\\\\"\"]",
	    " [ 0-1\n[0] false 1-6 #0\n"
	    "[1] str 7-35 #1 <\\ud83d\\ude00\\/\\b\\f\\r\\t\\\\\\\"> =\xf0\x9f\x98\x80/\b\f\r\t\\\"\n ] 0-36\n0 ok");
}

struct fault {
	const char	*in;
	size_t		 off;
	const char	*why;
};

static const struct fault faults[] = {
	{ "", 0, "empty input" },
	{ "  ", 2, "input ends too early" },
	{ "[", 1, "input ends too early" },
	{ "[1", 2, "input ends too early" },
	{ "{\"a\"", 4, "input ends too early" },
	{ "\"abc", 4, "input ends too early" },
	{ "\"\\u12", 5, "input ends too early" },
	{ "\"\xe2\x82", 3, "input ends too early" },
	{ "nul", 3, "input ends too early" },
	{ "-", 1, "input ends too early" },
	{ "1.", 2, "input ends too early" },
	{ "1e+", 3, "input ends too early" },
	{ "[1,]", 3, "trailing comma" },
	{ "{\"a\":1,}", 7, "trailing comma" },
	{ "[,1]", 1, "value expected" },
	{ "{\"a\":}", 5, "value expected" },
	{ "]", 0, "value expected" },
	{ "[01]", 2, "leading zero" },
	{ "[-01]", 3, "leading zero" },
	{ "[1.]", 3, "digit expected" },
	{ "[1.e3]", 3, "digit expected" },
	{ "[-]", 2, "digit expected" },
	{ "[-Infinity]", 2, "digit expected" },
	{ "[1.2.3]", 4, "malformed number" },
	{ "[1+2]", 2, "malformed number" },
	{ "[.5]", 1, "a number needs a digit before its point" },
	{ "[+1]", 1, "plus sign before a number" },
	{ "[NaN]", 1, "NaN and Infinity are not JSON" },
	{ "[nan]", 2, "true, false or null misspelt" },
	{ "[Infinity]", 1, "NaN and Infinity are not JSON" },
	{ "[TRUE]", 1, "value expected" },
	{ "[trux]", 4, "true, false or null misspelt" },
	{ "[truex]", 5, "comma or ] expected" },
	{ "[1x]", 2, "comma or ] expected" },
	{ "[1}", 2, "comma or ] expected" },
	{ "{\"a\":1]", 6, "comma or } expected" },
	{ "{\"a\" 1}", 5, "colon expected" },
	{ "{a:1}", 1, "a key must be a string in double quotes" },
	{ "{'a':1}", 1, "a key must be a string in double quotes" },
	{ "['a']", 1, "strings need double quotes" },
	{ "[1] x", 4, "bytes after the value" },
	{ "1 2", 2, "bytes after the value" },
	{ "// c\n1", 0, "comments are not JSON" },
	{ "[/* c */1]", 1, "comments are not JSON" },
	{ "{/**/}", 1, "comments are not JSON" },
	{ "\xef\xbb\xbf[]", 0, "byte order mark" },
	{ "[\"a\nb\"]", 3, "line break in a string" },
	{ "[\"a\tb\"]", 3, "control character in a string" },
	{ "[\"\\x41\"]", 2, "unknown escape" },
	{ "[\"ab\\", 5, "input ends too early" },
	{ "[\"\\u00g0\"]", 2, "\\u needs four hexadecimal digits" },
	{ "[\"\\ud800\"]", 2, "lone surrogate" },
	{ "[\"a\\udc00\"]", 3, "lone surrogate" },
	{ "[\"\\ud800\\n\"]", 2, "lone surrogate" },
	{ "[\"\\ud800\\u0041\"]", 2, "lone surrogate" },
	{ "[\"\\ud800\\ud800\"]", 2, "lone surrogate" },
	{ "[\"a\x80\"]", 3, "ill-formed UTF-8" },
	{ "[\"a\xc0\xaf\"]", 3, "ill-formed UTF-8" },
	{ "[\"\xe2\x82\"]", 2, "ill-formed UTF-8" },
	{ "[\"\xed\xa0\x80\"]", 2, "ill-formed UTF-8" },
	{ "[\"0123456789abcdef0123456789abcdef\xf4\x90\x80\x80\"]", 34, "ill-formed UTF-8" },
	{ "{\"a\":1 \"b\":2}", 7, "comma or } expected" },
	{ "[1 2]", 3, "comma or ] expected" },
	{ "[\v1]", 1, "value expected" },
};

static void
test_faults(void **state)
{
	for (size_t i = 0; i < COUNT(faults); i++) {
		struct trace t = { 0 };
		const char *why;
		uint64_t off;
		int rc = json_scan_all(faults[i].in, strlen(faults[i].in), 0, NULL, trace_value, &t, &why, &off);

		assert_int_equal(rc, -EILSEQ);
		if (why == NULL || strcmp(why, faults[i].why) != 0 || off != faults[i].off)
			fail_msg("%s: %s at %u", faults[i].in, why, (unsigned)off);
		buf_free(&t.log);
	}
}

static void
test_nul_byte(void **state)
{
	const char *why;
	uint64_t off;
	struct trace t = { 0 };

	assert_int_equal(json_scan_all("[\"a\0b\"]", 7, 0, NULL, trace_value, &t, &why, &off), -EILSEQ);
	assert_int_equal(off, 3);
	assert_int_equal(json_scan_all("[\0]", 3, 0, NULL, trace_value, &t, &why, &off), -EILSEQ);
	assert_int_equal(off, 1);
	assert_int_equal(json_scan_all("[]\0", 3, 0, NULL, trace_value, &t, &why, &off), -EILSEQ);
	assert_int_equal(off, 2);
	buf_free(&t.log);
}

static int
want_nul_text(void *arg, const struct json_value *v)
{
	if (v->type == JSON_STRING) {
		assert_int_equal(v->text_len, 3);
		assert_memory_equal(v->text, "a\0b", 3);
		assert_int_equal(v->path[0].key_len, 1);
		assert_memory_equal(v->path[0].key, "\0", 2);
		++*(int *)arg;
	}
	return 0;
}

static void
test_escaped_nul(void **state)
{
	static const char in[] = "{\"\\u0000\":\"a\\u0000b\"}";
	int seen = 0;

	assert_int_equal(json_scan_all(in, sizeof(in) - 1, 0, NULL, want_nul_text, &seen, NULL, NULL), 0);
	assert_int_equal(seen, 1);
}

static const char *const corpus[] = {
	"{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},{\"role\":\"user\","
	    "\"content\":[{\"type\":\"text\",\"text\":\"Gr\xc3\xbc\xc3\x9f \\u20ac \\ud83d\\ude00 \xf0\x9f\x98\x80\\n"
	    "zweite Zeile\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,iVBORw0K\"}}]}],"
	    "\"temperature\":0.70,\"max_tokens\":1024,\"stream\":true,\"stop\":null,\"logit_bias\":{\"50256\":-100}}",
	"[0,-0,1,10,-1.5,1e5,1E-5,1.25e+10,123456789012345678901234567890]",
	"  [ true , false , null , { } , [ ] , \"\" ]\r\n\t ",
	"{\"a\":{\"a\":{\"a\":1,\"a\":2},\"a\":3},\"a\":[{\"a\":1},{\"a\":1}],\"\\u0061\":\"\\u0061\"}",
	"\"\xe4\xbd\xa0\xe5\xa5\xbd\xef\xbc\x8c\xe4\xb8\x96\xe7\x95\x8c \xed\x9f\xbf \xee\x80\x80 \xf4\x8f\xbf\xbf\"",
	"-12.5e-3", "12345", "true", "null", "\"\\\\\\\"\\/\\b\\f\\n\\r\\t\\u0000\"",
	"{\"a long key that is longer than sixteen bytes \xc3\xa9\":{\"k\\u00e9y\":[[[[\"deep\"]]]],\"\":0}}",
	"{\"1\n\":0}", "[1,2,]", "{\"a\":tru}", "[\"\\ud83d\\u0020\"]", "[\"\\ud83dx\"]", "[\"\xf0\x9f\x98\"]",
	"[\"\xe0\x80\x80\"]", "[1.e]", "[--1]", "[\"\\q\"]", "[\"\\u12z4\"]", "{\"a\":1}}", "1 1", "[1] [2] \n3",
	"\"a\" \"b\"", "{}{}", "[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]", "\"\x01\"", "{\"a\":1,\"b\":2,\"c\":3,\"d\":4}",
	"{\"path\":{\"of\":{\"long\":{\"keys\":{\"to\":{\"overrun\":1}}}}}}", "\"\\u00e9\\u00e9\\u00e9\\u00e9\"",
	"[\"12345678\\n\",\"1234567\\n8\",\"1234567\xc3\xa9\",\"12345678901\",12345678901]",
};

static const struct json_limits tight = { .depth = 18, .string = 9, .keys = 3 };

static void
check_cuts(const char *in, size_t n, unsigned flags, const struct json_limits *lim, const char *want,
    const size_t *cut, size_t n_cuts)
{
	struct trace t = { 0 };
	struct json_scan *s = json_scan_new(trace_value, &t, flags, lim);
	size_t at = 0;

	assert_non_null(s);
	for (size_t i = 0; i < n_cuts; at = cut[i++])
		trace_feed(s, in + at, cut[i] - at);
	trace_feed(s, in + at, n - at);
	trace_end(&t, s);
	assert_string_equal(t.log.data, want);
	buf_free(&t.log);
	json_scan_free(&s);
}

/* However the input is cut: same values, same verdict, same offset. */
static void
check_all_cuts(const char *in, unsigned flags, const struct json_limits *lim)
{
	struct trace t = { 0 };
	size_t n = strlen(in), cut[1024];

	assert_true(n < COUNT(cut));
	trace_whole(&t, in, n, flags, lim);
	for (size_t i = 0; i <= n; i++) {
		cut[0] = i;
		check_cuts(in, n, flags, lim, t.log.data, cut, 1);
	}
	for (size_t i = 0; i < n; i++)
		cut[i] = i + 1;
	check_cuts(in, n, flags, lim, t.log.data, cut, n);
	for (unsigned round = 0; round < 100; round++) {
		size_t k = 0, at = 0;

		while ((at += rng() % (1 + round / 4)) < n && k < COUNT(cut))
			cut[k++] = at;
		check_cuts(in, n, flags, lim, t.log.data, cut, k);
	}
	buf_free(&t.log);
}

static void
test_cuts(void **state)
{
	for (size_t i = 0; i < COUNT(corpus); i++)
		for (unsigned flags = 0; flags < 4; flags++) {
			check_all_cuts(corpus[i], flags, NULL);
			check_all_cuts(corpus[i], flags, &tight);
		}
	for (size_t i = 0; i < COUNT(faults); i++)
		check_all_cuts(faults[i].in, 0, NULL);
}

static int
scan_limited(const char *in, const struct json_limits *lim, uint64_t *off, const char **why)
{
	struct trace t = { 0 };
	int rc = json_scan_all(in, strlen(in), 0, lim, trace_value, &t, why, off);

	buf_free(&t.log);
	return rc;
}

static void
test_depth(void **state)
{
	char in[600] = { 0 };
	const char *why;
	uint64_t off;

	memset(in, '[', 128);
	memset(in + 128, ']', 128);
	assert_int_equal(scan_limited(in, NULL, &off, &why), 0);
	memset(in, '[', 129);
	memset(in + 129, ']', 129);
	assert_int_equal(scan_limited(in, NULL, &off, &why), -EMSGSIZE);
	assert_int_equal(off, 128);
	assert_string_equal(why, "nested too deeply");
	assert_int_equal(scan_limited("[{\"a\":1}]", &(struct json_limits){ .depth = 2 }, &off, &why), 0);
	assert_int_equal(scan_limited("[{\"a\":[]}]", &(struct json_limits){ .depth = 2 }, &off, &why), -EMSGSIZE);
	assert_int_equal(off, 6);
}

static void
test_limits(void **state)
{
	const struct json_limits str = { .string = 4 }, keys = { .keys = 3 };
	const char *why;
	uint64_t off;

	assert_int_equal(scan_limited("[\"1234\",1234]", &str, &off, &why), 0);
	assert_int_equal(scan_limited("[\"12345\"]", &str, &off, &why), -EMSGSIZE);
	assert_int_equal(off, 6);
	assert_string_equal(why, "string too long");
	assert_int_equal(scan_limited("[\"12\\u0041\"]", &str, &off, &why), -EMSGSIZE);
	assert_int_equal(scan_limited("[12345]", &str, &off, &why), -EMSGSIZE);
	assert_int_equal(off, 5);
	assert_string_equal(why, "number too long");
	assert_int_equal(scan_limited("{\"ab\":{\"cd\":0,\"ef\":0}}", &str, &off, &why), -EMSGSIZE);
	assert_int_equal(off, 7);
	assert_string_equal(why, "keys of a path too long");
	assert_int_equal(scan_limited("{\"a\":{\"c\":0,\"d\":0},\"b\":1,\"e\":1}", &keys, &off, &why), 0);
	assert_int_equal(scan_limited("{\"a\":{\"c\":0,\"d\":0,\"x\":1}}", &keys, &off, &why), -EMSGSIZE);
	assert_int_equal(off, 18);
	assert_string_equal(why, "too many keys");
}

struct dups {
	unsigned n, values;
};

static int
count_dups(void *arg, const struct json_value *v)
{
	struct dups *d = arg;

	d->values++;
	d->n += v->dup_key;
	return 0;
}

static unsigned
dups_in(const char *in)
{
	struct dups d = { 0 };

	assert_int_equal(json_scan_all(in, strlen(in), 0, NULL, count_dups, &d, NULL, NULL), 0);
	return d.n;
}

static void
test_duplicates(void **state)
{
	const char *why;
	uint64_t off;
	struct dups d = { 0 };

	assert_int_equal(dups_in("{\"a\":1,\"b\":2,\"a\":3,\"a\":4}"), 2);
	assert_int_equal(dups_in("{\"a\":1,\"\\u0061\":2}"), 1);
	assert_int_equal(dups_in("{\"a\":1,\"A\":2,\"a\\u0000\":3,\"\":4}"), 0);
	assert_int_equal(dups_in("{\"\":1,\"\":2}"), 1);
	assert_int_equal(dups_in("{\"a\":{\"a\":{\"a\":1}}}"), 0);
	assert_int_equal(dups_in("{\"x\":{\"a\":1},\"a\":2,\"y\":{\"a\":1},\"x\":3}"), 1);
	assert_int_equal(dups_in("[{\"a\":1},{\"a\":1}]"), 0);
	assert_int_equal(dups_in("{\"12345678\":1,\"123456789\":1,\"1234567\":1,\"12345678\":1}"), 1);
	assert_int_equal(json_scan_all("{\"a\":1, \"a\":2}", 14, JSON_STRICT_DUP, NULL, count_dups, &d, &why, &off),
	    -EILSEQ);
	assert_int_equal(off, 8);
	assert_string_equal(why, "duplicate key");
	assert_int_equal(d.values, 2);
}

/* Growth of the set keeps what it knew, a closed object's keys leave it, in any nesting. */
static void
test_many_keys(void **state)
{
	struct buf b = { 0 };
	struct dups d = { 0 };

	buf_addc(&b, '{');
	for (unsigned i = 0; i < 40000; i++)
		buf_printf(&b, "\"k%u\":{\"k%u\":0,\"k%u\":1,\"k%u\":2},", i, i, i + 1, i % 3 ? i : i + 2);
	for (unsigned i = 0; i < 100; i++)
		buf_printf(&b, "\"k%u\":0,", i * 399);
	buf_adds(&b, "\"last\":0}");
	assert_int_equal(b.err, 0);
	assert_int_equal(json_scan_all(buf_ptr(&b), buf_len(&b), 0, NULL, count_dups, &d, NULL, NULL), 0);
	assert_int_equal(d.n, 26666 + 100);
	buf_free(&b);
}

static void
test_stop(void **state)
{
	const char *in = corpus[0];
	struct trace all = { 0 };

	trace_whole(&all, in, strlen(in), 0, NULL);
	for (unsigned at = 1; at <= all.n; at++) {
		struct trace t = { .stop_at = at };
		struct json_scan *s = json_scan_new(trace_value, &t, 0, NULL);

		assert_int_equal(trace_feed(s, in, strlen(in)), 42);
		assert_int_equal(t.n, at);
		assert_int_equal(trace_feed(s, "x", 1), 42);
		assert_int_equal(json_scan_finish(s), 42);
		assert_int_equal(t.n, at);
		assert_memory_equal(t.log.data, all.log.data, buf_len(&t.log));
		buf_free(&t.log);
		json_scan_free(&s);
	}
	buf_free(&all.log);
}

/* A scanner that failed, stopped or was cut off in a token starts afresh. */
static void
test_reset(void **state)
{
	struct trace want = { 0 }, t = { 0 };
	struct json_scan *s = json_scan_new(trace_value, &t, 0, NULL);

	trace_whole(&want, corpus[0], strlen(corpus[0]), 0, NULL);
	for (size_t i = 0; i < COUNT(corpus); i++)
		for (size_t n = strlen(corpus[i]); n > 0; n /= 2) {
			trace_feed(s, corpus[i], n);
			buf_clear(&t.log);
			json_scan_reset(s, trace_value, &t);
			assert_null(json_scan_error(s, NULL));
			trace_feed(s, corpus[0], strlen(corpus[0]));
			trace_end(&t, s);
			assert_string_equal(t.log.data, want.log.data);
			json_scan_reset(s, trace_value, &t);
		}
	json_scan_free(&s);
	buf_free(&t.log);
	buf_free(&want.log);
}

static void
check_stream(const char *in, int rc, unsigned values)
{
	struct dups d = { 0 };

	assert_int_equal(json_scan_all(in, strlen(in), JSON_STREAM, NULL, count_dups, &d, NULL, NULL), rc);
	assert_int_equal(d.values, values);
}

static void
test_stream(void **state)
{
	check_stream("", 0, 0);
	check_stream("\n\n", 0, 0);
	check_stream("1 2\n\"x\"", 0, 3);
	check_stream("{}\n[]\n", 0, 4);
	check_stream("{}{}", -EILSEQ, 2);
	check_stream("1 ,2", -EILSEQ, 1);
	check_stream("{\"a\":1}\n{\"a\"", -EILSEQ, 4);
	assert_int_equal(dups_in("{\"a\":1}"), 0);
}

struct path_case {
	const char	*pattern, *want;	/* the values it finds, by their start */
};

static const char path_doc[] =
    "{\"a\":[{\"b\":1},{\"b\":2,\"c\":{\"d\":3}}],\"[]\":4,\"*\":5,\"e\":{\"b\":6},\"f.g\":7,\"a b\":[[8]]}";

static const struct path_case path_cases[] = {
	{ "a.[].b", "1 2 " }, { "a.[1].b", "2 " }, { "a.[2].b", "" }, { "a.[1].c.d", "3 " }, { "*.b", "6 " },
	{ "*.*", "6 " }, { "*.[].b", "1 2 " }, { "[].b", "" }, { "a", "" }, { "a.[].c", "" }, { "a.*.b", "" },
	{ "e.b", "6 " }, { "e.b.c", "" }, { "e.", "" }, { "e", "" }, { "*.[0].[0]", "8 " }, { "a b.[].[]", "8 " },
	{ "*", "4 5 7 " }, { "", "" },
};

struct path_run {
	const char *pattern;
	struct buf found;
};

static int
path_collect(void *arg, const struct json_value *v)
{
	struct path_run *r = arg;

	if (v->type == JSON_NUMBER && json_path_is(v, r->pattern)) {
		buf_add(&r->found, v->raw, v->raw_len);
		buf_addc(&r->found, ' ');
	}
	return 0;
}

static void
test_path_is(void **state)
{
	for (size_t i = 0; i < COUNT(path_cases); i++) {
		struct path_run r = { .pattern = path_cases[i].pattern };

		assert_int_equal(json_scan_all(path_doc, sizeof(path_doc) - 1, 0, NULL, path_collect, &r, NULL, NULL), 0);
		buf_addc(&r.found, '\0');
		if (strcmp(r.found.data, path_cases[i].want) != 0)
			fail_msg("%s found %s", path_cases[i].pattern, r.found.data);
		buf_free(&r.found);
	}
	assert_true(json_path_is(&(struct json_value){ 0 }, ""));
}

static void
test_path_str(void **state)
{
	const struct json_step path[] = {
		{ .key = "messages", .key_len = 8 }, { .index = 12 }, { .key = "a.b\n\"\xc3\xbc\xf0\x9f\x98\x80", .key_len = 11 },
		{ .key = "x_$-9", .key_len = 5 }, { .key = "", .key_len = 0 },
	};
	static const char want[] = "messages[12][\"a.b\\u000a\\u0022\\u00fc\\ud83d\\ude00\"].x_$-9[\"\"]";
	const struct json_value v = { .path = path, .depth = COUNT(path) };
	char out[128];

	assert_int_equal(json_path_str(out, sizeof(out), &v), sizeof(want) - 1);
	assert_string_equal(out, want);
	for (size_t n = 1; n < sizeof(want); n++) {
		memset(out, '!', sizeof(out));
		assert_int_equal(json_path_str(out, n, &v), sizeof(want) - 1);
		assert_memory_equal(out, want, n - 1);
		assert_int_equal(out[n - 1], '\0');
		assert_int_equal(out[n], '!');
	}
	assert_int_equal(json_path_str(NULL, 0, &v), sizeof(want) - 1);
}

static void
test_path_names(void **state)
{
	static const struct { const char *key, *want; } t[] = {
		{ "query", "m.query" }, { "x_$-9", "m.x_$-9" }, { "X1", "m.X1" }, { "_id", "m._id" }, { "", "m{7}" }, { "a b", "m{7}" },
		{ "ann@example.org", "m{7}" }, { "4111", "m{7}" }, { "a411", "m{7}" }, { "-x", "m{7}" }, { "MAX_TOKENS", "m.MAX_TOKENS" },
		{ "AKIAIOSFODNNEXAMPLE", "m{7}" }, { "abcdefghijklmnopqrstuvwxyzabcdef", "m.abcdefghijklmnopqrstuvwxyzabcdef" },
		{ "abcdefghijklmnopqrstuvwxyzabcdefg", "m{7}" },
	};
	char out[64];

	for (size_t i = 0; i < COUNT(t); i++) {
		const struct json_step path[] = { { .key = "m", .key_len = 1 }, { .key = t[i].key, .key_len = strlen(t[i].key), .index = 7 } };

		assert_int_equal(json_path_names(out, sizeof(out), &(struct json_value){ .path = path, .depth = 2 }), strlen(t[i].want));
		assert_string_equal(out, t[i].want);
	}
}

struct key_bytes {
	const char	*in;
	size_t		 n;
};

/* The bytes of a key, or none: of an element, of the root. */
static int
key_bytes_value(void *arg, const struct json_value *v)
{
	struct key_bytes *k = arg;
	bool member = v->depth > 0 && v->path[v->depth - 1].key != NULL;

	assert_int_equal(v->key_end > 0, member);
	if (!member) {
		assert_int_equal(v->key_start, 0);
		return 0;
	}
	assert_true(v->key_start < v->key_end && v->key_end < v->end);
	assert_int_equal(k->in[v->key_start], '"');
	assert_int_equal(k->in[v->key_end - 1], '"');
	assert_int_equal(v->key_end - v->key_start, v->path[v->depth - 1].key[0] == 'E' ? 8 : v->path[v->depth - 1].key_len + 2);
	k->n++;
	return 0;
}

static void
test_key_bytes(void **state)
{
	static const char in[] = " {\"one\":[1,{\"two\":null},\"x\"], \"\" : {}, \"\\u0045\":{\"four\":[{\"five\":1},2]}}";
	const size_t n = sizeof(in) - 1;

	for (size_t cut = 0; cut <= n; cut++) {
		struct key_bytes k = { in, 0 };
		struct json_scan *s = json_scan_new(key_bytes_value, &k, 0, NULL);

		assert_int_equal(json_scan_feed(s, in, cut), 0);
		assert_int_equal(json_scan_feed(s, in + cut, n - cut), 0);
		assert_int_equal(json_scan_finish(s), 0);
		json_scan_free(&s);
		assert_int_equal(k.n, 10);	/* begins and ends of containers, and three scalars */
	}
}

/* Both fast ways find the first special byte, whichever it is and wherever it stands. */
static void
test_plain_run(void **state)
{
	char text[80];

	for (size_t n = 0; n < 70; n++)
		for (size_t at = 0; at <= n; at++)
			for (unsigned c = 0; c < 256; c++) {
				bool plain = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';

				memset(text, (int)('#' + (n & 31)), sizeof(text));
				text[at] = (char)c;
				if (at + 1 < n)
					text[at + 1] = '"';
				if (json_plain_run(text, n) != (plain && at < n ? at + 1 < n ? at + 1 : n : at) ||
				    json_plain_run_swar(text, n) != json_plain_run(text, n))
					fail_msg("byte %02x at %zu of %zu", c, at, n);
			}
}

/* strtod() on a number needs an end, also when the number came in pieces and a longer one came before. */
static int
number_ends(void *arg, const struct json_value *v)
{
	char *end;

	if (v->type == JSON_NUMBER) {
		*(double *)arg += strtod(v->raw, &end);
		assert_ptr_equal(end, v->raw + v->raw_len);
	}
	return 0;
}

static void
test_number_end(void **state)
{
	static const char in[] = "[123456789012,1,23,4,{\"a\":5.5}]";
	double sum = 0;
	struct json_scan *s = json_scan_new(number_ends, &sum, 0, NULL);

	for (size_t i = 0; i < sizeof(in) - 1; i++)
		assert_int_equal(trace_feed(s, in + i, 1), 0);
	assert_int_equal(json_scan_finish(s), 0);
	assert_true(sum == 123456789012.0 + 33.5);
	sum = 0;
	json_scan_reset(s, number_ends, &sum);
	assert_int_equal(trace_feed(s, "77", 2), 0);
	assert_int_equal(json_scan_finish(s), 0);
	assert_true(sum == 77);
	json_scan_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_nul_byte),
		cmocka_unit_test(test_escaped_nul),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_many_keys),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_path_is),
		cmocka_unit_test(test_path_str),
		cmocka_unit_test(test_path_names),
		cmocka_unit_test(test_key_bytes),
		cmocka_unit_test(test_plain_run),
		cmocka_unit_test(test_number_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
