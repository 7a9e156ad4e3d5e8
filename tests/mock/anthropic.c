/* SPDX-License-Identifier: MIT */
/* Anthropic messages. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mock.h"

static void
read_user_turn(struct ask *q, json_t *content)
{
	json_t *part;
	size_t i;
	bool results = false;

	json_array_foreach(content, i, part) {
		if (strcmp(ask_string(part, "type", ""), "tool_result") != 0)
			continue;
		if (!results)
			buf_clear(&q->tool_result);
		results = true;
		ask_text(&q->tool_result, json_object_get(part, "content"));
	}
	q->after_tool = results;
	if (!results)
		buf_clear(&q->user);
	ask_text(&q->user, content);
}

static bool
read_messages(struct call *c, struct ask *q)
{
	json_t *turns = json_object_get(c->root, "messages"), *m, *tool;
	const char *choice = ask_string(json_object_get(c->root, "tool_choice"), "type", "auto");
	size_t i;

	q->model = ask_string(c->root, "model", "claude-mock");
	q->stream = ask_bool(c->root, "stream", false);
	ask_text(&q->system, json_object_get(c->root, "system"));
	json_array_foreach(turns, i, m)
		if (strcmp(ask_string(m, "role", ""), "user") == 0)
			read_user_turn(q, json_object_get(m, "content"));
	tool = json_array_get(json_object_get(c->root, "tools"), 0);
	q->tool_name = ask_string(tool, "name", NULL);
	q->tool_schema = json_object_get(tool, "input_schema");
	q->tool_none = strcmp(choice, "none") == 0;
	q->tool_forced = strcmp(choice, "any") == 0 || strcmp(choice, "tool") == 0;
	return json_array_size(turns) > 0;
}

static json_t *
message(const struct ask *q, const struct answer *a, json_t *content, const char *stop, unsigned out)
{
	char id[128];

	snprintf(id, sizeof(id), "msg_%s", a->id);
	return json_pack("{ss,ss,ss,ss,so,ss?,sn,s{si,si,si,si}}", "id", id, "type", "message", "role", "assistant",
	    "model", q->model, "content", content, "stop_reason", stop, "stop_sequence", "usage", "input_tokens",
	    (int)a->in_tokens, "cache_creation_input_tokens", 0, "cache_read_input_tokens", 0, "output_tokens",
	    (int)out);
}

static json_t *
tool_use(const struct ask *q, const struct answer *a, json_t *input)
{
	char id[128];

	snprintf(id, sizeof(id), "toolu_%s", a->id);
	return json_pack("{ss,ss,ss,so}", "type", "tool_use", "id", id, "name", q->tool_name, "input", input);
}

static void
block_delta(struct script *s, json_t *delta)
{
	script_event(s, "content_block_delta",
	    json_pack("{ss,si,so}", "type", "content_block_delta", "index", 0, "delta", delta), true);
}

static void
stream_args(struct script *s, const struct answer *a)
{
	char *args = answer_args(a);
	size_t len = args ? strlen(args) : 0, part;

	block_delta(s, json_pack("{ss,ss}", "type", "input_json_delta", "partial_json", ""));
	for (size_t at = 0; at < len; at += part) {
		part = len - at < 8 ? len - at : 8;
		while (at + part < len && ((unsigned char)args[at + part] & 0xc0) == 0x80)
			part++;
		block_delta(s,
		    json_pack("{ss,ss%}", "type", "input_json_delta", "partial_json", args + at, part));
	}
	free(args);
}

static bool
stream_text(struct script *s, const struct answer *a)
{
	for (size_t k = 0; k < a->pieces; k++) {
		if (script_fails_now(s))
			return false;
		block_delta(s, json_pack("{ss,so}", "type", "text_delta", "text", answer_piece(a, k)));
	}
	return true;
}

static int
stream_message(struct call *c, struct reply *r, const struct ask *q, const struct answer *a)
{
	struct script *s = &r->script;
	json_t *block;

	reply_stream(c, r, SCRIPT_SSE);
	script_event(s, "message_start",
	    json_pack("{ss,so}", "type", "message_start", "message", message(q, a, json_array(), NULL, 1)), false);
	block = a->tool ? tool_use(q, a, json_object()) : json_pack("{ss,ss}", "type", "text", "text", "");
	script_event(s, "content_block_start",
	    json_pack("{ss,si,so}", "type", "content_block_start", "index", 0, "content_block", block), false);
	script_event(s, "ping", json_pack("{ss}", "type", "ping"), false);
	if (a->tool) {
		stream_args(s, a);
	} else if (!stream_text(s, a)) {
		script_event(s, "error", reply_error_object(c->dialect, 529, "mock: failed in the middle", c->id), false);
		return 0;
	}
	script_event(s, "content_block_stop", json_pack("{ss,si}", "type", "content_block_stop", "index", 0), false);
	script_event(s, "message_delta",
	    json_pack("{ss,s{ss,sn},s{si}}", "type", "message_delta", "delta", "stop_reason",
	    a->tool ? "tool_use" : "end_turn", "stop_sequence", "usage", "output_tokens", (int)a->out_tokens), false);
	script_event(s, "message_stop", json_pack("{ss}", "type", "message_stop"), false);
	return 0;
}

static int
whole_message(struct call *c, struct reply *r, const struct ask *q, const struct answer *a)
{
	json_t *block = a->tool ? tool_use(q, a, json_incref(a->args)) :
	    json_pack("{ss,so}", "type", "text", "text", answer_text(a));

	return reply_json(c, r, 200,
	    message(q, a, json_pack("[o]", block), a->tool ? "tool_use" : "end_turn", a->out_tokens));
}

int
anthropic_messages(struct call *c, struct reply *r)
{
	struct ask q = { .n = 1 };
	struct answer a = { 0 };
	int err;

	if (!read_messages(c, &q))
		err = reply_error(c, r, 400, "mock: messages: at least one message is required");
	else if ((err = answer_make(c, &q, &a, r)) == 0)
		err = q.stream ? stream_message(c, r, &q, &a) : whole_message(c, r, &q, &a);
	answer_free(&a);
	ask_free(&q);
	return err == -EINVAL || err == -EREMOTEIO ? 0 : err;
}

int
anthropic_count_tokens(struct call *c, struct reply *r)
{
	if (json_array_size(json_object_get(c->root, "messages")) == 0)
		return reply_error(c, r, 400, "mock: messages: at least one message is required");
	return reply_json(c, r, 200, json_pack("{si}", "input_tokens", (int)(buf_len(&c->body) / 4 + 1)));
}
