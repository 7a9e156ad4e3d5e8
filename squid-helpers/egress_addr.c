/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stddef.h>
#include <string.h>

#include "squid-helpers/egress_addr.h"

struct range {
	uint8_t	addr[16], len;
};

#define V4(a, b, c, d, n) { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d }, 96 + (n) }

static const struct range special[] = {
	V4(0, 0, 0, 0, 8),		/* this network, RFC 791 */
	V4(10, 0, 0, 0, 8),		/* private, RFC 1918 */
	V4(100, 64, 0, 0, 10),		/* shared, RFC 6598 */
	V4(127, 0, 0, 0, 8),		/* loopback, RFC 1122 */
	V4(168, 63, 129, 16, 32),	/* Azure's wire server: public by number only */
	V4(169, 254, 0, 0, 16),		/* link-local, RFC 3927 */
	V4(172, 16, 0, 0, 12),		/* private */
	V4(192, 0, 0, 0, 24),		/* protocol assignments, RFC 6890 */
	V4(192, 0, 2, 0, 24),		/* documentation, RFC 5737 */
	V4(192, 88, 99, 0, 24),		/* 6to4 relays, RFC 7526 */
	V4(192, 168, 0, 0, 16),		/* private */
	V4(198, 18, 0, 0, 15),		/* benchmark, RFC 2544 */
	V4(198, 51, 100, 0, 24),	/* documentation */
	V4(203, 0, 113, 0, 24),		/* documentation */
	V4(224, 0, 0, 0, 4),		/* multicast, RFC 5771 */
	V4(240, 0, 0, 0, 4),		/* reserved, RFC 1112, and broadcast */
	{ { 0 }, 96 },			/* unspecified, loopback, IPv4-compatible, RFC 4291 */
	{ { 0x00, 0x64, 0xff, 0x9b }, 32 },	/* NAT64, RFC 6052 and 8215 */
	{ { 0x01, 0x00 }, 64 },		/* discard, RFC 6666 */
	{ { 0x20, 0x01, 0x00, 0x00 }, 23 },	/* protocol assignments, Teredo, RFC 2928 */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 },	/* documentation, RFC 3849 */
	{ { 0x20, 0x02 }, 16 },		/* 6to4, RFC 3056 */
	{ { 0x3f, 0xff }, 20 },		/* documentation, RFC 9637 */
	{ { 0xfc, 0x00 }, 7 },		/* unique local, RFC 4193 */
	{ { 0xfe, 0x80 }, 10 },		/* link-local */
	{ { 0xfe, 0xc0 }, 10 },		/* site-local, RFC 3879 */
	{ { 0xff, 0x00 }, 8 },		/* multicast */
};

static bool
in_range(const uint8_t a[16], const struct range *r)
{
	size_t whole = r->len / 8;
	uint8_t mask = (uint8_t)(0xff00u >> (r->len % 8));

	return memcmp(a, r->addr, whole) == 0 && (r->len % 8 == 0 || ((a[whole] ^ r->addr[whole]) & mask) == 0);
}

bool
egress_addr_special(const uint8_t addr[16])
{
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (in_range(addr, &special[i]))
			return true;
	return false;
}
