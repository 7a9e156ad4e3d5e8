/* SPDX-License-Identifier: MIT */
#include "config.h"

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
	{"uploads", OP_FILES},
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

struct path {
	char	s[1024];
	size_t	n;
	bool	cut;	/* longer than any path we know */
};

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The path alone: no "scheme://authority", no query, no fragment. */
static void
path_cut(const char **p, size_t *n)
{
	const char *s = *p, *end = s + *n, *q;

	if (*n > 0 && *s != '/')
		for (q = s; q + 2 < end && *q != '/' && *q != '?'; q++)
			if (memcmp(q, "://", 3) == 0) {
				for (s = q + 3; s < end && *s != '/' && *s != '?' && *s != '#'; s++)
					;
				break;
			}
	for (q = s; q < end && *q != '?' && *q != '#'; q++)
		;
	*p = s;
	*n = (size_t)(q - s);
}

/* The segment that begins at <seg> is over: "." goes, ".." takes the one before it along. */
static void
path_end_segment(struct path *o, size_t seg)
{
	size_t k = o->n - seg;
	bool up = k == 2 && memcmp(o->s + seg, "..", 2) == 0;

	if (!up && !(k == 1 && o->s[seg] == '.'))
		return;
	o->n = seg > 0 ? seg - 1 : 0;
	while (up && o->n > 0 && o->s[--o->n] != '/')
		;
}

/*
 * The path as an origin will read it: percent-escapes decoded once, runs of '/' and dot segments folded
 * (RFC 3986, 5.2.4), '\' as '/', no trailing '/'.  No spelling must reach a provider under a name that
 * we did not recognise.
 */
static void
path_normalise(struct path *o, const char *p, size_t n)
{
	size_t seg = 0;

	o->n = 0;
	o->cut = false;
	for (size_t i = 0; i < n; i++) {
		char c = p[i];

		if (c == '%' && i + 2 < n && hex(p[i + 1]) >= 0 && hex(p[i + 2]) >= 0) {
			c = (char)(hex(p[i + 1]) << 4 | hex(p[i + 2]));
			i += 2;
		}
		if (c == '\\')
			c = '/';
		if (c == '/') {
			path_end_segment(o, seg);
			if (o->n > 0 && o->s[o->n - 1] == '/')
				o->n--;
		}
		if (o->n == sizeof(o->s)) {
			o->cut = true;
			return;
		}
		o->s[o->n++] = c;
		if (c == '/')
			seg = o->n;
	}
	path_end_segment(o, seg);
	while (o->n > 0 && o->s[o->n - 1] == '/')
		o->n--;
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
	const char *p = url;
	size_t n = url_len;
	struct path path;
	bool get = method != NULL && (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ||
	    strcmp(method, "DELETE") == 0 || strcmp(method, "OPTIONS") == 0);

	memset(r, 0, sizeof(*r));
	path_cut(&p, &n);
	path_normalise(&path, p, n);
	route_path(r, path.s, path.n, get);
	if (r->dialect == DIALECT_GEMINI && query_has_sse(url, url_len))
		r->stream = true;
	/* what was cut off may have been the verb; what is not read carries a prompt */
	if (r->dialect != DIALECT_NONE && (path.cut || (r->op == OP_MODELS && !get)))
		r->op = OP_UNKNOWN;
}

const char *
dialect_name(enum dialect d)
{
	static const char *const name[] = {"none", "openai", "anthropic", "gemini", "ollama"};

	return (size_t)d < sizeof(name) / sizeof(*name) ? name[d] : "none";
}
