/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>

#include "haproxy-spoa/waf/vars_private.h"

void
waf_body_xml(struct waf_vars *vars, const struct waf_settings *set, const struct waf_body *body)
{
	(void)set;
	(void)body;
	waf_vars_body_error(vars, "XML is still to come");
}

int
waf_vars_xpath(struct waf_vars *vars, const char *xpath, const struct waf_xmlns *ns, size_t n_ns,
    struct waf_list *out)
{
	(void)vars;
	(void)xpath;
	(void)ns;
	(void)n_ns;
	(void)out;
	return 0;
}

void
waf_xml_free(struct waf_xml **xp)
{
	*xp = NULL;
}
