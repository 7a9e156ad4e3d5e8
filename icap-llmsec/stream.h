/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_STREAM_H
#define LLMSEC_ICAP_STREAM_H
/*
 * The answer of a model as it streams by: events in, events out.  The pieces ("deltas") of one text -
 * of a choice, content block, output item or tool call - are judged as the one text they are.  What
 * could be the beginning of something to replace is held back and goes out with the next delta of the
 * same text, or in front of its end in an event modelled on its last one.  An event that has nothing to
 * change goes out as the bytes that came in.
 *
 * One object per response, one thread.  The vault, detectors and route are borrowed.
 */
#include <stdbool.h>
#include <stddef.h>

#include "icap-llmsec/detect.h"
#include "icap-llmsec/convo.h"
#include "icap-llmsec/dialect.h"
#include "icap-llmsec/guard.h"
#include "icap-llmsec/mask.h"
#include "lib/arena.h"
#include "lib/buf.h"

/* What happens to text the model wrote. */
struct text_rules {
	const struct mask_vault	*vault;		/* NULL: nothing to unmask */
	const struct detectors	*detectors;	/* NULL: no output detectors */
	enum detect_mode	 output;
	bool			 no_pii, no_secrets;	/* of what the detectors find, pass this over */
	size_t			 window;	/* bytes an output finding may span */
	size_t			 held_max;	/* over it text goes out, come what may */
	struct guard		*guard;		/* NULL: none; of the one response */
	struct convo_table	*convo;		/* NULL: answers aren't remembered */
	const char		*tenant;	/* whose they are */
	int64_t			 now_ms;
};

/* Findings of a response; bounded, allocated from an arena that outlives it. */
struct found {
	struct findings	 all;
	struct arena	*arena;
};

/* Whether these rules can change or refuse anything at all. */
bool	text_rules_active(const struct text_rules *);
/* Whether text that can't be read is a failure (and not just text without placeholders). */
bool	text_rules_judge(const struct text_rules *);

enum text_kind { TEXT_PLAIN, TEXT_JSON };	/* TEXT_JSON: a piece of JSON, written in a string */

/* What is kept of a text between its steps.  Zero is a new text. */
struct text_state {
	struct guard_text	*guard;		/* first the guard, on what the provider wrote */
	struct buf		 held;		/* then detectors and placeholders, on what is left */
	struct convo_answer	 answer;	/* what the client got */
};

/*
 * One step of one text: what was kept of it and <text> are judged together; what is safe goes to <out>, the rest is
 * kept.  <last>: no more will come.  0, -EPERM: a finding under DETECT_BLOCK, or -errno.
 */
int	text_step(const struct text_rules *, enum text_kind, struct text_state *, const char *text,
	    size_t len, bool last, struct arena *scratch, struct found *, struct buf *out);
bool	text_holds(const struct text_state *);
/* A text that ends with nothing held back: text_step() does it by itself when there is a <last>. */
void	text_end(const struct text_rules *, struct text_state *);
void	text_state_free(struct text_state *);
/* Adds a finding, for the guard's callback.  <arg>: a struct found. */
int	found_note(void *arg, const struct finding *);
/* Whether every string must be looked at, not just those that may hold placeholders. */
bool	text_rules_look(const struct text_rules *);

enum stream_framing {
	STREAM_SSE,
	STREAM_NDJSON,		/* one JSON value a line */
	STREAM_ARRAY		/* one JSON array, element by element (Gemini without alt=sse) */
};

struct stream_conf {
	enum stream_framing framing;
	struct llm_route    route;
	struct text_rules   rules;
	bool		    fail_open;	/* an event that can't be read passes; else the stream ends */
	size_t		    event_max;	/* bytes of one event */
	unsigned	    depth;	/* JSON nesting */
	const char	   *request_id;	/* for error events; NULL or outlives the stream */
};

struct stream;

/* <found>, <out>: outlive the stream.  NULL on ENOMEM. */
struct stream *stream_new(const struct stream_conf *, struct found *, struct buf *out);
void	stream_free(struct stream **);
/*
 * Feed bytes / the end.  0, also when the stream was ended by policy (stream_refusal()); -ENOMEM when
 * nothing sensible can be done.
 */
int	stream_feed(struct stream *, const void *, size_t);
int	stream_finish(struct stream *);
/* End the stream with an error event; for the caller's own reasons. */
int	stream_stop(struct stream *, int status, const char *code, const char *message);
/* Why the stream was ended, or NULL: it was not. */
const struct refusal *stream_refusal(const struct stream *);

/* One JSON body at once, every string a whole text.  0: <out> holds it (identical if nothing changed);
   -EPERM blocked; -EILSEQ, -EMSGSIZE: not readable; -ENOMEM. */
int	stream_json_body(const struct text_rules *, const void *, size_t, unsigned depth, struct found *,
	    struct buf *out);
#endif
