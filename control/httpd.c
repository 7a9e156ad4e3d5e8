/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "control/ctltime.h"
#include "control/httpd.h"
#include "control/httpd_private.h"
#include "control/listen.h"
#include "control/llmsecd_conf.h"
#include "control/llmsecd_metrics.h"
#include "control/query.h"
#include "control/token_file.h"
#include "lib/buf.h"
#include "lib/log.h"

#define ASKS_A_SECOND	50.0	/* of the egress API, by one token */
#define ASKS_AT_ONCE	200.0
#define IDLE_S		30
#define UPLOAD_MAX	((size_t)16 << 20)
#define NODE_UPLOAD_MAX	((size_t)4 << 20)	/* signed, but with what is known before the body is */

static const struct page {
	const char	*path;
	bool		 open;		/* without a token */
	httpd_page_fn	 fn;
} pages[] = {
	{ "/healthz", true, httpd_healthz },
	{ "/metrics", true, httpd_metrics },
	{ "/api/events", false, httpd_events },
	{ "/api/events/follow", false, httpd_follow },
	{ "/api/status", false, httpd_status },
	{ "/api/logs", false, httpd_events },
	{ "/api/openapi.json", true, httpd_openapi },
};

void
httpd_count(struct httpd *h, unsigned status)
{
	if (h->ctr == NULL)
		return;
	counters_add(h->ctr, status < 400 ? M_HTTP_2XX : status < 500 ? M_HTTP_4XX : M_HTTP_5XX, 1);
}

/* <allow> NULL: no such header. */
static enum MHD_Result
reply(struct httpd *h, struct MHD_Connection *conn, unsigned status, const char *type, struct buf *body, const char *allow)
{
	struct MHD_Response *resp;
	enum MHD_Result r;

	if (body->err != 0)
		status = MHD_HTTP_INTERNAL_SERVER_ERROR;
	resp = MHD_create_response_from_buffer(body->err != 0 ? 0 : buf_len(body),
	    (void *)(uintptr_t)buf_ptr(body), MHD_RESPMEM_MUST_COPY);
	buf_free(body);
	if (resp == NULL)
		return MHD_NO;
	MHD_add_response_header(resp, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(resp, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(resp, "X-Content-Type-Options", "nosniff");
	if (status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(resp, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
	if (status == MHD_HTTP_TOO_MANY_REQUESTS)
		MHD_add_response_header(resp, MHD_HTTP_HEADER_RETRY_AFTER, "1");
	if (allow != NULL)
		MHD_add_response_header(resp, MHD_HTTP_HEADER_ALLOW, allow);
	httpd_count(h, status);
	r = MHD_queue_response(conn, status, resp);
	MHD_destroy_response(resp);
	return r;
}

enum MHD_Result
httpd_reply(struct httpd *h, struct MHD_Connection *conn, unsigned status, const char *type,
    struct buf *body)
{
	return reply(h, conn, status, type, body, NULL);
}

enum MHD_Result
httpd_not_allowed(struct httpd *h, struct MHD_Connection *conn, bool api, const char *allow)
{
	struct buf b = {0};

	buf_printf(&b, api ? "{\"error\":{\"code\":\"method_not_allowed\",\"message\":\"only %s here\",\"field\":null}}\n" :
	    "{\"error\":\"only %s here\"}\n", allow);
	return reply(h, conn, MHD_HTTP_METHOD_NOT_ALLOWED, "application/json", &b, allow);
}

enum MHD_Result
httpd_error(struct httpd *h, struct MHD_Connection *conn, unsigned status, const char *text)
{
	struct buf b = {0};

	buf_adds(&b, "{\"error\":\"");
	buf_add_json(&b, text, strlen(text));
	buf_adds(&b, "\"}\n");
	return httpd_reply(h, conn, status, "application/json", &b);
}

struct query_taking {
	struct event_query	*q;
	const char		*why;
	int64_t			 now_ms;
};

static enum MHD_Result
parameter_take(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct query_taking *t = arg;
	const char *why;

	if (query_set(t->q, name, value, t->now_ms, &why) == 0)
		return MHD_YES;
	t->why = why;
	return MHD_NO;
}

const char *
httpd_query(struct MHD_Connection *conn, struct event_query *q)
{
	struct query_taking t = { q, NULL, ctltime_now_ms() };

	query_init(q);
	MHD_get_connection_values(conn, MHD_GET_ARGUMENT_KIND, parameter_take, &t);
	return t.why;
}

static bool
reads(const char *method)
{
	return strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
}

/* The one page that is written to.  The first call has the headers, the last one the whole body. */
static enum MHD_Result
bans_answer(struct httpd *h, struct MHD_Connection *conn, const char *method, const char *upload,
    size_t *upload_size, struct httpd_request *q)
{
	enum MHD_Result r;

	if (!q->begun) {
		q->begun = true;
		r = httpd_auth(h, conn, q, reads(method) ? ROLE_READ : ROLE_BAN);
		q->body.max = q->is_signed ? NODE_UPLOAD_MAX : UPLOAD_MAX;
		return r;
	}
	if (*upload_size > 0) {
		buf_add(&q->body, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	if (q->body.err != 0)
		return httpd_error(h, conn, 413, "too much: at most 16 MiB at a time, 4 MiB of a node");
	r = httpd_auth_body(h, conn, q, method);
	return r != MHD_YES || q->refused ? r : httpd_bans(h, conn, method, q);
}

/* Before anything is parsed: the request line's target, which is what a node has signed. */
static void *
request_begin(void *arg, const char *uri, struct MHD_Connection *conn)
{
	struct httpd_request *q = calloc(1, sizeof(*q));

	if (q != NULL)
		q->upload = -1;
	if (q != NULL && (q->uri = strdup(uri)) == NULL) {
		free(q);
		q = NULL;
	}
	return q;
}

static void
answered(void *arg, struct MHD_Connection *conn, void **state, enum MHD_RequestTerminationCode how)
{
	struct httpd_request *q = *state;

	if (q == NULL)
		return;
	if (q->upload >= 0)
		close(q->upload);
	buf_free(&q->body);
	free(q->uri);
	free(q);
	*state = NULL;
}

static enum MHD_Result
page_answer(void *arg, struct MHD_Connection *conn, const char *url, const char *method,
    const char *version, const char *upload, size_t *upload_size, void **state)
{
	struct httpd_request *q = *state;
	struct httpd *h = arg;
	enum MHD_Result r;

	if (q == NULL)
		return MHD_NO;
	q->path = url;
	q->api = strncmp(url, "/api/", 5) == 0;
	if (httpd_egress_owns(url))
		return httpd_egress(h, conn, url, method, upload, upload_size, q);
	if (strcmp(url, "/_cluster/blacklist") == 0)
		return bans_answer(h, conn, method, upload, upload_size, q);
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (strcmp(pages[i].path, url) != 0)
			continue;
		if (!reads(method))
			return httpd_not_allowed(h, conn, q->api, "GET, HEAD");
		r = pages[i].open ? MHD_YES : httpd_auth(h, conn, q, ROLE_READ);
		if (r != MHD_YES || q->refused)
			return r;
		/* A node may speak of bans only. */
		if (q->is_signed)
			return httpd_api_error(h, conn, MHD_HTTP_FORBIDDEN, "forbidden", "a bearer token is required", NULL);
		return pages[i].fn(h, conn);
	}
	return q->api ? httpd_api_error(h, conn, MHD_HTTP_NOT_FOUND, "not_found", "no such page", NULL) :
	    httpd_error(h, conn, MHD_HTTP_NOT_FOUND, "no such page");
}

void
httpd_ban_ttl_set(struct httpd *h, int64_t ms)
{
	__atomic_store_n(&h->ban_ttl_ms, ms, __ATOMIC_RELAXED);
}

static void
mhd_log(void *arg, const char *fmt, va_list ap)
{
	char line[512];

	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\r\n")] = '\0';
	log_debug("http", "%s", line);
}

int
httpd_start(struct httpd **out, const struct llmsecd_conf *conf, const struct httpd_parts *parts)
{
	struct httpd *h = calloc(1, sizeof(*h));
	char host[256] = "";
	int fd, r = -ENOMEM;

	*out = NULL;
	if (h == NULL)
		return -ENOMEM;
	pthread_mutex_init(&h->token_lock, NULL);
	h->board = parts->board;
	h->ctr = parts->ctr;
	h->bans = parts->bans;
	h->nodes = parts->nodes;
	h->node_auth = parts->node_auth;
	h->events = parts->events;
	h->egress = parts->egress;
	h->asks.a_second = ASKS_A_SECOND;
	h->asks.burst = ASKS_AT_ONCE;
	h->token_file = token_file_open(conf->http.tokens);
	h->egress_dir = strdup(conf->egress.dir);
	h->egress_policy = strdup(conf->egress.policy);
	if (h->token_file == NULL || h->egress_dir == NULL || h->egress_policy == NULL)
		goto out;
	httpd_ban_ttl_set(h, conf->bans.default_ttl);
	if (httpd_bans_init(h, conf) < 0)
		goto out;
	h->node = strdup(conf->node[0] != '\0' || gethostname(host, sizeof(host) - 1) < 0 ? conf->node : host);
	h->started_ms = ctltime_now_ms();
	h->followers_max = (unsigned)conf->http.max_connections / 2;
	h->db_path = strdup(conf->database.path);
	h->counters_dir = strdup(conf->counters_dir);
	if (h->db_path == NULL || h->counters_dir == NULL || h->node == NULL)
		goto out;
	httpd_tokens_load(h, conf);
	fd = listen_tcp(conf->http.listen);
	r = fd < 0 ? fd : 0;
	if (r < 0) {
		log_err("cannot listen on %s: %s", conf->http.listen, strerror(-r));
		goto out;
	}
	h->mhd = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
	    MHD_USE_POLL | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, NULL, NULL, page_answer, h,
	    MHD_OPTION_EXTERNAL_LOGGER, mhd_log, NULL,
	    MHD_OPTION_URI_LOG_CALLBACK, request_begin, NULL,
	    MHD_OPTION_NOTIFY_COMPLETED, answered, NULL,
	    MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)conf->http.max_connections,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768,
	    MHD_OPTION_THREAD_STACK_SIZE, (size_t)512 * 1024, MHD_OPTION_END);
	if (h->mhd == NULL) {
		close(fd);
		r = -EIO;
		log_err("cannot start the HTTP server on %s", conf->http.listen);
	}
out:
	if (r < 0) {
		httpd_stop(&h);
		return r;
	}
	*out = h;
	return 0;
}

void
httpd_stop(struct httpd **hp)
{
	struct httpd *h = *hp;

	if (h == NULL)
		return;
	if (h->mhd != NULL)
		MHD_stop_daemon(h->mhd);
	pthread_mutex_destroy(&h->token_lock);
	OPENSSL_cleanse(h->token, sizeof(h->token));
	free(h->db_path);
	free(h->node);
	httpd_bans_fini(h);
	free(h->counters_dir);
	token_file_close(&h->token_file);
	free(h->egress_dir);
	free(h->egress_policy);
	free(h);
	*hp = NULL;
}
