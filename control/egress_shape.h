/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EGRESS_SHAPE_H
#define LLMSEC_EGRESS_SHAPE_H
/*
 * Does a squid.conf refuse what nobody allowed: on each forward port the manager, then the helper about every request, then addresses,
 * and only then an allow; and deny all last.  docs/egress.md has the lines.
 */
#include <stdio.h>

struct squid_conf;

/* The number of faults, each said to <out>. */
int	egress_shape_check(const struct squid_conf *, FILE *out);
/* 1: some port opens TLS, so that a refused CONNECT is answered inside it. */
int	egress_shape_opens_tls(const struct squid_conf *);
#endif
