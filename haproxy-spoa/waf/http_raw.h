/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_HTTP_RAW_H
#define LLMSEC_HTTP_RAW_H
/*
 * One HTTP/1.x message out of raw bytes, read as a firewall has to: everything that can be shown to the rules
 * is kept - a header line without a colon, a name with a space, bytes that no URI may have - and what a strict
 * server would refuse is a flaw beside it, not an end.  The caller decides what flaws mean; http_raw_status()
 * says what a web server would answer.
 *
 * Bytes are borrowed from the input; what has to be put together (folded headers, chunked bodies, the header
 * table) lies in the arena.  Nothing here looks beyond the message: no content decoding, no URL decoding.
 */
#include <stddef.h>

#include "haproxy-spoa/waf/waf.h"

struct arena;

enum http_raw_flaw {
	HTTP_RAW_LINE = 1 << 0,		/* start line: not three parts with one space between */
	HTTP_RAW_TARGET = 1 << 1,	/* request target: no form of RFC 9112, or bytes that it can't have */
	HTTP_RAW_VERSION = 1 << 2,	/* not HTTP/ and a version from 1.0 on */
	HTTP_RAW_HEAD = 1 << 3,		/* ends before the empty line */
	HTTP_RAW_FIELD = 1 << 4,	/* header: no colon, no token as name, NUL or CR in it */
	HTTP_RAW_HOST = 1 << 5,		/* HTTP/1.1 without Host, two of them, empty, or no host name */
	HTTP_RAW_LENGTH = 1 << 6,	/* Content-Length: no number, or two different ones */
	HTTP_RAW_CHUNK = 1 << 7,	/* chunked body that is none */
	HTTP_RAW_LF = 1 << 8,		/* a line of the head ends in LF alone */
	HTTP_RAW_SHORT = 1 << 9,	/* the body ends before its announced end */
	HTTP_RAW_CONNECT = 1 << 10,	/* a tunnel, which an origin server has none of */
	/* Legal, and yet worth a note: no server need refuse them. */
	HTTP_RAW_OLD = 1 << 11,		/* HTTP/0.9: no version */
	HTTP_RAW_FOLD = 1 << 12,	/* a folded header */
	HTTP_RAW_BOTH = 1 << 13,	/* Content-Length and chunked; the length is gone */
	HTTP_RAW_LONG = 1 << 14,	/* bytes behind the body */
};

enum http_raw_flag {
	HTTP_RAW_TO_END = 1,	/* a request that announces no body has all the rest as its body */
};

struct http_raw {
	struct waf_str	 line;		/* start line without its end */
	struct waf_str	 method, uri, protocol;		/* protocol: "HTTP/0.9" if none was sent */
	int		 status;	/* of a response; 0 if there is no number */
	struct waf_header *headers;	/* in order; of a line without a colon the name is all of it */
	size_t		 n_headers;
	struct waf_str	 body;		/* chunks joined */
	unsigned	 flaws;		/* enum http_raw_flaw */
	size_t		 used;		/* bytes of the input that are this message */
};

/* 0, or -ENOMEM (arena); any bytes are a message, if with flaws. */
int		 http_raw_request(struct http_raw *, struct arena *, const char *, size_t, unsigned flags);
int		 http_raw_response(struct http_raw *, struct arena *, const char *, size_t);
/* What a web server would answer to a request with these flaws: 400, 405, 408; 0: it would take it. */
int		 http_raw_status(unsigned flaws);
/* Name of one flaw ("bad-target") by its bit number; NULL behind the last. */
const char	*http_raw_flaw_name(unsigned bit);
/* The message as the engine wants it; addresses, id and clock stay untouched. */
void		 http_raw_to_request(const struct http_raw *, struct waf_request *);
void		 http_raw_to_response(const struct http_raw *, struct waf_response *);
#endif
