/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "icap-llmsec/span_rules.h"

/* Who asks, and what the caller files the request under: the provider reads it, the model doesn't. */
#define LABELS \
	{"user", KIND_LABEL}, {"metadata.**", KIND_LABEL}, {"safety_identifier", KIND_LABEL}, {"prompt_cache_key", KIND_LABEL}, \
	{"stop", KIND_LABEL}, {"stop.[]", KIND_LABEL}

/* Tools: keys and headers for the provider to use, then what the model reads. */
#define TOOLS \
	{"tools.[].headers.**", KIND_IGNORE}, {"tools.[].authorization", KIND_IGNORE}, {"tools.[].server_url", KIND_IGNORE}, \
	{"tools.[].type", KIND_IGNORE}, {"tools.[].name", KIND_IGNORE}, {"tools.[].function.name", KIND_IGNORE}, \
	{"tools.[].custom.name", KIND_IGNORE}, {"tools.[].cache_control.**", KIND_IGNORE}, {"tools.**", KIND_TOOL_DEF}, \
	{"tool_choice", KIND_IGNORE}, {"tool_choice.**", KIND_IGNORE}

/* What servers other than the API's maker take beside it (vLLM and its like). */
#define SERVERS \
	{"documents.**", KIND_FILE}, {"chat_template", KIND_SYSTEM}, {"guided_json.**", KIND_TOOL_DEF}, {"structured_outputs.**", KIND_TOOL_DEF}

#define COMMON \
	{"model", KIND_MODEL}, {"stream", KIND_STREAM}, {"max_tokens", KIND_MAX_TOKENS}, \
	{"max_completion_tokens", KIND_MAX_TOKENS}, {"max_output_tokens", KIND_MAX_TOKENS}, {"service_tier", KIND_IGNORE}, \
	{"keep_alive", KIND_IGNORE}

/* Chat's parts have objects of these names, the Responses API strings; other servers take either, and films. */
#define OPENAI_MEDIA(p) \
	{p ".image_url", KIND_MEDIA}, {p ".image_url.url", KIND_MEDIA}, {p ".image_url.**", KIND_IGNORE}, \
	{p ".input_audio", KIND_MEDIA}, {p ".input_audio.data", KIND_MEDIA}, {p ".input_audio.format", KIND_MEDIA_TYPE}, \
	{p ".input_audio.**", KIND_IGNORE}, \
	{p ".file.file_data", KIND_MEDIA}, {p ".file.file_url", KIND_MEDIA}, {p ".file.filename", KIND_MEDIA_NAME}, \
	{p ".file.**", KIND_IGNORE}, \
	{p ".file_data", KIND_MEDIA}, {p ".file_url", KIND_MEDIA}, {p ".filename", KIND_MEDIA_NAME}, \
	{p ".file_id", KIND_IGNORE}, {p ".detail", KIND_IGNORE}, \
	{p ".video_url", KIND_MEDIA}, {p ".video_url.url", KIND_MEDIA}, {p ".video_url.**", KIND_IGNORE}, \
	{p ".audio_url", KIND_MEDIA}, {p ".audio_url.url", KIND_MEDIA}, {p ".audio_url.**", KIND_IGNORE}, \
	{p ".document_url", KIND_MEDIA}, {p ".document_url.url", KIND_MEDIA}, {p ".document_url.**", KIND_IGNORE}

static const struct span_rule openai_chat[] = {
	{"messages.[].role", KIND_ROLE},
	{"messages.[].content", KIND_MSG},
	{"messages.[].content.[].text", KIND_MSG},
	{"messages.[].content.[].refusal", KIND_MSG},
	{"messages.[].content.[].type", KIND_IGNORE},
	OPENAI_MEDIA("messages.[].content.[]"),
	{"messages.[].tool_calls.[].function.arguments", KIND_ASSISTANT},
	{"messages.[].tool_calls.[].function.arguments.**", KIND_ASSISTANT},	/* Ollama: an object */
	{"messages.[].tool_calls.[].custom.input", KIND_ASSISTANT},
	{"messages.[].tool_calls.[].function.name", KIND_NAME}, {"messages.[].tool_calls.[].custom.name", KIND_NAME},
	{"messages.[].tool_calls.[].id", KIND_ID}, {"messages.[].tool_calls.**", KIND_IGNORE},
	{"messages.[].function_call.arguments", KIND_ASSISTANT},
	{"messages.[].function_call.name", KIND_NAME},
	{"messages.[].tool_call_id", KIND_ID},
	{"messages.[].images.[]", KIND_MEDIA}, {"messages.[].images.**", KIND_IGNORE},	/* Ollama */
	{"messages.[].**", KIND_OTHER},
	TOOLS,
	{"functions.[].name", KIND_IGNORE}, {"functions.**", KIND_TOOL_DEF},
	{"response_format.json_schema.**", KIND_TOOL_DEF},
	{"format.**", KIND_TOOL_DEF},	/* Ollama */
	{"prediction.content", KIND_ASSISTANT}, {"prediction.content.[].text", KIND_ASSISTANT}, {"prediction.content.[].type", KIND_IGNORE},
	{"options.num_predict", KIND_MAX_TOKENS}, {"options.stop", KIND_LABEL}, {"options.stop.[]", KIND_LABEL},
	SERVERS, LABELS, COMMON, {NULL, KIND_NONE}
};

static const struct span_rule openai_completion[] = {
	{"prompt", KIND_USER}, {"prompt.[]", KIND_USER}, {"suffix", KIND_USER},
	LABELS, COMMON, {NULL, KIND_NONE}
};

static const struct span_rule openai_input[] = {	/* embeddings, moderations; Ollama's as well */
	{"prompt", KIND_USER},
	{"input", KIND_USER}, {"input.[]", KIND_USER}, {"input.[].text", KIND_USER},
	{"input.[].type", KIND_IGNORE}, OPENAI_MEDIA("input.[]"),
	LABELS, COMMON, {NULL, KIND_NONE}
};

static const struct span_rule openai_media[] = {
	{"prompt", KIND_USER}, {"negative_prompt", KIND_USER}, {"input", KIND_USER}, {"instructions", KIND_USER},
	{"voice", KIND_IGNORE}, {"response_format", KIND_IGNORE}, {"size", KIND_IGNORE}, {"quality", KIND_IGNORE}, {"style", KIND_IGNORE},
	LABELS, COMMON, {NULL, KIND_NONE}
};

static const struct span_rule openai_responses[] = {
	{"instructions", KIND_SYSTEM},
	{"prompt.variables.*", KIND_USER}, {"prompt.variables.*.text", KIND_USER},
	{"input", KIND_USER},
	{"input.[].role", KIND_ROLE},
	{"input.[].type", KIND_TYPE},
	{"input.[].content", KIND_MSG},
	{"input.[].content.[].text", KIND_MSG},
	{"input.[].content.[].refusal", KIND_MSG},
	{"input.[].content.[].type", KIND_IGNORE},
	OPENAI_MEDIA("input.[].content.[]"),
	{"input.[].output", KIND_TOOL_RESULT},
	{"input.[].output.[].text", KIND_TOOL_RESULT},
	{"input.[].output.[].type", KIND_IGNORE}, {"input.[].output.type", KIND_IGNORE},
	OPENAI_MEDIA("input.[].output.[]"),
	{"input.[].output.image_url", KIND_MEDIA},	/* a computer's screen */
	{"input.[].result", KIND_MEDIA},	/* a picture that was made */
	{"input.[].arguments", KIND_ASSISTANT},
	{"input.[].name", KIND_NAME},
	{"input.[].summary.[].text", KIND_ASSISTANT},
	{"input.[].encrypted_content", KIND_IGNORE},
	{"input.[].id", KIND_IGNORE}, {"input.[].call_id", KIND_ID},
	{"input.[].status", KIND_IGNORE},
	{"input.[].**", KIND_OTHER},
	{"tools.[].input_image_mask.image_url", KIND_MEDIA},
	TOOLS,
	{"text.format.type", KIND_IGNORE}, {"text.format.**", KIND_TOOL_DEF},
	{"prompt.id", KIND_IGNORE}, {"prompt.version", KIND_IGNORE}, {"prompt.variables.*.type", KIND_IGNORE}, OPENAI_MEDIA("prompt.variables.*"),
	{"previous_response_id", KIND_IGNORE}, {"conversation", KIND_IGNORE}, {"conversation.id", KIND_IGNORE}, {"include.[]", KIND_IGNORE},
	LABELS, COMMON, {NULL, KIND_NONE}
};

/* base64, text, url, content or file, says the type. */
#define ANTHROPIC_SOURCE(p) \
	{p ".source.type", KIND_MEDIA_FORM}, {p ".source.media_type", KIND_MEDIA_TYPE}, {p ".source.data", KIND_MEDIA_OR_TEXT}, \
	{p ".source.url", KIND_MEDIA}

static const struct span_rule anthropic_messages[] = {
	{"system", KIND_SYSTEM},
	{"system.[].text", KIND_SYSTEM},
	{"messages.[].role", KIND_ROLE},
	{"messages.[].content", KIND_MSG},
	{"messages.[].content.[].text", KIND_MSG},
	{"messages.[].content.[].thinking", KIND_ASSISTANT},
	{"messages.[].content.[].input.**", KIND_ASSISTANT},
	{"messages.[].content.[].content", KIND_TOOL_RESULT},
	{"messages.[].content.[].content.[].text", KIND_TOOL_RESULT},
	ANTHROPIC_SOURCE("messages.[].content.[].content.[]"),
	ANTHROPIC_SOURCE("messages.[].content.[].content.[].source.content.[]"),
	{"messages.[].content.[].content.[].source.content", KIND_FILE},
	{"messages.[].content.[].content.[].source.content.[].text", KIND_FILE},
	{"messages.[].content.[].content.[].source.content.[].type", KIND_IGNORE},
	{"messages.[].content.[].content.[].type", KIND_IGNORE},
	{"messages.[].content.[].content.[].encrypted_content", KIND_IGNORE},
	{"messages.[].content.[].content.[].cache_control.**", KIND_IGNORE},
	{"messages.[].content.[].content.[].**", KIND_TOOL_RESULT},	/* search results have texts of their own */
	ANTHROPIC_SOURCE("messages.[].content.[]"),
	ANTHROPIC_SOURCE("messages.[].content.[].source.content.[]"),
	{"messages.[].content.[].source.content", KIND_FILE},
	{"messages.[].content.[].source.content.[].text", KIND_FILE},
	{"messages.[].content.[].source.**", KIND_IGNORE},
	{"messages.[].content.[].type", KIND_IGNORE}, {"messages.[].content.[].id", KIND_ID},
	{"messages.[].content.[].tool_use_id", KIND_ID}, {"messages.[].content.[].name", KIND_NAME},
	{"messages.[].content.[].title", KIND_FILE}, {"messages.[].content.[].context", KIND_FILE},	/* of a document */
	{"messages.[].content.[].source", KIND_FILE},	/* of a search result */
	{"messages.[].content.[].signature", KIND_IGNORE},
	{"messages.[].content.[].cache_control.**", KIND_IGNORE},
	{"messages.[].content.[].data", KIND_IGNORE},
	{"messages.[].**", KIND_OTHER},
	TOOLS,
	{"output_format.schema.**", KIND_TOOL_DEF}, {"output_config.format.schema.**", KIND_TOOL_DEF},
	{"stop_sequences.[]", KIND_LABEL},
	{"mcp_servers.[].url", KIND_IGNORE}, {"mcp_servers.[].authorization_token", KIND_IGNORE}, {"container", KIND_IGNORE},
	{"container.**", KIND_IGNORE}, {"betas.[]", KIND_IGNORE},
	LABELS, COMMON, {NULL, KIND_NONE}
};

#define GEMINI_BLOB(p) \
	{p ".data", KIND_MEDIA}, {p ".fileUri", KIND_MEDIA}, {p ".file_uri", KIND_MEDIA}, {p ".mimeType", KIND_MEDIA_TYPE}, \
	{p ".mime_type", KIND_MEDIA_TYPE}, {p ".displayName", KIND_MEDIA_NAME}, {p ".display_name", KIND_MEDIA_NAME}, {p ".**", KIND_IGNORE}
#define GEMINI_MEDIA(p) \
	GEMINI_BLOB(p ".inlineData"), GEMINI_BLOB(p ".inline_data"), GEMINI_BLOB(p ".fileData"), GEMINI_BLOB(p ".file_data")
#define GEMINI_SPELLINGS(list) \
	{list ".[].role", KIND_ROLE}, \
	{list ".[].parts.[].text", KIND_MSG}, \
	GEMINI_MEDIA(list ".[].parts.[]"), \
	GEMINI_MEDIA(list ".[].parts.[].functionResponse.parts.[]"), \
	GEMINI_MEDIA(list ".[].parts.[].function_response.parts.[]"), \
	{list ".[].parts.[].functionResponse.name", KIND_IGNORE}, \
	{list ".[].parts.[].functionResponse.id", KIND_ID}, \
	{list ".[].parts.[].functionResponse.**", KIND_TOOL_RESULT}, \
	{list ".[].parts.[].function_response.name", KIND_IGNORE}, \
	{list ".[].parts.[].function_response.id", KIND_ID}, \
	{list ".[].parts.[].function_response.**", KIND_TOOL_RESULT}, \
	{list ".[].parts.[].functionCall.args.**", KIND_ASSISTANT}, \
	{list ".[].parts.[].function_call.args.**", KIND_ASSISTANT}, \
	{list ".[].parts.[].functionCall.name", KIND_NAME}, \
	{list ".[].parts.[].function_call.name", KIND_NAME}, \
	{list ".[].parts.[].functionCall.id", KIND_ID}, {list ".[].parts.[].function_call.id", KIND_ID}, \
	{list ".[].parts.[].functionCall.**", KIND_IGNORE}, \
	{list ".[].parts.[].function_call.**", KIND_IGNORE}, \
	{list ".[].parts.[].thoughtSignature", KIND_IGNORE}, \
	{list ".[].parts.[].thought_signature", KIND_IGNORE}, \
	{list ".[].**", KIND_OTHER}

/* Beside the contents.  Protobuf's JSON takes either spelling of each name. */
#define GEMINI_SETTINGS(g) \
	{g ".responseSchema.**", KIND_TOOL_DEF}, {g ".response_schema.**", KIND_TOOL_DEF}, \
	{g ".responseJsonSchema.**", KIND_TOOL_DEF}, {g ".response_json_schema.**", KIND_TOOL_DEF}, \
	{g ".maxOutputTokens", KIND_MAX_TOKENS}, {g ".max_output_tokens", KIND_MAX_TOKENS}, \
	{g ".stopSequences.[]", KIND_LABEL}, {g ".stop_sequences.[]", KIND_LABEL}, {g ".**", KIND_IGNORE}
#define GEMINI_REST(p) \
	{p "systemInstruction.role", KIND_IGNORE}, {p "system_instruction.role", KIND_IGNORE}, \
	{p "systemInstruction.**", KIND_SYSTEM}, {p "system_instruction.**", KIND_SYSTEM},	/* parts, or one part without brackets */ \
	GEMINI_SETTINGS(p "generationConfig"), GEMINI_SETTINGS(p "generation_config"), \
	{p "tools.[].functionDeclarations.[].name", KIND_IGNORE}, {p "tools.[].function_declarations.[].name", KIND_IGNORE}, \
	{p "tools.**", KIND_TOOL_DEF}, \
	{p "toolConfig.**", KIND_IGNORE}, {p "tool_config.**", KIND_IGNORE}, \
	{p "safetySettings.**", KIND_IGNORE}, {p "safety_settings.**", KIND_IGNORE}, \
	{p "cachedContent", KIND_IGNORE}, {p "cached_content", KIND_IGNORE}, {p "labels.**", KIND_LABEL}

static const struct span_rule gemini_contents[] = {
	GEMINI_SPELLINGS("contents"),
	GEMINI_SPELLINGS("generateContentRequest.contents"),
	GEMINI_SPELLINGS("generate_content_request.contents"),
	GEMINI_REST(""), GEMINI_REST("generateContentRequest."), GEMINI_REST("generate_content_request."),
	{"model", KIND_MODEL}, {NULL, KIND_NONE}
};

static const struct span_rule gemini_embed[] = {
	{"content.role", KIND_IGNORE}, {"requests.[].content.role", KIND_IGNORE},
	GEMINI_MEDIA("content.parts.[]"), GEMINI_MEDIA("requests.[].content.parts.[]"),
	{"content.**", KIND_USER},	/* parts, or one part without brackets */
	{"requests.[].content.**", KIND_USER},
	{"title", KIND_USER}, {"requests.[].title", KIND_USER},	/* embedded with the text */
	{"requests.[].model", KIND_IGNORE}, {"taskType", KIND_IGNORE}, {"task_type", KIND_IGNORE},
	{"requests.[].taskType", KIND_IGNORE}, {"requests.[].task_type", KIND_IGNORE},
	{"model", KIND_MODEL}, {NULL, KIND_NONE}
};

static const struct span_rule ollama_generate[] = {
	{"prompt", KIND_USER}, {"suffix", KIND_USER}, {"system", KIND_SYSTEM}, {"template", KIND_SYSTEM},
	{"images.[]", KIND_MEDIA},
	{"format.**", KIND_TOOL_DEF},
	{"options.num_predict", KIND_MAX_TOKENS}, {"options.stop", KIND_LABEL}, {"options.stop.[]", KIND_LABEL}, COMMON, {NULL, KIND_NONE}
};

static const struct span_shape shapes[] = {
	{DIALECT_OPENAI, OP_CHAT, "messages", NULL, false, false, true, false, false, openai_chat, NULL},
	{DIALECT_OPENAI, OP_COMPLETION, "prompt", NULL, true, true, false, false, false, openai_completion, NULL},
	{DIALECT_OPENAI, OP_RESPONSES, "input", NULL, true, false, true, false, true, openai_responses, NULL},
	{DIALECT_OPENAI, OP_EMBEDDINGS, "input", NULL, true, true, false, false, false, openai_input, NULL},
	{DIALECT_OPENAI, OP_MODERATIONS, "input", NULL, true, true, true, true, false, openai_input, NULL},
	{DIALECT_OPENAI, OP_MEDIA, "prompt", "input", true, true, false, false, true, openai_media, NULL},
	{DIALECT_ANTHROPIC, OP_CHAT, "messages", NULL, false, false, true, false, false, anthropic_messages, NULL},
	{DIALECT_ANTHROPIC, OP_COUNT_TOKENS, "messages", NULL, false, false, true, false, false, anthropic_messages, NULL},
	{DIALECT_GEMINI, OP_CHAT, "contents", NULL, false, false, true, true, false, gemini_contents, NULL},
	{DIALECT_GEMINI, OP_COUNT_TOKENS, "contents", "generateContentRequest", false, false, true, true,
	    false, gemini_contents, NULL},
	{DIALECT_GEMINI, OP_EMBEDDINGS, "content", "requests", false, false, true, true, false, gemini_embed, NULL},
	{DIALECT_OLLAMA, OP_CHAT, "messages", NULL, false, false, true, false, false, openai_chat, NULL},
	{DIALECT_OLLAMA, OP_COMPLETION, "prompt", NULL, true, false, false, false, true, ollama_generate, "context"},
	{DIALECT_OLLAMA, OP_EMBEDDINGS, "input", "prompt", true, true, false, false, false, openai_input, NULL},
};

const struct span_shape *
span_shape(const struct llm_route *r)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		if (shapes[i].dialect == r->dialect && shapes[i].op == r->op)
			return &shapes[i];
	return NULL;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool
span_step_is(const struct json_step *s, const char *key, size_t len)
{
	const char *k = s->key, *end;

	if (k == NULL || s->key_len < len)
		return false;
	end = k + s->key_len;
	for (size_t i = 0; i < len; i++) {
		char c = lower(key[i]);

		if (k < end && lower(*k) == c)
			k++;
		else if (c == 's' && end - k >= 2 && memcmp(k, "\xc5\xbf", 2) == 0)
			k += 2;
		else if (c == 'k' && end - k >= 3 && memcmp(k, "\xe2\x84\xaa", 3) == 0)
			k += 3;
		else
			return false;
	}
	return k == end;
}

static bool
step_is(const struct json_step *s, const char *p, size_t n)
{
	if (n == 1 && p[0] == '*')
		return s->key != NULL;
	if (n == 2 && p[0] == '[' && p[1] == ']')
		return s->key == NULL;
	return span_step_is(s, p, n);
}

static bool
path_match(const struct json_value *v, const char *pattern)
{
	const char *p = pattern, *dot;
	size_t n;

	for (size_t i = 0; ; i++) {
		dot = strchr(p, '.');
		n = dot ? (size_t)(dot - p) : strlen(p);
		if (n == 2 && p[0] == '*' && p[1] == '*')
			return v->depth > i;
		if (i >= v->depth || !step_is(&v->path[i], p, n))
			return false;
		if (dot == NULL)
			return v->depth == i + 1;
		p = dot + 1;
	}
}

enum span_kind
span_kind(const struct span_shape *s, const struct json_value *v)
{
	for (const struct span_rule *r = s->rules; r->pattern != NULL; r++)
		if (path_match(v, r->pattern))
			return r->kind;
	return KIND_NONE;
}
