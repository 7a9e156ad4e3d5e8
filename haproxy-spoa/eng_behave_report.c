/* SPDX-License-Identifier: MIT */
/* A ban as an event. */
#include "config.h"

#include <string.h>

#include "haproxy-spoa/eng_behave.h"
#include "haproxy-spoa/req_view.h"
#include "lib/arena.h"
#include "lib/event.h"

const char *
behave_rule_id(enum behave_counter c)
{
	static const char *const ids[BEHAVE_COUNTERS] = {
		[BEHAVE_REQUESTS] = "behave-requests", [BEHAVE_ERRORS] = "behave-errors",
		[BEHAVE_PATHS] = "behave-paths", [BEHAVE_WAF_HITS] = "behave-waf-hits",
	};

	return ids[c];
}

/* Everything in it is a number or a token of ours: ids have no quotes. */
const char *
behave_detail(const struct behave_decision *d, struct arena *a)
{
	const struct ban_who *w = &d->as.who;
	bool network = w->kind == BAN_IP && strchr(w->id, '/') != NULL;

	return arena_printf(a, "{\"scope\":\"%s\",\"id\":\"%s\"%s%s%s,\"reason\":\"%s\",\"level\":%d,\"requests\":%u,"
	    "\"errors\":%u,\"paths\":%u,\"waf_hits\":%u}", ban_kind_name(w->kind), w->id, network ? ",\"cidr\":\"" : "",
	    network ? w->id : "", network ? "\"" : "", behave_counter_name(d->why), d->as.level, d->sum.requests,
	    d->sum.errors, d->sum.paths, d->sum.waf_hits);
}

int
behave_tell(struct event_client *ev, const struct req_view *r, const struct verdict *v, struct arena *a)
{
	const struct behave_decision *d = v->behaved;
	const char *rules[] = {behave_rule_id(d->why)};
	struct event e = {
		.event = d->banned ? "edge.ban" : "edge.behaviour", .severity = d->banned ? 7 : 5,
		.score = v->threat_score, .action = d->banned ? "block" : "monitor",
		.ip = r->ip[0] ? r->ip : NULL, .ja4 = v->ja4[0] ? v->ja4 : NULL, .key = v->key[0] ? v->key : NULL,
		.rule_ids = rules, .n_rule_ids = 1, .ttl_s = (d->ms + 999) / 1000, .detail = behave_detail(d, a),
	};

	if (r->request_id.n > 0)
		e.request_id = arena_strndup(a, r->request_id.p, r->request_id.n);
	return event_emit(ev, &e);
}
