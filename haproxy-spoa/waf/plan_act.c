/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "lib/arena.h"
#include "haproxy-spoa/waf/plan.h"

/* "%{tx.name}" and nothing else: copied as it is, number and all. */
static uint32_t
macro_slot(const struct plan *p, const struct waf_macro *m)
{
	if (m->n == 1 && m->part[0].var == WAF_V_TX)
		return plan_slot_find(p, m->part[0].text.p, m->part[0].text.n);
	return PLAN_NONE;
}

static void
setvar_compile(const struct plan *p, struct plan_act *pa)
{
	const struct waf_act *a = pa->a;

	struct waf_str text;

	pa->slot = PLAN_NONE;
	if (a->coll == WAF_V_TX && plan_literal(&a->name, &text))
		pa->slot = plan_slot_find(p, text.p, text.n);
	if (plan_literal(&a->value, &pa->text)) {
		pa->how = PLAN_CONST;
		pa->num = plan_atoi(pa->text);
		return;
	}
	pa->from = macro_slot(p, &a->value);
	pa->how = pa->from != PLAN_NONE ? PLAN_SLOT : PLAN_MACRO;
}

static int
rx_hits(const struct waf_act *a, struct waf_op_scratch *s, struct waf_str text)
{
	return text.n != 0 && waf_rx_search(a->rx, s, text) == 1;
}

static bool
ctl_names(const struct waf_act *a, struct waf_op_scratch *s, const struct waf_rule *r)
{
	size_t i;

	switch (a->ctl) {
	case WAF_CTL_REMOVE_BY_ID:
	case WAF_CTL_REMOVE_TARGET_BY_ID:
		return r->id >= a->id_from && r->id <= a->id_to;
	case WAF_CTL_REMOVE_BY_MSG:
	case WAF_CTL_REMOVE_TARGET_BY_MSG:
		return rx_hits(a, s, r->msg.raw);
	default:
		for (i = 0; i < r->n_tag; i++)
			if (rx_hits(a, s, r->tag[i].raw))
				return true;
		return false;
	}
}

static bool
ctl_is_target(enum waf_ctl c)
{
	return c == WAF_CTL_REMOVE_TARGET_BY_ID || c == WAF_CTL_REMOVE_TARGET_BY_TAG ||
	    c == WAF_CTL_REMOVE_TARGET_BY_MSG;
}

static bool
ctl_is_remove(enum waf_ctl c)
{
	return c == WAF_CTL_REMOVE_BY_ID || c == WAF_CTL_REMOVE_BY_TAG || c == WAF_CTL_REMOVE_BY_MSG;
}

static bool
exclusion_same(const struct waf_target *a, const struct waf_target *b)
{
	return a->var == b->var && a->sel == b->sel && a->key.n == b->key.n &&
	    (a->key.n == 0 || memcmp(a->key.p, b->key.p, a->key.n) == 0);
}

/* Past the class that begins at <i>; 0: we don't understand it. */
static size_t
class_end(struct waf_str s, size_t i)
{
	i++;
	if (i < s.n && s.p[i] == '^')
		i++;
	if (i < s.n && s.p[i] == ']')
		i++;
	for (; i < s.n && s.p[i] != ']'; i++) {
		if (s.p[i] == '[')
			return 0;
		i += s.p[i] == '\\';
	}
	return i;
}

/* Is the whole pattern one sequence?  False where we aren't sure: flags, comments, quoting. */
static bool
one_branch(struct waf_str s)
{
	size_t i, depth = 0;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\\') {
			if (++i < s.n && (s.p[i] == 'Q' || s.p[i] == 'E'))
				return false;
		} else if (s.p[i] == '[') {
			if ((i = class_end(s, i)) == 0)
				return false;
		} else if (s.p[i] == '(') {
			depth++;
			if (i + 2 < s.n && s.p[i + 1] == '?' && strchr(":=!<>", s.p[i + 2]) == NULL)
				return false;
		} else if (s.p[i] == ')') {
			if (depth-- == 0)
				return false;
		} else if (s.p[i] == '|' && depth == 0)
			return false;
	}
	return depth == 0;
}

/*
 * "^json\.messages" can only find keys that begin with "json.messages".  Sound because we stop at the first
 * byte that isn't plain, give the last one back when a quantifier follows, and refuse alternatives.
 */
static struct waf_str
pattern_prefix(struct arena *a, struct waf_str s)
{
	struct waf_str out = {0};
	size_t i, n = 0;
	char *p;

	if (s.n == 0 || s.p[0] != '^' || !one_branch(s) || (p = arena_alloc(a, s.n)) == NULL)
		return out;
	for (i = 1; i < s.n; i++) {
		if (s.p[i] == '\\' && i + 1 < s.n && ispunct((unsigned char)s.p[i + 1]))
			i++;
		else if (!isalnum((unsigned char)s.p[i]) && s.p[i] != '_' && s.p[i] != '-')
			break;
		p[n++] = s.p[i];
	}
	if (i < s.n && n > 0 && strchr("?*+{", s.p[i]) != NULL)
		n--;
	return (struct waf_str){p, n};
}

/* Equal ones are one, so that tags and ids that name the same target give the same set. */
static int
exclusion_of(struct plan *p, const struct waf_target *t, uint32_t *out)
{
	size_t i;
	int r;

	for (i = 0; i < p->n_exclusions; i++)
		if (exclusion_same(p->exclusion[i].t, t)) {
			*out = (uint32_t)i;
			return 0;
		}
	if ((r = plan_grow(p->arena, &p->exclusion, i, &p->cap_exclusions, sizeof(*p->exclusion))) != 0)
		return r;
	p->exclusion[i].t = t;
	p->exclusion[i].prefix = t->sel == WAF_SEL_REGEX ? pattern_prefix(p->arena, t->key) : (struct waf_str){0};
	p->n_exclusions++;
	*out = (uint32_t)i;
	return 0;
}

/* Rules named by one pattern: hundreds of ctl actions of an exclusion package share few patterns. */
struct plan_names {
	struct plan_names *next;
	enum waf_ctl	 by;
	struct waf_str	 pattern;
	uint64_t	 bits[];
};

static enum waf_ctl
ctl_names_by(enum waf_ctl c)
{
	switch (c) {
	case WAF_CTL_REMOVE_TARGET_BY_ID:
		return WAF_CTL_REMOVE_BY_ID;
	case WAF_CTL_REMOVE_TARGET_BY_MSG:
		return WAF_CTL_REMOVE_BY_MSG;
	case WAF_CTL_REMOVE_TARGET_BY_TAG:
		return WAF_CTL_REMOVE_BY_TAG;
	default:
		return c;
	}
}

static const uint64_t *
ctl_named(struct plan *p, const struct waf_act *a, struct waf_op_scratch *s)
{
	enum waf_ctl by = ctl_names_by(a->ctl);
	struct plan_names *m;
	size_t i;

	for (m = p->names; m != NULL && by != WAF_CTL_REMOVE_BY_ID; m = m->next)
		if (m->by == by && m->pattern.n == a->pattern.n &&
		    memcmp(m->pattern.p, a->pattern.p, a->pattern.n) == 0)
			return m->bits;
	m = arena_calloc(p->arena, 1, sizeof(*m) + p->n_words * sizeof(*m->bits));
	if (m == NULL)
		return NULL;
	for (i = 0; i < p->n_heads; i++)
		if (ctl_names(a, s, p->head[i]->r))
			m->bits[i / 64] |= UINT64_C(1) << (i % 64);
	m->by = by;
	m->pattern = a->pattern;
	m->next = p->names;
	p->names = m;
	return m->bits;
}

/*
 * Which chain heads a ctl speaks of is known now; what it costs a transaction is a few words to read.  As in
 * ModSecurity 2, ids, tags and messages are those of a chain's first rule, and targets too.
 */
static int
ctl_compile(struct plan *p, struct plan_act *pa, struct waf_op_scratch *s)
{
	const struct waf_act *a = pa->a;
	const uint64_t *named;
	size_t i;

	if (!ctl_is_target(a->ctl) && !ctl_is_remove(a->ctl))
		return 0;
	if ((named = ctl_named(p, a, s)) == NULL)
		return -ENOMEM;
	pa->affects = arena_memdup(p->arena, named, p->n_words * sizeof(*named));
	if (pa->affects == NULL)
		return -ENOMEM;
	if (ctl_is_remove(a->ctl))
		return 0;
	for (i = 0; i < p->n_heads; i++)
		if (pa->affects[i / 64] >> (i % 64) & 1 && !plan_target_touches(&a->target, p->head[i]->r))
			pa->affects[i / 64] &= ~(UINT64_C(1) << (i % 64));
	return exclusion_of(p, &a->target, &pa->exclusion);
}

int
plan_act_compile(struct plan *p, struct plan_rule *pr, struct waf_op_scratch *s)
{
	size_t i;
	int r;

	pr->n_act = pr->r->n_act;
	pr->act = arena_calloc(p->arena, pr->n_act + 1, sizeof(*pr->act));
	if (pr->act == NULL)
		return -ENOMEM;
	for (i = 0; i < pr->n_act; i++) {
		pr->act[i].a = &pr->r->act[i];
		if (pr->act[i].a->kind == WAF_A_SETVAR)
			setvar_compile(p, &pr->act[i]);
		if (pr->act[i].a->kind == WAF_A_CTL && (r = ctl_compile(p, &pr->act[i], s)) != 0)
			return r;
	}
	return 0;
}
