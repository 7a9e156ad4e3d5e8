/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TESTS_CRS_RX_H
#define LLMSEC_TESTS_CRS_RX_H
/*
 * Every @rx of an installed rule set, by a reader that knows just enough SecLang: lines joined at "\", the
 * operator in the second pair of quotes, id and paranoia level out of the third.
 */
#include <stdbool.h>
#include <stddef.h>

#include "haproxy-spoa/waf/waf.h"

struct arena;

struct crs_rx {
	struct waf_str	 pattern;
	long		 id;		/* of the chain's first rule */
	int		 paranoia;	/* 0: none said */
	bool		 negated;
};

/* Patterns with macros are left out.  NULL with *n 0: no such folder. */
struct crs_rx	*crs_rx_read(const char *dir, struct arena *, size_t *n);
#endif
