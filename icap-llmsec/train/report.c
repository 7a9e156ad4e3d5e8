/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/train/train.h"

static const float level_fpr[MODEL_LEVELS] = { 0.002f, 0.005f, 0.01f };

static int
by_raw(const void *a, const void *b)
{
	const struct scored *x = a, *y = b;

	return x->raw < y->raw ? 1 : x->raw > y->raw ? -1 : x->row < y->row ? -1 : x->row > y->row;
}

/* Platt's fit by Newton's method with a line search (Lin, Lin and Weng, Machine Learning 68, 2007). */
struct platt
platt_fit(const float *raw, const uint8_t *label, const float *weight, size_t n)
{
	double a = 1, b = 0;

	for (int it = 0; it < 50; it++) {
		double g0 = 0, g1 = 0, h00 = 1e-6, h01 = 0, h11 = 1e-6, det;

		for (size_t i = 0; i < n; i++) {
			double p = 1 / (1 + exp(-(a * (double)raw[i] + b))), e, v, x = (double)raw[i], w = (double)weight[i];

			e = w * (p - (label[i] ? 0.999 : 0.001));
			v = w * (p * (1 - p) + 1e-9);
			g0 += e * x;
			g1 += e;
			h00 += v * x * x;
			h01 += v * x;
			h11 += v;
		}
		det = h00 * h11 - h01 * h01;
		double da = (h11 * g0 - h01 * g1) / det, db = (h00 * g1 - h01 * g0) / det, k = 1;

		if (fabs(da) > 1)
			k = 1 / fabs(da);
		a -= k * da;
		b -= k * db;
		if (fabs(da) + fabs(db) < 1e-7)
			break;
	}
	return (struct platt){ (float)a, (float)b };
}

static size_t
collect(struct scored *v, const struct dataset *d, const float *raw, enum model_head h, int label, int source, int pool)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++) {
		const struct row *r = &d->row[i];

		if ((r->heads >> h & 1) && r->label == label && (source < 0 || r->source == source) && r->weight > 0 &&
		    (pool == 0 || (d->source[r->source].pool != 0 && pool < 0) || d->source[r->source].pool == pool))
			v[n++] = (struct scored){ raw[i], i };
	}
	qsort(v, n, sizeof(*v), by_raw);
	return n;
}

/* Share of <v>, which is sorted, above <t>. */
static double
above(const struct scored *v, size_t n, float t)
{
	size_t i = 0;

	while (i < n && v[i].raw > t)
		i++;
	return n > 0 ? (double)i / (double)n : 0;
}

static double
auc(const struct scored *pos, size_t np, const struct scored *neg, size_t nn)
{
	double sum = 0;
	size_t k = 0;

	for (size_t i = 0; i < np; i++) {
		while (k < nn && neg[k].raw >= pos[i].raw)
			k++;
		sum += (double)(nn - k);
	}
	return np > 0 && nn > 0 ? sum / (double)np / (double)nn : 0;
}

void
report(FILE *f, const struct dataset *d, const float *raw, enum model_head h, float threshold[MODEL_LEVELS],
    float documents[MODEL_LEVELS])
{
	struct scored *neg = malloc((d->n + 1) * sizeof(*neg)), *v = malloc((d->n + 1) * sizeof(*v));
	size_t nn, n;
	double macro[MODEL_LEVELS] = { 0 };
	unsigned sources = 0;

	if (neg == NULL || v == NULL)
		abort();
	for (int l = 0; l < MODEL_LEVELS; l++)
		threshold[l] = documents[l] = -1e9f;
	/* Chat and documents each keep the promise, whatever their shares are. */
	for (int pool = 1; pool <= 2; pool++) {
		nn = collect(neg, d, raw, h, 0, -1, pool);
		for (int l = 0; l < MODEL_LEVELS && nn >= 200; l++)
			threshold[l] = fmaxf(threshold[l], documents[l] = neg[(size_t)((double)nn * (double)level_fpr[l])].raw);
		if (nn > 0)
			fprintf(f, "pool of %s: %zu rows, raw at 1 %% %.3f\n", pool == 1 ? "chat" : "documents", nn,
			    (double)neg[nn / 100].raw);
	}
	nn = collect(neg, d, raw, h, 0, -1, -1);
	fprintf(f, "head %s: %zu benign rows in the pool; raw thresholds %.3f %.3f %.3f\n", h == MODEL_DIRECT ? "direct" : "data",
	    nn, (double)threshold[0], (double)threshold[1], (double)threshold[2]);
	fprintf(f, "%-20s %6s %6s %7s %7s %7s\n", "attacks", "n", "AUC", "R@.2%", "R@.5%", "R@1%");
	for (size_t s = 0; s < d->n_sources; s++) {
		if ((n = collect(v, d, raw, h, 1, (int)s, 0)) == 0)
			continue;
		fprintf(f, "%-20s %6zu %6.3f %7.3f %7.3f %7.3f\n", d->source[s].name, n, auc(v, n, neg, nn), above(v, n, threshold[0]),
		    above(v, n, threshold[1]), above(v, n, threshold[2]));
		for (int l = 0; l < MODEL_LEVELS; l++)
			macro[l] += above(v, n, threshold[l]);
		sources++;
	}
	fprintf(f, "%-20s %6u %6s %7.3f %7.3f %7.3f\n", "mean of sources", sources, "", macro[0] / sources, macro[1] / sources,
	    macro[2] / sources);
	fprintf(f, "%-20s %6s %6s %7s %7s %7s\n", "benign", "n", "", ".2%", ".5%", "1%");
	for (size_t s = 0; s < d->n_sources; s++) {
		if ((n = collect(v, d, raw, h, 0, (int)s, 0)) == 0)
			continue;
		fprintf(f, "%-20s %6zu %6s %7.4f %7.4f %7.4f%s\n", d->source[s].name, n, "", above(v, n, threshold[0]),
		    above(v, n, threshold[1]), above(v, n, threshold[2]), d->source[s].pool ? "" : " (not in pool)");
	}
	free(neg);
	free(v);
}

/* Recall (attacks) or false positives (benign) by family, where rows have one. */
static void
report_families(FILE *f, const struct dataset *d, const float *raw, enum model_head h, float t)
{
	for (int label = 1; label >= 0; label--)
		for (size_t i = 0; i < d->n; i++) {
			const struct row *r = &d->row[i];
			size_t n = 0, hit = 0;
			bool first = r->family_name[0] != '\0' && r->label == label && (r->heads >> h & 1);

			for (size_t k = 0; first && k < d->n; k++) {
				const struct row *x = &d->row[k];

				if (x->family != r->family || x->label != label || !(x->heads >> h & 1) || x->family_name[0] == '\0')
					continue;
				first = k >= i;
				n++;
				hit += raw[k] > t;
			}
			if (first && n > 0)
				fprintf(f, "family %s %-32s fold %d %6zu %.3f\n", label ? "attack" : "benign", r->family_name, r->fold, n,
				    (double)hit / (double)n);
		}
}

static void
print_row(FILE *f, const struct dataset *d, const struct scored *s)
{
	const struct row *r = &d->row[s->row];

	fprintf(f, "%7.3f %s %s: ", (double)s->raw, d->source[r->source].name, r->family_name);
	for (size_t i = 0; i < 240 && r->text[i] != '\0'; i++)
		fputc(r->text[i] == '\n' ? ' ' : r->text[i], f);
	fputc('\n', f);
}

void
report_worst(FILE *f, const struct dataset *d, const float *raw, enum model_head h, size_t max)
{
	struct scored *v = malloc((d->n + 1) * sizeof(*v));
	float t[MODEL_LEVELS], documents[MODEL_LEVELS];
	size_t n;
	FILE *null = fopen("/dev/null", "w");

	if (v == NULL || null == NULL)
		abort();
	report(null, d, raw, h, t, documents);
	fclose(null);
	report_families(f, d, raw, h, t[MODEL_FPR_1]);
	for (size_t s = 0; s < d->n_sources; s++) {
		n = collect(v, d, raw, h, 0, (int)s, 0);
		for (size_t i = 0; i < n && i < max && v[i].raw > t[MODEL_FPR_1]; i++)
			print_row(f, d, &v[i]);
	}
	fprintf(f, "---- missed\n");
	for (size_t s = 0; s < d->n_sources; s++) {
		n = collect(v, d, raw, h, 1, (int)s, 0);
		for (size_t i = 0; i < n && i < max && v[n - 1 - i].raw < t[MODEL_FPR_1]; i++)
			print_row(f, d, &v[n - 1 - i]);
	}
	free(v);
}
