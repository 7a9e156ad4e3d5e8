/* SPDX-License-Identifier: MIT */
/* llmsec-scan --explain: every reading of a text, and what weighed how much in it; and --bench: what judging it costs. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "icap-llmsec/detect_private.h"
#include "icap-llmsec/icap_conf.h"
#include "icap-llmsec/llmsec_scan.h"
#include "icap-llmsec/model.h"
#include "icap-llmsec/rules.h"
#include "icap-llmsec/views.h"
#include "lib/utf8.h"

#define SHOWN		400	/* bytes of a text */
#define REASONS		12

static const char *const mode_names[] = {"adds to the score", "monitor", "mask", "block"};

/* As it stands, control characters as blanks, not more than SHOWN bytes of it. */
static void
print_cut(FILE *f, const char *p, size_t len)
{
	size_t n = len > SHOWN ? utf8_floor(p, SHOWN) : len;

	for (size_t i = 0; i < n; i++)
		fputc((unsigned char)p[i] < ' ' || p[i] == 0x7f ? ' ' : p[i], f);
	if (n < len)
		fprintf(f, " ... (%zu bytes)", len);
}

static int
explain_rules(FILE *f, const struct rules *r, unsigned roles, const struct norm *n, struct arena *a)
{
	struct rule_hit *h;
	size_t k;
	int rc = rules_match(r, roles, 0, n, a, &h, &k);

	for (size_t i = 0; rc == 0 && i < k; i++) {
		fprintf(f, "    rule %s  %s  severity %d  weight %+.2f", h[i].id, h[i].category, h[i].severity,
		    (double)(h[i].weight * h[i].factor));
		if (h[i].factor < 1)
			fprintf(f, " (of %.2f: the text speaks about it)", (double)h[i].weight);
		fprintf(f, "  \"");
		print_cut(f, n->text + h[i].start, h[i].len);
		fprintf(f, "\"\n");
	}
	return rc;
}

static int
explain_head(FILE *f, const struct model *m, const struct norm *n, enum model_head head, const struct model_window *w, struct arena *a)
{
	struct model_reason *r;
	size_t k;
	int rc;

	if (w->len == 0)
		return 0;
	fprintf(f, "    model %s  %.4f (threshold %.4f)  \"", head == MODEL_DIRECT ? "direct" : "data", (double)w->p,
	    (double)model_threshold(m, head, MODEL_FPR_05));
	print_cut(f, n->text + w->start, w->len);
	fprintf(f, "\"\n");
	rc = model_explain(m, n, head, w, a, &r, &k, REASONS);
	for (size_t i = 0; rc == 0 && i < k; i++)
		fprintf(f, "      %+.3f  %-12s %s\n", (double)r[i].weight, r[i].kind, r[i].text);
	return rc;
}

static int
explain_views(FILE *f, const struct detectors *d, const struct span *s, bool data, struct arena *a)
{
	struct views *vs = arena_alloc(a, sizeof(*vs));
	int rc = vs != NULL ? views_make(vs, s->text, s->len, a) : -ENOMEM;

	for (size_t i = 0; rc == 0 && i < vs->n; i++) {
		const struct view *v = &vs->v[i];
		struct model_score score;

		fprintf(f, "\n  %s%s: ", view_kind_name(v->kind), v->depth > 1 ? ", inside another encoding" : "");
		print_cut(f, v->norm.text, v->norm.len);
		fputc('\n', f);
		if (d->rules != NULL)
			rc = explain_rules(f, d->rules, data ? RULE_TOOL : RULE_USER, &v->norm, a);
		if (rc == 0 && d->model != NULL) {
			model_score(d->model, &v->norm, &score);
			rc = explain_head(f, d->model, &v->norm, MODEL_DIRECT, &score.head[MODEL_DIRECT], a);
			if (rc == 0 && data)
				rc = explain_head(f, d->model, &v->norm, MODEL_DATA, &score.head[MODEL_DATA], a);
		}
	}
	if (rc == 0 && vs->cut)
		fprintf(f, "\n  (more was encoded than is looked into)\n");
	return rc;
}

int
scan_explain(const struct icap_policy *p, const char *role, const char *text, size_t len, FILE *f)
{
	struct arena *a = arena_new((len + (1 << 20)) * 40);
	struct span s = {.path = "text", .text = text, .len = len};
	struct findings found = {NULL, 0};
	struct detect_score score;
	bool data;
	int rc = scan_role(&s, role) ? 0 : -EINVAL;

	if (a == NULL)
		return -ENOMEM;
	data = s.role != ROLE_USER || s.prov == PROV_FILE;
	if (rc == 0)
		rc = detect_span(p->detectors, &p->modes, &s, a, &found, &score);
	if (rc == 0) {
		fprintf(f, "score %.4f (refused at %.4f)  direct %.4f  data %.4f\n", (double)score.score,
		    (double)detect_threshold(p->detectors, &p->modes, data), (double)score.direct, (double)score.data);
		for (size_t i = 0; i < found.n; i++)
			fprintf(f, "  %-18s %-24s %-18s %zu bytes at %zu\n", found.v[i].rule_id, found.v[i].category,
			    mode_names[found.v[i].mode], found.v[i].len, found.v[i].start);
		if (p->detectors->model != NULL)
			fprintf(f, "model %s: %s\n", model_id(p->detectors->model), model_about(p->detectors->model));
		rc = explain_views(f, p->detectors, &s, data, a);
	}
	arena_free(&a);
	return rc;
}

static double
cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

#define BENCH_RUNS	1000
#define BENCH_US	2e6		/* CPU time in all */

int
scan_bench(const struct icap_policy *p, const char *role, const char *text, size_t len, FILE *f)
{
	static double us[BENCH_RUNS];
	struct arena *a = arena_new((len + (1 << 20)) * 40);
	struct span s = {.path = "text", .text = text, .len = len};
	double spent = 0;
	int n = 0, rc = scan_role(&s, role) ? 0 : -EINVAL;

	if (a == NULL)
		return -ENOMEM;
	arena_keep(a, 64u << 20);
	while (rc == 0 && n < BENCH_RUNS && (n < 3 || spent < BENCH_US)) {
		struct findings found = {NULL, 0};
		struct detect_score score;
		double t;

		arena_reset(a);
		t = cpu_us();
		rc = detect_span(p->detectors, &p->modes, &s, a, &found, &score);
		us[n] = cpu_us() - t;
		spent += us[n++];
	}
	arena_free(&a);
	if (rc < 0)
		return rc;
	qsort(us, (size_t)n, sizeof(*us), by_size);
	fprintf(f, "%zu bytes, %d runs: CPU us min %.1f, median %.1f, p99 %.1f; %.1f ns/byte\n", len, n, us[0], us[n / 2],
	    us[n * 99 / 100], len > 0 ? us[n / 2] * 1e3 / (double)len : 0);
	return 0;
}
