/* SPDX-License-Identifier: MIT */
/* The request guard: what counts as cut, who gets the softer policy; and the headers it reads. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "haproxy-spoa/eng_guard.h"
#include "haproxy-spoa/req_view.h"
#include "lib/arena.h"
#include "lib/wire.h"

#define BUFSIZE		16384
#define MAXREWRITE	1024

static char body[65536];
static const char *version = "1.1";

struct pair {
	const char	*name, *value;
};

static size_t
hdrs_encode(uint8_t *b, size_t size, const struct pair *h)
{
	struct wire_out o;

	wire_out_init(&o, b, size);
	for (; h->name != NULL; h++) {
		wire_put_str(&o, h->name, strlen(h->name));
		wire_put_str(&o, h->value, strlen(h->value));
	}
	wire_put_u8(&o, 0);
	wire_put_u8(&o, 0);
	assert_int_equal(o.err, 0);
	return wire_out_len(&o);
}

static enum guard_finding
find(const struct pair *h, size_t body_len, int64_t body_size, const char *path)
{
	static uint8_t b[32768];
	struct arena *a = arena_new(0);
	struct req_view r;
	enum guard_finding f;

	req_view_init(&r);
	assert_int_equal(req_view_headers(&r, b, hdrs_encode(b, sizeof(b), h), a), 0);
	r.path = (struct span){path, strlen(path)};
	r.version = (struct span){version, strlen(version)};
	r.body = (struct span){body, body_len};
	r.body_size = body_size;
	r.flags &= ~(unsigned)REQ_NO_BODY_ARG;
	f = guard_find(&r, BUFSIZE, MAXREWRITE);
	arena_free(&a);
	return f;
}

static void
content_length_decides(void **state)
{
	const struct pair h100[] = {{"host", "x"}, {"Content-Length", "100"}, {NULL, NULL}};
	const struct pair h0[] = {{"content-length", "0"}, {NULL, NULL}};
	const struct pair none[] = {{"host", "x"}, {NULL, NULL}};

	assert_int_equal(find(h100, 100, 100, "/"), GUARD_WHOLE);
	assert_int_equal(find(h100, 99, 100, "/"), GUARD_CUT);
	assert_int_equal(find(h100, 99, 99, "/"), GUARD_CUT);
	assert_int_equal(find(h0, 0, 0, "/"), GUARD_WHOLE);
	assert_int_equal(find(none, 0, 0, "/"), GUARD_WHOLE);
}

static void
bad_lengths_conflict(void **state)
{
	static const char *const bad[] = {"", "-1", "+5", "0x10", "1 ", "1,2", "9999999999999999999999"};
	const struct pair two[] = {{"content-length", "5"}, {"content-length", "6"}, {NULL, NULL}};
	const struct pair both[] = {{"content-length", "0"}, {"transfer-encoding", "chunked"}, {NULL, NULL}};
	const struct pair same[] = {{"content-length", "5"}, {"content-length", "5"}, {NULL, NULL}};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const struct pair h[] = {{"content-length", bad[i]}, {NULL, NULL}};

		assert_int_equal(find(h, 5, 5, "/"), GUARD_CONFLICT);
	}
	assert_int_equal(find(two, 5, 5, "/"), GUARD_CONFLICT);
	assert_int_equal(find(both, 0, 0, "/"), GUARD_CONFLICT);
	assert_int_equal(find(both, 15196, 15196, "/"), GUARD_CONFLICT);
	assert_int_equal(find(same, 5, 5, "/"), GUARD_WHOLE);
}

/* The figures HAProxy 2.6 showed with 16384 bytes of buffer: it parsed more than it handed over. */
static void
chunked_is_judged_by_the_buffer(void **state)
{
	const struct pair h[] = {{"host", "x"}, {"transfer-encoding", "chunked"}, {NULL, NULL}};

	assert_int_equal(find(h, 1000, 1000, "/"), GUARD_WHOLE);
	assert_int_equal(find(h, 13000, 13000, "/"), GUARD_WHOLE);
	assert_int_equal(find(h, 15196, 16000, "/"), GUARD_CUT);
	assert_int_equal(find(h, 15196, 15196, "/"), GUARD_CUT);
}

static void
padding_does_not_hide_a_body(void **state)
{
	static char pad[6001];
	const struct pair h[] = {{"host", "x"}, {"transfer-encoding", "chunked"}, {"x-pad", pad}, {NULL, NULL}};
	const struct pair slim[] = {{"host", "x"}, {"transfer-encoding", "chunked"}, {NULL, NULL}};

	memset(pad, 'p', 6000);
	assert_int_equal(find(h, 9099, 9099, "/"), GUARD_CUT);
	assert_int_equal(find(slim, 9099, 9099, pad), GUARD_CUT);
	assert_int_equal(find(slim, 9099, 9099, "/"), GUARD_WHOLE);
}

/* Headers that leave no byte of room: the body is there, only not here. */
static void
headers_alone_can_fill_the_buffer(void **state)
{
	static char pad[15201];
	const struct pair chunked[] = {{"transfer-encoding", "chunked"}, {"x-pad", pad}, {NULL, NULL}};
	const struct pair bare[] = {{"x-pad", pad}, {NULL, NULL}}, small[] = {{"host", "x"}, {NULL, NULL}};

	memset(pad, 'p', 15200);
	assert_int_equal(find(chunked, 0, 0, "/"), GUARD_CUT);
	assert_int_equal(find(bare, 0, 0, "/"), GUARD_WHOLE);
	version = "2.0";
	assert_int_equal(find(bare, 0, 0, "/"), GUARD_CUT);
	assert_int_equal(find(small, 0, 0, "/"), GUARD_WHOLE);
	version = "1.1";
}

static void
missing_arguments_are_never_whole(void **state)
{
	const struct pair h[] = {{"content-length", "5"}, {NULL, NULL}};
	uint8_t b[64];
	struct arena *a = arena_new(0);
	struct req_view r;

	req_view_init(&r);
	assert_int_equal(guard_find(&r, BUFSIZE, MAXREWRITE), GUARD_UNKNOWN);
	assert_int_equal(req_view_headers(&r, b, hdrs_encode(b, sizeof(b), h), a), 0);
	assert_int_equal(guard_find(&r, BUFSIZE, MAXREWRITE), GUARD_CUT);
	arena_free(&a);
}

static void
odd_paths_get_no_softer_policy(void **state)
{
	struct guard_route routes[] = {{(char *)(uintptr_t)"/v1/chat", GUARD_FLAG}};
	struct guard_conf c = {.oversize = GUARD_DENY, .routes = routes, .n_routes = 1};
	static const char *const deny[] = {"/", "/v1", "/V1/chat", "/v1/chat/../admin", "/v1/chat/..", "/v1/chat//x",
		"/v1/chat/%2e%2e/admin", "/v1/chat%2Fx", "/v1/chat\\x", "/v1/chat/%252e", "/v1/chat/./x"};
	struct req_view r;

	req_view_init(&r);
	r.path = (struct span){"/v1/chat/completions", 20};
	assert_int_equal(guard_route_policy(&c, &r), GUARD_FLAG);
	for (size_t i = 0; i < sizeof(deny) / sizeof(*deny); i++) {
		r.path = (struct span){deny[i], strlen(deny[i])};
		assert_int_equal(guard_route_policy(&c, &r), GUARD_DENY);
	}
}

static void
hdrs_bin_is_strict(void **state)
{
	const struct pair h[] = {{"a", "1"}, {"b", ""}, {NULL, NULL}};
	struct arena *a = arena_new(0);
	struct req_view r;
	uint8_t b[64];
	size_t n = hdrs_encode(b, sizeof(b), h);

	req_view_init(&r);
	assert_int_equal(req_view_headers(&r, b, n, a), 0);
	assert_int_equal(r.n_headers, 2);
	assert_non_null(req_view_header(&r, "A", NULL));
	assert_null(req_view_header(&r, "c", NULL));
	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(req_view_headers(&r, b, cut, a), -EPROTO);
	b[n] = 1;
	assert_int_equal(req_view_headers(&r, b, n + 1, a), -EPROTO);
	arena_free(&a);
}

static void
hdrs_bin_is_bounded(void **state)
{
	struct arena *a = arena_new(0);
	struct req_view r;
	struct wire_out o;
	size_t size = REQ_HEADERS_MAX * 4 + 64;
	uint8_t *b = malloc(size);

	for (unsigned extra = 0; extra < 2; extra++) {
		wire_out_init(&o, b, size);
		for (unsigned i = 0; i < REQ_HEADERS_MAX + extra; i++) {
			wire_put_str(&o, "h", 1);
			wire_put_str(&o, "v", 1);
		}
		wire_put_be16(&o, 0);
		req_view_init(&r);
		assert_int_equal(req_view_headers(&r, b, wire_out_len(&o), a), extra ? -E2BIG : 0);
	}
	free(b);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_length_decides), cmocka_unit_test(bad_lengths_conflict),
		cmocka_unit_test(chunked_is_judged_by_the_buffer),
		cmocka_unit_test(padding_does_not_hide_a_body),
		cmocka_unit_test(headers_alone_can_fill_the_buffer),
		cmocka_unit_test(missing_arguments_are_never_whole),
		cmocka_unit_test(odd_paths_get_no_softer_policy), cmocka_unit_test(hdrs_bin_is_strict),
		cmocka_unit_test(hdrs_bin_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
