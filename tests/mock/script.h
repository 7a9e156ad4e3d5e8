/* SPDX-License-Identifier: MIT */
#ifndef MOCK_SCRIPT_H
#define MOCK_SCRIPT_H
/*
 * A response body as a timed script: bytes cut into steps, each with the moment it is due.  Every JSON
 * event gets three members at the end of its object: x_n (number from 0), x_of (number of events in all)
 * and x_t (CLOCK_MONOTONIC microseconds at which it was written, filled in at that moment; the
 * number is padded with spaces, which JSON allows).  That is how llmsec-load finds lost events and lag.
 *
 * A script is built by one thread and then read by one; errors of building stick in bytes.err.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/buf.h"
#include "plan.h"

enum script_form { SCRIPT_BODY, SCRIPT_SSE, SCRIPT_SSE_CRLF, SCRIPT_NDJSON, SCRIPT_ARRAY };

struct script_step {
	size_t		off, len;	/* in bytes */
	size_t		x_of, x_t;	/* where to write them; 0: nowhere */
	uint64_t	due_us;		/* after the start */
	unsigned	content;	/* content events up to and with this step */
};

struct script {
	struct buf	bytes;
	struct script_step *step;
	size_t		n, cap;
	enum script_form form;
	const struct plan *plan;
	unsigned	events;		/* numbered so far */
	unsigned	content;	/* paced so far */
	uint64_t	due_us;		/* of the last step */
	bool		cut;		/* ends with a broken connection */
};

void	script_init(struct script *, enum script_form, const struct plan *);
void	script_free(struct script *);
/* A whole body, as it is. */
void	script_body(struct script *, const char *, size_t);
/*
 * An event.  Takes the reference to <obj>, an object.  <name>: SSE event name or NULL.
 * <paced>: a content event, which waits its interval; others follow at once.
 */
void	script_event(struct script *, const char *name, json_t *obj, bool paced);
/* An SSE data line that is not JSON. */
void	script_data(struct script *, const char *text);
/* Has the plan's error_after come?  The dialect then adds its error event and stops. */
bool	script_fails_now(const struct script *);
/* Fill in what only the end tells; cut where the plan wants it.  0 or -errno. */
int	script_finish(struct script *);
/* Compress a SCRIPT_BODY in place.  0 or -errno. */
int	script_squeeze(struct script *, enum plan_coding);

struct script_reader;
/* Reads <s>, which must outlive the reader.  <stop_fd> readable means give up.  NULL: out of memory. */
struct script_reader *script_reader_new(struct script *, enum plan_coding, unsigned split, int stop_fd);
void	script_reader_free(struct script_reader *);
/*
 * Sleep until the next bytes are due and copy at most <max>, never more than one step at a time.
 * The count; 0 at the end; -ECONNABORTED where the connection is to be cut, -errno otherwise.
 */
long	script_reader_next(struct script_reader *, char *to, size_t max);
/* Sleep for <us> or until <stop_fd> is readable. */
void	script_sleep_until(uint64_t monotonic_us, int stop_fd);
uint64_t script_now_us(void);
#endif
