/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_DIALECT_H
#define LLMSEC_ICAP_DIALECT_H
/*
 * LLM API dialects: which URL is which operation, and what a refusal looks like to its SDK.
 * Pure functions over borrowed strings; any thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"

enum dialect { DIALECT_NONE, DIALECT_OPENAI, DIALECT_ANTHROPIC, DIALECT_GEMINI, DIALECT_OLLAMA };
/* Azure OpenAI is DIALECT_OPENAI with route.azure set. */

enum llm_op {
	OP_NONE,		/* not an LLM route */
	OP_CHAT,		/* chat/completions, messages, generateContent, /api/chat */
	OP_COMPLETION,		/* completions, /api/generate: one prompt */
	OP_RESPONSES,		/* OpenAI responses */
	OP_EMBEDDINGS, OP_MODERATIONS,
	OP_MEDIA,		/* a text that a picture or speech is made of */
	OP_COUNT_TOKENS,
	OP_FILES,		/* upload and file metadata */
	OP_FORM,		/* a form with a file and a prompt: transcriptions, edits of pictures */
	OP_MODELS,		/* GET, no prompt */
	OP_UNKNOWN		/* under an LLM prefix (/v1/, /v1beta/, /api/, /openai/) but not known */
};

struct llm_route {
	enum dialect	dialect;
	enum llm_op	op;
	bool		azure;
	bool		stream;		/* known from the path alone: Gemini's streamGenerateContent */
	char		model[128];	/* from the path (Gemini, Azure deployment), else "" */
};

/* <path> may be a whole URL or a path; a query is ignored but "alt=sse" of Gemini.  Never fails. */
void	dialect_route(const char *method, const char *path, size_t path_len, struct llm_route *);
const char *dialect_name(enum dialect);

struct refusal {
	int		 status;	/* 400 402 403 413 415 429 500 503 */
	const char	*message;	/* for humans; must not contain prompt text */
	const char	*code;		/* token, "prompt_injection" "malformed_json" ... */
	const char	*param;		/* JSON path of the offending value, or NULL */
	const char	*request_id;	/* or NULL */
	const char	*const *rule_ids; size_t n_rule_ids;
	int		 retry_after_s;	/* 0: none */
};

/* The JSON body of a refusal in the shape the dialect's SDK turns into its own exception. */
int	dialect_error_json(struct buf *out, enum dialect, const struct refusal *);
/* The same as a protocol-correct error in the middle of a stream (SSE event(s), Ollama: one JSON line). */
int	dialect_error_stream(struct buf *out, const struct llm_route *, const struct refusal *);
#endif
