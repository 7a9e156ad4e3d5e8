/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_FORMAT_H
#define LLMSEC_TI_FORMAT_H
/*
 * The formats that feeds come in.  A parser takes bytes in any pieces and puts what it finds into a ti_collect.
 * Linear time; memory is one line (64 KiB) or what lib/json.h bounds.
 */
#include <stddef.h>

#include "ti-sync/collect.h"

enum ti_format {
	TI_F_AUTO, TI_F_LIST, TI_F_HOSTS, TI_F_ADBLOCK, TI_F_DNSMASQ, TI_F_RPZ, TI_F_BIND, TI_F_CSV, TI_F_TSV,
	TI_F_JSON, TI_F_JSONL, TI_F_STIX, TI_F_MISP, TI_F_DROP, TI_FORMATS
};

struct ti_format_opts {
	enum ti_format	 format;
	const char	*column;	/* CSV, TSV: number from 1, or the header's name; "": found out */
	const char	*path;		/* JSON: as json_path_is(); "": fields with the usual names */
};

struct ti_parser;

const char *ti_format_str(enum ti_format);
/* TI_F_LIST if nothing better fits.  <p> is the beginning, 64 KiB of it or all there is. */
enum ti_format ti_format_detect(const char *p, size_t n);

/* Keeps <opts>' strings and <c>.  NULL: no memory. */
struct ti_parser *ti_parser_new(const struct ti_format_opts *opts, struct ti_collect *c);
/* 0; -EBADMSG: not this format, ti_parser_error says why; or the collector's error.  Sticks. */
int	ti_parser_feed(struct ti_parser *, const void *, size_t);
int	ti_parser_end(struct ti_parser *);
const char *ti_parser_error(const struct ti_parser *);
/* What TI_F_AUTO turned out to be; TI_F_AUTO before it is known. */
enum ti_format ti_parser_format(const struct ti_parser *);
void	ti_parser_free(struct ti_parser **);
#endif
