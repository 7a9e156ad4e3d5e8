/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TLS_LISTS_H
#define LLMSEC_TLS_LISTS_H
/*
 * A hello from the lists that HAProxy keeps of it where it terminates TLS or QUIC itself (ssl_fc_*_bin, tune.ssl.
 * capture-buffer-size): for connections that no TCP front has seen.  Not all of the hello: HAProxy 2.6 to 3.0
 * keep neither signature algorithms nor supported versions, and no version keeps the offered ALPN, only what was agreed on.
 * Pure functions; everything points into the input.
 */
#include "haproxy-spoa/tls/hello.h"

struct tls_lists {
	unsigned		 hello_id;	/* legacy_version; 0: HAProxy kept nothing */
	struct tls_bytes	 ciphers, exts, groups, formats, sigalgs, versions;
	struct tls_bytes	 alpn;		/* agreed on, "h3" is QUIC */
};

/*
 * TLS_OK, TLS_SHORT (HAProxy kept nothing), TLS_MALFORMED.  *whole: enough for a JA4; without that it is enough for a JA3,
 * which looks at neither signature algorithms nor versions.
 */
enum tls_result	tls_hello_lists(struct tls_hello *, const struct tls_lists *, bool *whole);
#endif
