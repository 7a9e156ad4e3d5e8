/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/detect.h"
#include "icap-llmsec/pii.h"
#include "icap-llmsec/rules.h"
#include "icap-llmsec/views.h"

struct detectors {
	struct detect_conf conf;
	struct rules	  *rules;	/* NULL: no pack */
};

struct pii_row {
	const char	*rule_id, *category;
	int		 (*find)(const char *, size_t, size_t, size_t *, size_t *);
	size_t		 conf_offset, max;
};

static const struct pii_row pii_rows[] = {
	{"LLMSEC-PII-EMAIL", "pii.email", pii_email, offsetof(struct detect_conf, pii_email), PII_EMAIL_MAX},
	{"LLMSEC-PII-CARD", "pii.card", pii_card, offsetof(struct detect_conf, pii_card), PII_CARD_MAX},
};
#define N_PII	(sizeof(pii_rows) / sizeof(*pii_rows))

int
detectors_load(struct detectors **out, const struct detect_conf *conf, struct diag *d)
{
	struct detectors *ds = calloc(1, sizeof(*ds));
	int rc = 0;

	*out = NULL;
	if (ds == NULL)
		return -ENOMEM;
	ds->conf = *conf;
	ds->conf.injection_pack = NULL;
	if (conf->injection_pack != NULL && conf->injection_pack[0] != '\0')
		rc = rules_load(&ds->rules, conf->injection_pack, d);
	if (rc < 0)
		detectors_free(&ds);
	*out = ds;
	return rc;
}

void
detectors_free(struct detectors **dp)
{
	struct detectors *d = *dp;

	*dp = NULL;
	if (d == NULL)
		return;
	rules_free(&d->rules);
	free(d);
}

static enum detect_mode
pii_mode(const struct detectors *d, const struct pii_row *r)
{
	return *(const enum detect_mode *)((const char *)&d->conf + r->conf_offset);
}

static int
findings_add(struct findings *f, size_t *cap, struct arena *a, const struct finding *x)
{
	struct finding *v;

	if (f->n == *cap) {
		*cap = *cap ? *cap * 2 : 8;
		v = arena_alloc(a, *cap * sizeof(*v));
		if (v == NULL)
			return -ENOMEM;
		if (f->n > 0)
			memcpy(v, f->v, f->n * sizeof(*v));
		f->v = v;
	}
	f->v[f->n++] = *x;
	return 0;
}

static int
detect_pii(const struct detectors *d, const char *text, size_t len, struct arena *a, struct findings *f,
    size_t *cap)
{
	size_t start, n, from;

	for (size_t i = 0; i < N_PII; i++) {
		enum detect_mode mode = pii_mode(d, &pii_rows[i]);

		for (from = 0; mode != DETECT_OFF && pii_rows[i].find(text, len, from, &start, &n); from = start + n) {
			struct finding x = {pii_rows[i].rule_id, pii_rows[i].category, mode, 3, start, n, 0};

			if (findings_add(f, cap, a, &x) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

/* Which injection mode applies to a span; *roles: which rules. */
static enum detect_mode
injection_mode(const struct detectors *d, const struct span *s, unsigned *roles)
{
	if (d->rules == NULL || s->prov == PROV_HISTORY || s->prov == PROV_TOOL_DEFINITION ||
	    s->role == ROLE_SYSTEM || s->role == ROLE_DEVELOPER || s->role == ROLE_ASSISTANT)
		return DETECT_OFF;
	if (s->prov == PROV_FILE || s->role == ROLE_TOOL) {
		*roles = RULE_TOOL;
		return d->conf.injection_tool;
	}
	*roles = RULE_USER;
	return d->conf.injection_user;
}

/* Where a hit in a view stands in the text: of an encoded run, what the run's parts are known to. */
static void
hit_place(const struct view *v, const struct rule_hit *h, struct finding *x)
{
	uint32_t lo = v->norm.map[h->start], hi = v->norm.map[h->start + h->len];

	for (size_t i = h->start; i < h->start + h->len; i++) {
		lo = v->norm.map[i] < lo ? v->norm.map[i] : lo;
		hi = v->norm.map[i] >= hi ? v->norm.map[i] + 1 : hi;
	}
	x->start = lo;
	x->len = hi > lo ? hi - lo : 1;
}

static bool
found_before(const struct findings *f, const char *rule_id)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].rule_id == rule_id)
			return true;
	return false;
}

/* What one reading of the text holds that the readings before it did not. */
static int
detect_view(const struct detectors *d, const struct view *v, unsigned roles, enum detect_mode mode, struct arena *a,
    struct findings *f, size_t *cap)
{
	struct rule_hit *h;
	size_t n;
	int rc = rules_match(d->rules, roles, 0, &v->norm, a, &h, &n);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct finding x = {h[i].id, h[i].category, mode, h[i].severity, 0, 0, 0};

		hit_place(v, &h[i], &x);
		if (!found_before(f, x.rule_id))
			rc = findings_add(f, cap, a, &x);
	}
	return rc;
}

static int
detect_injection(const struct detectors *d, const struct span *s, struct arena *a, struct findings *f, size_t *cap)
{
	struct finding cut = {"LLMSEC-ENC-0001", "obfuscation.limit", DETECT_MONITOR, 4, 0, s->len, 0};
	unsigned roles = 0;
	enum detect_mode mode = injection_mode(d, s, &roles);
	struct views *vs;
	int rc;

	if (mode == DETECT_OFF)
		return 0;
	vs = arena_alloc(a, sizeof(*vs));
	rc = vs != NULL ? views_make(vs, s->text, s->len, a) : -ENOMEM;
	for (size_t i = 0; rc == 0 && i < vs->n; i++)
		rc = detect_view(d, &vs->v[i], roles, mode, a, f, cap);
	if (rc == 0 && vs->cut)
		rc = findings_add(f, cap, a, &cut);
	return rc;
}

static int
finding_cmp(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->len > y->len ? -1 : x->len < y->len;	/* the longest masks the others */
}

int
detect_span(const struct detectors *d, const struct span *s, struct arena *a, struct findings *f)
{
	size_t cap = 0;
	int rc = detect_injection(d, s, a, f, &cap);

	if (rc == 0 && s->role != ROLE_SYSTEM && s->role != ROLE_DEVELOPER)
		rc = detect_pii(d, s->text, s->len, a, f, &cap);
	if (f->n > 1)
		qsort(f->v, f->n, sizeof(*f->v), finding_cmp);
	return rc;
}

int
detect_output(const struct detectors *d, const char *text, size_t len, struct arena *a, struct findings *f)
{
	size_t cap = 0;
	int rc = detect_pii(d, text, len, a, f, &cap);

	if (f->n > 1)
		qsort(f->v, f->n, sizeof(*f->v), finding_cmp);
	return rc;
}

size_t
detect_output_window(const struct detectors *d)
{
	size_t w = 0;

	for (size_t i = 0; i < N_PII; i++)
		if (pii_mode(d, &pii_rows[i]) != DETECT_OFF && pii_rows[i].max > w)
			w = pii_rows[i].max;
	return w;
}
