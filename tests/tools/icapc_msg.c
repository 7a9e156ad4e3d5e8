/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/tools/icapc.h"

/* The headers the edge would have added, signed. */
static int
msg_edge(struct buf *b, const struct icapc_opt *o)
{
	struct edge_vals v = {.v = {[EDGE_THREAT_SCORE] = "10", [EDGE_BOT_SCORE] = "5", [EDGE_COUNTRY] = "DE",
	    [EDGE_CLIENT_IP] = "192.0.2.7", [EDGE_REQUEST_ID] = o->request_id}};
	char sig[EDGE_SIG_MAX];
	size_t n;
	int rc;

	for (int i = 0; i < EDGE_HDR_N; i++) {
		v.len[i] = v.v[i] ? strlen(v.v[i]) : 0;
		if (v.v[i] != NULL)
			buf_printf(b, "%s: %s\r\n", edge_hdr_name[i], v.v[i]);
	}
	rc = edge_sign(sig, o->keyring, &v, time(NULL) - o->age_s);
	if (rc < 0)
		return rc;
	n = strlen(sig) - 1;
	if (o->forge)
		sig[n] = sig[n] == '0' ? '1' : '0';
	return buf_printf(b, "%s: %s\r\n", edge_hdr_name[EDGE_HDR_N], sig);
}

static int
msg_http_request(struct buf *b, const struct icapc_opt *o)
{
	bool body = o->has_body && strcmp(o->method, "REQMOD") == 0;
	int rc = 0;

	buf_printf(b, "%s %s HTTP/1.1\r\nHost: provider.test\r\n", o->http_method, o->url);
	if (body && !o->no_length)
		buf_printf(b, "Content-Length: %zu\r\n", buf_len(&o->body));
	buf_add(b, buf_ptr(&o->req_hdrs), buf_len(&o->req_hdrs));
	if (o->keyring != NULL)
		rc = msg_edge(b, o);
	buf_adds(b, "\r\n");
	return rc < 0 ? rc : b->err;
}

static int
msg_http_response(struct buf *b, const struct icapc_opt *o)
{
	buf_printf(b, "HTTP/1.1 %s\r\n", o->status);
	if (o->has_body && !o->no_length)
		buf_printf(b, "Content-Length: %zu\r\n", buf_len(&o->body));
	buf_add(b, buf_ptr(&o->resp_hdrs), buf_len(&o->resp_hdrs));
	return buf_adds(b, "\r\n");
}

int
icapc_msg_head(struct buf *out, const struct icapc_opt *o)
{
	struct buf enc = {0};
	bool respmod = strcmp(o->method, "RESPMOD") == 0;
	size_t req_len;
	int rc;

	buf_printf(out, "%s icap://%s:%s/%s ICAP/1.0\r\nHost: %s:%s\r\n", o->method, o->host, o->port, o->service,
	    o->host, o->port);
	buf_add(out, buf_ptr(&o->icap_hdrs), buf_len(&o->icap_hdrs));
	if (strcmp(o->method, "OPTIONS") == 0)
		return buf_adds(out, "Encapsulated: null-body=0\r\n\r\n");
	rc = msg_http_request(&enc, o);
	req_len = buf_len(&enc);
	if (rc == 0 && respmod)
		rc = msg_http_response(&enc, o);
	if (o->allow204)
		buf_adds(out, "Allow: 204\r\n");
	if (o->has_body && !o->no_preview)
		buf_adds(out, "Preview: 0\r\n");
	buf_adds(out, "Encapsulated: req-hdr=0");
	if (respmod)
		buf_printf(out, ", res-hdr=%zu", req_len);
	buf_printf(out, ", %s=%zu\r\n\r\n", !o->has_body ? "null-body" : respmod ? "res-body" : "req-body", buf_len(&enc));
	buf_add(out, buf_ptr(&enc), buf_len(&enc));
	if (o->has_body && !o->no_preview)
		buf_adds(out, "0\r\n\r\n");
	if (rc == 0)
		rc = enc.err ? enc.err : out->err;
	buf_free(&enc);
	return rc;
}

int
icapc_msg_chunk(struct buf *out, const struct icapc_opt *o, size_t *at, unsigned *rnd)
{
	size_t n = o->slice ? o->slice : 4096, left = buf_len(&o->body) - *at;

	if (o->seed != 0) {
		*rnd = *rnd * 1103515245u + 12345u;	/* any repeatable sequence will do */
		n = 1 + (*rnd >> 8) % n;
	}
	if (n > left)
		n = left;
	buf_printf(out, "%zx\r\n", n);
	buf_add(out, buf_ptr(&o->body) + *at, n);
	*at += n;
	return buf_adds(out, "\r\n");
}

int
icapc_msg_end(struct buf *out)
{
	return buf_adds(out, "0\r\n\r\n");
}
