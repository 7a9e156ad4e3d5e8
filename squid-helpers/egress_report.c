/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/counters.h"
#include "lib/event.h"
#include "lib/log.h"
#include "lib/set_file.h"
#include "squid-helpers/egress_accounts.h"
#include "squid-helpers/egress_conf.h"
#include "squid-helpers/egress_path.h"
#include "squid-helpers/egress_policy.h"
#include "squid-helpers/egress_report.h"
#include "squid-helpers/egress_usage.h"

#define REPEAT_SLOTS	512	/* a power of 2; a collision only means one event more */
#define REPEAT_MS	1000
#define EVENTS_MAX	200	/* a second; a client that asks for ever new names must not fill the spool */

enum { CTR_ALLOW, CTR_DENY, CTR_BROKEN, CTR_LOADED, CTR_REJECTED, CTR_STALE, CTR_NAMES,
       CTR_EVENT_LOST, CTR_EVENT_HELD, CTR_UP, CTR_DOWN, CTR_LINES_BAD, CTR_OVER, CTR_SETS_STALE, CTR_REASON };

#define REASON(tok)	{ "llmsec_egress_denied_total", "reason=\"" tok "\"", \
			  "Requests refused, by reason", COUNTER_COUNTER }

static const struct counter_def defs[] = {
	[CTR_ALLOW] = { "llmsec_egress_requests_total", "result=\"allow\"",
	    "Requests the egress helper judged", COUNTER_COUNTER },
	[CTR_DENY] = { "llmsec_egress_requests_total", "result=\"deny\"",
	    "Requests the egress helper judged", COUNTER_COUNTER },
	[CTR_BROKEN] = { "llmsec_egress_requests_total", "result=\"broken\"",
	    "Requests the egress helper judged", COUNTER_COUNTER },
	[CTR_LOADED] = { "llmsec_egress_policy_loads_total", "result=\"ok\"",
	    "Policy files the egress helper read", COUNTER_COUNTER },
	[CTR_REJECTED] = { "llmsec_egress_policy_loads_total", "result=\"rejected\"",
	    "Policy files the egress helper read", COUNTER_COUNTER },
	[CTR_STALE] = { "llmsec_egress_policy_stale", NULL,
	    "1 while the policy file is broken and an older policy, or none, is in force",
	    COUNTER_GAUGE },
	[CTR_NAMES] = { "llmsec_egress_policy_names", NULL, "Host names in the policy in force",
	    COUNTER_GAUGE },
	[CTR_EVENT_LOST] = { "llmsec_egress_events_lost_total", NULL,
	    "Events that could not even be spooled", COUNTER_COUNTER },
	[CTR_EVENT_HELD] = { "llmsec_egress_events_held_total", NULL,
	    "Refusals that no event tells of or counts, because there were too many in that second", COUNTER_COUNTER },
	[CTR_UP] = { "llmsec_egress_budget_bytes_total", "direction=\"up\"", "Bytes counted for budgets", COUNTER_COUNTER },
	[CTR_DOWN] = { "llmsec_egress_budget_bytes_total", "direction=\"down\"", "Bytes counted for budgets", COUNTER_COUNTER },
	[CTR_LINES_BAD] = { "llmsec_egress_budget_lines_bad_total", NULL,
	    "Lines of the accounts log that were not understood", COUNTER_COUNTER },
	[CTR_OVER] = { "llmsec_egress_budgets_over", NULL, "Counts of budgets that have reached their limit", COUNTER_GAUGE },
	[CTR_SETS_STALE] = { "llmsec_egress_threats_stale", NULL,
	    "Sets of llmsec-ti-sync that can't be read, so that older ones, or none, are in force", COUNTER_GAUGE },
	/* in the order of enum egress_reason, without EGRESS_ALLOWED */
	REASON("not_allowed"), REASON("denied_by_rule"), REASON("port_not_allowed"),
	REASON("method_not_allowed"), REASON("ip_literal"), REASON("metadata"), REASON("bad_host"),
	REASON("userinfo"), REASON("sni_mismatch"), REASON("no_policy"), REASON("threat"),
	REASON("listed"), REASON("private_address"), REASON("no_sni"), REASON("path_not_allowed"),
	REASON("identity_not_allowed"), REASON("dns_endpoint"), REASON("websocket"), REASON("grpc"), REASON("scheme"),
	REASON("nested_tunnel"), REASON("tls_not_opened"), REASON("over_budget"), REASON("no_accounts"),
};
#define DEFS_N	(sizeof(defs) / sizeof(defs[0]))
_Static_assert(DEFS_N == CTR_REASON + EGRESS_REASON_N - 1, "one counter per reason");

struct repeat {
	uint64_t		key;
	int64_t			since_ms;
	unsigned		held;	/* refusals since then that were not sent */
	enum egress_reason	reason;
	bool			observed, anomaly;
	unsigned		port;
	char			identity[65];
	char			src[48], host[EGRESS_HOST_MAX + 3], rule[65], method[17];
	char			path[129];	/* where it is the reason: without its query, cut */
};

struct egress_report {
	struct counters		*ctr;
	struct event_client	*events;
	char			*counters_dir, *node, *socket, *spool_dir;	/* in use */
	int64_t			 second_ms;	/* when the budget of events was filled up */
	unsigned		 sent;		/* of it since then */
	uint64_t		 up, down, bad;	/* of the accounts, as far as counted */
	time_t			 over_said[64][65];	/* by budget and identity */
	struct repeat		 repeat[REPEAT_SLOTS];
};

int
egress_report_open(struct egress_report **out)
{
	struct egress_report *r = calloc(1, sizeof(*r));
	int err;

	*out = NULL;
	if (r == NULL)
		return -ENOMEM;
	err = counters_open(&r->ctr, NULL, "egress", defs, DEFS_N);
	if (err < 0) {
		free(r);
		return err;
	}
	*out = r;
	return 0;
}

void
egress_report_close(struct egress_report **rp)
{
	struct egress_report *r = *rp;

	*rp = NULL;
	if (r == NULL)
		return;
	egress_report_tick(r, INT64_MAX);
	event_client_close(&r->events);
	counters_close(&r->ctr);
	free(r->counters_dir);
	free(r->node);
	free(r->socket);
	free(r->spool_dir);
	free(r);
}

/* Remember <now> in *<was>; true if it is something else than before. */
static bool
changed(char **was, const char *now)
{
	char *copy;

	if (*was != NULL && strcmp(*was, now) == 0)
		return false;
	copy = strdup(now);
	if (copy == NULL)
		return false;
	free(*was);
	*was = copy;
	return true;
}

static void
direct_counters(struct egress_report *r, const char *dir)
{
	struct counters *c = NULL;
	int err;

	if (!changed(&r->counters_dir, dir))
		return;
	err = counters_open(&c, dir[0] ? dir : NULL, "egress", defs, DEFS_N);
	if (err < 0) {
		errno = -err;
		log_warn("counters in %s", dir);
		return;
	}
	counters_close(&r->ctr);
	r->ctr = c;
}

static void
direct_events(struct egress_report *r, const struct egress_conf *conf)
{
	char path[512];
	const char *sock = conf->events.socket;
	struct event_client_conf ec = {
		.spool_dir = conf->events.spool_dir, .layer = "egress",
		.program = "ext_llmsec_egress_acl",
	};
	bool new_node, new_sock, new_spool;
	int err;

	if (sock[0] == '\0') {
		snprintf(path, sizeof(path), "%s/events.sock", conf->run_dir);
		sock = path;
	}
	new_node = changed(&r->node, conf->node);
	new_sock = changed(&r->socket, sock);
	new_spool = changed(&r->spool_dir, conf->events.spool_dir);
	if (!new_node && !new_sock && !new_spool)
		return;
	ec.socket_path = r->socket;
	ec.node = r->node != NULL && r->node[0] ? r->node : NULL;
	event_client_close(&r->events);
	if (ec.spool_dir[0] == '\0')
		return;
	err = event_client_open(&r->events, &ec);
	if (err < 0) {
		errno = -err;
		log_warn("events in %s", ec.spool_dir);
	}
}

void
egress_report_direct(struct egress_report *r, const struct egress_conf *conf)
{
	direct_counters(r, conf->counters_dir);
	direct_events(r, conf);
}

static void
emit(struct egress_report *r, const struct event *e)
{
	if (r->events != NULL && event_emit(r->events, e) < 0)
		counters_add(r->ctr, CTR_EVENT_LOST, 1);
}

static void
emit_deny(struct egress_report *r, const struct repeat *s, unsigned count)
{
	const char *rules[] = { s->rule };
	struct buf detail = { 0 };
	struct event e = {
		.event = s->observed ? "egress.would_deny" : s->anomaly ? "egress.anomaly" : "egress.deny",
		.severity = egress_reason_severity(s->reason), .score = -1,
		.action = s->observed ? "monitor" : "block", .ip = s->src[0] ? s->src : NULL, .rule_ids = rules,
		.n_rule_ids = 1, .target = s->host,
	};

	buf_printf(&detail, "{\"reason\":\"%s\",\"port\":%u,\"method\":\"",
	    egress_reason_str(s->reason), s->port);
	buf_add_json(&detail, s->method, strlen(s->method));
	if (s->path[0] != '\0') {
		buf_adds(&detail, "\",\"path\":\"");
		buf_add_json(&detail, s->path, strlen(s->path));
	}
	if (s->identity[0] != '\0')
		buf_printf(&detail, "\",\"identity\":\"%s", s->identity);
	buf_printf(&detail, "\",\"count\":%u}", count);
	/* What the gateway or an agent never does is worse than what an application tries. */
	if (s->anomaly && e.severity < 8)
		e.severity = 8;
	buf_addc(&detail, '\0');
	e.detail = detail.err ? NULL : buf_ptr(&detail);
	emit(r, &e);
	buf_free(&detail);
}

static void
copy_plain(char *out, size_t size, const char *p, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < n && k + 1 < size; i++)
		out[k++] = p[i] > ' ' && p[i] < 0x7f ? p[i] : '?';
	out[k] = '\0';
}

static uint64_t
mix(uint64_t h, const void *p, size_t n)	/* FNV-1a */
{
	const unsigned char *b = p;

	while (n-- > 0)
		h = (h ^ *b++) * 1099511628211ULL;
	return h;
}

static bool
budget_take(struct egress_report *r, int64_t now_ms)
{
	if (now_ms - r->second_ms >= 1000) {
		r->second_ms = now_ms;
		r->sent = 0;
	}
	return r->sent++ < EVENTS_MAX;
}

static void
report_deny(struct egress_report *r, const struct egress_request *q,
    const struct egress_verdict *v, int64_t now_ms)
{
	uint64_t key = mix(14695981039346656037ULL, q->src.p, q->src.n);
	struct repeat *s;

	if (r->events == NULL)
		return;
	key = mix(key, v->host.name, v->host.len);
	key = mix(mix(key, &q->port, sizeof(q->port)), &v->reason, sizeof(v->reason));
	/* What a rule would have to name is in the event, so each of them has its own. */
	if (v->reason == EGRESS_METHOD_NOT_ALLOWED || v->reason == EGRESS_PATH_NOT_ALLOWED)
		key = mix(key, q->method.p, q->method.n);
	if (v->reason == EGRESS_PATH_NOT_ALLOWED)
		key = mix(key, q->path.p, egress_path_len(q->path.p, q->path.n));
	s = &r->repeat[(key ^ key >> 32) & (REPEAT_SLOTS - 1)];
	if (s->key == key && now_ms - s->since_ms < REPEAT_MS) {
		s->held++;
		return;
	}
	if (!budget_take(r, now_ms)) {
		counters_add(r->ctr, CTR_EVENT_HELD, 1);
		return;
	}
	if (s->held > 0)
		emit_deny(r, s, s->held);
	*s = (struct repeat){ .key = key, .since_ms = now_ms, .reason = v->reason, .port = q->port,
	    .observed = v->observed, .anomaly = v->kind != EGRESS_APPLICATION };
	if (v->identity != NULL)
		copy_plain(s->identity, sizeof(s->identity), v->identity, strlen(v->identity));
	copy_plain(s->src, sizeof(s->src), q->src.p, q->src.n);
	copy_plain(s->host, sizeof(s->host), v->host.name, v->host.len);
	copy_plain(s->rule, sizeof(s->rule), v->rule, strlen(v->rule));
	copy_plain(s->method, sizeof(s->method), q->method.p, q->method.n);
	if (v->reason == EGRESS_PATH_NOT_ALLOWED)
		copy_plain(s->path, sizeof(s->path), q->path.p, egress_path_len(q->path.p, q->path.n));
	emit_deny(r, s, 1);
}

void
egress_report_verdict(struct egress_report *r, const struct egress_request *q,
    const struct egress_verdict *v, int64_t now_ms)
{
	counters_add(r->ctr, v->allow ? CTR_ALLOW : CTR_DENY, 1);
	if (v->allow && !v->observed)
		return;
	counters_add(r->ctr, CTR_REASON + (size_t)v->reason - 1, 1);
	report_deny(r, q, v, now_ms);
}

void
egress_report_broken(struct egress_report *r)
{
	counters_add(r->ctr, CTR_BROKEN, 1);
}

void
egress_report_policy(struct egress_report *r, const struct egress_policy *p, const char *why)
{
	struct event e = {
		.event = why ? "egress.policy_rejected" : "egress.policy_loaded",
		.severity = why ? 7 : 1, .score = -1, .action = why ? "error" : "allow",
	};
	struct buf detail = { 0 };

	counters_add(r->ctr, why ? CTR_REJECTED : CTR_LOADED, 1);
	counters_set(r->ctr, CTR_STALE, why != NULL);
	counters_set(r->ctr, CTR_NAMES, p ? (int64_t)egress_policy_names(p) : 0);
	buf_printf(&detail, "{\"pid\":%ld,\"in_force\":%s,\"error\":\"", (long)getpid(),
	    p ? "true" : "false");
	if (why != NULL)
		buf_add_json(&detail, why, strlen(why));
	buf_add(&detail, "\"}", 3);
	e.detail = detail.err ? NULL : buf_ptr(&detail);
	emit(r, &e);
	buf_free(&detail);
}

void
egress_report_threats(struct egress_report *r, const char *path, const struct set_info *info, const char *why)
{
	struct event e = { .event = why != NULL ? "egress.threats_rejected" : "egress.threats_loaded", .severity = why != NULL ? 7 : 1,
	    .score = -1, .action = why != NULL ? "error" : "allow" };
	struct buf detail = { 0 };

	buf_adds(&detail, "{\"file\":\"");
	buf_add_json(&detail, path, strlen(path));
	buf_printf(&detail, "\",\"entries\":%llu,\"run\":%llu,\"error\":\"", (unsigned long long)info->entries,
	    (unsigned long long)info->generation);
	if (why != NULL)
		buf_add_json(&detail, why, strlen(why));
	buf_add(&detail, "\"}", 3);
	e.detail = detail.err ? NULL : buf_ptr(&detail);
	emit(r, &e);
	buf_free(&detail);
}

void
egress_report_stale(struct egress_report *r, unsigned sets)
{
	counters_set(r->ctr, CTR_SETS_STALE, (int64_t)sets);
}

static void
emit_budget(struct egress_report *r, const struct egress_conf *c, size_t budget, int who, uint64_t used, time_t until)
{
	struct event e = { .event = "egress.budget_used", .severity = 5, .score = -1,
	    .action = c->mode == EGRESS_OBSERVE ? "monitor" : "block", .target = c->budgets[budget].id };
	struct buf detail = { 0 };

	buf_printf(&detail, "{\"reason\":\"over_budget\",\"identity\":\"%s\",\"used\":%llu,\"bytes\":%lld,\"until\":%lld}",
	    who >= 0 ? c->identities[who].id : "", (unsigned long long)used, (long long)c->budgets[budget].bytes,
	    (long long)until);
	buf_addc(&detail, '\0');
	e.detail = detail.err ? NULL : buf_ptr(&detail);
	emit(r, &e);
	buf_free(&detail);
}

/* Of each count the end of the hour or day that was said already. */
static void
report_over(struct egress_report *r, const struct egress_usage *u, time_t now)
{
	const struct egress_conf *c = egress_usage_conf(u);

	for (size_t b = 0; b < c->n_budgets && b < 64; b++)
		for (size_t w = 0; w < (c->budgets[b].share ? 1 : c->n_identities + 1) && w < 65; w++) {
			time_t until;
			uint64_t used = egress_usage_used(u, b, (int)w - 1, now, &until);

			if (used < (uint64_t)c->budgets[b].bytes || r->over_said[b][w] == until)
				continue;
			r->over_said[b][w] = until;
			emit_budget(r, c, b, (int)w - 1, used, until);
		}
}

void
egress_report_budgets(struct egress_report *r, const struct egress_accounts *a, bool over)
{
	time_t now = time(NULL);

	counters_set(r->ctr, CTR_OVER, a->usage != NULL ? (int64_t)egress_usage_over_count(a->usage, now) : 0);
	counters_add(r->ctr, CTR_UP, a->up - r->up);
	counters_add(r->ctr, CTR_DOWN, a->down - r->down);
	counters_add(r->ctr, CTR_LINES_BAD, a->bad - r->bad);
	r->up = a->up;
	r->down = a->down;
	r->bad = a->bad;
	if (over && a->usage != NULL)
		report_over(r, a->usage, now);
}

void
egress_report_tick(struct egress_report *r, int64_t now_ms)
{
	for (size_t i = 0; i < REPEAT_SLOTS; i++) {
		struct repeat *s = &r->repeat[i];

		if (s->held == 0 || now_ms - s->since_ms < REPEAT_MS)
			continue;
		emit_deny(r, s, s->held);
		s->held = 0;
		s->since_ms = now_ms;
	}
	if (r->events != NULL)
		event_client_tick(r->events);
}
