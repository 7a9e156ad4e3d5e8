/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_EXTRACT_H
#define LLMSEC_ICAP_EXTRACT_H
/*
 * The text of a file, for the detectors: plain text and its relatives as they are, HTML without its tags (comments and hidden
 * text kept, for that's where orders to a model are put), office formats by libarchive and expat, PDF by a small reader.
 * All in memory, everything bounded, nothing ever written.  What cannot be read says so; whether it passes is the policy's
 * business (icap-llmsec/attach.h), never this module's.  No shared state: any thread, one arena each.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "icap-llmsec/filetype.h"

struct arena;

enum extract_code {
	EXTRACT_OK,		/* all of the text that there is */
	EXTRACT_UNREADABLE,	/* encrypted, damaged, pictures only, or of a kind that no reader exists for */
	EXTRACT_LIMIT		/* a limit was met; text has what came before */
};

struct extract_limits {		/* 0: the default */
	size_t	text;		/* bytes of text in all; 4 MiB */
	size_t	unpacked;	/* bytes that decompression may give in all; 64 MiB */
	unsigned ratio;		/* unpacked bytes per byte of the file, once 1 MiB is out; 200 */
	unsigned entries;	/* entries of a container, objects of a PDF; 4096 */
	unsigned depth;		/* nesting of XML elements; 256 */
};

struct extracted {
	enum extract_code	 code;
	const char		*why;	/* static, for people; NULL when EXTRACT_OK */
	const char		*text;	/* UTF-8, not NUL-terminated, in the arena; "" when none */
	size_t			 len;
	const struct filetype	*type;
	size_t			 unpacked;	/* bytes that decompression gave */
	bool			 recoded;	/* it isn't UTF-8 or nearly so: places in the text say nothing about the file */
	bool			 pictures;	/* UNREADABLE only because it shows pictures and no text: a scan */
};

/* Can text be got out of files of this type at all? */
bool	extract_knows(const struct filetype *);
/* One character of a text file at p[0], n > 0: UTF-8, and what is ill-formed as Windows-1252.  Bytes, at least 1. */
size_t	extract_char(const char *p, size_t n, uint32_t *cp);
/* 0 with <out> filled in, or -ENOMEM. */
int	extract_text(const void *, size_t, const struct extract_limits *, struct arena *, struct extracted *out);
#endif
