/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "squid-helpers/audit_read.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static char dir[] = "/tmp/fuzz-audit.XXXXXX", seg[64], base[64];

static void
clean_up(void)
{
	unlink(seg);
	rmdir(dir);
}

/* A segment of any bytes is whole or it is not; it never has more records than lines. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint8_t key[AUDIT_KEY];
	struct audit_found f;
	uint64_t lines = 0;
	FILE *out;
	int r;

	if (seg[0] == '\0') {
		if (mkdtemp(dir) == NULL)
			abort();
		snprintf(base, sizeof(base), "%s/a", dir);
		snprintf(seg, sizeof(seg), "%s/a.00000001.seg", dir);
		atexit(clean_up);
	}
	out = fopen(seg, "w");
	if (out == NULL || (n > 0 && fwrite(data, n, 1, out) != 1) || fclose(out) != 0)
		abort();
	for (size_t i = 0; i < n; i++)
		lines += data[i] == '\n';
	r = audit_verify(base, key, false, &f);
	if ((r != 0 && r != -EBADMSG) || (r == -EBADMSG && f.why[0] == '\0') || (r == 0 && f.records > lines))
		abort();
	r = audit_resume(base, key, &f);
	if ((r != 0 && r != -EBADMSG) || (r == -EBADMSG && f.why[0] == '\0') || (r == 0 && f.records > lines))
		abort();
	return 0;
}
