/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TLS_PACKET_H
#define LLMSEC_TLS_PACKET_H
/*
 * From a captured frame down to TCP and UDP: link types, VLAN, MPLS, PPPoE, tunnels (GRE, ERSPAN, IP in IP, VXLAN, Geneve,
 * GTP-U), IPv4 and IPv6 with their fragments put together.  Bounded: PACKET_NEST tunnels in each other, DEFRAG_MAX
 * datagrams in pieces at a time, the oldest leaves.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_NEST	8
#define DEFRAG_MAX	64

struct packet_addr {		/* compared as bytes: no padding */
	uint8_t	 src[16], dst[16];
	uint8_t	 v6, proto;
};

/* One TCP segment or UDP datagram, header and all. */
typedef void (*packet_fn)(void *arg, const struct packet_addr *, const uint8_t *, size_t);

struct packets;

struct packets	*packets_new(packet_fn, void *arg);	/* NULL: out of memory */
void		 packets_free(struct packets **);
/* <linktype>: a DLT_ number of libpcap.  False: that link type is not known. */
bool		 packets_take(struct packets *, int linktype, const void *, size_t caplen);
#endif
