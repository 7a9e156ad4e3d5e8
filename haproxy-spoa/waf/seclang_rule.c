/* SPDX-License-Identifier: MIT */
/* SecRule, SecAction, SecMarker, SecDefaultAction: rules, what they inherit, and chains. */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/waf/seclang_private.h"

static struct waf_rule *
rule_new(struct sl *sl, const struct sl_word *at)
{
	struct waf_rule *r = arena_calloc(sl->a, 1, sizeof(*r)), **slot;

	if (r == NULL || (slot = SL_ADD(sl->a, sl->rules->all, sl->rules->n_all)) == NULL)
		return NULL;
	*slot = r;
	r->file = sl->file->name;
	r->line = sl_line_of(at);
	r->severity = SL_UNSET;
	r->skip_to = SIZE_MAX;
	r->op_id = WAF_O_MAX;
	return r;
}

static bool
head_add(struct sl *sl, struct waf_rule *r)
{
	struct waf_rule **slot = SL_ADD(sl->a, sl->head, sl->n_head);

	if (slot != NULL)
		*slot = r;
	return slot != NULL;
}

#define APPEND(sl, r, set, list, n) \
	((r)->list = append((sl)->a, (r)->list, &(r)->n, (set)->list, (set)->n, sizeof(*(set)->list)))

/* A new array of both: the old one may be the default action's. */
static void *
append(struct arena *a, const void *list, size_t *n, const void *more, size_t n_more, size_t size)
{
	char *p = arena_alloc(a, (*n + n_more) * size);

	if (p == NULL) {
		*n = 0;
		return NULL;
	}
	if (*n != 0)
		memcpy(p, list, *n * size);
	if (n_more != 0)
		memcpy(p + *n * size, more, n_more * size);
	*n += n_more;
	return p;
}

static void
set_flag(unsigned *flags, unsigned bit, int on)
{
	if (on != SL_UNSET)
		*flags = on ? *flags | bit : *flags & ~bit;
}

/* "block" means what the phase's default action says; without one, as in ModSecurity, nothing. */
static enum waf_disruptive
disruptive(const struct sl *sl, const struct waf_rule *r, const struct sl_aset *set)
{
	const struct sl_aset *def = r->phase ? sl->def[r->phase] : NULL;

	if (set->disruptive == SL_UNSET)
		return r->disruptive;
	if (set->disruptive != SL_D_BLOCK)
		return (enum waf_disruptive)set->disruptive;
	return def && def->disruptive != SL_UNSET ? (enum waf_disruptive)def->disruptive : WAF_D_PASS;
}

/* paranoia-level/2 */
static void
apply_paranoia(struct waf_rule *r)
{
	static const char name[] = "paranoia-level/";
	struct waf_str s;

	for (size_t i = 0; i < r->n_tag; i++) {
		s = r->tag[i].raw;
		if (s.n == sizeof(name) && memcmp(s.p, name, s.n - 1) == 0 && s.p[s.n - 1] >= '1' &&
		    s.p[s.n - 1] <= '4')
			r->paranoia = s.p[s.n - 1] - '0';
	}
}

static void
apply_values(struct waf_rule *r, const struct sl_aset *set)
{
	r->status = set->status != SL_UNSET ? set->status : r->status;
	r->skip = set->skip != SL_UNSET ? set->skip : r->skip;
	r->skip_after = set->skip_after ? set->skip_after : r->skip_after;
	r->severity = set->severity != SL_UNSET ? set->severity : r->severity;
	r->maturity = set->maturity != SL_UNSET ? set->maturity : r->maturity;
	r->accuracy = set->accuracy != SL_UNSET ? set->accuracy : r->accuracy;
	r->ver = set->ver ? set->ver : r->ver;
	r->rev = set->rev ? set->rev : r->rev;
	r->redirect = set->redirect.n ? set->redirect : r->redirect;
	r->msg = set->msg.n ? set->msg : r->msg;
	r->logdata = set->logdata.n ? set->logdata : r->logdata;
}

void
sl_apply(struct sl *sl, struct waf_rule *r, const struct sl_aset *set)
{
	r->flags |= set->flags;
	set_flag(&r->flags, WAF_R_LOG, set->log);
	set_flag(&r->flags, WAF_R_AUDITLOG, set->auditlog);
	r->disruptive = disruptive(sl, r, set);
	apply_values(r, set);
	if (set->tfn_none)
		r->n_tfn = 0;
	if (set->n_tfn != 0)
		APPEND(sl, r, set, tfn, n_tfn);
	if (set->n_tag != 0)
		APPEND(sl, r, set, tag, n_tag);
	if (set->n_act != 0)
		APPEND(sl, r, set, act, n_act);
	if (set->n_xmlns != 0)
		APPEND(sl, r, set, xmlns, n_xmlns);
	apply_paranoia(r);
}

/* What holds where nothing was said: the built-in default action, then the phase's own. */
static void
inherit(struct sl *sl, struct waf_rule *r, bool chained)
{
	r->flags |= WAF_R_LOG | WAF_R_AUDITLOG;
	r->disruptive = WAF_D_PASS;
	if (sl->def[r->phase] != NULL)
		sl_apply(sl, r, sl->def[r->phase]);
	if (chained)
		r->disruptive = WAF_D_NONE;
}

static void
open_chain(struct sl *sl, struct waf_rule *r, bool chain)
{
	if (sl->open != NULL)
		sl->open->chained = r;
	else
		sl->open_head = r;
	sl->open = chain ? r : NULL;
	if (!chain)
		sl->open_head = NULL;
}

static void
check_head(struct sl *sl, const struct sl_word *at, struct waf_rule *r, const struct sl_aset *set)
{
	struct sl_text t = sl_text(at);
	struct waf_rule *other;

	if (set->id == SL_UNSET) {
		sl_error(sl, &t, NULL, "the rule has no id");
		return;
	}
	r->id = set->id;
	other = sl_id_find(sl, r->id);
	if (other != NULL)
		sl_error(sl, &t, NULL, "id %lld is taken by the rule in %s:%d", (long long)r->id, other->file,
		    other->line);
	else
		sl_id_add(sl, r->id, r);
}

/* Reads the actions and ties the rule in; <actions> NULL: none were written. */
static void
finish(struct sl *sl, struct waf_rule *r, const struct sl_word *at, const struct sl_word *actions)
{
	bool chained = sl->open != NULL;
	struct sl_aset set;

	sl_aset_init(&set, chained ? SL_CTX_CHAINED : SL_CTX_RULE);
	if (actions != NULL)
		sl_actions(sl, actions, &set);
	r->phase = chained ? sl->open_head->phase : set.phase != SL_UNSET ? set.phase : 2;
	inherit(sl, r, chained);
	sl_apply(sl, r, &set);
	if (!chained && actions != NULL)
		check_head(sl, actions, r, &set);
	else if (!chained)
		check_head(sl, at, r, &set);
	if (!chained)
		head_add(sl, r);
	open_chain(sl, r, set.chain);
}

/* [!] @name argument; without an @ it is a pattern. */
static enum waf_op_id
operator_split(struct sl *sl, const struct sl_text *t, bool *negated, struct sl_text *arg)
{
	const char *p = t->p, *end = t->p + t->n, *name;
	enum waf_op_id id;

	while (p < end && sl_is_blank(*p))
		p++;
	*negated = p < end && *p == '!';
	p += *negated;
	while (p < end && *negated && sl_is_blank(*p))
		p++;
	*arg = sl_sub(t, p, (size_t)(end - p));
	if (p == end || *p != '@')
		return WAF_O_rx;
	for (name = ++p; p < end && !sl_is_blank(*p); p++)
		;
	id = waf_op_find(name, (size_t)(p - name));
	if (id == WAF_O_MAX)
		sl_error(sl, t, name, "unknown operator \"@%.*s\"", (int)(p - name), name);
	while (p < end && sl_is_blank(*p))
		p++;
	*arg = sl_sub(t, p, (size_t)(end - p));
	return id;
}

/* Data files count as part of the rule set: reload looks at their times too. */
static bool
operator_files(struct sl *sl, enum waf_op_id id, const struct sl_text *arg)
{
	struct sl_text t = *arg;
	size_t n;

	if (id != WAF_O_pmFromFile && id != WAF_O_ipMatchFromFile)
		return true;
	if (sl->file->dir == NULL) {
		sl_error(sl, arg, NULL, "@%s: no files may be read from here", waf_op_name(id));
		return false;
	}
	for (sl_trim(&t); t.n != 0; sl_trim(&t)) {
		for (n = 0; n < t.n && !sl_is_blank(t.p[n]); n++)
			;
		sl_note_file(sl, sl_path(sl, t.p, n));
		t = sl_sub(&t, t.p + n, t.n - n);
	}
	return true;
}

static void
operator_new(struct sl *sl, const struct sl_word *w, struct waf_rule *r)
{
	struct sl_text t = sl_text(w), arg;
	bool pattern;
	int line, col;

	r->op_id = operator_split(sl, &t, &r->op_negated, &arg);
	pattern = r->op_id == WAF_O_rx || r->op_id == WAF_O_rxGlobal;
	if (r->op_id == WAF_O_MAX || !sl_macro(sl, &arg, pattern ? SL_M_PATTERN : 0, &r->op_arg) ||
	    !operator_files(sl, r->op_id, &arg))
		return;
	sl_where(&arg, NULL, &line, &col);
	r->op = waf_op_new(r->op_id, r->op_arg.raw, r->op_arg.has_macro, sl->file->dir, sl->diag, r->file, line);
	sl->failed |= r->op == NULL;
}

void
sl_dir_rule(struct sl *sl, const struct sl_directive *dir, const struct sl_word *arg, size_t n)
{
	struct waf_rule *r = rule_new(sl, &arg[0]);
	struct sl_text targets = sl_text(&arg[0]);

	(void)dir;
	if (r == NULL)
		return;
	sl_targets(sl, &targets, 0, &r->target, &r->n_target);
	operator_new(sl, &arg[1], r);
	finish(sl, r, &arg[0], n > 2 ? &arg[2] : NULL);
}

void
sl_dir_action(struct sl *sl, const struct sl_directive *dir, const struct sl_word *arg, size_t n)
{
	struct waf_rule *r = rule_new(sl, &arg[0]);

	(void)dir;
	(void)n;
	if (r == NULL)
		return;
	r->flags = WAF_R_UNCONDITIONAL;
	finish(sl, r, &arg[0], &arg[0]);
}

void
sl_dir_marker(struct sl *sl, const struct sl_directive *dir, const struct sl_word *arg, size_t n)
{
	struct waf_rule *r = rule_new(sl, arg);

	(void)dir;
	(void)n;
	if (r == NULL)
		return;
	r->marker = sl_dup(sl->a, arg->p, arg->n).p;
	head_add(sl, r);
}

void
sl_dir_default(struct sl *sl, const struct sl_directive *dir, const struct sl_word *arg, size_t n)
{
	struct sl_aset *set = arena_alloc(sl->a, sizeof(*set));
	struct sl_text t = sl_text(arg);

	(void)n;
	if (set == NULL)
		return;
	sl_aset_init(set, SL_CTX_DEFAULT);
	sl_actions(sl, arg, set);
	if (set->phase == SL_UNSET)
		sl_error(sl, &t, NULL, "%s: names no phase", dir->name);
	else if (set->disruptive == SL_UNSET)
		sl_error(sl, &t, NULL, "%s: names no disruptive action", dir->name);
	else
		sl->def[set->phase] = set;
}

void
sl_chain_end(struct sl *sl)
{
	if (sl->open == NULL)
		return;
	diag_error(sl->diag, sl->open->file, sl->open->line, 1, "the chain ends with the file: another SecRule "
	    "must follow");
	sl->failed = true;
	sl->open = sl->open_head = NULL;
}
