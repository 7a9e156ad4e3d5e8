/* SPDX-License-Identifier: MIT */
/* The names of the variables and the store of one transaction. */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "haproxy-spoa/waf/var.h"
#include "haproxy-spoa/waf/vars_private.h"
#include "lib/arena.h"

static const struct {
	const char	*name;
	size_t		 len;
	bool		 collection;
} var_table[WAF_V_MAX] = {
#define VAR_ROW(name, coll) [WAF_V_##name] = { #name, sizeof(#name) - 1, coll },
	WAF_VARS(VAR_ROW)
#undef VAR_ROW
};

const char *
waf_var_name(enum waf_var var)
{
	return (unsigned)var < WAF_V_MAX ? var_table[var].name : "";
}

bool
waf_var_is_collection(enum waf_var var)
{
	return (unsigned)var < WAF_V_MAX && var_table[var].collection;
}

enum waf_var
waf_var_find(const char *name, size_t len)
{
	unsigned i = 0;

	while (i < WAF_V_MAX && (var_table[i].len != len || strncasecmp(var_table[i].name, name, len) != 0))
		i++;
	return (enum waf_var)i;
}

void
waf_vars_init(struct waf_vars *vars, struct arena *arena)
{
	memset(vars, 0, sizeof(*vars));
	vars->arena = arena;
}

void
waf_vars_fail(struct waf_vars *vars, enum waf_error error)
{
	if (vars->error == WAF_E_NONE)
		vars->error = error;
}

#define LIST_MIN	8

static bool
list_grow(struct waf_vars *vars, struct waf_list *list)
{
	size_t cap = list->cap ? list->cap * 2 : LIST_MIN;
	struct waf_val *v = arena_alloc(vars->arena, cap * sizeof(*v));

	if (v == NULL) {
		waf_vars_fail(vars, WAF_E_MEMORY);
		return false;
	}
	if (list->n > 0)
		memcpy(v, list->v, list->n * sizeof(*v));
	list->v = v;
	list->cap = cap;
	return true;
}

bool
waf_list_add(struct waf_vars *vars, struct waf_list *list, struct waf_str key, struct waf_str value)
{
	if (list->n >= list->cap && !list_grow(vars, list))
		return false;
	list->v[list->n++] = (struct waf_val){ .key = waf_str_safe(key), .value = waf_str_safe(value) };
	return true;
}

void
waf_vars_add(struct waf_vars *vars, enum waf_var var, struct waf_str key, struct waf_str value)
{
	waf_list_add(vars, &vars->list[var], key, value);
}

void
waf_vars_set(struct waf_vars *vars, enum waf_var var, struct waf_str value)
{
	vars->scalar[var] = (struct waf_val){ .key = WAF_STR(""), .value = waf_str_safe(value) };
	vars->list[var] = (struct waf_list){ .v = &vars->scalar[var], .n = 1, .cap = 1 };
}

size_t
waf_uint_text(char *end, uint64_t n)
{
	char *p = end;

	do
		*--p = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	return (size_t)(end - p);
}

struct waf_str
waf_vars_int_text(struct waf_vars *vars, int64_t n)
{
	static const char digit[] = "0123456789";
	char text[WAF_UINT_MAX + 1], *end = text + sizeof(text);
	size_t len;

	if (n >= 0 && n <= 9)
		return (struct waf_str){ digit + n, 1 };
	len = waf_uint_text(end, n < 0 ? -(uint64_t)n : (uint64_t)n);
	if (n < 0)
		*(end - ++len) = '-';
	return waf_vars_dup(vars, (struct waf_str){ end - len, len });
}

void
waf_vars_set_int(struct waf_vars *vars, enum waf_var var, int64_t n)
{
	waf_vars_set(vars, var, waf_vars_int_text(vars, n));
}

struct waf_str
waf_vars_get(const struct waf_vars *vars, enum waf_var var)
{
	return vars->list[var].n > 0 ? vars->list[var].v[0].value : WAF_STR("");
}

bool
waf_vars_add_arg(struct waf_vars *vars, const struct waf_settings *set, enum waf_arg_from from,
    struct waf_str name, struct waf_str value)
{
	static const enum waf_var lists[][2] = {
		[WAF_ARG_GET] = { WAF_V_ARGS_GET, WAF_V_ARGS_GET_NAMES },
		[WAF_ARG_POST] = { WAF_V_ARGS_POST, WAF_V_ARGS_POST_NAMES },
	};

	if (set->arguments_limit > 0 && vars->n_args >= (uint64_t)set->arguments_limit) {
		waf_vars_body_error(vars, "Too many arguments");
		waf_vars_fail(vars, WAF_E_ARGS);
		return false;
	}
	vars->n_args++;
	vars->args_size += name.n + value.n;
	return waf_list_add(vars, &vars->list[WAF_V_ARGS], name, value) &&
	    waf_list_add(vars, &vars->list[WAF_V_ARGS_NAMES], name, name) &&
	    waf_list_add(vars, &vars->list[lists[from][0]], name, value) &&
	    waf_list_add(vars, &vars->list[lists[from][1]], name, name);
}

void
waf_vars_body_error(struct waf_vars *vars, const char *text)
{
	struct waf_str msg = { text, strlen(text) };

	if (waf_vars_get(vars, WAF_V_REQBODY_ERROR_MSG).n == 0) {
		waf_vars_set(vars, WAF_V_REQBODY_ERROR_MSG, msg);
		waf_vars_set(vars, WAF_V_REQBODY_PROCESSOR_ERROR_MSG, msg);
	}
	waf_vars_set(vars, WAF_V_REQBODY_ERROR, WAF_STR("1"));
	waf_vars_set(vars, WAF_V_REQBODY_PROCESSOR_ERROR, WAF_STR("1"));
}
