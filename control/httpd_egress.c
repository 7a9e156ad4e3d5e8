/* SPDX-License-Identifier: MIT */
/* The egress API: lists, imports, the policy, and what would be decided.  docs/egress.md has the contract. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "control/ctltime.h"
#include "control/egress_store.h"
#include "control/egress_try.h"
#include "control/httpd_private.h"
#include "lib/log.h"
#include "ti-sync/collect.h"
#include "ti-sync/fetch.h"
#include "ti-sync/import.h"

#define BODY_MAX	((size_t)1 << 20)
#define IMPORT_MAX	((int64_t)256 << 20)
#define IMPORT_ENTRIES	5000000
#define RATE		50.0		/* requests a second, for all tokens together */
#define BURST		200.0
#define TTL_MAX_S	INT64_C(315360000)

enum page { P_LIST, P_IMPORT, P_POLICY, P_TEST };

static const struct egress_page {
	const char	*path;
	enum page	 page;
	enum egress_list list;
	const char	*field;
} egress_pages[] = {
	{ "/api/ip-blacklist", P_LIST, EGRESS_NETWORKS, "ip" },
	{ "/api/domain-blacklist", P_LIST, EGRESS_DOMAINS, "domain" },
	{ "/api/domain-whitelist", P_LIST, EGRESS_WHITELIST, "domain" },
	{ "/api/ip-blacklist/import", P_IMPORT, EGRESS_NETWORKS, "ip" },
	{ "/api/domain-blacklist/import", P_IMPORT, EGRESS_DOMAINS, "domain" },
	{ "/api/egress/policy", P_POLICY, EGRESS_LISTS, "yaml" },
	{ "/api/egress/test", P_TEST, EGRESS_LISTS, "url" },
};

/* The page, and what is behind it: /api/ip-blacklist/7. */
static const struct egress_page *
page_find(const char *url, const char **rest)
{
	const struct egress_page *best = NULL;
	size_t longest = 0;

	for (size_t i = 0; i < sizeof(egress_pages) / sizeof(egress_pages[0]); i++) {
		size_t n = strlen(egress_pages[i].path);

		if (strncmp(url, egress_pages[i].path, n) == 0 && n > longest &&
		    (url[n] == '\0' || (url[n] == '/' && egress_pages[i].page == P_LIST))) {
			best = &egress_pages[i];
			longest = n;
			*rest = url[n] == '/' ? url + n + 1 : "";
		}
	}
	return best;
}

bool
httpd_egress_owns(const char *url)
{
	const char *rest;

	return page_find(url, &rest) != NULL;
}

enum MHD_Result
httpd_api_error(struct httpd *h, struct MHD_Connection *conn, unsigned status, const char *code, const char *message,
    const char *field)
{
	struct buf b = {0};

	buf_printf(&b, "{\"error\":{\"code\":\"%s\",\"message\":\"", code);
	buf_add_json(&b, message, strlen(message));
	buf_adds(&b, "\",\"field\":");
	if (field != NULL)
		buf_printf(&b, "\"%s\"}}\n", field);
	else
		buf_adds(&b, "null}}\n");
	return httpd_reply(h, conn, status, "application/json", &b);
}

static enum MHD_Result
invalid(struct httpd *h, struct MHD_Connection *conn, const char *field, const char *message)
{
	return httpd_api_error(h, conn, MHD_HTTP_BAD_REQUEST, "invalid", message, field);
}

static enum MHD_Result
broken(struct httpd *h, struct MHD_Connection *conn, int64_t err)
{
	return httpd_api_error(h, conn, err == -EBUSY || err == -ENOSPC ? 503 : 500, err == -ENOSPC ? "disk_full" : "storage",
	    strerror((int)-err), NULL);
}

/* Refuse who asks too often: a token bucket. */
static bool
within_rate(struct httpd *h)
{
	int64_t now = ctltime_mono_ms();
	bool ok;

	pthread_mutex_lock(&h->token_lock);
	h->allowance = h->allowance_ms == 0 ? BURST : h->allowance + (double)(now - h->allowance_ms) * RATE / 1000.0;
	if (h->allowance > BURST)
		h->allowance = BURST;
	h->allowance_ms = now;
	ok = h->allowance >= 1.0;
	if (ok)
		h->allowance -= 1.0;
	pthread_mutex_unlock(&h->token_lock);
	return ok;
}

/* --- values ---------------------------------------------------------------------------------- */

/* NULL: <out> is canonical; else what is wrong. */
static const char *
value_take(const struct egress_page *p, const char *text, char out[256])
{
	enum ti_reason r;
	struct cidr c;
	size_t n = 0;

	if (p->list == EGRESS_NETWORKS) {
		if (cidr_parse(text, &c) < 0)
			return "an address or network";
		if (c.len < (cidr_is_v4(&c) ? 104 : 16))
			return "wider than /8, or /16 of IPv6";
		cidr_format(&c, out);
		return NULL;
	}
	r = ti_looks_like_net(text, strlen(text)) ? TI_BAD_NAME : ti_canon_name(out, &n, text, strlen(text));
	if (r == TI_OK)
		r = ti_name_reserved(out, n);
	/* Names that nobody can own do no harm on a list; whole suffixes do. */
	return r == TI_OK || r == TI_RESERVED_NAME ? NULL : ti_reason_str(r);
}

static enum MHD_Result
entry_add(struct httpd *h, struct MHD_Connection *conn, const struct egress_page *p, const json_t *o)
{
	const json_t *v = json_object_get(o, p->field), *d = json_object_get(o, "description"), *t = json_object_get(o, "ttl_s");
	struct buf b = {0};
	char value[256];
	const char *why;
	int r;

	if (v == NULL && p->list == EGRESS_NETWORKS)
		v = json_object_get(o, "cidr");
	if (!json_is_string(v))
		return invalid(h, conn, p->field, "a text is required");
	if (d != NULL && (!json_is_string(d) || json_string_length(d) > 500))
		return invalid(h, conn, "description", "a text of at most 500 bytes");
	if (t != NULL && (!json_is_integer(t) || json_integer_value(t) < 0 || json_integer_value(t) > TTL_MAX_S))
		return invalid(h, conn, "ttl_s", "whole seconds, 0 (for ever) to 315360000");
	why = value_take(p, json_string_value(v), value);
	if (why != NULL)
		return invalid(h, conn, p->field, why);
	r = egress_store_add(h->egress, p->list, value, d != NULL ? json_string_value(d) : "",
	    t != NULL ? json_integer_value(t) : 0);
	if (r < 0)
		return broken(h, conn, r);
	buf_printf(&b, "{\"%s\":\"%s\",\"added\":%s}\n", p->field, value, r > 0 ? "true" : "false");
	return httpd_reply(h, conn, MHD_HTTP_OK, "application/json", &b);
}

/* DELETE /api/X/ID, /api/X?ip=..., or with the same body as POST. */
static enum MHD_Result
entry_del(struct httpd *h, struct MHD_Connection *conn, const struct egress_page *p, const char *rest, const json_t *o)
{
	const char *text = MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, p->field);
	char value[256], *end = NULL;
	struct buf b = {0};
	const char *why;
	int64_t id = 0;
	int r;

	if (text == NULL)
		text = json_string_value(json_object_get(o, p->field));
	if (text == NULL && p->list == EGRESS_NETWORKS)
		text = json_string_value(json_object_get(o, "cidr"));
	if (*rest != '\0') {
		id = strtoll(rest, &end, 10);
		if (*end != '\0' || id <= 0)
			return invalid(h, conn, "id", "a number");
	} else if (text == NULL) {
		return invalid(h, conn, p->field, "what is to be removed");
	} else if ((why = value_take(p, text, value)) != NULL) {
		return invalid(h, conn, p->field, why);
	}
	r = egress_store_del(h->egress, p->list, *rest != '\0' ? NULL : value, id);
	if (r < 0)
		return broken(h, conn, r);
	if (r == 0)
		return httpd_api_error(h, conn, MHD_HTTP_NOT_FOUND, "not_found", "it is not on the list", p->field);
	buf_adds(&b, "{\"removed\":true}\n");
	return httpd_reply(h, conn, MHD_HTTP_OK, "application/json", &b);
}

struct listing {
	struct buf			 b;
	const struct egress_page	*page;
	size_t				 n;
};

static void
listing_row(void *arg, const struct egress_entry *e)
{
	struct listing *l = arg;
	char added[32];

	ctltime_format(added, e->added_ms);
	buf_printf(&l->b, "%s{\"id\":%" PRId64 ",\"%s\":\"%s\",\"description\":\"", l->n++ > 0 ? ",\n" : "", e->id,
	    l->page->field, e->value);
	buf_add_json(&l->b, e->description, strlen(e->description));
	buf_printf(&l->b, "\",\"added\":\"%s\",\"expires\":", added);
	if (e->expires_s > 0) {
		ctltime_format(added, e->expires_s * 1000);
		buf_printf(&l->b, "\"%s\"}", added);
	} else {
		buf_adds(&l->b, "null}");
	}
}

static enum MHD_Result
list_show(struct httpd *h, struct MHD_Connection *conn, const struct egress_page *p)
{
	const char *limit = MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, "limit");
	const char *offset = MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, "offset");
	const char *search = MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, "search");
	int n = limit != NULL ? atoi(limit) : 100, from = offset != NULL ? atoi(offset) : 0;
	struct listing l = { .page = p };
	int64_t total;

	if (n < 1 || n > 1000)
		return invalid(h, conn, "limit", "1 to 1000");
	if (from < 0)
		return invalid(h, conn, "offset", "0 or more");
	buf_adds(&l.b, "{\"data\":[");
	total = egress_store_list(h->egress, p->list, search != NULL ? search : "", n, from, listing_row, &l);
	buf_printf(&l.b, "],\"total\":%" PRId64 ",\"limit\":%d,\"offset\":%d}\n", total, n, from);
	return httpd_reply(h, conn, MHD_HTTP_OK, "application/json", &l.b);
}

/* --- imports, and the same lists taken off again --------------------------------------------------------------------------------- */

static enum MHD_Result
import_answer(struct httpd *h, struct MHD_Connection *conn, const struct ti_collect *c, const struct egress_counts *n,
    bool remove)
{
	struct buf b = {0};
	bool first = true;

	if (remove)
		buf_printf(&b, "{\"removed\":%zu,\"missing\":%zu", n->removed, n->missing);
	else
		buf_printf(&b, "{\"added\":%zu,\"duplicate\":%zu", n->added, n->duplicate);
	buf_printf(&b, ",\"invalid\":%zu,\"examples\":[", n->invalid);
	for (int r = TI_OK + 1; r < TI_REASONS; r++)
		for (size_t i = 0; i < TI_EXAMPLES && i < c->refused[r]; i++) {
			buf_printf(&b, "%s{\"line\":%lu,\"reason\":\"%s\",\"text\":\"", first ? "" : ",", c->example[r][i].line,
			    ti_reason_str((enum ti_reason)r));
			buf_add_json(&b, c->example[r][i].text, strlen(c->example[r][i].text));
			buf_adds(&b, "\"}");
			first = false;
		}
	buf_adds(&b, "]}\n");
	return httpd_reply(h, conn, MHD_HTTP_OK, "application/json", &b);
}

static enum MHD_Result
import_file(struct httpd *h, struct MHD_Connection *conn, const struct egress_page *p, const char *path, bool remove)
{
	struct ti_collect *c = calloc(1, sizeof(*c));
	struct egress_counts n;
	enum MHD_Result answer;
	char why[160];
	int r;

	if (c == NULL)
		return broken(h, conn, -ENOMEM);
	c->want = p->list == EGRESS_NETWORKS ? TI_WANT_NETS : TI_WANT_DOMAINS;
	r = ti_import_list(path, IMPORT_ENTRIES, c, why);
	if (r < 0) {
		answer = httpd_api_error(h, conn, r == -EFBIG ? 413 : 400, "unreadable", why, "body");
	} else {
		r = remove ? egress_store_remove(h->egress, p->list, c, &n) :
		    egress_store_import(h->egress, p->list, c, EGRESS_IMPORTED, &n);
		answer = r < 0 ? broken(h, conn, r) : import_answer(h, conn, c, &n, remove);
	}
	ti_collect_free(c);
	free(c);
	return answer;
}

/* Addresses inside the house are refused when the socket is opened, redirects included (ti-sync/fetch.h). */
static enum MHD_Result
import_url(struct httpd *h, struct MHD_Connection *conn, const struct egress_page *p, const char *url, bool remove)
{
	static const struct ti_fetch_opts opts = { .proxy = "", .user_agent = "llmsecd/" PACKAGE_VERSION, .parallel = 1,
	    .retries = 0, .connect_timeout = 5000, .timeout = 60000, .backoff = 100 };
	char path[4100];
	struct ti_fetch f = { .name = "import", .url = url, .to = path, .etag = "", .modified = "", .max_bytes = IMPORT_MAX };
	enum MHD_Result r;
	int fd;

	if (strncmp(url, "https://", 8) != 0)
		return invalid(h, conn, "url", "https:// is required");
	snprintf(path, sizeof(path), "%s/fetch.XXXXXX", h->egress_dir);
	fd = mkstemp(path);
	if (fd < 0)
		return broken(h, conn, -errno);
	close(fd);
	if (ti_fetch_all(&f, 1, &opts) < 0 || f.status != TI_FETCH_NEW)
		r = httpd_api_error(h, conn, 502, "fetch", f.why[0] != '\0' ? f.why : "it could not be fetched", "url");
	else
		r = import_file(h, conn, p, path, remove);
	unlink(path);
	return r;
}

static enum MHD_Result
import_begin(struct httpd *h, struct MHD_Connection *conn, struct httpd_request *q)
{
	q->upload = open(h->egress_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (q->upload >= 0)
		return MHD_YES;
	q->refused = true;
	return broken(h, conn, -errno);
}

/* The URL of {"url": "https://..."}; NULL: the body is a list itself. */
static json_t *
import_order(int fd, int64_t size)
{
	char text[4096];
	ssize_t n = size > 0 && size < (int64_t)sizeof(text) ? pread(fd, text, sizeof(text), 0) : 0;
	json_t *o = n > 0 ? json_loadb(text, (size_t)n, 0, NULL) : NULL;

	if (json_is_string(json_object_get(o, "url")) && json_object_size(o) == 1)
		return o;
	json_decref(o);
	return NULL;
}

static enum MHD_Result
import_end(struct httpd *h, struct MHD_Connection *conn, const struct egress_page *p, struct httpd_request *q, bool remove)
{
	enum MHD_Result r;
	json_t *order;
	char path[64];

	if (q->body.err != 0)
		return httpd_api_error(h, conn, q->body.err == -EFBIG ? 413 : 503, q->body.err == -EFBIG ? "too_large" : "disk_full",
		    q->body.err == -EFBIG ? "at most 256 MB" : strerror(-q->body.err), "body");
	order = import_order(q->upload, q->uploaded);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", q->upload);
	lseek(q->upload, 0, SEEK_SET);
	r = order != NULL ? import_url(h, conn, p, json_string_value(json_object_get(order, "url")), remove) :
	    import_file(h, conn, p, path, remove);
	json_decref(order);
	return r;
}

/* --- the policy ------------------------------------------------------------------------------ */

static enum MHD_Result
policy_show(struct httpd *h, struct MHD_Connection *conn)
{
	const char *version = MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, "version");
	struct buf text = {0}, b = {0};
	int64_t v = egress_store_policy_get(h->egress, version != NULL ? atoll(version) : 0, &text);

	if (v == 0 && version == NULL)
		egress_try_read(h->egress_policy, &text);
	else if (v <= 0)
		return httpd_api_error(h, conn, MHD_HTTP_NOT_FOUND, "not_found", "no such version", "version");
	buf_printf(&b, "{\"version\":%" PRId64 ",\"yaml\":\"", v);
	buf_add_json(&b, buf_ptr(&text), buf_len(&text));
	buf_adds(&b, "\"}\n");
	buf_free(&text);
	return httpd_reply(h, conn, MHD_HTTP_OK, "application/json", &b);
}

/* The body is YAML, or empty with ?rollback=VERSION. */
static enum MHD_Result
policy_set(struct httpd *h, struct MHD_Connection *conn, struct httpd_request *q)
{
	const char *back = MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, "rollback");
	struct buf text = {0}, b = {0};
	char why[512];
	int64_t v;
	int r;

	if (back != NULL && egress_store_policy_get(h->egress, atoll(back) > 0 ? atoll(back) : -1, &text) <= 0)
		return httpd_api_error(h, conn, MHD_HTTP_NOT_FOUND, "not_found", "no such version", "rollback");
	if (back == NULL)
		buf_add(&text, buf_ptr(&q->body), buf_len(&q->body));
	r = egress_try_install(h->egress_policy, buf_ptr(&text), buf_len(&text), why, sizeof(why));
	if (r == -EINVAL) {
		buf_free(&text);
		return httpd_api_error(h, conn, MHD_HTTP_BAD_REQUEST, "invalid_policy", why, "yaml");
	}
	v = r == 0 ? egress_store_policy_add(h->egress, buf_ptr(&text), buf_len(&text)) : r;
	buf_free(&text);
	if (v < 0)
		return broken(h, conn, v);
	buf_printf(&b, "{\"version\":%" PRId64 "}\n", v);
	return httpd_reply(h, conn, MHD_HTTP_OK, "application/json", &b);
}

static enum MHD_Result
test_answer(struct httpd *h, struct MHD_Connection *conn, const json_t *o)
{
	const char *url = json_string_value(json_object_get(o, "url"));
	const char *identity = json_string_value(json_object_get(o, "identity"));
	const char *method = json_string_value(json_object_get(o, "method"));
	struct buf b = {0};
	char why[512];
	int r;

	if (url == NULL)
		return invalid(h, conn, "url", "a URL, or HOST or HOST:PORT for a tunnel");
	r = egress_try(h->egress_policy, url, identity, method, &b, why, sizeof(why));
	if (r == 0)
		return httpd_reply(h, conn, MHD_HTTP_OK, "application/json", &b);
	buf_free(&b);
	return httpd_api_error(h, conn, r == -EINVAL ? 400 : 503, r == -EINVAL ? "invalid" : "policy", why,
	    r == -EINVAL ? "url" : NULL);
}

/* --- one request ------------------------------------------------------------------------------ */

static enum MHD_Result
answer(struct httpd *h, struct MHD_Connection *conn, const struct egress_page *p, const char *rest, const char *method,
    struct httpd_request *q)
{
	bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0, post = strcmp(method, "POST") == 0;
	bool delete = strcmp(method, "DELETE") == 0;
	json_t *o = NULL;
	enum MHD_Result r;

	if (p->page == P_IMPORT && (post || delete))
		return import_end(h, conn, p, q, delete);
	if (q->body.err != 0)
		return httpd_api_error(h, conn, 413, "too_large", "at most 1 MiB", "body");
	if (p->page == P_POLICY && (get || post))
		return get ? policy_show(h, conn) : policy_set(h, conn, q);
	if (p->page == P_LIST && get && *rest == '\0')
		return list_show(h, conn, p);
	if (buf_len(&q->body) > 0) {
		o = json_loadb(buf_ptr(&q->body), buf_len(&q->body), JSON_REJECT_DUPLICATES, NULL);
		if (!json_is_object(o)) {
			json_decref(o);
			return invalid(h, conn, "body", "not a JSON object");
		}
	}
	if (p->page == P_LIST && post && *rest == '\0')
		r = entry_add(h, conn, p, o);
	else if (p->page == P_LIST && delete)
		r = entry_del(h, conn, p, rest, o);
	else if (p->page == P_TEST && post)
		r = test_answer(h, conn, o);
	else
		r = httpd_api_error(h, conn, MHD_HTTP_METHOD_NOT_ALLOWED, "method_not_allowed", "not with this method", NULL);
	json_decref(o);
	return r;
}

static enum MHD_Result
begin(struct httpd *h, struct MHD_Connection *conn, const struct egress_page *p, const char *method, struct httpd_request *q)
{
	bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
	enum httpd_role needed = get || p->page == P_TEST ? ROLE_READ : p->page == P_POLICY ? ROLE_ADMIN : ROLE_BAN;
	enum MHD_Result r;

	q->begun = q->api = true;
	q->body.max = BODY_MAX;
	r = httpd_auth(h, conn, q, needed);
	if (r != MHD_YES || q->refused)
		return r;
	q->refused = true;
	if (!within_rate(h))
		return httpd_api_error(h, conn, MHD_HTTP_TOO_MANY_REQUESTS, "rate_limited", "too many requests", NULL);
	if (h->egress == NULL)
		return httpd_api_error(h, conn, 503, "unavailable", "egress.dir is not set, or its database can't be opened", NULL);
	q->refused = false;
	return p->page == P_IMPORT ? import_begin(h, conn, q) : MHD_YES;
}

static void
upload_take(struct httpd_request *q, const char *p, size_t n)
{
	q->uploaded += (int64_t)n;
	if (q->upload < 0)
		buf_add(&q->body, p, n);
	else if (q->uploaded > IMPORT_MAX)
		q->body.err = -EFBIG;
	else if (q->body.err == 0 && write(q->upload, p, n) != (ssize_t)n)
		q->body.err = -ENOSPC;
}

enum MHD_Result
httpd_egress(struct httpd *h, struct MHD_Connection *conn, const char *url, const char *method, const char *upload,
    size_t *upload_size, struct httpd_request *q)
{
	const char *rest = "";
	const struct egress_page *p = page_find(url, &rest);

	if (!q->begun)
		return begin(h, conn, p, method, q);
	if (q->refused)
		return MHD_YES;
	if (*upload_size > 0) {
		upload_take(q, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	/* A node's signature is over the body, which for an import isn't kept in memory. */
	if (q->is_signed && p->page == P_IMPORT)
		return httpd_api_error(h, conn, MHD_HTTP_FORBIDDEN, "forbidden", "imports want a bearer token", NULL);
	if (httpd_auth_body(h, conn, q, method) != MHD_YES || q->refused)
		return MHD_YES;
	return answer(h, conn, p, rest, method, q);
}
