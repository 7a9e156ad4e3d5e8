/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/eng_guard.h"
#include "haproxy-spoa/req_view.h"
#include "haproxy-spoa/spoad_conf.h"

/*
 * What HAProxy keeps beside the visible bytes of a request in its buffer: 8 bytes per header and data
 * block plus a start line (measured on 2.6: 164 bytes with three headers), and some distance, because
 * the cost of a wrong "cut" is a flag on a body that would just have fitted.
 */
#define BLOCK_OVERHEAD	8
#define BUFFER_SLACK	1024
#define BUFSIZE_DEFAULT	16384	/* HAProxy's own, when HELLO has told nothing */

/* Content-Length as one number; -1 absent, -2 not one number. */
static int64_t
content_length(const struct req_view *r)
{
	const struct req_header *h;
	int64_t all = -1, v;

	for (size_t i = 0; i < r->n_headers; i++) {
		h = &r->headers[i];
		if (!span_is_nocase(h->name, "content-length"))
			continue;
		if (h->value.n == 0 || h->value.n > 18)
			return -2;
		v = 0;
		for (size_t k = 0; k < h->value.n; k++) {
			if (h->value.p[k] < '0' || h->value.p[k] > '9')
				return -2;
			v = v * 10 + (h->value.p[k] - '0');
		}
		if (all >= 0 && all != v)
			return -2;
		all = v;
	}
	return all;
}

static int64_t
buffer_used(const struct req_view *r)
{
	size_t target = r->uri.n ? r->uri.n : r->path.n + r->query.n;
	size_t n = r->method.n + target + r->version.n + r->body.n;

	for (size_t i = 0; i < r->n_headers; i++)
		n += r->headers[i].name.n + r->headers[i].value.n + BLOCK_OVERHEAD;
	return (int64_t)n;
}

/* No length and nothing seen: HTTP/1 has no body then unless it is chunked; HTTP/2 may send one all the same. */
static bool
body_impossible(const struct req_view *r)
{
	return r->body.n == 0 && span_has_prefix(r->version, "1.") &&
	    req_view_header(r, "transfer-encoding", NULL) == NULL;
}

enum guard_finding
guard_find(const struct req_view *r, int64_t bufsize, int64_t maxrewrite)
{
	int64_t have = (int64_t)r->body.n, cl;

	if (r->flags & REQ_NO_HDRS_ARG)
		return GUARD_UNKNOWN;
	cl = content_length(r);
	/* Two ways to say where the body ends are the start of every smuggling. */
	if (cl == -2 || (cl >= 0 && req_view_header(r, "transfer-encoding", NULL) != NULL))
		return GUARD_CONFLICT;
	if (r->flags & REQ_NO_BODY_ARG)
		return cl > 0 || r->body_size > 0 || req_view_header(r, "transfer-encoding", NULL) != NULL ?
		    GUARD_CUT : GUARD_WHOLE;
	if (cl > have || r->body_size > have)
		return GUARD_CUT;
	if (cl >= 0 || body_impossible(r))
		return GUARD_WHOLE;
	return buffer_used(r) + BUFFER_SLACK >= bufsize - maxrewrite ? GUARD_CUT : GUARD_WHOLE;
}

/* Would every server read this path the same way?  Only then may it choose a softer policy. */
static bool
path_is_plain(struct span path)
{
	static const char *const odd[] = {"//", "/./", "/../", "\\", "%2e", "%2E", "%2f", "%2F", "%5c", "%5C",
		"%00", "%25"};

	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++)
		if (span_contains(path, odd[i]))
			return false;
	return !(path.n >= 3 && memcmp(path.p + path.n - 3, "/..", 3) == 0);
}

enum guard_policy
guard_route_policy(const struct guard_conf *c, const struct req_view *r)
{
	if (path_is_plain(r->path))
		for (size_t i = 0; i < c->n_routes; i++)
			if (span_has_prefix(r->path, c->routes[i].path_prefix))
				return (enum guard_policy)c->routes[i].oversize;
	return (enum guard_policy)c->oversize;
}

static int
guard_configure(void **state, const struct spoad_conf *c, struct diag *d)
{
	/* The configuration is immutable and lives as long as this state: point to it. */
	*state = (void *)(uintptr_t)&c->guard;
	return 0;
}

static enum engine_next
guard_run(const void *state, void *thread, const struct req_view *r, struct verdict *v, struct arena *a)
{
	const struct guard_conf *c = state;
	int64_t bufsize = c->haproxy_bufsize ? c->haproxy_bufsize : r->bufsize;

	switch (guard_find(r, bufsize ? bufsize : BUFSIZE_DEFAULT, c->haproxy_maxrewrite)) {
	case GUARD_WHOLE:
		return ENGINE_CONTINUE;
	case GUARD_CONFLICT:
		verdict_deny(v, 400, "content-length", "guard-length");
		return ENGINE_STOP;
	case GUARD_UNKNOWN:
		verdict_error(v, "arguments-missing");
		return ENGINE_STOP;
	case GUARD_CUT:
		break;
	}
	v->truncated = true;
	if (guard_route_policy(c, r) == GUARD_FLAG) {
		verdict_rule(v, "guard-truncated");
		return ENGINE_CONTINUE;
	}
	verdict_deny(v, 413, "body-too-large", "guard-oversize");
	return ENGINE_STOP;
}

static void
guard_release(void **state)
{
	*state = NULL;
}

const struct spoad_engine engine_guard = {.name = "guard", .configure = guard_configure,
	.run = guard_run, .release = guard_release};
