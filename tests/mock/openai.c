/* SPDX-License-Identifier: MIT */
/* OpenAI chat completions and the older completions. */
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

	if (strcmp(role, "system") == 0 || strcmp(role, "developer") == 0) {
		ask_text(&q->system, content);
	} else if (strcmp(role, "user") == 0) {
		buf_clear(&q->user);
		ask_text(&q->user, content);
		q->after_tool = false;
	} else if (strcmp(role, "tool") == 0) {
		if (!q->after_tool)
			buf_clear(&q->tool_result);
		ask_text(&q->tool_result, content);
		q->after_tool = true;
	}
}

static void
read_tools(struct ask *q, json_t *root)
{
	json_t *f = json_object_get(json_array_get(json_object_get(root, "tools"), 0), "function");
	json_t *choice = json_object_get(root, "tool_choice");

	q->tool_name = ask_string(f, "name", NULL);
	q->tool_schema = json_object_get(f, "parameters");
	q->tool_none = json_is_string(choice) && strcmp(json_string_value(choice), "none") == 0;
	q->tool_forced = json_is_object(choice) ||
	    (json_is_string(choice) && strcmp(json_string_value(choice), "required") == 0);
}

static bool
read_chat(struct call *c, struct ask *q)
{
	json_t *turns = json_object_get(c->root, "messages"), *m;
	json_int_t n = json_integer_value(json_object_get(c->root, "n"));
	size_t i;

	q->model = ask_string(c->root, "model", "gpt-mock");
	q->stream = ask_bool(c->root, "stream", false);
	q->stream_usage = ask_bool(json_object_get(c->root, "stream_options"), "include_usage", false);
	q->n = n > 0 && n <= 16 ? (unsigned)n : 1;
	json_array_foreach(turns, i, m)
		read_turn(q, m);
	read_tools(q, c->root);
	return json_array_size(turns) > 0;
}

static json_t *
usage(const struct answer *a, unsigned n)
{
	int out = (int)(a->out_tokens * n);

	return json_pack("{si,si,si,s{si,si},s{si,si}}", "prompt_tokens", (int)a->in_tokens, "completion_tokens", out,
	    "total_tokens", (int)a->in_tokens + out, "prompt_tokens_details", "cached_tokens", 0, "audio_tokens", 0,
	    "completion_tokens_details", "reasoning_tokens", 0, "audio_tokens", 0);
}

static json_t *
tool_call(const struct ask *q, const struct answer *a, unsigned choice, const char *args)
{
	char id[128];

	snprintf(id, sizeof(id), "call_%s_%u", a->id, choice);
	return json_pack("{ss,ss,s{ss,ss}}", "id", id, "type", "function", "function", "name", q->tool_name,
	    "arguments", args);
}

static json_t *
whole_choice(const struct ask *q, const struct answer *a, unsigned i)
{
	char *args = a->tool ? answer_args(a) : NULL;
	json_t *message;

	if (a->tool)
		message = json_pack("{ss,sn,sn,s[o]}", "role", "assistant", "content", "refusal", "tool_calls",
		    tool_call(q, a, i, args));
	else
		message = json_pack("{ss,so,sn,s[]}", "role", "assistant", "content", answer_text(a), "refusal",
		    "annotations");
	free(args);
	return json_pack("{si,so,sn,ss}", "index", (int)i, "message", message, "logprobs", "finish_reason",
	    a->tool ? "tool_calls" : "stop");
}

/* What every object of one reply begins with. */
static json_t *
head(const struct ask *q, const struct answer *a, const char *prefix, const char *object)
{
	char id[128];

	snprintf(id, sizeof(id), "%s-%s", prefix, a->id);
	return json_pack("{ss,ss,sI,ss,ss}", "id", id, "object", object, "created", (json_int_t)time(NULL), "model",
	    q->model, "system_fingerprint", "fp_mock");
}

static int
whole_chat(struct call *c, struct reply *r, const struct ask *q, const struct answer *a)
{
	json_t *o = head(q, a, "chatcmpl", "chat.completion"), *choices = json_array();

	for (unsigned i = 0; i < q->n; i++)
		json_array_append_new(choices, whole_choice(q, a, i));
	json_object_set_new(o, "choices", choices);
	json_object_set_new(o, "usage", usage(a, q->n));
	json_object_set_new(o, "service_tier", json_string("default"));
	return reply_json(c, r, 200, o);
}

struct stream {
	struct script	*s;
	const struct ask *q;
	const struct answer *a;
};

/* <delta> is taken; NULL: an object without choices. */
static void
chunk(const struct stream *t, unsigned choice, json_t *delta, const char *finish, bool paced)
{
	json_t *o = head(t->q, t->a, "chatcmpl", "chat.completion.chunk");

	json_object_set_new(o, "choices", json_pack("[{si,so,sn,ss?}]", "index", (int)choice, "delta", delta,
	    "logprobs", "finish_reason", finish));
	if (t->q->stream_usage)
		json_object_set_new(o, "usage", json_null());
	script_event(t->s, NULL, o, paced);
}

static void
stream_tool(const struct stream *t, unsigned choice)
{
	char *args = answer_args(t->a);
	size_t len = args ? strlen(args) : 0, part;
	json_t *call = tool_call(t->q, t->a, choice, "");

	json_object_set_new(call, "index", json_integer(0));
	chunk(t, choice, json_pack("{ss,sn,s[o]}", "role", "assistant", "content", "tool_calls", call), NULL, false);
	for (size_t at = 0; at < len; at += part) {
		part = len - at < 8 ? len - at : 8;
		while (at + part < len && ((unsigned char)args[at + part] & 0xc0) == 0x80)
			part++;
		chunk(t, choice, json_pack("{s[{si,s{ss%}}]}", "tool_calls", "index", 0, "function", "arguments",
		    args + at, part), NULL, true);
	}
	free(args);
}

static bool
stream_text(const struct stream *t)
{
	for (unsigned i = 0; i < t->q->n; i++)
		chunk(t, i, json_pack("{ss,ss,sn}", "role", "assistant", "content", "", "refusal"), NULL, false);
	for (size_t k = 0; k < t->a->pieces; k++) {
		for (unsigned i = 0; i < t->q->n; i++) {
			if (script_fails_now(t->s))
				return false;
			chunk(t, i, json_pack("{so}", "content", answer_piece(t->a, k)), NULL, i == 0);
		}
	}
	return true;
}

static int
stream_chat(struct call *c, struct reply *r, const struct ask *q, const struct answer *a)
{
	struct stream t = { .s = &r->script, .q = q, .a = a };
	json_t *o;

	reply_stream(c, r, SCRIPT_SSE);
	if (a->tool) {
		for (unsigned i = 0; i < q->n; i++)
			stream_tool(&t, i);
	} else if (!stream_text(&t)) {
		script_event(t.s, NULL, reply_error_object(c->dialect, 500, "mock: failed in the middle", c->id), false);
		return 0;
	}
	for (unsigned i = 0; i < q->n; i++)
		chunk(&t, i, json_object(), a->tool ? "tool_calls" : "stop", false);
	if (q->stream_usage) {
		o = head(q, a, "chatcmpl", "chat.completion.chunk");
		json_object_set_new(o, "choices", json_array());
		json_object_set_new(o, "usage", usage(a, q->n));
		script_event(t.s, NULL, o, false);
	}
	script_data(t.s, "[DONE]");
	return 0;
}

int
openai_chat(struct call *c, struct reply *r)
{
	struct ask q = { 0 };
	struct answer a = { 0 };
	int err;

	if (!read_chat(c, &q))
		err = reply_error(c, r, 400, "mock: messages must be a non-empty array");
	else if ((err = answer_make(c, &q, &a, r)) == 0)
		err = q.stream ? stream_chat(c, r, &q, &a) : whole_chat(c, r, &q, &a);
	answer_free(&a);
	ask_free(&q);
	return err == -EINVAL || err == -EREMOTEIO ? 0 : err;
}

static json_t *
text_choice(json_t *text, const char *finish)
{
	return json_pack("[{so,si,sn,ss?}]", "text", text, "index", 0, "logprobs", "finish_reason", finish);
}

static int
stream_completion(struct call *c, struct reply *r, const struct ask *q, const struct answer *a)
{
	json_t *o;

	reply_stream(c, r, SCRIPT_SSE);
	for (size_t k = 0; k <= a->pieces; k++) {
		bool last = k == a->pieces;

		if (!last && script_fails_now(&r->script)) {
			script_event(&r->script, NULL,
			    reply_error_object(c->dialect, 500, "mock: failed in the middle", c->id), false);
			return 0;
		}
		o = head(q, a, "cmpl", "text_completion");
		json_object_set_new(o, "choices",
		    text_choice(last ? json_string("") : answer_piece(a, k), last ? "stop" : NULL));
		if (last && q->stream_usage)
			json_object_set_new(o, "usage", usage(a, 1));
		script_event(&r->script, NULL, o, !last);
	}
	script_data(&r->script, "[DONE]");
	return 0;
}

int
openai_completions(struct call *c, struct reply *r)
{
	struct ask q = { .n = 1 };
	struct answer a = { 0 };
	json_t *o;
	int err;

	q.model = ask_string(c->root, "model", "gpt-mock-instruct");
	q.stream = ask_bool(c->root, "stream", false);
	q.stream_usage = ask_bool(json_object_get(c->root, "stream_options"), "include_usage", false);
	ask_text(&q.user, json_object_get(c->root, "prompt"));
	if (json_object_get(c->root, "prompt") == NULL)
		err = reply_error(c, r, 400, "mock: prompt is missing");
	else if ((err = answer_make(c, &q, &a, r)) == 0 && q.stream)
		err = stream_completion(c, r, &q, &a);
	else if (err == 0) {
		o = head(&q, &a, "cmpl", "text_completion");
		json_object_set_new(o, "choices", text_choice(answer_text(&a), "stop"));
		json_object_set_new(o, "usage", usage(&a, 1));
		err = reply_json(c, r, 200, o);
	}
	answer_free(&a);
	ask_free(&q);
	return err == -EINVAL || err == -EREMOTEIO ? 0 : err;
}
