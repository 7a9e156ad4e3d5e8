/* SPDX-License-Identifier: MIT */
/*
 * Refusals in the shape each provider documents for its own errors, so that SDKs raise their own exception
 * types: OpenAI API reference "Error codes", Anthropic API "Errors", Google API "google.rpc.Status",
 * Ollama API "Errors".
 */
#include "config.h"

#include <string.h>

#include "icap-llmsec/dialect.h"

struct status_row {
	int		 status;
	const char	*openai, *anthropic, *gemini;
};

static const struct status_row status_rows[] = {
	{400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
	{401, "authentication_error", "authentication_error", "UNAUTHENTICATED"},
	{402, "insufficient_quota", "billing_error", "RESOURCE_EXHAUSTED"},
	{403, "permission_error", "permission_error", "PERMISSION_DENIED"},
	{404, "not_found_error", "not_found_error", "NOT_FOUND"},
	{413, "invalid_request_error", "request_too_large", "INVALID_ARGUMENT"},
	{415, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
	{429, "rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED"},
	{500, "server_error", "api_error", "INTERNAL"},
	{503, "server_error", "overloaded_error", "UNAVAILABLE"},
};

static const struct status_row *
status_row(int status)
{
	for (size_t i = 0; i < sizeof(status_rows) / sizeof(*status_rows); i++)
		if (status_rows[i].status == status)
			return &status_rows[i];
	return &status_rows[status >= 500 ? 8 : 0];
}

static void
put_str(struct buf *o, const char *s)
{
	if (s == NULL) {
		buf_adds(o, "null");
		return;
	}
	buf_addc(o, '"');
	buf_add_json(o, s, strlen(s));
	buf_addc(o, '"');
}

static void
put_rules(struct buf *o, const struct refusal *r)
{
	buf_addc(o, '[');
	for (size_t i = 0; i < r->n_rule_ids; i++) {
		if (i > 0)
			buf_addc(o, ',');
		put_str(o, r->rule_ids[i]);
	}
	buf_addc(o, ']');
}

/* ,"request_id":"..","rule_ids":[..] */
static void
put_trace(struct buf *o, const struct refusal *r)
{
	buf_adds(o, ",\"request_id\":");
	put_str(o, r->request_id);
	buf_adds(o, ",\"rule_ids\":");
	put_rules(o, r);
}

static void
error_openai(struct buf *o, const struct refusal *r)
{
	buf_adds(o, "{\"error\":{\"message\":");
	put_str(o, r->message);
	buf_adds(o, ",\"type\":");
	put_str(o, status_row(r->status)->openai);
	buf_adds(o, ",\"param\":");
	put_str(o, r->param);
	buf_adds(o, ",\"code\":");
	put_str(o, r->code);
	put_trace(o, r);
	buf_adds(o, "}}");
}

static void
error_anthropic(struct buf *o, const struct refusal *r)
{
	buf_adds(o, "{\"type\":\"error\",\"error\":{\"type\":");
	put_str(o, status_row(r->status)->anthropic);
	buf_adds(o, ",\"message\":");
	put_str(o, r->message);
	buf_adds(o, ",\"code\":");
	put_str(o, r->code);
	buf_adds(o, "}");
	put_trace(o, r);
	buf_adds(o, "}");
}

static void
error_gemini(struct buf *o, const struct refusal *r)
{
	buf_printf(o, "{\"error\":{\"code\":%d,\"message\":", r->status);
	put_str(o, r->message);
	buf_adds(o, ",\"status\":");
	put_str(o, status_row(r->status)->gemini);
	buf_adds(o, ",\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":");
	put_str(o, r->code);
	buf_adds(o, ",\"domain\":\"llmsec\",\"metadata\":{\"request_id\":");
	put_str(o, r->request_id ? r->request_id : "");
	buf_adds(o, "},\"rule_ids\":");
	put_rules(o, r);
	buf_adds(o, "}]}}");
}

static void
error_ollama(struct buf *o, const struct refusal *r)
{
	buf_adds(o, "{\"error\":");
	put_str(o, r->message);
	buf_adds(o, ",\"code\":");
	put_str(o, r->code);
	put_trace(o, r);
	buf_adds(o, "}");
}

int
dialect_error_json(struct buf *out, enum dialect d, const struct refusal *r)
{
	switch (d) {
	case DIALECT_ANTHROPIC:
		error_anthropic(out, r);
		break;
	case DIALECT_GEMINI:
		error_gemini(out, r);
		break;
	case DIALECT_OLLAMA:
		error_ollama(out, r);
		break;
	default:
		error_openai(out, r);
	}
	return out->err;
}

int
dialect_error_stream(struct buf *out, const struct llm_route *route, const struct refusal *r)
{
	const char *eol = "\n";

	switch (route->dialect) {
	case DIALECT_OLLAMA:
		dialect_error_json(out, route->dialect, r);
		return buf_adds(out, "\n");
	case DIALECT_ANTHROPIC:
		buf_adds(out, "event: error\n");
		break;
	case DIALECT_GEMINI:
		eol = "\r\n";
		break;
	default:
		if (route->op == OP_RESPONSES)
			buf_adds(out, "event: error\n");
	}
	buf_adds(out, "data: ");
	dialect_error_json(out, route->dialect, r);
	buf_adds(out, eol);
	return buf_adds(out, eol);
}
