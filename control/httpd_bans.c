/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/rand.h>

#include "control/ban_list.h"
#include "control/ban_nodes.h"
#include "control/ban_orders.h"
#include "control/ban_request.h"
#include "control/control_events.h"
#include "control/ctltime.h"
#include "control/haproxy_answer.h"
#include "control/haproxy_cli.h"
#include "control/httpd_private.h"
#include "control/llmsecd_conf.h"
#include "control/llmsecd_metrics.h"
#include "lib/log.h"

#define SETTLE_MS	500
#define NODES_MS	2000		/* for edges that are not known to be down */
#define PEERS_MS	1000		/* what another HAProxy's peer brings: 1 ms, 60 on a busy machine */
#define ANSWER_MAX	((size_t)256 << 20)

static int64_t
mono_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void
count(struct httpd *h, enum llmsecd_metric m, uint64_t n)
{
	if (h->ctr != NULL && n > 0)
		counters_add(h->ctr, m, n);
}

/* --- who has it ------------------------------------------------------------------------------ */

/* {"edge":"n1","haproxy":"up","state":"applied","ms":1.2,"error":""} */
static void
edge_add(struct buf *b, const char *name, bool up, const char *state, int64_t us, const char *error)
{
	buf_adds(b, "{\"edge\":\"");
	buf_add_json(b, name, strlen(name));
	buf_printf(b, "\",\"haproxy\":\"%s\",\"state\":\"%s\",", up ? "up" : "down", state);
	if (us > 0)
		buf_printf(b, "\"ms\":%.1f,", (double)us / 1000);
	buf_adds(b, "\"error\":\"");
	buf_add_json(b, error, strlen(error));
	buf_adds(b, "\"}");
}

static void
this_edge_add(struct httpd *h, struct buf *b, bool applied, int64_t us)
{
	char error[BAN_REASON];
	bool up = ban_list_link_get(h->bans, error);

	buf_adds(b, "\"edges\":[");
	edge_add(b, h->node, up, applied ? "applied" : "pending", us, error);
}

/* The other edges; <since> 0: how they stand, without waiting. */
static void
other_edges_add(struct httpd *h, struct buf *b, uint64_t mark, int64_t since)
{
	struct ban_node_state s[BAN_EDGES];
	size_t n = h->nodes != NULL ? ban_nodes_count(h->nodes) : 0;

	if (n > 0)
		ban_nodes_wait(h->nodes, mark, since, since != 0 ? NODES_MS : 0, s);
	for (size_t i = 0; i < n; i++) {
		bool has = s[i].up && s[i].has;

		buf_addc(b, ',');
		edge_add(b, s[i].name, s[i].up && (since == 0 || s[i].haproxy), !s[i].up ? "down" :
		    has && (since == 0 || s[i].haproxy) ? "applied" : "pending", since != 0 && has ? s[i].took_us : 0,
		    s[i].error);
	}
}

/* --- what another edge's HAProxy should have brought by now ------------------------------------ */

/* Its vote, as this edge's HAProxy knows it from its peers. */
static bool
peer_has(struct httpd *h, const struct ban *b)
{
	struct buf command = {0}, answer = {0};
	char text[CIDR_TEXT], *save = NULL, *line;
	uint32_t value = 0;
	struct cidr key;

	cidr_format(&b->cidr, text);
	text[strcspn(text, "/")] = '\0';
	buf_printf(&command, "show table %s key %s%s\n", h->table[b->edge], cidr_is_v4(&b->cidr) ? "::ffff:" : "", text);
	if (haproxy_cli(h->haproxy_socket, buf_ptr(&command), buf_len(&command), SETTLE_MS, &answer) == 0 &&
	    buf_addc(&answer, '\0') == 0)
		for (line = strtok_r(answer.data, "\n", &save); line != NULL && value == 0;
		    line = strtok_r(NULL, "\n", &save))
			if (!haproxy_entry(line, &key, &value))
				value = 0;
	buf_free(&command);
	buf_free(&answer);
	return value != 0;
}

/* Peers bring changes in order: the last address stands for all. */
static bool
peers_brought(struct httpd *h, const struct ban_request *q)
{
	int64_t end = ctltime_mono_ms() + PEERS_MS;
	const struct timespec pause = { .tv_nsec = 1000000 };
	const struct ban *b = NULL;
	char error[BAN_REASON];

	for (size_t i = 0; i < q->n; i++)
		if (ban_in_table(&q->v[i].cidr))
			b = &q->v[i];
	if (b == NULL)
		return true;
	if (h->table[b->edge] == NULL || !ban_list_link_get(h->bans, error))
		return false;
	while (!peer_has(h, b)) {
		if (ctltime_mono_ms() >= end)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

/* --- answers --------------------------------------------------------------------------------- */

static enum MHD_Result
forbidden(struct httpd *h, struct MHD_Connection *conn, const struct ban_request *q, size_t bad,
    const struct cidr *entry)
{
	char who[CIDR_TEXT], what[CIDR_TEXT], text[256];

	count(h, M_BAN_FORBIDDEN, 1);
	snprintf(text, sizeof(text), "[%zu]: %s may not be banned: %s is on the never-ban list", bad,
	    cidr_format(&q->v[bad].cidr, who), cidr_format(entry, what));
	return httpd_error(h, conn, MHD_HTTP_CONFLICT, text);
}

static enum MHD_Result
store_failed(struct httpd *h, struct MHD_Connection *conn, int r)
{
	if (r == -ENOSPC)
		return httpd_error(h, conn, 507, "the list or the disk is full");
	log_warnx("cannot write bans: %s", strerror(-r));
	return httpd_error(h, conn, MHD_HTTP_SERVICE_UNAVAILABLE, "the bans' database can't be written");
}

static enum MHD_Result
done(struct httpd *h, struct MHD_Connection *conn, struct buf *b)
{
	buf_adds(b, "]}\n");
	return httpd_reply(h, conn, MHD_HTTP_OK, "application/json", b);
}

static bool
any_cluster(const struct ban_request *q)
{
	for (size_t i = 0; i < q->n; i++)
		if (q->v[i].scope == BAN_CLUSTER)
			return true;
	return false;
}

static enum MHD_Result
add(struct httpd *h, struct MHD_Connection *conn, const struct ban_request *q)
{
	int64_t began = mono_us();
	struct buf b = {0};
	struct cidr entry;
	size_t bad = 0;
	bool applied;
	int r = ban_list_add(h->bans, q->v, q->n, &bad, &entry);
	uint64_t mark = h->nodes != NULL ? ban_nodes_mark(h->nodes) : 0;

	if (r == -EPERM)
		return forbidden(h, conn, q, bad, &entry);
	if (r < 0)
		return store_failed(h, conn, r);
	count(h, M_BAN_OPERATOR, q->n);
	applied = ban_list_settle(h->bans, SETTLE_MS);
	buf_printf(&b, "{\"banned\":%zu,", q->n);
	this_edge_add(h, &b, applied, mono_us() - began);
	if (any_cluster(q))
		other_edges_add(h, &b, mark, began);
	control_event_bans(h->events, q->v, q->n);
	return done(h, conn, &b);
}

static void
orders_write(struct httpd *h, const struct cidr *c, size_t n)
{
	int r = 0;

	pthread_mutex_lock(&h->token_lock);
	if (h->orders[0] != '\0')
		r = ban_orders_lift(h->orders, c, n, ctltime_now_ms());
	pthread_mutex_unlock(&h->token_lock);
	if (r < 0)
		log_warnx("cannot write %s: %s; llmsec-spoad keeps its own bans", h->orders, strerror(-r));
}

/* Whom the agents ban; another edge has told the others itself. */
static void
ids_lift(struct httpd *h, const struct ban_request *q, const struct httpd_request *from)
{
	int r = 0;

	if (q->n_ids == 0)
		return;
	pthread_mutex_lock(&h->token_lock);
	if (h->orders[0] != '\0')
		r = ban_orders_lift_ids(h->orders, q->id, q->n_ids, ctltime_now_ms());
	pthread_mutex_unlock(&h->token_lock);
	if (r < 0)
		log_warnx("cannot write %s: %s; llmsec-spoad keeps its own bans", h->orders, strerror(-r));
	if (!from->node && h->nodes != NULL)
		ban_nodes_lift_ids(h->nodes, q->id, q->n_ids);
}

/* An operator's, or another edge's word that an operator did: everywhere.  Else one edge's vote only. */
static int
lift_all(struct httpd *h, const struct ban_request *q, int edge, size_t *removed)
{
	struct cidr *c = calloc(2 * q->n + 1, sizeof(*c)), *single = c + q->n;
	size_t n_all = 0, n_one = 0, n;
	int r = c == NULL ? -ENOMEM : 0;

	*removed = 0;
	for (size_t i = 0; r == 0 && i < q->n; i++)
		if (q->v[i].scope == BAN_CLUSTER)
			c[n_all++] = q->v[i].cidr;
		else
			single[n_one++] = q->v[i].cidr;
	/* A body of keys alone has no address. */
	if (r == 0 && n_all > 0) {
		r = ban_list_remove(h->bans, c, n_all, edge == 0 ? BAN_ALL : BAN_ALL_HEARD, removed);
		orders_write(h, c, n_all);
	}
	if (r == 0 && n_one > 0) {
		r = ban_list_remove(h->bans, single, n_one, edge, &n);
		*removed += r == 0 ? n : 0;
		if (edge == 0)
			orders_write(h, single, n_one);
	}
	free(c);
	return r;
}

static enum MHD_Result
lift(struct httpd *h, struct MHD_Connection *conn, const struct ban_request *q, const struct httpd_request *from)
{
	int64_t began = mono_us();
	struct buf b = {0};
	size_t removed;
	uint64_t mark;
	bool applied;
	int r = lift_all(h, q, from->edge, &removed);

	if (r < 0)
		return store_failed(h, conn, r);
	ids_lift(h, q, from);
	mark = h->nodes != NULL ? ban_nodes_mark(h->nodes) : 0;
	count(h, M_BAN_LIFTED, removed);
	applied = ban_list_settle(h->bans, SETTLE_MS);
	buf_printf(&b, "{\"removed\":%zu,", removed);
	this_edge_add(h, &b, applied, mono_us() - began);
	if ((any_cluster(q) || q->n_ids > 0) && !from->node)
		other_edges_add(h, &b, mark, began);
	if (!from->node)
		control_event_lifts(h->events, q->v, q->n);
	return done(h, conn, &b);
}

/* Another edge's votes. */
static enum MHD_Result
node_votes(struct httpd *h, struct MHD_Connection *conn, const struct ban_request *q, const struct httpd_request *from)
{
	const char *sync = MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, "sync");
	int64_t began = mono_us();
	struct buf b = {0};
	size_t refused = 0;
	bool applied;
	int r;

	if (sync != NULL && strcmp(sync, "begin") == 0)
		ban_list_sync_begin(h->bans, from->edge);
	r = ban_list_take(h->bans, q->v, q->n, &refused);
	if (r == 0 && sync != NULL && strcmp(sync, "end") == 0)
		r = ban_list_sync_end(h->bans, from->edge);
	if (r < 0)
		return store_failed(h, conn, r);
	count(h, M_BAN_NODE, q->n - refused);
	count(h, M_BAN_FORBIDDEN, refused);
	applied = ban_list_settle(h->bans, SETTLE_MS) && peers_brought(h, q);
	buf_printf(&b, "{\"banned\":%zu,\"refused\":%zu,", q->n - refused, refused);
	this_edge_add(h, &b, applied, mono_us() - began);
	return done(h, conn, &b);
}

/* --- the list -------------------------------------------------------------------------------- */

struct listing {
	struct httpd	*httpd;
	struct buf	*out;
	const struct cidr *of;		/* only bans that hit it; NULL: all */
	size_t		 n;
};

static void
text_add(struct buf *b, const char *key, const char *text)
{
	buf_printf(b, "\"%s\":\"", key);
	buf_add_json(b, text, strlen(text));
	buf_addc(b, '"');
}

static void
vote_add(struct httpd *h, struct buf *b, const struct ban *v)
{
	char added[32], expires[32];

	ctltime_format(added, v->added_ms);
	ctltime_format(expires, v->expires_ms);
	buf_addc(b, '{');
	text_add(b, "edge", v->edge == 0 ? h->node : ban_list_edge(h->bans, v->edge));
	buf_printf(b, ",\"scope\":\"%s\",\"by\":\"%s\",\"added\":\"%s\",\"expires\":\"%s\",",
	    ban_scope_name(v->scope), ban_by_name(v->by), added, expires);
	text_add(b, "reason", v->reason);
	buf_addc(b, '}');
}

static void
listing_row(void *arg, const struct ban_row *row)
{
	struct listing *l = arg;
	const struct ban *first = &row->vote[0];
	int64_t until = ban_row_until(row);
	struct buf *b = l->out;
	char text[CIDR_TEXT], added[32], expires[32];

	if (l->of != NULL && !cidr_covers(&row->cidr, l->of))
		return;
	ctltime_format(added, first->added_ms);
	ctltime_format(expires, until != 0 ? until : first->expires_ms);
	buf_printf(b, "%s{\"cidr\":\"%s\",\"scope\":\"%s\",\"votes\":%d,\"in_force\":%s,\"added\":\"%s\","
	    "\"expires\":\"%s\",\"state\":\"%s\",", l->n++ > 0 ? "," : "", cidr_format(&row->cidr, text),
	    ban_scope_name(first->scope), row->weight, row->in_force ? "true" : "false", added, expires,
	    row->pending ? "pending" : "applied");
	text_add(b, "reason", first->reason);
	buf_adds(b, ",\"by\":[");
	for (size_t i = 0; i < row->n; i++) {
		if (i > 0)
			buf_addc(b, ',');
		vote_add(l->httpd, b, &row->vote[i]);
	}
	buf_adds(b, "]}");
}

static enum MHD_Result
list(struct httpd *h, struct MHD_Connection *conn)
{
	const char *ip = MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, "ip");
	struct buf b = { .max = ANSWER_MAX };
	struct listing l = { h, &b, NULL, 0 };
	struct cidr of;

	if (ip != NULL) {
		if (cidr_parse(ip, &of) < 0)
			return httpd_error(h, conn, MHD_HTTP_BAD_REQUEST, "ip: an address");
		l.of = &of;
	}
	buf_printf(&b, "{\"life\":\"%s\",\"bans\":[", h->life);
	if (MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, "beat") == NULL)
		ban_list_each(h->bans, listing_row, &l);
	buf_adds(&b, "],");
	this_edge_add(h, &b, ban_list_settle(h->bans, 0), 0);
	other_edges_add(h, &b, h->nodes != NULL ? ban_nodes_mark(h->nodes) : 0, 0);
	return done(h, conn, &b);
}

enum MHD_Result
httpd_bans(struct httpd *h, struct MHD_Connection *conn, const char *method, struct httpd_request *from)
{
	struct ban_request_from f = { .now_ms = ctltime_now_ms(), .edge = from->edge, .node = from->node };
	bool post = strcmp(method, MHD_HTTP_METHOD_POST) == 0;
	struct ban_request q = {0};
	enum MHD_Result r;

	if (h->bans == NULL)
		return httpd_error(h, conn, MHD_HTTP_SERVICE_UNAVAILABLE, "the bans can't be read");
	if (strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0)
		return list(h, conn);
	if (!post && strcmp(method, MHD_HTTP_METHOD_DELETE) != 0)
		return httpd_not_allowed(h, conn, false, "GET, HEAD, POST, DELETE");
	f.default_ttl_ms = __atomic_load_n(&h->ban_ttl_ms, __ATOMIC_RELAXED);
	/* Unban means everywhere unless it says otherwise. */
	f.ids = !post;
	f.default_scope = post || from->node ? BAN_EDGE : BAN_CLUSTER;
	if (!ban_request_parse(&q, buf_ptr(&from->body), buf_len(&from->body), &f))
		r = httpd_error(h, conn, MHD_HTTP_BAD_REQUEST, q.why);
	else if (post && from->node)
		r = node_votes(h, conn, &q, from);
	else if (post)
		r = add(h, conn, &q);
	else
		r = lift(h, conn, &q, from);
	ban_request_free(&q);
	return r;
}

int
httpd_bans_init(struct httpd *h, const struct llmsecd_conf *conf)
{
	uint8_t rnd[8];

	if (RAND_bytes(rnd, sizeof(rnd)) != 1)
		return -EIO;
	for (size_t i = 0; i < sizeof(rnd); i++)
		snprintf(h->life + 2 * i, 3, "%02x", rnd[i]);
	h->haproxy_socket = strdup(conf->bans.haproxy_socket);
	h->orders = strdup(conf->bans.orders);
	if (h->haproxy_socket == NULL || h->orders == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < conf->cluster.n_nodes; i++)
		if (conf->cluster.nodes[i].table[0] != '\0' &&
		    (h->table[i + 1] = strdup(conf->cluster.nodes[i].table)) == NULL)
			return -ENOMEM;
	return 0;
}

void
httpd_bans_fini(struct httpd *h)
{
	free(h->haproxy_socket);
	free(h->orders);
	for (size_t i = 0; i < BAN_EDGES; i++)
		free(h->table[i]);
}
