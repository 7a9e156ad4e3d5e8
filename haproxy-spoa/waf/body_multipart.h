/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_WAF_BODY_MULTIPART_H
#define LLMSEC_WAF_BODY_MULTIPART_H
/*
 * The two headers of multipart/form-data (RFC 7578, RFC 2046) on which attackers make parsers disagree.  Both
 * readers are strict about what they report and lenient about what they hand on: the rules should see what
 * any server could see.  The MULTIPART_ variables are made from enum mp_flag.
 */
#include "haproxy-spoa/waf/vars_private.h"

enum mp_flag {
	MP_BOUNDARY_QUOTED, MP_BOUNDARY_WHITESPACE, MP_CRLF_LF_LINES, MP_DATA_AFTER, MP_DATA_BEFORE,
	MP_FILE_LIMIT_EXCEEDED, MP_HEADER_FOLDING, MP_INVALID_HEADER_FOLDING, MP_INVALID_PART, MP_INVALID_QUOTING,
	MP_LF_LINE, MP_MISSING_SEMICOLON, MP_FLAG_MAX
};

/* The boundary of a Content-Type.  NULL, or what is wrong (static text). */
const char	*mp_boundary_parse(struct waf_str type, struct waf_str *boundary, bool flag[MP_FLAG_MAX]);

struct mp_disposition {
	struct waf_str	 name, filename;	/* .p NULL: not there */
};
/* The value of a Content-Disposition, which may have been copied into <vars>' arena.  As above. */
const char	*mp_disposition_parse(struct waf_vars *, struct waf_str value, struct mp_disposition *,
		    bool flag[MP_FLAG_MAX]);

/*
 * One "; name=value" of a header.  <*p> stands behind what was read before.  White space around the '=' and
 * the quotes are reported, not judged.
 */
struct mp_param {
	struct waf_str	 name, value;	/* value: between the quotes, escapes still in it; .p NULL: no '=' */
	char		 quote;		/* '"' or '\'', 0: none */
	bool		 semicolon;	/* there was one in front of it */
	bool		 space;		/* beside the '=' */
	bool		 open;		/* the quote is not closed */
	bool		 tail;		/* bytes between the closing quote and the next ';' */
	bool		 escaped_quote;	/* a backslash before a quote of its kind */
};
/* False: nothing more but white space and perhaps semicolons (then <*trailing>). */
bool		 mp_param_next(const char **p, const char *end, struct mp_param *, bool *trailing);
#endif
