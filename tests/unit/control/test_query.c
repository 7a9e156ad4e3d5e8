/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/evline.h"
#include "control/query.h"
#include "control/store.h"
#include "control/store_read.h"
#include "tests/unit/control/ctl_test.h"

#define NOW	1767323045678	/* 2026-01-02T03:04:05.678Z */

static void
parameters(void **state)
{
	static const struct { const char *name, *value; bool good; } rows[] = {
		{ "since", "10m", true }, { "since", "2026-01-02T03:04:05Z", true }, { "since", "0", true },
		{ "since", "1700000000.25", true }, { "since", "7d", true }, { "since", "", false },
		{ "since", "10x", false }, { "since", "-5", false }, { "since", "9999999999999", false },
		{ "since", NULL, false },
		{ "after", "0", true }, { "after", "9223372036854775807", true }, { "after", "-1", false },
		{ "after", "9223372036854775808", false }, { "after", "1x", false }, { "after", "+1", false },
		{ "limit", "1", true }, { "limit", "10000", true }, { "limit", "0", false },
		{ "limit", "10001", false }, { "limit", "1e3", false },
		{ "min_severity", "10", true }, { "min_severity", "11", false },
		{ "event", "waf.block", true }, { "event", "", false },
		{ "event", "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg", true },
		{ "event", "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg", false },
		{ "request_id", "x", true }, { "request_id", NULL, false },
		{ "ip", "192.0.2.1", true }, { "ip", "2001:db8::1", true }, { "ip", "192.0.2", false },
		{ "ip", "192.0.2.1 OR 1=1", false },
		{ "until", "1h", true }, { "until", "tomorrow", false }, { "before", "1", true }, { "before", "0", false }, { "before", "-1", false },
		{ "layer", "edge", true }, { "layer", "", false }, { "action", "block", true }, { "from_node", "n", true }, { "key", "k:1", true },
		{ "user", NULL, false }, { "target", "a.example", true }, { "actor", "x", false },
		{ "severity", "1", false }, { "Limit", "1", false }, { "", "", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct event_query q;
		const char *why = NULL;
		int r;

		query_init(&q);
		r = query_set(&q, rows[i].name, rows[i].value, NOW, &why);
		if ((r == 0) != rows[i].good)
			fail_msg("%s=%s: %d", rows[i].name, rows[i].value, r);
		assert_non_null(why);
	}
}

static void
since(void **state)
{
	struct event_query q;
	const char *why;

	query_init(&q);
	assert_int_equal(q.limit, 100);
	assert_int_equal(q.after, -1);
	assert_int_equal(query_set(&q, "since", "10m", NOW, &why), 0);
	assert_int_equal(q.since_ms, NOW - 600000);
	assert_int_equal(query_set(&q, "since", "2026-01-02T04:04:05.678+01:00", NOW, &why), 0);
	assert_int_equal(q.since_ms, NOW);
	assert_int_equal(query_set(&q, "since", "1767323045.678", NOW, &why), 0);
	assert_int_equal(q.since_ms, NOW);
}

static void
put(struct store *s, const char *id, int ts_s, const char *event, int severity, const char *ip,
    const char *request)
{
	char line[CTL_LINE];
	struct evline ev;
	const char *why;
	int n = snprintf(line, sizeof(line), "{\"v\":1,\"id\":\"%s\",\"ts\":%d,\"node\":\"n\","
	    "\"layer\":\"edge\",\"event\":\"%s\",\"severity\":%d,\"action\":\"block\","
	    "\"actor\":{\"ip\":\"%s\",\"key\":\"k%s\",\"user\":\"u%s\"},\"request_id\":\"%s\",\"target\":\"%s.example\"}", id, ts_s, event, severity, ip, id, id,
	    request, id);

	assert_int_equal(evline_parse(&ev, line, (size_t)n, &why), 0);
	assert_int_equal(store_put(s, &ev, line, (size_t)n, 1), 1);
	evline_clear(&ev);
}

struct found {
	char	text[256];
	int	stop_at, n;
};

/* Collects "seq:id " of each. */
static int
row_take(void *arg, int64_t seq, const char *line, size_t len)
{
	struct found *f = arg;
	size_t used = strlen(f->text);
	const char *id = strstr(line, "\"id\":\"");

	assert_int_equal(strlen(line), len);
	assert_non_null(id);
	snprintf(f->text + used, sizeof(f->text) - used, "%d:%.1s ", (int)seq, id + 6);
	return ++f->n == f->stop_at;
}

/* Ask with "name=value" pairs, NULL at the end. */
static const char *
ask(struct store_read *db, struct found *f, ...)
{
	struct event_query q;
	const char *name, *why;
	va_list ap;

	query_init(&q);
	va_start(ap, f);
	while ((name = va_arg(ap, const char *)) != NULL)
		assert_int_equal(query_set(&q, name, va_arg(ap, const char *), NOW, &why), 0);
	va_end(ap);
	f->text[0] = '\0';
	f->n = 0;
	assert_int_equal(store_read_events(db, &q, row_take, f), 0);
	return f->text;
}

static void
answers(void **state)
{
	const char *path = ctl_test_path(*state, "events.db");
	struct found f = {0};
	struct store_read *db;
	struct store *s;

	assert_int_equal(store_read_open(&db, path), -EIO);
	assert_int_equal(store_open(&s, path, NULL), 0);
	assert_int_equal(store_read_open(&db, path), 0);
	assert_int_equal(store_read_last(db), 0);
	assert_string_equal(ask(db, &f, NULL), "");
	put(s, "a", 100, "x.one", 1, "192.0.2.1", "r1");
	put(s, "b", 300, "x.two", 5, "192.0.2.2", "r1");
	put(s, "c", 200, "x.one", 9, "2001:db8::1", "r2");
	put(s, "d", 400, "x.two", 5, "192.0.2.1", "r' OR 1=1");
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(store_read_last(db), 4);
	assert_string_equal(ask(db, &f, NULL), "1:a 2:b 3:c 4:d ");
	/* Without a place to begin the newest count, oldest first. */
	assert_string_equal(ask(db, &f, "limit", "2", NULL), "3:c 4:d ");
	assert_string_equal(ask(db, &f, "after", "0", "limit", "2", NULL), "1:a 2:b ");
	assert_string_equal(ask(db, &f, "after", "2", NULL), "3:c 4:d ");
	assert_string_equal(ask(db, &f, "after", "4", NULL), "");
	assert_string_equal(ask(db, &f, "since", "200", NULL), "2:b 3:c 4:d ");
	assert_string_equal(ask(db, &f, "min_severity", "5", "event", "x.two", NULL), "2:b 4:d ");
	assert_string_equal(ask(db, &f, "ip", "192.0.2.1", NULL), "1:a 4:d ");
	assert_string_equal(ask(db, &f, "ip", "192.0.2.9", NULL), "");
	assert_string_equal(ask(db, &f, "request_id", "r1", NULL), "1:a 2:b ");
	assert_string_equal(ask(db, &f, "request_id", "r' OR 1=1", NULL), "4:d ");
	assert_string_equal(ask(db, &f, "request_id", "r1", "after", "1", "since", "300", "event", "x.two",
	    "ip", "192.0.2.2", "min_severity", "5", "limit", "1", NULL), "2:b ");
	/* The other way, page by page; and what is older than a time. */
	assert_string_equal(ask(db, &f, "before", "4", "limit", "2", NULL), "2:b 3:c ");
	assert_string_equal(ask(db, &f, "before", "2", "limit", "2", NULL), "1:a ");
	assert_string_equal(ask(db, &f, "before", "1", NULL), "");
	assert_string_equal(ask(db, &f, "after", "1", "before", "4", NULL), "2:b 3:c ");
	assert_string_equal(ask(db, &f, "until", "300", NULL), "1:a 3:c ");
	assert_string_equal(ask(db, &f, "since", "200", "until", "301", NULL), "2:b 3:c ");
	assert_string_equal(ask(db, &f, "target", "c.example", NULL), "3:c ");
	assert_string_equal(ask(db, &f, "key", "kb", NULL), "2:b ");
	assert_string_equal(ask(db, &f, "user", "ud", "key", "kd", NULL), "4:d ");
	assert_string_equal(ask(db, &f, "user", "ud", "key", "ka", NULL), "");
	assert_string_equal(ask(db, &f, "layer", "edge", "action", "block", "from_node", "n", "limit", "1", NULL), "4:d ");
	assert_string_equal(ask(db, &f, "layer", "gateway", NULL), "");
	assert_string_equal(ask(db, &f, "action", "mask", NULL), "");
	f.stop_at = 2;
	assert_string_equal(ask(db, &f, NULL), "1:a 2:b ");
	store_read_close(&db);
	store_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters), cmocka_unit_test(since),
		cmocka_unit_test_setup_teardown(answers, ctl_test_setup, ctl_test_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
