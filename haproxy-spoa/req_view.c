/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "haproxy-spoa/req_view.h"
#include "lib/arena.h"
#include "lib/wire.h"

void
req_view_init(struct req_view *r)
{
	const struct span empty = {"", 0};

	memset(r, 0, sizeof(*r));
	r->method = r->path = r->query = r->version = r->request_id = r->sni = r->body = empty;
	r->uri = r->waf_profile = r->ja = empty;
	r->hello = "";
	r->body_size = r->err_count = r->err_count_client = -1;
	r->tls = -1;
	r->flags = REQ_NO_BODY_ARG | REQ_NO_HDRS_ARG;
}

static struct span
hdrs_string(struct wire *w)
{
	struct span s = {"", 0};
	uint64_t n = wire_varint(w);
	const uint8_t *p;

	if (w->err == 0 && n > wire_left(w))
		w->err = -EPROTO;
	if (w->err || n == 0)
		return s;
	p = wire_bytes(w, (size_t)n);
	if (p != NULL)
		s = (struct span){(const char *)p, (size_t)n};
	return s;
}

/* Walk the pairs up to the empty one; with <out> NULL only count. */
static int
hdrs_walk(const void *p, size_t len, struct req_header *out, size_t *count)
{
	struct wire w;
	struct req_header h;
	size_t n = 0;

	wire_init(&w, p, len);
	for (;;) {
		h.name = hdrs_string(&w);
		h.value = hdrs_string(&w);
		if (w.err)
			return -EPROTO;
		if (h.name.n == 0) {
			/* Only the end has no name, and nothing may hide behind the end. */
			if (h.value.n != 0 || wire_left(&w) != 0)
				return -EPROTO;
			break;
		}
		if (n == REQ_HEADERS_MAX)
			return -E2BIG;
		if (out != NULL)
			out[n] = h;
		n++;
	}
	*count = n;
	return 0;
}

int
req_view_headers(struct req_view *r, const void *p, size_t len, struct arena *a)
{
	size_t n;
	int rc = hdrs_walk(p, len, NULL, &n);

	if (rc != 0)
		return rc;
	r->headers = arena_alloc(a, n * sizeof(*r->headers));
	if (r->headers == NULL)
		return -ENOMEM;
	r->flags &= ~(unsigned)REQ_NO_HDRS_ARG;
	return hdrs_walk(p, len, r->headers, &r->n_headers);
}

/* Where the path, or what follows it, begins in a target; its length: there is neither. */
static size_t
uri_path_at(struct span uri)
{
	const char *p;
	size_t at;

	if (uri.n > 0 && uri.p[0] == '/')
		return 0;
	p = memmem(uri.p, uri.n, "://", 3);
	if (p == NULL)
		return uri.n;
	for (at = (size_t)(p - uri.p) + 3; at < uri.n; at++)
		if (uri.p[at] == '/' || uri.p[at] == '?' || uri.p[at] == '#')
			break;
	return at;
}

void
req_view_split_uri(struct req_view *r)
{
	size_t at = uri_path_at(r->uri), end = at;

	if (r->uri.n == 0)
		return;
	while (end < r->uri.n && r->uri.p[end] != '?' && r->uri.p[end] != '#')
		end++;
	r->path = (struct span){r->uri.p + at, end - at};
	if (end < r->uri.n && r->uri.p[end] == '?')
		end++;
	else
		end = r->uri.n;
	r->query = (struct span){r->uri.p + end, r->uri.n - end};
}

struct span
req_view_origin_form(const struct req_view *r, struct arena *a)
{
	size_t at = uri_path_at(r->uri);
	struct span s;
	char *p;

	if (r->uri.n > 0 && at < r->uri.n)
		return (struct span){r->uri.p + at, r->uri.n - at};
	if (r->uri.n > 0 || r->query.n == 0)
		return r->uri.n > 0 ? r->uri : r->path;
	s = (struct span){NULL, r->path.n + 1 + r->query.n};
	s.p = p = arena_alloc(a, s.n);
	if (p != NULL) {
		memcpy(p, r->path.p, r->path.n);
		p[r->path.n] = '?';
		memcpy(p + r->path.n + 1, r->query.p, r->query.n);
	}
	return s;
}

const struct req_header *
req_view_header(const struct req_view *r, const char *name, size_t *n_found)
{
	const struct req_header *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < r->n_headers; i++) {
		if (!span_is_nocase(r->headers[i].name, name))
			continue;
		if (n++ == 0)
			first = &r->headers[i];
	}
	if (n_found != NULL)
		*n_found = n;
	return first;
}

bool
span_is_nocase(struct span s, const char *t)
{
	return s.n == strlen(t) && strncasecmp(s.p, t, s.n) == 0;
}

bool
span_has_prefix(struct span s, const char *t)
{
	size_t n = strlen(t);

	return s.n >= n && memcmp(s.p, t, n) == 0;
}

bool
span_contains(struct span s, const char *t)
{
	return memmem(s.p, s.n, t, strlen(t)) != NULL;
}
