/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TEST_VARS_SHOW_H
#define LLMSEC_TEST_VARS_SHOW_H
/* A store of variables made from a few strings, and its lists as text to compare. */
#include "haproxy-spoa/waf/vars_private.h"

struct vars_test {
	struct arena	*arena;
	struct waf_vars	 vars;
	struct waf_settings set;
	struct waf_header header[16];
	struct waf_request req;
};

/* Settings of modsecurity.conf-recommended in essence; a GET / without headers. */
void		 vars_test_init(struct vars_test *);
void		 vars_test_free(struct vars_test *);
void		 vars_test_header(struct vars_test *, const char *name, const char *value);
/* Headers and body, with <type> as Content-Type. */
void		 vars_test_body(struct vars_test *, const char *type, const char *processor, const char *body,
		    size_t len);
/*
 * "key=value|key=value", scalars "value"; bytes outside 0x20..0x7e as \xHH.  Static storage, four calls' worth.
 */
const char	*vars_show(const struct waf_vars *, enum waf_var);
const char	*vars_show_list(const struct waf_list *, bool collection);
#endif
