/* SPDX-License-Identifier: MIT */
/* The parser as user space compiles it, against a second one and against a table. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bpf/xdp_frame.h"
#include "bpf/xdp_parse.h"
#include "bpf/xdp_run.h"
#include "tests/unit/xdp/frames.h"
#include "tests/unit/xdp/ref_parse.h"
#include "tests/unit/xdp/vectors.h"

/* On the heap at its exact size, so that ASan sees a byte too many. */
static const char *
parse_exact(const uint8_t *b, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);
	const char *r;

	assert_non_null(copy);
	if (len > 0)
		memcpy(copy, b, len);
	r = native_parse(copy, len);
	free(copy);
	return r;
}

static void
test_vectors(void **state)
{
	uint8_t frame[XDP_FRAME_MAX];
	size_t len;

	(void) state;
	for (size_t i = 0; i < n_vectors; i++) {
		if (vectors[i].limits)
			continue;
		len = vector_frame(&vectors[i], frame, sizeof(frame));
		assert_int_not_equal(len, 0);
		if (strcmp(parse_exact(frame, len), vectors[i].reason) != 0)
			fail_msg("%s: %s, not %s", vectors[i].name, parse_exact(frame, len), vectors[i].reason);
		assert_string_equal(ref_parse(frame, len), vectors[i].reason);
	}
}

/* Every vector cut behind every byte: no read behind the end, and the same opinion. */
static void
test_truncated(void **state)
{
	uint8_t frame[XDP_FRAME_MAX];
	size_t len;

	(void) state;
	for (size_t i = 0; i < n_vectors; i++) {
		len = vector_frame(&vectors[i], frame, sizeof(frame));
		for (size_t n = 0; n <= len; n++)
			if (strcmp(parse_exact(frame, n), ref_parse(frame, n)) != 0)
				fail_msg("%s, %zu bytes: %s, not %s", vectors[i].name, n, parse_exact(frame, n), ref_parse(frame, n));
	}
}

static void
test_property(void **state)
{
	struct frame_rng r = {.s = 0x9e3779b97f4a7c15ULL};
	uint8_t frame[FRAME_MAX];
	size_t len;

	(void) state;
	for (int i = 0; i < 1000000; i++) {
		len = frame_random(&r, frame);
		if (strcmp(native_parse(frame, len), ref_parse(frame, len)) != 0)
			fail_msg("frame %d, %zu bytes: %s, not %s", i, len, native_parse(frame, len), ref_parse(frame, len));
	}
}

static void
test_quic(void **state)
{
	static const struct { uint8_t first[5]; int initial; } v[] = {
		{{0xc0, 0, 0, 0, 1}, 1}, {{0xd0, 0, 0, 0, 1}, 0}, {{0xe0, 0, 0, 0, 1}, 0}, {{0x40, 0, 0, 0, 1}, 0},
		{{0xd0, 0x6b, 0x33, 0x43, 0xcf}, 1}, {{0xc0, 0x6b, 0x33, 0x43, 0xcf}, 0}, {{0xc0, 0, 0, 0, 0}, 0},
		{{0xc0, 0xff, 0, 0, 0x1d}, 1},
	};
	struct xdp_frame f = {.src = "192.0.2.1", .dst = "192.0.2.2", .proto = 17, .sport = 5, .dport = 443, .payload = 20, .n_first = 5};
	uint8_t frame[200];
	struct xdpf_pkt p;

	(void) state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		f.first = v[i].first;
		memset(&p, 0, sizeof(p));
		assert_int_equal(xdpf_parse(NULL, frame, frame + xdp_frame_make(&f, frame, sizeof(frame)), &p), XR_PASS);
		assert_int_equal(xdpf_quic_initial(&p), v[i].initial);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors), cmocka_unit_test(test_truncated), cmocka_unit_test(test_property),
		cmocka_unit_test(test_quic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
