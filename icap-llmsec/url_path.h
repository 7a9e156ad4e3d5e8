/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_URL_PATH_H
#define LLMSEC_ICAP_URL_PATH_H
/*
 * The path of a request target as an origin will read it: no authority, query or fragment, escapes decoded,
 * dot segments (RFC 3986, 5.2.4) and runs of '/' folded, '\' as '/', no trailing '/'.  Origins differ in how
 * much more they decode; whatever one of them might is decoded here too, and the path marked <odd>.  Pure.
 */
#include <stdbool.h>
#include <stddef.h>

#define URL_PATH_MAX	8192

struct url_path {
	char	s[URL_PATH_MAX];	/* not NUL-terminated */
	size_t	n;
	bool	odd;	/* decodes twice, has ;parameters, controls, overlong bytes, or is cut */
	bool	cut;	/* longer than URL_PATH_MAX: the end is missing */
};

/* <url>: a path, or an absolute URL. */
void	url_path_read(struct url_path *, const char *url, size_t len);
#endif
