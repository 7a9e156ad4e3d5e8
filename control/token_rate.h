/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TOKEN_RATE_H
#define LLMSEC_TOKEN_RATE_H
/*
 * A token bucket (RFC 2697's kind: so many at once, so many a second) for each name of an API token, so that one who floods takes
 * nothing from the others.  The table is fixed: a name that finds it full takes the place of one whose bucket is full again, which
 * loses nothing; when there is none of those either, all further names share one bucket.  Not thread safe.
 */
#include <stdbool.h>
#include <stdint.h>

#define TOKEN_RATE_NAMES	256

struct token_bucket {
	char		name[80];
	int64_t		at_ms;		/* 0: never used */
	double		left;
	uint64_t	refused;	/* since it last gave something */
};

struct token_rate {
	double			a_second, burst;
	struct token_bucket	bucket[TOKEN_RATE_NAMES + 1];	/* the last is the shared one */
};

/* All else zero. */
#define TOKEN_RATE(a_second_, burst_)	{ .a_second = (a_second_), .burst = (burst_) }

/* May <name> do one more at <now_ms>, of a clock that only goes forward, above 0?  *refused: how often it might not, since it last might. */
bool	token_rate_take(struct token_rate *, const char *name, int64_t now_ms, uint64_t *refused);
#endif
