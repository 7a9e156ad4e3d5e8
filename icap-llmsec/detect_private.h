/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_DETECT_PRIVATE_H
#define LLMSEC_ICAP_DETECT_PRIVATE_H
/* Between the parts of the detectors. */
#include "icap-llmsec/detect.h"

#define RULE_SEVERITY_BLOCKS	7	/* a rule's hit below this only adds to the score */

struct rules;
struct model;
struct pii;
struct secret;

struct detectors {
	struct rules	*rules;		/* NULL: no pack */
	struct model	*model;		/* NULL: none */
	struct pii	*pii;		/* NULL: none */
	struct secret	*secret;	/* NULL: none */
};

/* Injection alone.  Scratch memory is given back, the findings stay.  As detect_span(). */
int	detect_prompt(const struct detectors *, const struct detect_modes *, const struct span *, struct arena *, struct findings *,
	    struct detect_score *);
#endif
