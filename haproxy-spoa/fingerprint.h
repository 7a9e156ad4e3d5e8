/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOAD_FINGERPRINT_H
#define LLMSEC_SPOAD_FINGERPRINT_H
/*
 * What a ClientHello says about a client, and how that reaches its requests: the TCP front asks about the hello (message
 * `llmsec-hello`), HAProxy carries the answer to the TLS front as the text "ja4/ja3/state" in PROXY v2's
 * unique-id or a TLV, and each request brings it back as argument `ja`.  "-" is HAProxy's way to write nothing.
 * Without a TCP front a connection's first request brings HAProxy's lists (message `llmsec-lists`), and the others the text.
 */
#include <stdbool.h>
#include <stddef.h>

#include "haproxy-spoa/req_view.h"
#include "haproxy-spoa/tls/hello.h"
#include "haproxy-spoa/tls/ja.h"
#include "haproxy-spoa/tls/lists.h"

struct arena;

#define FINGERPRINT_TEXT	(JA4_LEN + JA3_HEX + 12)

struct fingerprint {
	/* "" unless the hello was whole and sound; of lists there may be a JA3 alone. */
	char		 ja4[JA4_LEN], ja3[JA3_HEX];
	const char	*state;				/* tls_result_str(); "" nobody looked at a hello */
};

/* Of TLS records as they came from the client.  -ENOMEM: <arena> is full; else 0 and the result in <r>. */
int	fingerprint_make(struct fingerprint *, enum tls_result *r, const void *, size_t, struct arena *);
/* Of the lists that HAProxy kept. */
void	fingerprint_lists(struct fingerprint *, enum tls_result *r, const struct tls_lists *);
/* The text as HAProxy writes it from the three variables. */
void	fingerprint_text(char out[FINGERPRINT_TEXT], const struct fingerprint *);
/* The text that HAProxy brought back.  All of it as this agent makes it, or nothing: false, all fields "". */
bool	fingerprint_parse(struct fingerprint *, struct span);
#endif
