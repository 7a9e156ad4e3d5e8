/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>

#include "lib/event_line.h"

static struct event_origin origin;
static struct buf line;

/* The line as another program's parser sees it.  The caller frees it. */
static json_t *
parsed(const struct event *e)
{
	json_t *root;

	buf_clear(&line);
	assert_int_equal(event_line(&line, &origin, e), 0);
	assert_true(buf_len(&line) <= EVENT_LINE_MAX);
	assert_ptr_equal(memchr(buf_ptr(&line), '\n', buf_len(&line)), buf_ptr(&line) + buf_len(&line) - 1);
	root = json_loadb(buf_ptr(&line), buf_len(&line), JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	return root;
}

static void
check_text(json_t *o, const char *name, const char *want)
{
	const char *got = json_string_value(json_object_get(o, name));

	if (got == NULL || strcmp(got, want) != 0)
		fail_msg("%s is %s, not %s", name, got ? got : "absent", want);
}

static int
setup(void **state)
{
	return event_origin_init(&origin, "node-1", "gateway");
}

static int
teardown(void **state)
{
	buf_free(&line);
	return 0;
}

static void
test_every_member(void **state)
{
	static const char *const rules[] = { "r1", "r\"2" };
	const struct event e = { .event = "waf.block", .severity = 9, .score = 100, .action = "block", .ip = "2001:db8::1",
	    .ja4 = "t13d", .key = "0123456789abcdef", .user = "fedcba9876543210", .request_id = "req", .rule_ids = rules,
	    .n_rule_ids = 2, .target = "api.example", .ttl_s = 600, .detail = "{\"a\":\n [1,\r\n2]}" };
	json_t *o = parsed(&e), *actor = json_object_get(o, "actor"), *ids = json_object_get(o, "rule_ids");

	assert_int_equal(json_object_size(o), 15);
	assert_int_equal(json_integer_value(json_object_get(o, "v")), 1);
	check_text(o, "node", "node-1");
	check_text(o, "layer", "gateway");
	check_text(o, "event", "waf.block");
	assert_int_equal(json_integer_value(json_object_get(o, "severity")), 9);
	assert_int_equal(json_integer_value(json_object_get(o, "score")), 100);
	check_text(o, "action", "block");
	assert_int_equal(json_object_size(actor), 4);
	check_text(actor, "ip", "2001:db8::1");
	check_text(actor, "ja4", "t13d");
	check_text(actor, "key", "0123456789abcdef");
	check_text(actor, "user", "fedcba9876543210");
	check_text(o, "request_id", "req");
	assert_int_equal(json_array_size(ids), 2);
	assert_string_equal(json_string_value(json_array_get(ids, 1)), "r\"2");
	check_text(o, "target", "api.example");
	assert_int_equal(json_integer_value(json_object_get(o, "ttl_s")), 600);
	assert_int_equal(json_array_size(json_object_get(json_object_get(o, "detail"), "a")), 2);
	json_decref(o);
}

static void
test_only_what_is_known(void **state)
{
	const struct event e = { .event = "x", .score = -1, .action = "allow" };
	json_t *o = parsed(&e);

	assert_int_equal(json_object_size(o), 10);
	assert_null(json_object_get(o, "score"));
	assert_null(json_object_get(o, "request_id"));
	assert_null(json_object_get(o, "ttl_s"));
	assert_null(json_object_get(o, "detail"));
	assert_int_equal(json_object_size(json_object_get(o, "actor")), 0);
	assert_int_equal(json_array_size(json_object_get(o, "rule_ids")), 0);
	json_decref(o);
}

/* Bytes from outside stay inside their string; what is no UTF-8 is replaced, what is endless is cut. */
static void
test_hostile_text(void **state)
{
	char huge[5000];
	struct event e = { .event = "x", .action = "allow", .request_id = "a\",\"v\":2,\n\x01\x7f\xff\xc3\xbc\xed\xa0\x80" };
	json_t *o = parsed(&e);

	check_text(o, "request_id", "a\",\"v\":2,\n\x01\x7f\xef\xbf\xbd\xc3\xbc\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	json_decref(o);
	for (size_t shift = 0; shift < 3; shift++) {
		memset(huge, 'a', sizeof(huge));
		for (size_t i = shift; i + 4 < sizeof(huge); i += 3)
			memcpy(huge + i, "\xe2\x82\xac", 3);
		huge[sizeof(huge) - 1] = '\0';
		e.request_id = huge;
		o = parsed(&e);
		assert_in_range(json_string_length(json_object_get(o, "request_id")), 1022, 1024);
		json_decref(o);
	}
}

static void
test_too_long(void **state)
{
	static char detail[EVENT_LINE_MAX + 1];
	static const char *rules[200];
	static char rule[200];
	struct event e = { .event = "x", .action = "allow", .detail = detail };
	json_t *o;

	memset(detail, ' ', sizeof(detail) - 1);
	detail[0] = '{';
	detail[sizeof(detail) - 2] = '}';
	o = parsed(&e);		/* rather without its detail than not at all */
	assert_null(json_object_get(o, "detail"));
	json_decref(o);
	memset(rule, 'r', sizeof(rule) - 1);
	for (size_t i = 0; i < 200; i++)
		rules[i] = rule;
	e.rule_ids = rules;
	e.n_rule_ids = 200;
	buf_clear(&line);
	assert_int_equal(event_line(&line, &origin, &e), -EMSGSIZE);
}

/* Ids are ULIDs: 26 characters that begin with the time; they rise, and none comes twice. */
/* time() reads a clock that may be a tick behind: at the turn of a second it says the one before. */
static time_t
now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec;
}

static void
test_ids(void **state)
{
	static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	const struct event e = { .event = "x", .action = "allow" };
	char last[27] = "";
	time_t before = time(NULL);

	for (int i = 0; i < 5000; i++) {
		json_t *o = parsed(&e);
		const char *id = json_string_value(json_object_get(o, "id"));
		uint64_t ms = 0;

		assert_int_equal(strlen(id), 26);
		assert_int_equal(strspn(id, alphabet), 26);
		for (int k = 0; k < 10; k++)
			ms = ms << 5 | (uint64_t)(strchr(alphabet, id[k]) - alphabet);
		assert_in_range(ms / 1000, before, now_s());
		assert_true(strcmp(id, last) > 0);
		memcpy(last, id, sizeof(last));
		json_decref(o);
	}
}

static void
test_time(void **state)
{
	const struct event e = { .event = "x", .action = "allow" };
	time_t before = time(NULL);
	json_t *o = parsed(&e);
	const char *ts = json_string_value(json_object_get(o, "ts"));
	struct tm tm = { 0 };
	const char *end = strptime(ts, "%Y-%m-%dT%H:%M:%S", &tm);

	assert_non_null(end);
	assert_int_equal(strlen(end), 5);
	assert_int_equal(end[0], '.');
	assert_int_equal(end[4], 'Z');
	assert_in_range(timegm(&tm), before, now_s());
	json_decref(o);
}

static void
test_other_origins(void **state)
{
	struct event_origin o = { { 0 }, { 0 }, { 0 } }, p;
	char longish[400];

	memset(longish, 'n', sizeof(longish) - 1);
	longish[sizeof(longish) - 1] = '\0';
	assert_int_equal(event_origin_init(&o, longish, "edge"), 0);
	assert_int_equal(strlen(o.node), 255);
	assert_int_equal(event_origin_init(&o, NULL, "edge"), 0);
	assert_true(strlen(o.node) > 0);
	p = o;
	event_origin_reseed(&p);	/* after fork: not the parent's ids again */
	assert_memory_not_equal(o.rnd, p.rnd, sizeof(o.rnd));
}

/* RFC 4231, test case 2. */
static void
test_digest(void **state)
{
	char out[17];

	event_digest(out, "Jefe", 4, "what do ya want for nothing?", 28);
	assert_string_equal(out, "5bdcc146bf60754e");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_member),
		cmocka_unit_test(test_only_what_is_known),
		cmocka_unit_test(test_hostile_text),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_other_origins),
		cmocka_unit_test(test_digest),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
