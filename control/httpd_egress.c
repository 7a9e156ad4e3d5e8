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
#include "control/egress_version.h"
#include "control/httpd_egress_private.h"
#include "control/httpd_private.h"
#include "lib/log.h"
#include "squid-helpers/egress_host.h"
#include "ti-sync/collect.h"

#define BODY_MAX	((size_t)1 << 20)
#define TTL_MAX_S	INT64_C(315360000)

static const struct egress_page egress_pages[] = {
	{ "/api/ip-blacklist", P_LIST, EGRESS_NETWORKS, "ip", "GET, HEAD, POST, DELETE" },
	{ "/api/domain-blacklist", P_LIST, EGRESS_DOMAINS, "domain", "GET, HEAD, POST, DELETE" },
	{ "/api/domain-whitelist", P_LIST, EGRESS_WHITELIST, "domain", "GET, HEAD, POST, DELETE" },
	{ "/api/ip-blacklist/import", P_IMPORT, EGRESS_NETWORKS, "ip", "POST, DELETE" },
	{ "/api/domain-blacklist/import", P_IMPORT, EGRESS_DOMAINS, "domain", "POST, DELETE" },
	{ "/api/egress/policy", P_POLICY, EGRESS_LISTS, "yaml", "GET, HEAD, POST" },
	{ "/api/egress/policy/versions", P_VERSIONS, EGRESS_LISTS, "version", "GET, HEAD" },
	{ "/api/egress/test", P_TEST, EGRESS_LISTS, "url", "POST" },
};

const char *
httpd_list_name(enum egress_list list)
{
	static const char *const name[EGRESS_LISTS] = { "domain-blacklist", "ip-blacklist", "domain-whitelist" };

	return name[list];
}

/* The page, and what is behind it: /api/ip-blacklist/7. */
static const struct egress_page *
page_find(const char *url, const char **rest)
{
	const struct egress_page *best = NULL;
	size_t longest = 0;

	for (size_t i = 0; i < sizeof(egress_pages) / sizeof(egress_pages[0]); i++) {
		size_t n = strlen(egress_pages[i].path);

		if (strncmp(url, egress_pages[i].path, n) == 0 && n > longest &&
		    (url[n] == '\0' || (url[n] == '/' && egress_pages[i].page == P_LIST && url[n + 1] != '\0' &&
		    strchr(url + n + 1, '/') == NULL))) {
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

enum MHD_Result
httpd_invalid(struct httpd *h, struct MHD_Connection *conn, const char *field, const char *message)
{
	return httpd_api_error(h, conn, MHD_HTTP_BAD_REQUEST, "invalid", message, field);
}

enum MHD_Result
httpd_broken(struct httpd *h, struct MHD_Connection *conn, int64_t err)
{
	return httpd_api_error(h, conn, err == -EBUSY || err == -ENOSPC ? 503 : 500, err == -ENOSPC ? "disk_full" : "storage",
	    strerror((int)-err), NULL);
}

/* Refuse who asks too often. */
static bool
within_rate(struct httpd *h, const char *by)
{
	uint64_t refused;
	bool ok;

	pthread_mutex_lock(&h->token_lock);
	ok = token_rate_take(&h->asks, by, ctltime_mono_ms(), &refused);
	pthread_mutex_unlock(&h->token_lock);
	return ok;
}

/* A parameter of the query, digits only; *n stays where there is none.  False: it isn't one of <min> to <max>. */
static bool
query_number(struct MHD_Connection *conn, const char *name, int64_t min, int64_t max, int64_t *n)
{
	const char *text = MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, name);
	char *end;

	if (text == NULL)
		return true;
	errno = 0;
	*n = strtoll(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *n >= min && *n <= max;
}

/* --- values ---------------------------------------------------------------------------------- */

/* 10.0.0.1/8: whoever writes that may mean one address. */
static bool
host_bits(const char *text, const struct cidr *net)
{
	char addr[CIDR_TEXT];
	struct cidr c;
	size_t n = strcspn(text, "/");

	if (text[n] == '\0' || n >= sizeof(addr))
		return false;
	memcpy(addr, text, n);
	addr[n] = '\0';
	return cidr_parse(addr, &c) == 0 && memcmp(c.addr, net->addr, sizeof(c.addr)) != 0;
}

/* NULL: <out> is canonical; else what is wrong. */
static const char *
value_take(const struct egress_page *p, const char *text, char out[256])
{
	bool below = p->list == EGRESS_WHITELIST && text[0] == '.';
	struct egress_host h;
	enum ti_reason r;
	struct cidr c;
	size_t n = 0;

	if (p->list == EGRESS_NETWORKS) {
		if (cidr_parse(text, &c) < 0)
			return "an address or network";
		if (host_bits(text, &c))
			return "bits are set behind the length of the network: is it another one that is meant?";
		if (c.len < (cidr_is_v4(&c) ? 104 : 16))
			return "wider than /8, or /16 of IPv6";
		cidr_format(&c, out);
		return NULL;
	}
	text += below;
	r = ti_looks_like_net(text, strlen(text)) ? TI_BAD_NAME : ti_canon_name(out, &n, text, strlen(text));
	if (r == TI_OK)
		r = ti_name_reserved(out, n);
	egress_host_parse(&h, text, strlen(text));
	if (p->list == EGRESS_WHITELIST && h.kind == EGRESS_HOST_METADATA)
		return "a cloud metadata service, which is always refused";
	if (below && (r == TI_OK || r == TI_RESERVED_NAME) && n + 1 < 256) {
		memmove(out + 1, out, n + 1);
		out[0] = '.';
	}
	/* Names that nobody can own do no harm on a list; whole suffixes do. */
	return r == TI_OK || r == TI_RESERVED_NAME ? NULL : ti_reason_str(r);
}

/* What there may be in a body, so that "ttl" for "ttl_s" isn't a ban for ever.  NULL, or the one that may not. */
static const char *
unknown_member(const json_t *o, const char *const *known)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)o, key, value) {
		size_t i = 0;

		while (known[i] != NULL && strcmp(known[i], key) != 0)
			i++;
		if (known[i] == NULL)
			return key;
	}
	return NULL;
}

static void
entry_told(struct httpd *h, const struct httpd_request *q, const struct egress_page *p, const char *value, const char *change,
    int64_t ttl_s)
{
	struct buf b = {0};

	buf_printf(&b, "\"list\":\"%s\",\"change\":\"%s\"", httpd_list_name(p->list), change);
	if (ttl_s > 0)
		buf_printf(&b, ",\"ttl_s\":%" PRId64, ttl_s);
	httpd_audit(h, q, "admin.list", value, &b);
}

static enum MHD_Result
entry_add(struct httpd *h, struct MHD_Connection *conn, const struct egress_page *p, const struct httpd_request *q, const json_t *o)
{
	static const char *const of_net[] = { "ip", "cidr", "description", "ttl_s", NULL };
	static const char *const of_name[] = { "domain", "description", "ttl_s", NULL };
	const json_t *v = json_object_get(o, p->field), *d = json_object_get(o, "description"), *t = json_object_get(o, "ttl_s");
	const char *why, *other = unknown_member(o, p->list == EGRESS_NETWORKS ? of_net : of_name);
	struct buf b = {0};
	char value[256];
	int r;

	if (other != NULL)
		return httpd_invalid(h, conn, "body", "it has a member that is not known here");
	if (v == NULL && p->list == EGRESS_NETWORKS)
		v = json_object_get(o, "cidr");
	else if (json_object_get(o, "cidr") != NULL)
		return httpd_invalid(h, conn, "cidr", "ip or cidr, not both");
	if (!json_is_string(v))
		return httpd_invalid(h, conn, p->field, "a text is required");
	if (d != NULL && (!json_is_string(d) || json_string_length(d) > 500))
		return httpd_invalid(h, conn, "description", "a text of at most 500 bytes");
	if (t != NULL && (!json_is_integer(t) || json_integer_value(t) < 0 || json_integer_value(t) > TTL_MAX_S))
		return httpd_invalid(h, conn, "ttl_s", "whole seconds, 0 (for ever) to 315360000");
	why = value_take(p, json_string_value(v), value);
	if (why != NULL)
		return httpd_invalid(h, conn, p->field, why);
	r = egress_store_add(h->egress, p->list, value, d != NULL ? json_string_value(d) : "",
	    t != NULL ? json_integer_value(t) : 0);
	if (r < 0)
		return httpd_broken(h, conn, r);
	entry_told(h, q, p, value, r > 0 ? "add" : "again", t != NULL ? json_integer_value(t) : 0);
	buf_printf(&b, "{\"%s\":\"%s\",\"added\":%s}\n", p->field, value, r > 0 ? "true" : "false");
	return httpd_reply(h, conn, MHD_HTTP_OK, "application/json", &b);
}

/* What DELETE is about: ?ip=, ?cidr= or ?domain=, or the same in the body.  NULL: nothing. */
static const char *
entry_named(struct MHD_Connection *conn, const struct egress_page *p, const json_t *o)
{
	const char *text = MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, p->field);

	if (text == NULL && p->list == EGRESS_NETWORKS)
		text = MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, "cidr");
	if (text == NULL)
		text = json_string_value(json_object_get(o, p->field));
	if (text == NULL && p->list == EGRESS_NETWORKS)
		text = json_string_value(json_object_get(o, "cidr"));
	return text;
}

/* DELETE /api/X/ID, /api/X?ip=..., or with the same body as POST. */
static enum MHD_Result
entry_del(struct httpd *h, struct MHD_Connection *conn, const struct egress_page *p, const char *rest,
    const struct httpd_request *q, const json_t *o)
{
	const char *text = entry_named(conn, p, o);
	char value[256], was[EGRESS_VALUE], *end = NULL;
	struct buf b = {0};
	const char *why;
	int64_t id = 0;
	int r;

	if (*rest != '\0') {
		id = strtoll(rest, &end, 10);
		if (*rest < '0' || *rest > '9' || *end != '\0' || id <= 0)
			return httpd_invalid(h, conn, "id", "a number");
	} else if (text == NULL) {
		return httpd_invalid(h, conn, p->field, "what is to be removed");
	} else if ((why = value_take(p, text, value)) != NULL) {
		return httpd_invalid(h, conn, p->field, why);
	}
	r = egress_store_del(h->egress, p->list, *rest != '\0' ? NULL : value, id, was);
	if (r < 0)
		return httpd_broken(h, conn, r);
	if (r == 0)
		return httpd_api_error(h, conn, MHD_HTTP_NOT_FOUND, "not_found", "it is not on the list", p->field);
	entry_told(h, q, p, was, "remove", 0);
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
	buf_printf(&l->b, "\",\"imported\":%s,\"added\":\"%s\",\"expires\":", e->imported ? "true" : "false", added);
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
	const char *search = MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, "search");
	struct listing l = { .page = p };
	int64_t total, n = 100, from = 0;

	if (!query_number(conn, "limit", 1, 1000, &n))
		return httpd_invalid(h, conn, "limit", "1 to 1000");
	if (!query_number(conn, "offset", 0, INT32_MAX, &from))
		return httpd_invalid(h, conn, "offset", "0 or more");
	buf_adds(&l.b, "{\"data\":[");
	total = egress_store_list(h->egress, p->list, search != NULL ? search : "", (int)n, (int)from, listing_row, &l);
	if (total < 0) {
		buf_free(&l.b);
		return httpd_broken(h, conn, total);
	}
	buf_printf(&l.b, "],\"total\":%" PRId64 ",\"limit\":%" PRId64 ",\"offset\":%" PRId64 "}\n", total, n, from);
	return httpd_reply(h, conn, MHD_HTTP_OK, "application/json", &l.b);
}

/* --- the policy ------------------------------------------------------------------------------ */

/* The members of a version, without braces. */
static void
version_write(struct buf *b, const struct egress_policy_version *v)
{
	char added[32];

	buf_printf(b, "\"version\":%" PRId64 ",\"added\":", v->number);
	if (v->number > 0) {
		ctltime_format(added, v->added_ms);
		buf_printf(b, "\"%s\"", added);
	} else {
		buf_adds(b, "null");
	}
	buf_adds(b, ",\"by\":\"");
	buf_add_json(b, v->by, strlen(v->by));
	buf_adds(b, "\",\"description\":\"");
	buf_add_json(b, v->description, strlen(v->description));
	buf_adds(b, "\"");
}

/* An old version, or what stands in the file: who edits that by hand sees it here at once, without a number yet. */
static enum MHD_Result
policy_show(struct httpd *h, struct MHD_Connection *conn)
{
	int64_t want = 0;
	struct buf text = {0}, b = {0};
	struct egress_policy_version v;
	char why[512] = "";
	int r = 0;

	if (!query_number(conn, "version", 1, INT64_MAX, &want))
		return httpd_invalid(h, conn, "version", "a number, 1 or more");
	if (want > 0 && egress_store_policy_get(h->egress, want, &text, &v) <= 0)
		return httpd_api_error(h, conn, MHD_HTTP_NOT_FOUND, "not_found", "no such version", "version");
	if (want == 0)
		r = egress_version_in_force(h->egress, h->egress_policy, &text, &v);
	if (r < 0 && r != -ENOENT) {
		buf_free(&text);
		return httpd_broken(h, conn, r);
	}
	if (want == 0 && r == 0 && v.number == 0)
		snprintf(v.description, sizeof(v.description), "edited by hand");
	buf_addc(&b, '{');
	version_write(&b, &v);
	/* The helper goes on with the last good one: docs/egress.md, "When things break". */
	if (r == -ENOENT)
		buf_adds(&b, ",\"error\":\"there is no policy file: everything is refused\"");
	else if (want == 0 && egress_try_valid(h->egress_policy, buf_ptr(&text), buf_len(&text), why, sizeof(why)) < 0) {
		buf_adds(&b, ",\"error\":\"");
		buf_add_json(&b, why, strlen(why));
		buf_addc(&b, '"');
	}
	buf_adds(&b, ",\"yaml\":\"");
	buf_add_json(&b, buf_ptr(&text), buf_len(&text));
	buf_adds(&b, "\"}\n");
	buf_free(&text);
	return httpd_reply(h, conn, MHD_HTTP_OK, "application/json", &b);
}

struct version_rows {
	struct buf	b;
	size_t		n;
};

static void
version_row(void *arg, const struct egress_policy_version *v)
{
	struct version_rows *rows = arg;

	buf_adds(&rows->b, rows->n++ > 0 ? ",\n{" : "{");
	version_write(&rows->b, v);
	buf_printf(&rows->b, ",\"bytes\":%zu}", v->bytes);
}

static enum MHD_Result
versions_show(struct httpd *h, struct MHD_Connection *conn)
{
	struct version_rows rows = {0};
	int64_t total;

	buf_adds(&rows.b, "{\"data\":[");
	total = egress_store_policy_list(h->egress, EGRESS_POLICY_VERSIONS, 0, version_row, &rows);
	if (total < 0) {
		buf_free(&rows.b);
		return httpd_broken(h, conn, total);
	}
	buf_printf(&rows.b, "],\"total\":%" PRId64 "}\n", total);
	return httpd_reply(h, conn, MHD_HTTP_OK, "application/json", &rows.b);
}

/* The body is YAML, or empty with ?rollback=VERSION. */
static enum MHD_Result
policy_set(struct httpd *h, struct MHD_Connection *conn, struct httpd_request *q)
{
	const char *note = MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, "description");
	struct buf text = {0}, b = {0}, members = {0};
	int64_t back = 0, v;
	char why[512], rollback[64];
	int changed;

	if (!query_number(conn, "rollback", 1, INT64_MAX, &back))
		return httpd_invalid(h, conn, "rollback", "a number, 1 or more");
	if (back > 0 && buf_len(&q->body) > 0)
		return httpd_invalid(h, conn, "rollback", "either a version or a policy in the body");
	if (back > 0 && egress_store_policy_get(h->egress, back, &text, NULL) <= 0)
		return httpd_api_error(h, conn, MHD_HTTP_NOT_FOUND, "not_found", "no such version", "rollback");
	if (back == 0)
		buf_add(&text, buf_ptr(&q->body), buf_len(&q->body));
	snprintf(rollback, sizeof(rollback), "rollback to %" PRId64, back);
	if (note == NULL)
		note = back > 0 ? rollback : "";
	v = egress_version_put(h->egress, h->egress_policy, &text, q->by, note, &changed, why, sizeof(why));
	buf_free(&text);
	if (v == -EINVAL)
		return httpd_api_error(h, conn, MHD_HTTP_BAD_REQUEST, "invalid_policy", why, "yaml");
	if (v < 0)
		return httpd_broken(h, conn, v);
	if (changed) {
		buf_printf(&members, "\"change\":\"%s\",\"version\":%" PRId64, back > 0 ? "rollback" : "set", v);
		httpd_audit(h, q, "admin.policy", NULL, &members);
	}
	buf_printf(&b, "{\"version\":%" PRId64 ",\"changed\":%s}\n", v, changed ? "true" : "false");
	return httpd_reply(h, conn, MHD_HTTP_OK, "application/json", &b);
}

static enum MHD_Result
test_answer(struct httpd *h, struct MHD_Connection *conn, const json_t *o)
{
	static const char *const known[] = { "url", "identity", "method", NULL };
	const char *url = json_string_value(json_object_get(o, "url"));
	const char *identity = json_string_value(json_object_get(o, "identity"));
	const char *method = json_string_value(json_object_get(o, "method"));
	struct buf b = {0};
	char why[512];
	int r;

	if (url == NULL)
		return httpd_invalid(h, conn, "url", "a URL, or HOST or HOST:PORT for a tunnel");
	for (size_t i = 1; known[i] != NULL; i++)
		if (json_object_get(o, known[i]) != NULL && !json_is_string(json_object_get(o, known[i])))
			return httpd_invalid(h, conn, known[i], "a text");
	if (unknown_member(o, known) != NULL)
		return httpd_invalid(h, conn, "body", "it has a member that is not known here");
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
		return httpd_import_end(h, conn, p, q, delete);
	if (q->body.err != 0)
		return httpd_api_error(h, conn, 413, "too_large", "at most 1 MiB", "body");
	if (p->page == P_POLICY && (get || post))
		return get ? policy_show(h, conn) : policy_set(h, conn, q);
	if (p->page == P_VERSIONS && get)
		return versions_show(h, conn);
	if (p->page == P_LIST && get && *rest == '\0')
		return list_show(h, conn, p);
	if (buf_len(&q->body) > 0) {
		o = json_loadb(buf_ptr(&q->body), buf_len(&q->body), JSON_REJECT_DUPLICATES, NULL);
		if (!json_is_object(o)) {
			json_decref(o);
			return httpd_invalid(h, conn, "body", "not a JSON object");
		}
	}
	if (p->page == P_LIST && post && *rest == '\0')
		r = entry_add(h, conn, p, q, o);
	else if (p->page == P_LIST && delete)
		r = entry_del(h, conn, p, rest, q, o);
	else if (p->page == P_TEST && post)
		r = test_answer(h, conn, o);
	else
		r = httpd_not_allowed(h, conn, true, *rest != '\0' ? "DELETE" : p->allow);
	json_decref(o);
	return r;
}

static enum MHD_Result
begin(struct httpd *h, struct MHD_Connection *conn, const struct egress_page *p, const char *method, struct httpd_request *q)
{
	bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
	enum httpd_role needed = get || p->page == P_TEST ? ROLE_READ : p->page == P_POLICY ? ROLE_ADMIN : ROLE_BAN;
	enum MHD_Result r;

	q->begun = true;
	q->body.max = BODY_MAX;
	r = httpd_auth(h, conn, q, needed);
	if (r != MHD_YES || q->refused)
		return r;
	q->refused = true;
	if (!within_rate(h, q->by))
		return httpd_api_error(h, conn, MHD_HTTP_TOO_MANY_REQUESTS, "rate_limited", "too many requests", NULL);
	if (h->egress == NULL)
		return httpd_api_error(h, conn, 503, "unavailable", "egress.dir is not set, or its database can't be opened", NULL);
	q->refused = false;
	return p->page == P_IMPORT ? httpd_import_begin(h, conn, q) : MHD_YES;
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
		if (q->upload >= 0)
			httpd_import_take(q, upload, *upload_size);
		else
			buf_add(&q->body, upload, *upload_size);
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
