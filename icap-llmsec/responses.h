/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_RESPONSES_H
#define LLMSEC_ICAP_RESPONSES_H
/*
 * What is done with an answer: the "responses:" map of icap.yaml, and the sketch of the request by which the
 * answer is judged.  The request's side makes the sketch and seals it into X-LLMSec-Tx (tx.c); it holds keyed
 * hashes and bits, never text.  Configuration is immutable and shared; a sketch belongs to one transaction.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "icap-llmsec/span.h"
#include "lib/arena.h"
#include "lib/conf.h"

struct keyring;

/* Modes are enum detect_mode; which are allowed is in the table. */
struct resp_conf {
	int	 leak;			/* overlap with the system prompt */
	int	 leak_strong;		/* most of it, or of its beginning */
	int	 canary;		/* off: none is planted */
	int64_t	 canary_rotate;		/* ms */
	int	 exfil;			/* what clients load by themselves, with data, from an unknown host */
	int	 exfil_links;		/* what a person must click */
	int	 exfil_tools;		/* URLs in arguments of tool calls */
	int	 hidden;		/* characters nobody sees */
	int	 active_html;
	struct conf_strs allow_hosts;	/* "img.example.org", ".example.org" with all below it */
};
extern const struct conf_opt resp_conf_opts[];

#define SKETCH_SHINGLES	640
#define SKETCH_BLOOM	1024		/* bytes */
#define CANARY_LEN	20		/* letters */

struct resp_sketch {
	uint64_t key;				/* of all hashes; random per request */
	uint32_t units;			/* letters of the system prompt; 0: none worth guarding */
	uint32_t n;			/* shingles, in the order of the text */
	uint32_t shingle[SKETCH_SHINGLES];
	bool	 has_urls;
	uint8_t	 bloom[SKETCH_BLOOM];	/* hosts and URLs of the request */
	char	 canary[CANARY_LEN + 1];	/* "": none was planted */
};

/*
 * The one call of the request's side, once the spans are known and the request will pass: fills *sketch (calloc'ed; the
 * caller's, for tx.sketch; NULL if <conf> needs none) and, if a canary is to be planted, *edit: the system message with it,
 * text in the arena (edit->text == NULL: nothing to plant).  <secret>: the keyring whose first key makes canaries, NULL: none are
 * planted.  <tenant>: key digest or "".  0 or -ENOMEM.
 */
int	resp_prepare(const struct resp_conf *, const struct keyring *secret, const char *tenant, time_t now,
	    const struct spans *, struct arena *, struct resp_sketch **sketch, struct edit *edit);
#endif
