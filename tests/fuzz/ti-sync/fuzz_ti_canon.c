/* SPDX-License-Identifier: MIT */
/* One token: a name comes out canonical and stays so; networks lie where the text said. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ti-sync/collect.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x)	do { if (!(x)) abort(); } while (0)

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data, *host = p;
	char name[256], again[256];
	struct ti_collect c = {0};
	struct cidr v[64];
	size_t len = 0, k = n;

	if (ti_canon_name(name, &len, p, n) == TI_OK) {
		MUST(len > 0 && len < 254 && strlen(name) == len);
		MUST(ti_canon_name(again, &k, name, len) == TI_OK && k == len && strcmp(name, again) == 0);
		ti_name_reserved(name, len);
	}
	k = 0;
	if (ti_canon_net(v, &k, p, n) == TI_OK) {
		MUST(k >= 1 && k <= 64);
		for (size_t i = 1; i < k; i++)
			MUST(!cidr_overlaps(&v[i - 1], &v[i]));
	}
	k = n;
	if (ti_url_host(&host, &k))
		MUST(host >= p && host + k <= p + n && k > 0);
	ti_collect_token(&c, p, n);
	ti_collect_url(&c, p, n);
	MUST(c.err == 0);
	ti_collect_free(&c);
	return 0;
}
