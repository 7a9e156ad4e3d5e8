/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_EXTRACT_PRIVATE_H
#define LLMSEC_ICAP_EXTRACT_PRIVATE_H
/* The readers behind extract_text().  Each appends to x->text and calls extract_stop() where it must end early. */
#include <stdint.h>

#include "icap-llmsec/extract.h"
#include "lib/buf.h"

struct extraction {
	const unsigned char	*data;
	size_t			 len;
	struct extract_limits	 lim;	/* no zeros left */
	struct buf		 text;	/* .max is lim.text: -EFBIG in .err means the limit */
	size_t			 unpacked;
	bool			 pictures, recoded;
	enum extract_code	 code;
	const char		*why;
	bool			 spent;	/* a limit was met, whatever <code> says: on with nothing */
};

/* The first reason stays; a later LIMIT does not hide an earlier UNREADABLE. */
void	extract_stop(struct extraction *, enum extract_code, const char *why);
/* <n> more bytes were unpacked.  False: the limit in bytes or ratio was met, and extract_stop() called. */
bool	extract_unpacked(struct extraction *, size_t n);
/* Append a code point. */
void	extract_put(struct extraction *, uint32_t cp);

/* Can it be read by extract_char()?  Not if most of its letters are bytes of another encoding. */
bool	extract_is_utf8(const struct extraction *);
typedef void extract_fn(struct extraction *, const char *, size_t);
/* <read> every reading of such a text; none: UNREADABLE. */
void	extract_recoded(struct extraction *, extract_fn *read);
/* A file in the file: its text, if it is one; nothing of pictures, sound, films; anything else: UNREADABLE. */
void	extract_part(struct extraction *, const void *, size_t);
void	extract_rtf(struct extraction *);
void	extract_html(struct extraction *, const char *, size_t);
void	extract_office(struct extraction *, const struct filetype *);
void	extract_pdf(struct extraction *);
#endif
