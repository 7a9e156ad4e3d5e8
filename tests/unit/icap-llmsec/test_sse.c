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

#include "icap-llmsec/sse.h"

/* Every event as text, and all raw bytes again. */
struct seen {
	struct buf	 log, raw;
	int		 stop_after;
};

static int
note(void *arg, const struct sse_event *e)
{
	struct seen *s = arg;

	buf_add(&s->raw, e->raw, e->raw_len);
	if (e->has_data)
		buf_printf(&s->log, "<%.*s|%.*s|%.*s|%d|%s>", (int)e->name_len, e->name, (int)e->data_len, e->data,
		    (int)e->id_len, e->id, (int)e->retry, e->complete ? "" : "cut");
	return s->stop_after > 0 && --s->stop_after == 0 ? 7 : 0;
}

static void
check(const char *in, const char *want)
{
	size_t len = strlen(in);

	for (size_t cut = 0; cut <= len; cut++) {
		struct seen s = { .stop_after = 0 };
		struct sse *p = sse_new(note, &s, 1000);

		for (size_t i = 0; cut == len && i < len; i++)
			assert_int_equal(sse_feed(p, in + i, 1), 0);
		if (cut < len) {
			assert_int_equal(sse_feed(p, in, cut), 0);
			assert_int_equal(sse_feed(p, in + cut, len - cut), 0);
		}
		assert_int_equal(sse_finish(p), 0);
		buf_addc(&s.log, '\0');
		assert_string_equal(buf_ptr(&s.log), want);
		assert_int_equal(buf_len(&s.raw), len);
		assert_memory_equal(buf_ptr(&s.raw), in, len);
		sse_free(&p);
		buf_free(&s.log);
		buf_free(&s.raw);
	}
}

static void
test_fields(void **state)
{
	check("data: a\n\n", "<|a||-1|>");
	check("data:a\n\ndata:  b\n\n", "<|a||-1|><| b||-1|>");
	check("event: x\nid: 5\nretry: 30\ndata: a\ndata\ndata: b\n\n", "<x|a\n\nb|5|30|>");
	check("data\n\n", "<|||-1|>");
	check("event: x\n\ndata: y\n\n", "<|y||-1|>");	/* no data: not dispatched, name forgotten */
	check(": c\n: d\n\ndata: y\n: e\n\n", "<|y||-1|>");
	check("foo: bar\ndata: y\nretry: 1x\n\n", "<|y||-1|>");
	check("\xef\xbb\xbf" "data: y\n\n\xef\xbb\xbf" "data: z\n\n", "<|y||-1|>");
	check("\n\n\ndata: y\n\n\n", "<|y||-1|>");
}

static void
test_endings(void **state)
{
	check("data: a\r\n\r\ndata: b\r\n\r\n", "<|a||-1|><|b||-1|>");
	check("data: a\r\rdata: b\r\r", "<|a||-1|><|b||-1|>");
	check("data: a\n\r\ndata: b\r\n\n", "<|a||-1|><|b||-1|>");
	check("data: a\rdata: b\r\ndata: c\n\r", "<|a\nb\nc||-1|>");
}

static void
test_cut(void **state)
{
	check("data: a\n\ndata: b\n", "<|a||-1|><|b||-1|cut>");
	check("data: a\n\ndata: b", "<|a||-1|><|b||-1|cut>");
	check("data: a\n\n: com", "<|a||-1|>");
}

/* An event leaves with the byte that ends it, also when a CR may be half of a CRLF. */
static void
test_no_delay(void **state)
{
	static const char *const ins[] = { "data: a\n\n", "data: a\r\r", "data: a\r\n\r\n", ": keep-alive\n" };

	for (size_t i = 0; i < 4; i++) {
		struct seen s = { .stop_after = 0 };
		struct sse *p = sse_new(note, &s, 1000);

		assert_int_equal(sse_feed(p, ins[i], strlen(ins[i])), 0);
		assert_int_equal(buf_len(&s.raw), strlen(ins[i]));
		sse_free(&p);
		buf_free(&s.log);
		buf_free(&s.raw);
	}
}

static void
test_limits(void **state)
{
	struct seen s = { .stop_after = 2 };
	struct sse *p = sse_new(note, &s, 20);

	assert_int_equal(sse_feed(p, "data: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 40), -EMSGSIZE);
	assert_int_equal(sse_feed(p, "\n\n", 2), -EMSGSIZE);
	sse_free(&p);
	p = sse_new(note, &s, 20);
	assert_int_equal(sse_feed(p, "data: a\n\ndata: b\n\ndata: c\n\n", 27), 7);
	assert_int_equal(sse_finish(p), 7);
	sse_free(&p);
	buf_free(&s.log);
	buf_free(&s.raw);
}

static int
rewrite(void *arg, const struct sse_event *e)
{
	return e->has_data ? sse_rewrite(arg, e, "N\nM", 3) : buf_add(arg, e->raw, e->raw_len);
}

static void
test_rewrite(void **state)
{
	static const struct { const char *in, *want; } t[] = {
		{ "event: x\ndata: a\nid: 1\n\n", "event: x\ndata: N\ndata: M\nid: 1\n\n" },
		{ "data: a\r\nid:1\r\ndata: b\r\n\r\n", "data: N\r\ndata: M\r\nid:1\r\n\r\n" },
		{ "\xef\xbb\xbf" "data:a\r\r", "\xef\xbb\xbf" "data: N\rdata: M\r\r" },
		{ "dataset: 1\n:c\ndata\n\n", "dataset: 1\n:c\ndata: N\ndata: M\n\n" },
		{ "data: a", "data: N\ndata: M" },
	};
	struct buf out = { 0 };

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct sse *p = sse_new(rewrite, &out, 1000);

		assert_int_equal(sse_feed(p, t[i].in, strlen(t[i].in)), 0);
		assert_int_equal(sse_finish(p), 0);
		buf_addc(&out, '\0');
		assert_string_equal(buf_ptr(&out), t[i].want);
		buf_clear(&out);
		sse_free(&p);
	}
	assert_int_equal(sse_write(&out, "x", 1, "\r\n", "{}", 2), 0);
	buf_addc(&out, '\0');
	assert_string_equal(buf_ptr(&out), "event: x\r\ndata: {}\r\n\r\n");
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields), cmocka_unit_test(test_endings), cmocka_unit_test(test_cut),
		cmocka_unit_test(test_no_delay), cmocka_unit_test(test_limits), cmocka_unit_test(test_rewrite),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
