/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "icap-llmsec/icap_tr.h"
#include "lib/actor_key.h"
#include "lib/event.h"
#include "lib/log.h"

struct counters *tr_counters;

#define FILES(w, l)	[CTR_FILE + (w)] = {"llmsec_icap_attachments_total", "class=\"" l "\"", "Files in requests, by what they are", COUNTER_COUNTER}
#define FOUND(w, l)	[CTR_FILE_FOUND + ATTACH_##w] = {"llmsec_icap_attachment_findings_total", "what=\"" l "\"", \
	"Findings about files, by what was found", COUNTER_COUNTER}
static const struct counter_def counter_defs[CTR_N] = {
	FILES(ATTACH_IMAGE, "image"), FILES(ATTACH_AUDIO, "audio"), FILES(ATTACH_VIDEO, "video"), FILES(ATTACH_DOCUMENT, "document"),
	FILES(ATTACH_TEXT, "text"), FILES(ATTACH_SCRIPT, "script"), FILES(ATTACH_ARCHIVE, "archive"), FILES(ATTACH_EXECUTABLE, "executable"),
	FILES(ATTACH_UNKNOWN, "unknown"), FILES(ATTACH_CLASSES, "remote"),
	FOUND(IMAGE, "image"), FOUND(AUDIO, "audio"), FOUND(VIDEO, "video"), FOUND(DOCUMENT, "document"), FOUND(TEXT, "text"),
	FOUND(SCRIPT, "script"), FOUND(ARCHIVE, "archive"), FOUND(EXECUTABLE, "executable"), FOUND(UNKNOWN, "unknown"), FOUND(TYPE, "type"),
	FOUND(MISMATCH, "mismatch"), FOUND(SIZE, "size"), FOUND(UNREADABLE, "unreadable"), FOUND(PICTURES, "pictures"), FOUND(LIMIT, "limit"),
	FOUND(COUNT, "count"), FOUND(REMOTE, "remote"), FOUND(ADDRESS, "address"),
#define CONTENT(c, l)	[CTR_CONTENT_##c] = {"llmsec_icap_content_total", "action=\"" l "\"", "Messages of the forward proxy judged, by action", COUNTER_COUNTER}
	CONTENT(PASS, "pass"), CONTENT(MONITOR, "monitor"), CONTENT(MASK, "mask"), CONTENT(BLOCK, "block"), CONTENT(ERROR, "error"),
#undef CONTENT
#define SHADOW(w, l)	[CTR_SHADOW + SHADOW_##w] = {"llmsec_icap_shadow_texts_total", "result=\"" l "\"", "Texts for the shadow log, by what became of them", COUNTER_COUNTER}
	SHADOW(WRITTEN, "written"), SHADOW(DROPPED, "dropped"), SHADOW(FAILED, "failed"),
#undef SHADOW
	[CTR_REQ_PASS] = {"llmsec_icap_requests_total", "action=\"pass\"", "Requests judged, by action", COUNTER_COUNTER},
	[CTR_REQ_REWRITE] = {"llmsec_icap_requests_total", "action=\"mask\"", "Requests judged, by action", COUNTER_COUNTER},
	[CTR_REQ_REFUSE] = {"llmsec_icap_requests_total", "action=\"block\"", "Requests judged, by action", COUNTER_COUNTER},
	[CTR_REQ_ERROR] = {"llmsec_icap_requests_total", "action=\"error\"", "Requests judged, by action", COUNTER_COUNTER},
	[CTR_RESP_PASS] = {"llmsec_icap_responses_total", "mode=\"pass\"", "Responses, by mode", COUNTER_COUNTER},
	[CTR_RESP_STREAM] = {"llmsec_icap_responses_total", "mode=\"stream\"", "Responses, by mode", COUNTER_COUNTER},
	[CTR_RESP_HOLD] = {"llmsec_icap_responses_total", "mode=\"hold\"", "Responses, by mode", COUNTER_COUNTER},
	[CTR_RESP_REFUSE] = {"llmsec_icap_responses_total", "mode=\"block\"", "Responses, by mode", COUNTER_COUNTER},
	[CTR_RESP_ERROR] = {"llmsec_icap_responses_total", "mode=\"error\"", "Responses, by mode", COUNTER_COUNTER},
	[CTR_EDGE_OK] = {"llmsec_icap_edge_signatures_total", "verdict=\"ok\"", "X-Edge99-Signature checks", COUNTER_COUNTER},
	[CTR_EDGE_ABSENT] = {"llmsec_icap_edge_signatures_total", "verdict=\"absent\"", "X-Edge99-Signature checks", COUNTER_COUNTER},
	[CTR_EDGE_MALFORMED] = {"llmsec_icap_edge_signatures_total", "verdict=\"malformed\"", "X-Edge99-Signature checks", COUNTER_COUNTER},
	[CTR_EDGE_UNKNOWN_KEY] = {"llmsec_icap_edge_signatures_total", "verdict=\"unknown_key\"", "X-Edge99-Signature checks", COUNTER_COUNTER},
	[CTR_EDGE_STALE] = {"llmsec_icap_edge_signatures_total", "verdict=\"stale\"", "X-Edge99-Signature checks", COUNTER_COUNTER},
	[CTR_EDGE_FORGED] = {"llmsec_icap_edge_signatures_total", "verdict=\"forged\"", "X-Edge99-Signature checks", COUNTER_COUNTER},
	[CTR_BYTES_IN] = {"llmsec_icap_body_bytes_total", NULL, "Body bytes received for inspection", COUNTER_COUNTER},
	[CTR_EVENTS_FAILED] = {"llmsec_icap_events_failed_total", NULL, "Events that could not even be spooled", COUNTER_COUNTER},
	[CTR_CONFIG_CURRENT] = {"llmsec_icap_config_current", NULL,
	    "1: the configuration file is in force; 0: it is broken and an earlier one is", COUNTER_GAUGE},
	[CTR_INSPECT_SECONDS] = {"llmsec_icap_inspect_seconds", NULL, "Time to judge one request", COUNTER_HISTOGRAM},
};

void
tr_globals_open(const struct icap_policy *p)
{
	int rc;

	if (tr_counters != NULL || p->counters_dir[0] == '\0')
		return;
	rc = counters_open(&tr_counters, p->counters_dir, "icap", counter_defs, CTR_N);
	if (rc < 0)
		log_warnx("counters: %s: %s", p->counters_dir, strerror(-rc));
}

void
tr_globals_close(void)
{
	tr_events_close();
	counters_close(&tr_counters);
}

uint64_t
tr_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void
tr_count(enum tr_counter c)
{
	if (tr_counters != NULL)
		counters_add(tr_counters, c, 1);
}

void
tr_count_files(const struct inspect_req_out *o)
{
	if (tr_counters == NULL)
		return;
	for (size_t i = 0; i < ATTACH_CLASSES; i++)
		if (o->files[i] > 0)
			counters_add(tr_counters, CTR_FILE + (unsigned)i, o->files[i]);
	if (o->addresses > 0)
		counters_add(tr_counters, CTR_FILE + ATTACH_CLASSES, o->addresses);
	for (size_t i = 0; i < ATTACH_N; i++)
		if (o->file_findings[i] > 0)
			counters_add(tr_counters, CTR_FILE_FOUND + (unsigned)i, o->file_findings[i]);
}

static void
copy_str(char *dst, size_t cap, const char *s)
{
	size_t n = s ? strlen(s) : 0;

	if (n >= cap)
		n = cap - 1;
	if (n > 0)
		memcpy(dst, s, n);
	dst[n] = '\0';
}

static void
tr_request_line(struct tr *t)
{
	const char *line = ci_http_request(t->req), *sp, *end;
	size_t n;

	if (line == NULL || (sp = strchr(line, ' ')) == NULL)
		return;
	n = (size_t)(sp - line);
	if (n < sizeof(t->method)) {
		memcpy(t->method, line, n);
		t->method[n] = '\0';
	}
	end = strchr(sp + 1, ' ');
	n = end ? (size_t)(end - sp - 1) : strlen(sp + 1);
	dialect_route(t->method, sp + 1, n, &t->route);
	if (n >= sizeof(t->url))	/* only the path counts, and no LLM path is that long */
		n = sizeof(t->url) - 1;
	memcpy(t->url, sp + 1, n);
	t->url[n] = '\0';
}

static bool
tr_header(const void *req, const char *name, const char **p, size_t *n)
{
	/* c-icap's reader takes no const. */
	*p = ci_http_request_get_header((ci_request_t *)(uintptr_t)req, name);
	*n = *p != NULL ? strlen(*p) : 0;
	return *p != NULL;
}

/* A digest of whatever key the client sent, for events: never the key.  The edge's keyring makes it the edge's digest, too. */
static void
tr_key_digest(struct tr *t)
{
	const struct keyring *kr = t->pol == NULL ? NULL : t->pol->edge_keyring != NULL ? t->pol->edge_keyring : t->pol->tx_keyring;
	const char *secret;
	const uint8_t *k;
	size_t n, len;

	if (kr == NULL || !actor_key_find(tr_header, t->req, &secret, &len))
		return;
	k = keyring_key(kr, NULL, &n);
	if (k != NULL)
		event_digest(t->key, k, n, secret, len);
}

static void
tr_random_id(struct tr *t)
{
	uint8_t r[16];

	if (getrandom(r, sizeof(r), 0) != sizeof(r))
		memset(r, 0, sizeof(r));
	for (size_t i = 0; i < sizeof(r); i++)
		snprintf(t->request_id + 2 * i, 3, "%02x", r[i]);
}

void
tr_identify(struct tr *t)
{
	tr_request_line(t);
	copy_str(t->client_ip, sizeof(t->client_ip), ci_headers_value(t->req->request_header, "X-Client-IP"));
	tr_random_id(t);
	tr_key_digest(t);
}

bool
tr_edge_ok(struct tr *t)
{
	struct edge_vals v;
	const char *sig = ci_http_request_get_header(t->req, edge_hdr_name[EDGE_HDR_N]);
	enum edge_verdict e = EDGE_ABSENT;
	struct refusal r = {.status = 403, .code = "edge_signature", .request_id = t->request_id,
	    .message = "Requests must come through the edge."};

	if (t->pol->edge_keyring == NULL)
		return true;
	for (int i = 0; i < EDGE_HDR_N; i++) {
		v.v[i] = ci_http_request_get_header(t->req, edge_hdr_name[i]);
		v.len[i] = v.v[i] ? strlen(v.v[i]) : 0;
	}
	if (sig != NULL)
		e = edge_verify(t->pol->edge_keyring, &v, sig, strlen(sig), time(NULL), (int)(t->pol->edge_max_age / 1000));
	tr_count(CTR_EDGE_OK + (enum tr_counter)e);
	if (e == EDGE_OK) {
		if (v.len[EDGE_REQUEST_ID] > 0)
			copy_str(t->request_id, sizeof(t->request_id), v.v[EDGE_REQUEST_ID]);
		if (v.len[EDGE_CLIENT_IP] > 0)
			copy_str(t->client_ip, sizeof(t->client_ip), v.v[EDGE_CLIENT_IP]);
		return true;
	}
	if (e != EDGE_ABSENT || t->pol->require_edge)
		tr_event(t, "edge.signature", t->pol->require_edge ? "block" : "monitor", e == EDGE_ABSENT ? 3 : 7, -1, NULL, &r);
	if (!t->pol->require_edge)
		return true;
	tr_count(CTR_REQ_REFUSE);
	tr_refuse(t, &r);
	return false;
}

/* Arenas of transactions that ended, for the next ones: after warm-up no memory is asked of the system. */
#define SPARE_ARENAS	32
#define ARENA_KEEP	(1 << 20)	/* bytes of each */
static _Atomic(struct arena *) spare_arena[SPARE_ARENAS];

struct arena *
tr_arena_get(size_t limit)
{
	struct arena *a;

	for (size_t i = 0; i < SPARE_ARENAS; i++)
		if (atomic_load_explicit(&spare_arena[i], memory_order_relaxed) != NULL &&
		    (a = atomic_exchange(&spare_arena[i], NULL)) != NULL)
			return a;
	a = arena_new(limit);
	if (a != NULL)
		arena_keep(a, ARENA_KEEP);
	return a;
}

void
tr_arena_put(struct arena *a)
{
	struct arena *none;

	if (a == NULL)
		return;
	arena_reset(a);
	for (size_t i = 0; i < SPARE_ARENAS; i++) {
		none = NULL;
		if (atomic_compare_exchange_strong(&spare_arena[i], &none, a))
			return;
	}
	arena_free(&a);
}

void
tr_arena_drop(void)
{
	for (size_t i = 0; i < SPARE_ARENAS; i++) {
		struct arena *a = atomic_exchange(&spare_arena[i], NULL);

		if (a != NULL)
			arena_free(&a);
	}
}

static const char *
status_text(int status)
{
	switch (status) {
	case 400: return "Bad Request";
	case 402: return "Payment Required";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 413: return "Content Too Large";
	case 415: return "Unsupported Media Type";
	case 429: return "Too Many Requests";
	case 502: return "Bad Gateway";
	case 503: return "Service Unavailable";
	default: return "Error";
	}
}

const char *
tr_coding(ci_headers_list_t *h)
{
	const char *found = NULL;

	for (int i = 1; h != NULL && i < h->used; i++) {
		if (strncasecmp(h->headers[i], "Content-Encoding", 16) != 0 || h->headers[i][16 + strspn(h->headers[i] + 16, " \t")] != ':')
			continue;
		if (found != NULL)
			return "several";
		found = strchr(h->headers[i], ':') + 1;
		found += strspn(found, " \t");
	}
	return found;
}

int
tr_status(ci_request_t *req)
{
	ci_headers_list_t *h = ci_http_response_headers(req);
	const char *sp = h != NULL && h->used > 0 ? strchr(h->headers[0], ' ') : NULL;

	return sp ? atoi(sp + 1) : 0;
}

int
tr_pass_bodyless(struct tr *t)
{
	if (ci_req_allow204(t->req))
		return CI_MOD_ALLOW204;
	t->state = TR_SEND;
	t->unlocked = true;
	ci_req_unlock_data(t->req);
	return CI_MOD_CONTINUE;
}

void
tr_refuse(struct tr *t, const struct refusal *r)
{
	char line[128];

	buf_clear(&t->out);
	dialect_error_json(&t->out, t->route.dialect, r);
	if (t->req->type == ICAP_REQMOD)
		ci_http_response_create(t->req, 1, 1);
	else
		ci_http_response_reset_headers(t->req);
	snprintf(line, sizeof(line), "HTTP/1.1 %d %s", r->status, status_text(r->status));
	ci_http_response_add_header(t->req, line);
	ci_http_response_add_header(t->req, "Content-Type: application/json");
	snprintf(line, sizeof(line), "Content-Length: %zu", buf_len(&t->out));
	ci_http_response_add_header(t->req, line);
	ci_http_response_add_header(t->req, "Cache-Control: no-store");
	snprintf(line, sizeof(line), "X-Request-Id: %s", r->request_id ? r->request_id : t->request_id);
	ci_http_response_add_header(t->req, line);
	if (t->pol != NULL && t->pol->overhead_header) {
		snprintf(line, sizeof(line), "X-LLMSec-Overhead-Us: %llu", (unsigned long long)t->spent);
		ci_http_response_add_header(t->req, line);
	}
	if (r->retry_after_s > 0) {
		snprintf(line, sizeof(line), "Retry-After: %d", r->retry_after_s);
		ci_http_response_add_header(t->req, line);
	}
	t->state = TR_SEND;
	t->unlocked = true;
	ci_req_unlock_data(t->req);
}

/* Of the finding that an event is about.  Operators write categories, too: what would have to be escaped is not kept. */
static void
worst_category(const struct findings *f, char out[64])
{
	const struct finding *worst = NULL;
	size_t n = 0;

	for (size_t i = 0; f != NULL && i < f->n; i++)
		if (worst == NULL || f->v[i].mode > worst->mode || (f->v[i].mode == worst->mode && f->v[i].severity > worst->severity))
			worst = &f->v[i];
	for (const char *c = worst != NULL ? worst->category : ""; *c != '\0' && n < 63; c++)
		out[n++] = isalnum((unsigned char)*c) || *c == '.' || *c == '-' ? *c : '_';
	out[n] = '\0';
}

void
tr_event(struct tr *t, const char *name, const char *action, int severity, int score, const struct findings *f,
    const struct refusal *r)
{
	const char *ids[64];
	size_t n = 0;
	char detail[384], category[64];
	struct event e = {.event = name, .severity = severity, .score = score, .action = action,
	    .ip = t->client_ip[0] ? t->client_ip : NULL, .key = t->key[0] ? t->key : NULL,
	    .request_id = t->request_id, .rule_ids = ids};

	for (size_t i = 0; f != NULL && i < f->n && n < 64; i++) {
		size_t k;

		for (k = 0; k < n && strcmp(ids[k], f->v[i].rule_id) != 0; k++)
			;
		if (k == n)
			ids[n++] = f->v[i].rule_id;
	}
	for (size_t i = 0; f == NULL && r != NULL && i < r->n_rule_ids && n < 64; i++)
		ids[n++] = r->rule_ids[i];
	e.n_rule_ids = n;
	e.target = t->host[0] ? t->host : t->route.model[0] ? t->route.model : NULL;
	if (t->content != NULL)
		snprintf(detail, sizeof(detail), "{\"direction\":\"%s\",\"status\":%d,\"type\":\"%s\",\"where\":\"%s\",\"bytes\":%zu}",
		    t->req->type == ICAP_REQMOD ? "upload" : "download", r ? r->status : 0, content_verdict(t->content)->type,
		    content_verdict(t->content)->where, buf_len(&t->in));
	else {
		worst_category(f, category);
		snprintf(detail, sizeof(detail),
		    "{\"dialect\":\"%s\",\"status\":%d,\"code\":\"%s\",\"category\":\"%s\",\"findings\":%zu,\"bytes\":%zu,\"us\":%llu}",
		    dialect_name(t->route.dialect), r ? r->status : 0, r ? r->code : "", category, f ? f->n : 0, buf_len(&t->in),
		    (unsigned long long)t->spent);
	}
	e.detail = detail;
	if (t->pol == NULL || tr_events_emit(t->pol, &e) < 0)
		tr_count(CTR_EVENTS_FAILED);
}

void
tr_shadow_told(void *policy, enum shadow_what what, bool first, int error)
{
	const struct icap_policy *p = policy;
	struct event e = {.event = "shadow.failed", .severity = 4, .score = -1, .action = "error"};
	char detail[64];

	tr_count(CTR_SHADOW + (enum tr_counter)what);
	if (!first)
		return;
	log_warnx("shadow log: %s: %s; texts are lost until it can be written", p->shadow_log.dir,
	    error == -EPERM ? "not a folder of this user alone (mode 0700)" : strerror(-error));
	snprintf(detail, sizeof(detail), "{\"errno\":%d}", -error);
	e.detail = detail;
	if (tr_events_emit(p, &e) < 0)
		tr_count(CTR_EVENTS_FAILED);
}
