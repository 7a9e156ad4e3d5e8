/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "icap-llmsec/dialect.h"

struct op_row {
	const char	*path;	/* below the prefix */
	enum llm_op	 op;
};

static const struct op_row openai_ops[] = {
	{"chat/completions", OP_CHAT},
	{"completions", OP_COMPLETION},
	{"responses", OP_RESPONSES},
	{"embeddings", OP_EMBEDDINGS},
	{"moderations", OP_MODERATIONS},
	{"files", OP_FILES},
	{"models", OP_MODELS},
	{NULL, OP_UNKNOWN}
};

static const struct op_row gemini_ops[] = {
	{"generateContent", OP_CHAT},
	{"streamGenerateContent", OP_CHAT},
	{"countTokens", OP_COUNT_TOKENS},
	{"embedContent", OP_EMBEDDINGS},
	{"batchEmbedContents", OP_EMBEDDINGS},
	{NULL, OP_UNKNOWN}
};

static enum llm_op
op_lookup(const struct op_row *t, const char *p, size_t n)
{
	for (; t->path != NULL; t++)
		if (strlen(t->path) == n && memcmp(t->path, p, n) == 0)
			return t->op;
	return OP_UNKNOWN;
}

/* Does <p> begin with <lit>?  Then step over it. */
static bool
eat(const char **p, size_t *n, const char *lit)
{
	size_t k = strlen(lit);

	if (*n < k || memcmp(*p, lit, k) != 0)
		return false;
	*p += k;
	*n -= k;
	return true;
}

static void
copy_model(struct llm_route *r, const char *p, size_t n)
{
	if (n >= sizeof(r->model))
		n = sizeof(r->model) - 1;
	memcpy(r->model, p, n);
	r->model[n] = '\0';
}

/* Files and models have ids below them: files/abc/content, models/gpt-4o. */
static enum llm_op
openai_op(const char *p, size_t n, bool get)
{
	static const char *const deep[] = {"files/", "models/", "uploads/"};

	for (size_t i = 0; i < sizeof(deep) / sizeof(*deep); i++)
		if (n >= strlen(deep[i]) && memcmp(p, deep[i], strlen(deep[i])) == 0)
			return i == 1 ? OP_MODELS : OP_FILES;
	if (get && n > 10 && memcmp(p, "responses/", 10) == 0)
		return OP_MODELS;	/* reading a stored answer: no prompt in it */
	return op_lookup(openai_ops, p, n);
}

static void
route_gemini(struct llm_route *r, const char *p, size_t n)
{
	const char *colon;

	r->dialect = DIALECT_GEMINI;
	colon = memchr(p, ':', n);
	if (colon == NULL) {
		r->op = OP_MODELS;
		copy_model(r, p, n);
		return;
	}
	copy_model(r, p, (size_t)(colon - p));
	n -= (size_t)(colon - p) + 1;
	r->op = op_lookup(gemini_ops, colon + 1, n);
	r->stream = n == 21 && memcmp(colon + 1, "streamGenerateContent", 21) == 0;
}

static void
route_azure(struct llm_route *r, const char *p, size_t n, bool get)
{
	const char *slash;

	r->dialect = DIALECT_OPENAI;
	r->azure = true;
	r->op = OP_UNKNOWN;
	if (eat(&p, &n, "v1/")) {
		r->op = openai_op(p, n, get);
		return;
	}
	if (!eat(&p, &n, "deployments/") || (slash = memchr(p, '/', n)) == NULL)
		return;
	copy_model(r, p, (size_t)(slash - p));
	n -= (size_t)(slash - p) + 1;
	r->op = openai_op(slash + 1, n, get);
}

static void
route_ollama(struct llm_route *r, const char *p, size_t n)
{
	static const struct op_row ops[] = {
		{"chat", OP_CHAT}, {"generate", OP_COMPLETION}, {"embed", OP_EMBEDDINGS},
		{"embeddings", OP_EMBEDDINGS}, {"tags", OP_MODELS}, {"version", OP_MODELS},
		{"ps", OP_MODELS}, {NULL, OP_UNKNOWN}
	};

	r->dialect = DIALECT_OLLAMA;
	r->op = op_lookup(ops, p, n);
}

/*
 * Paths are compared as they are sent, except that runs of '/' count once and a trailing '/' doesn't
 * count: providers accept both.  A percent-escape in the path of an LLM route makes it unknown, so that
 * no spelling reaches a provider under a name we did not recognise.
 */
static size_t
path_normalise(char *out, size_t cap, const char *p, size_t n)
{
	const char *q;
	size_t k = 0;

	if (n > 8 && (strncasecmp(p, "http://", 7) == 0 || strncasecmp(p, "https://", 8) == 0)) {
		q = memchr(p + 8, '/', n - 8);
		if (q == NULL)
			return 0;
		n -= (size_t)(q - p);
		p = q;
	}
	q = memchr(p, '?', n);
	if (q != NULL)
		n = (size_t)(q - p);
	for (size_t i = 0; i < n && k < cap; i++)
		if (p[i] != '/' || k == 0 || out[k - 1] != '/')
			out[k++] = p[i];
	while (k > 1 && out[k - 1] == '/')
		k--;
	return k;
}

void
dialect_route(const char *method, const char *path, size_t path_len, struct llm_route *r)
{
	char norm[1024];
	const char *p = norm;
	size_t n = path_normalise(norm, sizeof(norm), path, path_len);
	bool get = method != NULL && (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ||
	    strcmp(method, "DELETE") == 0);

	memset(r, 0, sizeof(*r));
	if (eat(&p, &n, "/v1/messages")) {
		r->dialect = DIALECT_ANTHROPIC;
		r->op = n == 0 ? OP_CHAT : n == 13 && memcmp(p, "/count_tokens", 13) == 0 ?
		    OP_COUNT_TOKENS : OP_UNKNOWN;
	} else if (eat(&p, &n, "/v1beta/openai/"))
		r->dialect = DIALECT_OPENAI, r->op = openai_op(p, n, get);
	else if (eat(&p, &n, "/v1beta/models/") || eat(&p, &n, "/v1alpha/models/"))
		route_gemini(r, p, n);
	else if (eat(&p, &n, "/v1beta"))
		r->dialect = DIALECT_GEMINI, r->op = n == 7 && memcmp(p, "/models", 7) == 0 ?
		    OP_MODELS : OP_UNKNOWN;
	else if (eat(&p, &n, "/v1/models/") && memchr(p, ':', n) != NULL)
		route_gemini(r, p, n);
	else if (p != norm)
		r->dialect = DIALECT_OPENAI, r->op = OP_MODELS;
	else if (eat(&p, &n, "/v1/"))
		r->dialect = DIALECT_OPENAI, r->op = openai_op(p, n, get);
	else if (eat(&p, &n, "/openai/"))
		route_azure(r, p, n, get);
	else if (eat(&p, &n, "/api/"))
		route_ollama(r, p, n);
	if (r->dialect != DIALECT_NONE && memchr(norm, '%', path_normalise(norm, sizeof(norm), path, path_len)))
		r->op = OP_UNKNOWN;
}

const char *
dialect_name(enum dialect d)
{
	static const char *const name[] = {"none", "openai", "anthropic", "gemini", "ollama"};

	return (size_t)d < sizeof(name) / sizeof(*name) ? name[d] : "none";
}
