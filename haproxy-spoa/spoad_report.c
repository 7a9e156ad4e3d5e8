/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy-spoa/spoad_report.h"
#include "lib/buf.h"
#include "lib/event.h"
#include "lib/utf8.h"

#define WHY_MAX	1024

static void
add_text(struct buf *b, const char *s)
{
	size_t n = strlen(s) > WHY_MAX ? utf8_floor(s, WHY_MAX) : strlen(s);
	char *fixed = malloc(3 * n + 1);

	if (fixed != NULL)
		buf_add_json(b, fixed, utf8_repair(fixed, s, n));
	free(fixed);
}

void
spoad_report_reload(struct event_client *events, const char *why)
{
	struct event e = {
		.event = why ? "edge.config_rejected" : "edge.config_loaded",
		.severity = why ? 7 : 1, .score = -1, .action = why ? "error" : "allow",
	};
	struct buf detail = {0};

	if (events == NULL)
		return;
	buf_adds(&detail, "{\"error\":\"");
	if (why != NULL)
		add_text(&detail, why);
	buf_add(&detail, "\"}", 3);	/* and the NUL */
	e.detail = detail.err == 0 ? buf_ptr(&detail) : NULL;
	event_emit(events, &e);
	buf_free(&detail);
}
