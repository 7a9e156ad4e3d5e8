/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_SSE_H
#define LLMSEC_ICAP_SSE_H
/*
 * Server-sent events, parsed in pieces (WHATWG HTML, 9.2.6 "Interpreting an event stream"): lines end
 * in CR, LF or CRLF, one byte order mark may lead, a line without colon is a field without value, data
 * lines join with LF, a blank line ends the event.  Every byte of the input belongs to exactly one
 * callback's raw span, in order: a caller that writes them all out copies the stream unchanged.
 * An object belongs to one thread; spans are valid during the callback only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

struct sse_event {
	const char	*raw;		/* as received, blank line included */
	size_t		 raw_len;
	const char	*name;		/* value of the last "event" field; "" */
	size_t		 name_len;
	const char	*data;		/* data lines joined with LF; NUL-terminated beyond data_len */
	size_t		 data_len;
	const char	*id;		/* value of the last "id" field without NUL in it; "" */
	size_t		 id_len;
	int64_t		 retry;		/* -1: none */
	bool		 has_data;	/* a data field was there: clients dispatch this one */
	bool		 complete;	/* false: the stream ended before the blank line */
	char		 eol[3];	/* line ending of the event's first field */
};

/* Not 0 stops the parser and is handed back by sse_feed(). */
typedef int (*sse_event_fn)(void *arg, const struct sse_event *);

struct sse;

/* <max> bytes of one event. */
struct sse *sse_new(sse_event_fn, void *arg, size_t max);
void	sse_free(struct sse **);
/* 0, the callback's value, -EMSGSIZE (an event over <max>), -ENOMEM.  Errors stick. */
int	sse_feed(struct sse *, const void *, size_t);
/* End of the stream: what has no blank line yet comes as an event that is not complete. */
int	sse_finish(struct sse *);

/* Write <e> with other data; all lines that are no data lines stay as they were, byte for byte. */
int	sse_rewrite(struct buf *out, const struct sse_event *e, const char *data, size_t len);
/* Write a new event with <like>'s name and line endings. */
int	sse_write(struct buf *out, const char *name, size_t name_len, const char *eol, const char *data,
	    size_t len);
#endif
