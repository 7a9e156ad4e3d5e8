/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EGRESS_HOST_H
#define LLMSEC_EGRESS_HOST_H
/*
 * What a client calls the place it wants to go to, brought into one form exactly once, so that the
 * policy compares names and never spellings.  Percent escapes are undone, letters lowered, one
 * trailing dot dropped.  A host that any resolver or browser would read as an address is an address
 * here too: short, octal, hexadecimal and plain-integer IPv4, IPv6 with or without brackets, and IPv4
 * inside IPv6 (mapped, compatible, NAT64, 6to4, Teredo).  As in the WHATWG URL standard, a host whose
 * last label is a number is an IPv4 address or nothing.
 *
 * Pure functions over borrowed bytes; no allocation; any thread.
 */
#include <stddef.h>
#include <stdint.h>

enum egress_host_kind {
	EGRESS_HOST_NAME,	/* a domain name, canonical in name[] */
	EGRESS_HOST_IP,		/* an address literal */
	EGRESS_HOST_METADATA,	/* name or address of a cloud metadata service */
	EGRESS_HOST_USERINFO,	/* contains '@': a name dressed up as a user */
	EGRESS_HOST_BAD,	/* not a host at all */
};

#define EGRESS_HOST_MAX	253

struct egress_host {
	enum egress_host_kind	 kind;
	size_t			 len;
	/* Canonical, NUL-terminated; for BAD and USERINFO: printable remains, for messages only. */
	char			 name[EGRESS_HOST_MAX + 3];
	uint8_t			 ip[16];	/* IP, METADATA by address: IPv4 as ::ffff:a.b.c.d */
};

/* Fills all of <h>; <p> may hold any bytes. */
void	egress_host_parse(struct egress_host *h, const char *p, size_t n);
#endif
