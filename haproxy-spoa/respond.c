/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>
#include <time.h>

#include "haproxy-spoa/judge.h"
#include "haproxy-spoa/policy.h"
#include "haproxy-spoa/respond.h"
#include "haproxy-spoa/spoad_counters.h"
#include "haproxy-spoa/spop_conn.h"
#include "haproxy-spoa/spop_frame.h"
#include "lib/arena.h"
#include "lib/event.h"

/* 0, or -errno of req_view_headers. */
static int
arg_take(struct rsp_view *rsp, struct req_view *r, struct span name, const struct spop_value *v, struct arena *a)
{
	struct req_view headers = {.n_headers = 0};
	const char *p;
	size_t n;
	int rc;

	if (span_is(name, "status")) {
		spop_value_int(v, &rsp->status);
	} else if (span_is(name, "rsp_ver")) {
		if (spop_value_bytes(v, &p, &n))
			rsp->version = (struct span){p, n};
	} else if (span_is(name, "rsp_body")) {
		if (spop_value_bytes(v, &p, &n))
			rsp->body = (struct span){p, n};
	} else if (span_is(name, "rsp_hdrs")) {
		if (!spop_value_bytes(v, &p, &n))
			return 0;
		rc = req_view_headers(&headers, p, n, a);
		rsp->headers = headers.headers;
		rsp->n_headers = headers.n_headers;
		return rc;
	} else {
		return judge_arg(r, name, v, a);
	}
	return 0;
}

static void
set_text(struct wire_out *o, const char *name, const char *s)
{
	struct spop_value v = {.type = SPOP_D_STR, .str = {s, strlen(s)}};

	spop_put_set_var(o, SPOP_SCOPE_TXN, name, &v);
}

static void
set_int(struct wire_out *o, const char *name, int i)
{
	struct spop_value v = spop_v_int(i);

	spop_put_set_var(o, SPOP_SCOPE_TXN, name, &v);
}

/* Ids are numbers: no escaping needed. */
static const char *
rules_json(const struct verdict *v, struct arena *a)
{
	const char *s = "[";

	for (size_t i = 0; v->waf.ran && i < v->waf.n_ids && s != NULL; i++)
		s = arena_printf(a, "%s%s\"%s\"", s, i > 0 ? "," : "", v->waf.ids[i]);
	s = s != NULL ? arena_printf(a, "%s]", s) : NULL;
	return s != NULL ? s : "[]";
}

static void
verdict_write(struct wire_out *o, const struct verdict *v, struct arena *a)
{
	set_text(o, "resp_action", verdict_action_str(v->action));
	set_int(o, "resp_status", v->status);
	set_text(o, "resp_reason", v->reason);
	set_int(o, "resp_score", v->waf.ran ? v->waf.score : 0);
	set_text(o, "resp_rules", v->waf.ran ? v->waf.rules : "");
	set_text(o, "resp_rules_json", rules_json(v, a));
}

static void
verdict_count(const struct judge *j, const struct verdict *v)
{
	static const size_t by_action[] = {
		[VERDICT_ALLOW] = SPOAD_C_RESP_ALLOW, [VERDICT_DENY] = SPOAD_C_RESP_DENY,
		[VERDICT_ERROR] = SPOAD_C_RESP_ERROR,
	};

	if (j->counters == NULL)
		return;
	counters_add(j->counters, v->waf.monitored ? SPOAD_C_RESP_MONITOR : by_action[v->action], 1);
	if (v->waf.ran && v->waf.error != WAF_E_NONE)
		counters_add(j->counters, SPOAD_C_WAF_E_MEMORY + v->waf.error - WAF_E_MEMORY, 1);
}

static void
verdict_tell(const struct judge *j, const struct req_view *r, const struct rsp_view *rsp, const struct verdict *v)
{
	static const char *const action[] = {
		[VERDICT_ALLOW] = "monitor", [VERDICT_DENY] = "block", [VERDICT_ERROR] = "error",
	};
	struct event e = {.event = v->action == VERDICT_ERROR ? "edge.verdict.error" : "edge.waf", .action = action[v->action]};

	if (j->events == NULL || (v->action == VERDICT_ALLOW && !v->tell))
		return;
	e.severity = v->action == VERDICT_ALLOW ? 5 : v->action == VERDICT_DENY ? 7 : 6;
	e.ip = r->ip[0] ? r->ip : NULL;
	e.request_id = r->request_id.n ? arena_strndup(j->arena, r->request_id.p, r->request_id.n) : NULL;
	e.rule_ids = v->rule_ids;
	e.n_rule_ids = v->n_rule_ids;
	e.detail = arena_printf(j->arena, "{\"reason\":\"%s\",\"direction\":\"response\",\"status\":%d,\"body_len\":%zu%s%s}",
	    v->reason, rsp->status > 0 && rsp->status < 1000 ? (int)rsp->status : 0, rsp->body.n,
	    v->waf.detail ? ",\"waf\":" : "", v->waf.detail ? v->waf.detail : "");
	if (event_emit(j->events, &e) != 0 && j->counters != NULL)
		counters_add(j->counters, SPOAD_C_EVENT_LOST, 1);
}

void
respond_message(const struct judge *j, struct wire *args, struct wire_out *ack)
{
	uint64_t deadline = j->since_us + (uint64_t)policy_conf(j->policy)->deadline * 1000;
	struct rsp_view rsp = {.version = {"", 0}, .body = {"", 0}};
	struct req_view r;
	struct verdict v;
	struct spop_value val;
	struct span name;
	int rc = 0;

	req_view_init(&r);
	verdict_init(&v, time(NULL));
	while (rc == 0 && spop_kv_get(args, &name.p, &name.n, &val))
		rc = arg_take(&rsp, &r, name, &val, j->arena);
	req_view_split_uri(&r);
	if (rc != 0)
		verdict_error(&v, "arguments-malformed");
	else
		policy_respond(j->policy, j->thread, &r, &rsp, &v, j->arena, deadline);
	if (arena_failed(j->arena))
		verdict_error(&v, "memory");
	if (v.action == VERDICT_ALLOW && policy_now_us() > deadline)
		verdict_error(&v, "deadline");
	verdict_write(ack, &v, j->arena);
	verdict_count(j, &v);
	verdict_tell(j, &r, &rsp, &v);
}
