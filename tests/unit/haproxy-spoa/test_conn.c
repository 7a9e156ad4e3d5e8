/* SPDX-License-Identifier: MIT */
/* The connection state machine: negotiation, pipelining, fragments, faults, backpressure. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "haproxy-spoa/spop_conn.h"
#include "haproxy-spoa/spop_frame.h"

struct seen {
	unsigned	 n;
	char		 text[16][64];
	uint64_t	 stream[16];
};

static int
record(void *arg, const struct spop_notify *n, struct wire_out *ack)
{
	struct seen *s = arg;
	struct spop_value v = spop_v_uint(7);

	if (s->n < 16) {
		snprintf(s->text[s->n], sizeof(s->text[0]), "%.*s", (int)n->len, (const char *)n->payload);
		s->stream[s->n] = n->stream_id;
	}
	s->n++;
	spop_put_set_var(ack, SPOP_SCOPE_TXN, "x", &v);
	return SPOP_S_NORMAL;
}

static const struct spop_conn_conf conf = {1 << 20, 4096, 2048};

static void
feed(struct spop_conn *c, const void *p, size_t n)
{
	char *room = spop_conn_room(c, n);

	assert_non_null(room);
	memcpy(room, p, n);
	spop_conn_got(c, n);
}

static void
send_frame(struct spop_conn *c, int type, uint32_t flags, uint64_t stream, const char *payload)
{
	uint8_t b[8192];
	struct wire_out o;

	wire_out_init(&o, b, sizeof(b));
	spop_frame_begin(&o, (enum spop_type)type, flags, stream, 1);
	wire_put_bytes(&o, payload, strlen(payload));
	spop_frame_end(&o);
	assert_int_equal(o.err, 0);
	feed(c, b, wire_out_len(&o));
}

static void
send_hello(struct spop_conn *c, uint32_t size, bool healthcheck)
{
	uint8_t b[256];
	struct wire_out o;

	wire_out_init(&o, b, sizeof(b));
	spop_put_haproxy_hello(&o, size, "pipelining,async", healthcheck);
	feed(c, b, wire_out_len(&o));
}

/* Take one frame off the output; its type, -1 if there is none. */
static int
take(struct spop_conn *c, struct spop_frame *f)
{
	static uint8_t copy[65536];
	struct wire w;
	uint32_t n;

	if (buf_len(&c->out) < SPOP_LENGTH)
		return -1;
	wire_init(&w, buf_ptr(&c->out), SPOP_LENGTH);
	n = wire_be32(&w);
	assert_true(n <= sizeof(copy) && buf_len(&c->out) >= n + SPOP_LENGTH);
	memcpy(copy, buf_ptr(&c->out) + SPOP_LENGTH, n);
	buf_consume(&c->out, n + SPOP_LENGTH);
	assert_int_equal(spop_frame_decode(f, copy, n), 0);
	return f->type;
}

static void
expect_disconnect(struct spop_conn *c, uint32_t want)
{
	struct spop_frame f;
	uint32_t status;

	spop_conn_process(c);
	assert_int_equal(c->state, SPOP_ST_CLOSING);
	assert_int_equal(take(c, &f), SPOP_T_AGENT_DISCONNECT);
	assert_int_equal(spop_disconnect_decode(&status, f.payload, f.len), 0);
	assert_int_equal(status, want);
	assert_int_equal(take(c, &f), -1);
}

static void
open_conn(struct spop_conn *c, struct seen *s)
{
	struct spop_frame f;

	memset(s, 0, sizeof(*s));
	spop_conn_init(c, &conf, record, s);
	send_hello(c, 16380, false);
	assert_false(spop_conn_process(c));
	assert_int_equal(c->state, SPOP_ST_READY);
	assert_int_equal(take(c, &f), SPOP_T_AGENT_HELLO);
}

static void
hello_agrees_on_the_smaller_size(void **state)
{
	static const uint32_t sizes[][2] = {{16380, 16380}, {256, 256}, {2 << 20, 1 << 20}};

	for (size_t i = 0; i < 3; i++) {
		struct spop_conn c;
		struct spop_frame f;
		struct spop_hello h;

		spop_conn_init(&c, &conf, record, NULL);
		send_hello(&c, sizes[i][0], false);
		spop_conn_process(&c);
		assert_int_equal(take(&c, &f), SPOP_T_AGENT_HELLO);
		assert_int_equal(spop_hello_decode(&h, f.payload, f.len), 0);
		assert_int_equal(h.frame_size, sizes[i][1]);
		assert_true(h.version_2 && h.pipelining && h.fragmentation);
		spop_conn_free(&c);
	}
}

static void
healthcheck_is_answered_and_over(void **state)
{
	struct spop_conn c;
	struct spop_frame f;

	spop_conn_init(&c, &conf, record, NULL);
	send_hello(&c, 16380, true);
	spop_conn_process(&c);
	assert_int_equal(take(&c, &f), SPOP_T_AGENT_HELLO);
	assert_int_equal(take(&c, &f), -1);
	assert_int_equal(c.state, SPOP_ST_CLOSING);
	spop_conn_free(&c);
}

static void
hello_key(struct wire_out *o, const char *name, const char *text, uint32_t num)
{
	struct spop_value v = text ? spop_v_str(text) : spop_v_uint(num);

	spop_kv_put(o, name, &v);
}

static void
hello_faults_have_their_codes(void **state)
{
	static const struct {
		const char	*version, *caps;
		uint32_t	 size, status;
	} t[] = {
		{NULL, "", 16380, SPOP_S_NO_VERSION}, {"2.0", "", 0, SPOP_S_NO_FRAME_SIZE},
		{"2.0", NULL, 16380, SPOP_S_NO_CAPABILITIES}, {"1.0,3.0", "", 16380, SPOP_S_BAD_VERSION},
		{"2.0", "", 255, SPOP_S_BAD_FRAME_SIZE},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct spop_conn c;
		struct wire_out o;
		uint8_t b[256];

		spop_conn_init(&c, &conf, record, NULL);
		wire_out_init(&o, b, sizeof(b));
		spop_frame_begin(&o, SPOP_T_HAPROXY_HELLO, SPOP_F_FIN, 0, 0);
		if (t[i].version)
			hello_key(&o, "supported-versions", t[i].version, 0);
		if (t[i].size)
			hello_key(&o, "max-frame-size", NULL, t[i].size);
		if (t[i].caps)
			hello_key(&o, "capabilities", t[i].caps, 0);
		spop_frame_end(&o);
		feed(&c, b, wire_out_len(&o));
		expect_disconnect(&c, t[i].status);
		spop_conn_free(&c);
	}
}

static void
notify_before_hello_is_invalid(void **state)
{
	struct spop_conn c;

	spop_conn_init(&c, &conf, record, NULL);
	send_frame(&c, SPOP_T_NOTIFY, SPOP_F_FIN, 1, "x");
	expect_disconnect(&c, SPOP_S_INVALID);
	spop_conn_free(&c);
}

static void
pipelined_notifies_are_all_answered(void **state)
{
	struct spop_conn c;
	struct seen s;
	struct spop_frame f;
	unsigned got = 0;

	open_conn(&c, &s);
	for (unsigned i = 0; i < 100; i++)
		send_frame(&c, SPOP_T_NOTIFY, SPOP_F_FIN, i + 1, "m");
	do {
		spop_conn_process(&c);
		while (take(&c, &f) == SPOP_T_ACK) {
			got++;
			assert_int_equal(f.stream_id, got);
			assert_int_equal(f.flags, SPOP_F_FIN);
		}
	} while (buf_len(&c.in) > 0);
	assert_int_equal(got, 100);
	assert_int_equal(s.n, 100);
	spop_conn_free(&c);
}

static void
bytes_one_by_one(void **state)
{
	struct spop_conn c;
	struct seen s;
	struct spop_frame f;
	struct buf copy = {0};

	open_conn(&c, &s);
	send_frame(&c, SPOP_T_NOTIFY, SPOP_F_FIN, 9, "slow");
	buf_add(&copy, buf_ptr(&c.in), buf_len(&c.in));
	buf_clear(&c.in);
	for (size_t i = 0; i < buf_len(&copy); i++) {
		assert_int_equal(s.n, 0);
		feed(&c, buf_ptr(&copy) + i, 1);
		spop_conn_process(&c);
	}
	assert_string_equal(s.text[0], "slow");
	assert_int_equal(take(&c, &f), SPOP_T_ACK);
	buf_free(&copy);
	spop_conn_free(&c);
}

static void
fragments_come_together_even_interleaved(void **state)
{
	struct spop_conn c;
	struct seen s;

	open_conn(&c, &s);
	send_frame(&c, SPOP_T_NOTIFY, 0, 1, "a1");
	send_frame(&c, SPOP_T_NOTIFY, 0, 2, "b1");
	send_frame(&c, SPOP_T_UNSET, 0, 1, "a2");
	send_frame(&c, SPOP_T_NOTIFY, SPOP_F_FIN, 3, "whole");
	send_frame(&c, SPOP_T_UNSET, SPOP_F_FIN, 2, "b2");
	send_frame(&c, SPOP_T_UNSET, SPOP_F_FIN, 1, "a3");
	spop_conn_process(&c);
	assert_int_equal(s.n, 3);
	assert_string_equal(s.text[0], "whole");
	assert_string_equal(s.text[1], "b1b2");
	assert_string_equal(s.text[2], "a1a2a3");
	assert_int_equal(c.frag_bytes, 0);
	assert_int_equal(c.n_reassembled, 2);
	spop_conn_free(&c);
}

static void
fragment_abort_forgets(void **state)
{
	struct spop_conn c;
	struct seen s;
	struct spop_frame f;

	open_conn(&c, &s);
	send_frame(&c, SPOP_T_NOTIFY, 0, 1, "a1");
	send_frame(&c, SPOP_T_UNSET, SPOP_F_FIN | SPOP_F_ABORT, 1, "");
	spop_conn_process(&c);
	assert_int_equal(s.n, 0);
	assert_int_equal(c.frag_bytes, 0);
	assert_int_equal(take(&c, &f), -1);
	send_frame(&c, SPOP_T_UNSET, SPOP_F_FIN, 1, "a2");
	expect_disconnect(&c, SPOP_S_NO_FRAME_ID);
	spop_conn_free(&c);
}

static void
fragment_faults_have_their_codes(void **state)
{
	static char big[3001];
	struct spop_conn c;
	struct seen s;

	memset(big, 'x', 3000);
	open_conn(&c, &s);
	send_frame(&c, SPOP_T_UNSET, SPOP_F_FIN, 5, "tail");
	expect_disconnect(&c, SPOP_S_NO_FRAME_ID);
	spop_conn_free(&c);
	open_conn(&c, &s);
	send_frame(&c, SPOP_T_NOTIFY, 0, 5, "a");
	send_frame(&c, SPOP_T_NOTIFY, SPOP_F_FIN, 5, "b");
	expect_disconnect(&c, SPOP_S_INTERLACED);
	spop_conn_free(&c);
	open_conn(&c, &s);
	send_frame(&c, SPOP_T_NOTIFY, 0, 5, big);
	send_frame(&c, SPOP_T_UNSET, 0, 5, big);	/* 6000 > reassembly_max */
	expect_disconnect(&c, SPOP_S_TOO_BIG);
	spop_conn_free(&c);
	open_conn(&c, &s);
	for (unsigned i = 0; i <= SPOP_FRAGS; i++)
		send_frame(&c, SPOP_T_NOTIFY, 0, i + 1, "a");
	expect_disconnect(&c, SPOP_S_RESOURCES);
	assert_int_equal(s.n, 0);
	spop_conn_free(&c);
}

static void
lengths_out_of_range_hang_up_at_once(void **state)
{
	struct spop_conn c;
	struct seen s;

	open_conn(&c, &s);
	feed(&c, "\x00\x00\x3f\xfd", 4);		/* 16381 > 16380 */
	expect_disconnect(&c, SPOP_S_TOO_BIG);
	spop_conn_free(&c);
	open_conn(&c, &s);
	feed(&c, "\x00\x00\x00\x06", 4);
	expect_disconnect(&c, SPOP_S_INVALID);
	spop_conn_free(&c);
	open_conn(&c, &s);
	send_frame(&c, 99, SPOP_F_FIN, 1, "");
	expect_disconnect(&c, SPOP_S_INVALID);
	spop_conn_free(&c);
	open_conn(&c, &s);
	send_frame(&c, SPOP_T_NOTIFY, 0x80, 1, "");
	expect_disconnect(&c, SPOP_S_INVALID);
	spop_conn_free(&c);
}

static void
goodbye_is_answered(void **state)
{
	struct spop_conn c;
	struct seen s;

	open_conn(&c, &s);
	send_frame(&c, SPOP_T_HAPROXY_DISCONNECT, SPOP_F_FIN, 0, "");
	expect_disconnect(&c, SPOP_S_NORMAL);
	assert_true(c.by_peer);
	spop_conn_free(&c);
}

static void
unread_answers_stop_the_service(void **state)
{
	struct spop_conn c;
	struct seen s;
	unsigned before;

	open_conn(&c, &s);
	for (unsigned i = 0; i < 500; i++)
		send_frame(&c, SPOP_T_NOTIFY, SPOP_F_FIN, i + 1, "m");
	assert_true(spop_conn_process(&c));
	before = s.n;
	assert_true(before < 500);
	assert_true(buf_len(&c.out) < conf.out_high + 1024);
	assert_true(spop_conn_process(&c));
	assert_int_equal(s.n, before);
	while (spop_conn_process(&c))
		buf_consume(&c.out, buf_len(&c.out));
	assert_int_equal(s.n, 500);
	spop_conn_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hello_agrees_on_the_smaller_size),
		cmocka_unit_test(healthcheck_is_answered_and_over),
		cmocka_unit_test(hello_faults_have_their_codes),
		cmocka_unit_test(notify_before_hello_is_invalid),
		cmocka_unit_test(pipelined_notifies_are_all_answered), cmocka_unit_test(bytes_one_by_one),
		cmocka_unit_test(fragments_come_together_even_interleaved),
		cmocka_unit_test(fragment_abort_forgets), cmocka_unit_test(fragment_faults_have_their_codes),
		cmocka_unit_test(lengths_out_of_range_hang_up_at_once), cmocka_unit_test(goodbye_is_answered),
		cmocka_unit_test(unread_answers_stop_the_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
