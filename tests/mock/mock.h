/* SPDX-License-Identifier: MIT */
#ifndef MOCK_H
#define MOCK_H
/*
 * One request to the mock provider and its reply.  A struct call belongs to the connection's thread from
 * the first byte to the end of the reply; dialects read it and fill the reply, and return 0 or -errno
 * (out of memory, which becomes a bare 500).
 *
 * A dialect does three things: it reads the request into a struct ask, lets answer_make() decide what
 * is said, and writes that down in its own shape, as one JSON body or as a script of events.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/buf.h"
#include "plan.h"
#include "script.h"

enum dialect { DIALECT_OPENAI, DIALECT_ANTHROPIC, DIALECT_GEMINI, DIALECT_OLLAMA };

struct mock_pair {
	char	*name, *value;
};

struct mock_pairs {
	struct mock_pair *at;
	size_t	 n;
};

struct call {
	uint64_t	 id;
	char		*uri;		/* as sent */
	char		*method;
	char		*path;		/* decoded, without query; Azure prefixes mapped to /v1 */
	struct mock_pairs headers, query;
	struct buf	 body;
	char		 sha256[65];	/* of body */
	json_t		*root;		/* body as JSON; NULL: none */
	enum dialect	 dialect;
	struct plan	 plan;
	int		 stop_fd;
};

struct reply {
	unsigned	 status;
	const char	*type;		/* Content-Type */
	bool		 streamed;	/* no Content-Length */
	struct script	 script;
	struct mock_pair header[8];	/* heap strings */
	size_t		 n_headers;
};

/* What a dialect understood.  Strings and JSON are borrowed from call.root. */
struct ask {
	const char	*model;
	bool		 stream;
	bool		 stream_usage;
	unsigned	 n;		/* choices */
	struct buf	 system, user, tool_result;
	bool		 after_tool;	/* the last turn is a tool's result */
	bool		 tool_forced, tool_none;
	const char	*tool_name;	/* first tool offered; NULL: none */
	json_t		*tool_schema;	/* of its parameters; may be NULL */
};

struct answer {
	struct buf	 text;
	size_t		*cut;		/* piece i is text[cut[i] .. cut[i+1]) */
	size_t		 pieces;
	bool		 tool;		/* call ask.tool_name instead of saying text */
	json_t		*args;		/* owned; object */
	unsigned	 in_tokens, out_tokens;
	char		 id[24];	/* ends every id this reply invents */
	char		 sha256[65];	/* of text */
};

/* The value or NULL; names compare without case for headers. */
const char *call_header(const struct call *, const char *name);
const char *call_query(const struct call *, const char *name);
int	pairs_add(struct mock_pairs *, const char *name, const char *value);
void	pairs_free(struct mock_pairs *);

/* --- ask.c ---------------------------------------------------------------------------------- */
void	ask_free(struct ask *);
/* Append the text of a content value: a string, or an array of parts with "text" members. */
void	ask_text(struct buf *, json_t *content);
const char *ask_string(json_t *obj, const char *key, const char *otherwise);
bool	ask_bool(json_t *obj, const char *key, bool otherwise);

/* --- answer.c ------------------------------------------------------------------------------- */
/*
 * Read the directives of ask.user and decide.  0; -EINVAL after having written the dialect's 400 into
 * the reply (a bad directive); -EREMOTEIO after a planned error=STATUS was written; -ENOMEM.
 */
int	answer_make(struct call *, struct ask *, struct answer *, struct reply *);
void	answer_free(struct answer *);
json_t	*answer_piece(const struct answer *, size_t i);	/* new string */
json_t	*answer_text(const struct answer *);		/* new string */
char	*answer_args(const struct answer *);		/* compact JSON, heap */

/* --- reply.c -------------------------------------------------------------------------------- */
void	reply_free(struct reply *);
void	reply_header(struct reply *, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* One JSON body; takes the reference. */
int	reply_json(struct call *, struct reply *, unsigned status, json_t *);
/* Begin a stream of events in reply.script. */
void	reply_stream(struct call *, struct reply *, enum script_form);
/* An error in the shape of call.dialect. */
int	reply_error(struct call *, struct reply *, unsigned status, const char *message);
/* The same object, for an error event in the middle of a stream; a new reference. */
json_t	*reply_error_object(enum dialect, unsigned status, const char *message, uint64_t id);

/* --- dialects; routes.c chooses ---------------------------------------------------------------- */
int	openai_chat(struct call *, struct reply *);
int	openai_completions(struct call *, struct reply *);
int	openai_responses(struct call *, struct reply *);
int	openai_embeddings(struct call *, struct reply *);
int	openai_moderations(struct call *, struct reply *);
int	files_create(struct call *, struct reply *);
int	files_list(struct call *, struct reply *);
int	files_get(struct call *, struct reply *);
int	files_delete(struct call *, struct reply *);
int	models_list(struct call *, struct reply *);
int	anthropic_messages(struct call *, struct reply *);
int	anthropic_count_tokens(struct call *, struct reply *);
int	gemini_generate(struct call *, struct reply *);
int	gemini_count_tokens(struct call *, struct reply *);
int	gemini_embed(struct call *, struct reply *);
int	ollama_chat(struct call *, struct reply *);
int	ollama_embed(struct call *, struct reply *);

/* Choose by method and path; answers 404 in the dialect's shape where nothing fits. */
int	routes_serve(struct call *, struct reply *);
#endif
