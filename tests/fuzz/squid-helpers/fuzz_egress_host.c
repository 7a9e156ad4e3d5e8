/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "squid-helpers/egress_host.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* One form means: the form of the form is itself, and shows no byte that would need quoting. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:@[]%?";
	struct egress_host h, again;

	egress_host_parse(&h, (const char *)p, n);
	if (strlen(h.name) != h.len || strspn(h.name, plain) != h.len)
		abort();
	if (h.kind == EGRESS_HOST_BAD || h.kind == EGRESS_HOST_USERINFO)
		return 0;
	egress_host_parse(&again, h.name, h.len);
	if (again.kind != h.kind || strcmp(again.name, h.name) != 0 || memcmp(again.ip, h.ip, 16) != 0)
		abort();
	return 0;
}
