/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_MANIFEST_H
#define LLMSEC_TI_MANIFEST_H
/*
 * What one node says about the sets that others may pull: a text, a line each, in this order.
 *
 *	llmsec-sets 2
 *	run NUMBER
 *	domains.set SIZE SHA-256
 *	ips.set SIZE SHA-256
 *	delta FILE BASE-SHA-256 RESULT-SHA-256 SIZE SHA-256		any number, oldest first
 *	sig BASE64							Ed25519 over the lines before it
 *
 * A delta makes one version of domains.set or ips.set of another (ti-sync/delta.h).  It lies beside the sets as
 * FILE.BASE.RESULT.delta, with the first 16 digits of both.
 */
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

#define TI_MANIFEST_MAX	16384
#define TI_DELTAS_MAX	16		/* of both files */
#define TI_DELTA_NAME	80

struct ti_delta_ref {
	int	 file;			/* 0 domains.set, 1 ips.set */
	char	 base[65], result[65], sha256[65];
	int64_t	 size;
};

struct ti_manifest {
	int64_t	 run;
	struct {
		int64_t	 size;
		char	 sha256[65];
	} file[2];
	struct ti_delta_ref delta[TI_DELTAS_MAX];
	size_t	 n_deltas;
};

extern const char *const ti_set_names[2];

/* Reads the lines before the signature.  NULL, or what is wrong. */
const char *ti_manifest_parse(struct ti_manifest *, const char *text, size_t n);
/* NULL: it is one, and the signature holds.  Else why not. */
const char *ti_manifest_read(struct ti_manifest *, const char *text, size_t n, const char *public_key);
/* The lines before the signature. */
void	ti_manifest_write(const struct ti_manifest *, struct buf *);
char	*ti_delta_name(char out[TI_DELTA_NAME], const struct ti_delta_ref *);
#endif
