/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_LLMSECD_METRICS_H
#define LLMSEC_LLMSECD_METRICS_H
/* llmsecd's own counters (lib/counters.h); the enum is the index of the row. */
#include "lib/counters.h"

enum llmsecd_metric {
	M_STORED, M_DUPLICATES, M_MALFORMED, M_PRUNED, M_PROTOCOL, M_DB_ERRORS, M_DB_ASIDE, M_DB_OK,
	M_COMMIT, M_QUEUE, M_CONNECTIONS, M_SPOOLS, M_SPOOL_LINES, M_SPOOLS_REMOVED, M_FOLLOWERS,
	M_HTTP_2XX, M_HTTP_4XX, M_HTTP_5XX, M_N
};

extern const struct counter_def llmsecd_metric_defs[M_N];
#endif
