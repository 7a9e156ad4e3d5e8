/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

#include "control/ctl_client.h"
#include "lib/buf.h"

#define BODY_MAX	((size_t)128 << 20)

int
ctl_token_read(struct ctl_target *t, const char *path)
{
	FILE *f = fopen(path, "re");
	int r = 0;

	if (f == NULL)
		return -errno;
	if (fgets(t->token, sizeof(t->token), f) == NULL)
		r = -EINVAL;
	fclose(f);
	t->token[strcspn(t->token, "\r\n")] = '\0';
	return r;
}

static size_t
body_take(char *p, size_t size, size_t n, void *arg)
{
	return buf_add(arg, p, size * n) == 0 ? size * n : 0;
}

/* A prepared handle; *headers belongs to the caller.  NULL: no memory. */
static CURL *
request_new(const struct ctl_target *t, const char *path, struct curl_slist **headers)
{
	CURL *c = curl_easy_init();
	char text[2560];

	*headers = NULL;
	if (c == NULL)
		return NULL;
	snprintf(text, sizeof(text), "%s%s", t->url, path);
	curl_easy_setopt(c, CURLOPT_URL, text);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, 3000L);
	curl_easy_setopt(c, CURLOPT_PROXY, "");	/* the token goes to llmsecd and nobody else */
	curl_easy_setopt(c, CURLOPT_USERAGENT, "llmsecctl/" PACKAGE_VERSION);
	if (t->token[0] != '\0') {
		snprintf(text, sizeof(text), "Authorization: Bearer %s", t->token);
		*headers = curl_slist_append(NULL, text);
		curl_easy_setopt(c, CURLOPT_HTTPHEADER, *headers);
	}
	return c;
}

static long
perform(CURL *c, CURLcode *rc)
{
	long status = -1;

	*rc = curl_easy_perform(c);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	return status > 0 ? status : -1;
}

/* <text> NULL: a GET. */
static long
ask(const struct ctl_target *t, const char *method, const char *path, const struct buf *text,
    struct buf *body)
{
	struct curl_slist *headers;
	CURL *c = request_new(t, path, &headers);
	CURLcode rc = CURLE_OUT_OF_MEMORY;
	long status = -1;

	body->max = BODY_MAX;
	if (c != NULL) {
		curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, 60000L);
		curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, body_take);
		curl_easy_setopt(c, CURLOPT_WRITEDATA, body);
		if (text != NULL) {
			headers = curl_slist_append(headers, "Content-Type: application/json");
			headers = curl_slist_append(headers, "Expect:");
			curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
			curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
			curl_easy_setopt(c, CURLOPT_POSTFIELDS, buf_ptr(text));
			curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)buf_len(text));
		}
		status = perform(c, &rc);
	}
	curl_slist_free_all(headers);
	curl_easy_cleanup(c);
	if (rc == CURLE_COULDNT_CONNECT)
		fprintf(stderr, "llmsecctl: nobody answers at %s; is llmsecd running?\n", t->url);
	else if (rc != CURLE_OK)
		fprintf(stderr, "llmsecctl: %s: %s\n", t->url, curl_easy_strerror(rc));
	if (rc != CURLE_OK)
		return -1;
	return status;
}

long
ctl_get(const struct ctl_target *t, const char *path, struct buf *body)
{
	return ask(t, NULL, path, NULL, body);
}

long
ctl_send(const struct ctl_target *t, const char *method, const char *path, const struct buf *text,
    struct buf *body)
{
	return ask(t, method, path, text, body);
}

struct stream {
	struct buf	 in;
	char		 id[32];
	int		(*event)(void *, const char *, const char *);
	void		*arg;
};

/* One line of the stream; data always fits one line here, so that is the event. */
static int
stream_line(struct stream *s, char *line)
{
	if (strncmp(line, "id: ", 4) == 0)
		snprintf(s->id, sizeof(s->id), "%s", line + 4);
	else if (strncmp(line, "data: ", 6) == 0)
		return s->event(s->arg, s->id, line + 6);
	return 0;
}

static size_t
stream_take(char *p, size_t size, size_t n, void *arg)
{
	struct stream *s = arg;
	char *start, *nl;

	if (buf_add(&s->in, p, size * n) < 0)
		return 0;
	while ((nl = memchr(buf_ptr(&s->in), '\n', buf_len(&s->in))) != NULL) {
		start = s->in.data + s->in.rd;
		*nl = '\0';
		if (stream_line(s, start) != 0)
			return 0;
		buf_consume(&s->in, (size_t)(nl + 1 - start));
	}
	return size * n;
}

long
ctl_follow(const struct ctl_target *t, const char *path,
    int (*event)(void *, const char *, const char *), void *arg)
{
	struct stream s = { .in = { .max = 1 << 20 }, .event = event, .arg = arg };
	struct curl_slist *headers;
	CURL *c = request_new(t, path, &headers);
	CURLcode rc;
	long status = -1;

	if (c != NULL) {
		/* llmsecd speaks at least every 15 seconds. */
		curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
		curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, 40L);
		curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, stream_take);
		curl_easy_setopt(c, CURLOPT_WRITEDATA, &s);
		status = perform(c, &rc);
	}
	curl_slist_free_all(headers);
	curl_easy_cleanup(c);
	buf_free(&s.in);
	return status;
}
