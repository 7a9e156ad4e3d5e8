/* SPDX-License-Identifier: MIT */
/*
 * What every transformation promises, on any bytes: the input stays as it is, unchanged means the same pointer,
 * the output is no longer than the table says, starting at the first byte that changes is the same as starting
 * at the first byte, twice is the same as once where that holds, and what was encoded decodes again.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/waf/transform_private.h"
#include "lib/arena.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x) do { if (!(x)) abort(); } while (0)

static struct arena *arena;

static struct waf_str
apply(enum waf_tfn t, struct waf_str in)
{
	struct waf_str out;
	int rc = waf_tfn_apply(t, NULL, in, &out, arena);

	MUST(rc == 0 || rc == 1);
	if (rc == 0)
		MUST(out.p == in.p && out.n == in.n);
	else
		MUST(out.n != in.n || memcmp(out.p, in.p, in.n) != 0);
	return out;
}

static bool
same(struct waf_str a, struct waf_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static void
check_run(enum waf_tfn t, struct waf_str in, struct waf_str out)
{
	const struct tfn *f = &tfn_table[t];
	size_t max = in.n * f->grow + f->slack, n;
	unsigned char *whole;

	if (f->run == NULL) {
		MUST(out.n <= in.n && out.p >= in.p && out.p + out.n <= in.p + in.n);
		return;
	}
	/* Exactly the room that was promised. */
	whole = malloc(max != 0 ? max : 1);
	MUST(whole != NULL);
	n = f->run(whole, (const unsigned char *)in.p, in.n, NULL);
	MUST(n <= max && same(out, (struct waf_str){ (char *)whole, n }));
	free(whole);
}

static bool
idempotent(enum waf_tfn t)
{
	switch (t) {
	case WAF_T_cmdLine: case WAF_T_compressWhitespace: case WAF_T_lowercase: case WAF_T_normalizePath:
	case WAF_T_normalizePathWin: case WAF_T_parityEven7bit: case WAF_T_parityOdd7bit: case WAF_T_parityZero7bit:
	case WAF_T_removeNulls: case WAF_T_removeWhitespace: case WAF_T_replaceComments: case WAF_T_replaceNulls:
	case WAF_T_trim: case WAF_T_trimLeft: case WAF_T_trimRight: case WAF_T_uppercase: case WAF_T_utf8toUnicode:
		return true;
	default:
		return false;
	}
}

static void
check_round_trips(struct waf_str in)
{
	static const enum waf_tfn pair[][2] = {
		{ WAF_T_hexEncode, WAF_T_hexDecode }, { WAF_T_base64Encode, WAF_T_base64Decode },
		{ WAF_T_base64Encode, WAF_T_base64DecodeExt }, { WAF_T_urlEncode, WAF_T_urlDecode },
		{ WAF_T_urlEncode, WAF_T_urlDecodeUni },
	};

	for (size_t i = 0; i < sizeof(pair) / sizeof(pair[0]); i++)
		MUST(same(apply(pair[i][1], apply(pair[i][0], in)), in));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct waf_str in = { (const char *)data, n }, out;
	uint8_t *copy = malloc(n != 0 ? n : 1);

	if (arena == NULL)
		arena = arena_new(0);
	MUST(copy != NULL && arena != NULL);
	if (n != 0)
		memcpy(copy, data, n);
	for (int t = 0; t < WAF_T_MAX; t++) {
		arena_reset(arena);
		out = apply((enum waf_tfn)t, in);
		check_run((enum waf_tfn)t, in, out);
		if (idempotent((enum waf_tfn)t))
			MUST(same(apply((enum waf_tfn)t, out), out));
	}
	arena_reset(arena);
	check_round_trips(in);
	MUST(n == 0 || memcmp(copy, data, n) == 0);
	free(copy);
	return 0;
}
