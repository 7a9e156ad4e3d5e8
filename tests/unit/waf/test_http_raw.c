/* SPDX-License-Identifier: MIT */
/* Raw HTTP messages: what the rules get to see of good ones and of bad ones, and what a server would say. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "haproxy-spoa/waf/http_raw.h"
#include "lib/arena.h"

#define HOST	"Host: a\r\n"
#define GET	"GET / HTTP/1.1\r\n" HOST
#define POST	"POST / HTTP/1.1\r\n" HOST

struct request {
	const char	*name, *text;
	size_t		 len;
	const char	*method, *uri, *protocol;
	const char	*headers;	/* "name=value|name=value" */
	const char	*body;
	unsigned	 flaws;
	int		 status;
};

#define T(s)	s, sizeof(s) - 1

static const struct request requests[] = {
	{ "plain", T(GET "\r\n"), "GET", "/", "HTTP/1.1", "Host=a", "", 0, 0 },
	{ "length", T(POST "Content-Length: 3\r\n\r\nabc"), "POST", "/", "HTTP/1.1", "Host=a|Content-Length=3", "abc",
	    0, 0 },
	{ "length, less", T(POST "Content-Length: 2\r\n\r\nabc"), "POST", "/", "HTTP/1.1", "Host=a|Content-Length=2",
	    "ab", HTTP_RAW_LONG, 0 },
	{ "length, more", T(POST "Content-Length: 9\r\n\r\nabc"), "POST", "/", "HTTP/1.1", "Host=a|Content-Length=9",
	    "abc", HTTP_RAW_SHORT, 408 },
	{ "length, no number", T(POST "Content-Length: 3x\r\n\r\nabc"), "POST", "/", "HTTP/1.1",
	    "Host=a|Content-Length=3x", "abc", HTTP_RAW_LENGTH, 400 },
	{ "length, too large", T(POST "Content-Length: 99999999999999999999999\r\n\r\nabc"), "POST", "/", "HTTP/1.1",
	    "Host=a|Content-Length=99999999999999999999999", "abc", HTTP_RAW_LENGTH, 400 },
	{ "two lengths", T(POST "Content-Length: 1\r\ncontent-length: 2\r\n\r\nabc"), "POST", "/", "HTTP/1.1",
	    "Host=a|Content-Length=1|content-length=2", "abc", HTTP_RAW_LENGTH, 400 },
	{ "no length", T(POST "\r\nabc"), "POST", "/", "HTTP/1.1", "Host=a", "", HTTP_RAW_LONG, 0 },
	{ "chunked", T(POST "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\nX: y\r\n\r\n"), "POST", "/",
	    "HTTP/1.1", "Host=a|Transfer-Encoding=chunked", "abc", 0, 0 },
	{ "chunked and length", T(POST "Content-Length: 1\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
	    "POST", "/", "HTTP/1.1", "Host=a|Transfer-Encoding=gzip, Chunked", "abc", HTTP_RAW_BOTH, 0 },
	{ "chunk cut", T(POST "Transfer-Encoding: chunked\r\n\r\n5\r\nab"), "POST", "/", "HTTP/1.1",
	    "Host=a|Transfer-Encoding=chunked", "ab", HTTP_RAW_SHORT, 408 },
	{ "chunks without an end", T(POST "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"), "POST", "/", "HTTP/1.1",
	    "Host=a|Transfer-Encoding=chunked", "ab", HTTP_RAW_SHORT, 408 },
	{ "no chunk", T(POST "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\nzz=<script>"), "POST", "/", "HTTP/1.1",
	    "Host=a|Transfer-Encoding=chunked", "ab" "", HTTP_RAW_CHUNK, 400 },
	{ "chunk size too large", T(POST "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nab"), "POST", "/",
	    "HTTP/1.1", "Host=a|Transfer-Encoding=chunked", "ab", HTTP_RAW_CHUNK, 400 },
	{ "blanks before", T("  GET / HTTP/1.1\r\n" HOST "\r\n"), "GET", "/", "HTTP/1.1", "Host=a", "", HTTP_RAW_LINE,
	    400 },
	{ "empty lines before", T("\r\n\r\n" GET "\r\n"), "GET", "/", "HTTP/1.1", "Host=a", "", 0, 0 },
	{ "blanks within", T("GET /a b c HTTP/1.1\r\n" HOST "\r\n"), "GET", "/a b c", "HTTP/1.1", "Host=a", "",
	    HTTP_RAW_LINE | HTTP_RAW_TARGET, 400 },
	{ "fragment", T("GET /a#b HTTP/1.1\r\n" HOST "\r\n"), "GET", "/a#b", "HTTP/1.1", "Host=a", "", HTTP_RAW_TARGET,
	    400 },
	{ "backslash", T("GET \\a HTTP/1.1\r\n" HOST "\r\n"), "GET", "\\a", "HTTP/1.1", "Host=a", "", HTTP_RAW_TARGET,
	    400 },
	{ "absolute", T("GET http://a/b HTTP/1.1\r\n" HOST "\r\n"), "GET", "http://a/b", "HTTP/1.1", "Host=a", "", 0, 0 },
	{ "asterisk", T("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), "OPTIONS", "*", "HTTP/1.1", "Host=a", "", 0, 0 },
	{ "raw bytes", T("GET /\xff HTTP/1.1\r\n" HOST "\r\n"), "GET", "/\xff", "HTTP/1.1", "Host=a", "", 0, 0 },
	{ "connect", T("CONNECT a:80 HTTP/1.1\r\n" HOST "\r\n"), "CONNECT", "a:80", "HTTP/1.1", "Host=a", "",
	    HTTP_RAW_CONNECT, 405 },
	{ "connect, no port", T("CONNECT a HTTP/1.1\r\n" HOST "\r\n"), "CONNECT", "a", "HTTP/1.1", "Host=a", "",
	    HTTP_RAW_CONNECT | HTTP_RAW_TARGET, 400 },
	{ "no version", T("GET /\r\n\r\n"), "GET", "/", "HTTP/0.9", "", "", HTTP_RAW_OLD, 0 },
	{ "no version, a blank", T("GET / \r\n\r\n"), "GET", "/", "HTTP/0.9", "", "", HTTP_RAW_OLD, 0 },
	{ "odd version", T("GET / TEST\r\n\r\n"), "GET", "/", "TEST", "", "", HTTP_RAW_VERSION, 400 },
	{ "old version", T("GET / HTTP/0.8\r\n\r\n"), "GET", "/", "HTTP/0.8", "", "", HTTP_RAW_VERSION, 400 },
	{ "no host", T("GET / HTTP/1.1\r\n\r\n"), "GET", "/", "HTTP/1.1", "", "", HTTP_RAW_HOST, 400 },
	{ "no host, 1.0", T("GET / HTTP/1.0\r\n\r\n"), "GET", "/", "HTTP/1.0", "", "", 0, 0 },
	{ "two hosts", T(GET HOST "\r\n"), "GET", "/", "HTTP/1.1", "Host=a|Host=a", "", HTTP_RAW_HOST, 400 },
	{ "empty host", T("GET / HTTP/1.0\r\nHost:\r\n\r\n"), "GET", "/", "HTTP/1.0", "Host=", "", HTTP_RAW_HOST, 400 },
	{ "host, odd", T("GET / HTTP/1.0\r\nHost: a%00\r\n\r\n"), "GET", "/", "HTTP/1.0", "Host=a%00", "", HTTP_RAW_HOST,
	    400 },
	{ "no colon", T(GET "junk here\r\nX: y\r\n\r\n"), "GET", "/", "HTTP/1.1", "Host=a|junk here=|X=y", "",
	    HTTP_RAW_FIELD, 400 },
	{ "blank before colon", T(GET "X : y\r\n\r\n"), "GET", "/", "HTTP/1.1", "Host=a|X=y", "", HTTP_RAW_FIELD, 400 },
	{ "cr in a header", T(GET "X: y\rZ: z\r\n\r\n"), "GET", "/", "HTTP/1.1", "Host=a|X=y\rZ: z", "", HTTP_RAW_FIELD,
	    400 },
	{ "folded", T(GET "X: y\r\n\t z \r\n\r\n"), "GET", "/", "HTTP/1.1", "Host=a|X=y z", "", HTTP_RAW_FOLD, 0 },
	{ "folded first", T("GET / HTTP/1.0\r\n X: y\r\n\r\n"), "GET", "/", "HTTP/1.0", "X=y", "", HTTP_RAW_FIELD, 400 },
	{ "line feeds", T("GET / HTTP/1.0\nX: y\n\n"), "GET", "/", "HTTP/1.0", "X=y", "", HTTP_RAW_LF, 400 },
	{ "head cut", T("GET / HTTP/1.0\r\nX: y\r\n"), "GET", "/", "HTTP/1.0", "X=y", "", HTTP_RAW_HEAD, 400 },
	{ "line cut", T("GET / HTTP/1.0"), "GET", "/", "HTTP/1.0", "", "", HTTP_RAW_HEAD, 400 },
	{ "nothing", T(""), "", "", "HTTP/0.9", "", "", HTTP_RAW_LINE | HTTP_RAW_TARGET | HTTP_RAW_OLD | HTTP_RAW_HEAD,
	    400 },
};

static void
assert_str(const char *name, struct waf_str got, const char *want)
{
	if (got.n != strlen(want) || memcmp(got.p, want, got.n) != 0)
		fail_msg("%s: \"%.*s\", not \"%s\"", name, (int)got.n, got.p, want);
}

static void
assert_headers(const char *name, const struct http_raw *h, const char *want)
{
	char text[512] = "";
	size_t o = 0;

	for (size_t i = 0; i < h->n_headers; i++)
		o += (size_t)snprintf(text + o, sizeof(text) - o, "%s%.*s=%.*s", i > 0 ? "|" : "",
		    (int)h->headers[i].name.n, h->headers[i].name.p, (int)h->headers[i].value.n,
		    h->headers[i].value.p);
	assert_str(name, (struct waf_str){ text, o }, want);
}

static void
test_requests(void **state)
{
	struct arena *a = arena_new(0);
	struct http_raw h;
	char *copy;

	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		const struct request *t = &requests[i];

		copy = malloc(t->len + 1);	/* the sanitizer watches its end */
		memcpy(copy, t->text, t->len);
		copy = realloc(copy, t->len > 0 ? t->len : 1);
		assert_int_equal(http_raw_request(&h, a, copy, t->len, 0), 0);
		assert_str(t->name, h.method, t->method);
		assert_str(t->name, h.uri, t->uri);
		assert_str(t->name, h.protocol, t->protocol);
		assert_headers(t->name, &h, t->headers);
		if ((t->flaws & HTTP_RAW_CHUNK) == 0)
			assert_str(t->name, h.body, t->body);
		if (h.flaws != t->flaws || http_raw_status(h.flaws) != t->status)
			fail_msg("%s: flaws %#x, status %d", t->name, h.flaws, http_raw_status(h.flaws));
		free(copy);
		arena_reset(a);
	}
	arena_free(&a);
}

/* What is no chunk is shown to the rules as it came. */
static void
test_bad_chunk_is_seen(void **state)
{
	static const char text[] = POST "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\nzz\r\nx=<script>";
	struct arena *a = arena_new(0);
	struct http_raw h;

	(void)state;
	assert_int_equal(http_raw_request(&h, a, text, sizeof(text) - 1, 0), 0);
	assert_non_null(memmem(h.body.p, h.body.n, "<script>", 8));
	assert_memory_equal(h.body.p, "ab", 2);
	arena_free(&a);
}

static void
test_to_end(void **state)
{
	static const char text[] = "POST / HTTP/1.1\nHost: a\n\na=b";
	struct arena *a = arena_new(0);
	struct http_raw h;

	(void)state;
	assert_int_equal(http_raw_request(&h, a, text, sizeof(text) - 1, HTTP_RAW_TO_END), 0);
	assert_str("to end", h.body, "a=b");
	assert_int_equal(h.used, sizeof(text) - 1);
	arena_free(&a);
}

static void
test_response(void **state)
{
	static const char text[] = "HTTP/1.1 404 Not Found\r\nX: y\r\n\r\ngone";
	struct arena *a = arena_new(0);
	struct http_raw h;

	(void)state;
	assert_int_equal(http_raw_response(&h, a, text, sizeof(text) - 1), 0);
	assert_int_equal(h.status, 404);
	assert_int_equal(h.flaws, 0);
	assert_headers("response", &h, "X=y");
	assert_str("response", h.body, "gone");
	assert_int_equal(http_raw_response(&h, a, "junk", 4), 0);
	assert_int_equal(h.status, 0);
	assert_int_not_equal(h.flaws, 0);
	arena_free(&a);
}

/* Folding costs no more than the input allows: 2 MB of continuations within a second. */
static void
test_folds_are_limited(void **state)
{
	size_t n = 1 << 20, o = 0;
	char *text = malloc(2 * n + 64);
	struct arena *a = arena_new(0);
	struct http_raw h;

	(void)state;
	o += (size_t)sprintf(text, "GET / HTTP/1.0\r\nX: y\r\n");
	while (o < n)
		o += (size_t)sprintf(text + o, " z\r\n");
	assert_int_equal(http_raw_request(&h, a, text, o, 0), 0);
	assert_true(h.n_headers > 1000);
	free(text);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests), cmocka_unit_test(test_bad_chunk_is_seen),
		cmocka_unit_test(test_to_end), cmocka_unit_test(test_response),
		cmocka_unit_test(test_folds_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
