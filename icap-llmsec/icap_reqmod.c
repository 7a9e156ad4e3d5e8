/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/icap_tr.h"
#include "lib/log.h"

static void
refuse_status(struct tr *t, int status, const char *code, const char *message)
{
	struct refusal r = {.status = status, .code = code, .message = message, .request_id = t->request_id};

	tr_count(CTR_REQ_REFUSE);
	tr_event(t, "request.refused", "block", 2, -1, NULL, &r);
	tr_refuse(t, &r);
}

int
reqmod_headers(struct tr *t)
{
	const char *cl;

	if (!tr_edge_ok(t))
		return CI_MOD_CONTINUE;
	if (!ci_req_hasbody(t->req))
		return reqmod_end(t);
	cl = ci_http_request_get_header(t->req, "Content-Length");
	if (cl != NULL && strtoull(cl, NULL, 10) > (unsigned long long)t->pol->max_request) {
		refuse_status(t, 413, "request_too_large", "The request body is too large.");
		return CI_MOD_CONTINUE;
	}
	t->in.max = (size_t)t->pol->max_request + 1;
	return CI_MOD_CONTINUE;
}

static void
set_body(struct tr *t, struct inspect_req_out *o)
{
	char line[64];

	buf_free(&t->out);
	t->out = o->body;
	memset(&o->body, 0, sizeof(o->body));
	ci_http_request_remove_header(t->req, "Content-Length");
	ci_http_request_remove_header(t->req, "Transfer-Encoding");
	if (o->drop_encoding)
		ci_http_request_remove_header(t->req, "Content-Encoding");
	snprintf(line, sizeof(line), "Content-Length: %zu", buf_len(&t->out));
	ci_http_request_add_header(t->req, line);
}

/*
 * What was masked must be able to come back: without the seal the request doesn't leave.  What is only known about it may
 * stay behind.
 */
static bool
attach_tx(struct tr *t, const struct tx *tx)
{
	struct buf h = {0};
	bool ok = true;

	if (tx->vault == NULL && tx->sketch == NULL)
		return true;
	buf_adds(&h, "X-LLMSec-Tx: ");
	ok = tx_seal(&h, t->pol->tx_keyring, tx) == 0 && buf_addc(&h, '\0') == 0 &&
	    ci_icap_add_xheader(t->req, buf_ptr(&h)) != NULL;
	buf_free(&h);
	return ok || tx->vault == NULL;
}

static int
finish_pass(struct tr *t)
{
	struct buf b;

	if (!ci_req_hasbody(t->req))
		return tr_pass_bodyless(t);
	if (ci_req_allow204(t->req) && !ci_req_sent_data(t->req))
		return CI_MOD_ALLOW204;
	b = t->out;		/* echo, byte for byte */
	t->out = t->in;
	t->in = b;
	t->state = TR_SEND;
	ci_req_unlock_data(t->req);
	return CI_MOD_DONE;
}

static int
finish_rewrite(struct tr *t, struct inspect_req_out *o)
{
	if (!attach_tx(t, &o->tx)) {
		refuse_status(t, 413, "too_much_personal_data",
		    "The request holds more personal data than can be masked and restored.");
		return CI_MOD_DONE;
	}
	set_body(t, o);
	for (int i = 0; i <= EDGE_HDR_N; i++)
		ci_http_request_remove_header(t->req, edge_hdr_name[i]);
	t->state = TR_SEND;
	ci_req_unlock_data(t->req);
	return CI_MOD_DONE;
}

static void
keep_for_training(struct tr *t, const struct inspect_req_out *o)
{
	struct shadow_from from = {t->url, t->request_id, t->key, t->client_ip, o->conversation};

	if (o->verdicts != NULL && o->action != INSPECT_ERROR && shadow_wants(t->pol->shadow, &from))
		shadow_take(t->pol->shadow, &from, &o->spans, o->verdicts);
}

int
reqmod_end(struct tr *t)
{
	struct inspect_req_in in = {
		.method = t->method, .url = t->url,
		.content_type = ci_http_request_get_header(t->req, "Content-Type"),
		.content_encoding = tr_coding(ci_http_request_headers(t->req)),
		.request_id = t->request_id, .client_ip = t->client_ip, .key_digest = t->key,
		.body = buf_ptr(&t->in), .len = buf_len(&t->in)
	};
	struct inspect_req_out o;
	int rc;

	if (t->state == TR_SEND)	/* refused while the body was coming */
		return CI_MOD_DONE;
	if (t->in.err != 0) {
		refuse_status(t, 413, "request_too_large", "The request body is too large.");
		return CI_MOD_DONE;
	}
	inspect_request(t->pol, &in, t->arena, &o);
	t->spent = o.us;
	tr_count_files(&o);
	keep_for_training(t, &o);
	if (tr_counters != NULL) {
		counters_observe(tr_counters, CTR_INSPECT_SECONDS, t->spent);
		counters_add(tr_counters, CTR_BYTES_IN, buf_len(&t->in));
	}
	if (o.action == INSPECT_ERROR && t->pol->fail == FAIL_OPEN) {
		tr_event(t, "inspection.error", "allow", 8, -1, &o.findings, &o.refusal);
		tr_count(CTR_REQ_ERROR);
		o.action = INSPECT_PASS;
	}
	switch (o.action) {
	case INSPECT_PASS:
		tr_count(CTR_REQ_PASS);
		if (o.notable)
			tr_event(t, inspect_req_event(&o), "monitor", o.severity, o.score, &o.findings, NULL);
		attach_tx(t, &o.tx);	/* Squid reads it from a 204, too */
		rc = finish_pass(t);
		break;
	case INSPECT_REWRITE:
		tr_count(CTR_REQ_REWRITE);
		tr_event(t, inspect_req_event(&o), "mask", o.severity, o.score, &o.findings, NULL);
		rc = finish_rewrite(t, &o);
		break;
	default:
		tr_count(o.action == INSPECT_ERROR ? CTR_REQ_ERROR : CTR_REQ_REFUSE);
		tr_event(t, inspect_req_event(&o), o.action == INSPECT_ERROR ? "error" : "block",
		    o.action == INSPECT_ERROR ? 8 : o.severity, o.score, &o.findings, &o.refusal);
		tr_refuse(t, &o.refusal);
		rc = ci_req_hasbody(t->req) ? CI_MOD_DONE : CI_MOD_CONTINUE;
	}
	buf_free(&o.body);
	tx_clear(&o.tx);
	return rc;
}
