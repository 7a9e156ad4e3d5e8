/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_VIEWS_H
#define LLMSEC_ICAP_VIEWS_H
/*
 * Every way in which a text can be read: as it stands (normalised), as it looks (its skeleton), and what is
 * encoded in it, again normalised and read both ways, to a depth of VIEW_DEPTH.  Encodings: percent, HTML entities,
 * backslash escapes and quoted-printable, single or mixed with plain text; base64 and base64url, broken by white
 * space, begun anywhere or from behind; base32, Ascii85 and Z85; hexadecimal, octal, binary and decimal byte values with any
 * separators, the fixed-length ones without any, and code points; Morse; bytes hidden in variation selectors; rotations of the alphabet, Atbash, lines from
 * behind in many scripts, letters upside down; words taken apart by mark-up, backslashes, pictures and other signs.  Full-width, mathematical and Arabic digits
 * and letters are ASCII to all of them.  A layer that is nothing but an encoding of the next is no view.
 *
 * Linear: what is decoded and read has at most VIEW_GROWTH times the text's size in all (of a text over VIEW_SMALL bytes, three
 * quarters of its size, as base64 has, and what a text of that many bytes has beyond its own), then no more views are made (*cut): no text costs much more than
 * twice another of its size, and small ones, of which most attacks are, are read as often as it takes.  Of a long text most of which decodes to text, VIEW_PLAIN
 * leaves that out.
 * All memory is the arena's.  Pure functions; nothing here knows rules.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "icap-llmsec/norm.h"
#include "icap-llmsec/view_marks.h"

#define VIEW_DEPTH	4
#define VIEW_GROWTH	4
#define VIEW_SMALL	4096
#define VIEWS_MAX	64

enum view_kind {
	VIEW_PLAIN, VIEW_SKELETON,
	VIEW_ESCAPES, VIEW_SELECTORS, VIEW_BASE64, VIEW_BASE32, VIEW_BASE85, VIEW_NUMBERS, VIEW_MORSE, VIEW_ROTATED, VIEW_REVERSED, VIEW_TURNED,
	VIEW_MARKUP,
	VIEW_KINDS
};

struct view {
	struct norm	 norm;		/* its map leads to the text that was given; inside an encoded run, to the run's begin */
	enum view_kind	 kind;
	unsigned	 depth;		/* encodings on top of each other; 0: none */
};

struct views {
	struct view	 v[VIEWS_MAX];	/* v[0] is VIEW_PLAIN */
	size_t		 n;
	bool		 cut;		/* there was more to decode than the bounds allow */
};

/* 0, -ENOMEM, -EFBIG. */
int	views_make(struct views *, const char *text, size_t len, struct arena *);
const char *view_kind_name(enum view_kind);

/* ---- for the decoders: a derived text and where its parts come from ---------------------------- */
struct piece {
	size_t	 out;			/* from here on, the derived text comes from */
	size_t	 start, end;		/* these bytes of its source, as a whole */
};

struct derived {
	char		*text;
	size_t		 len, cap;	/* cap: bound by whoever made it; a decoder stops there */
	struct piece	*piece;
	size_t		 n_pieces, pieces_cap;
	struct arena	*arena;
	size_t		 found;		/* what was decoded in it, in places */
	bool		 full;
	struct cipher_lines *lines;	/* view_ciphers.c, of the text that is decoded now; NULL: not known yet */
};

/* Append; without effect once it is full. */
void	derived_add(struct derived *, const char *, size_t len, size_t start, size_t end);
/* Append if it could be text: well-formed, at least <min> bytes, most of them letters, or longer and all of it ASCII that can be printed, as
   another encoding is.  A line end follows. */
bool	derived_add_text(struct derived *, const char *, size_t len, size_t min, size_t start, size_t end);
#define DERIVED_AROUND	256	/* bytes of plain text kept to each side of what was decoded */
/* The plain text [done, i) between two places, or before the first: all of it, or what is near to either. */
void	derived_between(struct derived *, const char *text, size_t done, size_t i);
/* The same behind the last place, which ended at <done>. */
void	derived_after(struct derived *, const char *text, size_t len, size_t done);

/* Does a line in Greek, Cyrillic, Hebrew, Arabic, Hangul, Han or kana run backwards?  By the letters that its words begin and end with, or by
   pairs of characters that are frequent in one order only. */
bool	view_runs_backwards(const char *, size_t len);

typedef void view_decode_fn(struct derived *, const char *text, size_t len, const struct marks *, struct arena *);
view_decode_fn view_escapes, view_selectors, view_base64, view_base32, view_base85, view_numbers, view_morse, view_rotated,
    view_reversed, view_turned, view_markup;
#endif
