/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_SHARE_H
#define LLMSEC_TI_SHARE_H
/*
 * Sets from one node for others.  The node that has the feeds signs a manifest beside its sets; any web server may
 * hand the folder out.  The others pull: they believe what the manifest says if its Ed25519 signature holds and
 * it isn't older than what they have, and publish under the same names, so that their readers notice nothing.
 *
 *	llmsec-sets 1
 *	run NUMBER
 *	domains.set SIZE SHA-256
 *	ips.set SIZE SHA-256
 *	sig BASE64			over the lines before it
 */
#include "ti-sync/conf.h"

/* Writes sets_dir/manifest, signed with conf->sign_key.  0 or -errno, said in the log. */
int	ti_share_sign(const struct ti_conf *, int64_t run);
/* Exit status: 0 the sets are those of the other node, 1 it couldn't be reached, 2 no upstream is configured,
   3 the manifest or a set is refused. */
int	ti_share_pull(const struct ti_conf *, bool quiet);

struct ti_manifest {
	int64_t	 run;
	struct {
		int64_t	 size;
		char	 sha256[65];
	} file[2];				/* domains.set, ips.set */
};

/* NULL: it is one, and the signature holds.  Else why not. */
const char *ti_manifest_read(struct ti_manifest *, const char *text, size_t n, const char *public_key);
#endif
