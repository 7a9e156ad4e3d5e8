/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "icap-llmsec/rules.h"
#include "lib/conf.h"
#include "lib/diag.h"
#include "lib/literals.h"

/* An honest pattern needs far fewer steps; a hostile text costs milliseconds before it is an ERROR. */
#define RULES_MATCH_LIMIT	1000000
#define RULES_DEPTH_LIMIT	100000

struct rule {
	char		*id, *category, *pattern;
	int		 severity;
	struct conf_strs languages, roles, phrases, require, match, no_match;
	/* compiled */
	pcre2_code	*code;
	unsigned	 role_mask;
};

struct rules {
	struct rule	*rules;
	size_t		 n_rules;
	struct literals	*lit;	/* id = rule number */
	size_t		 words;	/* of the hit bitmap */
	struct conf_mem	*mem;
};

static const struct conf_opt rule_opts[] = {
	CONF_STR(struct rule, id, NULL, "", "identifier, as it appears in refusals and events"),
	CONF_STR(struct rule, category, NULL, "", "what it finds, dotted"),
	CONF_INT(struct rule, severity, 0, 10, "7", "0-10", "how bad a hit is"),
	CONF_STRS(struct rule, languages, "ISO 639-1 codes"),
	CONF_STRS(struct rule, roles, "user, tool; empty: both"),
	CONF_STR(struct rule, pattern, "\"\"", "PCRE2", "on normalised text: folded case, single spaces"),
	CONF_STRS(struct rule, phrases, "literal phrases instead of a pattern, normalised"),
	CONF_STRS(struct rule, require, "one of these must occur for the pattern to be tried"),
	CONF_STRS(struct rule, match, "examples that must match"),
	CONF_STRS(struct rule, no_match, "examples that must not"),
	CONF_END
};

static const struct conf_opt pack_opts[] = {
	CONF_SEQ(struct rules, rules, n_rules, rule_opts, struct rule, "the rules"),
	CONF_END
};

static int
rule_roles(struct rule *r, const char *path, struct diag *d)
{
	for (size_t i = 0; i < r->roles.n; i++) {
		if (strcmp(r->roles.v[i], "user") == 0)
			r->role_mask |= RULE_USER;
		else if (strcmp(r->roles.v[i], "tool") == 0)
			r->role_mask |= RULE_TOOL;
		else
			diag_error(d, path, 0, 0, "rule %s: unknown role \"%s\" (user, tool)", r->id, r->roles.v[i]);
	}
	if (r->roles.n == 0)
		r->role_mask = RULE_USER | RULE_TOOL;
	return 0;
}

static int
rule_compile(struct rules *rs, size_t idx, const char *path, struct diag *d)
{
	struct rule *r = &rs->rules[idx];
	const struct conf_strs *lits = r->pattern[0] ? &r->require : &r->phrases;
	PCRE2_SIZE at;
	int err;

	rule_roles(r, path, d);
	if ((r->pattern[0] != '\0') == (r->phrases.n > 0))
		diag_error(d, path, 0, 0, "rule %s: give either a pattern or phrases", r->id);
	if (r->match.n == 0)
		diag_error(d, path, 0, 0, "rule %s: at least one example under match", r->id);
	for (size_t i = 0; i < lits->n; i++)
		if (literals_add(rs->lit, lits->v[i], strlen(lits->v[i]), (uint32_t)idx) < 0)
			diag_error(d, path, 0, 0, "rule %s: empty literal", r->id);
	if (r->pattern[0] == '\0')
		return 0;
	r->code = pcre2_compile((PCRE2_SPTR)r->pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C,
	    &err, &at, NULL);
	if (r->code == NULL) {
		PCRE2_UCHAR why[128];

		pcre2_get_error_message(err, why, sizeof(why));
		diag_error(d, path, 0, 0, "rule %s: pattern, offset %zu: %s", r->id, (size_t)at, (char *)why);
		return 0;
	}
	pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);	/* without JIT it interprets: slower, not wrong */
	return 0;
}

static void *
arena_pcre_malloc(size_t n, void *a)
{
	return arena_alloc(a, n);
}

static void
arena_pcre_free(void *p, void *a)
{
	(void)p;
	(void)a;
}

/* 1 and the place, 0, or -EOVERFLOW. */
static int
rule_run(const struct rule *r, const struct norm *t, pcre2_match_data *md, pcre2_match_context *mc,
    struct rule_hit *hit)
{
	const char *p;
	int rc;

	if (r->code == NULL) {
		for (size_t i = 0; i < r->phrases.n; i++) {
			p = memmem(t->text, t->len, r->phrases.v[i], strlen(r->phrases.v[i]));
			if (p != NULL) {
				hit->start = (size_t)(p - t->text);
				hit->len = strlen(r->phrases.v[i]);
				return 1;
			}
		}
		return 0;
	}
	rc = pcre2_match(r->code, (PCRE2_SPTR)t->text, t->len, 0, PCRE2_NO_UTF_CHECK, md, mc);
	if (rc == PCRE2_ERROR_NOMATCH)
		return 0;
	if (rc < 0)
		return -EOVERFLOW;
	hit->start = pcre2_get_ovector_pointer(md)[0];
	hit->len = pcre2_get_ovector_pointer(md)[1] - hit->start;
	return 1;
}

int
rules_match(const struct rules *rs, unsigned roles, unsigned flags, const struct norm *t, struct arena *a,
    struct rule_hit **out, size_t *n)
{
	uint64_t *hits = arena_calloc(a, rs->words, sizeof(*hits));
	struct rule_hit *v = arena_alloc(a, (rs->n_rules + 1) * sizeof(*v));
	pcre2_general_context *g = pcre2_general_context_create(arena_pcre_malloc, arena_pcre_free, a);
	pcre2_match_data *md = g ? pcre2_match_data_create(1, g) : NULL;
	pcre2_match_context *mc = g ? pcre2_match_context_create(g) : NULL;
	int rc;

	*n = 0;
	if (hits == NULL || v == NULL || md == NULL || mc == NULL)
		return -ENOMEM;
	pcre2_set_match_limit(mc, RULES_MATCH_LIMIT);
	pcre2_set_depth_limit(mc, RULES_DEPTH_LIMIT);
	literals_scan(rs->lit, t->text, t->len, hits);
	for (size_t i = 0; i < rs->n_rules; i++) {
		const struct rule *r = &rs->rules[i];
		bool filtered = r->code == NULL || r->require.n > 0;

		if (!(r->role_mask & roles) ||
		    (filtered && !(flags & RULES_NO_PREFILTER) && !(hits[i / 64] >> i % 64 & 1)))
			continue;
		rc = rule_run(r, t, md, mc, &v[*n]);
		if (rc < 0)
			return rc;
		if (rc > 0) {
			v[*n].id = r->id;
			v[*n].category = r->category;
			v[*n].severity = r->severity;
			v[*n].mode = DETECT_BLOCK;
			v[*n].weight = (float)r->severity / 2;
			v[*n].factor = 1;
			(*n)++;
		}
	}
	*out = v;
	return 0;
}

static bool
rule_example(const struct rules *rs, const struct rule *r, const char *text, struct arena *a)
{
	struct norm t;
	struct rule_hit *h;
	size_t n;

	arena_reset(a);
	if (norm_text(&t, text, strlen(text), a) < 0 ||
	    rules_match(rs, RULE_USER | RULE_TOOL, 0, &t, a, &h, &n) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(h[i].id, r->id) == 0)
			return true;
	return false;
}

static void
rules_prove(const struct rules *rs, const char *path, struct diag *d)
{
	struct arena *a = arena_new(0);

	for (size_t i = 0; a != NULL && i < rs->n_rules; i++) {
		const struct rule *r = &rs->rules[i];

		for (size_t k = 0; k < r->match.n; k++)
			if (!rule_example(rs, r, r->match.v[k], a))
				diag_error(d, path, 0, 0, "rule %s: example %zu must match and does not", r->id, k + 1);
		for (size_t k = 0; k < r->no_match.n; k++)
			if (rule_example(rs, r, r->no_match.v[k], a))
				diag_error(d, path, 0, 0, "rule %s: counter-example %zu must not match and does", r->id, k + 1);
		for (size_t k = 0; k < i; k++)
			if (strcmp(rs->rules[k].id, r->id) == 0)
				diag_error(d, path, 0, 0, "rule %s: id used twice", r->id);
	}
	arena_free(&a);
}

/* The pack is in <rs>, or <rc> says why not: compile and prove it. */
static int
rules_finish(struct rules **out, struct rules *rs, int rc, const char *path, int errors, struct diag *d)
{
	if (rc < 0)
		goto fail;
	rc = -ENOMEM;
	rs->words = rs->n_rules / 64 + 1;
	rs->lit = literals_new(false);
	if (rs->lit == NULL)
		goto fail;
	for (size_t i = 0; i < rs->n_rules; i++)
		rule_compile(rs, i, path, d);
	if (literals_build(rs->lit) < 0)
		goto fail;
	if (diag_errors(d) == errors)
		rules_prove(rs, path, d);
	rc = -EINVAL;
	if (diag_errors(d) > errors)
		goto fail;
	*out = rs;
	return 0;
fail:
	rules_free(&rs);
	return rc;
}

int
rules_load(struct rules **out, const char *path, struct diag *d)
{
	struct rules *rs = calloc(1, sizeof(*rs));
	int errors = diag_errors(d);

	*out = NULL;
	if (rs == NULL)
		return -ENOMEM;
	return rules_finish(out, rs, conf_load(path, pack_opts, rs, &rs->mem, d), path, errors, d);
}

int
rules_load_mem(struct rules **out, const char *name, const char *text, size_t len, struct diag *d)
{
	struct rules *rs = calloc(1, sizeof(*rs));
	int errors = diag_errors(d);

	*out = NULL;
	if (rs == NULL)
		return -ENOMEM;
	return rules_finish(out, rs, conf_load_mem(name, text, len, pack_opts, rs, &rs->mem, d), name, errors, d);
}

void
rules_free(struct rules **rp)
{
	struct rules *rs = *rp;

	*rp = NULL;
	if (rs == NULL)
		return;
	for (size_t i = 0; rs->mem != NULL && i < rs->n_rules; i++)
		pcre2_code_free(rs->rules[i].code);
	literals_free(&rs->lit);
	conf_mem_free(&rs->mem);
	free(rs);
}

size_t
rules_count(const struct rules *rs)
{
	return rs ? rs->n_rules : 0;
}
