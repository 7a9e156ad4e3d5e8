/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "icap-llmsec/dialect.h"
#include "icap-llmsec/url_path.h"

struct row {
	const char	*method, *url;
	enum dialect	 dialect;
	enum llm_op	 op;
	const char	*model;
};

#define O DIALECT_OPENAI
#define A DIALECT_ANTHROPIC
#define G DIALECT_GEMINI
#define L DIALECT_OLLAMA
#define NO DIALECT_NONE

static void
check_rows(const struct row *t, size_t n)
{
	struct llm_route r;

	for (size_t i = 0; i < n; i++) {
		dialect_route(t[i].method, t[i].url, strlen(t[i].url), &r);
		if (r.dialect != t[i].dialect || r.op != t[i].op || strcmp(r.model, t[i].model ? t[i].model : "") != 0)
			fail_msg("%s %s: dialect %s op %d model \"%s\"", t[i].method, t[i].url,
			    dialect_name(r.dialect), (int)r.op, r.model);
	}
}

#define CHECK(t) check_rows(t, sizeof(t) / sizeof((t)[0]))

static void
test_routes(void **state)
{
	static const struct row t[] = {
		{ "POST", "/v1/chat/completions", O, OP_CHAT, NULL },
		{ "POST", "/v1/completions", O, OP_COMPLETION, NULL },
		{ "POST", "/v1/responses", O, OP_RESPONSES, NULL },
		{ "POST", "/v1/embeddings", O, OP_EMBEDDINGS, NULL },
		{ "POST", "/v1/moderations", O, OP_MODERATIONS, NULL },
		{ "POST", "/v1/files", O, OP_FILES, NULL },
		{ "GET", "/v1/files/file-1/content", O, OP_FILES, NULL },
		{ "POST", "/v1/uploads/u-1/parts", O, OP_FILES, NULL },
		{ "GET", "/v1/models", O, OP_MODELS, NULL },
		{ "GET", "/v1/models/ft:gpt-4o:org:x", O, OP_MODELS, NULL },
		{ "GET", "/v1/responses/resp_1", O, OP_MODELS, NULL },
		{ "POST", "/v1/responses/resp_1", O, OP_UNKNOWN, NULL },
		{ "POST", "/v1/models", O, OP_UNKNOWN, NULL },
		{ "POST", "/v1/audio/speech", O, OP_MEDIA, NULL },
		{ "POST", "/v1/images/generations", O, OP_MEDIA, NULL },
		{ "POST", "/v1/audio/voices", O, OP_UNKNOWN, NULL },
		{ "POST", "https://api.example/v1/chat/completions?x=1#y", O, OP_CHAT, NULL },
		{ "POST", "/v1/messages", A, OP_CHAT, NULL },
		{ "POST", "/v1/messages?beta=true", A, OP_CHAT, NULL },
		{ "POST", "/v1/messages/count_tokens", A, OP_COUNT_TOKENS, NULL },
		{ "POST", "/v1/messages/batches", A, OP_UNKNOWN, NULL },
		{ "POST", "/v1beta/models/gemini-2.5-flash:generateContent", G, OP_CHAT, "gemini-2.5-flash" },
		{ "POST", "/v1beta/models/g:countTokens", G, OP_COUNT_TOKENS, "g" },
		{ "POST", "/v1beta/models/g:embedContent", G, OP_EMBEDDINGS, "g" },
		{ "POST", "/v1beta/models/g:batchEmbedContents", G, OP_EMBEDDINGS, "g" },
		{ "POST", "/v1beta/models/g:predict", G, OP_UNKNOWN, "g" },
		{ "POST", "/v1/models/g:generateContent", G, OP_CHAT, "g" },
		{ "POST", "/v1alpha/models/g:generateContent", G, OP_CHAT, "g" },
		{ "GET", "/v1beta/models", G, OP_MODELS, NULL },
		{ "GET", "/v1beta/models/g", G, OP_MODELS, "g" },
		{ "POST", "/upload/v1beta/files", G, OP_FILES, NULL },
		{ "POST", "/v1beta/cachedContents", G, OP_UNKNOWN, NULL },
		{ "POST", "/v1beta/openai/chat/completions", O, OP_CHAT, NULL },
		{ "POST", "/api/chat", L, OP_CHAT, NULL },
		{ "POST", "/api/generate", L, OP_COMPLETION, NULL },
		{ "POST", "/api/embed", L, OP_EMBEDDINGS, NULL },
		{ "POST", "/api/embeddings", L, OP_EMBEDDINGS, NULL },
		{ "GET", "/api/tags", L, OP_MODELS, NULL },
		{ "POST", "/api/pull", L, OP_UNKNOWN, NULL },
		{ "POST", "/openai/deployments/gpt4/chat/completions?api-version=2024-10-21", O, OP_CHAT, "gpt4" },
		{ "POST", "/openai/deployments/e/embeddings", O, OP_EMBEDDINGS, "e" },
		{ "POST", "/openai/deployments/gpt4", O, OP_UNKNOWN, NULL },
		{ "POST", "/openai/v1/responses", O, OP_RESPONSES, NULL },
		{ "POST", "/openai/responses", O, OP_RESPONSES, NULL },
		{ "POST", "/inference/v1/chat/completions", O, OP_CHAT, NULL },
		{ "POST", "/api/v1/chat/completions", O, OP_CHAT, NULL },
		{ "POST", "/proxy/v1/messages", A, OP_CHAT, NULL },
		{ "POST", "/g/v1beta/models/g:generateContent", G, OP_CHAT, "g" },
		{ "POST", "/chat/completions", O, OP_CHAT, NULL },
		{ "POST", "/v4/chat/completions", O, OP_CHAT, NULL },
		{ "GET", "/", NO, OP_NONE, NULL },
		{ "POST", "/v1", NO, OP_NONE, NULL },
		{ "POST", "/v10/messages", NO, OP_NONE, NULL },
		{ "POST", "/docs/v1/changelog", NO, OP_NONE, NULL },
		{ "POST", "", NO, OP_NONE, NULL },
		{ "POST", "/x?/v1/chat/completions", NO, OP_NONE, NULL },
	};
	struct llm_route r;

	CHECK(t);
	dialect_route("POST", "/openai/deployments/d/chat/completions", 38, &r);
	assert_true(r.azure);
	dialect_route("POST", "/openai/v1/responses", 20, &r);
	assert_true(r.azure);
	dialect_route("POST", "/v1/responses", 13, &r);
	assert_false(r.azure);
}

/* Ways to write a path that an origin reads as the plain one. */
static void
test_spellings_known(void **state)
{
	static const struct row t[] = {
		{ "POST", "//v1//chat///completions/", O, OP_CHAT, NULL },
		{ "POST", "/v1/./chat/completions", O, OP_CHAT, NULL },
		{ "POST", "/v1/x/../chat/completions", O, OP_CHAT, NULL },
		{ "POST", "/x/../v1/chat/completions/.", O, OP_CHAT, NULL },
		{ "POST", "/../../v1/chat/completions", O, OP_CHAT, NULL },
		{ "POST", "/v1/chat/completions/x/..", O, OP_CHAT, NULL },
		{ "POST", "/v1/%63hat/completions", O, OP_CHAT, NULL },
		{ "POST", "/%76%31/chat%2Fcompletions", O, OP_CHAT, NULL },
		{ "POST", "/v1%2fchat%2fcompletions", O, OP_CHAT, NULL },
		{ "POST", "/x/%2e%2e/v1/chat/completions", O, OP_CHAT, NULL },
		{ "POST", "/v1\\chat\\completions", O, OP_CHAT, NULL },
		{ "POST", "/v1%5Cchat/completions", O, OP_CHAT, NULL },
		{ "POST", "/V1/Chat/COMPLETIONS", O, OP_CHAT, NULL },
		{ "POST", "/V1/Messages", A, OP_CHAT, NULL },
		{ "POST", "/API/Chat", L, OP_CHAT, NULL },
		{ "POST", "/OpenAI/Deployments/D/Chat/Completions", O, OP_CHAT, "D" },
		{ "POST", "/v1beta/models/g%3AgenerateContent", G, OP_CHAT, "g" },
		{ "POST", "HTTP://h:8080//v1/messages", A, OP_CHAT, NULL },
	};

	CHECK(t);
}

/* Ways that only some origins read so: never passed as if they were no route, never trusted as one. */
static void
test_spellings_odd(void **state)
{
	static const struct row t[] = {
		{ "POST", "/x/%252e%252e/v1/chat/completions", O, OP_UNKNOWN, NULL },
		{ "POST", "/%25252e/v1/chat/completions", O, OP_UNKNOWN, NULL },
		{ "POST", "/v1%252fchat/completions", O, OP_UNKNOWN, NULL },
		{ "POST", "/v1/chat/completions;a=b", O, OP_UNKNOWN, NULL },
		{ "POST", "/v1;a/chat/completions", O, OP_UNKNOWN, NULL },
		{ "POST", "/v1/messages;jsessionid=1", A, OP_UNKNOWN, NULL },
		{ "POST", "/..;/v1/chat/completions", O, OP_UNKNOWN, NULL },
		{ "POST", "/v1/chat/completions%00", O, OP_UNKNOWN, NULL },
		{ "POST", "/v1%00/chat/completions", O, OP_UNKNOWN, NULL },
		{ "POST", "/v1/chat/completions%20", O, OP_UNKNOWN, NULL },
		{ "POST", "/v1/chat/completions%3Fx", O, OP_UNKNOWN, NULL },
		{ "POST", "/v1/cha%0at/completions", O, OP_UNKNOWN, NULL },
		{ "POST", "/v1%c0%afchat/completions", O, OP_UNKNOWN, NULL },
		{ "POST", "/x/%c0%ae%c0%ae/v1/chat/completions", O, OP_UNKNOWN, NULL },
		{ "POST", "/v1/chat/completions%zz", O, OP_UNKNOWN, NULL },
		{ "GET", "/v1/models%20", O, OP_UNKNOWN, NULL },
	};
	struct llm_route r;

	CHECK(t);
	dialect_route("POST", "/v1\0/chat/completions", 21, &r);
	assert_int_equal(r.op, OP_UNKNOWN);
}

static void
test_over_long(void **state)
{
	static const char tail[] = "/../v1/chat/completions";
	size_t len = URL_PATH_MAX + 100;
	char *url = malloc(len + sizeof(tail));
	struct llm_route r;

	assert_non_null(url);
	memset(url, 'a', len);
	url[0] = '/';
	memcpy(url + len, tail, sizeof(tail));
	dialect_route("POST", url, len + sizeof(tail) - 1, &r);
	assert_int_equal(r.op, OP_UNKNOWN);
	assert_int_not_equal(r.dialect, DIALECT_NONE);
	dialect_route("GET", url, len, &r);
	assert_int_equal(r.op, OP_UNKNOWN);
	/* as long as it may be */
	memcpy(url + URL_PATH_MAX - sizeof(tail) + 1, tail, sizeof(tail) - 1);
	dialect_route("POST", url, URL_PATH_MAX, &r);
	assert_int_equal(r.op, OP_CHAT);
	/* a model's name is cut, the verb behind it is not */
	memcpy(url, "/v1beta/models/", 15);
	memcpy(url + 1000, ":generateContent", 16);
	dialect_route("POST", url, 1016, &r);
	assert_int_equal(r.op, OP_CHAT);
	assert_int_equal(strlen(r.model), sizeof(r.model) - 1);
	free(url);
}

static void
test_stream(void **state)
{
	static const struct { const char *url; bool stream; } t[] = {
		{ "/v1beta/models/g:streamGenerateContent", true },
		{ "/v1beta/models/g:STREAMgenerateContent?key=1", true },
		{ "/v1beta/models/g:generateContent?alt=sse", true },
		{ "/v1beta/models/g:generateContent?key=1&alt=sse&x", true },
		{ "/v1beta/models/g:generateContent?alt=sse2", false },
		{ "/v1beta/models/g:generateContent?xalt=sse", false },
		{ "/v1beta/models/g:generateContent", false },
		{ "/v1/chat/completions?alt=sse", false },
	};
	struct llm_route r;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		dialect_route("POST", t[i].url, strlen(t[i].url), &r);
		if (r.stream != t[i].stream)
			fail_msg("%s", t[i].url);
	}
}

/* --- refusals ---------------------------------------------------------------------------------- */

static const char *const rules[] = { "R-1", "R-\"2\"" };
static const struct refusal refusal = { .status = 403, .message = "no \"way\"\n", .code = "prompt_injection",
	.param = "messages[0].content", .request_id = "id-1", .rule_ids = rules, .n_rule_ids = 2 };

static json_t *
error_of(enum dialect d, const struct refusal *r)
{
	struct buf b = { 0 };
	json_t *j;

	assert_int_equal(dialect_error_json(&b, d, r), 0);
	j = json_loadb(buf_ptr(&b), buf_len(&b), JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(j);
	buf_free(&b);
	return j;
}

static void
check_rules(const json_t *a)
{
	assert_int_equal(json_array_size(a), 2);
	assert_string_equal(json_string_value(json_array_get(a, 1)), "R-\"2\"");
}

static void
test_errors(void **state)
{
	const char *msg, *type, *param, *code, *id;
	json_t *j, *a;
	int status;

	j = error_of(DIALECT_OPENAI, &refusal);
	assert_int_equal(json_unpack(j, "{s:{s:s,s:s,s:s,s:s,s:s,s:o}}", "error", "message", &msg, "type", &type, "param",
	    &param, "code", &code, "request_id", &id, "rule_ids", &a), 0);
	assert_string_equal(msg, "no \"way\"\n");
	assert_string_equal(type, "permission_error");
	assert_string_equal(param, "messages[0].content");
	assert_string_equal(code, "prompt_injection");
	assert_string_equal(id, "id-1");
	check_rules(a);
	json_decref(j);
	j = error_of(DIALECT_ANTHROPIC, &refusal);
	assert_int_equal(json_unpack(j, "{s:s,s:{s:s,s:s},s:s,s:o}", "type", &type, "error", "type", &code, "message", &msg,
	    "request_id", &id, "rule_ids", &a), 0);
	assert_string_equal(type, "error");
	assert_string_equal(code, "permission_error");
	check_rules(a);
	json_decref(j);
	j = error_of(DIALECT_GEMINI, &refusal);
	assert_int_equal(json_unpack(j, "{s:{s:i,s:s,s:s,s:[{s:s,s:{s:s},s:o}]}}", "error", "code", &status, "message", &msg,
	    "status", &type, "details", "reason", &code, "metadata", "request_id", &id, "rule_ids", &a), 0);
	assert_int_equal(status, 403);
	assert_string_equal(type, "PERMISSION_DENIED");
	check_rules(a);
	json_decref(j);
	j = error_of(DIALECT_OLLAMA, &refusal);
	assert_int_equal(json_unpack(j, "{s:s,s:s,s:o}", "error", &msg, "request_id", &id, "rule_ids", &a), 0);
	check_rules(a);
	json_decref(j);
}

static void
test_error_types(void **state)
{
	static const struct { int status; const char *o, *a, *g; } t[] = {
		{ 400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT" },
		{ 402, "insufficient_quota", "billing_error", "RESOURCE_EXHAUSTED" },
		{ 413, "invalid_request_error", "request_too_large", "INVALID_ARGUMENT" },
		{ 429, "rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED" },
		{ 503, "server_error", "overloaded_error", "UNAVAILABLE" },
		{ 599, "server_error", "api_error", "INTERNAL" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct refusal r = { .status = t[i].status, .message = "m" };
		json_t *o = error_of(DIALECT_OPENAI, &r), *a = error_of(DIALECT_ANTHROPIC, &r),
		    *g = error_of(DIALECT_GEMINI, &r);

		assert_string_equal(json_string_value(json_object_get(json_object_get(o, "error"), "type")), t[i].o);
		assert_true(json_is_null(json_object_get(json_object_get(o, "error"), "param")));
		assert_string_equal(json_string_value(json_object_get(json_object_get(a, "error"), "type")), t[i].a);
		assert_string_equal(json_string_value(json_object_get(json_object_get(g, "error"), "status")), t[i].g);
		json_decref(o);
		json_decref(a);
		json_decref(g);
	}
}

static void
test_error_stream(void **state)
{
	static const struct { const char *url, *head, *tail; } t[] = {
		{ "/v1/chat/completions", "data: {\"error\":", "}}\n\n" },
		{ "/v1/responses", "event: error\ndata: {", "}\n\n" },
		{ "/v1/messages", "event: error\ndata: {\"type\":\"error\"", "}\n\n" },
		{ "/v1beta/models/g:streamGenerateContent", "data: {\"error\":", "}\r\n\r\n" },
		{ "/api/chat", "{\"error\":\"", "}\n" },
	};
	struct llm_route r;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct buf b = { 0 };

		dialect_route("POST", t[i].url, strlen(t[i].url), &r);
		assert_int_equal(dialect_error_stream(&b, &r, &refusal), 0);
		assert_memory_equal(buf_ptr(&b), t[i].head, strlen(t[i].head));
		assert_memory_equal(buf_ptr(&b) + buf_len(&b) - strlen(t[i].tail), t[i].tail, strlen(t[i].tail));
		buf_free(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes), cmocka_unit_test(test_spellings_known),
		cmocka_unit_test(test_spellings_odd), cmocka_unit_test(test_over_long), cmocka_unit_test(test_stream),
		cmocka_unit_test(test_errors), cmocka_unit_test(test_error_types), cmocka_unit_test(test_error_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
