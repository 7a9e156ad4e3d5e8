/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mock.h"

void
reply_free(struct reply *r)
{
	script_free(&r->script);
	for (size_t i = 0; i < r->n_headers; i++) {
		free(r->header[i].name);
		free(r->header[i].value);
	}
	r->n_headers = 0;
}

void
reply_header(struct reply *r, const char *name, const char *fmt, ...)
{
	struct mock_pair *h = &r->header[r->n_headers];
	va_list ap;

	if (r->n_headers == sizeof(r->header) / sizeof(r->header[0]))
		return;
	va_start(ap, fmt);
	if (vasprintf(&h->value, fmt, ap) < 0)
		h->value = NULL;
	va_end(ap);
	h->name = strdup(name);
	r->n_headers++;
}

int
reply_json(struct call *c, struct reply *r, unsigned status, json_t *obj)
{
	char *text = obj ? json_dumps(obj, JSON_COMPACT | (c->plan.ascii ? JSON_ENSURE_ASCII : 0)) : NULL;

	json_decref(obj);
	if (text == NULL)
		return -ENOMEM;
	r->status = status;
	r->type = "application/json";
	r->streamed = c->plan.chunked;
	script_init(&r->script, SCRIPT_BODY, &c->plan);
	script_body(&r->script, text, strlen(text));
	free(text);
	return r->script.bytes.err;
}

void
reply_stream(struct call *c, struct reply *r, enum script_form form)
{
	r->status = 200;
	r->type = form == SCRIPT_SSE ? "text/event-stream; charset=utf-8" :
	    form == SCRIPT_NDJSON ? "application/x-ndjson" : "application/json";
	r->streamed = true;
	script_init(&r->script, form, &c->plan);
	if (form == SCRIPT_SSE)
		reply_header(r, "Cache-Control", "no-cache");
}

struct error_kind {
	unsigned status;
	const char *openai_type, *openai_code, *anthropic, *gemini;
};

static const struct error_kind kinds[] = {
	{ 400, "invalid_request_error", NULL, "invalid_request_error", "INVALID_ARGUMENT" },
	{ 401, "invalid_request_error", "invalid_api_key", "authentication_error", "UNAUTHENTICATED" },
	{ 402, "insufficient_quota", "insufficient_quota", "billing_error", "RESOURCE_EXHAUSTED" },
	{ 403, "invalid_request_error", "forbidden", "permission_error", "PERMISSION_DENIED" },
	{ 404, "invalid_request_error", "not_found", "not_found_error", "NOT_FOUND" },
	{ 413, "invalid_request_error", "too_large", "request_too_large", "INVALID_ARGUMENT" },
	{ 429, "requests", "rate_limit_exceeded", "rate_limit_error", "RESOURCE_EXHAUSTED" },
	{ 503, "server_error", "overloaded", "overloaded_error", "UNAVAILABLE" },
	{ 529, "server_error", "overloaded", "overloaded_error", "UNAVAILABLE" },
	{ 0, "server_error", "server_error", "api_error", "INTERNAL" },
};

static const struct error_kind *
kind_of(unsigned status)
{
	const struct error_kind *k = kinds;

	while (k->status && k->status != status)
		k++;
	return k;
}

json_t *
reply_error_object(enum dialect d, unsigned status, const char *message, uint64_t id)
{
	const struct error_kind *k = kind_of(status);
	char request[32];

	snprintf(request, sizeof(request), "req_mock%" PRIu64, id);
	switch (d) {
	case DIALECT_ANTHROPIC:
		return json_pack("{ss,s{ss,ss},ss}", "type", "error", "error", "type", k->anthropic,
		    "message", message, "request_id", request);
	case DIALECT_GEMINI:
		return json_pack("{s{si,ss,ss}}", "error", "code", (int)status, "message", message, "status",
		    k->gemini);
	case DIALECT_OLLAMA:
		return json_pack("{ss}", "error", message);
	case DIALECT_OPENAI:
		break;
	}
	return json_pack("{s{ss,ss,sn,ss?}}", "error", "message", message, "type", k->openai_type, "param",
	    "code", k->openai_code);
}

int
reply_error(struct call *c, struct reply *r, unsigned status, const char *message)
{
	if (status == 429 && c->plan.retry_after)
		reply_header(r, "Retry-After", "%d", c->plan.retry_after);
	return reply_json(c, r, status, reply_error_object(c->dialect, status, message, c->id));
}
