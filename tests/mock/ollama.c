/* SPDX-License-Identifier: MIT */
/* Ollama /api/chat and /api/generate. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mock.h"

static void
read_turn(struct ask *q, json_t *m)
{
	const char *role = ask_string(m, "role", "");
	json_t *content = json_object_get(m, "content");

	if (strcmp(role, "system") == 0) {
		ask_text(&q->system, content);
	} else if (strcmp(role, "user") == 0) {
		buf_clear(&q->user);
		ask_text(&q->user, content);
		q->after_tool = false;
	} else if (strcmp(role, "tool") == 0) {
		buf_clear(&q->tool_result);
		ask_text(&q->tool_result, content);
		q->after_tool = true;
	}
}

static bool
read_request(struct call *c, struct ask *q, bool chat)
{
	json_t *turns = json_object_get(c->root, "messages"), *m, *f;
	size_t i;

	q->model = ask_string(c->root, "model", "llama-mock");
	q->stream = ask_bool(c->root, "stream", true);
	if (!chat) {
		ask_text(&q->system, json_object_get(c->root, "system"));
		ask_text(&q->user, json_object_get(c->root, "prompt"));
		return json_is_string(json_object_get(c->root, "prompt"));
	}
	json_array_foreach(turns, i, m)
		read_turn(q, m);
	f = json_object_get(json_array_get(json_object_get(c->root, "tools"), 0), "function");
	q->tool_name = ask_string(f, "name", NULL);
	q->tool_schema = json_object_get(f, "parameters");
	return json_array_size(turns) > 0;
}

static json_t *
object(const struct ask *q, bool done)
{
	char stamp[40];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_pack("{ss,ss,sb}", "model", q->model, "created_at", stamp, "done", done);
}

/* Takes <text>; <tool>: with a tool call. */
static void
set_content(json_t *o, const struct ask *q, const struct answer *a, bool chat, json_t *text, bool tool)
{
	json_t *m;

	if (!chat) {
		json_object_set_new(o, "response", text);
		return;
	}
	m = json_pack("{ss,so}", "role", "assistant", "content", text);
	if (tool)
		json_object_set_new(m, "tool_calls",
		    json_pack("[{s{ss,sO}}]", "function", "name", q->tool_name, "arguments", a->args));
	json_object_set_new(o, "message", m);
}

static void
set_counts(json_t *o, const struct answer *a)
{
	json_object_set_new(o, "done_reason", json_string("stop"));
	json_object_set_new(o, "total_duration", json_integer(5000000));
	json_object_set_new(o, "load_duration", json_integer(1000000));
	json_object_set_new(o, "prompt_eval_count", json_integer(a->in_tokens));
	json_object_set_new(o, "prompt_eval_duration", json_integer(2000000));
	json_object_set_new(o, "eval_count", json_integer(a->out_tokens));
	json_object_set_new(o, "eval_duration", json_integer(2000000));
}

static int
stream_reply(struct call *c, struct reply *r, const struct ask *q, const struct answer *a, bool chat)
{
	json_t *o;

	reply_stream(c, r, SCRIPT_NDJSON);
	if (a->tool) {
		o = object(q, false);
		set_content(o, q, a, chat, json_string(""), true);
		script_event(&r->script, NULL, o, true);
	}
	for (size_t k = 0; k < a->pieces; k++) {
		if (script_fails_now(&r->script)) {
			script_event(&r->script, NULL,
			    reply_error_object(c->dialect, 500, "mock: failed in the middle", c->id), false);
			return 0;
		}
		o = object(q, false);
		set_content(o, q, a, chat, answer_piece(a, k), false);
		script_event(&r->script, NULL, o, true);
	}
	o = object(q, true);
	set_content(o, q, a, chat, json_string(""), false);
	set_counts(o, a);
	script_event(&r->script, NULL, o, false);
	return 0;
}

int
ollama_chat(struct call *c, struct reply *r)
{
	struct ask q = { .n = 1 };
	struct answer a = { 0 };
	bool chat = strcmp(c->path, "/api/chat") == 0;
	json_t *o;
	int err;

	if (!read_request(c, &q, chat))
		err = reply_error(c, r, 400, chat ? "mock: messages missing" : "mock: prompt missing");
	else if ((err = answer_make(c, &q, &a, r)) == 0 && q.stream)
		err = stream_reply(c, r, &q, &a, chat);
	else if (err == 0) {
		o = object(&q, true);
		set_content(o, &q, &a, chat, a.tool ? json_string("") : answer_text(&a), a.tool);
		set_counts(o, &a);
		err = reply_json(c, r, 200, o);
	}
	answer_free(&a);
	ask_free(&q);
	return err == -EINVAL || err == -EREMOTEIO ? 0 : err;
}

int
ollama_embed(struct call *c, struct reply *r)
{
	json_t *input = json_object_get(c->root, "input"), *list = json_array();
	size_t n = json_is_array(input) ? json_array_size(input) : 1;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("[f,f,f]", 0.25, -0.5, 0.125));
	return reply_json(c, r, 200, json_pack("{ss,so,si}", "model", ask_string(c->root, "model", "llama-mock"),
	    "embeddings", list, "prompt_eval_count", (int)(buf_len(&c->body) / 4 + 1)));
}
