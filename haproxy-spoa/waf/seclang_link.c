/* SPDX-License-Identifier: MIT */
/* After the last line: rules by phase, and where each skip goes on. */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/waf/seclang_private.h"

/* Index of <id> or where it would stand.  Files mostly count upwards, so adding is mostly appending. */
static size_t
id_place(const struct sl *sl, int64_t id)
{
	size_t lo = 0, hi = sl->n_id, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (sl->id[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct waf_rule *
sl_id_find(const struct sl *sl, int64_t id)
{
	size_t i = id_place(sl, id);

	return i < sl->n_id && sl->id[i].id == id ? sl->id[i].rule : NULL;
}

bool
sl_id_add(struct sl *sl, int64_t id, struct waf_rule *r)
{
	size_t i = id_place(sl, id);

	if (SL_ADD(sl->a, sl->id, sl->n_id) == NULL)
		return false;
	memmove(&sl->id[i + 1], &sl->id[i], (sl->n_id - 1 - i) * sizeof(sl->id[0]));
	sl->id[i] = (struct sl_id){id, r};
	return true;
}

void
sl_id_drop(struct sl *sl, int64_t id)
{
	size_t i = id_place(sl, id);

	if (i < sl->n_id && sl->id[i].id == id)
		sl->id[i].rule = NULL;
}

static void
phase_add(struct sl *sl, int phase, struct waf_rule *r)
{
	struct waf_phase *ph = &sl->rules->phase[phase];
	struct waf_rule **slot = SL_ADD(sl->a, ph->rule, ph->n);

	if (slot != NULL)
		*slot = r;
}

static bool
is_label(const struct waf_rule *r, const char *name)
{
	char id[24];

	if (r->marker != NULL)
		return strcmp(r->marker, name) == 0;
	snprintf(id, sizeof(id), "%lld", (long long)r->id);
	return strcmp(id, name) == 0;
}

static size_t
skip_after(struct sl *sl, const struct waf_phase *ph, size_t i)
{
	const struct waf_rule *r = ph->rule[i];

	for (size_t k = i + 1; k < ph->n; k++) {
		if (is_label(ph->rule[k], r->skip_after))
			return k + 1;
	}
	diag_warn(sl->diag, r->file, r->line, 1, "skipAfter:%s: no such marker below: it skips the rest of phase %d",
	    r->skip_after, r->phase);
	return ph->n;
}

/* Markers are no rules: skip does not count them. */
static size_t
skip_count(const struct waf_phase *ph, size_t i)
{
	int left = ph->rule[i]->skip;

	for (i++; i < ph->n && left > 0; i++)
		left -= ph->rule[i]->marker == NULL;
	return i;
}

/* Here and not where the target is read: the namespaces come later in the rule, targets perhaps later still. */
static void
check_xpaths(struct sl *sl, const struct waf_rule *r)
{
	const struct waf_target *t;

	for (size_t i = 0; i < r->n_target; i++) {
		t = &r->target[i];
		if (t->var != WAF_V_XML || t->sel != WAF_SEL_KEY || t->exclude ||
		    waf_xpath_check(t->key.p, r->xmlns, r->n_xmlns) == 0)
			continue;
		diag_error(sl->diag, r->file, r->line, 1, "XML:%s: not an XPath", t->key.p);
		sl->failed = true;
	}
}

static void
drop_holes(struct waf_rules *rules)
{
	size_t n = 0;

	for (size_t i = 0; i < rules->n_all; i++) {
		if (rules->all[i] != NULL)
			rules->all[n++] = rules->all[i];
	}
	rules->n_all = n;
}

void
sl_link(struct sl *sl)
{
	struct waf_phase *ph;
	struct waf_rule *r;

	drop_holes(sl->rules);
	for (size_t i = 0; i < sl->rules->n_all; i++)
		check_xpaths(sl, sl->rules->all[i]);
	for (size_t i = 0; i < sl->n_head; i++) {
		r = sl->head[i];
		for (int p = 1; p <= 5; p++) {
			if (r->marker != NULL || r->phase == p)
				phase_add(sl, p, r);
		}
	}
	for (int p = 1; p <= 5; p++) {
		ph = &sl->rules->phase[p];
		for (size_t i = 0; i < ph->n && !arena_failed(sl->a); i++) {
			r = ph->rule[i];
			if (r->marker == NULL && r->skip_after != NULL)
				r->skip_to = skip_after(sl, ph, i);
			else if (r->marker == NULL && r->skip > 0)
				r->skip_to = skip_count(ph, i);
		}
	}
}
