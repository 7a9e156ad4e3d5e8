/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "control/llmsecd_metrics.h"

#define COUNT(n, l, h)	{ "llmsec_control_" n, l, h, COUNTER_COUNTER }
#define GAUGE(n, h)	{ "llmsec_control_" n, NULL, h, COUNTER_GAUGE }

const struct counter_def llmsecd_metric_defs[M_N] = {
	[M_STORED] = COUNT("events_stored_total", NULL, "Events written to the database."),
	[M_DUPLICATES] = COUNT("events_duplicate_total", NULL, "Events that were there already."),
	[M_MALFORMED] = COUNT("events_malformed_total", NULL,
	    "Lines that were no event and went to quarantine."),
	[M_PRUNED] = COUNT("events_pruned_total", NULL, "Events deleted by retention."),
	[M_PROTOCOL] = COUNT("protocol_errors_total", NULL, "Connections closed for a protocol error."),
	[M_DB_ERRORS] = COUNT("database_errors_total", NULL, "Batches or probes that failed."),
	[M_DB_ASIDE] = COUNT("database_set_aside_total", NULL, "Damaged databases moved aside."),
	[M_DB_OK] = GAUGE("database_writable", "1 while events can be written."),
	[M_COMMIT] = { "llmsec_control_commit_seconds", NULL, "Time to bring one batch to disk.",
	    COUNTER_HISTOGRAM },
	[M_QUEUE] = GAUGE("queue", "Lines received and not yet on disk."),
	[M_CONNECTIONS] = GAUGE("connections", "Connected senders."),
	[M_SPOOLS] = GAUGE("spools", "Spools being drained."),
	[M_SPOOL_LINES] = COUNT("spool_lines_total", NULL, "Lines read from spools."),
	[M_SPOOLS_REMOVED] = COUNT("spools_removed_total", NULL,
	    "Spools of dead senders drained and removed."),
	[M_FOLLOWERS] = GAUGE("followers", "Clients following the event stream."),
	[M_HTTP_2XX] = COUNT("http_responses_total", "class=\"2xx\"", "HTTP responses."),
	[M_HTTP_4XX] = COUNT("http_responses_total", "class=\"4xx\"", "HTTP responses."),
	[M_HTTP_5XX] = COUNT("http_responses_total", "class=\"5xx\"", "HTTP responses."),
};
