/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "mock.h"
#include "record.h"
#include "serve.h"
#include "squeeze.h"

enum { BODY_MAX = 256 << 20, STACK_SIZE = 512 << 10, CONNECTION_MEMORY = 256 << 10, BLOCK = 64 << 10 };

struct serve {
	struct serve_options opt;
	struct MHD_Daemon *daemon[2];	/* plain, TLS */
	char	*cert, *key;
	int	 stop_fd;
};

struct exchange {
	struct serve	*serve;
	struct call	 call;
	struct reply	 reply;
	struct script_reader *reader;
	bool		 begun;
};

/* --- request ---------------------------------------------------------------------------------- */
int
pairs_add(struct mock_pairs *p, const char *name, const char *value)
{
	struct mock_pair *at = realloc(p->at, (p->n + 1) * sizeof(*at));

	if (at == NULL)
		return -ENOMEM;
	p->at = at;
	at[p->n].name = strdup(name);
	at[p->n].value = strdup(value);
	if (at[p->n].name == NULL || at[p->n].value == NULL) {
		free(at[p->n].name);
		free(at[p->n].value);
		return -ENOMEM;
	}
	p->n++;
	return 0;
}

void
pairs_free(struct mock_pairs *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->at[i].name);
		free(p->at[i].value);
	}
	free(p->at);
	p->at = NULL;
	p->n = 0;
}

static const char *
pair_value(const struct mock_pairs *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcasecmp(p->at[i].name, name) == 0)
			return p->at[i].value;
	return NULL;
}

const char *
call_header(const struct call *c, const char *name)
{
	return pair_value(&c->headers, name);
}

const char *
call_query(const struct call *c, const char *name)
{
	return pair_value(&c->query, name);
}

static enum MHD_Result
collect_pair(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	return pairs_add(cls, name, value ? value : "") == 0 ? MHD_YES : MHD_NO;
}

/* Called with the URI as sent, before anything else is known of the request. */
static void *
begin_exchange(void *cls, const char *uri, struct MHD_Connection *conn)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (x) {
		x->serve = cls;
		x->call.uri = strdup(uri);
		x->call.stop_fd = x->serve->stop_fd;
		x->call.body.max = BODY_MAX;
		plan_init(&x->call.plan, x->serve->opt.interval_ms);
	}
	return x;
}

static void
free_exchange(struct exchange *x)
{
	if (x == NULL)
		return;
	script_reader_free(x->reader);
	reply_free(&x->reply);
	json_decref(x->call.root);
	pairs_free(&x->call.headers);
	pairs_free(&x->call.query);
	plan_free(&x->call.plan);
	buf_free(&x->call.body);
	free(x->call.method);
	free(x->call.path);
	free(x->call.uri);
	free(x);
}

static void
end_exchange(void *cls, struct MHD_Connection *conn, void **con_cls, enum MHD_RequestTerminationCode why)
{
	free_exchange(*con_cls);
	*con_cls = NULL;
}

static void
keep_record(struct call *c, const char *version, bool tls)
{
	json_t *headers = json_array();
	struct timespec ts;
	char *copy = malloc(buf_len(&c->body) + 1);

	for (size_t i = 0; i < c->headers.n; i++)
		json_array_append_new(headers, json_pack("[s,s%]", c->headers.at[i].name, c->headers.at[i].value,
		    strlen(c->headers.at[i].value)));
	clock_gettime(CLOCK_REALTIME, &ts);
	if (copy)
		memcpy(copy, buf_ptr(&c->body), buf_len(&c->body));
	record_keep(json_pack("{sI,sf,ss,ss,ss,sb,so}", "id", (json_int_t)c->id, "time",
	    (double)ts.tv_sec + (double)ts.tv_nsec / 1e9, "method", c->method, "uri", c->uri, "version", version,
	    "tls", (int)tls, "headers", headers), copy, copy ? buf_len(&c->body) : 0, c->sha256);
}

static int
read_plan(struct call *c, struct reply *r)
{
	const char *query = call_query(c, "mock");
	char bad[64], message[96];
	int err = query ? plan_read(&c->plan, query, strlen(query), bad, sizeof(bad)) : 0;

	for (size_t i = 0; i < c->headers.n && err == 0; i++)
		if (strcasecmp(c->headers.at[i].name, "X-Mock") == 0)
			err = plan_read(&c->plan, c->headers.at[i].value, strlen(c->headers.at[i].value), bad,
			    sizeof(bad));
	if (err == -EINVAL) {
		snprintf(message, sizeof(message), "mock: bad directive \"%s\"", bad);
		reply_error(c, r, 400, message);
	}
	return err;
}

/* --- reply ------------------------------------------------------------------------------------ */
static ssize_t
give_body(void *cls, uint64_t pos, char *to, size_t max)
{
	struct exchange *x = cls;
	long n = script_reader_next(x->reader, to, max);

	if (n < 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	return n ? n : MHD_CONTENT_READER_END_OF_STREAM;
}

static enum MHD_Result
queue_bare(struct MHD_Connection *conn, unsigned status)
{
	struct MHD_Response *m = MHD_create_response_from_buffer(0, (void *)(uintptr_t)"", MHD_RESPMEM_PERSISTENT);
	enum MHD_Result rc = m ? MHD_queue_response(conn, status, m) : MHD_NO;

	MHD_destroy_response(m);
	return rc;
}

/* The length to announce; a body that is going to be cut announces what it would have had. */
static uint64_t
body_length(const struct reply *r)
{
	return r->streamed ? MHD_SIZE_UNKNOWN : r->script.bytes.len;
}

static int
prepare_body(struct exchange *x)
{
	enum plan_coding coding = x->call.plan.coding;
	struct reply *r = &x->reply;
	int err = 0;

	if (coding != PLAN_IDENTITY) {
		reply_header(r, "Content-Encoding", "%s", squeeze_name(coding));
		if (r->script.form == SCRIPT_BODY) {
			err = script_squeeze(&r->script, coding);
			coding = PLAN_IDENTITY;
		}
	}
	if (err == 0)
		err = script_finish(&r->script);
	if (err < 0)
		return err;
	x->reader = script_reader_new(&r->script, coding, (unsigned)x->call.plan.split, x->call.stop_fd);
	return x->reader ? 0 : -ENOMEM;
}

static enum MHD_Result
queue_reply(struct exchange *x, struct MHD_Connection *conn)
{
	struct MHD_Response *m;
	enum MHD_Result rc;

	m = MHD_create_response_from_callback(body_length(&x->reply), BLOCK, give_body, x, NULL);
	if (m == NULL)
		return MHD_NO;
	MHD_add_response_header(m, "Content-Type", x->reply.type);
	for (size_t i = 0; i < x->reply.n_headers; i++)
		MHD_add_response_header(m, x->reply.header[i].name, x->reply.header[i].value);
	rc = MHD_queue_response(conn, x->reply.status, m);
	MHD_destroy_response(m);
	return rc;
}

static void
log_line(const struct exchange *x)
{
	FILE *f = x->serve->opt.log;

	if (f == NULL)
		return;
	fprintf(f, "%" PRIu64 " %s %s %zu -> %u %s%zu bytes %zu steps\n", x->call.id, x->call.method, x->call.uri,
	    buf_len(&x->call.body), x->reply.status, x->reply.streamed ? "streamed " : "", x->reply.script.bytes.len,
	    x->reply.script.n);
	fflush(f);
}

static void
add_identity(struct exchange *x)
{
	struct reply *r = &x->reply;

	reply_header(r, x->call.dialect == DIALECT_ANTHROPIC ? "request-id" : "x-request-id", "req_mock%" PRIu64,
	    x->call.id);
	reply_header(r, "X-Mock-Id", "%" PRIu64, x->call.id);
	reply_header(r, "X-Mock-Body-Sha256", "%s", x->call.sha256);
}

static enum MHD_Result
serve_exchange(struct exchange *x, struct MHD_Connection *conn, const char *version)
{
	const union MHD_ConnectionInfo *tls = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_PROTOCOL);
	struct call *c = &x->call;
	int err;

	record_sha256(buf_ptr(&c->body), buf_len(&c->body), c->sha256);
	if (strncmp(c->path, "/_mock/", 7) != 0) {
		c->id = record_next_id();
		keep_record(c, version, tls != NULL);
	}
	err = read_plan(c, &x->reply);
	if (err == 0)
		err = routes_serve(c, &x->reply);
	if (err == -EINVAL)
		err = 0;
	if (err == 0) {
		add_identity(x);
		err = prepare_body(x);
	}
	log_line(x);
	if (err < 0)
		return queue_bare(conn, 500);
	if (c->plan.first_ms)
		script_sleep_until(script_now_us() + (uint64_t)c->plan.first_ms * 1000, c->stop_fd);
	return queue_reply(x, conn);
}

static enum MHD_Result
handle(void *cls, struct MHD_Connection *conn, const char *path, const char *method, const char *version,
    const char *upload, size_t *upload_size, void **con_cls)
{
	struct exchange *x = *con_cls;
	struct call *c;

	if (x == NULL || x->call.uri == NULL)
		return MHD_NO;
	c = &x->call;
	if (!x->begun) {
		x->begun = true;
		c->method = strdup(method);
		c->path = strdup(path);
		MHD_get_connection_values(conn, MHD_HEADER_KIND, collect_pair, &c->headers);
		MHD_get_connection_values(conn, MHD_GET_ARGUMENT_KIND, collect_pair, &c->query);
		return c->method && c->path ? MHD_YES : MHD_NO;
	}
	if (*upload_size) {
		buf_add(&c->body, upload, *upload_size);
		*upload_size = 0;
		return c->body.err ? MHD_NO : MHD_YES;
	}
	return serve_exchange(x, conn, version);
}

/* --- daemons ---------------------------------------------------------------------------------- */
static char *
read_file(const char *path)
{
	FILE *f = path ? fopen(path, "r") : NULL;
	char *text = calloc(1, 65536);

	if (f == NULL || text == NULL || fread(text, 1, 65535, f) == 0) {
		fprintf(stderr, "llmsec-mock: %s: cannot read\n", path ? path : "no file given");
		free(text);
		text = NULL;
	}
	if (f)
		fclose(f);
	return text;
}

static struct MHD_Daemon *
start_daemon(struct serve *s, int port, bool tls)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct MHD_OptionItem key[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, s->cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, s->key },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };
	unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
	    MHD_USE_ERROR_LOG | (tls ? MHD_USE_TLS : 0u);

	if (inet_pton(AF_INET, s->opt.bind, &sin.sin_addr) != 1) {
		fprintf(stderr, "llmsec-mock: %s: not an IPv4 address\n", s->opt.bind);
		return NULL;
	}
	return MHD_start_daemon(flags, (uint16_t)port, NULL, NULL, handle, s, MHD_OPTION_SOCK_ADDR, &sin,
	    MHD_OPTION_URI_LOG_CALLBACK, begin_exchange, s, MHD_OPTION_NOTIFY_COMPLETED, end_exchange, s,
	    MHD_OPTION_CONNECTION_LIMIT, 4096u, MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_SIZE,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_LISTEN_BACKLOG_SIZE, 1024u,
	    MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_CONNECTION_TIMEOUT, 600u, MHD_OPTION_ARRAY,
	    tls ? key : none, MHD_OPTION_END);
}

struct serve *
serve_start(const struct serve_options *opt)
{
	struct serve *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->opt = *opt;
	s->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (opt->tls_port >= 0 && ((s->cert = read_file(opt->cert_file)) == NULL ||
	    (s->key = read_file(opt->key_file)) == NULL))
		goto fail;
	if (opt->port >= 0 && (s->daemon[0] = start_daemon(s, opt->port, false)) == NULL) {
		fprintf(stderr, "llmsec-mock: cannot listen on %s:%d\n", opt->bind, opt->port);
		goto fail;
	}
	if (opt->tls_port >= 0 && (s->daemon[1] = start_daemon(s, opt->tls_port, true)) == NULL) {
		fprintf(stderr, "llmsec-mock: cannot listen with TLS on %s:%d\n", opt->bind, opt->tls_port);
		goto fail;
	}
	return s;
fail:
	serve_stop(s);
	return NULL;
}

int
serve_port(const struct serve *s, int tls)
{
	const union MHD_DaemonInfo *info;

	if (s->daemon[!!tls] == NULL)
		return -1;
	info = MHD_get_daemon_info(s->daemon[!!tls], MHD_DAEMON_INFO_BIND_PORT);
	return info ? info->port : -1;
}

void
serve_stop(struct serve *s)
{
	uint64_t one = 1;

	if (s == NULL)
		return;
	if (s->stop_fd >= 0 && write(s->stop_fd, &one, sizeof(one)) < 0)
		perror("llmsec-mock: eventfd");
	for (int i = 0; i < 2; i++)
		if (s->daemon[i])
			MHD_stop_daemon(s->daemon[i]);
	record_clear();
	if (s->stop_fd >= 0)
		close(s->stop_fd);
	free(s->cert);
	free(s->key);
	free(s);
}
