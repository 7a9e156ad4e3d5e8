/* SPDX-License-Identifier: MIT */
/* Lines of the state file and of the orders.  What is accepted means the same when it is written and read again. */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/behave/ban_file.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
same_again(const struct ban *b)
{
	char line[BAN_LINE_MAX];
	struct ban again;
	size_t n = ban_line_format(line, sizeof(line), b);

	if (n >= sizeof(line) || ban_line_parse(&again, line, n - 1) != 0 || strcmp(again.who.id, b->who.id) != 0 ||
	    again.level != b->level || again.until_ms != b->until_ms || strcmp(again.reason, b->reason) != 0)
		abort();
}

static void
order_take(struct bans *bans, const char *p, size_t n)
{
	struct ban_order o;

	if (ban_order_parse(&o, p, n) == 0)
		ban_order_apply(bans, &o, NULL, 1000, 5);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sip_key key = {1, 2};
	const char *p = (const char *)data, *end;
	struct bans *bans = bans_new(16, &key);
	struct ban b;

	for (size_t n; size > 0; p += n, size -= n) {
		end = memchr(p, '\n', size);
		n = end != NULL ? (size_t)(end - p) : size;
		if (ban_line_parse(&b, p, n) == 0) {
			same_again(&b);
			bans_put(bans, &b, 1000);
		}
		order_take(bans, p, n);
		n += end != NULL;
	}
	bans_free(&bans);
	return 0;
}
