/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "icap-llmsec/dialect.h"
#include "icap-llmsec/url_path.h"

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
	{"uploads", OP_FILES},
	{"images/generations", OP_MEDIA},
	{"audio/speech", OP_MEDIA},
	{"audio/transcriptions", OP_FORM},
	{"audio/translations", OP_FORM},
	{"images/edits", OP_FORM},
	{"images/variations", OP_FORM},
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
		if (strlen(t->path) == n && strncasecmp(t->path, p, n) == 0)
			return t->op;
	return OP_UNKNOWN;
}

/* Does <p> begin with <lit>?  Then step over it.  Case doesn't count: to Azure it doesn't either. */
static bool
eat(const char **p, size_t *n, const char *lit)
{
	size_t k = strlen(lit);

	if (*n < k || strncasecmp(*p, lit, k) != 0)
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
		if (n >= strlen(deep[i]) && strncasecmp(p, deep[i], strlen(deep[i])) == 0)
			return i == 1 ? OP_MODELS : OP_FILES;
	if (get && n > 10 && strncasecmp(p, "responses/", 10) == 0)
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
	r->stream = n == 21 && strncasecmp(colon + 1, "streamGenerateContent", 21) == 0;
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
	if (!eat(&p, &n, "deployments/")) {
		r->op = openai_op(p, n, get);	/* responses, files, models */
		return;
	}
	slash = memchr(p, '/', n);
	if (slash == NULL)
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

static void
route_path(struct llm_route *r, const char *p, size_t n, bool get)
{
	const char *all = p;

	if (eat(&p, &n, "/v1/messages")) {
		r->dialect = DIALECT_ANTHROPIC;
		r->op = n == 0 ? OP_CHAT : n == 13 && strncasecmp(p, "/count_tokens", 13) == 0 ?
		    OP_COUNT_TOKENS : OP_UNKNOWN;
	} else if (eat(&p, &n, "/v1beta/openai/")) {
		r->dialect = DIALECT_OPENAI;
		r->op = openai_op(p, n, get);
	} else if (eat(&p, &n, "/v1beta/models/") || eat(&p, &n, "/v1alpha/models/")) {
		route_gemini(r, p, n);
	} else if (eat(&p, &n, "/upload/v1beta/files") || eat(&p, &n, "/v1beta/files")) {
		r->dialect = DIALECT_GEMINI;
		r->op = n == 0 || *p == '/' ? OP_FILES : OP_UNKNOWN;
	} else if (eat(&p, &n, "/v1beta") || eat(&p, &n, "/v1alpha/") || eat(&p, &n, "/upload/")) {
		r->dialect = DIALECT_GEMINI;
		r->op = n == 7 && strncasecmp(p, "/models", 7) == 0 ? OP_MODELS : OP_UNKNOWN;
	} else if (eat(&p, &n, "/v1/")) {
		if (n > 7 && strncasecmp(p, "models/", 7) == 0 && memchr(p, ':', n) != NULL)
			route_gemini(r, p + 7, n - 7);
		if (r->op == OP_NONE || r->op == OP_UNKNOWN) {	/* also models/ft:gpt-4o:org */
			r->model[0] = '\0';
			r->dialect = DIALECT_OPENAI;
			r->op = openai_op(p, n, get);
		}
	} else if (eat(&p, &n, "/openai/")) {
		route_azure(r, p, n, get);
	} else if (eat(&p, &n, "/api/")) {
		route_ollama(r, p, n);
	}
	if (p == all)
		r->op = OP_NONE;
}

/* Gateways and resellers put these APIs below a path of their own: /inference/v1/chat/completions. */
static void
route_below(struct llm_route *r, const char *p, size_t n, bool get)
{
	static const char *const roots[] = {"/v1/", "/v1beta/", "/v1alpha/"};
	struct llm_route x;

	for (size_t i = 1; i < n; i++)
		for (size_t k = 0; p[i] == '/' && k < sizeof(roots) / sizeof(*roots); k++) {
			if (n - i <= strlen(roots[k]) || strncasecmp(p + i, roots[k], strlen(roots[k])) != 0)
				continue;
			memset(&x, 0, sizeof(x));
			route_path(&x, p + i, n - i, get);
			if (x.op != OP_UNKNOWN && x.op != OP_MODELS && x.op != OP_FILES) {
				*r = x;
				return;
			}
		}
	if (n >= 17 && strncasecmp(p + n - 17, "/chat/completions", 17) == 0)
		*r = (struct llm_route){.dialect = DIALECT_OPENAI, .op = OP_CHAT};
}

/* alt=sse makes Gemini stream whatever the verb says. */
static bool
query_has_sse(const char *p, size_t n)
{
	const char *q = memchr(p, '?', n);

	if (q == NULL)
		return false;
	for (size_t i = (size_t)(q - p); i + 7 < n; i++)
		if ((p[i] == '?' || p[i] == '&') && memcmp(p + i + 1, "alt=sse", 7) == 0 &&
		    (i + 8 == n || p[i + 8] == '&' || p[i + 8] == '#'))
			return true;
	return false;
}

void
dialect_route(const char *method, const char *url, size_t url_len, struct llm_route *r)
{
	struct url_path path;
	bool get = method != NULL && (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ||
	    strcmp(method, "DELETE") == 0 || strcmp(method, "OPTIONS") == 0);

	memset(r, 0, sizeof(*r));
	url_path_read(&path, url, url_len);
	route_path(r, path.s, path.n, get);
	if (r->op == OP_NONE || (r->dialect == DIALECT_OLLAMA && r->op == OP_UNKNOWN))
		route_below(r, path.s, path.n, get);
	if (r->dialect == DIALECT_GEMINI && query_has_sse(url, url_len))
		r->stream = true;
	if (path.cut && r->dialect == DIALECT_NONE)
		r->dialect = DIALECT_OPENAI;	/* whatever it is, we have not read it */
	/* an origin may read such a path in its own way; and what is not read carries a prompt */
	if (r->dialect != DIALECT_NONE && (path.odd || (r->op == OP_MODELS && !get)))
		r->op = OP_UNKNOWN;
}

const char *
dialect_name(enum dialect d)
{
	static const char *const name[] = {"none", "openai", "anthropic", "gemini", "ollama"};

	return (size_t)d < sizeof(name) / sizeof(*name) ? name[d] : "none";
}
