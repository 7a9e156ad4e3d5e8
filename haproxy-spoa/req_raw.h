/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_REQ_RAW_H
#define LLMSEC_REQ_RAW_H
/*
 * A request out of its raw bytes, as HAProxy would have handed it over: for command lines and tests.  The request line
 * may say HTTP/2; its headers are then written like HTTP/1's, with Host in place of :authority.
 */
#include "haproxy-spoa/req_view.h"

/* 0 or -ENOMEM; any bytes are a request.  <flaws> (may be NULL): enum http_raw_flaw, but for an HTTP/2 line. */
int	req_raw_read(struct req_view *, const char *, size_t, struct arena *, unsigned *flaws);
#endif
