/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "control/board.h"
#include "control/ctltime.h"
#include "control/httpd_private.h"
#include "control/llmsecd_metrics.h"
#include "control/query.h"
#include "control/store_read.h"
#include "lib/buf.h"

#define KEEPALIVE_MS	15000	/* also how soon a client that went away is noticed */
#define FETCH		200	/* events per look into the database */

/* One follower; lives in its connection's thread. */
struct follow {
	struct httpd		*h;
	struct event_query	 q;
	struct buf		 out;
	uint64_t		 seen;
	int			 fetched;	/* by the last look */
	int64_t			 spoke_ms;
};

static int
event_add(void *arg, int64_t seq, const char *line, size_t len)
{
	struct follow *f = arg;

	buf_printf(&f->out, "id: %" PRId64 "\ndata: ", seq);
	buf_add(&f->out, line, len);
	buf_adds(&f->out, "\n\n");
	f->q.after = seq;
	f->fetched++;
	return f->out.err;
}

/* Everything new up to FETCH.  The file may have been moved aside, so it is opened each time. */
static void
fetch(struct follow *f)
{
	struct store_read *db;
	int64_t last;

	if (store_read_open(&db, f->h->db_path) < 0)
		return;
	last = store_read_last(db);
	/* A new database counts from the beginning again. */
	if (last >= 0 && last < f->q.after)
		f->q.after = 0;
	f->fetched = 0;
	/* What doesn't match up to <last> need not be looked at again. */
	if (store_read_events(db, &f->q, event_add, f) == 0 && f->fetched < FETCH &&
	    last > f->q.after)
		f->q.after = last;
	store_read_close(&db);
}

/* False: the daemon stops. */
static bool
fill(struct follow *f)
{
	while (buf_len(&f->out) == 0) {
		fetch(f);
		if (buf_len(&f->out) > 0 || f->out.err != 0)
			break;
		if (!board_wait(f->h->board, &f->seen, 1000))
			return false;
		if (ctltime_mono_ms() - f->spoke_ms >= KEEPALIVE_MS)
			buf_adds(&f->out, ": still here\n\n");
	}
	f->spoke_ms = ctltime_mono_ms();
	return f->out.err == 0;
}

static ssize_t
follow_read(void *arg, uint64_t pos, char *dst, size_t max)
{
	struct follow *f = arg;
	size_t n;

	if (!fill(f))
		return MHD_CONTENT_READER_END_OF_STREAM;
	n = buf_len(&f->out) < max ? buf_len(&f->out) : max;
	memcpy(dst, buf_ptr(&f->out), n);
	buf_consume(&f->out, n);
	return (ssize_t)n;
}

static void
followers_add(struct httpd *h, int delta)
{
	unsigned n = __atomic_add_fetch(&h->followers, (unsigned)delta, __ATOMIC_RELAXED);

	if (h->ctr != NULL)
		counters_set(h->ctr, M_FOLLOWERS, n);
}

static void
follow_free(void *arg)
{
	struct follow *f = arg;

	followers_add(f->h, -1);
	buf_free(&f->out);
	free(f);
}

/*
 * Where to begin: behind the id a reconnecting client saw last, at ?after, with ?since (which may
 * reach back), or with what comes from now on.
 */
static int
start_find(struct follow *f, struct MHD_Connection *conn)
{
	const char *last = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, "Last-Event-ID"), *why;
	struct store_read *db;
	int64_t seq;
	int r;

	if (last != NULL && query_set(&f->q, "after", last, 0, &why) == 0)
		return 0;
	if (f->q.after >= 0)
		return 0;
	if (f->q.since_ms > 0) {
		f->q.after = 0;
		return 0;
	}
	r = store_read_open(&db, f->h->db_path);
	if (r < 0)
		return r;
	seq = store_read_last(db);
	store_read_close(&db);
	f->q.after = seq;
	return seq < 0 ? (int)seq : 0;
}

enum MHD_Result
httpd_follow(struct httpd *h, struct MHD_Connection *conn)
{
	struct MHD_Response *resp;
	struct follow *f;
	const char *why;
	enum MHD_Result r;

	if (__atomic_load_n(&h->followers, __ATOMIC_RELAXED) >= h->followers_max)
		return httpd_api_error(h, conn, MHD_HTTP_SERVICE_UNAVAILABLE, "too_many", "too many followers", NULL);
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return MHD_NO;
	f->h = h;
	followers_add(h, 1);
	why = httpd_query(conn, &f->q);
	if (why != NULL) {
		follow_free(f);
		return httpd_query_error(h, conn, why);
	}
	if (start_find(f, conn) < 0) {
		follow_free(f);
		return httpd_api_error(h, conn, MHD_HTTP_SERVICE_UNAVAILABLE, "storage", "database unreadable", NULL);
	}
	f->q.limit = FETCH;
	buf_adds(&f->out, ": following\n\n");	/* so that the header leaves at once */
	resp = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, follow_read, f, follow_free);
	if (resp == NULL) {
		follow_free(f);
		return MHD_NO;
	}
	MHD_add_response_header(resp, MHD_HTTP_HEADER_CONTENT_TYPE, "text/event-stream");
	MHD_add_response_header(resp, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	httpd_count(h, MHD_HTTP_OK);
	r = MHD_queue_response(conn, MHD_HTTP_OK, resp);
	MHD_destroy_response(resp);
	return r;
}
