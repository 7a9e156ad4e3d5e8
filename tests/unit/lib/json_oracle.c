/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "tests/unit/lib/json_oracle.h"

void
oracle_load(struct oracle *o, const char *p, size_t n, bool reject_duplicates)
{
	size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL;
	json_error_t e = { 0 };

	memset(o, 0, sizeof(*o));
	o->root = o->at = json_loadb(p, n, flags | (reject_duplicates ? JSON_REJECT_DUPLICATES : 0), &e);
	o->accepted = o->root != NULL;
	o->silent = !o->accepted && (json_error_code(&e) == json_error_numeric_overflow ||
	    json_error_code(&e) == json_error_null_byte_in_key);
	snprintf(o->why, sizeof(o->why), "%s", o->accepted ? "fine" : e.text);
}

void
oracle_free(struct oracle *o)
{
	json_decref(o->root);
	o->root = o->at = NULL;
}

static size_t
count(json_t *j)
{
	size_t n = 1, i;
	const char *key;
	json_t *v;

	json_object_foreach(j, key, v)
		n += count(v);
	json_array_foreach(j, i, v)
		n += count(v);
	return n;
}

size_t
oracle_count(const struct oracle *o)
{
	return count(o->root);
}

void
oracle_root(struct oracle *o)
{
	o->at = o->root;
}

void
oracle_step(struct oracle *o, const char *key, size_t index)
{
	o->at = key != NULL ? json_object_get(o->at, key) : json_array_get(o->at, index);
}

bool
oracle_is(const struct oracle *o, char type)
{
	const json_t *j = o->at;

	switch (type) {
	case '{':
		return json_is_object(j);
	case '[':
		return json_is_array(j);
	case 'n':
		return json_is_null(j);
	case 't':
		return json_is_true(j);
	default:
		return json_is_false(j);
	}
}

bool
oracle_is_string(const struct oracle *o, const char *s, size_t n)
{
	return json_is_string((const json_t *)o->at) && json_string_length(o->at) == n &&
	    memcmp(json_string_value(o->at), s, n) == 0;
}

bool
oracle_is_number(const struct oracle *o, double v)
{
	return json_is_real((const json_t *)o->at) && json_real_value(o->at) == v;
}
