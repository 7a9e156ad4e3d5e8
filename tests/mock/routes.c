/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "mock.h"
#include "record.h"

static int
mock_requests(struct call *c, struct reply *r)
{
	const char *n = call_query(c, "n"), *id = call_query(c, "id"), *since = call_query(c, "since");
	struct record_query q = {
		.id = id ? strtoull(id, NULL, 10) : 0,
		.since = since ? strtoull(since, NULL, 10) : 0,
		.n = n ? (unsigned)strtoul(n, NULL, 10) : RECORD_MAX,
		.contains = call_query(c, "contains"),
		.path = call_query(c, "path"),
	};

	return reply_json(c, r, 200, record_list(&q));
}

static int
mock_clear(struct call *c, struct reply *r)
{
	record_clear();
	return reply_json(c, r, 200, record_stats());
}

static int
mock_stats(struct call *c, struct reply *r)
{
	return reply_json(c, r, 200, record_stats());
}

static int
ollama_version(struct call *c, struct reply *r)
{
	return reply_json(c, r, 200, json_pack("{ss}", "version", "0.0-mock"));
}

static const struct route {
	const char *method, *pattern;
	enum dialect dialect;
	int (*serve)(struct call *, struct reply *);
} routes[] = {
	{ "POST", "/v1/chat/completions", DIALECT_OPENAI, openai_chat },
	{ "POST", "/v1/completions", DIALECT_OPENAI, openai_completions },
	{ "POST", "/v1/responses", DIALECT_OPENAI, openai_responses },
	{ "POST", "/v1/embeddings", DIALECT_OPENAI, openai_embeddings },
	{ "POST", "/v1/moderations", DIALECT_OPENAI, openai_moderations },
	{ "POST", "/v1/files", DIALECT_OPENAI, files_create },
	{ "GET", "/v1/files", DIALECT_OPENAI, files_list },
	{ "GET", "/v1/files/*", DIALECT_OPENAI, files_get },
	{ "DELETE", "/v1/files/*", DIALECT_OPENAI, files_delete },
	{ "POST", "/v1/messages", DIALECT_ANTHROPIC, anthropic_messages },
	{ "POST", "/v1/messages/count_tokens", DIALECT_ANTHROPIC, anthropic_count_tokens },
	{ "POST", "/v1*/models/*:generateContent", DIALECT_GEMINI, gemini_generate },
	{ "POST", "/v1*/models/*:streamGenerateContent", DIALECT_GEMINI, gemini_generate },
	{ "POST", "/v1*/models/*:countTokens", DIALECT_GEMINI, gemini_count_tokens },
	{ "POST", "/v1*/models/*:embedContent", DIALECT_GEMINI, gemini_embed },
	{ "POST", "/v1*/models/*:batchEmbedContents", DIALECT_GEMINI, gemini_embed },
	{ "GET", "/v1beta/models", DIALECT_GEMINI, models_list },
	{ "GET", "/v1beta/models/*", DIALECT_GEMINI, models_list },
	{ "GET", "/v1/models", DIALECT_OPENAI, models_list },
	{ "GET", "/v1/models/*", DIALECT_OPENAI, models_list },
	{ "POST", "/api/chat", DIALECT_OLLAMA, ollama_chat },
	{ "POST", "/api/generate", DIALECT_OLLAMA, ollama_chat },
	{ "POST", "/api/embed", DIALECT_OLLAMA, ollama_embed },
	{ "GET", "/api/tags", DIALECT_OLLAMA, models_list },
	{ "GET", "/api/version", DIALECT_OLLAMA, ollama_version },
	{ "GET", "/_mock/requests", DIALECT_OPENAI, mock_requests },
	{ "DELETE", "/_mock/requests", DIALECT_OPENAI, mock_clear },
	{ "GET", "/_mock/health", DIALECT_OPENAI, mock_stats },
};

static enum dialect
guess_dialect(const struct call *c)
{
	if (call_header(c, "anthropic-version") || strncmp(c->path, "/v1/messages", 12) == 0)
		return DIALECT_ANTHROPIC;
	if (strncmp(c->path, "/v1beta", 7) == 0)
		return DIALECT_GEMINI;
	return strncmp(c->path, "/api/", 5) == 0 ? DIALECT_OLLAMA : DIALECT_OPENAI;
}

/* Azure: /openai/deployments/NAME/REST and /openai/v1/REST mean /v1/REST. */
static void
map_azure(struct call *c)
{
	static const char prefix[] = "/openai/deployments/";
	char *rest = NULL;

	if (strncmp(c->path, "/openai/v1/", 11) == 0)
		rest = c->path + strlen("/openai/v1");
	else if (strncmp(c->path, prefix, sizeof(prefix) - 1) == 0)
		rest = strchr(c->path + sizeof(prefix) - 1, '/');
	if (rest) {
		memmove(c->path + 3, rest, strlen(rest) + 1);
		memcpy(c->path, "/v1", 3);
	}
}

static bool
wants_json(const struct route *t)
{
	return strcmp(t->method, "POST") == 0 && t->serve != files_create;
}

int
routes_serve(struct call *c, struct reply *r)
{
	json_error_t why;
	const struct route *t;

	map_azure(c);
	c->dialect = guess_dialect(c);
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		t = &routes[i];
		if (strcmp(t->method, c->method) != 0 || fnmatch(t->pattern, c->path, 0) != 0)
			continue;
		if (t->serve != models_list)
			c->dialect = t->dialect;
		if (wants_json(t)) {
			c->root = json_loadb(buf_ptr(&c->body), buf_len(&c->body), JSON_ALLOW_NUL, &why);
			if (!json_is_object(c->root))
				return reply_error(c, r, 400, "mock: the body is not a JSON object");
		}
		return t->serve(c, r);
	}
	return reply_error(c, r, 404, "mock: no such endpoint");
}
