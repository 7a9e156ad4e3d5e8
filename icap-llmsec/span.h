/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_SPAN_H
#define LLMSEC_ICAP_SPAN_H
/*
 * Text spans: every piece of natural language in a request, with who said it and where it stands.
 * Produced by span_extract() from a whole JSON body; text and path live in the request's arena, byte
 * offsets refer to the body as it was given.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "icap-llmsec/dialect.h"
#include "lib/arena.h"

enum span_role { ROLE_SYSTEM, ROLE_DEVELOPER, ROLE_USER, ROLE_ASSISTANT, ROLE_TOOL };
enum span_prov {
	PROV_MESSAGE,		/* new in this request: after the last assistant turn */
	PROV_HISTORY,		/* resent by the client: up to and including the last assistant turn */
	PROV_TOOL_RESULT, PROV_TOOL_DEFINITION, PROV_FILE,
	PROV_LABEL		/* beside the conversation: who asks, metadata; the model doesn't read it */
};

struct finding;
/* A part that is no text: base64, a data: URL, an address, or the bytes of an upload (icap-llmsec/attach.h). */
struct span_media {
	const char	*value; size_t len;	/* borrowed from the body, or in the arena */
	bool		 bytes;			/* not encoded */
	const char	*type; size_t type_len;	/* declared media type or format; NULL: none */
	const char	*name; size_t name_len;	/* file name; NULL: none */
	bool		 base64, settled;	/* for span_extract() */
	/* set by attach_judge() */
	const char	*kind;			/* name of its type (filetype.h); NULL: not decoded */
	bool		 scene;			/* a picture, sound or film: its words are beside the point */
	const char	*plain; size_t plain_len;	/* the bytes of a text that can be written anew; NULL: it can't */
	size_t		 head;			/* bytes of <value> before its base64 */
	size_t		 text_at;		/* where in the span's text its own begins, behind its name */
	const struct finding *mask; size_t n_mask;	/* what will be masked in <plain>: attach_mask() */
};

struct span {
	enum span_role	 role;
	enum span_prov	 prov;
	const char	*path;		/* "messages[2].content[0].text"; no key that may be data: json_path_names() */
	uint64_t	 start, end;	/* bytes of the JSON string in the body, quotes included; or of a key, or of a number */
	const char	*text;		/* decoded, not NUL-terminated */
	size_t		 len;
	int		 msg;		/* number of its message, -1: none */
	bool		 opaque;	/* in a place that we have no name for; beside the messages (msg < 0) it is not known whether it may be changed */
	struct span_media *media;	/* NULL: text.  Else <text> is what attach_judge() read out of it, "" before that */
	bool		 fixed;		/* its place is no JSON string of this text: masking it is attach_mask()'s, or impossible */
	bool		 unmaskable;	/* what should have been masked in it couldn't be */
};

struct spans {
	struct span	*v;
	size_t		 n;
	/* facts about the request met on the way */
	char		 model[128];
	int		 stream;	/* 1 true, 0 false, -1 absent */
	int64_t		 max_tokens;	/* -1 absent */
	size_t		 n_messages, n_tools;
	const char	*error;		/* static text when < 0 was returned */
	const char	*error_path;	/* arena text or NULL */
	uint64_t	 error_offset;
};

/* <depth>: of nesting, 0 for the default.  0; -EILSEQ malformed JSON; -EINVAL valid JSON that is no request of this operation (unknown shape);
   -EMSGSIZE a limit; -ENOMEM. */
int	span_extract(const struct llm_route *, const void *body, size_t len, unsigned depth, struct arena *,
	    struct spans *);
/* The same from an upload: a multipart body's fields and files, or, without a multipart <content_type>, one file. */
int	span_extract_upload(const char *content_type, const void *body, size_t len, struct arena *, struct spans *);
const char *span_role_name(enum span_role);
const char *span_prov_name(enum span_prov);

/* --- splicing: replace whole JSON strings (or numbers), leave every other byte identical -------------------- */
struct edit {
	uint64_t	 start, end;	/* in the old body; not overlapping; any order */
	const char	*text;		/* new decoded text; written as a JSON string with quotes */
	size_t		 len;
};

/* 0, -EINVAL for overlapping or out-of-range edits, or buf's error. */
int	span_splice(struct buf *out, const void *body, size_t len, struct edit *, size_t n);
#endif
