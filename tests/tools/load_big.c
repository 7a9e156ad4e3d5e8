/* SPDX-License-Identifier: MIT */
/* Mode big: do large requests and answers arrive as they were sent? */
#include "config.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

struct transfer {
	struct load_request request;
	struct buf	 reply;
	char		 body_sha[65], text_sha[65];	/* as the provider saw and meant them; "" unknown */
	CURLcode	 code;
	long		 status;
	double		 ms;
};

static void
sha256(const void *p, size_t n, char hex[65])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	EVP_Digest(p, n, md, &len, EVP_sha256(), NULL);
	for (unsigned i = 0; i < len && i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", md[i]);
}

static size_t
on_bytes(char *p, size_t size, size_t n, void *cls)
{
	struct transfer *t = cls;

	return buf_add(&t->reply, p, size * n) < 0 ? 0 : size * n;
}

static size_t
on_header(char *p, size_t size, size_t n, void *cls)
{
	static const char body[] = "x-mock-body-sha256:", text[] = "x-mock-text-sha256:";
	struct transfer *t = cls;
	char line[256];

	snprintf(line, sizeof(line), "%.*s", (int)(size * n), p);
	if (strncasecmp(line, body, sizeof(body) - 1) == 0)
		sscanf(line + sizeof(body) - 1, "%64s", t->body_sha);
	else if (strncasecmp(line, text, sizeof(text) - 1) == 0)
		sscanf(line + sizeof(text) - 1, "%64s", t->text_sha);
	return size * n;
}

static int
run(struct transfer *t, const struct load_options *o, const char *base, CURLM *m, bool stream,
    const struct buf *body, const char *directives)
{
	double begun = load_now_ms();
	CURLMsg *msg = NULL;
	int queued, err;

	memset(t, 0, sizeof(*t));
	err = load_request_init(&t->request, o, base, stream, buf_ptr(body), buf_len(body), directives);
	if (err < 0)
		return err;
	curl_easy_setopt(t->request.easy, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(t->request.easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(t->request.easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(t->request.easy, CURLOPT_HEADERDATA, t);
	err = curl_multi_add_handle(m, t->request.easy) == CURLM_OK ? 0 : -EIO;
	while (err == 0 && msg == NULL) {
		err = load_wait(m, load_now_ms() + 1000);
		msg = curl_multi_info_read(m, &queued);
	}
	if (msg)
		t->code = msg->data.result;
	t->ms = load_now_ms() - begun;
	curl_easy_getinfo(t->request.easy, CURLINFO_RESPONSE_CODE, &t->status);
	curl_multi_remove_handle(m, t->request.easy);
	load_request_free(&t->request);
	return err;
}

/* The piece of answer text in one reply or event of any dialect; NULL: none. */
static json_t *
text_of(json_t *o)
{
	json_t *choice = json_array_get(json_object_get(o, "choices"), 0);
	json_t *candidate = json_array_get(json_object_get(o, "candidates"), 0);
	json_t *tries[] = {
		json_object_get(json_object_get(choice, "delta"), "content"),
		json_object_get(json_object_get(choice, "message"), "content"),
		json_object_get(json_object_get(o, "delta"), "text"),
		json_object_get(json_array_get(json_object_get(o, "content"), 0), "text"),
		json_object_get(json_array_get(json_object_get(json_object_get(candidate, "content"), "parts"), 0),
		    "text"),
		json_object_get(json_object_get(o, "message"), "content"),
	};

	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
		if (json_is_string(tries[i]))
			return tries[i];
	return NULL;
}

static void
add_text(struct buf *to, const char *json, size_t n)
{
	json_t *o = json_loadb(json, n, JSON_ALLOW_NUL, NULL), *text = text_of(o);

	if (text)
		buf_add(to, json_string_value(text), json_string_length(text));
	json_decref(o);
}

static void
collect_text(struct buf *to, const struct buf *reply)
{
	const char *p = buf_ptr(reply), *end = p + buf_len(reply), *line, *eol;

	if (memmem(p, buf_len(reply), "\n", 1) == NULL) {
		add_text(to, p, buf_len(reply));
		return;
	}
	for (line = p; line < end; line = eol + 1) {
		eol = memchr(line, '\n', (size_t)(end - line));
		if (eol == NULL)
			eol = end;
		if (eol - line > 6 && memcmp(line, "data: ", 6) == 0)
			add_text(to, line + 6, (size_t)(eol - line - 6));
		else if (eol > line && *line == '{')
			add_text(to, line, (size_t)(eol - line));
	}
}

static void
judge(const struct transfer *t, const struct load_options *o, const char *what, const char *sent_sha,
    struct load_result *r)
{
	struct buf text = { 0 };
	char sha[65] = "";

	collect_text(&text, &t->reply);
	sha256(buf_ptr(&text), buf_len(&text), sha);
	r->done++;
	load_sample(&r->latency, t->ms);
	if (t->code != CURLE_OK)
		load_error(r, "%s: %s after %zu bytes", what, curl_easy_strerror(t->code), buf_len(&t->reply));
	else if (t->status != (long)o->expect)
		load_error(r, "%s: status %ld: %.*s", what, t->status,
		    buf_len(&t->reply) > 120 ? 120 : (int)buf_len(&t->reply), buf_ptr(&t->reply));
	else if (strcmp(t->body_sha, sent_sha) != 0)
		load_error(r, "%s: the provider got another request (%s) than was sent (%s)", what, t->body_sha, sent_sha);
	else if (strcmp(t->text_sha, sha) != 0)
		load_error(r, "%s: another answer came (%zu bytes, %s) than was given (%s)", what, buf_len(&text), sha,
		    t->text_sha);
	else if (!o->json)
		printf("  %-24s %10zu bytes back in %8.1f ms, unharmed\n", what, buf_len(&t->reply), t->ms);
	buf_free(&text);
}

/* Prose with everything JSON escapes, and nothing that a detector of personal data could take for such. */
static void
big_text(struct buf *b, size_t size)
{
	static const char *const words[] = { "river", "Größe", "\"wood\"", "C:\\stone", "cloud\nmeadow", "日本", "🙂",
		"hill\tvalley", "meadow", "stone" };
	uint32_t x = 12345;

	while (buf_len(b) < size && b->err == 0) {
		x = x * 1664525u + 1013904223u;
		buf_adds(b, words[(x >> 16) % 10]);
		buf_addc(b, ' ');
	}
}

static int
one(const struct load_options *o, const char *base, CURLM *m, const char *what, bool up, bool down, bool stream,
    struct load_result *r)
{
	struct buf text = { 0 }, body = { 0 };
	struct transfer t;
	char sent[65] = "", directives[512];
	int err;

	if (up)
		big_text(&text, o->size);
	else
		buf_adds(&text, "A short question about rivers.");
	load_body(&body, o->dialect, stream, buf_ptr(&text), buf_len(&text));
	sha256(buf_ptr(&body), buf_len(&body), sent);
	snprintf(directives, sizeof(directives), "size=%zu,utf8=1,interval_ms=0%s%s", down ? o->size : 200,
	    o->directives ? "," : "", o->directives ? o->directives : "");
	err = body.err ? body.err : run(&t, o, base, m, stream, &body, directives);
	if (err == 0)
		judge(&t, o, what, sent, r);
	if (body.err == 0)
		buf_free(&t.reply);
	buf_free(&text);
	buf_free(&body);
	return err;
}

int
load_big(const struct load_options *o, const char *base, CURLM *m, struct load_result *r)
{
	static const struct {
		const char *what;
		bool up, down, stream;
	} cases[] = {
		{ "upload", true, false, false },
		{ "download", false, true, false },
		{ "download streamed", false, true, true },
		{ "both", true, true, false },
		{ "both, streamed", true, true, true },
	};
	double begun = load_now_ms();
	int err = 0;

	for (unsigned k = 0; k < o->n && err == 0; k++)
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]) && err == 0; i++)
			err = one(o, base, m, cases[i].what, cases[i].up, cases[i].down, cases[i].stream, r);
	r->elapsed_s += (load_now_ms() - begun) / 1e3;
	return err;
}
