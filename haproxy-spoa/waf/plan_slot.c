/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "lib/arena.h"
#include "haproxy-spoa/waf/plan.h"

/*
 * TX variables with a name that the rule set writes down somewhere get a slot.  Only names put together while
 * rules run ("tx.paramcounter_%{MATCHED_VAR_NAME}") are left to the transaction's list.
 */

static uint32_t
slot_hash_of(const char *s, size_t n)
{
	uint32_t h = 2166136261u;
	size_t i;

	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c >= 'A' && c <= 'Z')
			c |= 0x20;
		h = (h ^ c) * 16777619u;
	}
	return h ^ h >> 15;
}

uint32_t
plan_slot_find(const struct plan *p, const char *s, size_t n)
{
	size_t i = slot_hash_of(s, n) & p->slot_mask;
	uint32_t e;

	for (; (e = p->slot_hash[i]) != 0; i = (i + 1) & p->slot_mask) {
		const struct waf_str *name = &p->slot_name[e - 1];

		if (name->n == n && strncasecmp(name->p, s, n) == 0)
			return e - 1;
	}
	return PLAN_NONE;
}

/* At most half full, so that looking for what is not there stays short. */
static int
slot_rehash(struct plan *p, size_t size)
{
	size_t i, k;

	p->slot_hash = arena_calloc(p->arena, size, sizeof(*p->slot_hash));
	if (p->slot_hash == NULL)
		return -ENOMEM;
	p->slot_mask = size - 1;
	for (k = 0; k < p->n_slots; k++) {
		i = slot_hash_of(p->slot_name[k].p, p->slot_name[k].n) & p->slot_mask;
		while (p->slot_hash[i] != 0)
			i = (i + 1) & p->slot_mask;
		p->slot_hash[i] = (uint32_t)k + 1;
	}
	return 0;
}

static int
slot_add(struct plan *p, struct waf_str name)
{
	size_t i;
	int r;

	if (plan_slot_find(p, name.p, name.n) != PLAN_NONE)
		return 0;
	if (p->n_slots * 2 > p->slot_mask && (r = slot_rehash(p, (p->slot_mask + 1) * 2)) != 0)
		return r;
	if ((r = plan_grow(p->arena, &p->slot_name, p->n_slots, &p->cap_slots, sizeof(name))) != 0)
		return r;
	p->slot_name[p->n_slots++] = name;
	i = slot_hash_of(name.p, name.n) & p->slot_mask;
	while (p->slot_hash[i] != 0)
		i = (i + 1) & p->slot_mask;
	p->slot_hash[i] = (uint32_t)p->n_slots;
	return 0;
}

static int
slots_of_macro(struct plan *p, const struct waf_macro *m)
{
	size_t i;
	int r = 0;

	for (i = 0; i < m->n && r == 0; i++)
		if (m->part[i].var == WAF_V_TX)
			r = slot_add(p, m->part[i].text);
	return r;
}

static int
slots_of_act(struct plan *p, const struct waf_act *a)
{
	struct waf_str text;
	int r;

	if (a->kind == WAF_A_SETVAR && a->coll == WAF_V_TX && plan_literal(&a->name, &text))
		r = slot_add(p, text);
	else
		r = slots_of_macro(p, &a->name);
	return r != 0 ? r : slots_of_macro(p, &a->value);
}

static int
slots_of_rule(struct plan *p, const struct waf_rule *w)
{
	size_t i;
	int r = slots_of_macro(p, &w->op_arg);

	for (i = 0; i < w->n_target && r == 0; i++)
		if (w->target[i].var == WAF_V_TX && w->target[i].sel == WAF_SEL_KEY)
			r = slot_add(p, w->target[i].key);
	for (i = 0; i < w->n_act && r == 0; i++)
		r = slots_of_act(p, &w->act[i]);
	if (r == 0)
		r = slots_of_macro(p, &w->msg);
	return r != 0 ? r : slots_of_macro(p, &w->logdata);
}

static void
slots_of_scores(struct plan *p)
{
	static const char *const name[] = {
#define SCORE_NAME(suffix, text) text,
		PLAN_SCORES(SCORE_NAME)
#undef SCORE_NAME
	};
	size_t i;

	for (i = 0; i < PLAN_S_MAX; i++)
		p->score[i] = plan_slot_find(p, name[i], strlen(name[i]));
}

/* "0" to "9" are the captures: the first ten slots. */
int
plan_slots(struct plan *p)
{
	static const char digits[] = "0123456789";
	static const char *const known[] = {"msc_pcre_limits_exceeded", NULL};
	size_t i;
	int r = slot_rehash(p, 64);

	for (i = 0; i < 10 && r == 0; i++)
		r = slot_add(p, (struct waf_str){digits + i, 1});
	for (i = 0; known[i] != NULL && r == 0; i++)
		r = slot_add(p, (struct waf_str){known[i], strlen(known[i])});
	for (i = 0; i < p->rules->n_all && r == 0; i++)
		r = slots_of_rule(p, p->rules->all[i]);
	slots_of_scores(p);
	return r;
}
