/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "ti-sync/fetch.h"
#include "ti-sync/progress.h"

#define EVERY_MS	100
#define BAR		30

void
ti_progress_init(struct ti_progress *p, bool quiet)
{
	*p = (struct ti_progress){.on = !quiet && isatty(STDERR_FILENO) == 1};
}

static bool
due(struct ti_progress *p)
{
	struct timespec t;
	int64_t ms;

	clock_gettime(CLOCK_MONOTONIC, &t);
	ms = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
	if (!p->on || ms - p->last_ms < EVERY_MS)
		return false;
	p->last_ms = ms;
	p->shown = true;
	return true;
}

static void
bar(size_t done, size_t n, const char *what, const char *detail)
{
	char b[BAR + 1];
	size_t full = n > 0 ? done * BAR / n : 0;

	for (size_t i = 0; i < BAR; i++)
		b[i] = i < full ? '#' : '.';
	b[BAR] = '\0';
	fprintf(stderr, "\r\033[K%s [%s] %zu/%zu %s", what, b, done, n, detail);
}

void
ti_progress_fetch(void *arg, const struct ti_fetch *v, size_t n)
{
	size_t done = 0;
	int64_t bytes = 0;
	char detail[64];

	if (!due(arg))
		return;
	for (size_t i = 0; i < n; i++) {
		done += v[i].status != TI_FETCH_WAITING;
		bytes += v[i].bytes;
	}
	snprintf(detail, sizeof(detail), "%.1f MiB", (double)bytes / 1048576);
	bar(done, n, "fetching", detail);
}

void
ti_progress_feed(struct ti_progress *p, const char *name, size_t i, size_t n)
{
	if (due(p))
		bar(i, n, "reading ", name);
}

void
ti_progress_end(struct ti_progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}
