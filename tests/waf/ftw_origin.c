/* SPDX-License-Identifier: MIT */
/*
 * A model of the servers that the suites put behind the firewall, for runs without one: httpbin's paths (3.3),
 * and /reflect (v4), which answers with what the request's JSON asks for: {"status":, "headers":{}, "body":
 * or "encodedBody":}.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/json.h"
#include "tests/waf/ftw.h"

struct reflect {
	struct arena	*arena;
	int		 status;
	struct buf	 headers, body;
};

static int
reflect_take(void *arg, const struct json_value *v)
{
	struct reflect *r = arg;
	struct waf_str text = {v->text, v->text_len};

	if (json_path_is(v, "status") && v->type == JSON_NUMBER)
		r->status = atoi(v->raw);
	if (v->type != JSON_STRING)
		return 0;
	if (json_path_is(v, "headers.*")) {
		buf_add(&r->headers, v->path[1].key, v->path[1].key_len);
		buf_adds(&r->headers, ": ");
		buf_add(&r->headers, text.p, text.n);
		buf_adds(&r->headers, "\r\n");
	}
	if (json_path_is(v, "encodedBody"))
		text = ftw_base64_decode(r->arena, text);
	if (json_path_is(v, "body") || json_path_is(v, "encodedBody"))
		buf_add(&r->body, text.p, text.n);
	return 0;
}

static bool
path_is(struct waf_str uri, const char *path)
{
	size_t n = strlen(path);

	return uri.n >= n && memcmp(uri.p, path, n) == 0 &&
	    (uri.n == n || uri.p[n] == '?' || uri.p[n] == '/' || uri.p[n] == '#');
}

/* httpbin knows these; the rest is not there. */
static int
status_v33(const struct ftw_input *in)
{
	static const char *const known[] = { "/get", "/post", "/put", "/delete", "/patch", "/anything", "/headers" };
	static const char root[] = "/";

	if (in->uri.n > 0 && (memcmp(in->uri.p, root, 1) != 0 || in->uri.n == 1 || in->uri.p[1] == '?'))
		return 200;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (path_is(in->uri, known[i]))
			return 200;
	}
	return 404;
}

static struct waf_str
response(struct arena *a, int status, struct buf *headers, struct buf *body)
{
	struct waf_str s;
	struct buf b = {0};

	buf_printf(&b, "HTTP/1.1 %d %s\r\n", status, status == 200 ? "OK" : "Other");
	buf_add(&b, buf_ptr(headers), buf_len(headers));
	buf_printf(&b, "Content-Length: %zu\r\n\r\n", buf_len(body));
	buf_add(&b, buf_ptr(body), buf_len(body));
	s = (struct waf_str){arena_strndup(a, buf_ptr(&b), buf_len(&b)), buf_len(&b)};
	buf_free(&b);
	return s;
}

void
ftw_origin(struct arena *a, struct ftw_stage *s)
{
	struct reflect r = { .arena = a, .status = 200 };

	if (!s->input.v4)
		r.status = status_v33(&s->input);
	else if (path_is(s->input.uri, "/reflect"))
		json_scan_all(s->input.data.p, s->input.data.n, 0, NULL, reflect_take, &r, NULL, NULL);
	if (buf_len(&r.headers) == 0)
		buf_adds(&r.headers, "Content-Type: text/plain\r\n");
	s->origin_status = r.status;
	s->origin = response(a, r.status, &r.headers, &r.body);
	buf_free(&r.headers);
	buf_free(&r.body);
}
