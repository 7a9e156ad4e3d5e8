/* SPDX-License-Identifier: MIT */
/* Lists of addresses: what is taken holds at least one, and none that nobody owns. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "haproxy-spoa/bot/addresses.h"
#include "lib/diag.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct diag *d = diag_new();
	struct addresses *a;

	if (d == NULL)
		abort();
	if (addresses_parse(&a, "fuzz", (const char *)p, n, d) == 0) {
		if (diag_errors(d) != 0 || addresses_count(a) == 0)
			abort();
		addresses_have(a, "192.0.2.1");
		addresses_have(a, "2001:db8::1");
	} else if (a != NULL) {
		abort();
	}
	addresses_free(&a);
	diag_free(&d);
	return 0;
}
