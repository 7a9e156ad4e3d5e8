/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EGRESS_THREATS_H
#define LLMSEC_EGRESS_THREATS_H
/*
 * What llmsec-ti-sync lists, names and addresses, as the helper holds it: two sets that a policy names (threats), each
 * read again when another file stands at its place, and kept as it is when the new one is broken.  Lookups may come from any
 * number of threads, a check from one, and not at the same time.
 */
#include <stdbool.h>
#include <stddef.h>

#include "lib/set_file.h"

struct diag;
struct egress_conf_threats;
struct set_dom;
struct set_ip;

enum { EGRESS_THREATS_DOMAINS, EGRESS_THREATS_IPS, EGRESS_THREATS_N };

/* One file: where, which one, and whether what stands there now can't be read. */
struct egress_threats_file {
	char			 path[4096];
	struct set_stamp	 seen;
	bool			 stale;
	bool			 retry;	/* for no fault of its own */
};

/* All zero: none. */
struct egress_threats {
	struct set_dom			*domains;	/* the last good ones; NULL: none yet */
	struct set_ip			*ips;
	struct egress_threats_file	 file[EGRESS_THREATS_N];
};

/* What became of one file: <why> NULL: it is in force, else it can't be read, and the one before, if any, is. */
typedef void egress_threats_said(void *arg, const char *path, const struct set_info *info, const char *why);

/* Look at both; what couldn't be read for want of memory or descriptors is tried again at the next look.  True: something else is in force than before.  <said> hears of each change, once. */
bool	egress_threats_check(struct egress_threats *, const struct egress_conf_threats *, egress_threats_said *said, void *arg);
/* How many of the files that are named can't be read as they are now. */
unsigned egress_threats_stale(const struct egress_threats *);
/* For who asks once: what can't be read is in <diag>, which may be NULL, and isn't there. */
void	egress_threats_load(struct egress_threats *, const struct egress_conf_threats *, unsigned flags, struct diag *);
void	egress_threats_close(struct egress_threats *);
#endif
