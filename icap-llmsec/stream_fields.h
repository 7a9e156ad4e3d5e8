/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_STREAM_FIELDS_H
#define LLMSEC_ICAP_STREAM_FIELDS_H
/*
 * Where the text is in one streamed JSON event of each dialect, and which texts the event ends.
 * Sources: the providers' API references for chat.completion.chunk, completions and responses
 * streaming events (OpenAI), message streaming events (Anthropic), GenerateContentResponse (Gemini),
 * /api/chat and /api/generate (Ollama).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "icap-llmsec/dialect.h"
#include "icap-llmsec/stream.h"
#include "lib/arena.h"

struct json_scan;

struct field_key {		/* which text a delta belongs to */
	uint32_t	 kind;	/* content, refusal, arguments, ... of its dialect */
	int64_t		 a, b;	/* choice, candidate, output item or block; tool call or part of it */
};

struct field {
	struct field_key key;
	bool		 whole;	/* complete in itself, no delta */
	bool		 judge;	/* natural language: output detectors apply */
	enum text_kind	 text_kind;
	uint64_t	 start, end;	/* in the event's JSON */
	const char	*text;	/* in the arena */
	size_t		 len;
	int		 pa, pb;	/* positions in arrays, until indices are known */
};

struct fields {
	struct field	*v;
	size_t		 n, cap;
	bool		 stop_all;	/* every text ends here */
	bool		 order;		/* texts of one <a> follow each other: a new one ends the old */
	int64_t		*stops;		/* these <a> end here */
	size_t		 n_stops, cap_stops;
	struct arena	*arena;
};

/* <scan> is reset and used.  <all>: look at every string, even if nothing in it can be a placeholder.
   0 or -errno of json_scan_feed(). */
int	fields_of_event(struct json_scan *, enum dialect, const char *json, size_t len, bool all,
	    struct arena *, struct fields *);
/* Every string of a whole body. */
int	fields_of_body(struct json_scan *, const char *json, size_t len, bool all, struct arena *,
	    struct fields *);
bool	fields_stop(const struct fields *, int64_t a);
#endif
