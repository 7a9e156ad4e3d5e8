/* SPDX-License-Identifier: MIT */
/* Values, frames, HELLO, messages and actions: encoded, decoded, cut short. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "haproxy-spoa/spop_frame.h"

/* Member by member: what a union holds beside the member in use is nobody's promise. */
static void
value_same(const struct spop_value *got, const struct spop_value *want)
{
	assert_int_equal(got->type, want->type);
	switch (want->type) {
	case SPOP_D_NULL:
		break;
	case SPOP_D_BOOL:
		assert_int_equal(got->b, want->b);
		break;
	case SPOP_D_INT32:
	case SPOP_D_INT64:
		assert_true(got->i == want->i);
		break;
	case SPOP_D_UINT32:
	case SPOP_D_UINT64:
		assert_true(got->u == want->u);
		break;
	case SPOP_D_IPV4:
		assert_memory_equal(&got->ip4, &want->ip4, sizeof(want->ip4));
		break;
	case SPOP_D_IPV6:
		assert_memory_equal(&got->ip6, &want->ip6, sizeof(want->ip6));
		break;
	case SPOP_D_STR:
	case SPOP_D_BIN:
		assert_int_equal(got->str.len, want->str.len);
		if (want->str.len > 0)
			assert_memory_equal(got->str.p, want->str.p, want->str.len);
		break;
	}
}

static void
value_round_trip(void **state)
{
	struct spop_value in[] = {
		{.type = SPOP_D_NULL}, {.type = SPOP_D_BOOL, .b = true}, {.type = SPOP_D_BOOL},
		{.type = SPOP_D_INT32, .i = -1}, {.type = SPOP_D_INT32, .i = INT32_MIN},
		{.type = SPOP_D_UINT32, .u = UINT32_MAX}, {.type = SPOP_D_INT64, .i = INT64_MIN},
		{.type = SPOP_D_UINT64, .u = UINT64_MAX}, {.type = SPOP_D_IPV4, .ip4 = {0x0100007f}},
		{.type = SPOP_D_IPV6, .ip6 = IN6ADDR_LOOPBACK_INIT}, spop_v_str("abc"), spop_v_bin("\0x", 2),
		spop_v_str(""),
	};
	uint8_t b[256];

	for (size_t i = 0; i < sizeof(in) / sizeof(*in); i++) {
		struct wire_out o;
		struct wire w;
		struct spop_value v;
		size_t n;

		wire_out_init(&o, b, sizeof(b));
		spop_value_put(&o, &in[i]);
		assert_int_equal(o.err, 0);
		n = wire_out_len(&o);
		wire_init(&w, b, n);
		spop_value_get(&w, &v);
		assert_int_equal(w.err, 0);
		assert_int_equal(wire_left(&w), 0);
		value_same(&v, &in[i]);
		/* Every shorter input is an error, never a value. */
		for (size_t cut = 0; cut < n; cut++) {
			wire_init(&w, b, cut);
			spop_value_get(&w, &v);
			assert_int_not_equal(w.err, 0);
		}
	}
}

static void
value_refuses_unknown_types(void **state)
{
	for (unsigned t = 10; t < 16; t++) {
		uint8_t b[20] = {(uint8_t)t};
		struct wire w;
		struct spop_value v;

		wire_init(&w, b, sizeof(b));
		spop_value_get(&w, &v);
		assert_int_not_equal(w.err, 0);
	}
}

static void
value_range(void **state)
{
	struct wire_out o;
	struct wire w;
	struct spop_value v;
	uint8_t b[32];

	wire_out_init(&o, b, sizeof(b));
	wire_put_u8(&o, SPOP_D_UINT32);
	wire_put_varint(&o, (uint64_t)UINT32_MAX + 1);
	wire_init(&w, b, wire_out_len(&o));
	spop_value_get(&w, &v);
	assert_int_not_equal(w.err, 0);
}

static void
frame_round_trip(void **state)
{
	struct wire_out o;
	struct spop_frame f;
	uint8_t b[64];
	size_t n;

	wire_out_init(&o, b, sizeof(b));
	spop_frame_begin(&o, SPOP_T_NOTIFY, SPOP_F_FIN, 241, 1234567890123ULL);
	wire_put_bytes(&o, "xyz", 3);
	spop_frame_end(&o);
	n = wire_out_len(&o);
	assert_int_equal(b[3], n - SPOP_LENGTH);
	assert_int_equal(spop_frame_decode(&f, b + SPOP_LENGTH, n - SPOP_LENGTH), 0);
	assert_int_equal(f.type, SPOP_T_NOTIFY);
	assert_int_equal(f.flags, SPOP_F_FIN);
	assert_int_equal(f.stream_id, 241);
	assert_true(f.frame_id == 1234567890123ULL);
	assert_int_equal(f.len, 3);
	for (size_t cut = 0; cut < 7; cut++)
		assert_int_not_equal(spop_frame_decode(&f, b + SPOP_LENGTH, cut), 0);
}

static void
hello_decodes(void **state)
{
	struct wire_out o;
	struct spop_frame f;
	struct spop_hello h;
	uint8_t b[256];

	wire_out_init(&o, b, sizeof(b));
	spop_put_haproxy_hello(&o, 16380, "pipelining, async", true);
	assert_int_equal(spop_frame_decode(&f, b + SPOP_LENGTH, wire_out_len(&o) - SPOP_LENGTH), 0);
	assert_int_equal(spop_hello_decode(&h, f.payload, f.len), 0);
	assert_true(h.version_2 && h.has_frame_size && h.has_capabilities && h.healthcheck && h.pipelining);
	assert_false(h.fragmentation);
	assert_int_equal(h.frame_size, 16380);
	for (size_t cut = 1; cut < f.len; cut++) {
		struct spop_hello part;
		int rc = spop_hello_decode(&part, f.payload, cut);

		assert_false(rc == 0 && part.healthcheck);
	}
}

static void
hello_refuses_wrong_types(void **state)
{
	struct spop_value v = spop_v_str("16380");
	struct wire_out o;
	struct spop_hello h;
	uint8_t b[64];

	wire_out_init(&o, b, sizeof(b));
	spop_kv_put(&o, "max-frame-size", &v);
	assert_int_not_equal(spop_hello_decode(&h, b, wire_out_len(&o)), 0);
}

static void
message_walks_exactly_its_arguments(void **state)
{
	struct spop_value one = spop_v_uint(1), v;
	struct spop_message m;
	struct wire_out o;
	struct wire w;
	uint8_t b[128];
	const char *name;
	size_t n, name_len;

	wire_out_init(&o, b, sizeof(b));
	for (int i = 0; i < 2; i++) {
		wire_put_str(&o, i ? "second" : "first", i ? 6 : 5);
		wire_put_u8(&o, 2);
		spop_kv_put(&o, "a", &one);
		spop_kv_put(&o, "b", &one);
	}
	n = wire_out_len(&o);
	wire_init(&w, b, n);
	assert_true(spop_message_get(&w, &m));
	assert_int_equal(m.name_len, 5);
	assert_true(spop_kv_get(&m.args, &name, &name_len, &v));
	assert_true(spop_kv_get(&m.args, &name, &name_len, &v));
	assert_false(spop_kv_get(&m.args, &name, &name_len, &v));
	assert_true(spop_message_get(&w, &m));
	assert_int_equal(m.name_len, 6);
	assert_false(spop_message_get(&w, &m));
	assert_int_equal(w.err, 0);
	wire_init(&w, b, n - 1);
	assert_true(spop_message_get(&w, &m));
	assert_false(spop_message_get(&w, &m));
	assert_int_not_equal(w.err, 0);
}

static void
actions_round_trip(void **state)
{
	struct spop_value v = spop_v_str("deny");
	struct spop_action a;
	struct wire_out o;
	struct wire w;
	uint8_t b[128];

	wire_out_init(&o, b, sizeof(b));
	spop_put_set_var(&o, SPOP_SCOPE_TXN, "action", &v);
	spop_put_unset_var(&o, SPOP_SCOPE_SESS, "ja4");
	wire_init(&w, b, wire_out_len(&o));
	assert_true(spop_action_get(&w, &a));
	assert_int_equal(a.type, 1);
	assert_int_equal(a.scope, SPOP_SCOPE_TXN);
	assert_memory_equal(a.value.str.p, "deny", 4);
	assert_true(spop_action_get(&w, &a));
	assert_int_equal(a.type, 2);
	assert_int_equal(a.scope, SPOP_SCOPE_SESS);
	assert_memory_equal(a.name, "ja4", 3);
	assert_false(spop_action_get(&w, &a));
	assert_int_equal(w.err, 0);
}

static void
disconnect_round_trip(void **state)
{
	struct wire_out o;
	struct spop_frame f;
	uint8_t b[128];
	uint32_t status;

	wire_out_init(&o, b, sizeof(b));
	spop_put_disconnect(&o, SPOP_T_AGENT_DISCONNECT, SPOP_S_TOO_BIG);
	assert_int_equal(spop_frame_decode(&f, b + SPOP_LENGTH, wire_out_len(&o) - SPOP_LENGTH), 0);
	assert_int_equal(spop_disconnect_decode(&status, f.payload, f.len), 0);
	assert_int_equal(status, SPOP_S_TOO_BIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(value_round_trip), cmocka_unit_test(value_refuses_unknown_types),
		cmocka_unit_test(value_range), cmocka_unit_test(frame_round_trip),
		cmocka_unit_test(hello_decodes), cmocka_unit_test(hello_refuses_wrong_types),
		cmocka_unit_test(message_walks_exactly_its_arguments), cmocka_unit_test(actions_round_trip),
		cmocka_unit_test(disconnect_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
