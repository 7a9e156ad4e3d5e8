/* SPDX-License-Identifier: MIT */
/* Request line, headers, cookies and queries into variables. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/arena.h"
#include "tests/unit/waf/vars_show.h"

#define COUNT(a)	(sizeof(a) / sizeof(*(a)))
#define SHOW(t, name)	vars_show(&(t)->vars, WAF_V_##name)

static void
test_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < WAF_V_MAX; i++) {
		const char *name = waf_var_name((enum waf_var)i);

		assert_int_equal(waf_var_find(name, strlen(name)), i);
	}
	assert_int_equal(waf_var_find("args", 4), WAF_V_ARGS);
	assert_int_equal(waf_var_find("Args_Get_Names", 14), WAF_V_ARGS_GET_NAMES);
	assert_int_equal(waf_var_find("ARG", 3), WAF_V_MAX);
	assert_int_equal(waf_var_find("ARGSX", 5), WAF_V_MAX);
	assert_int_equal(waf_var_find("", 0), WAF_V_MAX);
	assert_true(waf_var_is_collection(WAF_V_TX));
	assert_false(waf_var_is_collection(WAF_V_QUERY_STRING));
	assert_string_equal(waf_var_name(WAF_V_MAX), "");
}

static void
test_store(void **state)
{
	struct vars_test t;

	(void)state;
	vars_test_init(&t);
	assert_string_equal(SHOW(&t, TX), "");
	assert_int_equal(waf_vars_get(&t.vars, WAF_V_TX).n, 0);
	for (unsigned i = 0; i < 100; i++)
		waf_vars_add(&t.vars, WAF_V_TX, waf_vars_int_text(&t.vars, i), waf_vars_int_text(&t.vars, -1 - (int)i));
	assert_int_equal(t.vars.list[WAF_V_TX].n, 100);
	assert_int_equal(t.vars.list[WAF_V_TX].v[99].value.n, 4);
	assert_memory_equal(t.vars.list[WAF_V_TX].v[99].value.p, "-100", 4);
	waf_vars_set_int(&t.vars, WAF_V_DURATION, INT64_MIN);
	assert_string_equal(SHOW(&t, DURATION), "-9223372036854775808");
	waf_vars_set_int(&t.vars, WAF_V_DURATION, INT64_MAX);
	assert_string_equal(SHOW(&t, DURATION), "9223372036854775807");
	waf_vars_set_int(&t.vars, WAF_V_DURATION, 10);
	assert_string_equal(SHOW(&t, DURATION), "10");
	waf_vars_set_int(&t.vars, WAF_V_DURATION, 7);
	assert_string_equal(SHOW(&t, DURATION), "7");
	waf_vars_fail(&t.vars, WAF_E_TIME);
	waf_vars_fail(&t.vars, WAF_E_ARGS);
	assert_int_equal(t.vars.error, WAF_E_TIME);
	vars_test_free(&t);
}

static const struct {
	const char *uri, *host, *want_uri, *filename, *basename, *query, *server;
} uris[] = {
	{ "/", "h", "/", "/", "", "", "h" },
	{ "/a/b.php?x=1", "h:80", "/a/b.php?x=1", "/a/b.php", "b.php", "x=1", "h" },
	{ "/a?b?c", "[::1]:8080", "/a?b?c", "/a", "a", "b?c", "[::1]" },
	{ "/a%2fb\\c%", NULL, "/a%2fb\\c%", "/a/b\\c%", "c%", "", "" },
	{ "/a+b%20%28%2?%41", "h", "/a+b%20%28%2?%41", "/a+b (%2", "a+b (%2", "%41", "h" },
	{ "/a#f?q=1", "h", "/a#f?q=1", "/a#f", "a#f", "q=1", "h" },
	{ "/a?q=1#f", "h", "/a?q=1#f", "/a", "a", "q=1#f", "h" },
	{ "http://www.example.com:81/p/x?y", "h", "/p/x?y", "/p/x", "x", "y", "www.example.com" },
	{ "HtTpS://u:p@e.org?y", "h", "?y", "", "", "y", "e.org" },
	{ "svn+ssh://e", "h", "", "", "", "", "e" },
	{ "://e/x", "h", "://e/x", "://e/x", "x", "", "h" },
	{ "1http://e/x", "h", "1http://e/x", "1http://e/x", "x", "", "h" },
	{ "//e/x", "h", "//e/x", "//e/x", "x", "", "h" },
	{ "*", "h", "*", "*", "*", "", "h" },
	{ "example.com:443", "h", "example.com:443", "example.com:443", "example.com:443", "", "h" },
	{ "", "h", "", "", "", "", "h" },
	{ "?", "", "?", "", "", "", "" },
	{ "/\xff\x01", "[", "/\\xff\\x01", "/\\xff\\x01", "\\xff\\x01", "", "[" },
};

static void
test_uri(void **state)
{
	struct vars_test t;

	(void)state;
	for (size_t i = 0; i < COUNT(uris); i++) {
		vars_test_init(&t);
		t.req.uri = (struct waf_str){ uris[i].uri, strlen(uris[i].uri) };
		if (uris[i].host != NULL)
			vars_test_header(&t, "hOST", uris[i].host);
		waf_vars_request_headers(&t.vars, &t.set, &t.req);
		assert_string_equal(SHOW(&t, REQUEST_URI), uris[i].want_uri);
		assert_string_equal(SHOW(&t, REQUEST_FILENAME), uris[i].filename);
		assert_string_equal(SHOW(&t, REQUEST_BASENAME), uris[i].basename);
		assert_string_equal(SHOW(&t, QUERY_STRING), uris[i].query);
		assert_string_equal(SHOW(&t, SERVER_NAME), uris[i].server);
		assert_memory_equal(waf_vars_get(&t.vars, WAF_V_REQUEST_URI_RAW).p, uris[i].uri,
		    strlen(uris[i].uri));
		vars_test_free(&t);
	}
}

static void
test_request_line(void **state)
{
	struct vars_test t;

	(void)state;
	vars_test_init(&t);
	t.req.client_ip = WAF_STR("192.0.2.1");
	t.req.client_port = 50123;
	t.req.unique_id = WAF_STR("id-1");
	vars_test_header(&t, "Authorization", "Basic Zm9vOmJhcg==");
	waf_vars_request_headers(&t.vars, &t.set, &t.req);
	assert_string_equal(SHOW(&t, REQUEST_LINE), "GET / HTTP/1.1");
	assert_string_equal(SHOW(&t, REQUEST_METHOD), "GET");
	assert_string_equal(SHOW(&t, REQUEST_PROTOCOL), "HTTP/1.1");
	assert_string_equal(SHOW(&t, REMOTE_ADDR), "192.0.2.1");
	assert_string_equal(SHOW(&t, REMOTE_PORT), "50123");
	assert_string_equal(SHOW(&t, UNIQUE_ID), "id-1");
	assert_string_equal(SHOW(&t, AUTH_TYPE), "Basic");
	assert_string_equal(SHOW(&t, REMOTE_USER), "foo");
	assert_string_equal(SHOW(&t, WEBAPPID), "default");
	assert_string_equal(SHOW(&t, REQBODY_ERROR), "0");
	assert_string_equal(SHOW(&t, MULTIPART_STRICT_ERROR), "0");
	assert_string_equal(SHOW(&t, REQBODY_PROCESSOR), "");
	assert_int_equal(t.vars.list[WAF_V_REQBODY_PROCESSOR].n, 1);
	vars_test_free(&t);

	vars_test_init(&t);
	t.req.line = WAF_STR("GET  /");
	t.req.protocol = (struct waf_str){ NULL, 0 };
	waf_vars_request_headers(&t.vars, &t.set, &t.req);
	assert_string_equal(SHOW(&t, REQUEST_LINE), "GET  /");
	t.req.line.n = 0;
	waf_vars_request_headers(&t.vars, &t.set, &t.req);
	assert_string_equal(SHOW(&t, REQUEST_LINE), "GET /");
	vars_test_free(&t);
}

static void
test_full_request(void **state)
{
	struct waf_str full;
	struct vars_test t;

	(void)state;
	vars_test_init(&t);
	vars_test_header(&t, "Host", "h");
	vars_test_header(&t, "Empty", "");
	t.req.body = WAF_STR("a=1");
	waf_vars_request_headers(&t.vars, &t.set, &t.req);
	waf_vars_full_request(&t.vars, &t.req);
	full = waf_vars_get(&t.vars, WAF_V_FULL_REQUEST);
	assert_string_equal(SHOW(&t, FULL_REQUEST),
	    "GET / HTTP/1.1\\x0d\\x0aHost: h\\x0d\\x0aEmpty: \\x0d\\x0a\\x0d\\x0aa=1");
	assert_string_equal(SHOW(&t, FULL_REQUEST_LENGTH), "39");
	waf_vars_full_request(&t.vars, &t.req);
	assert_ptr_equal(waf_vars_get(&t.vars, WAF_V_FULL_REQUEST).p, full.p);
	vars_test_free(&t);
}

static void
test_nothing(void **state)
{
	struct vars_test t;

	(void)state;
	vars_test_init(&t);
	t.req = (struct waf_request){ 0 };
	t.header[0] = (struct waf_header){ 0 };
	t.req.headers = t.header;
	t.req.n_headers = 1;
	waf_vars_request_headers(&t.vars, &t.set, &t.req);
	waf_vars_request_body(&t.vars, &t.set, &t.req, true);
	assert_string_equal(SHOW(&t, REQUEST_LINE), " ");
	assert_string_equal(SHOW(&t, REQUEST_HEADERS), "=");
	assert_int_equal(t.vars.error, WAF_E_NONE);
	vars_test_free(&t);
}

static void
test_headers(void **state)
{
	struct vars_test t;

	(void)state;
	vars_test_init(&t);
	vars_test_header(&t, "Content-Type", "");
	vars_test_header(&t, "X", "1");
	vars_test_header(&t, "x", "\xc3\x01");
	vars_test_header(&t, "content-type", "multipart/form-data");
	waf_vars_request_headers(&t.vars, &t.set, &t.req);
	assert_string_equal(SHOW(&t, REQUEST_HEADERS),
	    "Content-Type=|X=1|x=\\xc3\\x01|content-type=multipart/form-data");
	assert_string_equal(SHOW(&t, REQUEST_HEADERS_NAMES),
	    "Content-Type=Content-Type|X=X|x=x|content-type=content-type");
	assert_string_equal(SHOW(&t, REQBODY_PROCESSOR), "");
	vars_test_free(&t);
}

static const struct {
	const char *type, *processor;
} types[] = {
	{ "application/x-www-form-urlencoded", "URLENCODED" },
	{ " APPLICATION/x-www-form-urlencoded ; charset=utf-8", "URLENCODED" },
	{ "multipart/form-data; boundary=x", "MULTIPART" },
	{ "Multipart/Form-Data", "MULTIPART" },
	{ "multipart/mixed", "" },
	{ "application/json", "" },
	{ "text/xml", "" },
	{ "application/x-www-form-urlencode", "" },
};

static void
test_processor(void **state)
{
	struct vars_test t;

	(void)state;
	for (size_t i = 0; i < COUNT(types); i++) {
		vars_test_init(&t);
		vars_test_header(&t, "Content-Type", types[i].type);
		waf_vars_request_headers(&t.vars, &t.set, &t.req);
		assert_string_equal(SHOW(&t, REQBODY_PROCESSOR), types[i].processor);
		vars_test_free(&t);
	}
}

static const struct {
	int format;
	const char *header, *want;
} cookies[] = {
	{ 0, "a=1", "a=1" },
	{ 0, "a=1; b=2;c=3", "a=1|b=2|c=3" },
	{ 0, "  a = 1 ; b", "a = 1 |b=" },
	{ 0, "a=b=c; a=2", "a=b=c|a=2" },
	{ 0, "a=\"x;y\"", "a=\"x|y\"=" },
	{ 0, "a=%41+", "a=%41+" },
	{ 0, ";;; ;", "" },
	{ 0, "=v; =; x=", "=v|x=" },
	{ 0, "", "" },
	{ 0, "$Version=1; a=1; $Path=/", "$Version=1|a=1|$Path=/" },
	{ 1, "$Version=1; a=1; $Path=/; b=\"x;\\\"y\" , c=3", "$Version=1|a=1|a.Path=/|b=x;\"y|c=3" },
	{ 1, "a=\"unfinished", "a=unfinished" },
	{ 1, "a=\"x\\", "a=x\\" },
	{ 1, "a=\"q\"junk; b = 2 ", "a=q|b=2" },
	{ 1, ",;,", "" },
	{ 1, "a;b", "a=|b=" },
};

static void
test_cookies(void **state)
{
	struct vars_test t;

	(void)state;
	for (size_t i = 0; i < COUNT(cookies); i++) {
		vars_test_init(&t);
		t.set.cookie_format = cookies[i].format;
		vars_test_header(&t, "cookie", cookies[i].header);
		waf_vars_request_headers(&t.vars, &t.set, &t.req);
		assert_string_equal(SHOW(&t, REQUEST_COOKIES), cookies[i].want);
		vars_test_free(&t);
	}
	vars_test_init(&t);
	vars_test_header(&t, "Cookie", "a=1");
	vars_test_header(&t, "COOKIE", "b=2");
	waf_vars_request_headers(&t.vars, &t.set, &t.req);
	assert_string_equal(SHOW(&t, REQUEST_COOKIES), "a=1|b=2");
	assert_string_equal(SHOW(&t, REQUEST_COOKIES_NAMES), "a=a|b=b");
	vars_test_free(&t);
}

#define Q(s)	{ s, sizeof(s) - 1 }
static const struct {
	struct waf_str query;
	char separator;
	const char *want;
	bool bad;
} queries[] = {
	{ Q(""), '&', "", false },
	{ Q("a=1&b=2"), '&', "a=1|b=2", false },
	{ Q("a"), '&', "a=", false },
	{ Q("a&b=&=c&="), '&', "a=|b=|=c|=", false },
	{ Q("&&"), '&', "=|=", false },
	{ Q("a=1&"), '&', "a=1", false },
	{ Q("a=b=c"), '&', "a=b=c", false },
	{ Q("a=1;b=2"), '&', "a=1;b=2", false },
	{ Q("a=1;b=2&c"), ';', "a=1|b=2&c", false },
	{ Q("%61%3d=%26+%00"), '&', "a==& \\x00", false },
	{ Q("a=%zz%4&%=%c3%A9"), '&', "a=%zz%4|%=\\xc3\\xa9", true },
	{ Q("a=%"), '&', "a=%", true },
	{ Q("a=%4"), '&', "a=%4", true },
	{ Q("a=%u0041"), '&', "a=%u0041", true },
	{ Q("a=%25%34%31"), '&', "a=%41", false },
	{ Q("\xff\0=\x80\n"), '&', "\\xff\\x00=\\x80\\x0a", false },
	{ Q("a+b=c+d"), '&', "a b=c d", false },
};

static void
test_queries(void **state)
{
	struct vars_test t;
	char uri[64];

	(void)state;
	for (size_t i = 0; i < COUNT(queries); i++) {
		vars_test_init(&t);
		t.set.argument_separator = queries[i].separator;
		memcpy(uri, "/?", 2);
		memcpy(uri + 2, queries[i].query.p, queries[i].query.n);
		t.req.uri = (struct waf_str){ uri, queries[i].query.n + 2 };
		waf_vars_request_headers(&t.vars, &t.set, &t.req);
		assert_string_equal(SHOW(&t, ARGS), queries[i].want);
		assert_string_equal(SHOW(&t, ARGS_GET), queries[i].want);
		assert_string_equal(SHOW(&t, URLENCODED_ERROR), queries[i].bad ? "1" : "0");
		assert_int_equal(t.vars.list[WAF_V_ARGS_NAMES].n, t.vars.list[WAF_V_ARGS].n);
		assert_int_equal(t.vars.list[WAF_V_ARGS_POST].n, 0);
		vars_test_free(&t);
	}
}

static uint64_t rng_state = 0xa0761d6478bd642fULL;

static unsigned
rng(unsigned n)
{
	rng_state ^= rng_state >> 12;
	rng_state ^= rng_state << 25;
	rng_state ^= rng_state >> 27;
	return (unsigned)((rng_state * 2685821657736338717ULL) >> 40) % n;
}

/* <n> random bytes, and the same encoded for a form, some more than they need to be. */
static size_t
encode(char *out, char *plain, size_t n)
{
	char *o = out;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)(rng(3) ? rng(256) : (unsigned)"&=+% a"[rng(6)]);

		plain[i] = (char)c;
		if (c == ' ' && rng(2))
			*o++ = '+';
		else if (c == '&' || c == '=' || c == '+' || c == '%' || c == ' ' || rng(4) == 0)
			o += sprintf(o, rng(2) ? "%%%02x" : "%%%02X", c);
		else
			*o++ = (char)c;
	}
	return (size_t)(o - out);
}

static void
test_query_round_trip(void **state)
{
	enum { PAIRS = 8, LEN = 12 };
	char uri[2 + PAIRS * (LEN * 6 + 2)], plain[PAIRS][2][LEN];
	size_t len[PAIRS][2];

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		size_t n = 1 + rng(PAIRS);
		char *p = uri + sprintf(uri, "/?");
		struct vars_test t;

		for (size_t i = 0; i < n; i++)
			for (int k = 0; k < 2; k++) {
				len[i][k] = rng(LEN + 1);
				p += encode(p, plain[i][k], len[i][k]);
				*p++ = k ? '&' : '=';
			}
		vars_test_init(&t);
		t.req.uri = (struct waf_str){ uri, (size_t)(p - uri) };
		waf_vars_request_headers(&t.vars, &t.set, &t.req);
		assert_int_equal(t.vars.list[WAF_V_ARGS].n, n);
		for (size_t i = 0; i < n; i++) {
			const struct waf_val *v = &t.vars.list[WAF_V_ARGS].v[i];

			assert_int_equal(v->key.n, len[i][0]);
			assert_memory_equal(v->key.p, plain[i][0], len[i][0]);
			assert_int_equal(v->value.n, len[i][1]);
			assert_memory_equal(v->value.p, plain[i][1], len[i][1]);
		}
		assert_string_equal(SHOW(&t, URLENCODED_ERROR), "0");
		vars_test_free(&t);
	}
}

/* What needs no decoding must not be copied: it points into the request. */
static void
test_zero_copy(void **state)
{
	struct vars_test t;
	const struct waf_val *v;

	(void)state;
	vars_test_init(&t);
	t.req.uri = WAF_STR("/?name=value&n%65=v");
	waf_vars_request_headers(&t.vars, &t.set, &t.req);
	v = t.vars.list[WAF_V_ARGS].v;
	assert_ptr_equal(v[0].key.p, t.req.uri.p + 2);
	assert_ptr_equal(v[0].value.p, t.req.uri.p + 7);
	assert_string_equal(SHOW(&t, ARGS_NAMES), "name=name|ne=ne");
	assert_ptr_equal(v[1].value.p, t.req.uri.p + 18);
	vars_test_free(&t);
}

static void
test_args_limit(void **state)
{
	struct vars_test t;

	(void)state;
	vars_test_init(&t);
	t.set.arguments_limit = 3;
	t.req.uri = WAF_STR("/?a&b&c");
	waf_vars_request_headers(&t.vars, &t.set, &t.req);
	assert_int_equal(t.vars.error, WAF_E_NONE);
	assert_string_equal(SHOW(&t, ARGS_COMBINED_SIZE), "3");
	vars_test_free(&t);

	vars_test_init(&t);
	t.set.arguments_limit = 3;
	t.req.uri = WAF_STR("/?a&b&c&d&e=%");
	waf_vars_request_headers(&t.vars, &t.set, &t.req);
	assert_int_equal(t.vars.error, WAF_E_ARGS);
	assert_string_equal(SHOW(&t, ARGS), "a=|b=|c=");
	assert_string_equal(SHOW(&t, REQBODY_ERROR), "1");
	vars_test_free(&t);
}

static void
test_cookies_limit(void **state)
{
	struct vars_test t;

	(void)state;
	for (int format = 0; format < 2; format++) {
		vars_test_init(&t);
		t.set.arguments_limit = 2;
		t.set.cookie_format = format;
		vars_test_header(&t, "Cookie", "a;b");
		waf_vars_request_headers(&t.vars, &t.set, &t.req);
		assert_int_equal(t.vars.error, WAF_E_NONE);
		vars_test_header(&t, "Cookie", "c;d");
		t.vars.list[WAF_V_REQUEST_COOKIES].n = t.vars.list[WAF_V_REQUEST_COOKIES_NAMES].n = 0;
		waf_vars_request_headers(&t.vars, &t.set, &t.req);
		assert_int_equal(t.vars.error, WAF_E_ARGS);
		assert_string_equal(SHOW(&t, REQUEST_COOKIES), "a=|b=");
		vars_test_free(&t);
	}
}

/* However little memory there is: an error, never a crash. */
static void
test_memory(void **state)
{
	struct vars_test t;

	(void)state;
	for (size_t limit = 1; limit < 4000; limit += 7) {
		vars_test_init(&t);
		arena_free(&t.arena);
		t.arena = arena_new(limit);
		waf_vars_init(&t.vars, t.arena);
		t.set.cookie_format = 1;
		t.req.uri = WAF_STR("/?a%41=b+c&d=e&f&g");
		vars_test_header(&t, "Cookie", "a=\"b\\c\"; $Path=/");
		vars_test_header(&t, "Authorization", "basic Zm9vOmJhcg==");
		waf_vars_request_headers(&t.vars, &t.set, &t.req);
		assert_int_equal(t.vars.error, arena_failed(t.arena) ? WAF_E_MEMORY : WAF_E_NONE);
		vars_test_free(&t);
	}
}

static const struct {
	const char *type;
	size_t len;
	enum waf_limit_action action;
	bool access;
	size_t want_len;
	const char *over;
	enum waf_error error;
} responses[] = {
	{ "text/html; charset=utf-8", 10, WAF_LIMIT_PARTIAL, true, 10, "0", WAF_E_NONE },
	{ "TEXT/HTML", 11, WAF_LIMIT_PARTIAL, true, 10, "1", WAF_E_NONE },
	{ "text/html", 11, WAF_LIMIT_REJECT, true, 10, "1", WAF_E_BODY_LIMIT },
	{ "text/html", 10, WAF_LIMIT_REJECT, false, 0, "0", WAF_E_NONE },
	{ "image/png", 11, WAF_LIMIT_REJECT, true, 0, "0", WAF_E_NONE },
	{ "text/htmlx", 4, WAF_LIMIT_REJECT, true, 0, "0", WAF_E_NONE },
	{ NULL, 4, WAF_LIMIT_REJECT, true, 4, "0", WAF_E_NONE },
};

static void
test_response(void **state)
{
	static struct waf_str mime[] = { WAF_STR("text/html"), WAF_STR("(null)") };
	struct waf_response rsp;
	struct vars_test t;

	(void)state;
	for (size_t i = 0; i < COUNT(responses); i++) {
		vars_test_init(&t);
		t.set.response_mime = mime;
		t.set.n_response_mime = 2;
		t.set.response_body_access = responses[i].access;
		t.set.response_body_limit = 10;
		t.set.response_body_limit_action = responses[i].action;
		if (responses[i].type != NULL)
			vars_test_header(&t, "content-type", responses[i].type);
		rsp = (struct waf_response){ .status = 404, .protocol = WAF_STR("HTTP/1.1"),
		    .headers = t.header, .n_headers = t.req.n_headers,
		    .body = { "0123456789abc", responses[i].len } };
		t.req.n_headers = 0;
		waf_vars_request_headers(&t.vars, &t.set, &t.req);
		waf_vars_response_headers(&t.vars, &t.set, &rsp);
		waf_vars_response_body(&t.vars, &t.set, &rsp);
		assert_int_equal(waf_vars_get(&t.vars, WAF_V_RESPONSE_BODY).n, responses[i].want_len);
		assert_string_equal(SHOW(&t, OUTBOUND_DATA_ERROR), responses[i].over);
		assert_string_equal(SHOW(&t, RESPONSE_STATUS), "404");
		assert_string_equal(SHOW(&t, STATUS_LINE), "HTTP/1.1 404");
		assert_int_equal(t.vars.error, responses[i].error);
		vars_test_free(&t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names), cmocka_unit_test(test_store), cmocka_unit_test(test_uri),
		cmocka_unit_test(test_request_line), cmocka_unit_test(test_full_request), cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_headers), cmocka_unit_test(test_processor),
		cmocka_unit_test(test_cookies), cmocka_unit_test(test_queries),
		cmocka_unit_test(test_query_round_trip), cmocka_unit_test(test_zero_copy), cmocka_unit_test(test_args_limit),
		cmocka_unit_test(test_cookies_limit), cmocka_unit_test(test_memory), cmocka_unit_test(test_response),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
