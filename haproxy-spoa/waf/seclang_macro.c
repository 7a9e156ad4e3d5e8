/* SPDX-License-Identifier: MIT */
/* Text with %{VAR.key} in it, split once at load. */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/waf/seclang_private.h"

static bool
is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static void
add_literal(struct sl *sl, struct waf_macro *m, const char *p, size_t n, unsigned flags)
{
	struct waf_macro_part *part;

	if (n == 0 || (part = SL_ADD(sl->a, m->part, m->n)) == NULL)
		return;
	part->var = WAF_V_MAX;
	part->text = flags & SL_M_LOWER ? sl_dup_lower(sl->a, p, n) : sl_dup(sl->a, p, n);
}

/* The inside of %{...}.  Both %{tx.a} (ModSecurity 2) and %{tx:a} (3) are in use. */
static bool
add_variable(struct sl *sl, struct waf_macro *m, const struct sl_text *t, const char *p, size_t n)
{
	struct waf_macro_part *part;
	enum waf_var var;
	size_t k = 0;

	while (k < n && is_name(p[k]))
		k++;
	var = waf_var_find(p, k);
	if (var == WAF_V_MAX) {
		sl_error(sl, t, p, "%%{%.*s}: no such variable", (int)n, p);
		return false;
	}
	if (k < n && !waf_var_is_collection(var)) {
		sl_error(sl, t, p, "%%{%.*s}: %s has no parts", (int)n, p, waf_var_name(var));
		return false;
	}
	if ((part = SL_ADD(sl->a, m->part, m->n)) == NULL)
		return false;
	part->var = var;
	part->text = k < n ? sl_dup_lower(sl->a, p + k + 1, n - k - 1) : (struct waf_str){"", 0};
	m->has_macro = true;
	return true;
}

/*
 * Length of what starts at <p> up to its '}', 0 when "%{" opens no macro here.  A pattern may well say %{2}:
 * there an unknown name is text, elsewhere it is an error for add_variable to tell.
 */
static size_t
macro_length(const char *p, size_t n, unsigned flags)
{
	const char *end = memchr(p, '}', n);
	size_t k = 0;

	while (k < n && is_name(p[k]))
		k++;
	if (end == NULL || k == 0 || (p[0] >= '0' && p[0] <= '9') || (p[k] != '}' && p[k] != '.' && p[k] != ':'))
		return 0;
	if ((flags & SL_M_PATTERN) && waf_var_find(p, k) == WAF_V_MAX)
		return 0;
	return (size_t)(end - p);
}

bool
sl_macro(struct sl *sl, const struct sl_text *t, unsigned flags, struct waf_macro *m)
{
	const char *p = t->p, *end = t->p + t->n, *lit = p;
	bool ok = true;
	size_t k;

	*m = (struct waf_macro){.raw = sl_dup(sl->a, t->p, t->n)};
	while (p + 2 < end) {
		k = p[0] == '%' && p[1] == '{' ? macro_length(p + 2, (size_t)(end - p - 2), flags) : 0;
		if (k == 0) {
			p++;
			continue;
		}
		add_literal(sl, m, lit, (size_t)(p - lit), flags);
		ok &= add_variable(sl, m, t, p + 2, k);
		lit = p += k + 3;
	}
	add_literal(sl, m, lit, (size_t)(end - lit), flags);
	if (m->n == 0 && (m->part = SL_ADD(sl->a, m->part, m->n)) != NULL) {
		m->part->var = WAF_V_MAX;
		m->part->text = (struct waf_str){"", 0};
	}
	return ok && !arena_failed(sl->a);
}
