/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "control/token_rate.h"

static double
left_now(const struct token_rate *t, const struct token_bucket *b, int64_t now_ms)
{
	double left = b->at_ms == 0 ? t->burst : b->left + (double)(now_ms - b->at_ms) * t->a_second / 1000.0;

	return left < t->burst ? left : t->burst;
}

/* Names are few and compared by who has shown a token: no index. */
static struct token_bucket *
find(struct token_rate *t, const char *name, int64_t now_ms)
{
	struct token_bucket *room = &t->bucket[TOKEN_RATE_NAMES];

	for (int i = 0; i < TOKEN_RATE_NAMES; i++) {
		struct token_bucket *b = &t->bucket[i];

		if (b->at_ms != 0 && strcmp(b->name, name) == 0)
			return b;
		if (b->at_ms == 0)
			room = b;
		else if (room == &t->bucket[TOKEN_RATE_NAMES] && left_now(t, b, now_ms) >= t->burst)
			room = b;
	}
	if (room != &t->bucket[TOKEN_RATE_NAMES]) {
		memset(room, 0, sizeof(*room));
		snprintf(room->name, sizeof(room->name), "%s", name);
	}
	return room;
}

bool
token_rate_take(struct token_rate *t, const char *name, int64_t now_ms, uint64_t *refused)
{
	struct token_bucket *b = find(t, name, now_ms);

	b->left = left_now(t, b, now_ms);
	b->at_ms = now_ms;
	*refused = b->refused;
	if (b->left < 1.0) {
		b->refused++;
		return false;
	}
	b->left -= 1.0;
	b->refused = 0;
	return true;
}
