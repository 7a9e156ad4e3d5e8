/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_COLLECT_H
#define LLMSEC_TI_COLLECT_H
/*
 * Where the parsers put what they find in one feed: canonical keys, and a count of what was refused, with the
 * first few of each reason by file and line.  Not thread safe; one per feed.
 */
#include "ti-sync/canon.h"
#include "ti-sync/keys.h"

#define TI_EXAMPLES	5		/* kept of each reason */

enum ti_kinds { TI_WANT_ALL, TI_WANT_DOMAINS, TI_WANT_NETS };

struct ti_example {
	unsigned long	line;
	char		text[80];	/* printable */
};

struct ti_collect {
	enum ti_kinds	 want;
	size_t		 max_entries;	/* 0: no limit */
	struct ti_keys	 names, nets;
	unsigned long	 line;		/* where the parser is */
	size_t		 tokens;	/* offered */
	size_t		 refused[TI_REASONS];
	struct ti_example example[TI_REASONS][TI_EXAMPLES];
	int		 err;		/* -ENOMEM, -EFBIG (max_entries); sticks */
};

/* A name, address, network, range or URL.  Returns false once there is an error: the parser may stop. */
bool	ti_collect_token(struct ti_collect *, const char *p, size_t n);
/* The same where a URL is meant: its host. */
bool	ti_collect_url(struct ti_collect *, const char *p, size_t n);
void	ti_collect_refuse(struct ti_collect *, enum ti_reason, const char *p, size_t n);
size_t	ti_collect_entries(const struct ti_collect *);
size_t	ti_collect_refused(const struct ti_collect *);
void	ti_collect_free(struct ti_collect *);
#endif
