/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TEST_MMDB_MAKE_H
#define LLMSEC_TEST_MMDB_MAKE_H
/*
 * A small writer of MaxMind DB files (format 2.0, 24-bit records, IPv6 tree with IPv4 under ::/96), so that tests
 * bring their own.  A full table ends the test program.
 */
#include <stddef.h>
#include <stdint.h>

struct mmdb_row {
	const char	*cidr;			/* "81.2.69.0/24", "2a02::/16"; no row may lie within another */
	const char	*country, *registered;	/* NULL: the record hasn't got it */
	uint32_t	 asn;			/* 0: the same */
};

/* The file's bytes into <out>; how many. */
size_t	mmdb_make(uint8_t *out, size_t size, const struct mmdb_row *, size_t n);
#endif
