/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_WAF_VAR_H
#define LLMSEC_WAF_VAR_H
/*
 * The variables of SecLang (ModSecurity reference manual, "Variables") and the store in which a transaction
 * keeps them.  Every variable is a list of (key, value): a scalar has one entry with an empty key, a
 * collection any number.  Keys keep their case; they are compared without it (ModSecurity 2).
 *
 * The store belongs to one transaction; names and values live in its arena or in the request.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "haproxy-spoa/waf/waf.h"

struct arena;

/* X(enum suffix and name, collection?).  Order is that of the reference manual's list: alphabetical. */
#define WAF_VARS(X) \
	X(ARGS, 1) X(ARGS_COMBINED_SIZE, 0) X(ARGS_GET, 1) X(ARGS_GET_NAMES, 1) X(ARGS_NAMES, 1) \
	X(ARGS_POST, 1) X(ARGS_POST_NAMES, 1) X(AUTH_TYPE, 0) X(DURATION, 0) X(ENV, 1) X(FILES, 1) \
	X(FILES_COMBINED_SIZE, 0) X(FILES_NAMES, 1) X(FILES_SIZES, 1) X(FILES_TMPNAMES, 1) \
	X(FILES_TMP_CONTENT, 1) X(FULL_REQUEST, 0) X(FULL_REQUEST_LENGTH, 0) X(GEO, 1) X(GLOBAL, 1) \
	X(HIGHEST_SEVERITY, 0) X(INBOUND_DATA_ERROR, 0) X(IP, 1) X(MATCHED_VAR, 0) X(MATCHED_VARS, 1) \
	X(MATCHED_VAR_NAME, 0) X(MATCHED_VARS_NAMES, 1) X(MODSEC_BUILD, 0) X(MULTIPART_BOUNDARY_QUOTED, 0) \
	X(MULTIPART_BOUNDARY_WHITESPACE, 0) X(MULTIPART_CRLF_LF_LINES, 0) X(MULTIPART_DATA_AFTER, 0) \
	X(MULTIPART_DATA_BEFORE, 0) X(MULTIPART_FILENAME, 1) X(MULTIPART_FILE_LIMIT_EXCEEDED, 0) \
	X(MULTIPART_HEADER_FOLDING, 0) X(MULTIPART_INVALID_HEADER_FOLDING, 0) X(MULTIPART_INVALID_PART, 0) \
	X(MULTIPART_INVALID_QUOTING, 0) X(MULTIPART_LF_LINE, 0) X(MULTIPART_MISSING_SEMICOLON, 0) \
	X(MULTIPART_NAME, 1) X(MULTIPART_PART_HEADERS, 1) X(MULTIPART_STRICT_ERROR, 0) \
	X(MULTIPART_UNMATCHED_BOUNDARY, 0) X(OUTBOUND_DATA_ERROR, 0) X(PATH_INFO, 0) X(QUERY_STRING, 0) \
	X(REMOTE_ADDR, 0) X(REMOTE_HOST, 0) X(REMOTE_PORT, 0) X(REMOTE_USER, 0) X(REQBODY_ERROR, 0) \
	X(REQBODY_ERROR_MSG, 0) X(REQBODY_PROCESSOR, 0) X(REQBODY_PROCESSOR_ERROR, 0) \
	X(REQBODY_PROCESSOR_ERROR_MSG, 0) X(REQUEST_BASENAME, 0) X(REQUEST_BODY, 0) X(REQUEST_BODY_LENGTH, 0) \
	X(REQUEST_COOKIES, 1) X(REQUEST_COOKIES_NAMES, 1) X(REQUEST_FILENAME, 0) X(REQUEST_HEADERS, 1) \
	X(REQUEST_HEADERS_NAMES, 1) X(REQUEST_LINE, 0) X(REQUEST_METHOD, 0) X(REQUEST_PROTOCOL, 0) \
	X(REQUEST_URI, 0) X(REQUEST_URI_RAW, 0) X(RESOURCE, 1) X(RESPONSE_BODY, 0) \
	X(RESPONSE_CONTENT_LENGTH, 0) X(RESPONSE_CONTENT_TYPE, 0) X(RESPONSE_HEADERS, 1) \
	X(RESPONSE_HEADERS_NAMES, 1) X(RESPONSE_PROTOCOL, 0) X(RESPONSE_STATUS, 0) X(RULE, 1) X(SERVER_ADDR, 0) \
	X(SERVER_NAME, 0) X(SERVER_PORT, 0) X(SESSION, 1) X(SESSIONID, 0) X(STATUS_LINE, 0) X(TIME, 0) \
	X(TIME_DAY, 0) X(TIME_EPOCH, 0) X(TIME_HOUR, 0) X(TIME_MIN, 0) X(TIME_MON, 0) X(TIME_SEC, 0) \
	X(TIME_WDAY, 0) X(TIME_YEAR, 0) X(TX, 1) X(UNIQUE_ID, 0) X(URLENCODED_ERROR, 0) X(USER, 1) X(USERID, 0) \
	X(WEBAPPID, 0) X(XML, 1)

enum waf_var {
#define WAF_VAR_ENUM(name, coll) WAF_V_##name,
	WAF_VARS(WAF_VAR_ENUM)
#undef WAF_VAR_ENUM
	WAF_V_MAX
};

const char	*waf_var_name(enum waf_var);
bool		 waf_var_is_collection(enum waf_var);
/* Any case; URLENCODED "REQUEST_COOKIES" etc. only.  WAF_V_MAX: no such variable. */
enum waf_var	 waf_var_find(const char *, size_t);

struct waf_val {
	struct waf_str	 key;		/* "" for scalars */
	struct waf_str	 value;
};

struct waf_list {
	struct waf_val	*v;
	size_t		 n, cap;
};

/*
 * TX, IP, GLOBAL, SESSION, USER, RESOURCE, RULE, GEO and ENV are kept by the engine (exec); their lists here
 * stay empty.  So do MATCHED_*, HIGHEST_SEVERITY, DURATION, TIME*: computed when asked for.
 */
struct waf_vars {
	struct arena	*arena;
	struct waf_list	 list[WAF_V_MAX];
	struct waf_val	 scalar[WAF_V_MAX];	/* what list[] of a scalar points to */
	size_t		 n_args;	/* of ARGS, counted against settings.arguments_limit */
	size_t		 args_size;	/* ARGS_COMBINED_SIZE so far */
	enum waf_error	 error;		/* sticky: the first limit that was hit while filling */
	struct waf_scratch *scratch;	/* of the thread, set after init; NULL: made and dropped per body */
	struct waf_xml	*xml;		/* of the XML body processor */
};

/* What the body processors need again and again; one per thread, NULL on ENOMEM. */
struct waf_scratch *waf_scratch_new(void);
void		 waf_scratch_free(struct waf_scratch **);

void		 waf_vars_init(struct waf_vars *, struct arena *);
/* Append / set the scalar.  Bytes are borrowed.  Out of memory sets vars->error. */
void		 waf_vars_add(struct waf_vars *, enum waf_var, struct waf_str key, struct waf_str value);
void		 waf_vars_set(struct waf_vars *, enum waf_var, struct waf_str value);
void		 waf_vars_set_int(struct waf_vars *, enum waf_var, int64_t);
/* The scalar's value, or the first of a collection; {"",0} if absent. */
struct waf_str	 waf_vars_get(const struct waf_vars *, enum waf_var);

/* Keep the first error. */
void		 waf_vars_fail(struct waf_vars *, enum waf_error);

struct waf_settings;

/* Fill what phase 1 may see: request line, headers, cookies, ARGS_GET, addresses. */
void		 waf_vars_request_headers(struct waf_vars *, const struct waf_settings *, const struct waf_request *);
/* FULL_REQUEST and its length: line, headers, body, put together when a rule asks for the first time. */
void		 waf_vars_full_request(struct waf_vars *, const struct waf_request *);
/*
 * Run the body processor that REQBODY_PROCESSOR names ("", URLENCODED, MULTIPART, JSON, XML, any case):
 * waf_vars_request_headers() sets it from Content-Type to what ModSecurity 2 chooses by itself, rules change it
 * with ctl:requestBodyProcessor.  <settings> are those of the transaction, ctl:requestBodyAccess and
 * ctl:requestBodyLimit already applied.  Over a limit the first part is processed, INBOUND_DATA_ERROR is 1, and
 * where the limit's action is Reject vars->error is WAF_E_BODY_LIMIT; the caller decides what detection-only
 * means for that.
 */
void		 waf_vars_request_body(struct waf_vars *, const struct waf_settings *, const struct waf_request *,
		    bool force_request_body);
void		 waf_vars_response_headers(struct waf_vars *, const struct waf_settings *, const struct waf_response *);
void		 waf_vars_response_body(struct waf_vars *, const struct waf_settings *, const struct waf_response *);

/*
 * XML: the parsed tree is behind the store; XPath targets are evaluated on demand.  "/" "*" is all text
 * content, "//@*" every attribute value; others are XPath 1.0 with the rule's xmlns.  Appends to <out>.
 * 0 or -EINVAL (not an XPath).  waf_xml_free() drops the tree; waf_vars_release() calls it.
 */
struct waf_xmlns {
	const char	*prefix, *href;
};
int		 waf_vars_xpath(struct waf_vars *, const char *xpath, const struct waf_xmlns *, size_t n_ns,
		    struct waf_list *out);
void		 waf_vars_release(struct waf_vars *);
/* For the rule loader: 0, -EINVAL (not an XPath), -ENOMEM. */
int		 waf_xpath_check(const char *xpath, const struct waf_xmlns *, size_t n_ns);
#endif
