/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/detect_private.h"
#include "icap-llmsec/model.h"
#include "icap-llmsec/pii.h"
#include "icap-llmsec/rules.h"
#include "icap-llmsec/secret.h"

#define SEVERITY_PII	3
#define SEVERITY_SECRET	5

static bool
given(const char *path)
{
	return path != NULL && path[0] != '\0';
}

int
detectors_load(struct detectors **out, const struct detect_conf *conf, struct diag *d)
{
	const char *const packs[] = {conf->injection_pack, conf->operator_pack};
	struct detectors *ds = calloc(1, sizeof(*ds));
	int rc = 0;

	*out = NULL;
	if (ds == NULL)
		return -ENOMEM;
	rc = rules_load_all(&ds->rules, packs, 2, d);
	if (rc == 0 && given(conf->model))
		rc = model_load(&ds->model, conf->model, d);
	if (rc == 0 && conf->pii != NULL)
		rc = pii_new(&ds->pii, conf->pii);
	if (rc == 0 && conf->secrets != NULL)
		rc = secret_new(&ds->secret, conf->secrets);
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
	model_free(&d->model);
	pii_free(&d->pii);
	secret_free(&d->secret);
	free(d);
}

float
detect_threshold(const struct detectors *d, const struct detect_modes *m, bool data)
{
	if (d->model == NULL)
		return 0.5f;
	return model_threshold(d->model, data ? MODEL_DATA : MODEL_DIRECT, (enum model_level)m->level);
}

bool
finding_is_private(const struct finding *f)
{
	return strncmp(f->category, "pii.", 4) == 0 || strncmp(f->category, "secret.", 7) == 0;
}

void
findings_cap_private(struct findings *f, enum detect_mode most)
{
	for (size_t i = 0; i < f->n; i++)
		if (finding_is_private(&f->v[i]) && f->v[i].mode > most)
			f->v[i].mode = most;
}

int
findings_add(struct findings *f, struct arena *a, const struct finding *x)
{
	struct finding *v;

	if (f->n < 8 ? f->n == 0 : (f->n & (f->n - 1)) == 0) {	/* 8, then doubled: full at every power of two */
		v = arena_alloc(a, (f->n < 8 ? 8 : 2 * f->n) * sizeof(*v));
		if (v == NULL)
			return -ENOMEM;
		if (f->n > 0)
			memcpy(v, f->v, f->n * sizeof(*v));
		f->v = v;
	}
	f->v[f->n++] = *x;
	return 0;
}

static bool
overlaps(const struct pii_hit *p, const struct secret_hit *s)
{
	return p->start < s->start + s->len && s->start < p->start + p->len;
}

/* Personal data and secrets, in the order of the text; where both claim a place, it is the secret. */
static int
detect_private(const struct detectors *d, const char *text, size_t len, struct arena *a, struct findings *f)
{
	struct pii_hit *p = NULL;
	struct secret_hit *s = NULL;
	size_t n_pii = 0, n_secrets = 0, k = 0;
	int rc = d->pii != NULL ? pii_find(d->pii, text, len, a, &p, &n_pii) : 0;

	if (rc == 0 && d->secret != NULL)
		rc = secret_find(d->secret, text, len, a, &s, &n_secrets);
	for (size_t i = 0; rc == 0 && i < n_secrets; i++) {
		struct finding x = {s[i].what->rule_id, s[i].what->category, s[i].mode, SEVERITY_SECRET, s[i].start, s[i].len, 0, 0};

		rc = findings_add(f, a, &x);
	}
	for (size_t i = 0; rc == 0 && i < n_pii; i++) {
		struct finding x = {p[i].what->rule_id, p[i].what->category, p[i].mode, SEVERITY_PII, p[i].start, p[i].len, 0, 0};

		while (k < n_secrets && s[k].start + s[k].len <= p[i].start)
			k++;
		if (k == n_secrets || !overlaps(&p[i], &s[k]))
			rc = findings_add(f, a, &x);
	}
	return rc;
}

static int
finding_cmp(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;
	bool xm = strcmp(x->category, "injection.model") == 0, ym = strcmp(y->category, "injection.model") == 0;

	if (xm != ym)		/* what people wrote explains more */
		return xm ? 1 : -1;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->len > y->len ? -1 : x->len < y->len;	/* the longest masks the others */
}

int
detect_span(const struct detectors *d, const struct detect_modes *m, const struct span *s, struct arena *a, struct findings *f,
    struct detect_score *score)
{
	size_t from = f->n;
	int rc;

	*score = (struct detect_score){0, 0, 0};
	rc = detect_prompt(d, m, s, a, f, score);
	if (rc == 0 && s->role != ROLE_SYSTEM && s->role != ROLE_DEVELOPER)
		rc = detect_private(d, s->text, s->len, a, f);
	if (f->n - from > 1)
		qsort(f->v + from, f->n - from, sizeof(*f->v), finding_cmp);
	return rc;
}

int
detect_output(const struct detectors *d, const char *text, size_t len, struct arena *a, struct findings *f)
{
	size_t from = f->n;
	int rc = detect_private(d, text, len, a, f);

	if (f->n - from > 1)
		qsort(f->v + from, f->n - from, sizeof(*f->v), finding_cmp);
	return rc;
}

size_t
detect_output_window(const struct detectors *d)
{
	size_t p = d->pii != NULL ? pii_window(d->pii) : 0, s = d->secret != NULL ? secret_window(d->secret) : 0;

	return p > s ? p : s;
}
