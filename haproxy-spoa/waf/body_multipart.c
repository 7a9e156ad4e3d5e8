/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "haproxy-spoa/waf/vars_private.h"

void
waf_body_multipart(struct waf_vars *vars, const struct waf_settings *set, const struct waf_body *body)
{
	(void)set;
	(void)body;
	waf_vars_body_error(vars, "MULTIPART is still to come");
}
