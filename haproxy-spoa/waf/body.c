/* SPDX-License-Identifier: MIT */
/* Request bodies: limits, and the choice of the processor. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/waf/vars_private.h"
#include "lib/arena.h"
#include "lib/json.h"

struct waf_scratch *
waf_scratch_new(void)
{
	return calloc(1, sizeof(struct waf_scratch));
}

void
waf_scratch_free(struct waf_scratch **sp)
{
	struct waf_scratch *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	json_scan_free(&s->json);
	free(s);
}

void
waf_body_urlencoded(struct waf_vars *vars, const struct waf_settings *set, const struct waf_body *body)
{
	waf_vars_set(vars, WAF_V_REQUEST_BODY, body->bytes);
	waf_args_urlencoded(vars, set, WAF_ARG_POST, body->bytes);
}

static const struct {
	struct waf_str	 name;
	waf_body_fn	*fn;
} processors[] = {
	{ WAF_STR("URLENCODED"), waf_body_urlencoded },
	{ WAF_STR("JSON"), waf_body_json },
	{ WAF_STR("MULTIPART"), waf_body_multipart },
	{ WAF_STR("XML"), waf_body_xml },
};

static waf_body_fn *
processor_find(struct waf_str name)
{
	for (size_t i = 0; i < sizeof(processors) / sizeof(*processors); i++)
		if (waf_str_is(name, processors[i].name))
			return processors[i].fn;
	return NULL;
}

void
waf_body_over_limit(struct waf_vars *vars, const struct waf_settings *set)
{
	waf_vars_set(vars, WAF_V_INBOUND_DATA_ERROR, WAF_STR("1"));
	if (set->request_body_limit_action == WAF_LIMIT_REJECT)
		waf_vars_fail(vars, WAF_E_BODY_LIMIT);
}

/*
 * SecRequestBodyLimit is for all bodies, SecRequestBodyNoFilesLimit for all but files: the multipart processor
 * counts what is not a file by itself.
 */
static void
limits_apply(struct waf_vars *vars, const struct waf_settings *set, struct waf_body *body, bool files)
{
	int64_t limit = set->request_body_limit;

	if (!files && set->request_body_no_files_limit > 0 &&
	    (limit <= 0 || limit > set->request_body_no_files_limit))
		limit = set->request_body_no_files_limit;
	if (limit > 0 && body->bytes.n > (uint64_t)limit) {
		body->bytes.n = (size_t)limit;
		body->cut = true;
	}
	if (body->cut)
		waf_body_over_limit(vars, set);
}

static void
processor_unknown(struct waf_vars *vars, struct waf_str name)
{
	const char *text = arena_printf(vars->arena, "Unknown request body processor: %.*s",
	    (int)(name.n < 64 ? name.n : 64), name.p);

	if (text == NULL)
		waf_vars_fail(vars, WAF_E_MEMORY);
	waf_vars_body_error(vars, text != NULL ? text : "Unknown request body processor");
}

void
waf_vars_request_body(struct waf_vars *vars, const struct waf_settings *set, const struct waf_request *req,
    bool force_request_body)
{
	struct waf_str name = waf_vars_get(vars, WAF_V_REQBODY_PROCESSOR);
	struct waf_body body = { .bytes = waf_str_safe(req->body), .cut = req->body_cut };
	waf_body_fn *fn = processor_find(name);

	if (!set->request_body_access)
		return;
	waf_vars_set_int(vars, WAF_V_REQUEST_BODY_LENGTH, (int64_t)body.bytes.n);
	limits_apply(vars, set, &body, fn == waf_body_multipart);
	body.type = waf_str_safe(waf_header_find(req->headers, req->n_headers, WAF_STR("content-type")));
	if (body.bytes.n == 0)
		return;
	if (fn != NULL)
		fn(vars, set, &body);
	else if (name.n > 0)
		processor_unknown(vars, name);
	else if (force_request_body)
		waf_vars_set(vars, WAF_V_REQUEST_BODY, body.bytes);
	waf_vars_set_int(vars, WAF_V_ARGS_COMBINED_SIZE, (int64_t)vars->args_size);
}

void
waf_vars_release(struct waf_vars *vars)
{
	waf_xml_free(&vars->xml);
}
