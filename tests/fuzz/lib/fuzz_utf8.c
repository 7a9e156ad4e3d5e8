/* SPDX-License-Identifier: MIT */
/* The functions agree with each other on any bytes: valid, span, repair, floor and decoding one by one. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/utf8.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x) do { if (!(x)) abort(); } while (0)

/* One character at a time, the slow way: what utf8_repair has to come to. */
static size_t
repair_slowly(char *out, const char *p, size_t n, bool *valid)
{
	size_t i = 0, o = 0, k, e;
	uint32_t cp;
	bool bad;

	*valid = true;
	while (i < n) {
		k = utf8_decode(p + i, n - i, &cp, &bad);
		if (k == 0 || bad)
			*valid = false;
		if (k == 0)
			k = n - i;
		MUST(k <= n - i && k <= 4);
		e = utf8_encode(out + o, cp);
		MUST(e >= 1 && e <= 4 && (bad || !*valid || (e == k && memcmp(out + o, p + i, k) == 0)));
		o += e;
		i += k;
	}
	return o;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data;
	char *fast = malloc(3 * n + 4), *slow = malloc(3 * n + 4), *again = malloc(9 * n + 4);
	size_t k, o, f;
	bool valid;

	if (fast == NULL || slow == NULL || again == NULL)
		abort();
	o = repair_slowly(slow, p, n, &valid);
	k = utf8_repair(fast, p, n);
	MUST(k == o && memcmp(fast, slow, k) == 0);
	MUST(valid == utf8_valid(p, n) && utf8_valid(fast, k));
	MUST(utf8_repair(again, fast, k) == k && memcmp(again, fast, k) == 0);
	f = utf8_floor(p, n);
	MUST(f <= n && n - f <= 3 && (!valid || f == n));
	MUST(f == n || utf8_floor(p, f) == f || !utf8_valid(p, f));
	o = utf8_multi_run(p, n);
	MUST(o <= n && utf8_valid(p, o) && (o == 0 || (data[0] >= 0xc2 && data[o - 1] >= 0x80)));
	free(fast);
	free(slow);
	free(again);
	return 0;
}
