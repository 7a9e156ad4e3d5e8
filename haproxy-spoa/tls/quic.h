/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TLS_QUIC_H
#define LLMSEC_TLS_QUIC_H
/*
 * The ClientHello out of a client's QUIC Initial packets, for captures: header protection and payload are opened
 * with the keys that anybody can derive from the destination connection id (RFC 9001 5.2; version 2: RFC 9369; the drafts
 * 23 to 34 that old captures have),
 * CRYPTO frames are put together by offset (RFC 9000 19.6).  Not on any request path: HAProxy decrypts itself.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "haproxy-spoa/tls/hello.h"

#define QUIC_CID_MAX	20
#define QUIC_HELLO_MAX	16384

struct quic_initials {		/* of one client, zeroed before the first datagram */
	uint8_t		 dcid[QUIC_CID_MAX];	/* of its first Initial: the keys hang on it */
	size_t		 dcid_len;
	uint32_t	 version;	/* 0: nothing seen yet */
	uint8_t		 crypto[QUIC_HELLO_MAX];
	uint8_t		 seen[QUIC_HELLO_MAX / 8];
	size_t		 contiguous;	/* bytes from the start without a hole */
	size_t		 start;		/* of the message that is next: whoever has taken one adds its length */
};

/* Is this datagram a long-header Initial of a version that we can open? */
bool		 quic_is_initial(const void *, size_t);
/*
 * Take one UDP datagram (coalesced packets too).  OK: crypto[start..start+*len-1] is the whole ClientHello message;
 * SHORT: more is to come; MALFORMED: does not decrypt or does not parse; NOT_HELLO: no Initial of a client.
 */
enum tls_result	 quic_take(struct quic_initials *, const void *, size_t, size_t *len);
#endif
