/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_SEAMS_H
#define LLMSEC_ICAP_SEAMS_H
/*
 * Where one text of a request goes on in the next: parts of a message, messages of a user behind each other, parts of a tool's result.  A model reads them in
 * one piece, so an attack may be cut there, inside a word, too.  What stands to both sides of a seam is judged joined with a blank and, where letters
 * meet, without one.
 */
#include "icap-llmsec/detect.h"

/*
 * <before>: [spans.n], which were judged in an earlier turn; seams between two such aren't judged again.  What is found, and in none of the parts by itself, is
 * appended to <per_span> ([spans.n]) of the part that it ends in.  *score is raised to the highest.  0, -ENOMEM, -EOVERFLOW as detect_span().
 */
int	seams_judge(const struct detectors *, const struct detect_modes *, const struct spans *, const bool *before, struct arena *,
	    struct findings *per_span, struct detect_score *);
#endif
