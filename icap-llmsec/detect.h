/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_DETECT_H
#define LLMSEC_ICAP_DETECT_H
/*
 * Detectors: text in, findings out.  A detector is one row of a table; its compiled rules are immutable
 * and shared by all threads, scratch memory (PCRE2 match data, JIT stack) is per thread or per arena.
 */
#include <stdbool.h>
#include <stddef.h>

#include "icap-llmsec/span.h"

struct diag;
struct detectors;	/* compiled, immutable */

enum detect_mode { DETECT_OFF, DETECT_MONITOR, DETECT_MASK, DETECT_BLOCK };

struct finding {
	const char	*rule_id;	/* "LLMSEC-INJ-0001", "LLMSEC-PII-EMAIL"; lives with detectors */
	const char	*category;	/* "injection", "pii.email", "pii.card" */
	enum detect_mode mode;
	int		 severity;	/* 0..10 */
	size_t		 start, len;	/* in the text given */
	size_t		 span;		/* of a request: number of its span */
};

struct findings {
	struct finding	*v;		/* in the arena; ordered by start */
	size_t		 n;
};

struct detect_conf {
	const char	*injection_pack;	/* YAML file; "" = none */
	enum detect_mode injection_user, injection_tool;	/* per kind of span */
	enum detect_mode pii_email, pii_card;
};

int	detectors_load(struct detectors **, const struct detect_conf *, struct diag *);
void	detectors_free(struct detectors **);

/* Run all detectors that apply to a span of a request.  0, -ENOMEM, -EOVERFLOW (match limit hit: the
   caller's verdict is ERROR, never "clean"). */
int	detect_span(const struct detectors *, const struct span *, struct arena *, struct findings *);
/* PII detectors alone, on text the model wrote. */
int	detect_output(const struct detectors *, const char *text, size_t len, struct arena *,
	    struct findings *);
/* The longest text an output detector or a mask token may span, in bytes: the stream's hold-back. */
size_t	detect_output_window(const struct detectors *);
#endif
