/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

static const struct {
	const char *path, *stream_path;
	const char *before, *stream, *plain;	/* around the message's text */
} shapes[] = {
	[LOAD_OPENAI] = { "/v1/chat/completions", "/v1/chat/completions",
	    "{\"model\":\"gpt-mock\",\"messages\":[{\"role\":\"user\",\"content\":\"",
	    "\"}],\"stream\":true,\"stream_options\":{\"include_usage\":true}}", "\"}]}" },
	[LOAD_ANTHROPIC] = { "/v1/messages", "/v1/messages",
	    "{\"model\":\"claude-mock\",\"max_tokens\":1024,\"messages\":[{\"role\":\"user\",\"content\":\"",
	    "\"}],\"stream\":true}", "\"}]}" },
	[LOAD_GEMINI] = { "/v1beta/models/gemini-mock:generateContent",
	    "/v1beta/models/gemini-mock:streamGenerateContent?alt=sse",
	    "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"", "\"}]}]}", "\"}]}]}" },
	[LOAD_OLLAMA] = { "/api/chat", "/api/chat",
	    "{\"model\":\"llama-mock\",\"messages\":[{\"role\":\"user\",\"content\":\"", "\"}],\"stream\":true}",
	    "\"}],\"stream\":false}" },
};

void
load_body(struct buf *b, enum load_dialect d, bool stream, const char *text, size_t len)
{
	buf_adds(b, shapes[d].before);
	buf_add_json(b, text, len);
	buf_adds(b, stream ? shapes[d].stream : shapes[d].plain);
}

int
load_body_file(struct buf *b, const char *path)
{
	FILE *f = fopen(path, "rb");
	char chunk[65536];
	size_t n;

	if (f == NULL)
		return -errno;
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(b, chunk, n);
	fclose(f);
	return b->err;
}

static void
add_header(struct load_request *q, const char *fmt, const char *value)
{
	char line[4096];

	snprintf(line, sizeof(line), fmt, value);
	q->headers = curl_slist_append(q->headers, line);
}

static void
add_headers(struct load_request *q, const struct load_options *o, const char *directives)
{
	q->headers = curl_slist_append(NULL, "Content-Type: application/json");
	/* A large upload shall show the chain's own speed, not the wait for 100 Continue. */
	q->headers = curl_slist_append(q->headers, "Expect:");
	if (directives)
		add_header(q, "X-Mock: %s", directives);
	if (o->key) {
		add_header(q, "Authorization: Bearer %s", o->key);
		add_header(q, "x-api-key: %s", o->key);
		add_header(q, "x-goog-api-key: %s", o->key);
	}
	if (o->dialect == LOAD_ANTHROPIC)
		q->headers = curl_slist_append(q->headers, "anthropic-version: 2023-06-01");
	for (struct curl_slist *h = o->headers; h; h = h->next)
		q->headers = curl_slist_append(q->headers, h->data);
}

int
load_request_init(struct load_request *q, const struct load_options *o, const char *base, bool stream,
    const char *body, size_t len, const char *directives)
{
	const char *path = o->path ? o->path : stream ? shapes[o->dialect].stream_path : shapes[o->dialect].path;
	const char *ca = base == o->baseline && o->baseline_ca ? o->baseline_ca : o->ca_file;
	char url[2048];

	memset(q, 0, sizeof(*q));
	q->easy = curl_easy_init();
	if (q->easy == NULL)
		return -ENOMEM;
	snprintf(url, sizeof(url), "%s%s", base, path);
	add_headers(q, o, directives);
	curl_easy_setopt(q->easy, CURLOPT_URL, url);
	curl_easy_setopt(q->easy, CURLOPT_HTTPHEADER, q->headers);
	curl_easy_setopt(q->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(q->easy, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(q->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
	curl_easy_setopt(q->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(q->easy, CURLOPT_TIMEOUT, (long)o->timeout_s);
	curl_easy_setopt(q->easy, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(q->easy, CURLOPT_UPLOAD_BUFFERSIZE, 512L << 10);
	curl_easy_setopt(q->easy, CURLOPT_BUFFERSIZE, 256L << 10);
	curl_easy_setopt(q->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(q->easy, CURLOPT_HTTP_VERSION,
	    o->h2 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
	if (ca)
		curl_easy_setopt(q->easy, CURLOPT_CAINFO, ca);
	return 0;
}

void
load_request_free(struct load_request *q)
{
	if (q->easy)
		curl_easy_cleanup(q->easy);
	curl_slist_free_all(q->headers);
	memset(q, 0, sizeof(*q));
}

CURLM *
load_multi_new(const struct load_options *o)
{
	CURLM *m = curl_multi_init();

	if (m) {
		curl_multi_setopt(m, CURLMOPT_PIPELINING, o->h2 ? CURLPIPE_MULTIPLEX : CURLPIPE_NOTHING);
		curl_multi_setopt(m, CURLMOPT_MAXCONNECTS, (long)o->concurrency * 2 + 8);
		curl_multi_setopt(m, CURLMOPT_MAX_CONCURRENT_STREAMS, 100L);
	}
	return m;
}

int
load_wait(CURLM *m, double until_ms)
{
	double left = until_ms - load_now_ms();
	int running;

	if (curl_multi_perform(m, &running) != CURLM_OK)
		return -EIO;
	if (running == 0 || left <= 0)
		return 0;
	return curl_multi_poll(m, NULL, 0, left < 1000 ? (int)left + 1 : 1000, NULL) == CURLM_OK ? 0 : -EIO;
}
