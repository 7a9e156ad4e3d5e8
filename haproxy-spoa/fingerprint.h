/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOAD_FINGERPRINT_H
#define LLMSEC_SPOAD_FINGERPRINT_H
/*
 * What the TCP front's ClientHello says about a client, and how that reaches its requests: the front asks about the
 * hello (message `llmsec-hello`), HAProxy carries the answer to the TLS front as the text "ja4/ja3/state" in PROXY v2's
 * unique-id, and each request brings it back as argument `ja`.  "-" is HAProxy's way to write nothing.
 */
#include <stdbool.h>
#include <stddef.h>

#include "haproxy-spoa/req_view.h"
#include "haproxy-spoa/tls/hello.h"
#include "haproxy-spoa/tls/ja.h"

struct arena;

struct fingerprint {
	char		 ja4[JA4_LEN], ja3[JA3_HEX];	/* "" unless the hello was whole and sound */
	const char	*state;				/* tls_result_str(); "" nobody looked at a hello */
};

/* Of TLS records as they came from the client.  -ENOMEM: <arena> is full; else 0 and the result in <r>. */
int	fingerprint_make(struct fingerprint *, enum tls_result *r, const void *, size_t, struct arena *);
/* The text that HAProxy brought back.  All of it as this agent makes it, or nothing: false, all fields "". */
bool	fingerprint_parse(struct fingerprint *, struct span);
#endif
