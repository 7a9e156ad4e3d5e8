/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SET_IP_PRIVATE_H
#define LLMSEC_SET_IP_PRIVATE_H
/* 128-bit addresses as two words, for the files that read and write ips.set. */
#include "lib/set_private.h"

#define INDEX4_N	65537u		/* one for each /16, and the end */

struct addr6 {
	uint64_t hi, lo;
};

extern const uint8_t addr6_mapped[12];		/* ::ffff:0:0/96 */

int		addr6_cmp(struct addr6, struct addr6);
struct addr6	addr6_get(const uint8_t p[16]);
void		addr6_put(struct addr6, uint8_t p[16]);
struct addr6	addr6_next(struct addr6);
struct addr6	addr6_prev(struct addr6);
/* First and last address of the network of <len> bits that <a> is in. */
struct addr6	addr6_first(struct addr6 a, unsigned len);
struct addr6	addr6_last(struct addr6 a, unsigned len);
#endif
