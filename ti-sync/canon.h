/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_CANON_H
#define LLMSEC_TI_CANON_H
/*
 * From what a feed says to what can be compared: names in lower-case A-labels (IDNA 2008 with UTS 46, by
 * libidn2), networks with their host bits cleared; and what can be neither, or must never be listed, with the
 * reason.
 */
#include <stdbool.h>
#include <stddef.h>

#include "lib/cidr.h"

enum ti_reason {
	TI_OK,
	TI_BAD_NAME,		/* not a host name */
	TI_BAD_IDN,		/* libidn2 says no */
	TI_BAD_ADDRESS,		/* digits and dots or colons, but no address */
	TI_SINGLE_LABEL,	/* a whole top-level domain */
	TI_PUBLIC_SUFFIX,	/* co.uk, github.io: everybody's */
	TI_RESERVED_NAME,	/* localhost, *.local, *.test (RFC 6761 and its like) */
	TI_RESERVED_ADDRESS,	/* private, loopback, documentation, ... (RFC 6890) */
	TI_WIDE_NETWORK,	/* shorter than /8, or /16 of IPv6 */
	TI_UNSUPPORTED,		/* a rule that means something else than a whole domain */
	TI_TOO_LONG,		/* a line */
	TI_WRONG_KIND,		/* an address in a feed of names only, or the other way round */
	TI_REASONS
};

const char *ti_reason_str(enum ti_reason);

/* <out> gets the canonical name; dots at either end and a leading "*." are taken off. */
enum ti_reason	ti_canon_name(char out[256], size_t *out_len, const char *p, size_t n);
/* Names nobody may block, whoever lists them.  Canonical name; public suffixes by libpsl. */
enum ti_reason	ti_name_reserved(const char *name, size_t n);
enum ti_reason	ti_net_reserved(const struct cidr *);
/* Does it look like an address, a network or a range, rather than a name? */
bool		ti_looks_like_net(const char *p, size_t n);
/* "a", "a/len", "a-b", also with ":port" behind an IPv4 address.  The fewest networks, at most 64. */
enum ti_reason	ti_canon_net(struct cidr out[64], size_t *n_out, const char *p, size_t n);
/* The host of a URL, with or without its scheme; false: there is none. */
bool		ti_url_host(const char **p, size_t *n);
#endif
