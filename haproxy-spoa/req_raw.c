/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>

#include "haproxy-spoa/req_raw.h"
#include "haproxy-spoa/waf/http_raw.h"
#include "lib/arena.h"

static struct span
span_of(struct waf_str s)
{
	return (struct span){s.n > 0 ? s.p : "", s.n};
}

/* HAProxy's req.ver: "1.1", "2.0". */
static struct span
version_of(struct span protocol)
{
	if (!span_has_prefix(protocol, "HTTP/"))
		return protocol;
	protocol = (struct span){protocol.p + 5, protocol.n - 5};
	return span_is(protocol, "2") ? (struct span){"2.0", 3} : span_is(protocol, "3") ? (struct span){"3.0", 3} : protocol;
}

int
req_raw_read(struct req_view *r, const char *p, size_t n, struct arena *a, unsigned *flaws)
{
	struct http_raw h;
	int rc = http_raw_request(&h, a, p, n, HTTP_RAW_TO_END);

	req_view_init(r);
	if (rc != 0)
		return rc;
	r->headers = arena_alloc(a, (h.n_headers + 1) * sizeof(*r->headers));
	if (r->headers == NULL)
		return -ENOMEM;
	r->method = span_of(h.method);
	r->uri = span_of(h.uri);
	r->version = version_of(span_of(h.protocol));
	for (size_t i = 0; i < h.n_headers; i++)
		r->headers[r->n_headers++] = (struct req_header){span_of(h.headers[i].name), span_of(h.headers[i].value)};
	r->body = span_of(h.body);
	r->body_size = (int64_t)h.body.n;
	r->flags = 0;
	req_view_split_uri(r);
	if (flaws != NULL)
		*flaws = h.flaws & ~(span_has_prefix(r->version, "1.") ? 0u : (unsigned)HTTP_RAW_VERSION);
	return 0;
}
