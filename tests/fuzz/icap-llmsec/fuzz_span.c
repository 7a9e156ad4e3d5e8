/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as the body of any operation (the first byte says which): spans lie in order inside the body, each is one
 * JSON string, or a number, that reads as its text, and putting the same texts back changes nothing but how they are written.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/span.h"
#include "lib/json.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x) do { if (!(x)) abort(); } while (0)

static const char *const urls[] = {
	"/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/embeddings", "/v1/moderations", "/v1/messages",
	"/v1beta/models/g:generateContent", "/v1beta/models/g:countTokens", "/v1beta/models/g:embedContent",
	"/v1beta/models/g:batchEmbedContents", "/api/chat", "/api/generate", "/api/embed",
};

static size_t
len_of(const struct span *s)
{
	return s->media != NULL ? s->media->len : s->len;
}

static int
same_text(void *arg, const struct json_value *v)
{
	const struct span *s = arg;

	const char *text = s->media != NULL ? s->media->value : s->text;
	bool number = v->type == JSON_NUMBER;
	size_t n = number ? v->raw_len : v->text_len;

	MUST((number || v->type == JSON_STRING) && v->depth == 0 && n == len_of(s) && memcmp(number ? v->raw : v->text, text, n) == 0);
	return 0;
}

static void
check(const char *body, size_t n, const struct spans *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct span *x = &s->v[i];

		MUST(x->start < x->end && x->end <= n && (i == 0 || x->start >= s->v[i - 1].end) && x->path != NULL);
		MUST(json_scan_all(body + x->start, x->end - x->start, 0, NULL, same_text, &s->v[i], NULL, NULL) == 0);
		MUST(x->msg < (int)s->n_messages);
	}
}

static void
put_back(const struct llm_route *r, const char *body, size_t n, const struct spans *s, struct arena *a)
{
	struct edit *e = arena_alloc(a, (s->n + 1) * sizeof(*e));
	struct buf out = { 0 };
	struct spans t;

	MUST(e != NULL);
	for (size_t i = 0; i < s->n; i++)
		e[i] = (struct edit){ s->v[i].start, s->v[i].end, s->v[i].media != NULL ? s->v[i].media->value : s->v[i].text, len_of(&s->v[i]) };
	MUST(span_splice(&out, body, n, e, s->n) == 0);
	MUST(span_extract(r, buf_ptr(&out), buf_len(&out), 0, a, &t) == 0 && t.n == s->n);
	for (size_t i = 0; i < s->n; i++)
		MUST(t.v[i].role == s->v[i].role && t.v[i].prov == s->v[i].prov && strcmp(t.v[i].path, s->v[i].path) == 0 &&
		    t.v[i].len == s->v[i].len && memcmp(t.v[i].text, s->v[i].text, s->v[i].len) == 0);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const char *url, *body = (const char *)p + 1;
	struct arena *a;
	struct llm_route r;
	struct spans s;

	if (n < 1 || n > 65536)
		return 0;
	url = urls[(p[0] & 31) % (sizeof(urls) / sizeof(urls[0]))];
	dialect_route("POST", url, strlen(url), &r);
	dialect_route("POST", body, n - 1 < 200 ? n - 1 : 200, &(struct llm_route){ 0 });
	a = arena_new(0);
	MUST(a != NULL);
	if (span_extract(&r, body, n - 1, 0, a, &s) == 0) {
		check(body, n - 1, &s);
		put_back(&r, body, n - 1, &s, a);
	}
	arena_free(&a);
	return 0;
}
