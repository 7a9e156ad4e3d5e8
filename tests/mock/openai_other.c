/* SPDX-License-Identifier: MIT */
/* OpenAI endpoints that answer in one piece, and the lists of models of all dialects. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mock.h"
#include "record.h"

static json_t *
embedding(bool base64, size_t i)
{
	const float v[4] = { 0.25f, -0.5f, 0.125f, (float)i };
	char *text;
	json_t *o;

	if (!base64)
		return json_pack("[f,f,f,f]", v[0], v[1], v[2], v[3]);
	text = record_base64(v, sizeof(v));
	o = json_string(text ? text : "");
	free(text);
	return o;
}

/* A string and a list of numbers are one input each; a list of those is many. */
static size_t
count_inputs(json_t *input)
{
	if (!json_is_array(input) || json_is_integer(json_array_get(input, 0)))
		return 1;
	return json_array_size(input);
}

/* Endpoints without an answer text know error=STATUS out of X-Mock, nothing else. */
static bool
planned_error(struct call *c, struct reply *r, int *err)
{
	if (c->plan.error == 0)
		return false;
	*err = reply_error(c, r, (unsigned)c->plan.error, "mock: error as asked for");
	return true;
}

int
openai_embeddings(struct call *c, struct reply *r)
{
	json_t *input = json_object_get(c->root, "input"), *data;
	bool base64 = strcmp(ask_string(c->root, "encoding_format", "float"), "base64") == 0;
	int tokens = (int)(buf_len(&c->body) / 4 + 1), err;

	if (planned_error(c, r, &err))
		return err;
	if (input == NULL)
		return reply_error(c, r, 400, "mock: input is missing");
	data = json_array();
	for (size_t i = 0; i < count_inputs(input); i++)
		json_array_append_new(data, json_pack("{ss,sI,so}", "object", "embedding", "index", (json_int_t)i,
		    "embedding", embedding(base64, i)));
	return reply_json(c, r, 200, json_pack("{ss,so,ss,s{si,si}}", "object", "list", "data", data, "model",
	    ask_string(c->root, "model", "text-embedding-mock"), "usage", "prompt_tokens", tokens, "total_tokens",
	    tokens));
}

int
openai_moderations(struct call *c, struct reply *r)
{
	static const char *const names[] = { "harassment", "hate", "illicit", "self-harm", "sexual", "violence" };
	json_t *input = json_object_get(c->root, "input"), *results, *flags, *scores;
	char id[40];
	int err;

	if (planned_error(c, r, &err))
		return err;
	if (input == NULL)
		return reply_error(c, r, 400, "mock: input is missing");
	results = json_array();
	for (size_t i = 0; i < count_inputs(input); i++) {
		flags = json_object();
		scores = json_object();
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
			json_object_set_new(flags, names[k], json_false());
			json_object_set_new(scores, names[k], json_real(0.001));
		}
		json_array_append_new(results, json_pack("{sb,so,so}", "flagged", 0, "categories", flags,
		    "category_scores", scores));
	}
	snprintf(id, sizeof(id), "modr-mock%08llu", (unsigned long long)c->id);
	return reply_json(c, r, 200, json_pack("{ss,ss,so}", "id", id, "model",
	    ask_string(c->root, "model", "omni-moderation-mock"), "results", results));
}

static json_t *
model(const struct call *c, const char *id)
{
	if (c->dialect == DIALECT_ANTHROPIC)
		return json_pack("{ss,ss,ss,ss}", "type", "model", "id", id, "display_name", id, "created_at",
		    "2026-01-01T00:00:00Z");
	if (c->dialect == DIALECT_GEMINI) {
		json_t *o = json_pack("{ss,ss,ss,si,si,s[s,s,s]}", "version", "001", "displayName", id, "description",
		    "mock", "inputTokenLimit", 1048576, "outputTokenLimit", 65536, "supportedGenerationMethods",
		    "generateContent", "streamGenerateContent", "countTokens");

		json_object_set_new(o, "name", json_sprintf("models/%s", id));
		return o;
	}
	if (c->dialect == DIALECT_OLLAMA)
		return json_pack("{ss,ss,ss,sI,ss}", "name", id, "model", id, "modified_at",
		    "2026-01-01T00:00:00Z", "size", (json_int_t)1 << 30, "digest", "mock");
	return json_pack("{ss,ss,sI,ss}", "id", id, "object", "model", "created", (json_int_t)1767225600, "owned_by",
	    "mock");
}

int
models_list(struct call *c, struct reply *r)
{
	static const char *const ids[][2] = {
		[DIALECT_OPENAI] = { "gpt-mock", "gpt-mock-mini" },
		[DIALECT_ANTHROPIC] = { "claude-mock", "claude-mock-mini" },
		[DIALECT_GEMINI] = { "gemini-mock", "gemini-mock-mini" },
		[DIALECT_OLLAMA] = { "llama-mock", "llama-mock-mini" },
	};
	const char *const *id = ids[c->dialect], *one = strstr(c->path, "/models/");
	int err;

	if (planned_error(c, r, &err))
		return err;
	if (one)
		return reply_json(c, r, 200, model(c, one + strlen("/models/")));
	if (c->dialect == DIALECT_ANTHROPIC)
		return reply_json(c, r, 200, json_pack("{s[o,o],sb,ss,ss}", "data", model(c, id[0]), model(c, id[1]),
		    "has_more", 0, "first_id", id[0], "last_id", id[1]));
	if (c->dialect == DIALECT_OPENAI)
		return reply_json(c, r, 200, json_pack("{ss,s[o,o]}", "object", "list", "data", model(c, id[0]),
		    model(c, id[1])));
	return reply_json(c, r, 200, json_pack("{s[o,o]}", "models", model(c, id[0]), model(c, id[1])));
}
