/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/evline.h"

static const struct member {
	const char	*name, *value;
} base[] = {
	{ "v", "1" }, { "id", "\"a-1\"" }, { "ts", "\"2026-01-02T03:04:05.678Z\"" },
	{ "node", "\"n\"" }, { "layer", "\"edge\"" }, { "event", "\"waf.block\"" },
	{ "severity", "7" }, { "action", "\"block\"" },
};
#define N_BASE	(sizeof(base) / sizeof(base[0]))

/* A good line with one member changed, added, or (value NULL) left out. */
static size_t
line_with(char *out, size_t size, const char *name, const char *value)
{
	size_t n = (size_t)snprintf(out, size, "{");
	const char *sep = "";
	bool found = false;

	for (size_t i = 0; i <= N_BASE; i++) {
		bool extra = i == N_BASE;
		bool hit = !extra && strcmp(base[i].name, name) == 0;
		const char *v = extra || hit ? value : base[i].value;

		found |= hit;
		if (v == NULL || (extra && found))
			continue;
		n += (size_t)snprintf(out + n, size - n, "%s\"%s\":%s", sep, extra ? name : base[i].name, v);
		sep = ",";
	}
	return n + (size_t)snprintf(out + n, size - n, "}");
}

static void
minimal(void **state)
{
	char line[4096];
	size_t n = line_with(line, sizeof(line), "v", "1");
	struct evline ev;
	const char *why = "untouched";

	assert_int_equal(evline_parse(&ev, line, n, &why), 0);
	assert_null(why);
	assert_string_equal(ev.id, "a-1");
	assert_string_equal(ev.node, "n");
	assert_string_equal(ev.layer, "edge");
	assert_string_equal(ev.event, "waf.block");
	assert_string_equal(ev.action, "block");
	assert_int_equal(ev.severity, 7);
	assert_int_equal(ev.score, -1);
	assert_int_equal(ev.ttl_s, 0);
	assert_int_equal(ev.ts_ms, 1767323045678);
	assert_null(ev.ip);
	assert_null(ev.request_id);
	assert_null(ev.target);
	evline_clear(&ev);
	assert_null(ev.doc);
}

static void
complete(void **state)
{
	static const char line[] = "{\"v\":1,\"id\":\"01J:x.y_z-0\",\"ts\":1767323045.678,\"node\":\"n\","
	    "\"layer\":\"kernel\",\"event\":\"ban\",\"severity\":0,\"score\":100,\"action\":\"mask\","
	    "\"actor\":{\"ip\":\"2001:db8::1\",\"ja4\":\"t13d\",\"key\":\"0011\",\"user\":\"\\u00e9\"},"
	    "\"request_id\":\"r-1\",\"rule_ids\":[\"1\",\"2\"],\"target\":\"api.example\",\"ttl_s\":3600,"
	    "\"detail\":{\"a\":[1]},\"tomorrow\":true}";
	struct evline ev;
	const char *why;

	assert_int_equal(evline_parse(&ev, line, sizeof(line) - 1, &why), 0);
	assert_int_equal(ev.ts_ms, 1767323045678);
	assert_int_equal(ev.score, 100);
	assert_int_equal(ev.ttl_s, 3600);
	assert_string_equal(ev.ip, "2001:db8::1");
	assert_string_equal(ev.ja4, "t13d");
	assert_string_equal(ev.key, "0011");
	assert_string_equal(ev.user, "\xc3\xa9");
	assert_string_equal(ev.request_id, "r-1");
	assert_string_equal(ev.target, "api.example");
	evline_clear(&ev);
}

static void
one_member(const char *name, const char *value, const char *want)
{
	char line[8192];
	size_t n = line_with(line, sizeof(line), name, value);
	struct evline ev;
	const char *why = NULL;
	int r = evline_parse(&ev, line, n, &why);

	if (want == NULL ? r != 0 : r == 0 || strstr(why, want) == NULL)
		fail_msg("%s: returned %d (%s)", line, r, why != NULL ? why : "fine");
	if (r == 0)
		evline_clear(&ev);
}

static void
members(void **state)
{
	static const struct { const char *name, *value, *want; } rows[] = {
		{ "v", NULL, "\"v\"" }, { "v", "2", "\"v\"" }, { "v", "\"1\"", "\"v\"" },
		{ "v", "1.0", "\"v\"" },
		{ "id", NULL, "\"id\"" }, { "id", "\"\"", "\"id\"" }, { "id", "7", "\"id\"" },
		{ "id", "\"a b\"", "\"id\"" }, { "id", "null", "\"id\"" },
		{ "ts", NULL, "\"ts\"" }, { "ts", "\"yesterday\"", "\"ts\"" }, { "ts", "-1", "\"ts\"" },
		{ "ts", "1e300", "\"ts\"" }, { "ts", "\"2026-13-02T03:04:05Z\"", "\"ts\"" },
		{ "ts", "\"2026-01-02T03:04:05\"", "\"ts\"" }, { "ts", "0", NULL },
		{ "ts", "\"2026-01-02T03:04:05+01:30\"", NULL },
		{ "node", NULL, "\"node\"" }, { "node", "[]", "\"node\"" },
		{ "layer", "\"moon\"", "\"layer\"" }, { "layer", "\"Edge\"", "\"layer\"" },
		{ "layer", "\"control\"", NULL }, { "layer", "\"egress\"", NULL },
		{ "event", NULL, "\"event\"" }, { "event", "\"a\\nb\"", "\"event\"" },
		{ "action", "\"explode\"", "\"action\"" }, { "action", "\"monitor\"", NULL },
		{ "severity", NULL, "\"severity\"" }, { "severity", "11", "\"severity\"" },
		{ "severity", "-1", "\"severity\"" }, { "severity", "3.5", "\"severity\"" },
		{ "severity", "0", NULL }, { "severity", "10", NULL },
		{ "score", "101", "\"score\"" }, { "score", "-2", "\"score\"" }, { "score", "-1", NULL },
		{ "score", "null", NULL }, { "score", "\"9\"", "\"score\"" },
		{ "ttl_s", "-1", "\"ttl_s\"" }, { "ttl_s", "9223372036854775807", "\"ttl_s\"" },
		{ "ttl_s", "99999999999999999999", "JSON" },
		{ "rule_ids", "[1]", "\"rule_ids\"" }, { "rule_ids", "\"1\"", "\"rule_ids\"" },
		{ "rule_ids", "[]", NULL }, { "rule_ids", "null", NULL },
		{ "detail", "[]", "\"detail\"" }, { "detail", "{}", NULL }, { "detail", "null", NULL },
		{ "actor", "[]", "\"actor\"" }, { "actor", "{}", NULL }, { "actor", "null", NULL },
		{ "actor", "{\"ip\":\"1.2.3\"}", "\"ip\"" }, { "actor", "{\"ip\":\"\"}", "\"ip\"" },
		{ "actor", "{\"ip\":\"192.0.2.1\"}", NULL }, { "actor", "{\"key\":7}", "\"key\"" },
		{ "request_id", "7", "\"request_id\"" }, { "request_id", "null", NULL },
		{ "target", "{}", "\"target\"" }, { "new", "{\"x\":[]}", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		one_member(rows[i].name, rows[i].value, rows[i].want);
}

static void
lengths(void **state)
{
	static const struct { const char *name; size_t max; } rows[] = {
		{ "id", 128 }, { "node", 255 }, { "event", 64 }, { "request_id", 1024 }, { "target", 4096 },
	};
	char value[5000];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(value, 'a', sizeof(value));
		value[0] = value[rows[i].max + 1] = '"';
		value[rows[i].max + 2] = '\0';
		one_member(rows[i].name, value, NULL);
		value[rows[i].max + 1] = 'a';
		value[rows[i].max + 2] = '"';
		value[rows[i].max + 3] = '\0';
		one_member(rows[i].name, value, rows[i].name);
	}
}

static void
over_long(void **state)
{
	static char line[EVLINE_MAX + 2];
	size_t n = line_with(line, sizeof(line), "pad", "\"");
	struct evline ev;
	const char *why;

	/* The open string of the last member is filled up to the limit. */
	memset(line + n - 1, 'x', sizeof(line) - n + 1);
	memcpy(line + EVLINE_MAX - 2, "\"}", 2);
	assert_int_equal(evline_parse(&ev, line, EVLINE_MAX, &why), 0);
	evline_clear(&ev);
	memcpy(line + EVLINE_MAX - 2, "x\"}", 3);
	assert_true(evline_parse(&ev, line, EVLINE_MAX + 1, &why) < 0);
	assert_string_equal(why, "line too long");
}

static void
no_object(void **state)
{
	static const struct { const char *text; size_t n; } rows[] = {
#define R(s) { s, sizeof(s) - 1 }
		R(""), R(" "), R("[]"), R("null"), R("{"), R("{}{}"), R("{\"a\":\"\xff\"}"),
		R("{\"a\":\"\0\"}"), R("{\"a\":\"\\u0000\"}"), R("{\"a\":\"\\ud800\"}"), R("{'a':1}"),
		R("{\"v\":1,\"v\":1}"), R("{\"a\":NaN}"), R("GET / HTTP/1.1"),
		R("{\"v\":1,\n\"id\":\"x\"}"), R("{\"v\":1,\r\"id\":\"x\"}"),
#undef R
	};
	static char deep[60001];
	struct evline ev;
	const char *why;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		why = NULL;
		assert_true(evline_parse(&ev, rows[i].text, rows[i].n, &why) < 0);
		assert_non_null(why);
	}
	memset(deep, '[', sizeof(deep));
	assert_true(evline_parse(&ev, deep, sizeof(deep) - 1, &why) < 0);
}

/* A second member of the same name could mean one thing here and another to a reader. */
static void
duplicate_members(void **state)
{
	char line[4096];
	size_t n = line_with(line, sizeof(line), "actor", "{\"ip\":\"192.0.2.1\",\"ip\":\"192.0.2.2\"}");
	struct evline ev;
	const char *why;

	assert_true(evline_parse(&ev, line, n, &why) < 0);
	n = line_with(line, sizeof(line), "zz", "1,\"severity\":1");
	assert_true(evline_parse(&ev, line, n, &why) < 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(minimal), cmocka_unit_test(complete), cmocka_unit_test(members),
		cmocka_unit_test(lengths), cmocka_unit_test(over_long), cmocka_unit_test(no_object),
		cmocka_unit_test(duplicate_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
