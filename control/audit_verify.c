/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "control/audit_verify.h"
#include "squid-helpers/audit_read.h"

int
ctl_audit_verify(const char *base, const char *key_path)
{
	uint8_t key[AUDIT_KEY];
	struct audit_found f;
	char path[4100];
	int r;

	snprintf(path, sizeof(path), "%s.key", base);
	r = audit_key_read(key_path != NULL ? key_path : path, false, key);
	if (r < 0) {
		fprintf(stderr, "llmsecctl: the key in %s: %s\n", key_path != NULL ? key_path : path, strerror(-r));
		return 2;
	}
	r = audit_verify(base, key, true, &f);
	if (r < 0) {
		fprintf(stderr, "llmsecctl: %s: %s\n", base, r == -EBADMSG ? f.why : strerror(-r));
		return r == -EBADMSG ? 1 : 2;
	}
	printf("%s: %" PRIu64 " records in %u segments, whole%s", base, f.records, f.last.segment,
	    f.torn > 0 ? "; the last line is unfinished" : "");
	if (f.lost > 0)
		printf("; %" PRIu64 " lines were lost where it says so", f.lost);
	putchar('\n');
	return 0;
}
