/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_WAF_VARS_PRIVATE_H
#define LLMSEC_WAF_VARS_PRIVATE_H
/* Between vars*.c and body_*.c, and for their tests. */
#include <string.h>
#include <strings.h>

#include "haproxy-spoa/waf/rule.h"
#include "haproxy-spoa/waf/var.h"

enum waf_arg_from { WAF_ARG_GET, WAF_ARG_POST };

/* False: out of memory (vars->error says so). */
bool	waf_list_add(struct waf_vars *, struct waf_list *, struct waf_str key, struct waf_str value);
/* Into ARGS, ARGS_NAMES and those of its origin.  False: over the limit or out of memory, stop. */
bool	waf_vars_add_arg(struct waf_vars *, const struct waf_settings *, enum waf_arg_from, struct waf_str name,
	    struct waf_str value);
/* Decimal digits in front of <end>, WAF_UINT_MAX at most; their number. */
#define WAF_UINT_MAX	20
size_t	waf_uint_text(char *end, uint64_t);
struct waf_str waf_vars_int_text(struct waf_vars *, int64_t);
/* REQBODY_ERROR and REQBODY_PROCESSOR_ERROR; the first text stays.  <text> is static or in the arena. */
void	waf_vars_body_error(struct waf_vars *, const char *text);
/* A copy in the arena; {"", 0} and vars->error when there is no room. */
struct waf_str waf_vars_dup(struct waf_vars *, struct waf_str);

/* %HH at p: the byte, or -1. */
int	waf_percent_value(const char *p, const char *end);
/* name=value pairs of a query string or form; sets URLENCODED_ERROR. */
void	waf_args_urlencoded(struct waf_vars *, const struct waf_settings *, enum waf_arg_from, struct waf_str);
/* All the cookies of one Cookie header. */
void	waf_cookies_parse(struct waf_vars *, const struct waf_settings *, struct waf_str header);

struct waf_body {
	struct waf_str	 type;		/* Content-Type; "" if absent */
	struct waf_str	 bytes;		/* not empty */
	bool		 cut;		/* there was more: an early end is not the sender's fault */
};

/* The body processors. */
typedef void waf_body_fn(struct waf_vars *, const struct waf_settings *, const struct waf_body *);
waf_body_fn	waf_body_urlencoded, waf_body_json, waf_body_multipart, waf_body_xml;

/* INBOUND_DATA_ERROR, and an error where the limit rejects. */
void	waf_body_over_limit(struct waf_vars *, const struct waf_settings *);
void	waf_xml_free(struct waf_xml **);

struct json_scan;
struct waf_scratch {
	struct json_scan *json;
};

/* The first header of that name; .p NULL: absent. */
struct waf_str waf_header_find(const struct waf_header *, size_t n, struct waf_str name);

static inline bool
waf_str_is(struct waf_str s, struct waf_str with)	/* without case */
{
	return s.n == with.n && strncasecmp(s.p, with.p, s.n) == 0;
}

static inline bool
waf_str_begins(struct waf_str s, struct waf_str prefix)	/* without case */
{
	return s.n >= prefix.n && strncasecmp(s.p, prefix.p, prefix.n) == 0;
}

/* White space as C's isspace() in the C locale, whatever the locale is. */
static inline bool
waf_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Bytes from callers may be {NULL, 0}, with which C allows no arithmetic. */
static inline struct waf_str
waf_str_safe(struct waf_str s)
{
	return s.p != NULL ? s : WAF_STR("");
}

static inline char *
waf_str_put(char *out, struct waf_str s)
{
	if (s.n > 0)
		memcpy(out, s.p, s.n);
	return out + s.n;
}

static inline struct waf_str
waf_str_from(struct waf_str s, size_t from)	/* <from> <= s.n */
{
	return (struct waf_str){ s.p + from, s.n - from };
}

static inline struct waf_str
waf_str_trim(struct waf_str s)
{
	while (s.n > 0 && waf_is_space(s.p[0]))
		s = waf_str_from(s, 1);
	while (s.n > 0 && waf_is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}
#endif
