/* SPDX-License-Identifier: MIT */
/* Gemini generateContent and its relatives. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mock.h"

/* The SDKs write camelCase, people snake_case too; the service takes both. */
static json_t *
either(json_t *o, const char *camel, const char *snake)
{
	json_t *v = json_object_get(o, camel);

	return v ? v : json_object_get(o, snake);
}

static void
read_turn(struct ask *q, json_t *turn)
{
	json_t *parts = json_object_get(turn, "parts"), *part, *result;
	bool results = false;
	char *text;
	size_t i;

	if (strcmp(ask_string(turn, "role", "user"), "model") == 0)
		return;
	json_array_foreach(parts, i, part) {
		result = either(part, "functionResponse", "function_response");
		if (result == NULL)
			continue;
		text = json_dumps(json_object_get(result, "response"), JSON_COMPACT | JSON_ENCODE_ANY);
		buf_clear(&q->tool_result);
		buf_adds(&q->tool_result, text ? text : "");
		free(text);
		results = true;
	}
	q->after_tool = results;
	if (!results)
		buf_clear(&q->user);
	ask_text(&q->user, parts);
}

static void
read_tools(struct ask *q, json_t *root)
{
	json_t *decl = either(json_array_get(json_object_get(root, "tools"), 0), "functionDeclarations",
	    "function_declarations");
	json_t *f = json_array_get(decl, 0);
	json_t *mode = either(either(root, "toolConfig", "tool_config"), "functionCallingConfig",
	    "function_calling_config");
	const char *word = ask_string(mode, "mode", "AUTO");

	q->tool_name = ask_string(f, "name", NULL);
	q->tool_schema = json_object_get(f, "parameters");
	if (q->tool_schema == NULL)
		q->tool_schema = either(f, "parametersJsonSchema", "parameters_json_schema");
	q->tool_none = strcmp(word, "NONE") == 0;
	q->tool_forced = strcmp(word, "ANY") == 0;
}

/* The model is the path's part between "models/" and the colon. */
static void
copy_model(const struct call *c, char *to, size_t size)
{
	const char *s = strstr(c->path, "/models/"), *end;

	s = s ? s + strlen("/models/") : "gemini-mock";
	end = strchr(s, ':');
	snprintf(to, size, "%.*s", end ? (int)(end - s) : (int)strlen(s), s);
}

static bool
read_generate(struct call *c, struct ask *q)
{
	json_t *turns = json_object_get(c->root, "contents"), *turn;
	size_t i;

	ask_text(&q->system, json_object_get(either(c->root, "systemInstruction", "system_instruction"), "parts"));
	json_array_foreach(turns, i, turn)
		read_turn(q, turn);
	read_tools(q, c->root);
	q->stream = strstr(c->path, ":streamGenerateContent") != NULL;
	return json_array_size(turns) > 0;
}

/* <part> is taken; <finish> and usage only at the end. */
static json_t *
response(const struct ask *q, const struct answer *a, json_t *part, const char *finish)
{
	json_t *o = json_pack("{s[{s{s[o],ss},si}]}", "candidates", "content", "parts", part, "role", "model", "index", 0);
	json_t *candidate = json_array_get(json_object_get(o, "candidates"), 0);
	int in = (int)a->in_tokens, out = (int)a->out_tokens;

	if (finish)
		json_object_set_new(candidate, "finishReason", json_string(finish));
	json_object_set_new(o, "usageMetadata",
	    json_pack("{si,si,si}", "promptTokenCount", in, "candidatesTokenCount", out, "totalTokenCount", in + out));
	json_object_set_new(o, "modelVersion", json_string(q->model));
	json_object_set_new(o, "responseId", json_string(a->id));
	return o;
}

static json_t *
call_part(const struct ask *q, const struct answer *a)
{
	return json_pack("{s{ss,sO}}", "functionCall", "name", q->tool_name, "args", a->args);
}

static int
stream_generate(struct call *c, struct reply *r, const struct ask *q, const struct answer *a)
{
	const char *alt = call_query(c, "alt");
	bool sse = alt && strcmp(alt, "sse") == 0;
	struct script *s = &r->script;

	reply_stream(c, r, sse ? SCRIPT_SSE : SCRIPT_ARRAY);
	if (sse)
		s->form = SCRIPT_SSE_CRLF;
	for (size_t k = 0; k < a->pieces; k++) {
		if (script_fails_now(s)) {
			script_event(s, NULL, reply_error_object(c->dialect, 503, "mock: failed in the middle", c->id),
			    false);
			return 0;
		}
		script_event(s, NULL, response(q, a, json_pack("{so}", "text", answer_piece(a, k)),
		    k + 1 == a->pieces && !a->tool ? "STOP" : NULL), true);
	}
	if (a->tool)
		script_event(s, NULL, response(q, a, call_part(q, a), "STOP"), true);
	return 0;
}

int
gemini_generate(struct call *c, struct reply *r)
{
	struct ask q = { .n = 1 };
	struct answer a = { 0 };
	char model[128];
	json_t *part;
	int err;

	copy_model(c, model, sizeof(model));
	q.model = model;
	if (!read_generate(c, &q))
		err = reply_error(c, r, 400, "mock: contents is not specified");
	else if ((err = answer_make(c, &q, &a, r)) == 0 && q.stream)
		err = stream_generate(c, r, &q, &a);
	else if (err == 0) {
		part = a.tool ? call_part(&q, &a) : json_pack("{so}", "text", answer_text(&a));
		err = reply_json(c, r, 200, response(&q, &a, part, "STOP"));
	}
	answer_free(&a);
	ask_free(&q);
	return err == -EINVAL || err == -EREMOTEIO ? 0 : err;
}

int
gemini_count_tokens(struct call *c, struct reply *r)
{
	return reply_json(c, r, 200, json_pack("{si}", "totalTokens", (int)(buf_len(&c->body) / 4 + 1)));
}

static json_t *
embedding(void)
{
	return json_pack("{s[f,f,f,f]}", "values", 0.25, -0.5, 0.125, 1.0);
}

int
gemini_embed(struct call *c, struct reply *r)
{
	json_t *requests = json_object_get(c->root, "requests"), *list;

	if (strstr(c->path, ":batchEmbedContents") == NULL)
		return reply_json(c, r, 200, json_pack("{so}", "embedding", embedding()));
	list = json_array();
	for (size_t i = 0; i < json_array_size(requests); i++)
		json_array_append_new(list, embedding());
	return reply_json(c, r, 200, json_pack("{so}", "embeddings", list));
}
