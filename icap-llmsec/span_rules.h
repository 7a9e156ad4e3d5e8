/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_SPAN_RULES_H
#define LLMSEC_ICAP_SPAN_RULES_H
/*
 * Where text stands in each API's request: one table per operation, first matching row wins.  Patterns are
 * those of json_path_is(), and "**" at the end for anything below.  Immutable.
 */
#include <stdbool.h>

#include "icap-llmsec/dialect.h"
#include "lib/json.h"

enum span_kind {
	KIND_NONE,		/* unnamed, beside the messages */
	KIND_MSG,		/* text of the message's own role */
	KIND_SYSTEM, KIND_USER, KIND_ASSISTANT, KIND_TOOL_RESULT, KIND_TOOL_DEF, KIND_FILE,
	KIND_LABEL,		/* for the provider, not for the model */
	KIND_OTHER,		/* unnamed place inside a message: inspected all the same */
	KIND_MEDIA,		/* base64, a data: URL or an address */
	KIND_MEDIA_OR_TEXT,	/* base64 if its KIND_MEDIA_FORM says so, else a file's text */
	KIND_MEDIA_TYPE, KIND_MEDIA_NAME, KIND_MEDIA_FORM,	/* facts beside it, in the same object */
	KIND_ROLE, KIND_TYPE,	/* of the message */
	KIND_NAME,		/* of a tool that was called; if it is more than a name, as KIND_OTHER */
	KIND_ID,		/* of a call; templates of some models print it, so with a blank in it it is as KIND_OTHER */
	KIND_MODEL, KIND_STREAM, KIND_MAX_TOKENS,
	KIND_IGNORE		/* ids that no model sees */
};

struct span_rule {
	const char	*pattern;
	enum span_kind	 kind;
};

struct span_shape {
	enum dialect	 dialect;
	enum llm_op	 op;
	const char	*list;		/* key of the messages or the prompt */
	const char	*list2;		/* other spelling of it, or NULL */
	bool		 may_be_string;	/* the list may be one string */
	bool		 strings;	/* elements are strings (prompts), not messages */
	bool		 objects;	/* elements may be objects */
	bool		 role_optional;
	bool		 list_optional;	/* a request without the list is one without text, or with a template */
	const struct span_rule *rules;
	const char	*tokens;	/* key of a list of token ids, or NULL */
};

/* NULL: this operation has no text we know how to find. */
const struct span_shape *span_shape(const struct llm_route *);
/*
 * Is the step this key?  In any case, U+017F for s and U+212A for k: Go's encoding/json, and so Ollama and many
 * servers that speak somebody else's API, reads a key so.  To a server that doesn't, such a key is unknown.
 */
bool	span_step_is(const struct json_step *, const char *key, size_t len);
enum span_kind	span_kind(const struct span_shape *, const struct json_value *);
#endif
