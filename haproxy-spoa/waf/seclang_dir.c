/* SPDX-License-Identifier: MIT */
/* One logical line: its first word names a directive, the table says how many words may follow. */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/waf/seclang_private.h"

static const struct sl_directive rules_table[] = {
	{"SecRule", 2, 3, sl_dir_rule, 0, 0, 0, NULL},
	{"SecAction", 1, 1, sl_dir_action, 0, 0, 0, NULL},
	{"SecMarker", 1, 1, sl_dir_marker, 0, 0, 0, NULL},
	{"SecDefaultAction", 1, 1, sl_dir_default, 0, 0, 0, NULL},
	{"SecRuleRemoveById", 1, -1, sl_dir_remove, SL_BY_ID, 0, 0, NULL},
	{"SecRuleRemoveByTag", 1, -1, sl_dir_remove, SL_BY_TAG, 0, 0, NULL},
	{"SecRuleRemoveByMsg", 1, -1, sl_dir_remove, SL_BY_MSG, 0, 0, NULL},
	{"SecRuleUpdateTargetById", 2, 3, sl_dir_update_target, SL_BY_ID, 0, 0, NULL},
	{"SecRuleUpdateTargetByTag", 2, 3, sl_dir_update_target, SL_BY_TAG, 0, 0, NULL},
	{"SecRuleUpdateTargetByMsg", 2, 3, sl_dir_update_target, SL_BY_MSG, 0, 0, NULL},
	{"SecRuleUpdateActionById", 2, 2, sl_dir_update_action, SL_BY_ID, 0, 0, NULL},
	{"Include", 1, 1, sl_dir_include, false, 0, 0, NULL},
	{"IncludeOptional", 1, 1, sl_dir_include, true, 0, 0, NULL},
	{0}};

static const struct sl_directive *const tables[] = {rules_table, sl_settings, sl_ignored};

static const struct sl_directive *
directive_find(const struct sl_text *name)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (const struct sl_directive *d = tables[i]; d->name != NULL; d++) {
			if (sl_is(name, d->name))
				return d;
		}
	}
	return NULL;
}

static void
unknown(struct sl *sl, const struct sl_text *name)
{
	if (name->n != 0 && *name->p == '<')
		sl_error(sl, name, NULL, "%.*s: sections are Apache's; write what is inside of it", SL_FMT(*name));
	else
		sl_error(sl, name, NULL, "unknown directive \"%.*s\"", SL_FMT(*name));
}

/* A chain goes on with the next SecRule or not at all; an error once, then what follows is read for itself. */
static void
check_chain(struct sl *sl, const struct sl_directive *dir, const struct sl_text *name)
{
	if (sl->open == NULL || dir->fn == sl_dir_rule || dir->fn == sl_dir_action)
		return;
	sl_error(sl, name, NULL, "%s: the chain of the rule above is not complete", dir->name);
	sl->open = sl->open_head = NULL;
}

static void
check_count(struct sl *sl, const struct sl_directive *dir, const struct sl_text *name, size_t n)
{
	if (dir->max < 0)
		sl_error(sl, name, NULL, "%s: takes at least %d argument%s, not %zu", dir->name, dir->min,
		    dir->min == 1 ? "" : "s", n);
	else if (dir->min == dir->max)
		sl_error(sl, name, NULL, "%s: takes %d argument%s, not %zu", dir->name, dir->min,
		    dir->min == 1 ? "" : "s", n);
	else
		sl_error(sl, name, NULL, "%s: takes %d to %d arguments, not %zu", dir->name, dir->min, dir->max, n);
}

void
sl_run_line(struct sl *sl, const struct sl_line *ln)
{
	struct sl_word *w = arena_calloc(sl->file->tmp, SL_MAX_WORDS + 1, sizeof(*w));
	const struct sl_directive *dir;
	struct sl_text name;
	size_t n = 0, pos = 0;
	int rc = 0;

	while (w != NULL && n <= SL_MAX_WORDS && (rc = sl_next_word(sl, ln, &pos, &w[n])) == 1)
		n++;
	if (rc < 0 || n == 0)
		return;
	name = sl_text(&w[0]);
	dir = directive_find(&name);
	n--;
	if (dir == NULL) {
		unknown(sl, &name);
		return;
	}
	check_chain(sl, dir, &name);
	if (n < (size_t)dir->min || n >= SL_MAX_WORDS || (dir->max >= 0 && n > (size_t)dir->max))
		check_count(sl, dir, &name, n);
	else
		dir->fn(sl, dir, &w[n != 0], n);
}
