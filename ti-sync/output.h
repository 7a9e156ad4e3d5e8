/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_OUTPUT_H
#define LLMSEC_TI_OUTPUT_H
/*
 * Sinks that write: the two sets, and text for tools that read none.  A text output has no use for categories
 * below a listed name, so those are left out.  Written as NAME.new, fsynced, renamed; nothing of it is seen
 * before ti_output_publish.
 */
#include "ti-sync/compile.h"

enum ti_output_type {
	TI_O_DOMAINS, TI_O_ADDRESSES, TI_O_SQUID, TI_O_HAPROXY_ACL, TI_O_HAPROXY_MAP, TI_O_DNSMASQ, TI_O_RPZ,
	TI_O_HOSTS, TI_O_NFTABLES, TI_OUTPUTS
};

struct ti_output_opts {
	enum ti_output_type	 type;
	const char		*path;
	uint64_t		 categories;	/* only entries with one of these; 0: all */
	int			 min_confidence;
	const char		*zone;		/* RPZ: name of its SOA; nftables: name of the table */
	const struct set_meta	*meta;		/* for the names of categories and the serial */
};

struct ti_output;

const char *ti_output_type_str(enum ti_output_type);
/* Two passes come in: names, then networks. */
int	 ti_output_open(struct ti_output **, const struct ti_output_opts *);
struct ti_sink *ti_output_sink(struct ti_output *);
/* 0, or -errno; entries written in *entries. */
int	 ti_output_publish(struct ti_output *, size_t *entries);
void	 ti_output_free(struct ti_output **);
#endif
