/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TLS_FLOWS_H
#define LLMSEC_TLS_FLOWS_H
/*
 * ClientHellos out of captured packets (packet.h says what may be around them): TCP streams put together by sequence
 * number, DTLS and QUIC over UDP.  Reported in the order in which they become complete, every one of a flow: a client that
 * is asked for another key share (HelloRetryRequest) or a cookie says hello twice.  The same bytes again are a
 * retransmission and are not.
 *
 * TLS need not be the first thing in a TCP stream: it may follow a PROXY header, SOCKS, CONNECT or STARTTLS, where the
 * client waits for an answer, so that its hello begins a segment.
 *
 * Bounded: FLOWS_MAX flows at a time, the oldest leaves.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "haproxy-spoa/tls/hello.h"

struct flows;

#define FLOWS_MAX	4096

struct flow_hello {
	enum tls_transport	 transport;
	enum tls_result		 result;	/* OK, or MALFORMED */
	const uint8_t		*message;	/* the handshake message */
	size_t			 len;
	char			 src[46], dst[46];
	uint16_t		 sport, dport;
};

typedef void (*flow_hello_fn)(void *arg, const struct flow_hello *);

struct flows	*flows_new(flow_hello_fn, void *arg);	/* NULL: out of memory */
void		 flows_free(struct flows **);
/* <linktype>: a DLT_ number of libpcap.  False: that link type is not known. */
bool		 flows_packet(struct flows *, int linktype, const void *, size_t caplen);
#endif
