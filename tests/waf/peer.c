/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <modsecurity/modsecurity.h>
#include <modsecurity/rules_set.h>
#include <modsecurity/transaction.h>

#include "haproxy-spoa/waf/http_raw.h"
#include "tests/waf/peer.h"

struct peer {
	ModSecurity	*ms;
	RulesSet	*rules;
};

static void
id_take(struct peer_result *r, int64_t id)
{
	for (size_t i = 0; i < r->n_ids; i++) {
		if (r->ids[i] == id)
			return;
	}
	if (r->n_ids < PEER_IDS_MAX)
		r->ids[r->n_ids++] = id;
}

static void
log_take(void *arg, const void *line)
{
	const char *id = strstr(line, "[id \"");
	struct peer_result *r = arg;

	if (r == NULL)
		return;
	if (id != NULL)
		id_take(r, strtoll(id + 5, NULL, 10));
	if (r->keep_log) {
		buf_adds(&r->log, line);
		buf_addc(&r->log, '\n');
	}
}

struct peer *
peer_load(const char *conf, char *why, size_t size)
{
	struct peer *p = calloc(1, sizeof(*p));
	const char *error = NULL;

	if (p == NULL)
		return NULL;
	p->ms = msc_init();
	p->rules = msc_create_rules_set();
	msc_set_log_cb(p->ms, log_take);
	if (msc_rules_add_file(p->rules, conf, &error) < 0) {
		snprintf(why, size, "%s", error != NULL ? error : "?");
		peer_free(&p);
	}
	return p;
}

void
peer_free(struct peer **p)
{
	if (*p == NULL)
		return;
	msc_rules_cleanup((*p)->rules);
	msc_cleanup((*p)->ms);
	free(*p);
	*p = NULL;
}

static void
text(char *out, size_t size, struct waf_str s)
{
	if (s.n >= size)
		s.n = size - 1;
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
}

static void
request_give(Transaction *t, const struct http_raw *q)
{
	char *uri = strndup(q->uri.p, q->uri.n), method[64], version[32];

	text(method, sizeof(method), q->method);
	text(version, sizeof(version), q->protocol);
	msc_process_connection(t, "127.0.0.1", 50000, "127.0.0.1", 80);
	msc_process_uri(t, uri, method, strncmp(version, "HTTP/", 5) == 0 ? version + 5 : version);
	for (size_t i = 0; i < q->n_headers; i++)
		msc_add_n_request_header(t, (const unsigned char *)q->headers[i].name.p, q->headers[i].name.n,
		    (const unsigned char *)q->headers[i].value.p, q->headers[i].value.n);
	msc_process_request_headers(t);
	msc_append_request_body(t, (const unsigned char *)q->body.p, q->body.n);
	msc_process_request_body(t);
	free(uri);
}

static void
response_give(Transaction *t, const struct http_raw *p)
{
	for (size_t i = 0; i < p->n_headers; i++)
		msc_add_n_response_header(t, (const unsigned char *)p->headers[i].name.p, p->headers[i].name.n,
		    (const unsigned char *)p->headers[i].value.p, p->headers[i].value.n);
	msc_process_response_headers(t, p->status, "HTTP 1.1");
	msc_append_response_body(t, (const unsigned char *)p->body.p, p->body.n);
	msc_process_response_body(t);
}

void
peer_judge(struct peer *p, const struct http_raw *req, const struct http_raw *rsp, bool all, struct peer_result *r)
{
	Transaction *t = msc_new_transaction(p->ms, p->rules, r);

	r->n_ids = 0;
	buf_clear(&r->log);
	request_give(t, req);
	if (rsp != NULL)
		response_give(t, rsp);
	if (all)
		msc_process_logging(t);
	msc_transaction_cleanup(t);
}
