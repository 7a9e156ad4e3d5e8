/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "icap-llmsec/decode.h"
#include "icap-llmsec/icap_conf.h"
#include "icap-llmsec/inspect.h"
#include "icap-llmsec/stream.h"

#define DRIP_EVERY	8192		/* bytes of input for one space of output */
#define EVENT_MAX	((size_t)8 << 20)

struct inspect_resp {
	const struct icap_policy *policy;
	struct llm_route route;
	struct tx	 tx;
	struct text_rules rules;
	struct guard	 guard;
	struct arena	*arena;
	struct found	 found;
	enum resp_mode	 mode;
	bool		 drops_encoding, committed, done;
	struct decode	*decode;
	struct stream	*stream;
	struct buf	 plain;		/* stream: decoded piece; hold: decoded body */
	struct buf	 out;
	uint64_t	 in, dripped;	/* bytes from the origin; those paid for with a space */
	struct refusal	 refusal;
	bool		 refused;
};

enum body_kind { BODY_OTHER, BODY_SSE, BODY_NDJSON, BODY_JSON };

static enum body_kind
resp_body_kind(const char *ct)
{
	size_t n;

	if (ct == NULL)
		return BODY_OTHER;
	ct += strspn(ct, " \t");
	n = strcspn(ct, "; \t");
#define IS(s)	(n == sizeof(s) - 1 && strncasecmp(ct, s, n) == 0)
	if (IS("text/event-stream"))
		return BODY_SSE;
	if (IS("application/x-ndjson") || IS("application/ndjson") || IS("application/jsonl"))
		return BODY_NDJSON;
	if (IS("application/json") || (n > 5 && strncasecmp(ct + n - 5, "+json", 5) == 0))
		return BODY_JSON;
#undef IS
	return BODY_OTHER;
}

static void
resp_refuse(struct inspect_resp *r, int status, const char *code, const char *message)
{
	r->refusal = (struct refusal){ .status = status, .code = code, .message = message,
		.request_id = r->tx.request_id[0] != '\0' ? r->tx.request_id : NULL };
	r->refused = true;
}

static int
resp_start_stream(struct inspect_resp *r, enum stream_framing framing)
{
	struct stream_conf c = { .framing = framing, .route = r->route, .rules = r->rules,
		.fail_open = r->policy->fail == FAIL_OPEN, .event_max = EVENT_MAX,
		.depth = (unsigned)r->policy->depth,
		.request_id = r->tx.request_id[0] != '\0' ? r->tx.request_id : NULL };

	r->mode = RESP_STREAM;
	r->committed = true;
	r->stream = stream_new(&c, &r->found, &r->out);
	return r->stream != NULL ? 0 : -ENOMEM;
}

/* How the body will be treated, from the headers alone. */
static int
resp_start(struct inspect_resp *r, const struct inspect_resp_in *in)
{
	enum body_kind kind = resp_body_kind(in->content_type);
	enum decode_coding coding = decode_coding(in->content_encoding);
	size_t max = (size_t)r->policy->max_response;

	if (in->route.dialect == DIALECT_NONE || in->route.op == OP_NONE)
		return 0;
	if (coding == DECODE_UNKNOWN ||
	    (coding != DECODE_IDENTITY && r->policy->coding == CODING_REFUSE)) {
		r->mode = RESP_REFUSE;
		resp_refuse(r, 503, "unsupported_encoding",
		    "The response has a content coding that can not be inspected.");
		return 0;
	}
	if (!text_rules_active(&r->rules))
		return 0;
	/* the guard knows text of models; audio and error pages are none */
	if (kind == BODY_OTHER && (r->rules.detectors == NULL || r->rules.output < DETECT_MASK))
		return 0;
	r->drops_encoding = coding != DECODE_IDENTITY;
	/* a stream has no size; what is bounded there is one event */
	if (decode_new(&r->decode, coding, kind == BODY_SSE || kind == BODY_NDJSON ? SIZE_MAX : max) != 0)
		return -ENOMEM;
	if (kind == BODY_SSE)
		return resp_start_stream(r, STREAM_SSE);
	if (kind == BODY_NDJSON)
		return resp_start_stream(r, STREAM_NDJSON);
	if (kind == BODY_JSON && in->route.dialect == DIALECT_GEMINI && in->route.stream &&
	    in->status == 200)
		return resp_start_stream(r, STREAM_ARRAY);
	r->mode = RESP_HOLD;
	return 0;
}

/* Whose conversation the answer belongs to, as inspect_req.c has it. */
static void
resp_remember(struct inspect_resp *r, const struct inspect_resp_in *in)
{
	const char *who = in->key_digest != NULL && in->key_digest[0] != '\0' ? in->key_digest : in->client_ip;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	r->rules.now_ms = (int64_t)now.tv_sec * 1000;
	r->rules.tenant = arena_strndup(r->arena, who != NULL ? who : "", who != NULL ? strlen(who) : 0);
	r->rules.convo = r->rules.tenant != NULL ? r->policy->convo : NULL;
}

int
inspect_resp_new(struct inspect_resp **rp, const struct icap_policy *p, const struct inspect_resp_in *in)
{
	struct inspect_resp *r = calloc(1, sizeof(*r));
	int e = -ENOMEM;

	*rp = NULL;
	if (r == NULL)
		return e;
	r->policy = p;
	r->route = in->route;
	r->tx = in->tx;
	if (r->tx.request_id[0] == '\0' && in->request_id != NULL)
		strncpy(r->tx.request_id, in->request_id, sizeof(r->tx.request_id) - 1);
	r->arena = arena_new(0);
	r->found.arena = r->arena;
	r->rules.vault = p->pii.unmask ? r->tx.vault : NULL;
	r->rules.output = (enum detect_mode)(p->pii.output > p->secrets.output ? p->pii.output : p->secrets.output);
	r->rules.no_pii = p->pii.output == DETECT_OFF;
	r->rules.no_secrets = p->secrets.output == DETECT_OFF;
	r->rules.detectors = r->rules.output != DETECT_OFF ? p->detectors : NULL;
	r->rules.window = r->rules.detectors != NULL ? detect_output_window(p->detectors) : 0;
	r->rules.held_max = (size_t)p->stream_window;
	r->mode = RESP_PASS;
	if (r->arena != NULL)
		e = guard_init(&r->guard, &p->responses, r->tx.sketch);
	if (e == 0) {
		r->guard.found = found_note;
		r->guard.arg = &r->found;
		if (guard_active(&r->guard))
			r->rules.guard = &r->guard;
		resp_remember(r, in);
		e = resp_start(r, in);
	}
	if (e != 0)
		inspect_resp_free(&r);
	*rp = r;
	return e;
}

void
inspect_resp_free(struct inspect_resp **rp)
{
	struct inspect_resp *r = *rp;

	*rp = NULL;
	if (r == NULL)
		return;
	stream_free(&r->stream);
	guard_clear(&r->guard);
	decode_free(&r->decode);
	buf_free(&r->plain);
	buf_free(&r->out);
	tx_clear(&r->tx);
	arena_free(&r->arena);
	free(r);
}

enum resp_mode
inspect_resp_mode(const struct inspect_resp *r)
{
	return r->mode;
}

bool
inspect_resp_drops_encoding(const struct inspect_resp *r)
{
	return r->drops_encoding;
}

struct buf *
inspect_resp_out(struct inspect_resp *r)
{
	return &r->out;
}

bool
inspect_resp_committed(const struct inspect_resp *r)
{
	return r->committed;
}

bool
inspect_resp_done(const struct inspect_resp *r)
{
	return r->done;
}

const struct refusal *
inspect_resp_refusal(const struct inspect_resp *r)
{
	return r->refused ? &r->refusal : NULL;
}

const struct findings *
inspect_resp_findings(const struct inspect_resp *r)
{
	return &r->found.all;
}

static void
resp_note_stop(struct inspect_resp *r)
{
	const struct refusal *rf = stream_refusal(r->stream);

	if (rf != NULL) {
		r->refusal = *rf;
		r->refused = r->done = true;
	}
}

static int
resp_feed_stream(struct inspect_resp *r, const void *p, size_t len)
{
	int de, e;

	buf_clear(&r->plain);
	de = decode_feed(r->decode, p, len, &r->plain);
	e = stream_feed(r->stream, buf_ptr(&r->plain), buf_len(&r->plain));
	if (e == 0 && de == -ENOMEM)
		e = de;
	if (e == 0 && de != 0)
		e = stream_stop(r->stream, 503, "response_unreadable",
		    "The response's content coding is broken.");
	resp_note_stop(r);
	return e != 0 ? e : r->out.err;
}

/*
 * The body is answered by <status>: as a whole response before the headers are out, as an error object in
 * the body's place after that.
 */
static void
resp_fail(struct inspect_resp *r, int status, const char *code, const char *message)
{
	resp_refuse(r, status, code, message);
	r->done = true;
	if (r->committed)
		dialect_error_json(&r->out, r->route.dialect, &r->refusal);
	buf_free(&r->plain);
}

/* Squid 5.7 stops reading when nothing comes back (its bug 5352): pay for input with white space. */
static void
resp_drip(struct inspect_resp *r)
{
	if (r->in > (uint64_t)r->policy->hold_max)
		r->committed = true;
	while (r->committed && r->in - r->dripped >= DRIP_EVERY) {
		buf_addc(&r->out, ' ');
		r->dripped += DRIP_EVERY;
	}
}

static int
resp_feed_hold(struct inspect_resp *r, const void *p, size_t len)
{
	int e;

	r->in += len;
	e = decode_feed(r->decode, p, len, &r->plain);
	if (e == -ENOMEM)
		return e;
	if (e == -EFBIG)
		resp_fail(r, 403, "response_too_large", "The response is too large to be inspected.");
	else if (e != 0)
		resp_fail(r, 503, "response_unreadable", "The response's content coding is broken.");
	else
		resp_drip(r);
	return r->out.err;
}

int
inspect_resp_feed(struct inspect_resp *r, const void *p, size_t len)
{
	if (r->done)
		return 0;
	if (r->mode == RESP_STREAM)
		return resp_feed_stream(r, p, len);
	if (r->mode == RESP_HOLD)
		return resp_feed_hold(r, p, len);
	return -EINVAL;
}

static int
resp_finish_stream(struct inspect_resp *r)
{
	int e = 0;

	/* A coding cut short is a stream cut short: what was whole went out, the client sees no end. */
	e = stream_finish(r->stream);
	resp_note_stop(r);
	r->done = true;
	return e != 0 ? e : r->out.err;
}

static bool
begins(const char *p, size_t len, const char *with)
{
	return len >= strlen(with) && memcmp(p, with, strlen(with)) == 0;
}

/* Servers that stream say application/json all the same: events, and lines of JSON, in a body that is all here by now. */
static bool
is_stream(const struct inspect_resp *r, const char *p, size_t len, int e, enum stream_framing *how)
{
	*how = r->route.dialect == DIALECT_OLLAMA ? STREAM_NDJSON : STREAM_SSE;
	return *how == STREAM_NDJSON ? e == -EILSEQ && len > 0 && *p == '{' : begins(p, len, "data:") || begins(p, len, "event:") || begins(p, len, ": ");
}

static int
resp_finish_as_stream(struct inspect_resp *r, enum stream_framing how)
{
	int e = resp_start_stream(r, how);

	if (r->dripped > 0)	/* a line of white space, which means nothing in either framing */
		buf_addc(&r->out, '\n');
	if (e == 0)
		e = stream_feed(r->stream, buf_ptr(&r->plain), buf_len(&r->plain));
	return e == 0 ? resp_finish_stream(r) : e;
}

static int
resp_finish_hold(struct inspect_resp *r)
{
	enum stream_framing how;
	const char *p;
	size_t len;
	int e;

	if (decode_finish(r->decode) != 0) {
		resp_fail(r, 503, "response_unreadable", "The response's content coding is broken.");
		return r->out.err;
	}
	p = buf_ptr(&r->plain);
	len = buf_len(&r->plain);
	e = len == 0 ? 0 : stream_json_body(&r->rules, p, len, (unsigned)r->policy->depth, &r->found,
	    &r->out);
	if (e == -ENOMEM)
		return e;
	if (e != 0 && e != -EPERM && is_stream(r, p, len, e, &how))
		return resp_finish_as_stream(r, how);
	if (e == -EPERM)
		resp_fail(r, 403, "output_blocked", "The response was stopped by policy.");
	else if (e != 0 && text_rules_judge(&r->rules) && r->policy->fail == FAIL_CLOSED)
		resp_fail(r, 503, "response_unreadable", "The response could not be inspected.");
	else if (e != 0)
		buf_add(&r->out, p, len);	/* no JSON, so nothing in it to put back */
	buf_free(&r->plain);
	r->committed = r->committed || !r->refused;
	r->done = true;
	return r->out.err;
}

int
inspect_resp_finish(struct inspect_resp *r)
{
	if (r->done)
		return 0;
	return r->mode == RESP_STREAM ? resp_finish_stream(r) : resp_finish_hold(r);
}
