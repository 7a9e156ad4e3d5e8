/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_REQ_VIEW_H
#define LLMSEC_REQ_VIEW_H
/*
 * One HTTP request as the edge engines see it: what HAProxy put into the SPOE message, decoded, not
 * interpreted.  Everything is borrowed from the frame or lives in the request's arena; it dies with
 * the request.  Strings are not NUL-terminated and may hold any byte.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct arena;

struct span {
	const char	*p;	/* never NULL after req_view_init */
	size_t		 n;
};

struct req_header {
	struct span	name, value;	/* name as HAProxy sends it: lower case from h2, any case from h1 */
};

enum req_flag {
	REQ_NO_BODY_ARG	= 1,	/* the configuration sent no body argument */
	REQ_NO_HDRS_ARG	= 2,
};

struct req_view {
	struct span		 method, path, query, version, request_id, sni;
	struct span		 uri;		/* request target as sent; "" from a configuration that doesn't send it */
	struct span		 waf_profile;	/* which the configuration chose; "" none */
	struct span		 ja;		/* what the TCP front learned from the ClientHello, as HAProxy carries it */
	const char		*hello;		/* ok, short, malformed or not-hello; "" unknown */
	char			 ip[46];	/* client, inet_ntop; "" if HAProxy had none */
	char			 server_ip[46];
	int			 port, server_port;	/* 0 unknown */
	struct req_header	*headers;
	size_t			 n_headers;
	struct span		 body;		/* the part of it that fitted into HAProxy's buffer */
	int64_t			 body_size;	/* HAProxy's idea of the whole; -1: not told */
	int64_t			 bufsize;	/* HAProxy's tune.bufsize as learned from HELLO; 0: unknown */
	int			 tls;		/* 1 the client speaks TLS, 0 it doesn't, -1: not told */
	int64_t			 err_count, err_count_client;	/* errors so far as HAProxy counts them; -1: not told */
	unsigned		 flags;		/* enum req_flag */
};

void	req_view_init(struct req_view *);
/*
 * Decode the argument req.hdrs_bin: name/value pairs, varint lengths, ended by an empty pair.
 * 0, -EPROTO (not that format), -E2BIG (more than REQ_HEADERS_MAX) or -ENOMEM.
 */
#define REQ_HEADERS_MAX	1024
int	req_view_headers(struct req_view *, const void *, size_t, struct arena *);
/*
 * Take path and query out of the target, which is "/path?query", "https://host/path?query" (HTTP/2, or a
 * client that thinks it talks to a proxy), "host:port" or "*"; the last two have no path.  Does nothing without
 * a target.
 */
void	req_view_split_uri(struct req_view *);
/*
 * The target from its path on: what an HTTP/1 client would have sent.  HTTP/2 has no other form, HAProxy
 * writes it as an URL.  Without a target it is put together in the arena; NULL .p: out of memory.
 */
struct span	req_view_origin_form(const struct req_view *, struct arena *);
/* The first header of that name, any case; NULL if absent.  <n_found> (may be NULL): how many. */
const struct req_header *req_view_header(const struct req_view *, const char *name, size_t *n_found);

/* Inline, so that the length of a literal is none to be counted: each argument's name is asked for some ten times. */
static inline bool
span_is(struct span s, const char *t)
{
	return s.n == strlen(t) && memcmp(s.p, t, s.n) == 0;
}
bool	span_is_nocase(struct span, const char *);
bool	span_has_prefix(struct span, const char *);
bool	span_contains(struct span, const char *);
#endif
