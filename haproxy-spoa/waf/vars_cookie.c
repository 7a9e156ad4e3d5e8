/* SPDX-License-Identifier: MIT */
/*
 * Cookies.  Version 0 (what browsers send, RFC 6265) unless SecCookieFormat asks for version 1 (RFC 2109).
 * Neither decodes anything; that is up to the rules.
 */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/waf/vars_private.h"
#include "lib/arena.h"

/* There is no limit of its own in SecLang; a header of semicolons must not cost more than the arguments may. */
static bool
cookie_add(struct waf_vars *vars, const struct waf_settings *set, struct waf_str name, struct waf_str value)
{
	if (set->arguments_limit > 0 && vars->list[WAF_V_REQUEST_COOKIES].n >= (uint64_t)set->arguments_limit) {
		waf_vars_fail(vars, WAF_E_ARGS);
		return false;
	}
	return waf_list_add(vars, &vars->list[WAF_V_REQUEST_COOKIES], name, value) &&
	    waf_list_add(vars, &vars->list[WAF_V_REQUEST_COOKIES_NAMES], name, name);
}

static const char *
find(const char *p, const char *end, char c)
{
	const char *q = p < end ? memchr(p, c, (size_t)(end - p)) : NULL;

	return q != NULL ? q : end;
}

static const char *
space_skip(const char *p, const char *end)
{
	while (p < end && waf_is_space(*p))
		p++;
	return p;
}

/*
 * Between two separators: white space, a name, '=' and the rest.  ModSecurity 2 drops a cookie without a
 * name; a browser sends one as "=value" and some servers read it, so we keep it where it has a value.
 */
static void
cookies_v0(struct waf_vars *vars, const struct waf_settings *set, const char *p, const char *end)
{
	char separator = set->cookie_v0_separator ? set->cookie_v0_separator : ';';
	struct waf_str name, value;
	const char *stop, *eq;
	bool more = true;

	for (; more && p < end; p = stop + 1) {
		stop = find(p, end, separator);
		p = space_skip(p, stop);
		eq = find(p, stop, '=');
		name = (struct waf_str){ p, (size_t)(eq - p) };
		value = eq < stop ? (struct waf_str){ eq + 1, (size_t)(stop - eq - 1) } : WAF_STR("");
		if (name.n > 0 || value.n > 0)
			more = cookie_add(vars, set, name, value);
		if (stop == end)
			break;
	}
}

/* "..." with \x for x; *pp is behind the opening quote and comes to stand behind the closing one. */
static struct waf_str
quoted_read(struct waf_vars *vars, const char **pp, const char *end)
{
	const char *p = *pp, *start = p;
	bool escaped = false;
	char *copy, *o;

	for (; p < end && *p != '"'; p++)
		if (*p == '\\' && p + 1 < end) {
			escaped = true;
			p++;
		}
	*pp = p < end ? p + 1 : p;
	if (!escaped)
		return (struct waf_str){ start, (size_t)(p - start) };
	o = copy = arena_alloc(vars->arena, (size_t)(p - start));
	if (copy == NULL) {
		waf_vars_fail(vars, WAF_E_MEMORY);
		return WAF_STR("");
	}
	for (const char *q = start; q < p; q++) {
		if (*q == '\\' && q + 1 < p)
			q++;
		*o++ = *q;
	}
	return (struct waf_str){ copy, (size_t)(o - copy) };
}

static struct waf_str
value_v1(struct waf_vars *vars, const char **pp, const char *end)
{
	const char *p = space_skip(*pp, end), *start = p;

	if (p < end && *p == '"') {
		*pp = p + 1;
		return quoted_read(vars, pp, end);
	}
	while (p < end && *p != ';' && *p != ',')
		p++;
	*pp = p;
	return waf_str_trim((struct waf_str){ start, (size_t)(p - start) });
}

/* $Path and the like belong to the cookie before them: "name.Path". */
static struct waf_str
attribute_name(struct waf_vars *vars, struct waf_str cookie, struct waf_str attr)
{
	struct waf_str name = { NULL, cookie.n + attr.n };	/* '.' for '$' */
	char *p = arena_alloc(vars->arena, name.n);

	if (p == NULL) {
		waf_vars_fail(vars, WAF_E_MEMORY);
		return WAF_STR("");
	}
	memcpy(p, cookie.p, cookie.n);
	memcpy(p + cookie.n, attr.p, attr.n);
	p[cookie.n] = '.';
	name.p = p;
	return name;
}

#define COOKIE_NAME_MAX	1024	/* so that attributes, which repeat it, can't multiply the input */

static void
cookies_v1(struct waf_vars *vars, const struct waf_settings *set, const char *p, const char *end)
{
	struct waf_str name, value, cookie = WAF_STR("");
	const char *start;
	bool more = true;

	while (more && (p = space_skip(p, end)) < end) {
		for (start = p; p < end && *p != '=' && *p != ';' && *p != ','; p++)
			;
		name = waf_str_trim((struct waf_str){ start, (size_t)(p - start) });
		value = WAF_STR("");
		if (p < end && *p == '=') {
			p++;
			value = value_v1(vars, &p, end);
		}
		if (name.n > 0 && *name.p == '$') {
			if (cookie.n > 0 && cookie.n < COOKIE_NAME_MAX)
				name = attribute_name(vars, cookie, name);
		} else
			cookie = name;
		if (name.n > 0 || value.n > 0)
			more = cookie_add(vars, set, name, value);
		while (p < end && *p != ';' && *p != ',')	/* bytes behind a quoted value */
			p++;
		if (p < end)
			p++;
	}
}

void
waf_cookies_parse(struct waf_vars *vars, const struct waf_settings *set, struct waf_str header)
{
	const char *p = header.p, *end = header.p + header.n;

	if (set->cookie_format == 1)
		cookies_v1(vars, set, p, end);
	else
		cookies_v0(vars, set, p, end);
}
