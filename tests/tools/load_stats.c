/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "load.h"

double
load_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

void
load_sample(struct load_samples *s, double v)
{
	size_t cap;
	double *p;

	if (s->n == s->cap) {
		cap = s->cap ? s->cap * 2 : 1024;
		p = realloc(s->v, cap * sizeof(*p));
		if (p == NULL)
			abort();	/* a measurement that drops samples is worse than none */
		s->v = p;
		s->cap = cap;
	}
	s->v[s->n++] = v;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double
load_percentile(struct load_samples *s, double percent)
{
	size_t rank;

	if (s->n == 0)
		return NAN;
	qsort(s->v, s->n, sizeof(*s->v), by_value);
	rank = (size_t)ceil(percent / 100 * (double)s->n);
	return s->v[rank ? rank - 1 : 0];
}

void
load_result_free(struct load_result *r)
{
	free(r->ttfe.v);
	free(r->gap.v);
	free(r->lag.v);
	free(r->latency.v);
}

void
load_error(struct load_result *r, const char *fmt, ...)
{
	va_list ap;

	if (r->errors++ > 0)
		return;
	va_start(ap, fmt);
	vsnprintf(r->first_error, sizeof(r->first_error), fmt, ap);
	va_end(ap);
}

bool
load_result_good(const struct load_result *r)
{
	return r->done > 0 && r->errors == 0 && r->lost == 0 && r->duplicated == 0 && r->reordered == 0 &&
	    r->stalls == 0;
}

static const struct kind {
	const char *name, *text;
	size_t at;
} kinds[] = {
	{ "ttfe_ms", "first event", offsetof(struct load_result, ttfe) },
	{ "gap_ms", "gap", offsetof(struct load_result, gap) },
	{ "lag_ms", "lag", offsetof(struct load_result, lag) },
	{ "latency_ms", "latency", offsetof(struct load_result, latency) },
};
#define N_KINDS	(sizeof(kinds) / sizeof(kinds[0]))

static struct load_samples *
samples(struct load_result *r, const struct kind *k)
{
	return (struct load_samples *)((char *)r + k->at);
}

static json_t *
summary(struct load_samples *s)
{
	return json_pack("{sI,sf,sf,sf,sf,sf}", "n", (json_int_t)s->n, "min", load_percentile(s, 0), "median",
	    load_percentile(s, 50), "p95", load_percentile(s, 95), "p99", load_percentile(s, 99), "max",
	    load_percentile(s, 100));
}

json_t *
load_result_json(struct load_result *r, const char *mode, const char *url)
{
	json_t *o = json_pack("{ss,ss,sb,sI,sI,sI,sI,sI,sI,sI,sf}", "mode", mode, "url", url, "good",
	    (int)load_result_good(r), "done", (json_int_t)r->done, "errors", (json_int_t)r->errors, "events",
	    (json_int_t)r->events, "lost", (json_int_t)r->lost, "duplicated", (json_int_t)r->duplicated,
	    "reordered", (json_int_t)r->reordered, "stalls", (json_int_t)r->stalls, "elapsed_s", r->elapsed_s);

	if (r->errors)
		json_object_set_new(o, "first_error", json_string(r->first_error));
	if (r->elapsed_s > 0)
		json_object_set_new(o, "per_second", json_real((double)r->done / r->elapsed_s));
	for (size_t i = 0; i < N_KINDS; i++)
		if (samples(r, &kinds[i])->n)
			json_object_set_new(o, kinds[i].name, summary(samples(r, &kinds[i])));
	return o;
}

void
load_result_print(struct load_result *r, const char *mode, const char *url)
{
	printf("%s %s: %lu done, %lu errors", mode, url, r->done, r->errors);
	if (r->elapsed_s > 0)
		printf(", %.1f/s", (double)r->done / r->elapsed_s);
	printf("\n");
	if (r->errors)
		printf("  first error: %s\n", r->first_error);
	if (r->events)
		printf("  %lu events, %lu lost, %lu duplicated, %lu out of order, %lu stalls\n", r->events, r->lost,
		    r->duplicated, r->reordered, r->stalls);
	for (size_t i = 0; i < N_KINDS; i++) {
		struct load_samples *s = samples(r, &kinds[i]);

		if (s->n)
			printf("  %-12s median %8.3f  p95 %8.3f  p99 %8.3f  max %8.3f ms  (%zu)\n", kinds[i].text,
			    load_percentile(s, 50), load_percentile(s, 95), load_percentile(s, 99),
			    load_percentile(s, 100), s->n);
	}
}

json_t *
load_compare_json(struct load_result *a, struct load_result *b)
{
	json_t *difference = json_object(), *ratio = json_object();
	double x, y;

	for (size_t i = 0; i < N_KINDS; i++) {
		if (samples(a, &kinds[i])->n == 0 || samples(b, &kinds[i])->n == 0)
			continue;
		x = load_percentile(samples(a, &kinds[i]), 50);
		y = load_percentile(samples(b, &kinds[i]), 50);
		json_object_set_new(difference, kinds[i].name, json_real(x - y));
		if (y > 0)
			json_object_set_new(ratio, kinds[i].name, json_real(x / y));
	}
	if (a->elapsed_s > 0 && b->elapsed_s > 0 && b->done)
		json_object_set_new(ratio, "per_second",
		    json_real((double)a->done / a->elapsed_s / ((double)b->done / b->elapsed_s)));
	return json_pack("{so,so}", "median_difference", difference, "median_ratio", ratio);
}

void
load_compare_print(struct load_result *a, struct load_result *b)
{
	double x, y;

	printf("difference of medians (url - baseline)\n");
	for (size_t i = 0; i < N_KINDS; i++) {
		if (samples(a, &kinds[i])->n == 0 || samples(b, &kinds[i])->n == 0)
			continue;
		x = load_percentile(samples(a, &kinds[i]), 50);
		y = load_percentile(samples(b, &kinds[i]), 50);
		printf("  %-12s %+8.3f ms  (x %.2f)\n", kinds[i].text, x - y, x / y);
	}
}
