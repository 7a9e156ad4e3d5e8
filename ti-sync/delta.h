/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_DELTA_H
#define LLMSEC_TI_DELTA_H
/*
 * The difference between two files, as pieces of the old one and new bytes: what two sets of nearly the same lists
 * have in common doesn't travel.  Numbers are big-endian.
 *
 *	"LSDELTA1", size of the base (8), size of the result (8), then until the result is whole:
 *	'C' offset (8) length (4)	that many bytes of the base, from there
 *	'A' length (4) bytes		these
 *
 * Pieces are found as rsync does (Tridgell 1999, chapter 3), by the hashes of the base's 64-byte blocks; sets are
 * made of such.  Reading is linear in what comes out, and that is bounded before the first byte.
 */
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

/* 0; -EFBIG: it would be larger than <max>, so that the whole is better; -ENOMEM. */
int	ti_delta_make(struct buf *out, const void *base, size_t n_base, const void *result, size_t n_result, size_t max);
/* Into <out>, which has room for <n_out>: exactly what must come out.  NULL, or why not. */
const char *ti_delta_apply(void *out, size_t n_out, const void *base, size_t n_base, const void *delta, size_t n);
#endif
