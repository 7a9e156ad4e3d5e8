/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "tests/fuzz/waf/vars_check.h"

static volatile unsigned char sink;

static void
bytes_read(struct waf_str s)
{
	unsigned char sum = 0;

	MUST(s.p != NULL);
	for (size_t i = 0; i < s.n; i++)
		sum = (unsigned char)(sum + (unsigned char)s.p[i]);
	sink = sum;
}

static void
names_check(const struct waf_vars *vars, bool failed, enum waf_var values, enum waf_var names)
{
	const struct waf_list *v = &vars->list[values], *n = &vars->list[names];

	MUST(v->n == n->n || failed);
	for (size_t i = 0; i < n->n; i++) {
		MUST(n->v[i].key.p == n->v[i].value.p && n->v[i].key.n == n->v[i].value.n);
		MUST(v->v[i].key.p == n->v[i].key.p && v->v[i].key.n == n->v[i].key.n);
	}
}

static void
flag_check(const struct waf_vars *vars, enum waf_var var)
{
	struct waf_str s = waf_vars_get(vars, var);

	MUST(s.n == 1 && *s.p >= '0' && *s.p <= (var == WAF_V_MULTIPART_UNMATCHED_BOUNDARY ? '2' : '1'));
}

void
vars_check(const struct waf_vars *vars, const struct arena *arena)
{
	static const enum waf_var flags[] = {
		WAF_V_REQBODY_ERROR, WAF_V_REQBODY_PROCESSOR_ERROR, WAF_V_URLENCODED_ERROR,
		WAF_V_INBOUND_DATA_ERROR, WAF_V_MULTIPART_STRICT_ERROR, WAF_V_MULTIPART_UNMATCHED_BOUNDARY,
		WAF_V_MULTIPART_LF_LINE, WAF_V_MULTIPART_INVALID_PART, WAF_V_MULTIPART_DATA_AFTER,
	};
	bool failed = arena_failed(arena);	/* then a limit may have come before it */
	size_t args;

	for (unsigned i = 0; i < WAF_V_MAX; i++)
		for (size_t k = 0; k < vars->list[i].n; k++) {
			bytes_read(vars->list[i].v[k].key);
			bytes_read(vars->list[i].v[k].value);
		}
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		flag_check(vars, flags[i]);
	names_check(vars, failed, WAF_V_ARGS, WAF_V_ARGS_NAMES);
	names_check(vars, failed, WAF_V_ARGS_GET, WAF_V_ARGS_GET_NAMES);
	names_check(vars, failed, WAF_V_ARGS_POST, WAF_V_ARGS_POST_NAMES);
	names_check(vars, failed, WAF_V_REQUEST_COOKIES, WAF_V_REQUEST_COOKIES_NAMES);
	args = vars->list[WAF_V_ARGS_GET].n + vars->list[WAF_V_ARGS_POST].n;
	MUST(args == vars->list[WAF_V_ARGS].n || failed);
	MUST(failed ? vars->error != WAF_E_NONE : vars->error != WAF_E_MEMORY);
}
