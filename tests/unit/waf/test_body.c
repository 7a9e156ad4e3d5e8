/* SPDX-License-Identifier: MIT */
/* Body limits, forms, and JSON, the latter compared with what jansson reads. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "lib/arena.h"
#include "tests/unit/waf/vars_show.h"

#define COUNT(a)	(sizeof(a) / sizeof(*(a)))
#define SHOW(t, name)	vars_show(&(t)->vars, WAF_V_##name)
#define FORM		"application/x-www-form-urlencoded"

static void
body_run(struct vars_test *t, const char *type, const char *processor, const char *body)
{
	vars_test_init(t);
	vars_test_body(t, type, processor, body, strlen(body));
}

static void
test_form(void **state)
{
	struct vars_test t;

	(void)state;
	vars_test_init(&t);
	t.req.uri = WAF_STR("/?q=1");
	vars_test_body(&t, FORM, NULL, "a=%42&b=%", 9);
	assert_string_equal(SHOW(&t, ARGS), "q=1|a=B|b=%");
	assert_string_equal(SHOW(&t, ARGS_POST), "a=B|b=%");
	assert_string_equal(SHOW(&t, ARGS_POST_NAMES), "a=a|b=b");
	assert_string_equal(SHOW(&t, ARGS_GET), "q=1");
	assert_string_equal(SHOW(&t, REQUEST_BODY), "a=%42&b=%");
	assert_string_equal(SHOW(&t, REQUEST_BODY_LENGTH), "9");
	assert_string_equal(SHOW(&t, URLENCODED_ERROR), "1");
	assert_string_equal(SHOW(&t, ARGS_COMBINED_SIZE), "6");
	assert_string_equal(SHOW(&t, REQBODY_ERROR), "0");
	vars_test_free(&t);
}

/* REQUEST_BODY is for forms, and for bodies that nobody understands when a rule asks for it. */
static const struct {
	const char *processor, *body;
	bool force;
	const char *want, *error;
} raw[] = {
	{ "", "x=1", false, "", "0" },
	{ "", "x=1", true, "x=1", "0" },
	{ "JSON", "{\"x\":1}", true, "", "0" },
	{ "URLENCODED", "x=1", false, "x=1", "0" },
	{ "urlencoded", "x=1", false, "x=1", "0" },
	{ "YAML", "x: 1", true, "", "1" },
};

static void
test_request_body(void **state)
{
	struct vars_test t;

	(void)state;
	for (size_t i = 0; i < COUNT(raw); i++) {
		vars_test_init(&t);
		waf_vars_request_headers(&t.vars, &t.set, &t.req);
		t.req.body = (struct waf_str){ raw[i].body, strlen(raw[i].body) };
		waf_vars_set(&t.vars, WAF_V_REQBODY_PROCESSOR,
		    (struct waf_str){ raw[i].processor, strlen(raw[i].processor) });
		waf_vars_request_body(&t.vars, &t.set, &t.req, raw[i].force);
		assert_string_equal(SHOW(&t, REQUEST_BODY), raw[i].want);
		assert_string_equal(SHOW(&t, REQBODY_ERROR), raw[i].error);
		vars_test_free(&t);
	}
	vars_test_init(&t);
	t.set.request_body_access = false;
	vars_test_body(&t, FORM, NULL, "a=1", 3);
	assert_string_equal(SHOW(&t, ARGS), "");
	assert_string_equal(SHOW(&t, REQUEST_BODY_LENGTH), "0");
	vars_test_free(&t);
	body_run(&t, NULL, "YAML", "x");
	assert_string_equal(SHOW(&t, REQBODY_ERROR_MSG), "Unknown request body processor: YAML");
	vars_test_free(&t);
}

static const struct {
	int64_t limit, no_files;
	bool cut;
	enum waf_limit_action action;
	const char *want, *over;
	enum waf_error error;
} limits[] = {
	{ 7, 7, false, WAF_LIMIT_REJECT, "a=1|b=2", "0", WAF_E_NONE },
	{ 6, 7, false, WAF_LIMIT_REJECT, "a=1|b=", "1", WAF_E_BODY_LIMIT },
	{ 7, 5, false, WAF_LIMIT_PARTIAL, "a=1|b=", "1", WAF_E_NONE },
	{ 7, 7, true, WAF_LIMIT_PARTIAL, "a=1|b=2", "1", WAF_E_NONE },
	{ 7, 7, true, WAF_LIMIT_REJECT, "a=1|b=2", "1", WAF_E_BODY_LIMIT },
	{ 0, 0, false, WAF_LIMIT_REJECT, "a=1|b=2", "0", WAF_E_NONE },
};

static void
test_limits(void **state)
{
	struct vars_test t;

	(void)state;
	for (size_t i = 0; i < COUNT(limits); i++) {
		vars_test_init(&t);
		t.set.request_body_limit = limits[i].limit;
		t.set.request_body_no_files_limit = limits[i].no_files;
		t.set.request_body_limit_action = limits[i].action;
		t.req.body_cut = limits[i].cut;
		vars_test_body(&t, FORM, NULL, "a=1&b=2", 7);
		assert_string_equal(SHOW(&t, ARGS), limits[i].want);
		assert_string_equal(SHOW(&t, INBOUND_DATA_ERROR), limits[i].over);
		assert_string_equal(SHOW(&t, REQUEST_BODY_LENGTH), "7");
		assert_int_equal(t.vars.error, limits[i].error);
		vars_test_free(&t);
	}
}

static const struct {
	const char *body, *want, *error;
} json[] = {
	{ "{}", "", "" },
	{ "[]", "", "" },
	{ "1", "json=1", "" },
	{ "\"x\"", "json=x", "" },
	{ "null", "json=", "" },
	{ "{\"a\":\"b\"}", "json.a=b", "" },
	{ "{\"a\":{\"b\":[1,-2.50e3,{\"c\":true}],\"d\":false},\"e\":null}",
	    "json.a.b.array_0=1|json.a.b.array_1=-2.50e3|json.a.b.array_2.c=true|json.a.d=false|json.e=", "" },
	{ "[[1,[2]],3]", "json.array_0.array_0=1|json.array_0.array_1.array_0=2|json.array_1=3", "" },
	{ "{\"a\":{},\"b\":[],\"c\":[{},1]}", "json.a=|json.b=|json.c.array_0=|json.c.array_1=1", "" },
	{ "{\"a\":1,\"a\":2}", "json.a=1|json.a=2", "" },
	{ "{\"\":1,\"x.y\":2}", "json.=1|json.x.y=2", "" },
	{ "{\"\\u0000\\n\":\"\\ud83d\\ude00\\u0000\"}", "json.\\x00\\x0a=\\xf0\\x9f\\x98\\x80\\x00", "" },
	{ " \n{\"a\" : 1 } ", "json.a=1", "" },
	{ "{\"a\":1,}", "json.a=1", "JSON parsing error: trailing comma at byte 7" },
	{ "{\"a\":1", "json.a=1", "JSON parsing error: input ends too early at byte 6" },
	{ "{\"a\":1}x", "json.a=1", "JSON parsing error: bytes after the value at byte 7" },
	{ "{\"a\":\"\xff\"}", "", "JSON parsing error: ill-formed UTF-8 at byte 6" },
	{ "a=b", "", "JSON parsing error: value expected at byte 0" },
};

static void
test_json(void **state)
{
	struct vars_test t;

	(void)state;
	for (size_t i = 0; i < COUNT(json); i++) {
		body_run(&t, "application/json", "JSON", json[i].body);
		assert_string_equal(SHOW(&t, ARGS), json[i].want);
		assert_string_equal(SHOW(&t, ARGS_POST), json[i].want);
		assert_string_equal(SHOW(&t, REQBODY_ERROR), *json[i].error ? "1" : "0");
		assert_string_equal(SHOW(&t, REQBODY_ERROR_MSG), json[i].error);
		assert_int_equal(t.vars.error, WAF_E_NONE);
		assert_int_equal(t.vars.list[WAF_V_ARGS_NAMES].n, t.vars.list[WAF_V_ARGS].n);
		vars_test_free(&t);
	}
}

static void
test_json_cut(void **state)
{
	struct vars_test t;

	(void)state;
	vars_test_init(&t);
	t.req.body_cut = true;
	vars_test_body(&t, NULL, "JSON", "{\"a\":1,\"b\":\"x", 13);
	assert_string_equal(SHOW(&t, ARGS), "json.a=1");
	assert_string_equal(SHOW(&t, REQBODY_ERROR), "0");
	assert_string_equal(SHOW(&t, INBOUND_DATA_ERROR), "1");
	vars_test_free(&t);
}

static char *
nest(size_t depth, const char *middle)
{
	size_t n = strlen(middle);
	char *s = malloc(2 * depth + n + 1);

	assert_non_null(s);
	memset(s, '[', depth);
	memcpy(s + depth, middle, n);
	memset(s + depth + n, ']', depth);
	s[2 * depth + n] = '\0';
	return s;
}

static void
check_depth(int64_t limit, size_t depth, enum waf_error want)
{
	struct vars_test t;
	char *s = nest(depth, "1");

	vars_test_init(&t);
	t.set.json_depth_limit = limit;
	vars_test_body(&t, NULL, "JSON", s, strlen(s));
	assert_int_equal(t.vars.error, want);
	assert_int_equal(t.vars.list[WAF_V_ARGS].n, want == WAF_E_NONE);
	assert_string_equal(SHOW(&t, REQBODY_ERROR), want == WAF_E_NONE ? "0" : "1");
	vars_test_free(&t);
	free(s);
}

static void
test_json_limits(void **state)
{
	struct vars_test t;

	(void)state;
	check_depth(3, 3, WAF_E_NONE);
	check_depth(3, 4, WAF_E_DEPTH);
	check_depth(10000, 128, WAF_E_NONE);
	check_depth(10000, 129, WAF_E_DEPTH);
	check_depth(0, 129, WAF_E_DEPTH);
	check_depth(0, 60000, WAF_E_DEPTH);

	vars_test_init(&t);
	t.set.arguments_limit = 2;
	vars_test_body(&t, NULL, "JSON", "[1,2,3,4]", 9);
	assert_string_equal(SHOW(&t, ARGS), "json.array_0=1|json.array_1=2");
	assert_int_equal(t.vars.error, WAF_E_ARGS);
	assert_string_equal(SHOW(&t, REQBODY_ERROR_MSG), "Too many arguments");
	vars_test_free(&t);
}

/* One long key and many leaves under it must not multiply. */
static void
test_json_long_names(void **state)
{
	enum { KEY = 65536, LEAVES = 900 };
	struct vars_test t;
	char *s = malloc(KEY + 2 * LEAVES + 16), *p = s;

	(void)state;
	assert_non_null(s);
	p += sprintf(p, "{\"");
	memset(p, 'k', KEY);
	p += KEY;
	p += sprintf(p, "\":[0");
	for (int i = 0; i < LEAVES; i++)
		p += sprintf(p, ",1");
	p += sprintf(p, "]}");
	vars_test_init(&t);
	vars_test_body(&t, NULL, "JSON", s, (size_t)(p - s));
	assert_int_equal(t.vars.error, WAF_E_ARGS);
	assert_true(arena_used(t.arena) < (8u << 20));
	assert_int_equal(t.vars.list[WAF_V_ARGS].n, (4u << 20) / (KEY + 13));
	vars_test_free(&t);
	free(s);
}

/* ---- jansson says what the leaves are ---- */

static uint64_t rng_state = 0x2545f4914f6cdd1dULL;

static unsigned
rng(unsigned n)
{
	rng_state ^= rng_state >> 12;
	rng_state ^= rng_state << 25;
	rng_state ^= rng_state >> 27;
	return (unsigned)((rng_state * 2685821657736338717ULL) >> 40) % n;
}

static json_t *
random_json(int depth)
{
	static const char *const words[] = { "", "a", "<script>", "\xc3\xa9", "x\ny", "\"q\\", "1' or '1'='1" };
	json_t *j;
	char key[40];

	switch (rng(depth > 0 ? 9 : 6)) {
	case 0:
		return json_null();
	case 1:
		return json_boolean(rng(2));
	case 2:
		return json_integer((json_int_t)rng(1000000) - 500000);
	case 3: case 4: case 5:
		return json_string(words[rng(COUNT(words))]);
	case 6:
		j = json_array();
		for (unsigned i = rng(5); i > 0; i--)
			json_array_append_new(j, random_json(depth - 1));
		return j;
	default:
		j = json_object();
		for (unsigned i = rng(5); i > 0; i--) {
			snprintf(key, sizeof(key), "%s%u", words[rng(COUNT(words))], i);
			json_object_set_new(j, key, random_json(depth - 1));
		}
		return j;
	}
}

static void
expect(char *out, json_t *j, const char *path, bool root)
{
	char name[1024];
	const char *key;
	json_t *v;
	size_t i;

	json_object_foreach(j, key, v) {
		snprintf(name, sizeof(name), "%s.%s", path, key);
		expect(out, v, name, false);
	}
	json_array_foreach(j, i, v) {
		snprintf(name, sizeof(name), "%s.array_%zu", path, i);
		expect(out, v, name, false);
	}
	if (json_object_size(j) + json_array_size(j) > 0 || (root && (json_is_object(j) || json_is_array(j))))
		return;
	out += strlen(out);
	out += sprintf(out, "%s=", path);
	if (json_is_string(j))
		sprintf(out, "%s|", json_string_value(j));
	else if (json_is_integer(j))
		sprintf(out, "%" JSON_INTEGER_FORMAT "|", json_integer_value(j));
	else
		sprintf(out, "%s|", json_is_true(j) ? "true" : json_is_false(j) ? "false" : "");
}

static void
test_json_oracle(void **state)
{
	static char want[262144], got[262144];
	struct waf_scratch *scratch = waf_scratch_new();
	struct vars_test t;

	(void)state;
	assert_non_null(scratch);
	for (unsigned round = 0; round < 2000; round++) {
		json_t *j = random_json(6);
		char *text = json_dumps(j, JSON_ENCODE_ANY | (round & 1 ? JSON_INDENT(2) : 0) |
		    (round & 2 ? JSON_ENSURE_ASCII : 0)), *p = got;

		assert_non_null(text);
		*want = *got = '\0';
		expect(want, j, "json", true);
		vars_test_init(&t);
		t.vars.scratch = round % 3 ? scratch : NULL;
		vars_test_body(&t, "application/json", "JSON", text, strlen(text));
		for (size_t i = 0; i < t.vars.list[WAF_V_ARGS].n; i++) {
			const struct waf_val *v = &t.vars.list[WAF_V_ARGS].v[i];

			p += sprintf(p, "%.*s=%.*s|", (int)v->key.n, v->key.p, (int)v->value.n, v->value.p);
		}
		if (t.vars.error == WAF_E_NONE)
			assert_string_equal(got, want);
		else
			assert_int_equal(t.vars.list[WAF_V_ARGS].n, 1000);
		vars_test_free(&t);
		free(text);
		json_decref(j);
	}
	waf_scratch_free(&scratch);
}

static void
test_json_memory(void **state)
{
	static const char body[] = "{\"a\":[1,\"\\u0041\",{\"bcdefghijkl\":true}],\"c\":{}}";
	struct vars_test t;

	(void)state;
	for (size_t limit = 1; limit < 4000; limit += 7) {
		vars_test_init(&t);
		arena_free(&t.arena);
		t.arena = arena_new(limit);
		waf_vars_init(&t.vars, t.arena);
		vars_test_body(&t, NULL, "JSON", body, sizeof(body) - 1);
		assert_int_equal(t.vars.error, arena_failed(t.arena) ? WAF_E_MEMORY : WAF_E_NONE);
		vars_test_free(&t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form), cmocka_unit_test(test_request_body),
		cmocka_unit_test(test_limits), cmocka_unit_test(test_json), cmocka_unit_test(test_json_cut),
		cmocka_unit_test(test_json_limits), cmocka_unit_test(test_json_long_names),
		cmocka_unit_test(test_json_oracle), cmocka_unit_test(test_json_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
