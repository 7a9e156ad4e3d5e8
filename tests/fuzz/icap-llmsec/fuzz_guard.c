/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/exfil.h"
#include "icap-llmsec/guard.h"

static struct resp_conf conf;

static int
run(const struct resp_sketch *sk, bool json, const uint8_t *p, size_t n, size_t step, struct buf *out)
{
	struct guard g;
	struct guard_text *t = guard_text_new(json);
	int e;

	if (t == NULL || guard_init(&g, &conf, sk) != 0)
		abort();
	e = guard_step(&g, t, "", 0, n == 0, out);
	for (size_t at = 0; e == 0 && at < n; at += step) {
		size_t k = n - at < step ? n - at : step;

		e = guard_step(&g, t, (const char *)p + at, k, at + k == n, out);
		if (buf_len(out) > 8 * n + 64)
			abort();
	}
	if (e == 0 && guard_text_holds(t))
		abort();
	guard_text_free(&t);
	guard_clear(&g);
	return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Byte 0 chooses modes, byte 1 the size of pieces; what comes out must not depend on pieces.  The text is its own system prompt,
   and a tool's: so hosts and recitals are known. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span v[] = { { .role = ROLE_SYSTEM }, { .role = ROLE_USER } };
	struct spans ss = { .v = v, .n = 2 };
	struct resp_sketch sk = { .key = 1 };
	struct arena *a;
	struct buf one = { 0 }, many = { 0 };
	int mode;

	if (n < 2 || n > 65536)
		return 0;
	mode = p[0] & 1 ? DETECT_MASK : DETECT_MONITOR;
	conf = (struct resp_conf){ .leak = DETECT_MONITOR, .leak_strong = DETECT_MONITOR, .canary = DETECT_MONITOR, .exfil = mode,
		.exfil_links = mode, .exfil_tools = DETECT_MONITOR, .hidden = p[0] & 2 ? mode : DETECT_OFF,
		.active_html = p[0] & 4 ? mode : DETECT_OFF };
	a = arena_new(0);
	v[0].text = v[1].text = (const char *)p + 2;
	v[0].len = p[0] & 8 ? n - 2 : 0;
	v[1].len = p[0] & 16 ? (n - 2) / 2 : 0;
	if (leak_sketch(&sk, &ss, a) != 0)
		abort();
	exfil_sketch(&sk, &ss);
	if (run(&sk, p[0] & 32, p + 2, n - 2, n, &one) != run(&sk, p[0] & 32, p + 2, n - 2, 1 + p[1] % 97, &many))
		abort();
	if (buf_len(&one) != buf_len(&many) || memcmp(buf_ptr(&one), buf_ptr(&many), buf_len(&one)) != 0)
		abort();
	buf_free(&one);
	buf_free(&many);
	arena_free(&a);
	return 0;
}
