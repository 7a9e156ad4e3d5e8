/* SPDX-License-Identifier: MIT */
/* Transformations by their vectors, one table; test_transform_ref.c has the judges for any input. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "haproxy-spoa/waf/transform.h"
#include "lib/arena.h"
#include "lib/diag.h"
#include "tests/unit/lib/temp.h"

static struct arena *arena;

struct vector {
	enum waf_tfn	 t;
	struct waf_str	 in, out;
};
#define V(t, in, out)	{ WAF_T_##t, { in, sizeof(in) - 1 }, { out, sizeof(out) - 1 } }
#define SAME(t, in)	V(t, in, in)

static const struct vector vectors[] = {
	V(base64Decode, "VGVzdENhc2U=", "TestCase"), V(base64Decode, "VGVzdENhc2U", "TestCase"),
	V(base64Decode, "VGVzdABDYXNl", "Test\0Case"), V(base64Decode, "VGVz dENhc2U=", "Tes"),
	V(base64Decode, "VGVz\ndENhc2U=", "Tes"), V(base64Decode, "V", ""), V(base64Decode, "VG", "T"),
	V(base64Decode, "=VGVz", ""), V(base64Decode, "", ""), V(base64Decode, "\xff\xff", ""),
	V(base64DecodeExt, "P.HNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==", "<script>alert(1)</script>"),
	V(base64DecodeExt, "V\nG V\0z\xff" "dA==", "Test"), V(base64DecodeExt, "", ""),
	V(base64DecodeExt, "!?", ""),
	V(base64Encode, "TestCase", "VGVzdENhc2U="), V(base64Encode, "Test\0Case", "VGVzdABDYXNl"),
	V(base64Encode, "", ""), V(base64Encode, "\xff", "/w=="),

	V(cmdLine, "", ""), SAME(cmdLine, "test"), V(cmdLine, "C^OMMAND /C DIR", "command/c dir"),
	V(cmdLine, "\"command\" /c", "command/c"), V(cmdLine, "c\\o'm'm\"a\"n^d", "command"),
	V(cmdLine, "command,/c dir", "command/c dir"), V(cmdLine, "command; /c", "command/c"),
	V(cmdLine, "a ,;\t\r\n b", "a b"), V(cmdLine, "cmd (x) ( y)", "cmd(x)( y)"),
	V(cmdLine, "a \"/b", "a/b"), V(cmdLine, " \\ /", "/"), SAME(cmdLine, "/ x"), SAME(cmdLine, "a\v \fb"),
	V(cmdLine, "a \0B\xff", "a \0b\xff"), SAME(cmdLine, " a b "),

	SAME(compressWhitespace, "Test Case"), V(compressWhitespace, "a  b", "a b"),
	V(compressWhitespace, "\t\n\v\f\r a\tb\xa0", " a b "), V(compressWhitespace, " \xa0 ", " "),
	SAME(compressWhitespace, " a b "), SAME(compressWhitespace, ""), SAME(compressWhitespace, "a\0b"),

	V(cssDecode, "test\\a\\b\\f\\n\\r\\t\\v\\?\\'\\\"\\0\\12\\123\\1234\\12345\\123456\\ff01\\ff5e\\\n\\0  string",
	    "test\n\x0b\x0fnrtv?'\"\0\x12#4EV!~\0 string"),
	V(cssDecode, "\\1A\\1 A\\1234567", "\x1a\x01" "AV7"), V(cssDecode, "ja\\vascript", "javascript"),
	V(cssDecode, "j\\61\\0076 ascript", "javascript"), V(cssDecode, "a\\", "a"), V(cssDecode, "\\\\", "\\"),
	V(cssDecode, "\\ff1c", "<"), V(cssDecode, "\\0ff1c", "<"), V(cssDecode, "\\00ff1c", "<"),
	V(cssDecode, "\\1ff1c", "\x1c"), V(cssDecode, "\\ff00\\ff5f\\FF21", "\0_A"), SAME(cssDecode, "test"),
	V(cssDecode, "\\41\tB\\41  B", "AB" "A B"), SAME(cssDecode, ""), V(cssDecode, "\\\0", "\0"),

	V(escapeSeqDecode, "\\a\\b\\f\\n\\r\\t\\v\\?\\'\\\"\\0\\12\\123\\x00\\xff",
	    "\a\b\f\n\r\t\v?'\"\0\nS\0\xff"),
	V(escapeSeqDecode, "\\8\\9\\666\\u00ag\\u00ga\\u0zaa\\uz0aa\\xag\\xga\\0123\\u00a",
	    "89\xb6u00agu00gau0zaauz0aaxagxga\n3u00a"),
	V(escapeSeqDecode, "\\X41\\x4\\\\x", "Ax4\\x"), SAME(escapeSeqDecode, "a\\"), SAME(escapeSeqDecode, ""),
	V(escapeSeqDecode, "\\\xff\\\0", "\xff\0"), V(escapeSeqDecode, "\\7", "\a"),

	V(hexDecode, "5465737443617365", "TestCase"), V(hexDecode, "546573740043617365", "Test\0Case"),
	V(hexDecode, "01234567890a0z01234567890a", "\x01#Eg\x89\n#\x01#Eg\x89\n"), V(hexDecode, "41424", "AB"),
	V(hexDecode, "4", ""), V(hexDecode, "", ""), V(hexDecode, "fFAa", "\xff\xaa"),
	V(hexEncode, "TestCase", "5465737443617365"), V(hexEncode, "\0\xff", "00ff"), V(hexEncode, "", ""),

	V(htmlEntityDecode, "&#x0;&#X0;&#x20;&#X20;&#0;&#32;\x00&#100;&quot;&amp;&lt;&gt;&nbsp;",
	    "\0\0  \0 \0d\"&<>\xa0"),
	V(htmlEntityDecode, "&#x41&#65&ltx&lt", "AA&ltx<"), V(htmlEntityDecode, "&LT;&Quot;", "<\""),
	V(htmlEntityDecode, "&#xg;&#a;&a;&foo;&#;&#x;&", "&#xg;&#a;&a;&foo;&#;&#x;&"),
	V(htmlEntityDecode, "&#2g;", "\2g;"),
	V(htmlEntityDecode, "&#x10000000000000000041;&#x0000000000000000000041;", "\xff" "A"),
	V(htmlEntityDecode, "&#99999999999999999999;&#256;", "\xff\0"), SAME(htmlEntityDecode, ""),
	V(htmlEntityDecode, "&&lt;&amp;lt;", "&<&lt;"), SAME(htmlEntityDecode, "a&b=c"),
	SAME(htmlEntityDecode, "&#"),
	V(htmlEntityDecode, "&lt\xff", "<\xff"),

	V(jsDecode, "\\a\\b\\f\\n\\r\\t\\v\\?\\'\\\"\\0\\12\\123\\x00\\xff\\u0021\\uff01",
	    "\a\b\f\n\r\t\v?'\"\0\nS\0\xff!!"),
	V(jsDecode, "\\8\\9\\666\\u00ag\\u00ga\\u0zaa\\uz0aa\\xag\\xga\\0123\\u00a",
	    "89" "66" "u00agu00gau0zaauz0aaxagxga\n3u00a"),
	V(jsDecode, "\\377\\400", "\xff 0"), V(jsDecode, "\\uFF1C\\uff00\\uff5f\\u013c", "<\0_<"),
	V(jsDecode, "\\U0041\\X41", "U0041X41"), SAME(jsDecode, "a\\"), V(jsDecode, "\\u004", "u004"),
	SAME(jsDecode, ""),

	V(length, "", "0"), V(length, "\0\0", "2"), V(length, "0123456789abcdef", "16"),

	SAME(lowercase, ""), SAME(lowercase, "test"), V(lowercase, "TestCase", "testcase"),
	V(lowercase, "A\0Z", "a\0z"),
	SAME(lowercase, "@[`{\xc4\xe4\xff"),
	V(lowercase, "0123456789012345678901234567890123456789X", "0123456789012345678901234567890123456789x"),
	V(lowercase, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz"),
	SAME(uppercase, ""), V(uppercase, "tEST`{", "TEST`{"), SAME(uppercase, "\xe4\xff\0"),

	V(md5, "", "\xd4\x1d\x8c\xd9\x8f\x00\xb2\x04\xe9\x80\x09\x98\xec\xf8\x42\x7e"),
	V(md5, "abc", "\x90\x01\x50\x98\x3c\xd2\x4f\xb0\xd6\x96\x3f\x7d\x28\xe1\x7f\x72"),
	V(sha1, "", "\xda\x39\xa3\xee\x5e\x6b\x4b\x0d\x32\x55\xbf\xef\x95\x60\x18\x90\xaf\xd8\x07\x09"),
	V(sha1, "abc", "\xa9\x99\x3e\x36\x47\x06\x81\x6a\xba\x3e\x25\x71\x78\x50\xc2\x6c\x9c\xd0\xd8\x9d"),

	SAME(normalizePath, ""), SAME(normalizePath, "/foo/bar/baz"), SAME(normalizePath, "x"),
	SAME(normalizePath, "/"),
	SAME(normalizePath, ".."), SAME(normalizePath, "../"), SAME(normalizePath, "../../../.."),
	V(normalizePath, ".", ""),
	V(normalizePath, "./", ""), V(normalizePath, "./..", ".."), V(normalizePath, "./../..", "../.."),
	V(normalizePath, "../../.", "../.."), V(normalizePath, "/..", "/"), V(normalizePath, "/../../", "/"),
	V(normalizePath, "//", "/"), V(normalizePath, "/./", "/"), V(normalizePath, "dir/../foo", "foo"),
	V(normalizePath, "dir/../../foo", "../foo"),
	V(normalizePath, "dir/./.././../../foo/bar", "../../foo/bar"),
	V(normalizePath, "/dir/./.././../../foo/bar/.", "/foo/bar"),
	V(normalizePath, "/dir/./.././../../foo/bar/./", "/foo/bar/"),
	V(normalizePath, "dir//.//..//.//..//..//foo//bar", "../../foo/bar"), V(normalizePath, "dir/..", ""),
	V(normalizePath, "/foo/..", "/"), V(normalizePath, "/a/../b/", "/b/"),
	SAME(normalizePath, "/foo../bar"),
	SAME(normalizePath, "/.../.x"), SAME(normalizePath, "a\\..\\b"), V(normalizePath, "/a\0/../b", "/b"),
	V(normalizePath, "a/.", "a"), V(normalizePath, "a//", "a/"), V(normalizePath, "../a/../..", "../.."),
	V(normalizePathWin, "\\foo\\bar/baz", "/foo/bar/baz"), V(normalizePathWin, "..\\..\\x", "../../x"),
	V(normalizePathWin, "a\\..\\b", "b"), V(normalizePathWin, "\\\\host\\.\\share\\", "/host/share/"),
	SAME(normalizePathWin, "/foo/bar"), SAME(normalizePathWin, ""), V(normalizePathWin, "/a\\", "/a/"),

	V(parityEven7bit, "\0\1\3\x7f\x80\xff", "\0\x81\3\xff\0\xff"), SAME(parityEven7bit, ""),
	SAME(parityEven7bit, "\3\5"),
	V(parityOdd7bit, "\0\1\3\x7f\x80\xff", "\x80\1\x83\x7f\x80\x7f"), SAME(parityOdd7bit, ""),
	SAME(parityOdd7bit, "\1\7"),
	V(parityZero7bit, "a\xe1\xff\x80", "aa\x7f\0"), SAME(parityZero7bit, "abc\x7f"),
	SAME(parityZero7bit, ""),

	V(removeComments, "a/*b*/c", "ac"), V(removeComments, "/**/", ""), V(removeComments, "a/*b", "a "),
	V(removeComments, "a<!--b-->c", "ac"), V(removeComments, "a<!--b", "a "),
	V(removeComments, "a--b", "a"),
	V(removeComments, "a#b\nc", "a"), V(removeComments, "a/*b*//*c*/d", "ad"),
	SAME(removeComments, "a*/b<!-/<-"),
	SAME(removeComments, ""), V(removeComments, "/*/", " "), SAME(removeComments, "/"),
	V(removeComments, "/*\0*/\0", "\0"),
	V(removeCommentsChar, "a/*b*/c", "abc"), V(removeCommentsChar, "a<!--b-->c--d#e", "abcde"),
	SAME(removeCommentsChar, "a-b>*c/<!-"), V(removeCommentsChar, "-#-", "--"),
	V(removeCommentsChar, "---", "-"),
	SAME(removeCommentsChar, ""), V(removeCommentsChar, "/*/", "/"), SAME(removeCommentsChar, "/"),

	SAME(removeNulls, ""), SAME(removeNulls, "abc"), V(removeNulls, "\0a\0\0b\0", "ab"),
	V(removeNulls, "\0", ""),
	SAME(replaceNulls, "abc"), V(replaceNulls, "\0a\0", " a "), SAME(replaceNulls, ""),
	SAME(removeWhitespace, ""), SAME(removeWhitespace, "ab\x85"),
	V(removeWhitespace, " a\t\n\v\f\r b\xa0", "ab"),
	V(removeWhitespace, "\xc2\xa0", "\xc2"), V(removeWhitespace, " ", ""),

	V(replaceComments, "a/*b*/c", "a c"), V(replaceComments, "a/*b", "a "), V(replaceComments, "/*", " "),
	SAME(replaceComments, "a*/b"), V(replaceComments, "/*/*/*/", " */"), SAME(replaceComments, ""),
	SAME(replaceComments, "/"),
	SAME(replaceComments, "a--b#c<!--d-->"), V(replaceComments, "/**//**/", "  "),
	V(replaceComments, "/*/", " "),

	V(sqlHexDecode, "0x414243", "ABC"), V(sqlHexDecode, "a 0X4142 b", "a AB b"), SAME(sqlHexDecode, "0x4"),
	V(sqlHexDecode, "0x414", "A4"), SAME(sqlHexDecode, "0xzz"), SAME(sqlHexDecode, ""),
	V(sqlHexDecode, "00x41", "0A"),
	V(sqlHexDecode, "0x410x42", "AB"), SAME(sqlHexDecode, "\0" "0x"), V(sqlHexDecode, "\0" "0x00", "\0\0"),

	V(trim, " \t\n\v\f\r a b \r", "a b"), SAME(trim, "ab"), SAME(trim, ""), V(trim, "  ", ""),
	SAME(trim, "\xa0" "a\0"),
	V(trimLeft, " a ", "a "), V(trimLeft, " ", ""), SAME(trimLeft, "a "), SAME(trimLeft, ""),
	V(trimRight, " a ", " a"), V(trimRight, " ", ""), SAME(trimRight, " a"), SAME(trimRight, ""),

	V(urlDecode, "a+b%20c%2B", "a b c+"), V(urlDecode, "%41%zz%4%", "A%zz%4%"), SAME(urlDecode, "%"),
	SAME(urlDecode, ""),
	SAME(urlDecode, "%u0041"), V(urlDecode, "%00%ff%FF", "\0\xff\xff"), V(urlDecode, "%%41%2541", "%A%41"),
	SAME(urlDecode, "%4"), V(urlDecode, "%+1", "% 1"),
	V(urlDecodeUni, "a+b%20c", "a b c"), V(urlDecodeUni, "%u0041%U0042", "AB"),
	V(urlDecodeUni, "%uff01%uFF5e%uff00%uff5f", "!~\0_"),
	V(urlDecodeUni, "%u0100%u1f41", "\0A"), SAME(urlDecodeUni, "%u004"), SAME(urlDecodeUni, "%u00g1%u"),
	V(urlDecodeUni, "%u%41", "%uA"),
	SAME(urlDecodeUni, "%"), SAME(urlDecodeUni, ""), V(urlDecodeUni, "%41%4z%%41", "A%4z%A"),
	SAME(urlDecodeUni, "%4"),
	V(urlDecodeUni, "%u00e9", "\xe9"),
	V(urlEncode, "a b*-_.Z9", "a+b*%2d%5f%2eZ9"), V(urlEncode, "\0\xff", "%00%ff"), SAME(urlEncode, ""),
	SAME(urlEncode, "az"),

	SAME(utf8toUnicode, "abc\x7f"), V(utf8toUnicode, "\xc3\xa9", "%u00e9"),
	V(utf8toUnicode, "x\xe2\x82\xacy", "x%u20acy"),
	V(utf8toUnicode, "\xf0\x9f\x98\x80", "%u1f600"), V(utf8toUnicode, "\xc0\xaf", "%u002f"),
	SAME(utf8toUnicode, "\xc3"),
	SAME(utf8toUnicode, "\xc3(\xff\x80"), SAME(utf8toUnicode, "\xe2\x82"),
	SAME(utf8toUnicode, "\xf7\xbf\xbf\xbf"),
	V(utf8toUnicode, "\xe0\x80\xbc\xed\xa0\x80", "%u003c%ud800"),
	V(utf8toUnicode, "\xf4\x8f\xbf\xbf", "%u10ffff"),
	SAME(utf8toUnicode, "\xf4\x90\x80\x80"), SAME(utf8toUnicode, ""),
	V(utf8toUnicode, "\xef\xbc\x9c", "%uff1c"),
};

static void
show(char *to, size_t cap, struct waf_str v)
{
	size_t o = 0;

	for (size_t i = 0; i < v.n && o + 5 < cap; i++)
		o += (size_t)snprintf(to + o, cap - o, v.p[i] > ' ' && v.p[i] < 127 ? "%c" : "\\x%02x", (unsigned char)v.p[i]);
	to[o] = '\0';
}

/* The input in a heap block of exactly its size, so that the sanitizers see a byte too far. */
static void
check(const struct vector *v)
{
	char *in = malloc(v->in.n != 0 ? v->in.n : 1), text[512];
	struct waf_str out;
	bool same = v->in.n == v->out.n && memcmp(v->in.p, v->out.p, v->in.n) == 0;
	int rc;

	assert_non_null(in);
	memcpy(in, v->in.p, v->in.n);
	arena_reset(arena);
	rc = waf_tfn_apply(v->t, NULL, (struct waf_str){ in, v->in.n }, &out, arena);
	show(text, sizeof(text), out);
	if (rc != !same || out.n != v->out.n || memcmp(out.p, v->out.p, out.n) != 0)
		fail_msg("%s, vector %td: %d, \"%s\"", waf_tfn_name(v->t), v - vectors, rc, text);
	if (same)
		assert_ptr_equal(out.p, in);
	assert_memory_equal(in, v->in.p, v->in.n);
	free(in);
}

static void
test_vectors(void **state)
{
	int seen[WAF_T_MAX] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		check(&vectors[i]);
		seen[vectors[i].t]++;
	}
	for (int t = 0; t < WAF_T_MAX; t++)
		if (seen[t] < 3 && t != WAF_T_md5 && t != WAF_T_sha1)
			fail_msg("%s: %d vectors", waf_tfn_name((enum waf_tfn)t), seen[t]);
}

static void
test_names(void **state)
{
	static const struct { const char *name; enum waf_tfn t; } t[] = {
		{ "lowercase", WAF_T_lowercase }, { "LowerCase", WAF_T_lowercase },
		{ "urlDecodeUni", WAF_T_urlDecodeUni },
		{ "normalisePath", WAF_T_normalizePath }, { "NORMALISEPATHWIN", WAF_T_normalizePathWin },
		{ "utf8ToUnicode", WAF_T_utf8toUnicode }, { "none", WAF_T_MAX }, { "", WAF_T_MAX },
		{ "lowercas", WAF_T_MAX },
		{ "lowercase ", WAF_T_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(waf_tfn_find(t[i].name, strlen(t[i].name)), t[i].t);
	for (int i = 0; i < WAF_T_MAX; i++)
		assert_int_equal(waf_tfn_find(waf_tfn_name((enum waf_tfn)i), strlen(waf_tfn_name((enum waf_tfn)i))), i);
	assert_string_equal(waf_tfn_name(WAF_T_MAX), "?");
}

/* An absent value ({NULL, 0}) is an empty one. */
static void
test_null(void **state)
{
	struct waf_str out;

	(void)state;
	for (int t = 0; t < WAF_T_MAX; t++) {
		arena_reset(arena);
		assert_true(waf_tfn_apply((enum waf_tfn)t, NULL, (struct waf_str){ NULL, 0 }, &out, arena) >= 0);
		assert_true(out.n == 0 || out.p != NULL);
	}
}

static void
test_no_memory(void **state)
{
	struct arena *small = arena_new(16);
	struct waf_str out, in = WAF_STR("%41 and much more than fits in sixteen bytes");

	(void)state;
	assert_non_null(small);
	assert_int_equal(waf_tfn_apply(WAF_T_urlDecode, NULL, in, &out, small), -ENOMEM);
	assert_ptr_equal(out.p, in.p);
	arena_free(&small);
}

static const char mapping[] = "(MAC - Roman)\n\n1250  (ANSI - Central Europe)\n00a1:21 00e9:65\n\n"
    "20127 (US-ASCII)\r\n00a0:20 00a1:21 00ff:79\n2039:3c 221a:76\n\n65000 x\n00e9:41";

static void
map_check(const struct waf_unimap *map, const char *in, const char *expect)
{
	struct waf_str out;

	arena_reset(arena);
	assert_int_equal(waf_tfn_apply(WAF_T_urlDecodeUni, map, (struct waf_str){ in, strlen(in) }, &out, arena), 1);
	assert_int_equal(out.n, strlen(expect));
	assert_memory_equal(out.p, expect, out.n);
}

static void
test_unimap(void **state)
{
	struct diag *diag = diag_new();
	struct waf_unimap *map = NULL;
	char dir[TEMP_PATH], path[TEMP_PATH + 16];

	(void)state;
	temp_new(dir);
	temp_write(dir, "map", mapping, sizeof(mapping) - 1);
	snprintf(path, sizeof(path), "%s/map", dir);
	assert_int_equal(waf_unimap_load(&map, path, 20127, diag), 0);
	map_check(map, "%u2039%u221A%u00e9%uff1c%u00FF", "<v\xe9<y");
	waf_unimap_free(&map);
	assert_null(map);
	assert_int_equal(waf_unimap_load(&map, path, 1250, diag), 0);
	map_check(map, "%u00e9%u2039", "e9");
	waf_unimap_free(&map);
	assert_int_equal(diag_errors(diag), 0);
	assert_int_equal(waf_unimap_load(&map, path, 4711, diag), -ENOENT);
	assert_null(map);
	temp_write(dir, "bad", "1 x\n00a0:20 00a1:2x\n", 20);
	snprintf(path, sizeof(path), "%s/bad", dir);
	assert_int_equal(waf_unimap_load(&map, path, 1, diag), -EINVAL);
	snprintf(path, sizeof(path), "%s/none", dir);
	assert_int_equal(waf_unimap_load(&map, path, 1, diag), -ENOENT);
	assert_int_equal(diag_errors(diag), 3);
	temp_remove(dir);
	diag_free(&diag);
}

static int
setup(void **state)
{
	(void)state;
	arena = arena_new(0);
	return arena == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors), cmocka_unit_test(test_names), cmocka_unit_test(test_null),
		cmocka_unit_test(test_no_memory), cmocka_unit_test(test_unimap),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
