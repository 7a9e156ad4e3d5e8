/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/conf.h"
#include "lib/counters.h"
#include "lib/diag.h"
#include "lib/event.h"
#include "lib/log.h"
#include "squid-helpers/audit_report.h"
#include "squid-helpers/egress_conf.h"

static const struct counter_def defs[AUDIT_COUNTS] = {
	[AUDIT_RECORDS] = { "llmsec_audit_records_total", NULL, "Lines of Squid's log that became records of the audit trail",
	    COUNTER_COUNTER },
	[AUDIT_LINES_LOST] = { "llmsec_audit_lines_lost_total", NULL, "Lines that the audit trail lacks, because they came faster "
	    "than they could be written; a record says where", COUNTER_COUNTER },
	[AUDIT_RETRIES] = { "llmsec_audit_write_retries_total", NULL, "Times that the audit trail could not be written, and was "
	    "tried again", COUNTER_COUNTER },
	[AUDIT_QUEUE_BYTES] = { "llmsec_audit_queue_bytes", NULL, "Lines that wait to be written to the audit trail", COUNTER_GAUGE },
};

struct audit_report {
	struct counters		*ctr;		/* NULL: not wanted, or not possible */
	struct event_client	*events;
};

static void
open_all(struct audit_report *r, const struct egress_conf *c)
{
	const struct event_client_conf e = { .socket_path = c->events.socket, .spool_dir = c->events.spool_dir,
	    .node = c->node[0] != '\0' ? c->node : NULL, .layer = "egress", .program = "log_llmsec_daemon" };
	int err;

	if (c->counters_dir[0] != '\0' && (err = counters_open(&r->ctr, c->counters_dir, "audit", defs, AUDIT_COUNTS)) < 0)
		log_warnx("no counters in %s: %s", c->counters_dir, strerror(-err));
	if (c->events.spool_dir[0] != '\0' && (err = event_client_open(&r->events, &e)) < 0)
		log_warnx("no events in %s: %s", c->events.spool_dir, strerror(-err));
}

struct audit_report *
audit_report_open(const char *path)
{
	struct audit_report *r = calloc(1, sizeof(*r));
	struct diag *d = diag_new();
	struct egress_conf c = {0};
	struct conf_mem *mem = NULL;

	if (r != NULL && d != NULL && conf_load(path, egress_conf_opts, &c, &mem, d) == 0)
		open_all(r, &c);
	else
		log_info("%s can't be read: nobody is told of lines that are lost but by the trail itself", path);
	conf_mem_free(&mem);
	diag_free(&d);
	return r;
}

void
audit_report_close(struct audit_report **rp)
{
	struct audit_report *r = *rp;

	*rp = NULL;
	if (r == NULL)
		return;
	event_client_close(&r->events);
	counters_close(&r->ctr);
	free(r);
}

void
audit_report_count(struct audit_report *r, enum audit_count which, uint64_t n)
{
	if (r != NULL && r->ctr != NULL && n > 0)
		counters_add(r->ctr, which, n);
}

void
audit_report_queue(struct audit_report *r, size_t bytes)
{
	if (r != NULL && r->ctr != NULL)
		counters_set(r->ctr, AUDIT_QUEUE_BYTES, (int64_t)bytes);
}

static void
emit(struct audit_report *r, const char *name, int severity, const char *base, const char *detail)
{
	struct event e = { .event = name, .severity = severity, .score = -1, .action = "error", .target = base, .detail = detail };

	if (r != NULL && r->events != NULL && event_emit(r->events, &e) < 0)
		log_warnx("events: lost one: %s", name);
}

void
audit_report_lost(struct audit_report *r, const char *base, uint64_t lines)
{
	char detail[64];

	audit_report_count(r, AUDIT_LINES_LOST, lines);
	snprintf(detail, sizeof(detail), "{\"lines\":%" PRIu64 "}", lines);
	emit(r, "audit.lost", 8, base, detail);
}

void
audit_report_stopped(struct audit_report *r, const char *base, const char *why, uint64_t lines)
{
	struct buf b = {0};

	buf_adds(&b, "{\"why\":\"");
	buf_add_json(&b, why, strlen(why));
	buf_printf(&b, "\",\"lines\":%" PRIu64 "}", lines);
	buf_addc(&b, '\0');
	emit(r, "audit.stopped", 9, base, b.err == 0 ? buf_ptr(&b) : NULL);
	buf_free(&b);
}

void
audit_report_tick(struct audit_report *r)
{
	if (r != NULL && r->events != NULL)
		event_client_tick(r->events);
}
