/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_NORM_H
#define LLMSEC_ICAP_NORM_H
/*
 * Minimal normalisation before rules run: ill-formed UTF-8 repaired, case folded (ASCII, Latin-1, Latin
 * Extended-A, Greek, Cyrillic), full-width forms to ASCII, invisible characters (zero width, bidi controls,
 * variation selectors, soft hyphen) dropped, tag characters (U+E0020..E007E) decoded, typographic quotes
 * to ASCII, runs of white space to one space.  Linear.  Every output byte knows where it came from.
 */
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"

struct norm {
	char		*text;	/* valid UTF-8, NUL-terminated */
	uint32_t	*map;	/* map[i]: offset in the original of output byte i; map[len] = original length */
	size_t		 len;
};

/* 0, -ENOMEM, -EFBIG (4 GiB). */
int	norm_text(struct norm *, const char *text, size_t len, struct arena *);
#endif
