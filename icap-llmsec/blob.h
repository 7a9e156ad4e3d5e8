/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_BLOB_H
#define LLMSEC_ICAP_BLOB_H
/*
 * Files inside text: runs of base64 (RFC 4648, both alphabets) and hex in JSON, event streams, forms, mail, data: URLs.  Text comes
 * in any pieces; JSON's "\/", "\n" and \uXXXX, line breaks and percent escapes within a run are undone.  Of each run the front is decoded,
 * enough to tell its type; and again from lines on before which a shorter one or an empty one ended, as words and the heads of mails do.  Linear; one window of memory.  An object belongs to one thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"

#define BLOB_MIN	16		/* letters: shorter runs are words */
#define BLOB_STARTS	8		/* of lines where a run may begin behind words that have no sign between them and it */
#define BLOB_RUN	(88 * 1024)	/* letters of a run that are looked at: 44 KB of hex, 66 KB of base64 */

struct blob {
	struct buf	 run;		/* letters, escapes undone */
	struct buf	 data;		/* decoded */
	bool		 full;		/* judged; the rest of the run passes by */
	size_t		 words;		/* letters up to the last that is no hex digit: 0, all are */
	size_t		 line, line_len; /* where the line at hand begins in the run; how long the one before it was */
	size_t		 start[BLOB_STARTS];
	unsigned	 n_start;
	bool		 again;		/* what found() gets is a second reading, from a line further on: short signatures are chance */
	bool		 indent;	/* a line begins: white space is skipped */
	bool		 wide;		/* NULs stood between its letters */
	unsigned char	 last;		/* letter */
	unsigned	 since;		/* letters since the last NUL */
	char		 esc[6];	/* of an escape that came in pieces */
	unsigned	 n_esc;
	/* What a run decodes to; <whole>: all of it.  False stops the walk. */
	bool		(*found)(void *, const void *, size_t, bool whole);
	void		*arg;
	bool		 stopped;
};

void	blob_begin(struct blob *, bool (*found)(void *, const void *, size_t, bool whole), void *arg);
/* False: found() said stop, or no memory (run.err). */
bool	blob_feed(struct blob *, const char *, size_t);
/* Look at the run that is under way as far as it came. */
bool	blob_peek(struct blob *);
bool	blob_end(struct blob *);
void	blob_free(struct blob *);
#endif
