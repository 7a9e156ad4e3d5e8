/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "resp_text.h"

static void
add(struct resp_texts *t, const char *key, json_t *s)
{
	const char *v = json_string_value(s);
	size_t i, old;

	if (v == NULL)
		return;
	for (i = 0; i < t->n && strcmp(t->v[i].key, key) != 0; i++)
		;
	if (i == t->n) {
		assert_true(t->n < 64);
		t->n++;
		snprintf(t->v[i].key, sizeof(t->v[i].key), "%s", key);
		t->v[i].text = calloc(1, 1);
	}
	old = strlen(t->v[i].text);
	t->v[i].text = realloc(t->v[i].text, old + strlen(v) + 1);
	assert_non_null(t->v[i].text);
	memcpy(t->v[i].text + old, v, strlen(v) + 1);
}

static void
read_choices(struct resp_texts *t, json_t *choices)
{
	json_t *c, *tc;
	size_t i, j;
	char key[64];

	json_array_foreach(choices, i, c) {
		json_t *d = json_object_get(c, "delta");
		int n = (int)json_integer_value(json_object_get(c, "index"));

		snprintf(key, sizeof(key), "choice%d", n);
		add(t, key, json_object_get(c, "text"));
		add(t, key, json_object_get(d, "content"));
		json_array_foreach(json_object_get(d, "tool_calls"), j, tc) {
			snprintf(key, sizeof(key), "choice%d.args%d", n,
			    (int)json_integer_value(json_object_get(tc, "index")));
			add(t, key, json_object_get(json_object_get(tc, "function"), "arguments"));
		}
	}
}

static void
read_candidates(struct resp_texts *t, json_t *cands)
{
	json_t *c, *p;
	size_t i, j;

	json_array_foreach(cands, i, c)
		json_array_foreach(json_object_get(json_object_get(c, "content"), "parts"), j, p) {
			add(t, json_is_true(json_object_get(p, "thought")) ? "thought" : "text",
			    json_object_get(p, "text"));
			p = json_object_get(json_object_get(p, "functionCall"), "args");
			add(t, "call", json_object_get(p, "to"));
		}
}

static void
read_anthropic(struct resp_texts *t, json_t *v)
{
	json_t *d = json_object_get(v, "delta");
	char key[64];

	snprintf(key, sizeof(key), "block%d", (int)json_integer_value(json_object_get(v, "index")));
	add(t, key, json_object_get(d, "text"));
	add(t, key, json_object_get(d, "thinking"));
	add(t, key, json_object_get(d, "partial_json"));
}

static void
read_responses(struct resp_texts *t, json_t *v, const char *type)
{
	json_t *out, *item;
	char key[64];
	size_t i;

	snprintf(key, sizeof(key), "out%d", (int)json_integer_value(json_object_get(v, "output_index")));
	add(t, key, json_object_get(v, "delta"));
	if (strstr(type, ".done") != NULL) {
		strcat(key, ".done");
		add(t, key, json_object_get(v, "text"));
		add(t, key, json_object_get(v, "arguments"));
	}
	out = json_object_get(json_object_get(v, "response"), "output");
	json_array_foreach(out, i, item) {
		snprintf(key, sizeof(key), "out%zu.completed", i);
		add(t, key, json_object_get(item, "arguments"));
		add(t, key, json_object_get(json_array_get(json_object_get(item, "content"), 0), "text"));
	}
}

static void
read_value(struct resp_texts *t, json_t *v)
{
	const char *type = json_string_value(json_object_get(v, "type"));
	json_t *msg = json_object_get(v, "message"), *call;

	read_choices(t, json_object_get(v, "choices"));
	read_candidates(t, json_object_get(v, "candidates"));
	if (type != NULL && strncmp(type, "response.", 9) == 0)
		read_responses(t, v, type);
	else if (type != NULL)
		read_anthropic(t, v);
	add(t, "ollama", json_object_get(msg, "content"));
	add(t, "ollama", json_object_get(v, "response"));
	call = json_array_get(json_object_get(msg, "tool_calls"), 0);
	call = json_object_get(json_object_get(json_object_get(call, "function"), "arguments"), "to");
	add(t, "call", call);
}

static void
read_json(struct resp_texts *t, const char *p, size_t len)
{
	json_error_t err;
	json_t *v;

	t->done = len == 6 && memcmp(p, "[DONE]", 6) == 0;
	if (t->done)
		return;
	v = json_loadb(p, len, 0, &err);
	if (v == NULL)
		fail_msg("not JSON: %s in %.*s", err.text, (int)len, p);
	t->events++;
	read_value(t, v);
	json_decref(v);
}

/* Lines, one at a time; the data of an event is parsed at its blank line. */
static void
read_sse(struct resp_texts *t, const char *p, size_t len)
{
	char *data = calloc(1, len + 1);
	size_t n = 0, at = 0, l;

	while (at < len) {
		l = at;
		while (l < len && p[l] != '\n' && p[l] != '\r')
			l++;
		if (l == at && n > 0) {
			read_json(t, data, n - 1);
			n = 0;
		} else if (l - at >= 5 && memcmp(p + at, "data:", 5) == 0) {
			memcpy(data + n, p + at + 5, l - at - 5);
			n += l - at - 5;
			data[n++] = '\n';
			if (data[0] == ' ')
				memmove(data, data + 1, --n);
		}
		at = l + (l + 1 < len && p[l] == '\r' && p[l + 1] == '\n' ? 2 : 1);
	}
	assert_int_equal(n, 0);
	free(data);
}

void
resp_texts_read(struct resp_texts *t, const char *framing, const char *p, size_t len)
{
	const char *nl, *end = p + len;
	json_error_t err;
	json_t *a, *v;
	size_t i;

	memset(t, 0, sizeof(*t));
	if (strcmp(framing, "sse") == 0) {
		read_sse(t, p, len);
	} else if (strcmp(framing, "ndjson") == 0) {
		for (; p < end; p = nl + 1) {
			nl = memchr(p, '\n', (size_t)(end - p));
			assert_non_null(nl);
			read_json(t, p, (size_t)(nl - p));
		}
	} else {
		a = json_loadb(p, len, 0, &err);
		if (a == NULL)
			fail_msg("not JSON: %s in %.*s", err.text, (int)len, p);
		json_array_foreach(a, i, v) {
			t->events++;
			read_value(t, v);
		}
		json_decref(a);
	}
}

void
resp_texts_free(struct resp_texts *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i].text);
	memset(t, 0, sizeof(*t));
}

const char *
resp_text(const struct resp_texts *t, const char *key)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->v[i].key, key) == 0)
			return t->v[i].text;
	return NULL;
}
