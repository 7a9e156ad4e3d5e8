/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "icap-llmsec/span.h"

static uint64_t seed;

static unsigned
rnd(unsigned n)	/* xorshift64*, Vigna 2014 */
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (unsigned)((seed * 2685821657736338717ULL) >> 33) % n;
}

static void
test_known(void **state)
{
	static const char body[] = "{\"a\" : \"one\",\"b\":[\"two\"] }";
	struct edit e[] = { { 18, 23, "2\"\n\xc3\xa9", 5 }, { 7, 12, "", 0 } };
	struct buf b = { 0 };

	assert_int_equal(span_splice(&b, body, sizeof(body) - 1, e, 2), 0);
	assert_int_equal(buf_addc(&b, '\0'), 0);
	assert_string_equal(buf_ptr(&b), "{\"a\" : \"\",\"b\":[\"2\\\"\\n\xc3\xa9\"] }");
	buf_clear(&b);
	assert_int_equal(span_splice(&b, body, sizeof(body) - 1, NULL, 0), 0);
	assert_int_equal(buf_len(&b), sizeof(body) - 1);
	assert_memory_equal(buf_ptr(&b), body, sizeof(body) - 1);
	buf_free(&b);
}

static void
test_bad_edits(void **state)
{
	static const struct { struct edit e[2]; size_t n; } t[] = {
		{ { { 0, 5, "", 0 }, { 4, 6, "", 0 } }, 2 }, { { { 4, 6, "", 0 }, { 0, 5, "", 0 } }, 2 },
		{ { { 2, 2, "", 0 } }, 1 }, { { { 3, 2, "", 0 } }, 1 }, { { { 0, 11, "", 0 } }, 1 },
		{ { { 11, 12, "", 0 } }, 1 }, { { { 1, 2, "", 0 }, { 1, 2, "", 0 } }, 2 },
	};
	struct buf b = { 0 };

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct edit e[2] = { t[i].e[0], t[i].e[1] };

		assert_int_equal(span_splice(&b, "0123456789", 10, e, t[i].n), -EINVAL);
		assert_int_equal(buf_len(&b), 0);
	}
	buf_free(&b);
}

/* Text, its bytes and spellings: what a client may send and what may be put in its place. */
static void
random_text(struct buf *json, struct buf *text)
{
	static const struct { const char *json, *text; } pieces[] = {
		{ "a", "a" }, { "\\n", "\n" }, { "\\u00e9", "\xc3\xa9" }, { "\xc3\xa9", "\xc3\xa9" }, { "\\/", "/" },
		{ "\\\"", "\"" }, { "\\\\", "\\" }, { "\\ud83d\\ude00", "\xf0\x9f\x98\x80" }, { " ", " " }, { "]}", "]}" },
		{ "\\u0001", "\x01" }, { "\\u0022", "\"" },
	};

	buf_addc(json, '"');
	for (unsigned n = rnd(12); n > 0; n--) {
		unsigned i = rnd(sizeof(pieces) / sizeof(pieces[0]));

		buf_adds(json, pieces[i].json);
		buf_adds(text, pieces[i].text);
	}
	buf_addc(json, '"');
}

static void
random_space(struct buf *b)
{
	for (unsigned n = rnd(4); n > 0; n--)
		buf_addc(b, " \t\r\n"[rnd(4)]);
}

static struct buf
random_body(void)
{
	struct buf b = { 0 }, text = { 0 };

	buf_adds(&b, "{\"messages\":[");
	for (unsigned n = 1 + rnd(6), i = 0; i < n; i++) {
		random_space(&b);
		buf_adds(&b, i ? ",{\"role\":\"user\"," : "{\"role\":\"user\",");
		random_space(&b);
		buf_adds(&b, "\"content\":");
		random_space(&b);
		random_text(&b, &text);
		random_space(&b);
		buf_addc(&b, '}');
	}
	buf_adds(&b, "],\"n\":1e0}");
	buf_free(&text);
	return b;
}

/* Cut old and new body at the spans: what lies between them is the same, byte for byte. */
static void
check_outside(const struct buf *body, const struct spans *old, const struct buf *out, const struct spans *new)
{
	uint64_t a = 0, b = 0;

	assert_int_equal(old->n, new->n);
	for (size_t i = 0; i <= old->n; i++) {
		uint64_t ae = i < old->n ? old->v[i].start : buf_len(body), be = i < old->n ? new->v[i].start : buf_len(out);

		assert_int_equal(ae - a, be - b);
		assert_memory_equal(buf_ptr(body) + a, buf_ptr(out) + b, ae - a);
		if (i < old->n) {
			a = old->v[i].end;
			b = new->v[i].end;
		}
	}
}

static void
test_random(void **state)
{
	static const struct llm_route route = { .dialect = DIALECT_OPENAI, .op = OP_CHAT };
	struct arena *a = arena_new(0);

	for (unsigned round = 1; round <= 3000; round++) {
		struct buf body, out = { 0 }, texts[8] = { { 0 } };
		struct spans old, new;
		struct edit e[8];
		bool edited[8] = { false };
		size_t n = 0;

		seed = 88172645463325252ULL * round;
		body = random_body();
		arena_reset(a);
		assert_int_equal(span_extract(&route, buf_ptr(&body), buf_len(&body), 0, a, &old), 0);
		for (size_t i = old.n; i-- > 0; )
			if (rnd(2)) {
				struct buf json = { 0 };

				random_text(&json, &texts[i]);
				buf_free(&json);
				edited[i] = true;
				e[n++] = (struct edit){ old.v[i].start, old.v[i].end, buf_ptr(&texts[i]), buf_len(&texts[i]) };
			}
		assert_int_equal(span_splice(&out, buf_ptr(&body), buf_len(&body), e, n), 0);
		assert_int_equal(span_extract(&route, buf_ptr(&out), buf_len(&out), 0, a, &new), 0);
		check_outside(&body, &old, &out, &new);
		for (size_t i = 0; i < new.n; i++)
			if (edited[i]) {
				assert_int_equal(new.v[i].len, buf_len(&texts[i]));
				assert_memory_equal(new.v[i].text, buf_ptr(&texts[i]), new.v[i].len);
			} else {
				assert_int_equal(old.v[i].end - old.v[i].start, new.v[i].end - new.v[i].start);
				assert_memory_equal(buf_ptr(&body) + old.v[i].start, buf_ptr(&out) + new.v[i].start,
				    old.v[i].end - old.v[i].start);
			}
		for (size_t i = 0; i < 8; i++)
			buf_free(&texts[i]);
		buf_free(&body);
		buf_free(&out);
	}
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known), cmocka_unit_test(test_bad_edits), cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
