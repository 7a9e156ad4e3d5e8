/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/board.h"
#include "control/ctltime.h"
#include "control/httpd_private.h"
#include "control/query.h"
#include "control/store_read.h"
#include "lib/buf.h"
#include "lib/counters.h"
#include "lib/log.h"

#define ANSWER_MAX	((size_t)64 << 20)

static void
add_text(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, "\"%s\":\"", key);
	buf_add_json(b, value, strlen(value));
	buf_addc(b, '"');
}

static int64_t
lag_ms(const struct board_health *bh)
{
	return bh->oldest_ms > 0 ? ctltime_mono_ms() - bh->oldest_ms : 0;
}

enum MHD_Result
httpd_healthz(struct httpd *h, struct MHD_Connection *conn)
{
	struct board_health bh;
	struct buf b = {0};
	bool counters_ok = access(h->counters_dir, R_OK | X_OK) == 0, ok;

	board_health_get(h->board, &bh);
	ok = bh.db_ok && counters_ok;
	buf_printf(&b, "{\"status\":\"%s\",\"database\":{\"writable\":%s,", ok ? "ok" : "failing",
	    bh.db_ok ? "true" : "false");
	add_text(&b, "error", bh.db_error);
	buf_printf(&b, "},\"events\":{\"queue\":%u,\"lag_ms\":%" PRId64 ",\"spools\":%u},", bh.queue,
	    lag_ms(&bh), bh.spools);
	buf_printf(&b, "\"counters\":{\"readable\":%s},\"uptime_s\":%" PRId64 "}\n",
	    counters_ok ? "true" : "false", (ctltime_now_ms() - h->started_ms) / 1000);
	return httpd_reply(h, conn, ok ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
	    "application/json", &b);
}

enum MHD_Result
httpd_metrics(struct httpd *h, struct MHD_Connection *conn)
{
	struct buf b = {0};
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int r;

	if (f == NULL)
		return httpd_error(h, conn, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
	r = counters_export(h->counters_dir, f);
	if (fclose(f) != 0 && r == 0)
		r = -ENOMEM;
	if (r == 0)
		buf_add(&b, text, len);
	free(text);
	if (r < 0)
		return httpd_error(h, conn, MHD_HTTP_SERVICE_UNAVAILABLE, "counters unreadable");
	return httpd_reply(h, conn, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", &b);
}

struct listing {
	struct buf	*b;
	int64_t		 first, last;
	unsigned	 n;
};

static int
listing_row(void *arg, int64_t seq, const char *line, size_t len)
{
	struct listing *l = arg;

	if (l->n++ > 0)
		buf_adds(l->b, ",\n");
	else
		l->first = seq;
	l->last = seq;
	return buf_add(l->b, line, len);
}

/* The words of query.c begin with the parameter, where it is one. */
enum MHD_Result
httpd_query_error(struct httpd *h, struct MHD_Connection *conn, const char *why)
{
	char field[32];
	size_t n = strcspn(why, ": ");

	snprintf(field, sizeof(field), "%.*s", (int)(n < sizeof(field) ? n : 0), why);
	return httpd_api_error(h, conn, MHD_HTTP_BAD_REQUEST, "invalid", why, why[n] == ':' ? field : NULL);
}

enum MHD_Result
httpd_events(struct httpd *h, struct MHD_Connection *conn)
{
	struct event_query q;
	struct store_read *db;
	struct buf b = { .max = ANSWER_MAX };
	struct listing l = { .b = &b };
	const char *why = httpd_query(conn, &q);
	int r;

	if (why != NULL)
		return httpd_query_error(h, conn, why);
	r = store_read_open(&db, h->db_path);
	if (r == 0) {
		l.last = q.after > 0 ? q.after : 0;
		buf_adds(&b, "{\"events\":[");
		r = store_read_events(db, &q, listing_row, &l);
		buf_printf(&b, "],\"first\":%" PRId64 ",\"next\":%" PRId64 "}\n", l.first, l.last);
		store_read_close(&db);
	}
	if (r == 0 && b.err == -EFBIG) {
		buf_free(&b);
		return httpd_api_error(h, conn, 413, "too_large", "too much: lower limit", "limit");
	}
	if (r < 0) {
		buf_free(&b);
		log_warnx("cannot read %s: %s", h->db_path, strerror(-r));
		return httpd_api_error(h, conn, MHD_HTTP_SERVICE_UNAVAILABLE, "storage", "database unreadable", NULL);
	}
	return httpd_reply(h, conn, MHD_HTTP_OK, "application/json", &b);
}

static void
component_add(struct buf *b, const struct board_component *c)
{
	char when[32];

	buf_addc(b, '{');
	add_text(b, "name", c->name);
	buf_addc(b, ',');
	add_text(b, "layer", c->layer);
	buf_addc(b, ',');
	add_text(b, "node", c->node);
	buf_printf(b, ",\"pid\":%ld,\"connections\":%u,\"stored\":%" PRIu64 ",\"pending\":%" PRId64
	    ",", (long)c->pid, c->connections, c->stored, c->pending);
	if (c->last_ms > 0) {
		ctltime_format(when, c->last_ms);
		add_text(b, "last_event", c->last_event);
		buf_printf(b, ",\"last_event_at\":\"%s\"}", when);
	} else {
		buf_adds(b, "\"last_event\":null,\"last_event_at\":null}");
	}
}

enum MHD_Result
httpd_status(struct httpd *h, struct MHD_Connection *conn)
{
	struct board_component *rows = calloc(BOARD_COMPONENTS, sizeof(*rows));
	struct board_health bh;
	struct buf b = {0};
	size_t n;

	if (rows == NULL)
		return httpd_api_error(h, conn, MHD_HTTP_INTERNAL_SERVER_ERROR, "storage", "out of memory", NULL);
	board_health_get(h->board, &bh);
	n = board_components(h->board, rows, BOARD_COMPONENTS);
	buf_printf(&b, "{\"version\":\"%s\",\"uptime_s\":%" PRId64 ",\"database_writable\":%s,",
	    PACKAGE_VERSION, (ctltime_now_ms() - h->started_ms) / 1000, bh.db_ok ? "true" : "false");
	buf_printf(&b, "\"queue\":%u,\"spools\":%u,\"components\":[", bh.queue, bh.spools);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(&b, ',');
		component_add(&b, &rows[i]);
	}
	buf_adds(&b, "]}\n");
	free(rows);
	return httpd_reply(h, conn, MHD_HTTP_OK, "application/json", &b);
}
