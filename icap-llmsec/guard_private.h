/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_GUARD_PRIVATE_H
#define LLMSEC_ICAP_GUARD_PRIVATE_H
/* Between guard.c, guard_markup.c, guard_html.c and guard_hidden.c. */
#include "icap-llmsec/exfil.h"
#include "icap-llmsec/guard.h"

struct guard_hidden {
	char	 part[12];	/* zero-width characters that may be the beginning of a run */
	unsigned part_len, run;	/* bytes, characters */
	char	 cut[4];	/* the begin of a character whose end is to come */
	unsigned cut_len;
	bool	 drop;		/* inside of a run that is dropped */
	unsigned between;	/* zero-width characters met between letters */
	uint32_t prev;		/* last character, 0: none */
	unsigned selectors;	/* that select nothing */
	unsigned flag;		/* tags that may follow: an emoji flag is being spelt */
};

struct guard_markup {
	struct buf held;
	bool	 bol;		/* nothing but white space and markers on this line so far */
	bool	 blank;		/* nothing at all */
	unsigned indent, list;	/* columns; of the list item's content */
	char	 fence;		/* '`', '~', 0: not in fenced code */
	unsigned fence_n;
	uint64_t images, defs;	/* of the open brackets: those of images, those at a line's begin */
	unsigned depth;
	bool	 closed, closed_image, closed_def;	/* the last character was ']' */
	bool	 ref_images, def_data;	/* seen: image by reference; a definition that must not become one */
	bool	 drop_url;	/* the rest of a URL that was replaced */
	char	 tail[8];	/* last characters in lower case, without white space and quotes */
	char	 last;		/* last byte */
};

struct guard_text {
	bool	 json;
	struct guard_hidden hidden;
	struct guard_markup markup;
	struct leak_reader leak;
	struct buf clean;	/* without hidden characters */
	struct buf ready;	/* markup judged */
	struct buf gate;	/* held back during a recital */
};

/* A finding: returns the mode it is under, DETECT_OFF included, or -errno; -EPERM for DETECT_BLOCK. */
int	guard_tell(struct guard *, enum guard_rule);
int	guard_hidden_step(struct guard *, struct guard_hidden *, const char *, size_t, bool last, struct buf *out);
int	guard_markup_step(struct guard *, struct guard_markup *, bool json, const char *, size_t, bool last,
	    struct buf *out);
/*
 * "<..." at p: bytes to take, 0: more are needed (never when <final>), -errno.  What is to be written goes to <out>.
 */
ssize_t	guard_tag(struct guard *, const char *p, size_t n, bool final, struct buf *out);
#endif
