/* SPDX-License-Identifier: MIT */
/*
 * Our scanner against RFC 8259, twice: a table of what is and isn't JSON, and jansson as oracle over
 * tens of thousands of generated and damaged documents, the same ones in every run.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "tests/unit/lib/json_oracle.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define DOCUMENTS 60000

/* --- the oracle ---------------------------------------------------------------------------- */

struct compare {
	struct oracle	*oracle;	/* NULL: verdicts only */
	size_t		 values, strings;
	bool		 dup, wrong;
};

/* One step at a time, as the two libraries have no type in common. */
static bool
same(struct oracle *o, const struct json_value *v)
{
	oracle_root(o);
	for (size_t i = 0; i < v->depth; i++)
		oracle_step(o, v->path[i].key, v->path[i].index);
	switch (v->type) {
	case JSON_STRING:
		return oracle_is_string(o, v->text, v->text_len);
	case JSON_NUMBER:
		return oracle_is_number(o, strtod(v->raw, NULL));
	case JSON_OBJECT_BEGIN:
		return oracle_is(o, '{');
	case JSON_ARRAY_BEGIN:
		return oracle_is(o, '[');
	default:
		return oracle_is(o, v->type == JSON_NULL ? 'n' : v->type == JSON_TRUE ? 't' : 'f');
	}
}

static int
compare_value(void *arg, const struct json_value *v)
{
	struct compare *c = arg;

	c->dup = c->dup || v->dup_key;
	if (v->type == JSON_OBJECT_END || v->type == JSON_ARRAY_END)
		return 0;
	c->values++;
	c->strings += v->type == JSON_STRING;
	/* Of a key that comes twice jansson keeps the last: nothing to compare from there on. */
	if (c->oracle != NULL && !c->dup)
		c->wrong = c->wrong || !same(c->oracle, v);
	return 0;
}

struct tally {
	size_t	accepted, rejected, incomparable, dups, strings;
};

static void
show_and_fail(const char *p, size_t n, const char *why, const char *ours, const char *theirs)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < n; i++)
		buf_printf(&b, p[i] >= 0x20 && p[i] < 0x7f && p[i] != '\\' ? "%c" : "\\x%02x", (unsigned char)p[i]);
	buf_addc(&b, '\0');
	fail_msg("%s: ours: %s, jansson: %s\n%s", why, ours ? ours : "fine", theirs, b.data);
}

static void
check_document(const char *p, size_t n, struct tally *t)
{
	const struct json_limits deep = { .depth = 2000 };
	struct oracle loose, strict;
	struct compare c = { .oracle = NULL }, d = { .oracle = NULL };
	const char *why, *strict_why;
	int rc, strict_rc;

	oracle_load(&loose, p, n, false);
	oracle_load(&strict, p, n, true);
	c.oracle = loose.accepted ? &loose : NULL;
	rc = json_scan_all(p, n, 0, &deep, compare_value, &c, &why, NULL);
	strict_rc = json_scan_all(p, n, JSON_STRICT_DUP, &deep, compare_value, &d, &strict_why, NULL);
	if (memchr(p, '\0', n) != NULL) {	/* jansson overlooks it behind a number */
		if (rc == 0)
			show_and_fail(p, n, "a NUL byte", why, loose.why);
		t->incomparable++;
	} else if (loose.silent) {
		t->incomparable++;
	} else {
		if ((rc == 0) != loose.accepted)
			show_and_fail(p, n, "verdicts differ", why, loose.why);
		if (!strict.silent && (strict_rc == 0) != strict.accepted)
			show_and_fail(p, n, "verdicts on duplicate keys differ", strict_why, strict.why);
		if (rc == 0 && !c.dup && (c.wrong || c.values != oracle_count(&loose)))
			show_and_fail(p, n, "values differ", why, loose.why);
		*(rc == 0 ? &t->accepted : &t->rejected) += 1;
		t->dups += c.dup;
		t->strings += rc == 0 && !c.dup ? c.strings : 0;
	}
	oracle_free(&loose);
	oracle_free(&strict);
}

/* --- the table ----------------------------------------------------------------------------- */

static const char *const accepted[] = {
	"{}", "[]", "0", "-0", "\"\"", "true", "false", "null", " \t\r\n[ \t\r\n] \t\r\n", "[[]]", "[{}]", "{\"\":{}}",
	"1", "-1", "10", "0.0", "-0.0", "0e0", "0E0", "1e1", "1E+1", "1e-1", "1.5e10", "-1.5E-10", "123456789012345678901234567890",
	"0.00000000000000000000000000000000000000000000000001", "1e-400", "[1,2,3]", "[1 , 2]", "{\"a\":1}", "{ \"a\" : 1 , \"b\" : 2 }",
	"{\"a\":1,\"a\":2}", "{\"a\":{\"a\":1}}", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0000\"", "\"\\u001f\\u007f\\u00e9\\uffff\"",
	"\"\\uD834\\uDD1E\"", "\"\\ud834\\udd1e\"", "\"\\uDBFF\\uDFFF\"", "\"\\uFFFE\\uFDD0\"", "\"\x7f\"", "\"\xc2\x80\"",
	"\"\xe2\x80\xa8\xe2\x80\xa9\"", "\"\xef\xbb\xbf\"", "\"\xef\xbf\xbf\"", "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"", "\"// no comment\"",
	"\"NaN\"", "[\"a\",\"a\"]", "{\"\\u0061\":\"\\u0061\"}", "[null,true,false]", "\"\\\\u0000\"", "\"\\u00e9\xc3\xa9\"",
	"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
};

static const char *const rejected[] = {
	"", " ", "[", "]", "{", "}", "[}", "{]", "[1", "[1,", "[1,]", "[,1]", "[,]", "[1,,2]", "[1 2]", "[1]]", "[1]1", "{}{}", "[][]", "1 1",
	"{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,\"a\":1}", "{\"a\" 1}", "{\"a\"::1}", "{\"a\":1 \"b\":2}", "{\"a\":1,,\"b\":2}", "{1:1}",
	"{a:1}", "{'a':1}", "{null:1}", "{[]:1}", "{\"a\":1", "{\"a\":", "{\"a\"", "{\"a", "'a'", "[a]", "nul", "nulll", "Null", "TRUE", "True",
	"tru", "fals", "truefalse", "nan", "NaN", "Infinity", "-Infinity", "+1", "-", "--1", "-a", "00", "01", "-01", "0x1", "1.", ".1", "-.1", "1.e1",
	"1e", "1e+", "1ee1", "1e1.5", "1.2.3", "1_000", "1,000", "1a", "0b1", "\xef\xbc\x91", "\"", "\"a", "\"\\\"", "\"\\", "\"\\a\"", "\"\\'\"",
	"\"\\0\"", "\"\\x41\"", "\"\\u\"", "\"\\u1\"", "\"\\u12\"", "\"\\u123\"", "\"\\u123g\"", "\"\\U0041\"", "\"\\u{41}\"", "\"\\u 041\"",
	"\"\\ud800\"", "\"\\udbff\"", "\"\\udc00\"", "\"\\udfff\"", "\"\\ud800a\"", "\"\\ud800\\n\"", "\"\\ud800\\u0041\"", "\"\\ud800\\ud800\"",
	"\"\\udc00\\ud800\"", "\"\\ud800\\udc0\"", "\"\n\"", "\"\r\"", "\"\t\"", "\"\x01\"", "\"\x1f\"", "\"\x80\"", "\"\xbf\"", "\"\xc0\x80\"", "\"\xc1\xbf\"",
	"\"\xc3\"", "\"\xc3(\"", "\"\xe0\x9f\xbf\"", "\"\xe2\x82\"", "\"\xed\xa0\x80\"", "\"\xed\xbf\xbf\"", "\"\xf0\x8f\xbf\xbf\"",
	"\"\xf0\x9f\x98\"", "\"\xf4\x90\x80\x80\"", "\"\xf5\x80\x80\x80\"", "\"\xfe\"", "\"\xff\"", "\xff[]", "[\xff]", "[]\xff", "\xef\xbb\xbf[]",
	"// x\n1", "1 // x", "/* x */ 1", "[1 /* x */]", "# x\n1", "[\f1]", "[\v1]", "[\xc2\xa0""1]", "[\xe2\x80\xa8""1]", "[1;2]", "{\"a\"=1}", "(1)", "<1>",
	"undefined", "[,\"a\"]", "[\"a\",\n", "{\"a\":\"b\"", "[\"\\u00A\"]", "*", "@", "\\u005b1\\u005d", "[1\x00""e1]", "\"a\"b",
};

static void
test_table(void **state)
{
	struct tally t = { 0 };
	const char *why;

	for (size_t i = 0; i < COUNT(accepted); i++) {
		struct compare c = { .oracle = NULL };

		if (json_scan_all(accepted[i], strlen(accepted[i]), 0, NULL, compare_value, &c, &why, NULL) != 0)
			fail_msg("%s: %s", accepted[i], why);
		check_document(accepted[i], strlen(accepted[i]), &t);
	}
	assert_int_equal(t.rejected, 0);
	for (size_t i = 0; i < COUNT(rejected); i++) {
		struct compare c = { .oracle = NULL };

		if (json_scan_all(rejected[i], strlen(rejected[i]), 0, NULL, compare_value, &c, &why, NULL) == 0)
			fail_msg("%s was accepted", rejected[i]);
		check_document(rejected[i], strlen(rejected[i]), &t);
	}
	assert_true(t.rejected > COUNT(rejected) - 5);
}

/* --- generated documents ------------------------------------------------------------------- */

static uint64_t rng_state = 0x2545f4914f6cdd1dULL;

static uint32_t
rng(uint32_t below)
{
	rng_state ^= rng_state >> 12;
	rng_state ^= rng_state << 25;
	rng_state ^= rng_state >> 27;
	return (uint32_t)((rng_state * 2685821657736338717ULL) >> 32) % below;
}

#define PICK(a) ((a)[rng(COUNT(a))])

static void
put_space(struct buf *b)
{
	while (rng(6) == 0)
		buf_addc(b, " \t\r\n"[rng(4)]);
}

/* A key has no U+0000: jansson cannot hold it, and such a document would prove nothing. */
static void
put_string(struct buf *b, bool key)
{
	static const char *const piece[] = {
		"a", "key", "role", "content", "0123456789abcdefghijklmnopqrstuvwxyz", " ", "\\n", "\\\"", "\\\\", "\\/", "\\b\\f\\r\\t",
		"\\u0041", "\\u00e9", "\\u20AC", "\\ud83d\\ude00", "\\uDBFF\\uDFFF", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
		"\xed\x9f\xbf", "\xee\x80\x80", "\x7f", "{", "[", ":", ",", "//", "\\\\u0041", "\\u0000",
	};

	buf_addc(b, '"');
	for (uint32_t n = rng(6); n > 0; n--)
		buf_adds(b, piece[rng(COUNT(piece) - key)]);
	buf_addc(b, '"');
}

static void
put_key(struct buf *b)
{
	static const char *const key[] = { "\"a\"", "\"b\"", "\"\\u0061\"", "\"model\"", "\"\"", "\"k\xc3\xbc\"", "\"k\\u00fc\"" };

	if (rng(8) == 0)
		buf_adds(b, PICK(key));
	else
		put_string(b, true);
}

static void
put_value(struct buf *b, unsigned depth)
{
	static const char *const atom[] = {
		"null", "true", "false", "0", "-0", "1", "-17", "3.25", "1e5", "-2.5E-3", "1e308", "12345678901234567890", "0.1",
	};
	/* Most documents are containers: one number alone is soon tried in all its forms. */
	uint32_t kind = depth == 0 && rng(8) != 0 ? 2 + rng(2) : rng(depth > 5 ? 2 : 4);

	put_space(b);
	if (kind == 0)
		buf_adds(b, PICK(atom));
	else if (kind == 1)
		put_string(b, false);
	else {
		buf_addc(b, kind == 2 ? '[' : '{');
		for (uint32_t n = rng(5); n > 0; n--) {
			put_space(b);
			if (kind == 3) {
				put_key(b);
				put_space(b);
				buf_addc(b, ':');
			}
			put_value(b, depth + 1);
			if (n > 1)
				buf_addc(b, ',');
		}
		put_space(b);
		buf_addc(b, kind == 2 ? ']' : '}');
	}
	put_space(b);
}

static void
replace(struct buf *b, size_t at, size_t len, const char *with, size_t n)
{
	struct buf out = { 0 };

	buf_add(&out, buf_ptr(b), at);
	buf_add(&out, with, n);
	buf_add(&out, buf_ptr(b) + at + len, buf_len(b) - at - len);
	buf_free(b);
	*b = out;
}

static void
damage(struct buf *b)
{
	static const char *const token[] = {
		"{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "\\udc00", "\\u0000", "0", "-", "+", ".", "e", "E+", "1", "01", "null",
		"tru", "NaN", "Infinity", "//", "/**/", "'", " ", "\n", "\t", "\v", "\x01", "\x7f", "\x80", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
		"\xe2\x82", "\xef\xbb\xbf", "\xff", "{\"a\":1,\"a\":2}", "[]", "\"\"", ",\"a\":0",
	};
	size_t n = buf_len(b), at = rng((uint32_t)n + 1), len = n > at ? rng((uint32_t)(n - at < 9 ? n - at : 9) + 1) : 0;
	const char *t = PICK(token);
	char c = (char)rng(256), copy[16];

	memcpy(copy, buf_ptr(b) + at, len);
	switch (rng(6)) {
	case 0:
		replace(b, at, 0, t, strlen(t));
		break;
	case 1:
		replace(b, at, len, t, strlen(t));
		break;
	case 2:
		replace(b, at, len, "", 0);
		break;
	case 3:
		replace(b, at, 0, copy, len);
		break;
	case 4:
		replace(b, at, n > at, &c, 1);
		break;
	default:
		if (rng(3) == 0)
			replace(b, at, n - at, "", 0);
	}
}

static void
test_oracle(void **state)
{
	struct tally t = { 0 };

	for (unsigned i = 0; i < DOCUMENTS; i++) {
		struct buf b = { 0 };
		char *exact;

		put_value(&b, 0);
		/* Half stay whole: only in these are values compared. */
		for (uint32_t k = rng(2) == 0 ? 1 + rng(3) : 0; k > 0; k--)
			damage(&b);
		/* A copy of its own size: a read past the end is a finding under ASan. */
		exact = malloc(buf_len(&b) + 1);
		assert_int_equal(b.err, 0);
		memcpy(exact, buf_ptr(&b), buf_len(&b));
		exact[buf_len(&b)] = '\0';
		check_document(exact, buf_len(&b), &t);
		free(exact);
		buf_free(&b);
	}
	print_message("# %u documents: %zu accepted, %zu rejected, %zu incomparable, %zu with duplicate keys, %zu strings compared\n",
	    DOCUMENTS, t.accepted, t.rejected, t.incomparable, t.dups, t.strings);
	assert_true(t.accepted > DOCUMENTS / 4);
	assert_true(t.rejected > DOCUMENTS / 4);
	assert_true(t.incomparable < DOCUMENTS / 20);
	assert_true(t.dups > 500);
	assert_true(t.strings > DOCUMENTS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_oracle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
