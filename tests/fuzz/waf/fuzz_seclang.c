/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a rule set: it loads, or there is an error.  No file is read (no folder is given).  What loaded
 * must hold together: phases, chains and skips point into the rules.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/waf/rule.h"
#include "lib/diag.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MUST(x) do { if (!(x)) abort(); } while (0)

static void
check_macro(const struct waf_macro *m)
{
	bool has = false;

	for (size_t i = 0; i < m->n; i++) {
		MUST(m->part[i].var <= WAF_V_MAX && strlen(m->part[i].text.p) == m->part[i].text.n);
		has |= m->part[i].var != WAF_V_MAX;
	}
	MUST(has == m->has_macro && (m->n == 0 || m->raw.p != NULL));
}

static void
check_target(const struct waf_target *t)
{
	MUST(t->var < WAF_V_MAX && !(t->exclude && t->count));
	MUST((t->sel == WAF_SEL_REGEX) == (t->rx != NULL));
	MUST(t->sel == WAF_SEL_ALL || t->key.p != NULL);
}

static void
check_rule(const struct waf_rule *r, int phase)
{
	MUST(r->phase == phase && r->line > 0 && r->file != NULL);
	MUST((r->op != NULL) == !(r->flags & WAF_R_UNCONDITIONAL) && (r->op == NULL || r->n_target != 0));
	for (size_t i = 0; i < r->n_target; i++)
		check_target(&r->target[i]);
	for (size_t i = 0; i < r->n_tfn; i++)
		MUST(r->tfn[i] < WAF_T_MAX);
	for (size_t i = 0; i < r->n_tag; i++)
		check_macro(&r->tag[i]);
	for (size_t i = 0; i < r->n_act; i++) {
		check_macro(&r->act[i].name);
		check_macro(&r->act[i].value);
		MUST(r->act[i].target.var == WAF_V_MAX || (check_target(&r->act[i].target), true));
	}
	check_macro(&r->msg);
	check_macro(&r->logdata);
	check_macro(&r->op_arg);
}

static void
check_phase(const struct waf_phase *ph, int phase)
{
	const struct waf_rule *r;

	for (size_t i = 0; i < ph->n; i++) {
		r = ph->rule[i];
		if (r->marker != NULL)
			continue;
		MUST(r->id > 0 && r->disruptive != WAF_D_NONE);
		MUST(r->skip_to == SIZE_MAX || (r->skip_to > i && r->skip_to <= ph->n));
		check_rule(r, phase);
		for (r = r->chained; r != NULL; r = r->chained) {
			MUST(r->id == 0 && r->disruptive == WAF_D_NONE && r->skip_to == SIZE_MAX);
			check_rule(r, phase);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct diag *d = diag_new();
	struct waf_rules *r;

	if (d == NULL)
		abort();
	r = waf_rules_load_mem("f", NULL, (const char *)data, n, d);
	MUST((r == NULL) == (diag_errors(d) != 0));
	for (int p = 1; r != NULL && p <= 5; p++)
		check_phase(&r->phase[p], p);
	waf_rules_free(&r);
	diag_free(&d);
	return 0;
}
