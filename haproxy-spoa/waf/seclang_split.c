/* SPDX-License-Identifier: MIT */
/* A list of actions into actions: name, name:value, name:'value', ... */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/waf/seclang_private.h"

/* A value in '...': \' and \\ are one byte each, anything else stands for itself. */
static size_t
quoted_value(struct sl *sl, const struct sl_text *t, size_t i, struct sl_text *value)
{
	char *d = arena_alloc(sl->file->tmp, t->n - i + 1);
	size_t k = 0, open = i++;

	for (; d != NULL && i < t->n && t->p[i] != '\''; i++) {
		if (t->p[i] == '\\' && i + 1 < t->n && (t->p[i + 1] == '\'' || t->p[i + 1] == '\\'))
			i++;
		d[k++] = t->p[i];
	}
	if (i >= t->n)
		sl_error(sl, t, t->p + open, "the quote that opens here is never closed");
	*value = (struct sl_text){d ? d : "", k, t->w, t->p + open + 1};
	return i < t->n ? i + 1 : i;
}

/* ctl's selectors are regular expressions and may hold commas, or be quoted on their own. */
static size_t
bare_end(const struct sl_text *t, size_t i, bool ctl)
{
	const char *p = t->p, *close;

	for (; i < t->n && p[i] != ','; i++) {
		if (ctl && p[i] == '\'' && (p[i - 1] == '=' || p[i - 1] == ':' || p[i - 1] == ';') &&
		    (close = memchr(p + i + 1, '\'', t->n - i - 1)) != NULL)
			i = (size_t)(close - p);
		else if (ctl && p[i] == '/' && p[i - 1] == ':' &&
		    (close = memchr(p + i + 1, '/', t->n - i - 1)) != NULL) {
			while (close[-1] == '\\' && close + 1 < p + t->n &&
			    memchr(close + 1, '/', (size_t)(p + t->n - close - 1)) != NULL)
				close = memchr(close + 1, '/', (size_t)(p + t->n - close - 1));
			i = (size_t)(close - p);
		}
	}
	return i;
}

/* The action that starts at <i>; returns where the next one may. */
static size_t
action_split(struct sl *sl, const struct sl_text *t, size_t i, struct sl_action *a)
{
	size_t start = i, end;

	while (i < t->n && t->p[i] != ':' && t->p[i] != ',')
		i++;
	a->name = sl_sub(t, t->p + start, i - start);
	sl_trim(&a->name);
	a->value = (struct sl_text){NULL, 0, t->w, a->name.at};
	if (i == t->n || t->p[i] == ',')
		return i;
	for (i++; i < t->n && sl_is_blank(t->p[i]); i++)
		;
	if (i < t->n && t->p[i] == '\'') {
		i = quoted_value(sl, t, i, &a->value);
		while (i < t->n && sl_is_blank(t->p[i]))
			i++;
		if (i < t->n && t->p[i] != ',')
			sl_error(sl, t, t->p + i, "%.*s: text after the closing quote, a comma is missing",
			    SL_FMT(a->name));
		while (i < t->n && t->p[i] != ',')
			i++;
		return i;
	}
	end = bare_end(t, i, sl_is(&a->name, "ctl"));
	a->value = sl_sub(t, t->p + i, end - i);
	sl_trim(&a->value);
	return end;
}

void
sl_actions(struct sl *sl, const struct sl_word *w, struct sl_aset *set)
{
	struct sl_text t = sl_text(w);
	struct sl_action a;
	size_t i = 0;

	while (i < t.n) {
		if (t.p[i] == ',' || sl_is_blank(t.p[i])) {
			i++;
			continue;
		}
		i = action_split(sl, &t, i, &a);
		sl_action_run(sl, set, &a);
	}
}
