/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "control/ban_list.h"
#include "control/ctltime.h"
#include "control/httpd_private.h"
#include "lib/buf.h"
#include "lib/log.h"

#define TTL_MAX_S	INT64_C(31536000)	/* a year */
#define SETTLE_MS	500
#define ANSWER_MAX	((size_t)256 << 20)

struct request {
	struct ban	*v;
	size_t		 n;
	char		 why[160];
};

static bool
refuse(struct request *q, size_t i, const char *text)
{
	snprintf(q->why, sizeof(q->why), "[%zu]: %s", i, text);
	return false;
}

static bool
ttl_take(const json_t *v, int64_t default_ms, struct ban *b)
{
	json_int_t s = v != NULL ? json_integer_value(v) : default_ms / 1000;

	if ((v != NULL && !json_is_integer(v)) || s < 1 || s > TTL_MAX_S)
		return false;
	b->expires_ms = b->added_ms + s * 1000;
	return true;
}

static bool
reason_take(const json_t *v, struct ban *b)
{
	if (v != NULL && (!json_is_string(v) || json_string_length(v) >= sizeof(b->reason)))
		return false;
	snprintf(b->reason, sizeof(b->reason), "%s", v != NULL ? json_string_value(v) : "");
	return true;
}

static bool
names_known(const json_t *o, const char **unknown)
{
	static const char *const known[] = { "ip", "cidr", "ttl_s", "reason", "scope" };
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)o, name, v) {
		bool found = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			found |= strcmp(name, known[i]) == 0;
		if (!found) {
			*unknown = name;
			return false;
		}
	}
	return true;
}

static bool
ban_take(struct httpd *h, struct request *q, size_t i, const json_t *o, int64_t now_ms)
{
	struct ban *b = &q->v[i];
	const json_t *ip = json_object_get(o, "ip"), *cidr = json_object_get(o, "cidr");
	const json_t *scope = json_object_get(o, "scope");
	const char *text = json_string_value(ip != NULL ? ip : cidr), *unknown;

	b->added_ms = now_ms;
	b->scope = BAN_EDGE;
	if (!json_is_object(o))
		return refuse(q, i, "not an object");
	if (!names_known(o, &unknown))
		return refuse(q, i, "unknown member: ip, cidr, ttl_s, reason, scope");
	if ((ip == NULL) == (cidr == NULL) || text == NULL || cidr_parse(text, &b->cidr) < 0)
		return refuse(q, i, "one of ip, cidr: an address or a network");
	if (ip != NULL && strchr(text, '/') != NULL)
		return refuse(q, i, "ip: a network belongs into cidr");
	if (!ttl_take(json_object_get(o, "ttl_s"), __atomic_load_n(&h->ban_ttl_ms, __ATOMIC_RELAXED), b))
		return refuse(q, i, "ttl_s: whole seconds, 1 to 31536000");
	if (!reason_take(json_object_get(o, "reason"), b))
		return refuse(q, i, "reason: text of at most 199 bytes");
	if (scope != NULL && (!json_is_string(scope) ||
	    ban_scope_parse(json_string_value(scope), &b->scope) < 0))
		return refuse(q, i, "scope: edge or cluster");
	return true;
}

/* An object, or an array of them. */
static bool
request_take(struct httpd *h, struct request *q, const struct buf *body)
{
	json_error_t err;
	json_t *root = json_loadb(buf_ptr(body), buf_len(body), JSON_REJECT_DUPLICATES, &err);
	bool many = json_is_array(root), ok = root != NULL;
	int64_t now_ms = ctltime_now_ms();

	if (root == NULL)
		snprintf(q->why, sizeof(q->why), "not JSON: %.120s", err.text);
	q->n = many ? json_array_size(root) : 1;
	q->v = calloc(q->n + 1, sizeof(*q->v));
	ok = ok && q->v != NULL;
	for (size_t i = 0; ok && i < q->n; i++)
		ok = ban_take(h, q, i, many ? json_array_get(root, i) : root, now_ms);
	json_decref(root);
	return ok;
}

/* "edges":[{"edge":"n1","haproxy":"up","state":"applied"}] */
static void
edges_add(struct httpd *h, struct buf *b, bool applied)
{
	char error[BAN_REASON];
	bool up = ban_list_link_get(h->bans, error);

	buf_adds(b, "\"edges\":[{\"edge\":\"");
	buf_add_json(b, h->node, strlen(h->node));
	buf_printf(b, "\",\"haproxy\":\"%s\",\"state\":\"%s\",\"error\":\"", up ? "up" : "down",
	    applied ? "applied" : "pending");
	buf_add_json(b, error, strlen(error));
	buf_adds(b, "\"}]");
}

static enum MHD_Result
forbidden(struct httpd *h, struct MHD_Connection *conn, const struct request *q, size_t bad,
    const struct cidr *entry)
{
	char who[CIDR_TEXT], what[CIDR_TEXT], text[256];

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
add(struct httpd *h, struct MHD_Connection *conn, const struct request *q)
{
	struct buf b = {0};
	struct cidr entry;
	size_t bad = 0;
	int r = ban_list_add(h->bans, q->v, q->n, &bad, &entry);

	if (r == -EPERM)
		return forbidden(h, conn, q, bad, &entry);
	if (r < 0)
		return store_failed(h, conn, r);
	buf_printf(&b, "{\"banned\":%zu,", q->n);
	edges_add(h, &b, ban_list_settle(h->bans, SETTLE_MS));
	buf_adds(&b, "}\n");
	return httpd_reply(h, conn, MHD_HTTP_OK, "application/json", &b);
}

static enum MHD_Result
lift(struct httpd *h, struct MHD_Connection *conn, const struct request *q)
{
	struct cidr *c = calloc(q->n + 1, sizeof(*c));
	struct buf b = {0};
	size_t removed;
	int r = -ENOMEM;

	for (size_t i = 0; c != NULL && i < q->n; i++)
		c[i] = q->v[i].cidr;
	if (c != NULL)
		r = ban_list_remove(h->bans, c, q->n, &removed);
	free(c);
	if (r < 0)
		return store_failed(h, conn, r);
	buf_printf(&b, "{\"removed\":%zu,", removed);
	edges_add(h, &b, ban_list_settle(h->bans, SETTLE_MS));
	buf_adds(&b, "}\n");
	return httpd_reply(h, conn, MHD_HTTP_OK, "application/json", &b);
}

struct listing {
	struct buf	*out;
	const struct cidr *of;		/* only bans that hit it; NULL: all */
	size_t		 n;
};

static void
listing_row(void *arg, const struct ban *ban, bool pending)
{
	struct listing *l = arg;
	struct buf *b = l->out;
	char text[CIDR_TEXT], added[32], expires[32];

	if (l->of != NULL && !cidr_covers(&ban->cidr, l->of))
		return;
	ctltime_format(added, ban->added_ms);
	ctltime_format(expires, ban->expires_ms);
	buf_printf(b, "%s{\"cidr\":\"%s\",\"scope\":\"%s\",\"added\":\"%s\",\"expires\":\"%s\","
	    "\"state\":\"%s\",\"reason\":\"", l->n++ > 0 ? "," : "", cidr_format(&ban->cidr, text),
	    ban_scope_name(ban->scope), added, expires, pending ? "pending" : "applied");
	buf_add_json(b, ban->reason, strlen(ban->reason));
	buf_adds(b, "\"}");
}

static enum MHD_Result
list(struct httpd *h, struct MHD_Connection *conn)
{
	const char *ip = MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, "ip");
	struct buf b = { .max = ANSWER_MAX };
	struct listing l = { &b, NULL, 0 };
	struct cidr of;

	if (ip != NULL) {
		if (cidr_parse(ip, &of) < 0)
			return httpd_error(h, conn, MHD_HTTP_BAD_REQUEST, "ip: an address");
		l.of = &of;
	}
	buf_adds(&b, "{\"bans\":[");
	ban_list_each(h->bans, listing_row, &l);
	buf_adds(&b, "],");
	edges_add(h, &b, ban_list_settle(h->bans, 0));
	buf_adds(&b, "}\n");
	return httpd_reply(h, conn, MHD_HTTP_OK, "application/json", &b);
}

enum MHD_Result
httpd_bans(struct httpd *h, struct MHD_Connection *conn, const char *method, const struct buf *body)
{
	struct request q = {0};
	enum MHD_Result r;

	if (h->bans == NULL)
		return httpd_error(h, conn, MHD_HTTP_SERVICE_UNAVAILABLE, "the bans can't be read");
	if (strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0)
		return list(h, conn);
	if (strcmp(method, MHD_HTTP_METHOD_POST) != 0 && strcmp(method, MHD_HTTP_METHOD_DELETE) != 0)
		return httpd_error(h, conn, MHD_HTTP_METHOD_NOT_ALLOWED, "GET, POST or DELETE");
	if (!request_take(h, &q, body))
		r = httpd_error(h, conn, MHD_HTTP_BAD_REQUEST, q.why);
	else if (strcmp(method, MHD_HTTP_METHOD_POST) == 0)
		r = add(h, conn, &q);
	else
		r = lift(h, conn, &q);
	free(q.v);
	return r;
}
