/* SPDX-License-Identifier: MIT */
/* Mode stream: when does each event arrive, and is none missing? */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

struct stream {
	struct load_request request;
	const struct load_options *opt;
	struct load_result *result;
	struct buf	 pending;	/* bytes of an event that is not complete */
	double		 begun, last;	/* last: arrival of the event before; 0: none */
	long		 next;		/* x_n that should come */
	long		 of;		/* x_of; -1: not seen */
	bool		 failed_event;	/* the stream said "error" */
	bool		 active;
};

/* The integer after the last <key> in the event; -1: none. */
static long long
last_number(const char *p, size_t n, const char *key)
{
	size_t k = strlen(key);
	const char *hit = NULL, *at = p;

	while ((at = memmem(at, n - (size_t)(at - p), key, k)) != NULL) {
		hit = at;
		at += k;
	}
	return hit ? strtoll(hit + k, NULL, 10) : -1;
}

static void
count_event(struct stream *s, double now)
{
	struct load_result *r = s->result;
	double gap = now - s->last;

	r->events++;
	if (s->last == 0) {
		load_sample(&r->ttfe, now - s->begun);
		gap = now - s->begun;
	} else
		load_sample(&r->gap, gap);
	if (s->opt->stall_ms > 0 && gap > s->opt->stall_ms)
		r->stalls++;
	s->last = now;
}

static void
check_order(struct stream *s, long n)
{
	if (n > s->next)
		s->result->lost += (unsigned long)(n - s->next);
	else if (n == s->next - 1)
		s->result->duplicated++;
	else if (n < s->next)
		s->result->reordered++;
	if (n >= s->next)
		s->next = n + 1;
}

static void
one_event(struct stream *s, const char *p, size_t n, double now)
{
	long long x_n = last_number(p, n, "\"x_n\":"), x_t = last_number(p, n, "\"x_t\":");

	if (x_n < 0) {
		if (memmem(p, n, "\"error\"", 7) != NULL)
			s->failed_event = true;
		return;
	}
	s->of = (long)last_number(p, n, "\"x_of\":");
	count_event(s, now);
	if (x_t >= 0)
		load_sample(&s->result->lag, now - (double)x_t / 1e3);
	check_order(s, (long)x_n);
}

/*
 * SSE and NDJSON alike: an event's JSON is one line, so a line is an event and others have no x_n.
 * A last line without its end is kept for the end of the stream.
 */
static size_t
on_bytes(char *p, size_t size, size_t n, void *cls)
{
	struct stream *s = cls;
	double now = load_now_ms();
	const char *line, *end;

	buf_add(&s->pending, p, n * size);
	line = buf_ptr(&s->pending);
	while ((end = memchr(line, '\n', buf_len(&s->pending))) != NULL) {
		one_event(s, line, (size_t)(end - line), now);
		buf_consume(&s->pending, (size_t)(end + 1 - line));
		line = buf_ptr(&s->pending);
	}
	return s->pending.err ? 0 : n * size;
}

static int
begin(struct stream *s, const char *base, CURLM *m, const struct buf *body, const char *directives)
{
	int err;

	buf_clear(&s->pending);
	s->last = 0;
	s->next = 0;
	s->of = -1;
	s->failed_event = false;
	err = load_request_init(&s->request, s->opt, base, true, buf_ptr(body), buf_len(body), directives);
	if (err < 0)
		return err;
	curl_easy_setopt(s->request.easy, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(s->request.easy, CURLOPT_WRITEDATA, s);
	curl_easy_setopt(s->request.easy, CURLOPT_PRIVATE, s);
	s->begun = load_now_ms();
	s->active = true;
	return curl_multi_add_handle(m, s->request.easy) == CURLM_OK ? 0 : -EIO;
}

static void
finish(struct stream *s, CURLM *m, CURLcode code)
{
	long status = 0;

	curl_easy_getinfo(s->request.easy, CURLINFO_RESPONSE_CODE, &status);
	if (code != CURLE_OK)
		load_error(s->result, "%s", curl_easy_strerror(code));
	else if (status != (long)s->opt->expect)
		load_error(s->result, "status %ld: %.*s", status, (int)buf_len(&s->pending), buf_ptr(&s->pending));
	else if (s->failed_event)
		load_error(s->result, "an error event in the stream");
	else if (s->of < 0)
		load_error(s->result, "no event at all");
	else if (s->next < s->of)
		s->result->lost += (unsigned long)(s->of - s->next);
	s->result->done++;
	curl_multi_remove_handle(m, s->request.easy);
	load_request_free(&s->request);
	s->active = false;
}

static int
turn(struct stream *slots, unsigned c, const char *base, CURLM *m, const struct buf *body, const char *directives,
    unsigned *left)
{
	struct stream *s;
	CURLMsg *msg;
	int queued, err = 0;

	while ((msg = curl_multi_info_read(m, &queued)) != NULL) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&s);
		finish(s, m, msg->data.result);
	}
	for (unsigned i = 0; i < c && err == 0 && *left > 0; i++) {
		if (slots[i].active)
			continue;
		(*left)--;
		err = begin(&slots[i], base, m, body, directives);
	}
	return err;
}

static bool
any_active(const struct stream *slots, unsigned c)
{
	for (unsigned i = 0; i < c; i++)
		if (slots[i].active)
			return true;
	return false;
}

int
load_stream(const struct load_options *o, const char *base, CURLM *m, unsigned n, struct load_result *r)
{
	struct stream *slots = calloc(o->concurrency, sizeof(*slots));
	static const char text[] = "Tell me about the sea, please.";
	struct buf body = { 0 };
	char directives[512];
	double begun = load_now_ms();
	int err = slots ? 0 : -ENOMEM;

	if (o->body_file && err == 0)
		err = load_body_file(&body, o->body_file);
	else
		load_body(&body, o->dialect, true, text, sizeof(text) - 1);
	snprintf(directives, sizeof(directives), "tokens=%u,interval_ms=%u%s%s", o->tokens, o->interval_ms,
	    o->directives ? "," : "", o->directives ? o->directives : "");
	for (unsigned i = 0; slots && i < o->concurrency; i++) {
		slots[i].opt = o;
		slots[i].result = r;
	}
	while (err == 0) {
		err = turn(slots, o->concurrency, base, m, &body, directives, &n);
		if (err || (n == 0 && !any_active(slots, o->concurrency)))
			break;
		err = load_wait(m, load_now_ms() + 1000);
	}
	for (unsigned i = 0; slots && i < o->concurrency; i++) {
		if (slots[i].active)
			curl_multi_remove_handle(m, slots[i].request.easy);
		load_request_free(&slots[i].request);
		buf_free(&slots[i].pending);
	}
	free(slots);
	buf_free(&body);
	r->elapsed_s += (load_now_ms() - begun) / 1e3;
	return err;
}
