/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_CIDR_H
#define LLMSEC_CIDR_H
/*
 * Addresses and networks, IPv4 and IPv6 in one form: IPv4 is its IPv6-mapped range (::ffff:0:0/96), so
 * that one comparison does for both.  Plain values; no allocation.
 */
#include <stdbool.h>
#include <stdint.h>

#define CIDR_TEXT	64		/* room for cidr_format() */

struct cidr {
	uint8_t	 addr[16];		/* bits behind <len> are 0 */
	uint8_t	 len;			/* 0 to 128; an IPv4 /24 has 120 */
};

/*
 * "192.0.2.7", "192.0.2.0/24", "2001:db8::1", "2001:db8::/32"; no zone, no leading zeros in a length.
 * Host bits are cleared.  0 or -EINVAL.
 */
int	cidr_parse(const char *text, struct cidr *);
/* As people write it: without a length where it is one address, and IPv4 as IPv4.  Returns <out>. */
const char *cidr_format(const struct cidr *, char out[CIDR_TEXT]);
bool	cidr_is_host(const struct cidr *);
bool	cidr_is_v4(const struct cidr *);
/* Is every address of <inner> in <outer>? */
bool	cidr_covers(const struct cidr *outer, const struct cidr *inner);
/* Have they an address in common?  Networks nest or are disjoint, so one of them covers the other. */
bool	cidr_overlaps(const struct cidr *, const struct cidr *);
bool	cidr_equal(const struct cidr *, const struct cidr *);
#endif
