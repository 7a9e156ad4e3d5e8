/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_STREAM_MEND_H
#define LLMSEC_ICAP_STREAM_MEND_H
/*
 * JSON whose strings are cut inside a character.  Servers that cut a model's text by bytes, or by the code units of their language, send half an
 * emoji at the end of one delta ("\ud83d", or two of its four bytes) and the other half at the beginning of the next one.  The halves come together in front of
 * the later one; what has no other half becomes U+FFFD.  What is written is what is judged, so halves hide nothing.
 */
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

/* What the strings so far left over.  Zero: nothing. */
struct json_mend {
	unsigned	 high;		/* half a surrogate pair, 0: none */
	char		 part[4];	/* or the beginning of a character */
	size_t		 n;
};

/* Append <json>, mended.  <m>: NULL for a whole body, whose strings don't go on in each other.  0 or -ENOMEM. */
int	json_mend(struct json_mend *m, const char *json, size_t len, struct buf *out);
#endif
