/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/detect_private.h"
#include "icap-llmsec/model.h"
#include "icap-llmsec/pii.h"
#include "icap-llmsec/rules.h"

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
	ds->conf = *conf;
	rc = rules_load_all(&ds->rules, packs, 2, d);
	if (rc == 0 && given(conf->model))
		rc = model_load(&ds->model, conf->model, d);
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

static enum detect_mode
pii_mode(const struct detectors *d, const struct pii_row *r)
{
	return *(const enum detect_mode *)((const char *)&d->conf + r->conf_offset);
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

static int
detect_pii(const struct detectors *d, const char *text, size_t len, struct arena *a, struct findings *f)
{
	size_t start, n, from;

	for (size_t i = 0; i < N_PII; i++) {
		enum detect_mode mode = pii_mode(d, &pii_rows[i]);

		for (from = 0; mode != DETECT_OFF && pii_rows[i].find(text, len, from, &start, &n); from = start + n) {
			struct finding x = {pii_rows[i].rule_id, pii_rows[i].category, mode, 3, start, n, 0, 0};

			if (findings_add(f, a, &x) < 0)
				return -ENOMEM;
		}
	}
	return 0;
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
detect_span(const struct detectors *d, const struct detect_modes *m, const struct span *s, struct arena *a, struct findings *f,
    struct detect_score *score)
{
	size_t from = f->n;
	int rc;

	*score = (struct detect_score){0, 0, 0};
	rc = detect_prompt(d, m, s, a, f, score);
	if (rc == 0 && s->role != ROLE_SYSTEM && s->role != ROLE_DEVELOPER)
		rc = detect_pii(d, s->text, s->len, a, f);
	if (f->n - from > 1)
		qsort(f->v + from, f->n - from, sizeof(*f->v), finding_cmp);
	return rc;
}

int
detect_output(const struct detectors *d, const char *text, size_t len, struct arena *a, struct findings *f)
{
	size_t from = f->n;
	int rc = detect_pii(d, text, len, a, f);

	if (f->n - from > 1)
		qsort(f->v + from, f->n - from, sizeof(*f->v), finding_cmp);
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
