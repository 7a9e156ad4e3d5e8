/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EGRESS_ADDR_H
#define LLMSEC_EGRESS_ADDR_H
/*
 * Addresses that no request for the Internet leads to: loopback, private, shared (CGNAT), link-local, unique
 * local, benchmark, documentation, multicast, reserved, and the ranges that carry IPv4 inside IPv6.  From the
 * IANA special-purpose address registries (RFC 6890 and its updates).  Pure; any thread.
 */
#include <stdbool.h>
#include <stdint.h>

/* IPv4 as ::ffff:a.b.c.d.  An address inside NAT64 or 6to4 is what it carries, and special in itself, too. */
bool	egress_addr_special(const uint8_t addr[16]);
#endif
