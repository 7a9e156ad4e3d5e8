/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "haproxy-spoa/eng_behave.h"
#include "haproxy-spoa/eng_bot.h"
#include "haproxy-spoa/fingerprint.h"
#include "haproxy-spoa/judge.h"
#include "haproxy-spoa/judge_hello.h"
#include "haproxy-spoa/policy.h"
#include "haproxy-spoa/req_view.h"
#include "haproxy-spoa/respond.h"
#include "haproxy-spoa/spoad_counters.h"
#include "haproxy-spoa/spop_conn.h"
#include "haproxy-spoa/spop_frame.h"
#include "lib/arena.h"
#include "lib/event.h"

static const struct {
	struct span	 name;
	size_t		 offset;
} span_args[] = {
#define ARG(text, member) {{text, sizeof(text) - 1}, offsetof(struct req_view, member)}
	ARG("method", method), ARG("path", path), ARG("query", query), ARG("ver", version), ARG("rid", request_id),
	ARG("sni", sni), ARG("uri", uri), ARG("waf_profile", waf_profile), ARG("ja", ja),
#undef ARG
};

static void
ip_take(char out[46], const struct spop_value *v)
{
	if (v->type == SPOP_D_IPV4)
		inet_ntop(AF_INET, &v->ip4, out, 46);
	else if (v->type == SPOP_D_IPV6)
		inet_ntop(AF_INET6, &v->ip6, out, 46);
}

static void
port_take(int *out, const struct spop_value *v)
{
	int64_t i;

	if (spop_value_int(v, &i) && i > 0 && i <= 65535)
		*out = (int)i;
}

/* 0, or -errno of req_view_headers. */
int
judge_arg(struct req_view *r, struct span name, const struct spop_value *v, struct arena *a)
{
	const char *p;
	size_t n;

	for (size_t i = 0; i < sizeof(span_args) / sizeof(*span_args); i++)
		if (name.n == span_args[i].name.n && memcmp(name.p, span_args[i].name.p, name.n) == 0) {
			if (spop_value_bytes(v, &p, &n) && n > 0)
				*(struct span *)((char *)r + span_args[i].offset) = (struct span){p, n};
			return 0;
		}
	if (span_is(name, "ip")) {
		ip_take(r->ip, v);
	} else if (span_is(name, "dst")) {
		ip_take(r->server_ip, v);
	} else if (span_is(name, "port")) {
		port_take(&r->port, v);
	} else if (span_is(name, "dport")) {
		port_take(&r->server_port, v);
	} else if (span_is(name, "body")) {
		if (spop_value_bytes(v, &p, &n)) {
			r->body = n ? (struct span){p, n} : r->body;
			r->flags &= ~(unsigned)REQ_NO_BODY_ARG;
		}
	} else if (span_is(name, "body_size")) {
		spop_value_int(v, &r->body_size);
	} else if (span_is(name, "tls")) {
		r->tls = v->type == SPOP_D_BOOL ? v->b : -1;
	} else if (span_is(name, "err_count")) {
		spop_value_int(v, &r->err_count);
	} else if (span_is(name, "err_count_client")) {
		spop_value_int(v, &r->err_count_client);
	} else if (span_is(name, "hdrs")) {
		if (spop_value_bytes(v, &p, &n))
			return req_view_headers(r, p, n, a);
	}
	return 0;
}

static void
set_str(struct wire_out *o, const char *name, struct span s)
{
	struct spop_value v = {.type = SPOP_D_STR, .str = {s.p, s.n}};

	spop_put_set_var(o, SPOP_SCOPE_TXN, name, &v);
}

static void
set_text(struct wire_out *o, const char *name, const char *s)
{
	set_str(o, name, (struct span){s, strlen(s)});
}

static void
set_int(struct wire_out *o, const char *name, int i)
{
	struct spop_value v = spop_v_int(i);

	spop_put_set_var(o, SPOP_SCOPE_TXN, name, &v);
}

/* A refusal names its reasons.  What only made the client suspicious is not for the client, who would learn from it. */
static bool
rule_told(const struct verdict *v, const char *id)
{
	return strncmp(id, "BOT-", 4) != 0 || strcmp(v->reason, "bot-score") == 0 || strcmp(v->reason, "threat-score") == 0;
}

/* Rule ids are ours, plain tokens: no escaping needed. */
static void
set_rules(struct wire_out *o, const struct verdict *v)
{
	char csv[VERDICT_RULES_MAX * 64], json[VERDICT_RULES_MAX * 68];
	size_t c = 0, j = 0;
	int n;

	csv[0] = '\0';
	json[j++] = '[';
	for (size_t i = 0; i < v->n_rule_ids; i++) {
		if (strlen(v->rule_ids[i]) > 60)
			continue;
		n = snprintf(csv + c, sizeof(csv) - c, "%s%s", c ? "," : "", v->rule_ids[i]);
		c += (size_t)n;
		if (!rule_told(v, v->rule_ids[i]))
			continue;
		n = snprintf(json + j, sizeof(json) - j, "%s\"%s\"", j > 1 ? "," : "", v->rule_ids[i]);
		j += (size_t)n;
	}
	json[j++] = ']';
	set_str(o, "rule_ids", (struct span){csv, c});
	set_str(o, "rule_ids_json", (struct span){json, j});
}

static void
verdict_write(struct wire_out *o, const struct req_view *r, const struct verdict *v)
{
	struct spop_value truncated = spop_v_bool(v->truncated), asn = spop_v_uint(v->asn);

	set_text(o, "action", verdict_action_str(v->action));
	set_int(o, "status", v->status);
	set_text(o, "reason", v->reason);
	set_int(o, "threat_score", v->threat_score);
	set_int(o, "bot_score", v->bot_score);
	set_text(o, "country", v->country);
	spop_put_set_var(o, SPOP_SCOPE_TXN, "asn", &asn);
	set_text(o, "ja3", v->ja3);
	set_text(o, "ja4", v->ja4);
	set_text(o, "hello", r->hello);
	set_text(o, "client_ip", r->ip);
	set_str(o, "request_id", r->request_id);
	set_rules(o, v);
	spop_put_set_var(o, SPOP_SCOPE_TXN, "truncated", &truncated);
	if (v->signature[0] != '\0')
		set_text(o, "signature", v->signature);
	if (v->retry_after > 0)
		set_int(o, "retry_after", v->retry_after);
	if (v->ban > 0) {
		set_int(o, "ban", v->ban);
		set_text(o, "ban_scope", v->ban_scope);
	}
	if (!v->waf.ran)
		return;
	set_int(o, "waf_score", v->waf.score);
	set_text(o, "waf_rules", v->waf.rules);
	if (v->waf.redirect[0] != '\0')
		set_text(o, "waf_redirect", v->waf.redirect);
}

static void
waf_count(const struct judge *j, const struct verdict_waf *w)
{
	static const size_t by_action[] = {
		[WAF_PASS] = SPOAD_C_WAF_PASS, [WAF_DENY] = SPOAD_C_WAF_DENY, [WAF_DROP] = SPOAD_C_WAF_DROP,
		[WAF_REDIRECT] = SPOAD_C_WAF_REDIRECT, [WAF_ALLOW] = SPOAD_C_WAF_ALLOW,
		[WAF_ERROR] = SPOAD_C_WAF_ERROR,
	};

	if (!w->ran)
		return;
	counters_add(j->counters, w->monitored ? SPOAD_C_WAF_MONITOR : by_action[w->action], 1);
	if (w->error != WAF_E_NONE)
		counters_add(j->counters, SPOAD_C_WAF_E_MEMORY + w->error - WAF_E_MEMORY, 1);
	counters_observe(j->counters, SPOAD_C_WAF_LATENCY, w->usec);
}

static void
verdict_count(const struct judge *j, const struct verdict *v)
{
	static const size_t by_action[] = {
		[VERDICT_ALLOW] = SPOAD_C_ALLOW, [VERDICT_DENY] = SPOAD_C_DENY, [VERDICT_ERROR] = SPOAD_C_ERROR,
	};

	if (j->counters == NULL)
		return;
	counters_add(j->counters, by_action[v->action], 1);
	if (v->truncated)
		counters_add(j->counters,
		    v->action == VERDICT_ALLOW ? SPOAD_C_TRUNC_FLAG : SPOAD_C_TRUNC_DENY, 1);
	waf_count(j, &v->waf);
	counters_observe(j->counters, SPOAD_C_LATENCY, policy_now_us() - j->since_us);
}

/* What the event is about: the WAF's finding before the guard's flag, which is common on LLM routes. */
static const char *
verdict_event(const struct verdict *v)
{
	if (v->action == VERDICT_ERROR && !v->truncated)
		return "edge.verdict.error";
	if (v->waf.detail != NULL && v->action != VERDICT_ERROR)
		return "edge.waf";
	if (v->bot_tell && v->action != VERDICT_ERROR)
		return "edge.bot";
	return v->truncated ? "edge.body.oversize" : "edge.request";
}

static void
verdict_tell(const struct judge *j, const struct req_view *r, const struct verdict *v)
{
	static const char *const action[] = {
		[VERDICT_ALLOW] = "monitor", [VERDICT_DENY] = "block", [VERDICT_ERROR] = "error",
	};
	struct event e = {.event = verdict_event(v), .score = v->threat_score, .action = action[v->action]};
	const char *bot;

	if (j->events == NULL || v->hush || (v->action == VERDICT_ALLOW && !v->tell))
		return;
	e.severity = v->action == VERDICT_ALLOW ? 2 : v->action == VERDICT_DENY ? 4 : 6;
	if (v->waf.detail != NULL && (v->action == VERDICT_DENY || v->waf.monitored))
		e.severity = v->action == VERDICT_DENY ? 7 : 5;
	if (v->bot_tell && e.severity < 4)
		e.severity = 4;
	e.ip = r->ip[0] ? r->ip : NULL;
	e.ja4 = v->ja4[0] ? v->ja4 : NULL;
	e.key = v->key[0] ? v->key : NULL;
	e.request_id = r->request_id.n ? arena_strndup(j->arena, r->request_id.p, r->request_id.n) : NULL;
	e.rule_ids = v->rule_ids;
	e.n_rule_ids = v->n_rule_ids;
	bot = v->bot != NULL ? eng_bot_detail(j->arena, v->bot) : NULL;
	e.detail = arena_printf(j->arena, "{\"reason\":\"%s\",\"body_len\":%zu,\"body_size\":%lld%s%s%s%s}", v->reason,
	    r->body.n, (long long)r->body_size, v->waf.detail ? ",\"waf\":" : "", v->waf.detail ? v->waf.detail : "",
	    bot ? ",\"bot\":" : "", bot ? bot : "");
	if (event_emit(j->events, &e) != 0 && j->counters != NULL)
		counters_add(j->counters, SPOAD_C_EVENT_LOST, 1);
}

/* From the connection's hello to this request's verdict; without one, or with a text not ours, nothing is known. */
static void
fingerprint_take(struct req_view *r, struct verdict *v, struct arena *a)
{
	struct fingerprint *f;

	if (r->ja.n == 0 || (f = arena_alloc(a, sizeof(*f))) == NULL || !fingerprint_parse(f, r->ja))
		return;
	v->ja4 = f->ja4;
	v->ja3 = f->ja3;
	r->hello = f->state;
}

static void
judge_request(struct judge *j, const struct spop_notify *n, struct span ja, struct wire *args, struct wire_out *ack)
{
	int64_t deadline = policy_conf(j->policy)->deadline;
	struct req_view r;
	struct verdict v;
	struct spop_value val;
	struct span name;
	int rc = 0;

	req_view_init(&r);
	r.ja = ja;
	r.bufsize = n->peer_frame_size ? (int64_t)n->peer_frame_size + SPOP_LENGTH : 0;
	verdict_init(&v, time(NULL));
	while (rc == 0 && spop_kv_get(args, &name.p, &name.n, &val))
		rc = judge_arg(&r, name, &val, j->arena);
	req_view_split_uri(&r);
	fingerprint_take(&r, &v, j->arena);
	if (rc != 0)
		verdict_error(&v, "arguments-malformed");
	else
		policy_judge(j->policy, j->thread, &r, &v, j->arena, j->since_us + (uint64_t)deadline * 1000);
	if (arena_failed(j->arena))
		verdict_error(&v, "memory");
	if (v.action == VERDICT_ALLOW && policy_now_us() > j->since_us + (uint64_t)deadline * 1000)
		verdict_error(&v, "deadline");
	verdict_write(ack, &r, &v);
	verdict_count(j, &v);
	verdict_tell(j, &r, &v);
	if (v.behaved != NULL && j->events != NULL && behave_tell(j->events, &r, &v, j->arena) != 0 &&
	    j->counters != NULL)
		counters_add(j->counters, SPOAD_C_EVENT_LOST, 1);
}

int
judge_notify(void *arg, const struct spop_notify *n, struct wire_out *ack)
{
	struct span ja = {"", 0}, name;
	struct judge *j = arg;
	struct spop_message m;
	struct wire w;

	arena_reset(j->arena);
	wire_init(&w, n->payload, n->len);
	while (spop_message_get(&w, &m)) {
		name = (struct span){m.name, m.name_len};
		if (span_is(name, JUDGE_MESSAGE))
			judge_request(j, n, ja, &m.args, ack);
		else if (span_is(name, JUDGE_HELLO))
			judge_hello(j, &m.args, ack);
		else if (span_is(name, JUDGE_LISTS))
			ja = judge_lists(j, &m.args, ack);
		else if (span_is(name, RESPOND_MESSAGE))
			respond_message(j, &m.args, ack);
	}
	return w.err ? SPOP_S_INVALID : SPOP_S_NORMAL;
}
