/* SPDX-License-Identifier: MIT */
/* Mode req: how many small requests a second, and how long does each take? */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

#define NUMBER		"@NUMBER@"	/* in a body: eight digits, others in each request, so that no answer or verdict is remembered */

struct worker {
	struct load_request request;
	struct buf	 reply;
	char		*body, *number;		/* of its own, where it holds NUMBER; else NULL */
	double		 begun;
};

static unsigned requests;

static size_t
on_bytes(char *p, size_t size, size_t n, void *cls)
{
	struct worker *w = cls;

	return buf_add(&w->reply, p, size * n) < 0 ? 0 : size * n;
}

static int
begin(struct worker *w, CURLM *m)
{
	char digits[16];

	buf_clear(&w->reply);
	if (w->number != NULL) {
		snprintf(digits, sizeof(digits), "%08u", ++requests % 100000000u);
		memcpy(w->number, digits, 8);
	}
	w->begun = load_now_ms();
	return curl_multi_add_handle(m, w->request.easy) == CURLM_OK ? 0 : -EIO;
}

static void
finish(struct worker *w, const struct load_options *o, CURLcode code, struct load_result *r)
{
	long status = 0;

	curl_easy_getinfo(w->request.easy, CURLINFO_RESPONSE_CODE, &status);
	load_sample(&r->latency, load_now_ms() - w->begun);
	r->done++;
	if (code != CURLE_OK)
		load_error(r, "%s", curl_easy_strerror(code));
	else if (status != (long)o->expect)
		load_error(r, "status %ld: %.*s", status, (int)buf_len(&w->reply), buf_ptr(&w->reply));
}

/* Note what finished; start it again while <more>.  *active: those under way. */
static int
turn(const struct load_options *o, CURLM *m, bool more, unsigned *active, struct load_result *r)
{
	struct worker *w;
	CURLMsg *msg;
	CURLcode code;
	int queued, err = 0;

	while (err == 0 && (msg = curl_multi_info_read(m, &queued)) != NULL) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		code = msg->data.result;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&w);
		finish(w, o, code, r);
		curl_multi_remove_handle(m, w->request.easy);
		if (more)
			err = begin(w, m);
		else
			(*active)--;
	}
	return err;
}

static int
prepare(struct worker *w, const struct load_options *o, const char *base, const struct buf *body)
{
	char *at = memmem(buf_ptr(body), buf_len(body), NUMBER, sizeof(NUMBER) - 1);
	int err;

	if (at != NULL) {
		if ((w->body = malloc(buf_len(body))) == NULL)
			return -ENOMEM;
		memcpy(w->body, buf_ptr(body), buf_len(body));
		w->number = w->body + (at - buf_ptr(body));
	}
	err = load_request_init(&w->request, o, base, false, w->body != NULL ? w->body : buf_ptr(body), buf_len(body), o->directives);

	if (err < 0)
		return err;
	curl_easy_setopt(w->request.easy, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(w->request.easy, CURLOPT_WRITEDATA, w);
	curl_easy_setopt(w->request.easy, CURLOPT_PRIVATE, w);
	return 0;
}

int
load_req(const struct load_options *o, const char *base, CURLM *m, double seconds, struct load_result *r)
{
	struct worker *workers = calloc(o->concurrency, sizeof(*workers));
	static const char text[] = "What is the boiling point of water at sea level?";
	struct buf body = { 0 };
	double start = load_now_ms(), end = start + seconds * 1e3;
	unsigned active = 0;
	int err = workers ? 0 : -ENOMEM;

	if (o->body_file && err == 0)
		err = load_body_file(&body, o->body_file);
	else
		load_body(&body, o->dialect, false, text, sizeof(text) - 1);
	for (unsigned i = 0; err == 0 && i < o->concurrency; i++) {
		err = prepare(&workers[i], o, base, &body);
		if (err == 0 && (err = begin(&workers[i], m)) == 0)
			active++;
	}
	while (err == 0 && active > 0) {
		err = load_wait(m, load_now_ms() + 1000);
		if (err == 0)
			err = turn(o, m, load_now_ms() < end, &active, r);
	}
	for (unsigned i = 0; workers && i < o->concurrency; i++) {
		if (err && workers[i].request.easy)
			curl_multi_remove_handle(m, workers[i].request.easy);
		load_request_free(&workers[i].request);
		buf_free(&workers[i].reply);
		free(workers[i].body);
	}
	free(workers);
	buf_free(&body);
	r->elapsed_s += (load_now_ms() - start) / 1e3;
	return err;
}
