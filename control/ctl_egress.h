/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_CTL_EGRESS_H
#define LLMSEC_CTL_EGRESS_H
/* llmsecctl egress, token, ca, audit: what needs no connection to llmsecd, and what is made of its answers. */
#include <stddef.h>
#include <stdio.h>

/*
 * Does Squid's configuration refuse what nobody allowed (egress_shape.h)?  Reads <path> and what it includes; lets `squid -k parse` read
 * it, too, where a squid is in <program_dirs> or where it is usually installed; and sends <probe>, the URL of a running forward port or
 * NULL, a request that no policy allows.  The number of faults, each said; -errno if it can't be read.
 */
int	ctl_egress_check(const char *path, const char *program_dirs, const char *probe, FILE *out);
/* A CA for `tls: bump`, key and certificate in one file of mode 0600.  0 or -errno. */
int	ctl_ca_make(const char *path, int replace, FILE *out);
/*
 * Another CA in the place of the one there is; -ENOENT if there is none.  <certgen_db>, or NULL: the store of security_file_certgen (its -s),
 * which would go on to hand out certificates by the old CA; it is moved aside and an empty one put in its place, by certgen itself from
 * <program_dirs> or where Squid puts it.  Squid should be stopped.  What is to be done is said to <out>.  0, or -errno: nothing changed.
 */
int	ctl_ca_rotate(const char *path, const char *certgen_db, const char *program_dirs, FILE *out);
int	ctl_ca_show(const char *path, FILE *out);
#endif
