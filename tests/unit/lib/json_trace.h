/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TEST_JSON_TRACE_H
#define LLMSEC_TEST_JSON_TRACE_H
/* Everything a scan tells its caller, as text to compare: one line per value. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/json.h"

struct trace {
	struct buf	log;
	unsigned	n, stop_at;	/* stop with 42 at this value, 1 the first; 0 never */
};

static int
trace_value(void *arg, const struct json_value *v)
{
	static const char *const name[] = { "null", "false", "true", "num", "str", "{", "}", "[", "]" };
	struct trace *t = arg;
	char path[512];

	json_path_str(path, sizeof(path), v);
	buf_printf(&t->log, "%s %s %" PRIu64 "-%" PRIu64 "%s", path, name[v->type], v->start, v->end,
	    v->dup_key ? " dup" : "");
	if (v->depth > 0)
		buf_printf(&t->log, " #%zu", v->path[v->depth - 1].index);
	if (v->raw != NULL) {
		buf_adds(&t->log, " <");
		buf_add(&t->log, v->raw, v->raw_len);
		buf_adds(&t->log, ">");
	}
	if (v->text != NULL) {
		buf_adds(&t->log, " =");
		buf_add(&t->log, v->text, v->text_len);
	}
	buf_adds(&t->log, "\n");
	return ++t->n == t->stop_at ? 42 : 0;
}

/* Feed a copy that ends where the piece ends and dies with the call: who keeps a pointer is found out. */
static int
trace_feed(struct json_scan *s, const char *p, size_t n)
{
	char *copy = malloc(n ? n : 1);
	int rc;

	if (copy == NULL)
		abort();
	if (n != 0)
		memcpy(copy, p, n);
	rc = json_scan_feed(s, copy, n);
	memset(copy, '9', n);
	free(copy);
	return rc;
}

/* The verdict, as the last line. */
static void
trace_end(struct trace *t, struct json_scan *s)
{
	uint64_t off;
	int rc = json_scan_finish(s);
	const char *why = json_scan_error(s, &off);

	buf_printf(&t->log, "%d %s", rc, why != NULL ? why : "ok");
	if (why != NULL)
		buf_printf(&t->log, " at %" PRIu64, off);
	buf_addc(&t->log, '\0');
	if (t->log.err != 0)
		abort();
}
#endif
