/* SPDX-License-Identifier: MIT */
#ifndef MOCK_PLAN_H
#define MOCK_PLAN_H
/*
 * How one request wants to be answered.  Directives are "key=value" pairs separated by commas, values
 * may be percent-encoded ("say=a%2Cb"), a bare key means key=1.  They come, each overriding the one
 * before, from the header X-Mock (any number), from the query argument "mock", and from the last
 * user message: "[mock tokens=5,interval_ms=10]" anywhere in it, and "say:TEXT" (TEXT: the rest).
 */
#include <stdbool.h>
#include <stddef.h>
#include "lib/buf.h"

enum plan_coding { PLAN_IDENTITY, PLAN_GZIP, PLAN_DEFLATE, PLAN_BROTLI };
enum plan_leak { PLAN_LEAK_NONE, PLAN_LEAK_SYSTEMPROMPT, PLAN_LEAK_KEY };
enum plan_echo { PLAN_ECHO_NONE, PLAN_ECHO_USER, PLAN_ECHO_BODY };

struct plan {
	int	tokens;		/* pieces the answer is streamed in; 0: one per word */
	int	interval_ms;	/* between content events */
	int	first_ms;	/* silence before the response's headers */
	int	lead_ms;	/* silence between headers and first content event */
	int	stall_after, stall_ms;	/* one extra silence after so many content events */
	long	size;		/* bytes of answer text; 0: not asked for */
	int	error;		/* HTTP status of a provider's error; 0: none */
	int	retry_after;	/* seconds, with error=429 */
	int	error_after;	/* content events, then an error event; -1: never */
	int	break_after;	/* content events (bytes of a JSON body), then cut; -1: never */
	bool	torn;		/* break leaves half of the next event behind */
	int	split;		/* bytes per write; 0: an event per write */
	int	tool;		/* 1: call a tool although ..., 0: never, -1: when tools are offered */
	bool	crlf, ascii, utf8, chunked, pii;
	enum plan_coding coding;
	enum plan_leak leak;
	enum plan_echo echo;
	char	*say;		/* owned; NULL: nothing said */
	char	*args;		/* owned; JSON of tool arguments */
};

void	plan_init(struct plan *, int interval_ms);
void	plan_free(struct plan *);
/* Read "key=value,...".  0, or -EINVAL at an unknown key or a bad value (named in <bad>). */
int	plan_read(struct plan *, const char *text, size_t len, char *bad, size_t bad_size);
/*
 * Read the directives of a user message and take "[mock ...]" out of it, so that an echo repeats
 * only what a person wrote.  Same results as plan_read.
 */
int	plan_read_message(struct plan *, struct buf *message, char *bad, size_t bad_size);
#endif
