/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <jansson.h>

#include "tests/bench/bench_json.h"

static size_t
strings(json_t *j)
{
	const char *key;
	size_t n = json_is_string(j), i;
	json_t *v;

	json_object_foreach(j, key, v)
		n += strings(v);
	json_array_foreach(j, i, v)
		n += strings(v);
	return n;
}

size_t
bench_jansson(const char *p, size_t n)
{
	json_t *root = json_loadb(p, n, 0, NULL);
	size_t k = root != NULL ? strings(root) : 0;

	json_decref(root);
	return k;
}
