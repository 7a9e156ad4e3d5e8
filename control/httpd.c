/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
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
#include "lib/buf.h"
#include "lib/log.h"

#define TOKEN_MIN	16
#define IDLE_S		30
#define UPLOAD_MAX	((size_t)16 << 20)

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
};

void
httpd_count(struct httpd *h, unsigned status)
{
	if (h->ctr == NULL)
		return;
	counters_add(h->ctr, status < 400 ? M_HTTP_2XX : status < 500 ? M_HTTP_4XX : M_HTTP_5XX, 1);
}

enum MHD_Result
httpd_reply(struct httpd *h, struct MHD_Connection *conn, unsigned status, const char *type,
    struct buf *body)
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
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(resp, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	httpd_count(h, status);
	r = MHD_queue_response(conn, status, resp);
	MHD_destroy_response(resp);
	return r;
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

/* Does the request carry the token?  Takes the same time wherever it differs. */
static bool
token_ok(struct httpd *h, struct MHD_Connection *conn)
{
	const char *auth = MHD_lookup_connection_value(conn, MHD_HEADER_KIND,
	    MHD_HTTP_HEADER_AUTHORIZATION);
	char given[257] = {0};
	size_t n;
	bool ok;

	if (auth == NULL || strncasecmp(auth, "Bearer ", 7) != 0)
		return false;
	auth += 7;
	n = strlen(auth);
	if (n < TOKEN_MIN || n >= sizeof(given))
		return false;
	memcpy(given, auth, n);
	pthread_mutex_lock(&h->token_lock);
	ok = h->token[0] != '\0' && CRYPTO_memcmp(given, h->token, sizeof(given)) == 0;
	pthread_mutex_unlock(&h->token_lock);
	OPENSSL_cleanse(given, sizeof(given));
	return ok;
}

static bool
reads(const char *method)
{
	return strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
}

/* The one page that is written to.  The first call has the headers, the last one the whole body. */
static enum MHD_Result
bans_answer(struct httpd *h, struct MHD_Connection *conn, const char *method, const char *upload,
    size_t *upload_size, void **state)
{
	struct buf *body = *state;

	if (body == NULL) {
		if (!token_ok(h, conn))
			return httpd_error(h, conn, MHD_HTTP_UNAUTHORIZED, "bearer token required");
		*state = body = calloc(1, sizeof(*body));
		if (body == NULL)
			return MHD_NO;
		body->max = UPLOAD_MAX;
		return MHD_YES;
	}
	if (*upload_size > 0) {
		buf_add(body, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	if (body->err != 0)
		return httpd_error(h, conn, 413, "too much: at most 16 MiB at a time");
	return httpd_bans(h, conn, method, body);
}

static void
answered(void *arg, struct MHD_Connection *conn, void **state, enum MHD_RequestTerminationCode how)
{
	if (*state == NULL)
		return;
	buf_free(*state);
	free(*state);
	*state = NULL;
}

static enum MHD_Result
page_answer(void *arg, struct MHD_Connection *conn, const char *url, const char *method,
    const char *version, const char *upload, size_t *upload_size, void **state)
{
	struct httpd *h = arg;

	if (strcmp(url, "/_cluster/blacklist") == 0)
		return bans_answer(h, conn, method, upload, upload_size, state);
	if (!reads(method))
		return httpd_error(h, conn, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET here");
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (strcmp(pages[i].path, url) != 0)
			continue;
		if (!pages[i].open && !token_ok(h, conn))
			return httpd_error(h, conn, MHD_HTTP_UNAUTHORIZED, "bearer token required");
		return pages[i].fn(h, conn);
	}
	return httpd_error(h, conn, MHD_HTTP_NOT_FOUND, "no such page");
}

/* First line of the file into out[257]; 0 or -errno. */
static int
token_read(const char *path, char *out)
{
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;

	memset(out, 0, 257);
	if (fd < 0)
		return -errno;
	n = read(fd, out, 256);
	if (n < 0)
		r = -errno;
	close(fd);
	out[strcspn(out, "\r\n")] = '\0';
	n = (ssize_t)strlen(out);
	memset(out + n, 0, 257 - (size_t)n);
	if (r == 0 && (n < TOKEN_MIN || n >= 256))
		r = -EINVAL;
	return r;
}

void
httpd_token_load(struct httpd *h, const char *path)
{
	char token[257];
	int r = token_read(path, token);

	if (r < 0) {
		memset(token, 0, sizeof(token));
		log_warnx("%s: %s; /api stays locked", path, r == -EINVAL ?
		    "a token has 16 to 255 characters on the first line" : strerror(-r));
	}
	pthread_mutex_lock(&h->token_lock);
	memcpy(h->token, token, sizeof(token));
	pthread_mutex_unlock(&h->token_lock);
	OPENSSL_cleanse(token, sizeof(token));
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
httpd_start(struct httpd **out, const struct llmsecd_conf *conf, struct board *board,
    struct ban_list *bans, struct counters *ctr)
{
	struct httpd *h = calloc(1, sizeof(*h));
	char host[256] = "";
	int fd, r = -ENOMEM;

	*out = NULL;
	if (h == NULL)
		return -ENOMEM;
	pthread_mutex_init(&h->token_lock, NULL);
	h->board = board;
	h->ctr = ctr;
	h->bans = bans;
	httpd_ban_ttl_set(h, conf->bans.default_ttl);
	h->node = strdup(conf->node[0] != '\0' || gethostname(host, sizeof(host) - 1) < 0 ? conf->node : host);
	h->started_ms = ctltime_now_ms();
	h->followers_max = (unsigned)conf->http.max_connections / 2;
	h->db_path = strdup(conf->database.path);
	h->counters_dir = strdup(conf->counters_dir);
	if (h->db_path == NULL || h->counters_dir == NULL || h->node == NULL)
		goto out;
	httpd_token_load(h, conf->http.token_file);
	fd = listen_tcp(conf->http.listen);
	r = fd < 0 ? fd : 0;
	if (r < 0) {
		log_err("cannot listen on %s: %s", conf->http.listen, strerror(-r));
		goto out;
	}
	h->mhd = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
	    MHD_USE_POLL | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, NULL, NULL, page_answer, h,
	    MHD_OPTION_EXTERNAL_LOGGER, mhd_log, NULL,
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
	free(h->counters_dir);
	free(h);
	*hp = NULL;
}
