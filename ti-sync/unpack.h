/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_UNPACK_H
#define LLMSEC_TI_UNPACK_H
/*
 * The content of a file, unpacked where it is packed: gzip, zstd, xz, bzip2, and zip with all its files one after
 * the other.  What it is, its first bytes say.  No more than <max> bytes come out.
 */
#include <stddef.h>
#include <stdint.h>

/* Returns 0 or an error that ends the reading. */
typedef int (*ti_bytes_fn)(void *arg, const void *, size_t);

/* 0; -EFBIG: more than <max>; -EBADMSG: damaged, *why says how; what <fn> returned; or -errno. */
int	ti_unpack(const char *path, int64_t max, ti_bytes_fn fn, void *arg, char why[160]);
#endif
