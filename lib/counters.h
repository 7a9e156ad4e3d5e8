/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_COUNTERS_H
#define LLMSEC_COUNTERS_H
/*
 * Counters that all processes and threads of one component share and llmsecd exports as Prometheus
 * text.  One mmap'd file per component, DIR/NAME.ctr: a header, then fixed-size slots {name, labels,
 * help, kind, value}.  Updating is one relaxed atomic add; no lock, no system call.  Values survive a
 * crash or reload of the writer (same file, same table); if the table changed, values of rows with
 * the same name and labels carry over.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum counter_kind { COUNTER_COUNTER, COUNTER_GAUGE, COUNTER_HISTOGRAM };

struct counter_def {
	const char	*name;		/* Prometheus name, "llmsec_spoad_requests_total" */
	const char	*labels;	/* "action=\"deny\"" or NULL.  Rows of one name stand together. */
	const char	*help;
	enum counter_kind kind;		/* HISTOGRAM: value in microseconds, buckets 2^n us, exported in s */
};

struct counters;

/* <defs>[n]; the index of a row is its handle.  <dir> NULL: private memory (tests). 0 or -errno. */
int	counters_open(struct counters **, const char *dir, const char *name,
	    const struct counter_def *, size_t n);
void	counters_close(struct counters **);
void	counters_add(struct counters *, size_t idx, uint64_t n);
void	counters_set(struct counters *, size_t idx, int64_t v);	/* gauge */
void	counters_observe(struct counters *, size_t idx, uint64_t usec);	/* histogram */
uint64_t counters_get(const struct counters *, size_t idx);
/* Every *.ctr of <dir> as Prometheus text exposition format 0.0.4, HELP/TYPE once per name. */
int	counters_export(const char *dir, FILE *);
#endif
