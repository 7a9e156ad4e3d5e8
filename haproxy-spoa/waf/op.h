/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_WAF_OP_H
#define LLMSEC_WAF_OP_H
/*
 * The operators of SecLang (reference manual, "Operators").  Compiled once with the rule, then immutable and
 * shared by all threads; evaluation needs the thread's scratch.
 */
#include <stdint.h>

#include "haproxy-spoa/waf/waf.h"

struct diag;

#define WAF_OPS(X) \
	X(beginsWith) X(contains) X(containsWord) X(detectSQLi) X(detectXSS) X(endsWith) X(eq) X(fuzzyHash) X(ge) \
	X(geoLookup) X(gt) X(inspectFile) X(ipMatch) X(ipMatchFromFile) X(le) X(lt) X(noMatch) X(pm) X(pmFromFile) \
	X(rbl) X(rsub) X(rx) X(rxGlobal) X(streq) X(strmatch) X(unconditionalMatch) X(validateByteRange) \
	X(validateDTD) X(validateSchema) X(validateUrlEncoding) X(validateUtf8Encoding) X(verifyCC) X(verifyCPF) \
	X(verifySSN) X(within)
/* fuzzyHash, inspectFile, rsub, validateDTD and validateSchema are known by name and refused with a reason.
   geoLookup and rbl load, never match, and say so once at load (diag warning): no lookups on this path.
   rxGlobal, verify*, containsWord, strmatch are what operators write by hand; the CRS has none of them. */

enum waf_op_id {
#define WAF_OP_ENUM(name) WAF_O_##name,
	WAF_OPS(WAF_OP_ENUM)
#undef WAF_OP_ENUM
	WAF_O_MAX
};

const char	*waf_op_name(enum waf_op_id);
enum waf_op_id	 waf_op_find(const char *, size_t);	/* any case, aliases (pmf, ipMatchF) */

struct waf_rx;		/* a compiled pattern, see waf_rx_* */
struct waf_op;		/* opaque; one per rule */

/*
 * <arg> is the operator's argument as it stands in the file after SecLang's own unquoting; where it contains
 * macros (%{...}) they are expanded by the caller before each waf_op_eval and the precompiled form is left out
 * (@rx with a macro is compiled per evaluation and is slow: say so with a diag warning).  <dir> is where
 * relative data files are looked for; <file>, <line> for messages.  NULL with text in <diag>.
 */
struct waf_op	*waf_op_new(enum waf_op_id, struct waf_str arg, bool has_macro, const char *dir, struct diag *,
		    const char *file, int line);
void		 waf_op_free(struct waf_op **);
enum waf_op_id	 waf_op_which(const struct waf_op *);

/* One thread's scratch for regex work: match data, JIT stack, match limits. */
struct waf_op_scratch;
struct waf_op_scratch *waf_op_scratch_new(void);
void		 waf_op_scratch_free(struct waf_op_scratch **);
/* SecPcreMatchLimit and ...Recursion; 0: ours.  Counted by PCRE2, and anew for every start offset. */
void		 waf_op_scratch_limits(struct waf_op_scratch *, uint32_t match, uint32_t depth);
/* CLOCK_MONOTONIC in microseconds; 0: none.  Looked at inside long searches only. */
void		 waf_op_scratch_deadline(struct waf_op_scratch *, uint64_t monotonic_us);

#define WAF_CAPTURES	10

struct waf_op_result {
	struct waf_str	 capture[WAF_CAPTURES];	/* 0: the whole match (@pm: the phrase as in the text, @detectSQLi:
						   the fingerprint, in the scratch until the next
						   evaluation); .p NULL: not set.  From n_captures on: not written */
	int		 n_captures;		/* highest set + 1 */
	struct waf_str	 matched;		/* into the value; may be empty */
};

/*
 * Evaluate without looking at negation.  <arg>: the expanded argument when has_macro, else ignored.
 * 1 match, 0 no match, -E2BIG (a match limit was hit), -ETIME (the deadline passed within), -ENOMEM.
 * <want_captures> false lets it skip them.
 */
int		 waf_op_eval(const struct waf_op *, struct waf_op_scratch *, struct waf_str arg, struct waf_str value,
		    bool want_captures, struct waf_op_result *);

/*
 * For the plan.  Phrases of @pm/@pmFromFile (folded to lower case; n == 0 for other operators), so that one
 * literal scan over a value answers "can any of them be in it"; the plan may also settle @pm by that alone when
 * no capture is wanted.
 */
size_t		 waf_op_phrases(const struct waf_op *, const struct waf_str **phrases);
/* The pattern text and options of @rx, for the literal extractor; {NULL,0} for others or with a macro. */
struct waf_str	 waf_op_pattern(const struct waf_op *);
/* Does a match of its begin at the start of the value, by its pattern? */
bool		 waf_op_anchored(const struct waf_op *);
uint32_t	 waf_rx_options(void);		/* PCRE2 compile options of every @rx */

/* A pattern for selectors (/regex/ in targets and exclusions): searched, caseless as ModSecurity 2 does. */
struct waf_rx	*waf_rx_new(struct waf_str pattern, bool caseless, struct diag *, const char *file, int line);
void		 waf_rx_free(struct waf_rx **);
/* 1, 0, -E2BIG, -ETIME, -ENOMEM. */
int		 waf_rx_search(const struct waf_rx *, struct waf_op_scratch *, struct waf_str);

/* False where the build found neither libinjection nor libmodsecurity.a: @detectSQLi then fails to load. */
bool		 waf_op_have_libinjection(void);
#endif
