/* SPDX-License-Identifier: MIT */
/* OpenAI responses. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mock.h"

static void
read_item(struct ask *q, json_t *item)
{
	const char *type = ask_string(item, "type", "message"), *role = ask_string(item, "role", "");

	if (strcmp(type, "function_call_output") == 0) {
		buf_clear(&q->tool_result);
		ask_text(&q->tool_result, json_object_get(item, "output"));
		q->after_tool = true;
	} else if (strcmp(role, "system") == 0 || strcmp(role, "developer") == 0) {
		ask_text(&q->system, json_object_get(item, "content"));
	} else if (strcmp(role, "user") == 0) {
		buf_clear(&q->user);
		ask_text(&q->user, json_object_get(item, "content"));
		q->after_tool = false;
	}
}

static bool
read_request(struct call *c, struct ask *q)
{
	json_t *input = json_object_get(c->root, "input"), *item, *tool;
	json_t *choice = json_object_get(c->root, "tool_choice");
	size_t i;

	q->model = ask_string(c->root, "model", "gpt-mock");
	q->stream = ask_bool(c->root, "stream", false);
	ask_text(&q->system, json_object_get(c->root, "instructions"));
	if (json_is_string(input))
		ask_text(&q->user, input);
	json_array_foreach(input, i, item)
		read_item(q, item);
	tool = json_array_get(json_object_get(c->root, "tools"), 0);
	q->tool_name = ask_string(tool, "name", NULL);
	q->tool_schema = json_object_get(tool, "parameters");
	q->tool_none = json_is_string(choice) && strcmp(json_string_value(choice), "none") == 0;
	q->tool_forced = json_is_object(choice) ||
	    (json_is_string(choice) && strcmp(json_string_value(choice), "required") == 0);
	return json_is_string(input) || json_array_size(input) > 0;
}

static json_t *
text_part(json_t *text)
{
	return json_pack("{ss,so,s[],s[]}", "type", "output_text", "text", text, "annotations", "logprobs");
}

/* An output item; before its <done> a message has no content and a call no arguments. */
static json_t *
output_item(const struct ask *q, const struct answer *a, bool done)
{
	const char *status = done ? "completed" : "in_progress";
	char id[128], call_id[128], *args;
	json_t *o;

	snprintf(id, sizeof(id), "%s_%s", a->tool ? "fc" : "msg", a->id);
	if (!a->tool)
		return json_pack("{ss,ss,ss,ss,so}", "id", id, "type", "message", "status", status, "role",
		    "assistant", "content", done ? json_pack("[o]", text_part(answer_text(a))) : json_array());
	snprintf(call_id, sizeof(call_id), "call_%s", a->id);
	args = done ? answer_args(a) : NULL;
	o = json_pack("{ss,ss,ss,ss,ss,ss}", "id", id, "type", "function_call", "status", status, "call_id",
	    call_id, "name", q->tool_name, "arguments", args ? args : "");
	free(args);
	return o;
}

static json_t *
response(const struct call *c, const struct ask *q, const struct answer *a, bool done)
{
	int in = (int)a->in_tokens, out = (int)a->out_tokens;
	json_t *tools = json_object_get(c->root, "tools"), *o;
	char id[128];

	snprintf(id, sizeof(id), "resp_%s", a->id);
	o = json_pack("{ss,ss,sI,ss,sn,sn,sn,ss,so}", "id", id, "object", "response", "created_at",
	    (json_int_t)time(NULL), "status", done ? "completed" : "in_progress", "error", "incomplete_details",
	    "instructions", "model", q->model, "output",
	    done ? json_pack("[o]", output_item(q, a, true)) : json_array());
	json_object_set_new(o, "parallel_tool_calls", json_true());
	json_object_set_new(o, "tool_choice", json_string("auto"));
	json_object_set_new(o, "tools", json_is_array(tools) ? json_deep_copy(tools) : json_array());
	json_object_set_new(o, "metadata", json_object());
	json_object_set_new(o, "usage", !done ? json_null() :
	    json_pack("{si,s{si},si,s{si},si}", "input_tokens", in, "input_tokens_details", "cached_tokens", 0,
	    "output_tokens", out, "output_tokens_details", "reasoning_tokens", 0, "total_tokens", in + out));
	return o;
}

/* Takes <o>; every event names itself twice and counts. */
static void
emit(struct script *s, const char *type, json_t *o, bool paced)
{
	json_object_set_new(o, "type", json_string(type));
	json_object_set_new(o, "sequence_number", json_integer(s->events));
	script_event(s, type, o, paced);
}

/* An event about the one output item; <rest> (taken) holds what this event says of it. */
static json_t *
about_item(const struct answer *a, json_t *rest)
{
	char id[128];

	snprintf(id, sizeof(id), "%s_%s", a->tool ? "fc" : "msg", a->id);
	json_object_set_new(rest, "item_id", json_string(id));
	json_object_set_new(rest, "output_index", json_integer(0));
	if (!a->tool)
		json_object_set_new(rest, "content_index", json_integer(0));
	return rest;
}

static void
stream_args(struct script *s, const struct answer *a)
{
	char *args = answer_args(a);
	size_t len = args ? strlen(args) : 0, part;

	for (size_t at = 0; at < len; at += part) {
		part = len - at < 8 ? len - at : 8;
		while (at + part < len && ((unsigned char)args[at + part] & 0xc0) == 0x80)
			part++;
		emit(s, "response.function_call_arguments.delta",
		    about_item(a, json_pack("{ss%}", "delta", args + at, part)), true);
	}
	emit(s, "response.function_call_arguments.done", about_item(a, json_pack("{ss}", "arguments", args ? args : "")),
	    false);
	free(args);
}

static bool
stream_text(struct script *s, const struct answer *a)
{
	emit(s, "response.content_part.added", about_item(a, json_pack("{so}", "part", text_part(json_string("")))),
	    false);
	for (size_t k = 0; k < a->pieces; k++) {
		if (script_fails_now(s))
			return false;
		emit(s, "response.output_text.delta",
		    about_item(a, json_pack("{so,s[]}", "delta", answer_piece(a, k), "logprobs")), true);
	}
	emit(s, "response.output_text.done", about_item(a, json_pack("{so,s[]}", "text", answer_text(a), "logprobs")),
	    false);
	emit(s, "response.content_part.done", about_item(a, json_pack("{so}", "part", text_part(answer_text(a)))), false);
	return true;
}

static int
stream_response(struct call *c, struct reply *r, const struct ask *q, const struct answer *a)
{
	struct script *s = &r->script;

	reply_stream(c, r, SCRIPT_SSE);
	emit(s, "response.created", json_pack("{so}", "response", response(c, q, a, false)), false);
	emit(s, "response.in_progress", json_pack("{so}", "response", response(c, q, a, false)), false);
	emit(s, "response.output_item.added",
	    json_pack("{si,so}", "output_index", 0, "item", output_item(q, a, false)), false);
	if (a->tool) {
		stream_args(s, a);
	} else if (!stream_text(s, a)) {
		emit(s, "error", json_pack("{ss,ss,sn}", "code", "server_error", "message",
		    "mock: failed in the middle", "param"), false);
		return 0;
	}
	emit(s, "response.output_item.done", json_pack("{si,so}", "output_index", 0, "item", output_item(q, a, true)),
	    false);
	emit(s, "response.completed", json_pack("{so}", "response", response(c, q, a, true)), false);
	return 0;
}

int
openai_responses(struct call *c, struct reply *r)
{
	struct ask q = { .n = 1 };
	struct answer a = { 0 };
	int err;

	if (!read_request(c, &q))
		err = reply_error(c, r, 400, "mock: input must be a string or a non-empty array");
	else if ((err = answer_make(c, &q, &a, r)) == 0)
		err = q.stream ? stream_response(c, r, &q, &a) : reply_json(c, r, 200, response(c, &q, &a, true));
	answer_free(&a);
	ask_free(&q);
	return err == -EINVAL || err == -EREMOTEIO ? 0 : err;
}
