/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "icap-llmsec/icap_tr.h"

static void
resp_refuse(struct tr *t, const struct refusal *r)
{
	tr_count(CTR_RESP_REFUSE);
	tr_event(t, "response.refused", "block", 5, -1, t->resp ? inspect_resp_findings(t->resp) : NULL, r);
	tr_refuse(t, r);
}

/* The event of an answer that was found wanting: named after the worst that was found. */
static void
resp_tell(struct tr *t, const struct refusal *r)
{
	static const char *const actions[] = { "monitor", "monitor", "mask", "block" };
	const struct findings *fs = inspect_resp_findings(t->resp);
	const struct finding *worst = NULL;
	enum detect_mode mode = DETECT_OFF;
	char name[32];

	for (size_t i = 0; fs != NULL && i < fs->n; i++) {
		if (worst == NULL || fs->v[i].severity > worst->severity)
			worst = &fs->v[i];
		mode = fs->v[i].mode > mode ? fs->v[i].mode : mode;
	}
	if (worst == NULL && r == NULL)
		return;
	if (r != NULL)
		tr_count(CTR_RESP_REFUSE);
	snprintf(name, sizeof(name), "response.%.*s", r == NULL ? (int)strcspn(worst->category, ".") : 7,
	    r == NULL ? worst->category : "refused");
	tr_event(t, name, r != NULL ? "block" : actions[mode], worst != NULL ? worst->severity : 5, -1, fs, r);
}

static int
resp_give_up(struct tr *t)
{
	struct refusal r = {.status = 502, .code = "inspection_failed", .request_id = t->request_id,
	    .message = "The response could not be inspected."};

	tr_count(CTR_RESP_ERROR);
	if (t->pol->fail == FAIL_OPEN)
		return CI_MOD_ALLOW204;
	tr_event(t, "inspection.error", "error", 8, -1, NULL, &r);
	tr_refuse(t, &r);
	return CI_MOD_CONTINUE;
}

static void
resp_headers_for_rewriting(struct tr *t)
{
	char line[64];

	ci_http_response_remove_header(t->req, "Content-Length");
	ci_http_response_remove_header(t->req, "ETag");
	ci_http_response_remove_header(t->req, "Content-MD5");
	if (inspect_resp_drops_encoding(t->resp))
		ci_http_response_remove_header(t->req, "Content-Encoding");
	if (t->pol->overhead_header) {
		snprintf(line, sizeof(line), "X-LLMSec-Overhead-Us: %llu", (unsigned long long)t->spent);
		ci_http_response_add_header(t->req, line);
	}
}

static void
resp_identify(struct tr *t, struct inspect_resp_in *in)
{
	const char *h = ci_headers_value(t->req->request_header, "X-LLMSec-Tx");

	if (h != NULL && t->pol->tx_keyring != NULL && tx_open(&in->tx, t->pol->tx_keyring, h, strlen(h)) == 0 &&
	    in->tx.request_id[0] != '\0')
		snprintf(t->request_id, sizeof(t->request_id), "%s", in->tx.request_id);
	else if ((h = ci_http_request_get_header(t->req, edge_hdr_name[EDGE_REQUEST_ID])) != NULL)
		snprintf(t->request_id, sizeof(t->request_id), "%.79s", h);
}

int
respmod_headers(struct tr *t)
{
	struct inspect_resp_in in = {.route = t->route, .content_length = -1};
	const char *cl = ci_http_response_get_header(t->req, "Content-Length");

	if (!ci_req_hasbody(t->req))
		return tr_pass_bodyless(t);
	in.content_type = ci_http_response_get_header(t->req, "Content-Type");
	in.content_encoding = tr_coding(ci_http_response_headers(t->req));
	in.status = tr_status(t->req);
	if (cl != NULL)
		in.content_length = strtoll(cl, NULL, 10);
	resp_identify(t, &in);
	in.request_id = t->request_id;
	in.client_ip = t->client_ip;
	in.key_digest = t->key;
	t->spent = in.tx.req_us;
	if (inspect_resp_new(&t->resp, t->pol, &in) < 0)
		return resp_give_up(t);
	switch (inspect_resp_mode(t->resp)) {
	case RESP_PASS:
		tr_count(CTR_RESP_PASS);
		return CI_MOD_ALLOW204;
	case RESP_REFUSE:
		resp_refuse(t, inspect_resp_refusal(t->resp));
		return CI_MOD_CONTINUE;
	case RESP_STREAM:
		tr_count(CTR_RESP_STREAM);
		resp_headers_for_rewriting(t);
		t->unlocked = true;
		ci_req_unlock_data(t->req);
		break;
	case RESP_HOLD:
		tr_count(CTR_RESP_HOLD);
		break;
	}
	t->state = TR_STREAM;
	return CI_MOD_CONTINUE;
}

/* The engine has committed itself to this status: headers may go, length unknown. */
static void
resp_commit(struct tr *t)
{
	if (t->unlocked || !inspect_resp_committed(t->resp))
		return;
	resp_headers_for_rewriting(t);
	t->unlocked = true;
	ci_req_unlock_data(t->req);
}

void
respmod_feed(struct tr *t, const char *p, size_t n)
{
	const struct refusal *r;
	uint64_t t0;

	if (t->state != TR_STREAM || t->collected)
		return;
	if (tr_counters != NULL)
		counters_add(tr_counters, CTR_BYTES_IN, n);
	t0 = tr_now_us();
	inspect_resp_feed(t->resp, p, n);
	t->spent += tr_now_us() - t0;
	r = t->unlocked ? NULL : inspect_resp_refusal(t->resp);
	if (r != NULL)
		resp_refuse(t, r);
	else
		resp_commit(t);
}

int
respmod_end(struct tr *t)
{
	const struct refusal *r;
	char line[64];
	uint64_t t0;

	if (t->state != TR_STREAM || t->collected)
		return CI_MOD_DONE;
	t->collected = true;
	t0 = tr_now_us();
	inspect_resp_finish(t->resp);
	t->spent += tr_now_us() - t0;
	r = inspect_resp_refusal(t->resp);
	if (!t->unlocked && r != NULL) {
		resp_refuse(t, r);
		return CI_MOD_DONE;
	}
	resp_tell(t, r);
	if (t->unlocked)
		return CI_MOD_DONE;
	resp_headers_for_rewriting(t);
	snprintf(line, sizeof(line), "Content-Length: %zu", buf_len(inspect_resp_out(t->resp)));
	ci_http_response_add_header(t->req, line);
	t->unlocked = true;
	ci_req_unlock_data(t->req);
	return CI_MOD_DONE;
}
