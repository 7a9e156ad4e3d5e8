/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "mock.h"

void
ask_free(struct ask *a)
{
	buf_free(&a->system);
	buf_free(&a->user);
	buf_free(&a->tool_result);
}

void
ask_text(struct buf *to, json_t *content)
{
	json_t *part, *text;
	size_t i;

	if (json_is_string(content)) {
		buf_add(to, json_string_value(content), json_string_length(content));
		return;
	}
	if (!json_is_array(content))
		return;
	json_array_foreach(content, i, part) {
		text = json_is_string(part) ? part : json_object_get(part, "text");
		if (!json_is_string(text))
			continue;
		if (buf_len(to))
			buf_addc(to, '\n');
		buf_add(to, json_string_value(text), json_string_length(text));
	}
}

const char *
ask_string(json_t *obj, const char *key, const char *otherwise)
{
	json_t *v = json_object_get(obj, key);

	return json_is_string(v) ? json_string_value(v) : otherwise;
}

bool
ask_bool(json_t *obj, const char *key, bool otherwise)
{
	json_t *v = json_object_get(obj, key);

	return json_is_boolean(v) ? json_is_true(v) : otherwise;
}
