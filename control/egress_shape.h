/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EGRESS_SHAPE_H
#define LLMSEC_EGRESS_SHAPE_H
/*
 * Does a squid.conf refuse what nobody allowed: on each forward port the manager, then the helper about every request, then addresses,
 * and only then an allow; and deny all last.  docs/egress.md has the lines.
 */
#include <stdio.h>

struct squid_conf;

/* The number of faults, each said to <out>.  <budget_log>: where the policy wants bytes told (accounts.log); NULL: it has no budget. */
int	egress_shape_check(const struct squid_conf *, const char *budget_log, FILE *out);
/* The policy that the helper is given (-c), of <conf>; NULL: none is named. */
const char *egress_shape_policy(const struct squid_conf *conf);
/* 1: some port opens TLS, so that a refused CONNECT is answered inside it. */
int	egress_shape_opens_tls(const struct squid_conf *);
#endif
