/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_GUARD_H
#define LLMSEC_ICAP_GUARD_H
/*
 * The guard of an answer's text: hidden characters, Markdown and HTML that load, click or run, and recitals of the
 * system prompt.  Text comes in pieces cut anywhere; what comes out does not depend on where.  What can't be
 * decided yet - an unfinished URL, tag or code span - is held back, at most GUARD_HELD bytes; while a recital is going
 * on, at most GUARD_GATE.
 *
 * Markdown is read as CommonMark does, as far as it matters: fenced code and code spans are left alone, reference
 * definitions count as images.  A guard belongs to one response, a guard_text to one of its texts; one thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "icap-llmsec/detect.h"
#include "icap-llmsec/leak.h"
#include "lib/buf.h"

#define GUARD_HELD	2048
#define GUARD_GATE	4096

enum guard_rule {
	GUARD_LEAK_PART, GUARD_LEAK_STRONG, GUARD_LEAK_CANARY,
	GUARD_EXFIL_IMAGE, GUARD_EXFIL_LINK, GUARD_EXFIL_TAG, GUARD_EXFIL_CSS, GUARD_EXFIL_TOOL,
	GUARD_HTML_ELEMENT, GUARD_HTML_HANDLER, GUARD_HTML_URL,
	GUARD_HID_TAGS, GUARD_HID_BIDI, GUARD_HID_SELECTORS, GUARD_HID_ZERO_WIDTH,
	GUARD_RULES
};

struct guard {
	const struct resp_conf	 *conf;		/* NULL: does nothing */
	const struct resp_sketch *sketch;	/* may be NULL */
	struct leak_watch	  watch;
	bool			  told[GUARD_RULES];
	/* Called for the first finding of each rule.  0 or -errno, which ends the text. */
	int	(*found)(void *arg, const struct finding *);
	void			 *arg;
};

/* <conf>, <sketch>: borrowed.  0 or -ENOMEM. */
int	guard_init(struct guard *, const struct resp_conf *, const struct resp_sketch *);
void	guard_clear(struct guard *);
/* Whether it can find anything / change or stop anything. */
bool	guard_active(const struct guard *);
bool	guard_judges(const struct guard *);

struct guard_text;
/* <json>: pieces of JSON, the arguments of a tool call.  NULL: no memory. */
struct guard_text *guard_text_new(bool json);
void	guard_text_free(struct guard_text **);
bool	guard_text_holds(const struct guard_text *);
/* 0; -EPERM: a finding under DETECT_BLOCK; -errno.  <last>: no more will come. */
int	guard_step(struct guard *, struct guard_text *, const char *, size_t, bool last, struct buf *out);
#endif
