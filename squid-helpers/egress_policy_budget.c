/* SPDX-License-Identifier: MIT */
/* Budgets of the policy file: checked, and as bits of the rules and identities that they are for. */
#include "config.h"

#include <string.h>

#include "lib/diag.h"
#include "squid-helpers/egress_policy_private.h"

static void
budget_error(const struct egress_policy *p, const struct egress_conf_budget *b, const char *what, const char *why,
    struct diag *d)
{
	diag_error(d, p->file, b->at.line, b->at.col, "budget %s: \"%s\" %s", b->id, what, why);
}

static void
budget_rules(struct egress_policy *p, size_t at, struct diag *d)
{
	const struct egress_conf_budget *b = &p->conf.budgets[at];
	uint64_t bit = (uint64_t)1 << at;

	for (size_t i = 0; b->rules.n == 0 && i < p->conf.n_rules; i++)
		p->rules[i].budgets |= bit;
	if (b->rules.n == 0)
		p->api_budgets |= bit;
	for (size_t k = 0; k < b->rules.n; k++) {
		bool found = strcmp(b->rules.v[k], API_RULE) == 0;

		if (found)
			p->api_budgets |= bit;
		for (size_t i = 0; i < p->conf.n_rules; i++)
			if (strcmp(p->rules[i].id, b->rules.v[k]) == 0) {
				p->rules[i].budgets |= bit;
				found = true;
			}
		if (!found)
			budget_error(p, b, b->rules.v[k], "is not a rule of this file", d);
	}
}

static void
budget_identities(struct egress_policy *p, size_t at, struct diag *d)
{
	const struct egress_conf_budget *b = &p->conf.budgets[at];
	uint64_t bit = (uint64_t)1 << at;

	for (size_t i = 0; b->identities.n == 0 && i < p->conf.n_identities; i++)
		p->identities[i].budgets |= bit;
	if (b->identities.n == 0)
		p->nobody_budgets |= bit;
	for (size_t k = 0; k < b->identities.n; k++) {
		bool found = false;

		for (size_t i = 0; i < p->conf.n_identities; i++)
			if (strcmp(p->conf.identities[i].id, b->identities.v[k]) == 0) {
				p->identities[i].budgets |= bit;
				found = true;
			}
		if (!found)
			budget_error(p, b, b->identities.v[k], "is not an identity of this file", d);
	}
}

void
egress_policy_budgets(struct egress_policy *p, struct diag *d)
{
	if (p->conf.n_budgets == 0)
		return;
	if (p->conf.n_budgets > BUDGETS_MAX)
		diag_error(d, p->file, 0, 0, "budgets: at most %d", BUDGETS_MAX);
	if (*p->conf.accounts.log == '\0' || *p->conf.accounts.state == '\0')
		diag_error(d, p->file, 0, 0, "budgets: nobody counts without accounts.log and accounts.state");
	for (size_t i = 0; i < p->conf.n_budgets && i < BUDGETS_MAX; i++) {
		for (size_t k = 0; k < i; k++)
			if (strcmp(p->conf.budgets[k].id, p->conf.budgets[i].id) == 0)
				budget_error(p, &p->conf.budgets[i], p->conf.budgets[i].id, "is the id of two budgets", d);
		budget_rules(p, i, d);
		budget_identities(p, i, d);
	}
}
