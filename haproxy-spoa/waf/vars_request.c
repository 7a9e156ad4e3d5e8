/* SPDX-License-Identifier: MIT */
/* Request line, addresses, headers: all that phase 1 may look at. */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/waf/vars_private.h"
#include "lib/arena.h"

struct waf_str
waf_header_find(const struct waf_header *h, size_t n, struct waf_str name)
{
	for (size_t i = 0; i < n; i++)
		if (waf_str_is(h[i].name, name))
			return waf_str_safe(h[i].value);
	return (struct waf_str){ NULL, 0 };
}

struct waf_str
waf_vars_dup(struct waf_vars *vars, struct waf_str s)
{
	const char *p = arena_memdup(vars->arena, s.p, s.n);

	if (p == NULL) {
		waf_vars_fail(vars, WAF_E_MEMORY);
		return WAF_STR("");
	}
	return (struct waf_str){ p, s.n };
}

/* Rules that ask "is it 0" must find a 0 where nothing of the kind has happened. */
static void
flags_clear(struct waf_vars *vars)
{
	static const enum waf_var flag[] = {
		WAF_V_FILES_COMBINED_SIZE, WAF_V_INBOUND_DATA_ERROR, WAF_V_MULTIPART_BOUNDARY_QUOTED,
		WAF_V_MULTIPART_BOUNDARY_WHITESPACE, WAF_V_MULTIPART_CRLF_LF_LINES, WAF_V_MULTIPART_DATA_AFTER,
		WAF_V_MULTIPART_DATA_BEFORE, WAF_V_MULTIPART_FILE_LIMIT_EXCEEDED, WAF_V_MULTIPART_HEADER_FOLDING,
		WAF_V_MULTIPART_INVALID_HEADER_FOLDING, WAF_V_MULTIPART_INVALID_PART,
		WAF_V_MULTIPART_INVALID_QUOTING, WAF_V_MULTIPART_LF_LINE, WAF_V_MULTIPART_MISSING_SEMICOLON,
		WAF_V_MULTIPART_STRICT_ERROR, WAF_V_MULTIPART_UNMATCHED_BOUNDARY, WAF_V_OUTBOUND_DATA_ERROR,
		WAF_V_REQBODY_ERROR, WAF_V_REQBODY_PROCESSOR_ERROR, WAF_V_REQUEST_BODY_LENGTH,
		WAF_V_URLENCODED_ERROR,
	};

	for (size_t i = 0; i < sizeof(flag) / sizeof(*flag); i++)
		waf_vars_set(vars, flag[i], WAF_STR("0"));
	waf_vars_set(vars, WAF_V_REQBODY_ERROR_MSG, WAF_STR(""));
	waf_vars_set(vars, WAF_V_REQBODY_PROCESSOR_ERROR_MSG, WAF_STR(""));
}

/* Length of "scheme://" (RFC 3986) at the start, 0: the target is in another form. */
static size_t
scheme_length(struct waf_str uri)
{
	size_t i = 0;

	while (i < uri.n && ((uri.p[i] | 0x20) >= 'a' && (uri.p[i] | 0x20) <= 'z'))
		i++;
	while (i > 0 && i < uri.n && (((uri.p[i] | 0x20) >= 'a' && (uri.p[i] | 0x20) <= 'z') ||
	    (uri.p[i] >= '0' && uri.p[i] <= '9') || uri.p[i] == '+' || uri.p[i] == '-' || uri.p[i] == '.'))
		i++;
	return i > 0 && uri.n - i >= 3 && memcmp(uri.p + i, "://", 3) == 0 ? i + 3 : 0;
}

static size_t
span_to(struct waf_str s, const char *stops)
{
	size_t i = 0;

	while (i < s.n && (s.p[i] == '\0' || strchr(stops, s.p[i]) == NULL))
		i++;
	return i;
}

/* host[:port], [address][:port], user@ in front of it. */
static struct waf_str
host_of(struct waf_str authority)
{
	const char *at = memchr(authority.p, '@', authority.n);

	if (at != NULL)
		authority = waf_str_from(authority, (size_t)(at - authority.p) + 1);
	if (authority.n > 0 && authority.p[0] == '[') {
		size_t n = span_to(authority, "]");

		return (struct waf_str){ authority.p, n < authority.n ? n + 1 : n };
	}
	return (struct waf_str){ authority.p, span_to(authority, ":") };
}

static struct waf_str
basename_of(struct waf_str path)
{
	size_t i = path.n;

	while (i > 0 && path.p[i - 1] != '/' && path.p[i - 1] != '\\')
		i--;
	return waf_str_from(path, i);
}

/*
 * What a server looks up: ModSecurity 2 sees the path as its server has decoded it, and rules without a
 * transformation rely on that (933151).  A '+' stays one; what is no escape stays as it is.
 */
static struct waf_str
path_decode(struct waf_vars *vars, struct waf_str path)
{
	const char *end = path.p + path.n;
	char *copy, *o;
	int byte;

	if (memchr(path.p, '%', path.n) == NULL)
		return path;
	copy = o = arena_alloc(vars->arena, path.n);
	if (copy == NULL) {
		waf_vars_fail(vars, WAF_E_MEMORY);
		return path;
	}
	for (const char *p = path.p; p < end; p++) {
		byte = *p == '%' ? waf_percent_value(p, end) : -1;
		*o++ = byte >= 0 ? (char)byte : *p;
		p += byte >= 0 ? 2 : 0;
	}
	return (struct waf_str){ copy, (size_t)(o - copy) };
}

/*
 * A '#' is an ordinary byte here: no client sends one, and a server that gets one may well take it as part of
 * the path or query, so nothing behind it may go unseen.
 */
static void
uri_fill(struct waf_vars *vars, const struct waf_settings *set, const struct waf_request *req)
{
	struct waf_str uri = waf_str_safe(req->uri), path, query = WAF_STR(""), authority = { NULL, 0 };
	size_t n = scheme_length(uri);

	waf_vars_set(vars, WAF_V_REQUEST_URI_RAW, uri);
	if (n > 0) {
		uri = waf_str_from(uri, n);
		authority = (struct waf_str){ uri.p, span_to(uri, "/?#") };
		uri = waf_str_from(uri, authority.n);
	}
	n = span_to(uri, "?");
	path = (struct waf_str){ uri.p, n };
	if (n < uri.n)
		query = waf_str_from(uri, n + 1);
	waf_vars_set(vars, WAF_V_REQUEST_URI, uri);
	path = path_decode(vars, path);
	waf_vars_set(vars, WAF_V_REQUEST_FILENAME, path);
	waf_vars_set(vars, WAF_V_PATH_INFO, path);
	waf_vars_set(vars, WAF_V_REQUEST_BASENAME, basename_of(path));
	waf_vars_set(vars, WAF_V_QUERY_STRING, query);
	if (authority.p == NULL)
		authority = waf_header_find(req->headers, req->n_headers, WAF_STR("host"));
	if (authority.p != NULL)
		waf_vars_set(vars, WAF_V_SERVER_NAME, host_of(authority));
	waf_args_urlencoded(vars, set, WAF_ARG_GET, query);
}

static struct waf_str
line_of(struct waf_vars *vars, const struct waf_request *req)
{
	size_t n = req->method.n + req->uri.n + req->protocol.n + 2;
	char *line, *p;

	if (req->line.n > 0)
		return req->line;
	line = p = arena_alloc(vars->arena, n);
	if (line == NULL) {
		waf_vars_fail(vars, WAF_E_MEMORY);
		return WAF_STR("");
	}
	p = waf_str_put(p, req->method);
	*p++ = ' ';
	p = waf_str_put(p, req->uri);
	*p++ = ' ';
	waf_str_put(p, req->protocol);
	if (req->protocol.n == 0)	/* HTTP/0.9 */
		n--;
	return (struct waf_str){ line, n };
}

static void
addresses_fill(struct waf_vars *vars, const struct waf_settings *set, const struct waf_request *req)
{
	waf_vars_set(vars, WAF_V_REMOTE_ADDR, req->client_ip);
	waf_vars_set(vars, WAF_V_REMOTE_HOST, req->client_ip);
	waf_vars_set_int(vars, WAF_V_REMOTE_PORT, req->client_port);
	waf_vars_set(vars, WAF_V_SERVER_ADDR, req->server_ip);
	waf_vars_set_int(vars, WAF_V_SERVER_PORT, req->server_port);
	waf_vars_set(vars, WAF_V_UNIQUE_ID, req->unique_id);
	waf_vars_set(vars, WAF_V_MODSEC_BUILD, WAF_STR("020907000"));	/* whose semantics these are */
	waf_vars_set(vars, WAF_V_WEBAPPID, set->web_app_id.n > 0 ? set->web_app_id : WAF_STR("default"));
}

/* What ModSecurity 2 chooses without being told: by the beginning of Content-Type. */
static struct waf_str
processor_for(struct waf_str type)
{
	static const struct {
		struct waf_str	 prefix, name;
	} known[] = {
		{ WAF_STR("application/x-www-form-urlencoded"), WAF_STR("URLENCODED") },
		{ WAF_STR("multipart/form-data"), WAF_STR("MULTIPART") },
	};

	type = waf_str_trim(type);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (waf_str_begins(type, known[i].prefix))
			return known[i].name;
	return WAF_STR("");
}

/* The scheme, and the user where the scheme is Basic (RFC 7617): claimed, nobody has checked the password. */
static void
authorization_fill(struct waf_vars *vars, struct waf_str value)
{
	struct waf_str scheme = { value.p, span_to(value, " ") }, user;

	waf_vars_set(vars, WAF_V_AUTH_TYPE, scheme);
	if (!waf_str_is(scheme, WAF_STR("basic")))
		return;
	value = waf_str_trim(waf_str_from(value, scheme.n));
	if (waf_tfn_apply(WAF_T_base64Decode, NULL, value, &user, vars->arena) < 0)
		waf_vars_fail(vars, WAF_E_MEMORY);
	else
		waf_vars_set(vars, WAF_V_REMOTE_USER, (struct waf_str){ user.p, span_to(user, ":") });
}

static void
headers_fill(struct waf_vars *vars, const struct waf_settings *set, const struct waf_request *req)
{
	struct waf_str type = { NULL, 0 };

	for (size_t i = 0; i < req->n_headers; i++) {
		struct waf_str name = waf_str_safe(req->headers[i].name), value = waf_str_safe(req->headers[i].value);

		waf_vars_add(vars, WAF_V_REQUEST_HEADERS, name, value);
		waf_vars_add(vars, WAF_V_REQUEST_HEADERS_NAMES, name, name);
		if (waf_str_is(name, WAF_STR("cookie")))
			waf_cookies_parse(vars, set, value);
		else if (waf_str_is(name, WAF_STR("content-type")) && type.p == NULL)
			type = value;
		else if (waf_str_is(name, WAF_STR("authorization")))
			authorization_fill(vars, value);
	}
	waf_vars_set(vars, WAF_V_REQBODY_PROCESSOR, processor_for(waf_str_safe(type)));
}

void
waf_vars_full_request(struct waf_vars *vars, const struct waf_request *req)
{
	struct waf_str line = waf_vars_get(vars, WAF_V_REQUEST_LINE);
	size_t n = line.n + 4 + req->body.n;
	char *full, *p;

	if (vars->list[WAF_V_FULL_REQUEST].n > 0)
		return;
	for (size_t i = 0; i < req->n_headers; i++)
		n += req->headers[i].name.n + req->headers[i].value.n + 4;
	full = arena_alloc(vars->arena, n);
	if (full == NULL) {
		waf_vars_fail(vars, WAF_E_MEMORY);
		return;
	}
	p = waf_str_put(waf_str_put(full, line), WAF_STR("\r\n"));
	for (size_t i = 0; i < req->n_headers; i++) {
		p = waf_str_put(waf_str_put(p, req->headers[i].name), WAF_STR(": "));
		p = waf_str_put(waf_str_put(p, req->headers[i].value), WAF_STR("\r\n"));
	}
	waf_str_put(waf_str_put(p, WAF_STR("\r\n")), req->body);
	waf_vars_set(vars, WAF_V_FULL_REQUEST, (struct waf_str){ full, n });
	waf_vars_set_int(vars, WAF_V_FULL_REQUEST_LENGTH, (int64_t)n);
}

void
waf_vars_request_headers(struct waf_vars *vars, const struct waf_settings *set, const struct waf_request *req)
{
	struct waf_str line;

	flags_clear(vars);
	line = line_of(vars, req);
	waf_vars_set(vars, WAF_V_REQUEST_LINE, line);
	waf_vars_set(vars, WAF_V_REQUEST_METHOD, req->method);
	waf_vars_set(vars, WAF_V_REQUEST_PROTOCOL, req->protocol);
	addresses_fill(vars, set, req);
	headers_fill(vars, set, req);
	uri_fill(vars, set, req);
	waf_vars_set_int(vars, WAF_V_ARGS_COMBINED_SIZE, (int64_t)vars->args_size);
}
