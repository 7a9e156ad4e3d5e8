/* SPDX-License-Identifier: MIT */
/* Responses: status and headers for phase 3, the body for phase 4. */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/waf/vars_private.h"
#include "lib/arena.h"

static struct waf_str
status_line(struct waf_vars *vars, struct waf_str protocol, struct waf_str status)
{
	size_t n = protocol.n + 1 + status.n;
	char *line = arena_alloc(vars->arena, n), *p;

	if (line == NULL) {
		waf_vars_fail(vars, WAF_E_MEMORY);
		return WAF_STR("");
	}
	p = waf_str_put(line, protocol);
	*p++ = ' ';
	waf_str_put(p, status);
	return (struct waf_str){ line, n };
}

/* The reason phrase does not reach us: STATUS_LINE ends with the number. */
void
waf_vars_response_headers(struct waf_vars *vars, const struct waf_settings *set, const struct waf_response *rsp)
{
	struct waf_str status = waf_vars_int_text(vars, rsp->status), type;

	(void)set;
	waf_vars_set(vars, WAF_V_RESPONSE_STATUS, status);
	waf_vars_set(vars, WAF_V_RESPONSE_PROTOCOL, rsp->protocol);
	waf_vars_set(vars, WAF_V_STATUS_LINE, status_line(vars, rsp->protocol, status));
	for (size_t i = 0; i < rsp->n_headers; i++) {
		const struct waf_header *h = &rsp->headers[i];

		waf_vars_add(vars, WAF_V_RESPONSE_HEADERS, h->name, h->value);
		waf_vars_add(vars, WAF_V_RESPONSE_HEADERS_NAMES, h->name, h->name);
	}
	type = waf_header_find(rsp->headers, rsp->n_headers, WAF_STR("content-type"));
	waf_vars_set(vars, WAF_V_RESPONSE_CONTENT_TYPE, waf_str_safe(type));
}

/* SecResponseBodyMimeType: compared without parameters; ModSecurity's word for "no Content-Type" is (null). */
static bool
mime_wanted(const struct waf_settings *set, struct waf_str type)
{
	const char *semicolon = type.n > 0 ? memchr(type.p, ';', type.n) : NULL;

	if (semicolon != NULL)
		type.n = (size_t)(semicolon - type.p);
	type = waf_str_trim(type);
	if (type.n == 0)
		type = WAF_STR("(null)");
	for (size_t i = 0; i < set->n_response_mime; i++)
		if (waf_str_is(type, set->response_mime[i]))
			return true;
	return false;
}

void
waf_vars_response_body(struct waf_vars *vars, const struct waf_settings *set, const struct waf_response *rsp)
{
	struct waf_str body = rsp->body;

	waf_vars_set_int(vars, WAF_V_RESPONSE_CONTENT_LENGTH, (int64_t)body.n);
	if (!set->response_body_access || !mime_wanted(set, waf_vars_get(vars, WAF_V_RESPONSE_CONTENT_TYPE)))
		return;
	if (set->response_body_limit > 0 && body.n > (uint64_t)set->response_body_limit) {
		waf_vars_set(vars, WAF_V_OUTBOUND_DATA_ERROR, WAF_STR("1"));
		if (set->response_body_limit_action == WAF_LIMIT_REJECT)
			waf_vars_fail(vars, WAF_E_BODY_LIMIT);
		body.n = (size_t)set->response_body_limit;
	}
	waf_vars_set(vars, WAF_V_RESPONSE_BODY, body);
}
