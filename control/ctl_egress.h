/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_CTL_EGRESS_H
#define LLMSEC_CTL_EGRESS_H
/* llmsecctl egress, token, ca, audit: what needs no connection to llmsecd, and what is made of its answers. */
#include <stddef.h>
#include <stdio.h>

/* Rules for egress.yaml that allow what was seen while observing: <json> is the answer of /api/events.  0 or -1. */
int	ctl_egress_suggest(const char *json, FILE *out);
/*
 * Does Squid's configuration refuse what nobody allowed: order of http_access, the guard, the helper's options.
 * Reads <path> and what it includes.  The number of faults, each said; -errno if it can't be read.
 */
int	ctl_egress_check(const char *path, FILE *out);
/* A CA for `tls: bump`, key and certificate in one file of mode 0600.  0 or -errno. */
int	ctl_ca_make(const char *path, int replace, FILE *out);
int	ctl_ca_show(const char *path, FILE *out);
#endif
