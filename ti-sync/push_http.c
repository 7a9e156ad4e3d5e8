/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "ti-sync/push_http.h"

#define ANSWER_MAX	((size_t)1 << 20)
#define TOKEN_MAX	4000
#define FREELY		100		/* removals before they are paced ... */
#define PACE_MS		25		/* ... to 40 a second; llmsecd takes 50 of one token */

struct ti_push_http {
	const struct ti_conf		*c;
	const struct ti_conf_push	*node;
	CURL				*easy;
	struct curl_slist		*headers;
	struct buf			 answer;
	char				 why[200];		/* of a request without an answer */
	size_t				 removals;
};

static void
sleep_ms(int64_t ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

/* ---- setting up ---------------------------------------------------------------------------------- */

static struct curl_slist *
headers_make(const char *token_file, char why[200])
{
	char line[TOKEN_MAX + 64] = "Authorization: Bearer ";
	size_t n = strlen(line);
	FILE *f = fopen(token_file, "re");
	struct curl_slist *l = NULL;

	if (f == NULL || fgets(line + n, TOKEN_MAX, f) == NULL) {
		snprintf(why, 200, "token_file %.120s: %s", token_file, f == NULL ? strerror(errno) : "empty");
	} else {
		line[strcspn(line, "\r\n")] = '\0';
		l = curl_slist_append(NULL, line);
		explicit_bzero(line, sizeof(line));
	}
	if (f != NULL)
		fclose(f);
	if (l != NULL) {
		struct curl_slist *more = curl_slist_append(l, "Content-Type: text/plain");

		if (more != NULL)	/* and don't wait for 100 Continue */
			more = curl_slist_append(more, "Expect:");
		l = more != NULL ? more : l;
	}
	return l;
}

static size_t
on_answer(char *p, size_t size, size_t n, void *arg)
{
	struct ti_push_http *h = arg;

	return buf_add(&h->answer, p, size * n) == 0 ? n : 0;
}

static void
options_set(struct ti_push_http *h)
{
	CURL *e = h->easy;

	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_USERAGENT, h->c->fetch.user_agent);
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	/* The token is for the host that is configured. */
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, h->node->allow_http ? "https,http" : "https");
#else
	curl_easy_setopt(e, CURLOPT_PROTOCOLS, h->node->allow_http ? CURLPROTO_HTTPS | CURLPROTO_HTTP : CURLPROTO_HTTPS);
#endif
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (*h->node->ca_file != '\0')
		curl_easy_setopt(e, CURLOPT_CAINFO, h->node->ca_file);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)h->c->fetch.connect_timeout);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)h->c->fetch.timeout);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, h->headers);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_answer);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, h);
}

struct ti_push_http *
ti_push_http_new(const struct ti_conf *c, const struct ti_conf_push *node, char why[200])
{
	struct ti_push_http *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->c = c;
	h->node = node;
	h->answer.max = ANSWER_MAX;
	h->headers = headers_make(node->token_file, why);
	h->easy = h->headers != NULL ? curl_easy_init() : NULL;
	if (h->easy == NULL)
		ti_push_http_free(&h);
	else
		options_set(h);
	return h;
}

void
ti_push_http_free(struct ti_push_http **hp)
{
	struct ti_push_http *h = *hp;

	*hp = NULL;
	if (h == NULL)
		return;
	curl_easy_cleanup(h->easy);
	curl_slist_free_all(h->headers);
	buf_free(&h->answer);
	free(h);
}

/* ---- one request --------------------------------------------------------------------------------- */

struct said {				/* what an answer of llmsecd holds */
	long long	 added, duplicate, invalid, removed, missing;
	char		 message[100], example[80];
};

static int
said_value(void *arg, const struct json_value *v)
{
	struct said *s = arg;

	if (v->type == JSON_NUMBER && v->depth == 1) {
		long long n = strtoll(v->raw, NULL, 10);

		if (json_path_is(v, "added"))
			s->added = n;
		else if (json_path_is(v, "duplicate"))
			s->duplicate = n;
		else if (json_path_is(v, "invalid"))
			s->invalid = n;
		else if (json_path_is(v, "missing"))
			s->missing = n;
		else if (json_path_is(v, "removed"))
			s->removed = n;
	} else if (v->type == JSON_STRING && json_path_is(v, "error.message")) {
		snprintf(s->message, sizeof(s->message), "%.*s", (int)(v->text_len < 99 ? v->text_len : 99), v->text);
	} else if (v->type == JSON_STRING && s->example[0] == '\0' && json_path_is(v, "examples.[].text")) {
		snprintf(s->example, sizeof(s->example), "%.*s", (int)(v->text_len < 79 ? v->text_len : 79), v->text);
	}
	return 0;
}

static bool
said_read(const struct ti_push_http *h, struct said *s)
{
	memset(s, 0, sizeof(*s));
	return json_scan_all(buf_ptr(&h->answer), buf_len(&h->answer), 0, NULL, said_value, s, NULL, NULL) == 0;
}

/* Doubled each time, between a half and the whole of it. */
static int64_t
backoff(const struct ti_push_http *h, int tries)
{
	int64_t base = h->c->fetch.backoff << (tries < 8 ? tries - 1 : 7);
	curl_off_t after = 0;
	uint32_t r = 0;

	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) < 0)
		r = (uint32_t)tries;
	base = base / 2 + (int64_t)((uint64_t)(base / 2) * r >> 32);
	curl_easy_getinfo(h->easy, CURLINFO_RETRY_AFTER, &after);
	return after > 0 && after < 60 && after * 1000 > base ? (int64_t)after * 1000 : base;
}

/* The status of HTTP, 0: none came.  May it go better in a moment, it is asked again. */
static long
perform(struct ti_push_http *h)
{
	char error[CURL_ERROR_SIZE];
	long code = 0;

	curl_easy_setopt(h->easy, CURLOPT_ERRORBUFFER, error);
	for (int tries = 1; ; tries++) {
		CURLcode r;

		error[0] = '\0';
		buf_clear(&h->answer);
		h->answer.err = 0;
		r = curl_easy_perform(h->easy);
		code = 0;
		if (r == CURLE_OK)
			curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &code);
		else
			snprintf(h->why, sizeof(h->why), "%.190s", error[0] != '\0' ? error : curl_easy_strerror(r));
		if ((code != 0 && code != 408 && code != 429 && code < 500) || tries > h->c->fetch.retries)
			break;
		sleep_ms(backoff(h, tries));
	}
	curl_easy_setopt(h->easy, CURLOPT_ERRORBUFFER, NULL);
	return code;
}

static enum ti_pushed
verdict(const struct ti_push_http *h, long code, char why[200])
{
	struct said s;

	if (code == 0) {
		snprintf(why, 200, "%s", h->why);
		return TI_PUSH_UNREACHABLE;
	}
	said_read(h, &s);
	snprintf(why, 200, "HTTP status %ld%s%s", code, s.message[0] != '\0' ? ": " : "", s.message);
	return code >= 500 || code == 429 || code == 408 ? TI_PUSH_UNREACHABLE : TI_PUSH_REFUSED;
}

/* PAGE/import with a list; the status. */
static long
list_request(struct ti_push_http *h, const char *method, const char *page, const char *list, size_t len)
{
	char url[1200];

	snprintf(url, sizeof(url), "%s%s/import", h->node->url, page);
	curl_easy_setopt(h->easy, CURLOPT_URL, url);
	curl_easy_setopt(h->easy, CURLOPT_POSTFIELDS, list);
	curl_easy_setopt(h->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
	curl_easy_setopt(h->easy, CURLOPT_CUSTOMREQUEST, method);
	return perform(h);
}

static enum ti_pushed
no_answer(struct ti_push_report *r)
{
	snprintf(r->why, sizeof(r->why), "an answer that isn't llmsecd's");
	return TI_PUSH_REFUSED;
}

enum ti_pushed
ti_push_http_add(struct ti_push_http *h, const char *page, const char *list, size_t len, struct ti_push_report *r)
{
	long code = list_request(h, "POST", page, list, len);
	struct said s;

	if (code != 200)
		return verdict(h, code, r->why);
	if (!said_read(h, &s))
		return no_answer(r);
	r->added += (size_t)s.added;
	r->duplicate += (size_t)s.duplicate;
	r->invalid += (size_t)s.invalid;
	if (s.invalid > 0 && r->why[0] == '\0')
		snprintf(r->why, sizeof(r->why), "it takes no \"%s\"", s.example);
	return TI_PUSH_DONE;
}

enum ti_pushed
ti_push_http_remove_list(struct ti_push_http *h, const char *page, const char *list, size_t len,
    struct ti_push_report *r, bool *unknown)
{
	long code = list_request(h, "DELETE", page, list, len);
	struct said s;

	*unknown = code == 404 || code == 405 || code == 501;
	if (code != 200)
		return verdict(h, code, r->why);
	if (!said_read(h, &s))
		return no_answer(r);
	/* A body on DELETE means nothing to HTTP (RFC 9110 9.3.5): somebody on the way left the list out. */
	if (s.removed + s.missing + s.invalid == 0) {
		*unknown = true;
		return no_answer(r);
	}
	/* What it calls no name, it can't have. */
	r->removed += (size_t)s.removed;
	return TI_PUSH_DONE;
}

enum ti_pushed
ti_push_http_remove(struct ti_push_http *h, const char *page, const char *field, const char *value,
    struct ti_push_report *r)
{
	char *escaped = curl_easy_escape(h->easy, value, 0), url[2200];
	long code;

	if (escaped == NULL)
		return TI_PUSH_FAILED;
	snprintf(url, sizeof(url), "%s%s?%s=%s", h->node->url, page, field, escaped);
	curl_free(escaped);
	if (h->removals++ >= FREELY)
		sleep_ms(PACE_MS);
	curl_easy_setopt(h->easy, CURLOPT_URL, url);
	curl_easy_setopt(h->easy, CURLOPT_HTTPGET, 1L);
	curl_easy_setopt(h->easy, CURLOPT_CUSTOMREQUEST, "DELETE");
	code = perform(h);
	/* What it calls no name (400), it can't have. */
	if (code != 200 && code != 404 && code != 400)
		return verdict(h, code, r->why);
	r->removed += code == 200;
	return TI_PUSH_DONE;
}
