/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/literals.h"
#include "haproxy-spoa/waf/plan.h"
#include "haproxy-spoa/waf/rxdfa.h"

int
plan_grow(struct arena *a, void *vecp, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap ? *cap * 2 : 16;
	void *old, *new;

	if (n < *cap)
		return 0;
	if ((new = arena_alloc(a, more * size)) == NULL)
		return -ENOMEM;
	memcpy(&old, vecp, sizeof(old));
	if (n > 0)
		memcpy(new, old, n * size);
	memcpy(vecp, &new, sizeof(new));
	*cap = more;
	return 0;
}

/* As C's atoi, but it stops at a limit far beyond every score and counter instead of overflowing. */
int64_t
plan_atoi(struct waf_str s)
{
	const int64_t cap = INT64_C(1000000000000000);
	int64_t v = 0;
	size_t i = 0;
	bool minus;

	while (i < s.n && (s.p[i] == ' ' || (s.p[i] >= '\t' && s.p[i] <= '\r')))
		i++;
	minus = i < s.n && s.p[i] == '-';
	if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
		i++;
	for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		if (v < cap)
			v = v * 10 + (s.p[i] - '0');
	return minus ? -v : v;
}

bool
plan_literal(const struct waf_macro *m, struct waf_str *out)
{
	*out = WAF_STR("");
	if (m->n == 1 && m->part[0].var == WAF_V_MAX)
		*out = m->part[0].text;
	return m->n == 0 || (m->n == 1 && m->part[0].var == WAF_V_MAX);
}

/* The operand of a numeric operator: known now, or one TX variable. */
static bool
num_operand(const struct plan *p, const struct waf_rule *r, struct plan_num *num)
{
	struct waf_str text;

	num->slot = PLAN_NONE;
	if (plan_literal(&r->op_arg, &text)) {
		num->value = plan_atoi(text);
		return true;
	}
	if (r->op_arg.n != 1 || r->op_arg.part[0].var != WAF_V_TX)
		return false;
	num->slot = plan_slot_find(p, r->op_arg.part[0].text.p, r->op_arg.part[0].text.n);
	return num->slot != PLAN_NONE;
}

static bool
op_is_numeric(enum waf_op_id o)
{
	return o == WAF_O_eq || o == WAF_O_lt || o == WAF_O_gt || o == WAF_O_le || o == WAF_O_ge;
}

/* The shapes that make up most of a rule set's control flow and need no text: one target, a numeric operator. */
static bool
kind_numeric(struct plan *p, struct plan_rule *pr)
{
	const struct waf_rule *r = pr->r;
	const struct waf_target *t = r->target;

	if (r->n_target != 1 || !op_is_numeric(pr->op) || t->exclude || r->n_tfn != 0 || t->sel == WAF_SEL_REGEX ||
	    !num_operand(p, r, &pr->num))
		return false;
	if (t->var != WAF_V_TX) {
		pr->kind = PLAN_NUM_COUNT;
		return t->count && t->var != WAF_V_XML && waf_var_is_collection(t->var) &&
		    !p->tset[p->group[pr->group].tset].dynamic;
	}
	if (t->sel != WAF_SEL_KEY)
		return false;
	pr->slot = plan_slot_find(p, t->key.p, t->key.n);
	pr->kind = t->count ? PLAN_NUM_TX_COUNT : PLAN_NUM_TX;
	return pr->slot != PLAN_NONE;
}

static int
rule_kind(struct plan *p, struct plan_rule *pr)
{
	const struct waf_rule *r = pr->r;

	if (r->flags & WAF_R_UNCONDITIONAL || r->op == NULL) {
		pr->kind = PLAN_ACTION;
		return 0;
	}
	pr->op = r->op_id;
	if ((pr->group = plan_group_of(p, r)) == PLAN_NONE)
		return -ENOMEM;
	if (!kind_numeric(p, pr))
		pr->kind = p->tset[p->group[pr->group].tset].dynamic ? PLAN_DYNAMIC : PLAN_GROUP;
	return 0;
}

static int
rule_tags(struct plan *p, struct plan_rule *pr)
{
	const struct waf_rule *r = pr->r;
	struct waf_str s;
	size_t i;

	for (i = 0; i < r->n_tag; i++)
		if (!plan_literal(&r->tag[i], &s))
			return 0;
	if ((pr->tag = arena_alloc(p->arena, (r->n_tag + 1) * sizeof(*pr->tag))) == NULL)
		return -ENOMEM;
	for (i = 0; i < r->n_tag; i++) {
		plan_literal(&r->tag[i], &s);
		if ((pr->tag[i] = arena_strndup(p->arena, s.p, s.n)) == NULL)
			return -ENOMEM;
	}
	return 0;
}

/* "attack-generic" is what the Core Rule Set calls its own evaluations of the score. */
static bool
has_attack_tag(const struct waf_rule *r, bool named)
{
	static const char generic[] = "attack-generic";
	size_t i;

	for (i = 0; i < r->n_tag; i++) {
		struct waf_str t = r->tag[i].raw;

		if (t.n > 7 && memcmp(t.p, generic, 7) == 0 &&
		    (!named || t.n != sizeof(generic) - 1 || memcmp(t.p, generic, t.n) != 0))
			return true;
	}
	return false;
}

static bool
looks_beyond_tx(const struct waf_rule *r)
{
	size_t i;

	for (; r != NULL; r = r->chained)
		for (i = 0; i < r->n_target; i++)
			if (!r->target[i].exclude && r->target[i].var != WAF_V_TX)
				return true;
	return false;
}

/*
 * Rules that look at TX only evaluate what others found, with one exception: some look at values of the request that
 * earlier rules put there (922110), and say so with the attack that they find.
 */
static bool
rule_detects(const struct waf_rule *r)
{
	bool refuses = r->disruptive == WAF_D_DENY || r->disruptive == WAF_D_DROP || r->disruptive == WAF_D_REDIRECT;

	if ((r->flags & WAF_R_LOG) == 0 || !(refuses || r->severity >= 0 || has_attack_tag(r, false)))
		return false;
	return looks_beyond_tx(r) || has_attack_tag(r, true);
}

static struct plan_rule *
rule_new(struct plan *p, const struct waf_rule *r, struct plan_rule *head)
{
	struct plan_rule *pr = arena_calloc(p->arena, 1, sizeof(*pr));

	if (pr == NULL)
		return NULL;
	pr->r = r;
	pr->head = head != NULL ? head : pr;
	pr->index = head != NULL ? head->index : PLAN_NONE;
	pr->gate.bit = PLAN_NONE;
	pr->negated = r->op_negated;
	pr->capture = (r->flags & WAF_R_CAPTURE) != 0;
	pr->last = r->chained == NULL;
	pr->marker = r->marker != NULL;
	pr->side = (unsigned char)plan_side(r->phase);
	pr->arg_macro = r->op_arg.has_macro;
	pr->log = (r->flags & WAF_R_LOG) != 0;
	pr->skip_to = r->skip_to == SIZE_MAX ? PLAN_NONE : (uint32_t)r->skip_to;
	return pr;
}

/* A chain, or a marker. */
static struct plan_rule *
chain_new(struct plan *p, const struct waf_rule *r)
{
	struct plan_rule *head = rule_new(p, r, NULL), *pr = head;

	if (head == NULL || r->marker != NULL)
		return head;
	head->detection = rule_detects(r);
	head->index = (uint32_t)p->n_heads;
	p->head[p->n_heads++] = head;
	if (rule_tags(p, head) != 0)
		return NULL;
	for (; pr != NULL; r = r->chained) {
		if (rule_kind(p, pr) != 0)
			return NULL;
		if (r->chained == NULL)
			return head;
		pr->chained = rule_new(p, r->chained, head);
		pr = pr->chained;
	}
	return NULL;
}

static int
plan_phases(struct plan *p)
{
	const struct waf_phase *in;
	size_t i, n = 0;
	int ph;

	for (ph = 1; ph <= 5; ph++)
		n += p->rules->phase[ph].n;
	if ((p->head = arena_alloc(p->arena, (n + 1) * sizeof(*p->head))) == NULL)
		return -ENOMEM;
	for (ph = 1; ph <= 5; ph++) {
		in = &p->rules->phase[ph];
		p->phase[ph].n = in->n;
		p->phase[ph].rule = arena_alloc(p->arena, (in->n + 1) * sizeof(*p->phase[ph].rule));
		if (p->phase[ph].rule == NULL)
			return -ENOMEM;
		for (i = 0; i < in->n; i++)
			if ((p->phase[ph].rule[i] = chain_new(p, in->rule[i])) == NULL)
				return -ENOMEM;
	}
	p->n_words = (p->n_heads + 63) / 64;
	return 0;
}

/* After all heads are known: ctl speaks about rules further down. */
static int
plan_acts(struct plan *p)
{
	struct waf_op_scratch *s = waf_op_scratch_new();
	struct plan_rule *pr;
	size_t i;
	int r = s == NULL ? -ENOMEM : 0;

	if (r == 0)
		r = plan_tset_slots(p, s);
	for (i = 0; i < p->n_heads && r == 0; i++)
		for (pr = p->head[i]; pr != NULL && r == 0; pr = pr->chained)
			r = plan_act_compile(p, pr, s);
	waf_op_scratch_free(&s);
	return r;
}

/* Rules are loaded by one thread at a time or by several: it only has to be another number. */
static _Atomic uint64_t plans;

struct plan *
plan_new(struct waf_rules **rules, struct diag *d)
{
	struct arena *a = arena_new(0);
	struct plan *p = a != NULL ? arena_calloc(a, 1, sizeof(*p)) : NULL;
	int r;

	if (p == NULL) {
		arena_free(&a);
		diag_error(d, NULL, 0, 0, "out of memory");
		return NULL;
	}
	p->arena = a;
	p->rules = *rules;
	p->serial = ++plans;
	*rules = NULL;
	if ((r = plan_slots(p)) != 0 || (r = plan_phases(p)) != 0 || (r = plan_acts(p)) != 0 ||
	    (r = plan_gates(p)) != 0) {
		diag_error(d, NULL, 0, 0, "cannot plan the rules: %s", strerror(-r));
		plan_free(&p);
	}
	return p;
}

static void
free_dfas(struct plan_rule *pr)
{
	for (; pr != NULL; pr = pr->chained)
		rxdfa_free(&pr->dfa);
}

void
plan_free(struct plan **pp)
{
	struct plan *p = *pp;
	struct arena *a;
	size_t i;

	*pp = NULL;
	if (p == NULL)
		return;
	for (i = 0; i < p->n_heads; i++)
		free_dfas(p->head[i]);
	literals_free(&p->literals[0]);
	literals_free(&p->literals[1]);
	waf_rules_free(&p->rules);
	a = p->arena;
	arena_free(&a);
}
