/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "haproxy-spoa/waf/http_raw.h"
#include "lib/arena.h"

struct cursor {
	const char	*p, *end;
	unsigned	 flaws;
};

static const struct {
	const char	*name;
	int		 status;	/* 0: a server takes it */
} flaw[] = {
	{ "bad-line", 400 }, { "bad-target", 400 }, { "bad-version", 400 }, { "head-cut", 400 },
	{ "bad-field", 400 }, { "bad-host", 400 }, { "bad-length", 400 }, { "bad-chunk", 400 },
	{ "bare-lf", 400 }, { "body-short", 408 }, { "connect", 405 }, { "http-0.9", 0 }, { "folded", 0 },
	{ "length-and-chunked", 0 }, { "bytes-behind", 0 },
};
#define N_FLAWS	(sizeof(flaw) / sizeof(flaw[0]))

const char *
http_raw_flaw_name(unsigned bit)
{
	return bit < N_FLAWS ? flaw[bit].name : NULL;
}

int
http_raw_status(unsigned flaws)
{
	for (unsigned i = 0; i < N_FLAWS; i++) {
		if ((flaws & (1u << i)) != 0 && flaw[i].status != 0)
			return flaw[i].status;
	}
	return 0;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* tchar of RFC 9110 */
static bool
is_token(struct waf_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!is_alnum(s.p[i]) && (s.p[i] == '\0' || strchr("!#$%&'*+-.^_`|~", s.p[i]) == NULL))
			return false;
	}
	return s.n > 0;
}

static bool
name_is(struct waf_str s, const char *name)
{
	return s.n == strlen(name) && strncasecmp(s.p, name, s.n) == 0;
}

static struct waf_str
trim(struct waf_str s)
{
	while (s.n > 0 && is_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* The next line without its end.  false at the end of the bytes; a last line without an end is one. */
static bool
line_next(struct cursor *c, struct waf_str *line)
{
	const char *lf;

	if (c->p == c->end)
		return false;
	lf = memchr(c->p, '\n', (size_t)(c->end - c->p));
	line->p = c->p;
	line->n = (size_t)((lf != NULL ? lf : c->end) - c->p);
	c->p = lf != NULL ? lf + 1 : c->end;
	if (lf == NULL)
		c->flaws |= HTTP_RAW_HEAD;
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	else if (lf != NULL)
		c->flaws |= HTTP_RAW_LF;
	return true;
}

/* The start line; empty lines before it are skipped, as RFC 9112 wants. */
static struct waf_str
start_line(struct cursor *c)
{
	struct waf_str line = {c->p, 0};

	while (line_next(c, &line) && line.n == 0)
		;
	return line;
}

static bool
version_ok(struct waf_str s)
{
	return s.n == 8 && memcmp(s.p, "HTTP/", 5) == 0 && s.p[5] >= '1' && s.p[5] <= '9' && s.p[6] == '.' &&
	    s.p[7] >= '0' && s.p[7] <= '9';
}

/* host:port, for CONNECT */
static bool
authority_ok(struct waf_str s)
{
	size_t i = s.n;

	while (i > 0 && s.p[i - 1] >= '0' && s.p[i - 1] <= '9')
		i--;
	return i < s.n && i > 1 && s.p[i - 1] == ':';
}

static bool
target_ok(struct waf_str method, struct waf_str uri)
{
	for (size_t i = 0; i < uri.n; i++) {
		if ((unsigned char)uri.p[i] <= ' ' || uri.p[i] == 0x7f || uri.p[i] == '#')
			return false;
	}
	if (uri.n == 0)
		return false;
	if (name_is(method, "CONNECT"))
		return authority_ok(uri);
	return uri.p[0] == '/' || (uri.n == 1 && uri.p[0] == '*') ||
	    (uri.n > 3 && is_alnum(uri.p[0]) && memmem(uri.p, uri.n, "://", 3) != NULL);
}

/* Where the version begins: behind the last space, if what stands there can be meant as one. */
static size_t
version_at(struct waf_str rest)
{
	size_t i = rest.n;

	while (i > 0 && !is_space(rest.p[i - 1]))
		i--;
	if (i == 0)
		return rest.n;
	if (i == rest.n || memchr(rest.p, ' ', i - 1) == NULL)
		return i;
	return rest.n - i >= 5 && strncasecmp(rest.p + i, "HTTP/", 5) == 0 ? i : rest.n;
}

static void
request_line(struct http_raw *h, struct cursor *c)
{
	struct waf_str rest = h->line = start_line(c);
	size_t i, v;

	for (i = 0; i < rest.n && is_space(rest.p[i]); i++)
		c->flaws |= HTTP_RAW_LINE;
	rest.p += i;
	rest.n -= i;
	for (i = 0; i < rest.n && !is_space(rest.p[i]); i++)
		;
	h->method = (struct waf_str){rest.p, i};
	if (!is_token(h->method) || i == rest.n)
		c->flaws |= HTTP_RAW_LINE;
	if (i < rest.n)
		i++;
	rest.p += i;
	rest.n -= i;
	v = version_at(rest);
	h->protocol = (struct waf_str){rest.p + v, rest.n - v};
	h->uri = (struct waf_str){rest.p, v > 0 && v < rest.n ? v - 1 : v};
	if (v == rest.n && v > 0 && is_space(rest.p[v - 1]))
		h->uri.n--;
	if (memchr(h->uri.p, ' ', h->uri.n) != NULL || memchr(h->uri.p, '\t', h->uri.n) != NULL)
		c->flaws |= HTTP_RAW_LINE;
	if (!target_ok(h->method, h->uri))
		c->flaws |= HTTP_RAW_TARGET;
	if (h->protocol.n == 0) {
		h->protocol = WAF_STR("HTTP/0.9");
		c->flaws |= HTTP_RAW_OLD;
	} else if (!version_ok(h->protocol)) {
		c->flaws |= HTTP_RAW_VERSION;
	}
	if (name_is(h->method, "CONNECT"))
		c->flaws |= HTTP_RAW_CONNECT;
}

static void
status_line(struct http_raw *h, struct cursor *c)
{
	struct waf_str s = h->line = start_line(c);
	size_t i;

	for (i = 0; i < s.n && s.p[i] != ' '; i++)
		;
	h->protocol = (struct waf_str){s.p, i};
	if (s.n >= i + 4 && (s.n == i + 4 || s.p[i + 4] == ' ')) {
		for (size_t k = i + 1; k < i + 4 && s.p[k] >= '0' && s.p[k] <= '9'; k++)
			h->status = h->status * 10 + (s.p[k] - '0');
	}
	if (h->status < 100 || !version_ok(h->protocol))
		c->flaws |= HTTP_RAW_LINE;
}

/* A line that begins with a blank goes on with the header before it, joined by one space. */
static int
header_unfold(struct http_raw *h, struct arena *a, struct waf_str line)
{
	struct waf_str *v = &h->headers[h->n_headers - 1].value, more = trim(line);
	char *joined = arena_alloc(a, v->n + 1 + more.n);

	if (joined == NULL)
		return -ENOMEM;
	memcpy(joined, v->p, v->n);
	joined[v->n] = ' ';
	memcpy(joined + v->n + 1, more.p, more.n);
	*v = (struct waf_str){joined, v->n + 1 + more.n};
	return 0;
}

static void
header_take(struct http_raw *h, struct cursor *c, struct waf_str line)
{
	struct waf_header *hd = &h->headers[h->n_headers++];
	const char *colon = memchr(line.p, ':', line.n);

	hd->name = (struct waf_str){line.p, colon != NULL ? (size_t)(colon - line.p) : line.n};
	hd->value = WAF_STR("");
	if (colon != NULL)
		hd->value = trim((struct waf_str){colon + 1, line.n - hd->name.n - 1});
	if (colon == NULL || !is_token(hd->name) || memchr(line.p, '\0', line.n) != NULL ||
	    memchr(line.p, '\r', line.n) != NULL)
		c->flaws |= HTTP_RAW_FIELD;
	hd->name = trim(hd->name);
}

/* An upper bound: the lines until the empty one. */
static size_t
lines_count(struct cursor c)
{
	struct waf_str line;
	size_t n = 0;

	while (line_next(&c, &line) && line.n > 0)
		n++;
	return n;
}

/*
 * Folding could be made to cost the square of the input; after this many continuations of one message the
 * rest count as headers of their own.
 */
#define FOLDS_MAX	64

static int
headers_read(struct http_raw *h, struct arena *a, struct cursor *c)
{
	size_t folds = 0;
	struct waf_str line;
	int r = 0;

	h->headers = arena_alloc(a, lines_count(*c) * sizeof(*h->headers));
	if (h->headers == NULL)
		return -ENOMEM;
	for (;;) {
		if (!line_next(c, &line)) {
			c->flaws |= HTTP_RAW_HEAD;
			return 0;
		}
		if (line.n == 0)
			return 0;
		if (is_space(line.p[0]) && h->n_headers > 0 && folds++ < FOLDS_MAX) {
			c->flaws |= HTTP_RAW_FOLD;
			r = header_unfold(h, a, line);
		} else {
			header_take(h, c, line);
		}
		if (r < 0)
			return r;
	}
}

/* Hexadecimal size, extensions ignored.  false: no number, or too large to be one. */
static bool
chunk_size(struct waf_str line, size_t *size)
{
	size_t i, n = 0;
	int d;

	for (i = 0; i < line.n && n <= SIZE_MAX >> 5; i++) {
		char ch = line.p[i];
		d = ch >= '0' && ch <= '9' ? ch - '0' : (ch | 32) >= 'a' && (ch | 32) <= 'f' ? (ch | 32) - 'a' + 10 : -1;
		if (d < 0)
			break;
		n = n * 16 + (size_t)d;
	}
	*size = n;
	return i > 0 && n <= SIZE_MAX >> 5 && (i == line.n || line.p[i] == ';' || is_space(line.p[i]));
}

/* One chunk to <out>.  0 go on, 1 the last was read, -1 no chunk. */
static int
chunk_take(struct cursor *c, char *out, size_t *n)
{
	struct waf_str line;
	size_t size;

	if (!line_next(c, &line) || !chunk_size(line, &size))
		return -1;
	if (size == 0) {	/* trailers are of no use to anyone here */
		while (line_next(c, &line) && line.n > 0)
			;
		return 1;
	}
	if (size > (size_t)(c->end - c->p)) {
		size = (size_t)(c->end - c->p);
		c->flaws |= HTTP_RAW_SHORT;
	}
	memcpy(out + *n, c->p, size);
	*n += size;
	c->p += size;
	if ((c->flaws & HTTP_RAW_SHORT) != 0)
		return 1;
	return line_next(c, &line) && line.n == 0 ? 0 : -1;
}

/* Bytes that are no chunk are kept as they are: rules shall see them, though no server will. */
static int
body_chunked(struct http_raw *h, struct arena *a, struct cursor *c)
{
	struct cursor in = {c->p, c->end, 0};
	char *out = arena_alloc(a, (size_t)(c->end - c->p));
	const char *at;
	size_t n = 0;
	int r;

	if (out == NULL)
		return -ENOMEM;
	do {
		at = in.p;
		r = chunk_take(&in, out, &n);
	} while (r == 0);
	if (r < 0 && in.p == in.end && at == in.p) {
		c->flaws |= HTTP_RAW_SHORT;
	} else if (r < 0) {
		memcpy(out + n, in.p, (size_t)(in.end - in.p));
		n += (size_t)(in.end - in.p);
		in.p = in.end;
		c->flaws |= HTTP_RAW_CHUNK;
	}
	c->flaws |= in.flaws & HTTP_RAW_SHORT;
	c->p = in.p;
	h->body = (struct waf_str){out, n};
	return 0;
}

static bool
length_parse(struct waf_str s, size_t *n)
{
	size_t v = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9' || v > (SIZE_MAX - 9) / 10)
			return false;
		v = v * 10 + (size_t)(s.p[i] - '0');
	}
	*n = v;
	return s.n > 0;
}

struct framing {
	bool		 chunked, has_length;
	size_t		 length, hosts;
};

/* "chunked" has to be the last coding. */
static bool
ends_chunked(struct waf_str v)
{
	return v.n >= 7 && strncasecmp(v.p + v.n - 7, "chunked", 7) == 0 && (v.n == 7 || !is_alnum(v.p[v.n - 8]));
}

static void
host_check(struct waf_str v, struct cursor *c)
{
	for (size_t i = 0; i < v.n; i++) {
		if (!is_alnum(v.p[i]) && (v.p[i] == '\0' || strchr("-_.:[]", v.p[i]) == NULL))
			c->flaws |= HTTP_RAW_HOST;
	}
	if (v.n == 0)
		c->flaws |= HTTP_RAW_HOST;
}

static void
framing_read(struct framing *f, const struct http_raw *h, struct cursor *c)
{
	size_t n;

	memset(f, 0, sizeof(*f));
	for (size_t i = 0; i < h->n_headers; i++) {
		const struct waf_header *hd = &h->headers[i];

		if (name_is(hd->name, "Transfer-Encoding")) {
			f->chunked = ends_chunked(hd->value);
		} else if (name_is(hd->name, "Content-Length")) {
			if (!length_parse(hd->value, &n) || (f->has_length && f->length != n))
				c->flaws |= HTTP_RAW_LENGTH;
			else
				f->length = n;
			f->has_length = true;
		} else if (name_is(hd->name, "Host")) {
			host_check(hd->value, c);
			f->hosts++;
		}
	}
	if (f->chunked && f->has_length)
		c->flaws |= HTTP_RAW_BOTH;
}

/* RFC 9112, 6.3: of the two the length goes, before anybody acts on it.  HAProxy and Apache do the same. */
static void
lengths_drop(struct http_raw *h)
{
	size_t n = 0;

	for (size_t i = 0; i < h->n_headers; i++) {
		if (!name_is(h->headers[i].name, "Content-Length"))
			h->headers[n++] = h->headers[i];
	}
	h->n_headers = n;
}

/* A length that cannot be trusted leaves all the bytes to the rules. */
static int
body_read(struct http_raw *h, struct arena *a, struct cursor *c, const struct framing *f, bool to_end)
{
	size_t left = (size_t)(c->end - c->p), n = to_end ? left : 0;

	if (f->chunked)
		return body_chunked(h, a, c);
	if (f->has_length)
		n = (c->flaws & HTTP_RAW_LENGTH) != 0 || f->length > left ? left : f->length;
	if (f->has_length && (c->flaws & HTTP_RAW_LENGTH) == 0 && f->length > left)
		c->flaws |= HTTP_RAW_SHORT;
	h->body = (struct waf_str){c->p, n};
	c->p += n;
	return 0;
}

static void
finish(struct http_raw *h, const struct cursor *c, const char *p)
{
	h->used = (size_t)(c->p - p);
	h->flaws = c->flaws | (c->p < c->end ? HTTP_RAW_LONG : 0);
}

int
http_raw_request(struct http_raw *h, struct arena *a, const char *p, size_t n, unsigned flags)
{
	struct cursor c = {p, p + n, 0};
	struct framing f;
	int r;

	memset(h, 0, sizeof(*h));
	request_line(h, &c);
	r = headers_read(h, a, &c);
	if (r < 0)
		return r;
	framing_read(&f, h, &c);
	if (f.hosts > 1 || (f.hosts == 0 && h->protocol.n == 8 && memcmp(h->protocol.p, "HTTP/1.1", 8) == 0))
		c.flaws |= HTTP_RAW_HOST;
	if ((c.flaws & HTTP_RAW_BOTH) != 0)
		lengths_drop(h);
	r = body_read(h, a, &c, &f, (flags & HTTP_RAW_TO_END) != 0);
	finish(h, &c, p);
	return r;
}

int
http_raw_response(struct http_raw *h, struct arena *a, const char *p, size_t n)
{
	struct cursor c = {p, p + n, 0};
	struct framing f;
	int r;

	memset(h, 0, sizeof(*h));
	status_line(h, &c);
	r = headers_read(h, a, &c);
	if (r < 0)
		return r;
	framing_read(&f, h, &c);
	c.flaws &= ~(unsigned)HTTP_RAW_HOST;
	r = body_read(h, a, &c, &f, true);
	finish(h, &c, p);
	return r;
}

void
http_raw_to_request(const struct http_raw *h, struct waf_request *req)
{
	req->method = h->method;
	req->uri = h->uri;
	req->protocol = h->protocol;
	req->line = h->line;
	req->headers = h->headers;
	req->n_headers = h->n_headers;
	req->body = h->body;
	req->body_cut = (h->flaws & HTTP_RAW_SHORT) != 0;
}

void
http_raw_to_response(const struct http_raw *h, struct waf_response *rsp)
{
	rsp->status = h->status;
	rsp->protocol = h->protocol;
	rsp->headers = h->headers;
	rsp->n_headers = h->n_headers;
	rsp->body = h->body;
}
