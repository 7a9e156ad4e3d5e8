/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_MULTIPART_H
#define LLMSEC_ICAP_MULTIPART_H
/*
 * Multipart bodies: form-data (RFC 7578) and related (RFC 2387), after RFC 2046 5.1.  Strict: what two readers may cut in two ways is
 * malformed, so that nobody behind us finds a part that we haven't seen.  Linear, no memory; parts point into the body.
 */
#include <stdbool.h>
#include <stddef.h>

#define MULTIPART_BOUNDARY	70	/* letters; RFC 2046 */

struct multipart {
	const char	*at, *end;
	char		 mark[MULTIPART_BOUNDARY + 5];	/* CRLF "--" boundary */
	size_t		 mark_len;
	bool		 form;		/* form-data: every part has a name */
	const char	*error;		/* static text, NULL while there is none */
};

struct multipart_part {
	const char	*name, *filename, *type;	/* as sent, quotes off; NULL: absent */
	size_t		 name_len, filename_len, type_len;
	const char	*data;
	size_t		 len;
};

bool	multipart_is(const char *content_type);
/* False: no multipart, or its boundary can't be used; see error. */
bool	multipart_begin(struct multipart *, const char *content_type, const void *body, size_t len);
/* 1: the next part; 0: the end, and nothing behind it; -1: malformed, see error. */
int	multipart_next(struct multipart *, struct multipart_part *);
#endif
