/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/query.h"
#include "control/store_private.h"
#include "control/store_read.h"
#include "lib/buf.h"

struct store_read {
	sqlite3	*db;
};

int
store_read_open(struct store_read **out, const char *path)
{
	struct store_read *s = calloc(1, sizeof(*s));
	int rc;

	*out = NULL;
	if (s == NULL)
		return -ENOMEM;
	/* Not READONLY: whoever reads first after a crash must be able to recover the WAL. */
	rc = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_busy_timeout(s->db, 2000);
		rc = sqlite3_exec(s->db, "PRAGMA query_only = ON", NULL, NULL, NULL);
	}
	if (rc != SQLITE_OK) {
		store_read_close(&s);
		return store_errno(rc);
	}
	*out = s;
	return 0;
}

void
store_read_close(struct store_read **sp)
{
	if (*sp == NULL)
		return;
	sqlite3_close((*sp)->db);
	free(*sp);
	*sp = NULL;
}

static const struct { const char *column; size_t at; } texts[] = {
	{ "layer", offsetof(struct event_query, layer) }, { "action", offsetof(struct event_query, action) },
	{ "node", offsetof(struct event_query, node) }, { "actor_key", offsetof(struct event_query, key) },
	{ "actor_user", offsetof(struct event_query, user) }, { "target", offsetof(struct event_query, target) },
};

static const char *
text_of(const struct event_query *q, size_t i)
{
	return (const char *)q + texts[i].at;
}

/* Only the conditions asked for, so that each can use its index. */
static int
select_text(struct buf *b, const struct event_query *q)
{
	buf_adds(b, "SELECT seq, body FROM events WHERE severity >= :severity");
	if (q->since_ms > 0)
		buf_adds(b, " AND ts >= :since");
	if (q->until_ms > 0)
		buf_adds(b, " AND ts < :until");
	if (q->after >= 0)
		buf_adds(b, " AND seq > :after");
	if (q->before > 0)
		buf_adds(b, " AND seq < :before");
	if (q->event[0] != '\0')
		buf_adds(b, " AND event = :event");
	if (q->request_id[0] != '\0')
		buf_adds(b, " AND request_id = :request_id");
	if (q->ip[0] != '\0')
		buf_adds(b, " AND ip = :ip");
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (*text_of(q, i) != '\0')
			buf_printf(b, " AND %s = :%s", texts[i].column, texts[i].column);
	buf_adds(b, q->after >= 0 ? " ORDER BY seq LIMIT :limit" :
	    " ORDER BY seq DESC LIMIT :limit");
	return b->err;
}

static void
bind_int(sqlite3_stmt *st, const char *name, int64_t v)
{
	int i = sqlite3_bind_parameter_index(st, name);

	if (i > 0)
		sqlite3_bind_int64(st, i, v);
}

static void
bind_text(sqlite3_stmt *st, const char *name, const char *v)
{
	int i = sqlite3_bind_parameter_index(st, name);

	if (i > 0)
		sqlite3_bind_text(st, i, v, -1, SQLITE_STATIC);
}

static int
query_prepare(struct store_read *s, const struct event_query *q, sqlite3_stmt **st)
{
	struct buf inner = {0}, text = {0};
	int r, rc;

	*st = NULL;
	r = select_text(&inner, q);
	/* The newest come last: turn round what was picked from the end. */
	if (r == 0 && q->after < 0)
		r = buf_printf(&text, "SELECT * FROM (%.*s) ORDER BY seq", (int)buf_len(&inner),
		    buf_ptr(&inner));
	else if (r == 0)
		r = buf_add(&text, buf_ptr(&inner), buf_len(&inner));
	if (r == 0) {
		rc = sqlite3_prepare_v2(s->db, buf_ptr(&text), (int)buf_len(&text), st, NULL);
		r = store_errno(rc);
	}
	buf_free(&inner);
	buf_free(&text);
	if (r < 0)
		return r;
	bind_int(*st, ":severity", q->min_severity);
	bind_int(*st, ":since", q->since_ms);
	bind_int(*st, ":until", q->until_ms);
	bind_int(*st, ":after", q->after);
	bind_int(*st, ":before", q->before);
	bind_int(*st, ":limit", q->limit);
	bind_text(*st, ":event", q->event);
	bind_text(*st, ":request_id", q->request_id);
	bind_text(*st, ":ip", q->ip);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		char name[16];

		snprintf(name, sizeof(name), ":%s", texts[i].column);
		bind_text(*st, name, text_of(q, i));
	}
	return 0;
}

int
store_read_events(struct store_read *s, const struct event_query *q,
    int (*row)(void *, int64_t, const char *, size_t), void *arg)
{
	sqlite3_stmt *st;
	int r, rc;

	r = query_prepare(s, q, &st);
	if (r < 0)
		return r;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		const char *line = (const char *)sqlite3_column_text(st, 1);
		int len = sqlite3_column_bytes(st, 1);

		if (line == NULL || row(arg, sqlite3_column_int64(st, 0), line, (size_t)len) != 0)
			break;
	}
	sqlite3_finalize(st);
	return store_errno(rc);
}

int64_t
store_read_last(struct store_read *s)
{
	sqlite3_stmt *st;
	int64_t v = 0;
	int rc;

	rc = sqlite3_prepare_v2(s->db, "SELECT max(seq) FROM events", -1, &st, NULL);
	if (rc != SQLITE_OK)
		return store_errno(rc);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		v = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? v : store_errno(rc);
}
