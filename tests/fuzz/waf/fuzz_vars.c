/* SPDX-License-Identifier: MIT */
/*
 * Request line and headers as lines of text, "Name: value"; the first byte chooses settings.  The same headers
 * are then read as a response's.
 */
#include "config.h"

#include <string.h>

#include "tests/fuzz/waf/vars_check.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define HEADERS_MAX	32

static struct waf_str
cut_at(struct waf_str *rest, char c)
{
	const char *p = rest->n > 0 ? memchr(rest->p, c, rest->n) : NULL;
	struct waf_str s = *rest;

	if (p == NULL) {
		*rest = waf_str_from(s, s.n);
		return s;
	}
	s.n = (size_t)(p - s.p);
	*rest = waf_str_from(*rest, s.n + 1);
	return s;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct waf_str mime[] = { WAF_STR("text/html") };
	struct waf_header header[HEADERS_MAX];
	struct waf_request req = { .headers = header, .client_ip = WAF_STR("192.0.2.1") };
	struct waf_response rsp = { .status = 200, .protocol = WAF_STR("HTTP/1.1"), .headers = header,
	    .body = WAF_STR("0123456789") };
	struct waf_settings set = { .response_mime = mime, .n_response_mime = 1, .response_body_access = true,
	    .response_body_limit = 5, .request_body_access = true };
	struct waf_str rest, line;
	struct arena *arena;
	struct waf_vars vars;

	if (n == 0 || n > 65536)
		return 0;
	set.cookie_format = data[0] & 1;
	set.argument_separator = data[0] & 2 ? ';' : '&';
	set.arguments_limit = data[0] & 4 ? 3 : 1000;
	arena = arena_new(data[0] & 8 ? 2000 : 0);
	MUST(arena != NULL);
	rest = (struct waf_str){ (const char *)data + 1, n - 1 };
	line = cut_at(&rest, '\n');
	if (data[0] & 16)
		req.line = line;
	req.method = cut_at(&line, ' ');
	req.uri = cut_at(&line, ' ');
	req.protocol = line;
	while (rest.n > 0 && req.n_headers < HEADERS_MAX) {
		line = cut_at(&rest, '\n');
		header[req.n_headers].name = cut_at(&line, ':');
		header[req.n_headers++].value = line;
	}
	rsp.n_headers = req.n_headers;
	waf_vars_init(&vars, arena);
	waf_vars_request_headers(&vars, &set, &req);
	MUST(waf_vars_get(&vars, WAF_V_REQUEST_URI).n <= req.uri.n);
	MUST(vars.list[WAF_V_REQUEST_HEADERS].n == req.n_headers || arena_failed(arena));
	waf_vars_response_headers(&vars, &set, &rsp);
	waf_vars_response_body(&vars, &set, &rsp);
	vars_check(&vars, arena);
	waf_vars_release(&vars);
	arena_free(&arena);
	return 0;
}
