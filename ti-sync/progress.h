/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_PROGRESS_H
#define LLMSEC_TI_PROGRESS_H
/* One line on a terminal that says how far a run is; nothing where standard error is none. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ti_fetch;

struct ti_progress {
	bool	 on, shown;
	int64_t	 last_ms;
};

void	ti_progress_init(struct ti_progress *, bool quiet);
void	ti_progress_fetch(void *progress, const struct ti_fetch *v, size_t n);
void	ti_progress_feed(struct ti_progress *, const char *name, size_t i, size_t n);
void	ti_progress_end(struct ti_progress *);
#endif
