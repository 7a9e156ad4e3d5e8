/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_EXTRACT_PDF_H
#define LLMSEC_ICAP_EXTRACT_PDF_H
/*
 * Between the parts of the PDF reader: objects by their numbers (extract_pdf_object.c), filters (extract_pdf_filter.c), fonts and what their codes mean
 * (extract_pdf_font.c), streams and text (extract_pdf.c).  References are to ISO 32000-1.  All memory is the extraction's own and freed at its end.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "icap-llmsec/extract_private.h"

struct pdf_text {		/* a piece of the file, or of an unpacked object stream */
	const unsigned char	*p;
	size_t			 n;
};

struct pdf_object {
	uint32_t	 num;
	struct pdf_text	 dict;		/* the value, "<<" to ">>" or whatever it is */
	struct pdf_text	 data;		/* of a stream, still packed; p NULL: none */
	uint32_t	 order;		/* in the file: a later one replaces an earlier one */
};

struct pdf_range {		/* codes lo..hi show cp[0], cp[0] + 1, ...; of one code up to 4 letters */
	uint32_t	 lo, hi;
	uint32_t	 cp[4];
};

struct pdf_font {
	uint32_t		 num;		/* of its object; 0: inline */
	const unsigned char	*dict;		/* by which it is known */
	bool			 wide;		/* two bytes a code, whatever the table says */
	bool			 utf16;		/* codes are UTF-16: the Uni* CMaps of 9.7.5.2 */
	bool			 blind;		/* codes number glyphs and nothing says which */
	uint32_t		 simple[256];	/* of one-byte codes; 0: unknown */
	struct pdf_range	*range;		/* ToUnicode, sorted by lo */
	size_t			 n_ranges;
	uint32_t		 unknown[8];	/* codes used that nothing is known of, by their last 8 bits */
};

struct pdf_stream {		/* a content stream, and what its names mean */
	struct pdf_text		 data, dict, resources;
	bool			 page;	/* a page shows it, whatever it says that it is */
	bool			 seen;
};

struct pdf {
	struct extraction	*x;
	struct pdf_object	*object;	/* sorted by number, then order */
	size_t			 n_objects, cap;
	struct pdf_stream	*stream;	/* sorted by data */
	size_t			 n_streams;
	struct pdf_text		 resources;	/* in force */
	struct pdf_font		*now;		/* font in force, NULL: none known */
	struct buf		*unpacked;	/* object streams, kept */
	size_t			 n_unpacked;
	struct pdf_font		**font;
	size_t			 n_fonts;
	size_t			 n_ranges;	/* of all fonts */
	size_t			 endobj, endstream;	/* the next ones, as far as was looked */
	size_t			 work;		/* bytes of dictionaries searched: bounded, for they may be searched again and again */
	unsigned		 blind_run, blind_words;	/* codes in a row that could not be read; those in long rows */
	unsigned		 blind_codes;	/* different ones that could not be read, of all fonts */
	bool			 oom;
};

/* --- objects */
void	pdf_index(struct pdf *);
void	pdf_free(struct pdf *);
const struct pdf_object *pdf_object(const struct pdf *, uint32_t num);
/* The value of a key of <dict>, at its own level; p NULL: none. */
struct pdf_text	pdf_get(struct pdf_text dict, const char *key);
/* What a value refers to: "5 0 R" is object 5, anything else itself. */
struct pdf_text	pdf_deref(const struct pdf *, struct pdf_text);
/* Number of the object that a value refers to, 0: none. */
uint32_t	pdf_ref(struct pdf_text);
/* Step over one value: bytes, at least 1 unless n is 0. */
size_t	pdf_skip(struct pdf_text);
/* The same, but "12 0 R" is one value of three words. */
size_t	pdf_skip_value(struct pdf_text);
/* What is <n> bytes further, behind white space and comments. */
struct pdf_text	pdf_after(struct pdf_text, size_t n);
bool	pdf_is_space(unsigned char);
/* A whole number without a sign. */
bool	pdf_number(struct pdf_text, size_t *);
/* A name, its #xx undone (7.3.5), up to <cap> bytes: how many. */
size_t	pdf_name(struct pdf_text, char *, size_t cap);
/* Where the next "endstream" is, or the end.  Ask with growing <at>, or set pdf.endstream to 0 first. */
size_t	pdf_end_of_stream(struct pdf *, size_t at);
/* Is it this word, or this name with its slash? */
bool	pdf_is(struct pdf_text, const char *word);
/* A stream's bytes, unpacked.  False: it can't be (extract_stop() called). */
bool	pdf_unpack(struct pdf *, struct pdf_text dict, struct pdf_text data, struct buf *out);

/* <n> more bytes are searched, or will be: ask first.  False: it's too much, and extract_stop() called.  The bound grows with the file and with what it
   unpacks to, for most dictionaries of a file are in its object streams, and each of those is gone through a few times. */
bool	pdf_work(struct pdf *, size_t n);
/* What pdf_work() still allows. */
size_t	pdf_work_left(const struct pdf *);

/* --- fonts */
/* The font that <name> stands for in <resources>, NULL: not known. */
struct pdf_font *pdf_font(struct pdf *, struct pdf_text resources, struct pdf_text name);
void	pdf_show(struct pdf *, struct pdf_font *, const unsigned char *, size_t);
/* More different unreadable codes than marks, bullets and formulas need (a paper on CRCs has over 16): words of a font that we cannot read. */
#define PDF_BLIND_MAX	40
/* A row of so many is a word, not a formula; so many in such rows are a sentence. */
#define PDF_BLIND_ROW	4
#define PDF_BLIND_WORDS	12
#endif
