/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_DECODE_H
#define LLMSEC_ICAP_DECODE_H
/*
 * Content codings (RFC 9110, 8.4.1): gzip (RFC 1952), deflate (zlib, RFC 1950, and the bare RFC 1951
 * stream some servers send under that name) and br (RFC 7932).  Incremental: every byte that can be
 * decoded comes out of the call that brought it, so a stream flushed by its sender stays a stream.
 * What comes out is bounded, in bytes and in ratio to what went in.  An object belongs to one thread.
 */
#include <stddef.h>

#include "lib/buf.h"

enum decode_coding {
	DECODE_IDENTITY, DECODE_GZIP, DECODE_DEFLATE, DECODE_BR,
	DECODE_UNKNOWN		/* another coding, or several on top of each other */
};

/* Value of a Content-Encoding header; NULL, "" and "identity" are DECODE_IDENTITY. */
enum decode_coding decode_coding(const char *content_encoding);

struct decode;

/* <max_out> bytes may come out in all.  0, -ENOMEM, -EOPNOTSUPP for DECODE_UNKNOWN. */
int	decode_new(struct decode **, enum decode_coding, size_t max_out);
void	decode_free(struct decode **);
/*
 * Append what <data> decodes to.  0; -EILSEQ: not this coding, or bytes after its end; -EFBIG: more
 * than max_out, or a ratio no text reaches; -ENOMEM.  Errors stick.
 */
int	decode_feed(struct decode *, const void *data, size_t len, struct buf *out);
/* End of input: 0, or -ENODATA when the coding had not come to its own end. */
int	decode_finish(const struct decode *);

/* Whole body at once, errors as above (-EOPNOTSUPP: unknown coding). */
int	decode_all(const char *content_encoding, const void *data, size_t len, size_t max_out,
	    struct buf *out);
#endif
