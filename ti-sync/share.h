/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_SHARE_H
#define LLMSEC_TI_SHARE_H
/*
 * Sets from one node for others.  The node that has the feeds signs a manifest beside its sets (ti-sync/manifest.h)
 * and puts there what differs from the last few versions; any web server may hand the folder out.  The others pull:
 * they believe what the manifest says if its Ed25519 signature holds and it isn't older than what they have, fetch the
 * differences if they have a version that those begin with, else the whole, and publish under the same names, so that
 * their readers notice nothing.
 */
#include "ti-sync/conf.h"

/* Before a publication: keeps the sets there are, for ti_share_sign to compare with. */
void	ti_share_keep(const struct ti_conf *);
/*
 * After it, and after a run without one: if the manifest isn't that of the sets, writes the deltas and another, signed
 * with conf->sign_key; so a run that was killed in between is made up for.  0 or -errno, said in the log.
 */
int	ti_share_sign(const struct ti_conf *, int64_t run);
/* Exit status: 0 the sets are those of the other node, 1 it couldn't be reached, 2 no upstream is configured,
   3 the manifest or a set is refused.  (pull.c) */
int	ti_share_pull(const struct ti_conf *, bool quiet);
#endif
