/* SPDX-License-Identifier: MIT */
/*
 * Profile egress: what passes the forward proxy.  The URL of the service ends in "?profile=egress" (c-icap's alias
 * llmsec-egress).  Bytes are held until the engine knows what they are.  Squid 5 stops reading an answer when 64 KB of it wait
 * for a service that sends nothing (decisions/0002).  So an answer that must be whole gets its headers sent at HOLD_MAX, and
 * one byte of its body for every DRIP that come; if it may not pass, the connection ends there: no reader takes that for a whole answer.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "icap-llmsec/icap_tr.h"

#define HOLD_MAX	(56 * 1024)
#define DRIP		8192
#define KEEP		1024	/* of a stream stays here until its end was judged */

static const char *
event_name(const struct content_verdict *v)
{
	return strncmp(v->rule_id, "LLMSEC-SECRET", 13) == 0 ? "egress.secret" : strncmp(v->rule_id, "LLMSEC-PTH", 10) == 0 ? "egress.package" :
	    "egress.content";
}

static const char *
code_of(const struct content_verdict *v)
{
	return strncmp(v->rule_id, "LLMSEC-SECRET", 13) == 0 ? "secret_leaves" : strncmp(v->rule_id, "LLMSEC-PTH", 10) == 0 ? "package_runs_code" :
	    "content_not_allowed";
}

static void
tell(struct tr *t, const char *action, int severity)
{
	const struct content_verdict *v = content_verdict(t->content);
	struct refusal r = {.status = v->status, .code = code_of(v), .rule_ids = &v->rule_id, .n_rule_ids = 1};

	tr_event(t, event_name(v), action, severity, -1, NULL, &r);
}

/* Nothing more goes out: an answer of ours, or, if some bytes are gone already, the end of the connection. */
static void
refuse(struct tr *t)
{
	const struct content_verdict *v = content_verdict(t->content);
	char text[160];
	struct refusal r = {.status = v->status, .code = code_of(v), .message = text, .request_id = t->request_id,
	    .rule_ids = &v->rule_id, .n_rule_ids = 1};

	snprintf(text, sizeof(text), "%s: %s (%s)", t->req->type == ICAP_REQMOD ? "The request was refused" : "The answer was refused", v->why,
	    v->type[0] != '\0' ? v->type : v->where);
	tr_count(CTR_CONTENT_BLOCK);
	tell(t, "block", 6);
	t->collected = true;
	if (t->unlocked) {
		t->broken = true;
		buf_clear(&t->in);
		buf_clear(&t->out);
		return;
	}
	tr_refuse(t, &r);
}

static void
unlock(struct tr *t)
{
	if (!t->unlocked)
		ci_req_unlock_data(t->req);
	t->unlocked = true;
}

/* What was held goes out, and what follows after it. */
static void
let_go(struct tr *t)
{
	buf_add(&t->out, buf_ptr(&t->in), buf_len(&t->in));
	buf_clear(&t->in);
	unlock(t);
}

/* Host and query of an absolute URL, or of Host: and a path. */
static void
find_host(struct tr *t)
{
	const char *p = strstr(t->url, "://"), *h = NULL;
	size_t n;

	if (p != NULL && p < t->url + 10)
		h = p + 3;
	else
		h = ci_http_request_get_header(t->req, "Host");
	if (h == NULL)
		return;
	n = *h == '[' ? strcspn(h, "]") + 1 : strcspn(h, ":/?#");
	if (n > 0 && n < sizeof(t->host)) {
		memcpy(t->host, h, n);
		t->host[n] = '\0';
	}
}

/* A header of a request: its name in <name>, cut where it has no room; its value, NULL: it is none. */
static const char *
split_header(const char *line, char *name, size_t cap)
{
	const char *colon = strchr(line, ':');
	size_t n = colon != NULL ? (size_t)(colon - line) : 0;

	if (colon == NULL)
		return NULL;
	while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t'))
		n--;
	n = n < cap ? n : cap - 1;
	memcpy(name, line, n);
	name[n] = '\0';
	return colon + 1 + strspn(colon + 1, " \t");
}

static void
see_headers(struct tr *t, const char *url)
{
	ci_headers_list_t *h = ci_http_request_headers(t->req);
	const char *path = strstr(url, "://"), *v;
	char name[256];

	path = path != NULL ? path + 3 + strcspn(path + 3, "/?") : url;
	content_header(t->content, "url", path, strlen(path));
	for (int i = 1; h != NULL && i < h->used; i++)
		if ((v = split_header(h->headers[i], name, sizeof(name))) != NULL)
			content_header(t->content, name, v, strlen(v));
}

static enum content_part
part_of(struct tr *t, const char *url)
{
	ci_headers_list_t *h = ci_http_request_headers(t->req);
	enum content_part most = content_part_of_url(url), one;
	char name[64];
	const char *v;

	for (int i = 1; h != NULL && i < h->used; i++)
		if ((v = split_header(h->headers[i], name, sizeof(name))) != NULL && (one = content_part_of_header(name, v)) > most)
			most = one;
	return most;
}

/* The first header of that name is what we go by; another reader may take the last. */
static bool
says_two_things(ci_headers_list_t *h, const char *name)
{
	size_t n = strlen(name);
	const char *first = NULL, *v;

	for (int i = 1; h != NULL && i < h->used; i++) {
		if (strncasecmp(h->headers[i], name, n) != 0 || h->headers[i][n + strspn(h->headers[i] + n, " \t")] != ':')
			continue;
		v = strchr(h->headers[i], ':') + 1;
		v += strspn(v, " \t");
		if (first != NULL && strcmp(first, v) != 0)
			return true;
		first = v;
	}
	return false;
}

/* All of it: t->url is cut. */
static const char *
target_of(struct tr *t)
{
	const char *line = ci_http_request(t->req), *sp = line != NULL ? strchr(line, ' ') : NULL, *url;

	url = sp != NULL ? arena_strndup(t->arena, sp + 1, strcspn(sp + 1, " ")) : NULL;
	return url != NULL ? url : t->url;
}

static void
describe(struct tr *t, struct content_in *in)
{
	bool up = t->req->type == ICAP_REQMOD;
	const char *(*get)(ci_request_t *, const char *) = up ? ci_http_request_get_header : ci_http_response_get_header;
	const char *cl = get(t->req, "Content-Length");

	*in = (struct content_in){.upload = up, .host = t->host, .url = target_of(t), .content_type = get(t->req, "Content-Type"),
	    .content_encoding = tr_coding(up ? ci_http_request_headers(t->req) : ci_http_response_headers(t->req)), .disposition = get(t->req, "Content-Disposition"),
	    .length = cl != NULL ? strtoll(cl, NULL, 10) : -1};
	/* Only what was asked for is a range: to who didn't ask, it's the file. */
	in->partial = !up && tr_status(t->req) == 206 && ci_http_request_get_header(t->req, "Range") != NULL;
	if (up && ci_req_hasbody(t->req))
		in->doubt = says_two_things(ci_http_request_headers(t->req), "Content-Type") ? "two headers contradict each other" : NULL;
	if (up && ci_req_hasbody(t->req))
		in->part = part_of(t, in->url);
	/* The headers' memory is c-icap's and may move; ours stays. */
	in->content_type = in->content_type ? arena_strndup(t->arena, in->content_type, strlen(in->content_type)) : NULL;
	in->content_encoding = in->content_encoding ? arena_strndup(t->arena, in->content_encoding, strlen(in->content_encoding)) : NULL;
	in->disposition = in->disposition ? arena_strndup(t->arena, in->disposition, strlen(in->disposition)) : NULL;
	t->keep = !up && in->content_type != NULL && (strncasecmp(in->content_type, "text/event-stream", 17) == 0 ||
	    strncasecmp(in->content_type, "application/x-ndjson", 20) == 0) ? 0 : KEEP;
}

int
egress_headers(struct tr *t)
{
	struct content_in in;
	struct refusal r = {.status = 503, .code = "inspection_failed", .request_id = t->request_id, .message = "Out of memory."};

	find_host(t);
	describe(t, &in);
	if (content_new(&t->content, &t->pol->content, &in, t->arena) < 0) {
		tr_count(CTR_CONTENT_ERROR);
		tr_refuse(t, &r);
		return CI_MOD_CONTINUE;
	}
	t->in.max = (size_t)t->pol->content.max_whole + (1 << 20);
	t->state = TR_CONTENT;
	if (in.upload)
		see_headers(t, in.url);
	if (content_step(t->content) == CONTENT_REFUSED) {
		refuse(t);
		return CI_MOD_CONTINUE;
	}
	if (ci_req_hasbody(t->req))
		return CI_MOD_CONTINUE;
	t->collected = true;
	tr_count(content_verdict(t->content)->mode > CONTENT_ALLOW ? CTR_CONTENT_MONITOR : CTR_CONTENT_PASS);
	if (content_verdict(t->content)->mode > CONTENT_ALLOW)
		tell(t, "monitor", 4);
	return tr_pass_bodyless(t);
}

static void
drip(struct tr *t)
{
	size_t due = buf_len(&t->in) / DRIP;

	t->keep = 0;
	while (t->dripped < due) {
		buf_add(&t->out, buf_ptr(&t->in), 1);
		buf_consume(&t->in, 1);
		t->dripped++;
	}
	unlock(t);
}

void
egress_feed(struct tr *t, const char *p, size_t n)
{
	enum content_step s;
	uint64_t t0 = tr_now_us();

	if (t->collected)
		return;
	if (tr_counters != NULL)
		counters_add(tr_counters, CTR_BYTES_IN, n);
	s = content_feed(t->content, p, n);
	t->spent += tr_now_us() - t0;
	if (s == CONTENT_REFUSED) {
		refuse(t);
		return;
	}
	buf_add(s == CONTENT_STREAM && t->unlocked && buf_len(&t->in) == 0 ? &t->out : &t->in, p, n);
	if (s == CONTENT_STREAM)
		let_go(t);
	else if (t->req->type == ICAP_RESPMOD && buf_len(&t->in) > HOLD_MAX)
		drip(t);
}

int
egress_end(struct tr *t)
{
	const struct content_verdict *v;
	bool held;
	uint64_t t0 = tr_now_us();

	if (t->collected || t->content == NULL)
		return CI_MOD_DONE;
	held = content_step(t->content) != CONTENT_STREAM;
	if (t->in.err != 0 || t->out.err != 0) {	/* out of memory: nothing that is cut may pass for whole */
		tr_count(CTR_CONTENT_ERROR);
		t->collected = t->broken = true;
		unlock(t);
		return CI_MOD_DONE;
	}
	if (content_finish(t->content, held && t->in.data != NULL ? t->in.data + t->in.rd : NULL, held ? buf_len(&t->in) : 0) == CONTENT_REFUSED) {
		t->spent += tr_now_us() - t0;
		refuse(t);
		return CI_MOD_DONE;
	}
	t->spent += tr_now_us() - t0;
	t->collected = true;
	v = content_verdict(t->content);
	tr_count(v->mode == CONTENT_ALLOW ? CTR_CONTENT_PASS : v->mode == CONTENT_MASK ? CTR_CONTENT_MASK : CTR_CONTENT_MONITOR);
	if (v->mode != CONTENT_ALLOW)
		tell(t, v->mode == CONTENT_MASK ? "mask" : "monitor", 4);
	if (!t->unlocked && v->mode != CONTENT_MASK && ci_req_allow204(t->req) && !ci_req_sent_data(t->req))
		return CI_MOD_ALLOW204;
	let_go(t);
	return CI_MOD_DONE;
}
