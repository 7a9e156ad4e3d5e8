/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_EXFIL_H
#define LLMSEC_ICAP_EXFIL_H
/*
 * Does a URL that a model wrote carry data away?  It does if it leads to a host that neither the configuration nor the
 * request knows, and says more than a URL of its kind needs to: in its query, path, host name or user part.  How much is too much
 * depends on who fetches it: an image is loaded without being asked for, a link is clicked by a person who
 * can read it.  A URL that stands in the request word for word carries nothing that its author did not know.
 * Pure functions; any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "icap-llmsec/responses.h"

#define EXFIL_URL_MAX	2048	/* a longer one is judged by its beginning, and long */

enum exfil_use { EXFIL_LOADED, EXFIL_CLICKED };
enum exfil_verdict {
	EXFIL_OK,
	EXFIL_DATA,		/* data to an unknown host */
	EXFIL_ACTIVE		/* javascript:, vbscript:, data:text/html */
};

/* As written: entities, backslash escapes, \u escapes and white space inside are resolved here.  <sketch> may be NULL. */
enum exfil_verdict exfil_url(const struct resp_conf *, const struct resp_sketch *, enum exfil_use,
	    const char *url, size_t len);
/* "&#106;", "&colon;" at p[0]: its length and character, 0 if it is none.  Names of what URLs are made of only. */
size_t	exfil_entity(const char *p, size_t n, uint32_t *cp);
/* Note hosts and URLs of the request in the sketch. */
void	exfil_sketch(struct resp_sketch *, const struct spans *);
#endif
