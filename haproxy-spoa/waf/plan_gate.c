/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/literals.h"
#include "haproxy-spoa/waf/plan.h"
#include "haproxy-spoa/waf/rxdfa.h"
#include "haproxy-spoa/waf/rxlit.h"

/*
 * Literals of every pattern and all @pm phrases go into one scan per side (requests, responses).  A rule whose
 * pattern can't match without one of its literals gets a gate: the literals report its number.
 */

static int
gate_literals(struct plan *p, int side, struct plan_gate *g, const struct waf_str *lit, size_t n)
{
	uint32_t id = (uint32_t)p->n_gates[side];
	size_t i;
	int r;

	for (i = 0; i < n; i++)
		if ((r = literals_add(p->literals[side], lit[i].p, lit[i].n, id)) != 0)
			return r;
	g->bit = id;
	p->n_gates[side]++;
	return 0;
}

static int
gate_fill(struct plan *p, int side, struct plan_gate *g, const struct rxlit *lit)
{
	g->min_width = lit->min_width;
	if (lit->needs_class)
		g->class = plan_class_cover(lit->class);
	if (lit->n != 0)
		return gate_literals(p, side, g, lit->lit, lit->n);
	if (lit->n_mixed == 0)
		return 0;
	g->or_class = plan_class_cover(lit->or_class);
	return gate_literals(p, side, g, lit->mixed, lit->n_mixed);
}

/* Literals for the scan, and an automaton: both from one tree. */
static int
gate_rx(struct plan *p, int side, struct plan_rule *pr, struct arena *scratch)
{
	struct waf_str pattern = waf_op_pattern(pr->r->op);
	const struct rx_node *tree;
	struct rxlit lit;

	if (pattern.p == NULL)
		return 0;
	tree = rx_parse(pattern, waf_rx_options(), scratch);
	rxlit_of(&lit, tree, scratch);
	if (arena_failed(scratch))
		return -ENOMEM;
	if (!waf_op_anchored(pr->r->op) && (pr->dfa = rxdfa_of(tree)) != NULL)
		pr->dfa_index = (uint32_t)p->n_dfas++;
	return gate_fill(p, side, &pr->gate, &lit);
}

/*
 * libinjection: XSS needs a tag or an attribute with a value, SQL more than one word or number.  From its
 * tokenizers; tests/unit/waf/test_plan.c holds it to that.
 */
static void
gate_injection(struct plan_rule *pr)
{
	static const uint64_t xss[4] = {UINT64_C(1) << '<' | UINT64_C(1) << '='};
	static const uint64_t word[4] = {UINT64_C(0x3ff) << '0', UINT64_C(0x7fffffe87fffffe)};

	if (pr->op == WAF_O_detectXSS)
		pr->gate.class = plan_class_cover(xss);
	if (pr->op == WAF_O_detectSQLi)
		pr->gate.class = plan_class_all() & ~plan_class_cover(word);
}

static bool
gate_wanted(const struct plan_rule *pr)
{
	return pr->kind == PLAN_GROUP && pr->r->op != NULL && !pr->r->op_arg.has_macro;
}

/* One rule and the later ones of its chain. */
static int
gate_rule(struct plan *p, int side, struct plan_rule *pr, struct arena *scratch)
{
	const struct waf_str *phrase;
	size_t n;
	int r = 0;

	for (; pr != NULL && r == 0; pr = pr->chained) {
		if (!gate_wanted(pr))
			continue;
		gate_injection(pr);
		if ((n = waf_op_phrases(pr->r->op, &phrase)) > 0)
			r = gate_literals(p, side, &pr->gate, phrase, n);
		else
			r = gate_rx(p, side, pr, scratch);
	}
	return r;
}

int
plan_gates(struct plan *p)
{
	struct arena *scratch = arena_new(0);
	size_t i;
	int side, r;

	r = scratch == NULL ? -ENOMEM : 0;
	for (side = 0; side < 2 && r == 0; side++)
		if ((p->literals[side] = literals_new(true)) == NULL)
			r = -ENOMEM;
	for (i = 0; i < p->n_heads && r == 0; i++) {
		r = gate_rule(p, plan_side(p->head[i]->r->phase), p->head[i], scratch);
		arena_reset(scratch);
	}
	for (side = 0; side < 2 && r == 0; side++) {
		p->gate_words[side] = (p->n_gates[side] + 63) / 64;
		if (p->n_gates[side] > 0)
			r = literals_build(p->literals[side]);
	}
	arena_free(&scratch);
	return r;
}
