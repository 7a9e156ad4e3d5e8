/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stddef.h>
#include <string.h>
#include <syslog.h>

#include "squid-helpers/egress_conf.h"

static const struct conf_enum level_names[] = {
	{ "err", LOG_ERR }, { "warning", LOG_WARNING }, { "notice", LOG_NOTICE },
	{ "info", LOG_INFO }, { "debug", LOG_DEBUG }, { NULL, 0 }
};

static const struct conf_enum action_names[] = {
	{ "allow", EGRESS_RULE_ALLOW }, { "deny", EGRESS_RULE_DENY }, { NULL, 0 }
};

/* Ids travel in helper replies, logs and events: no byte that needs quoting anywhere. */
static const char *
check_id(const void *field)
{
	const char *s = *(char *const *)field;
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	if (n == 0 || n > 64 || s[n] != '\0')
		return "must be 1 to 64 of a-z A-Z 0-9 . _ -";
	return NULL;
}

static const struct conf_enum tls_names[] = {
	{ "splice", EGRESS_TLS_SPLICE }, { "bump", EGRESS_TLS_BUMP }, { NULL, 0 }
};

static const struct conf_enum mode_names[] = {
	{ "enforce", EGRESS_ENFORCE }, { "observe", EGRESS_OBSERVE }, { NULL, 0 }
};

static const struct conf_enum kind_names[] = {
	{ "application", EGRESS_APPLICATION }, { "gateway", EGRESS_GATEWAY }, { "agent", EGRESS_AGENT }, { NULL, 0 }
};

static const struct conf_opt group_opts[] = {
	CONF_AT(struct egress_conf_group, at),
	{ .name = "name", .type = CONF_T_STR, .offset = offsetof(struct egress_conf_group, name),
	  .max = 64, .unit = "id", .help = "how rules refer to this group", .check = check_id },
	CONF_STRS(struct egress_conf_group, domains,
	    "host names; a leading dot stands for the name and everything below it"),
	CONF_END
};

static const struct conf_opt rule_opts[] = {
	CONF_AT(struct egress_conf_rule, at),
	{ .name = "id", .type = CONF_T_STR, .offset = offsetof(struct egress_conf_rule, id),
	  .max = 64, .unit = "id", .help = "shown to the client, in logs and in events",
	  .check = check_id },
	CONF_ENUM(struct egress_conf_rule, action, action_names, "allow", "what a match means"),
	CONF_STRS(struct egress_conf_rule, groups, "names of groups this rule is about"),
	CONF_STRS(struct egress_conf_rule, domains, "further host names, as in a group"),
	CONF_STRS(struct egress_conf_rule, ports, "ports or ranges such as 8000-8010; empty: 443"),
	CONF_STRS(struct egress_conf_rule, methods, "HTTP methods including CONNECT; empty: any"),
	CONF_STRS(struct egress_conf_rule, identities, "ids of identities this rule is for; empty: everybody"),
	CONF_STRS(struct egress_conf_rule, cidrs, "networks that may be reached by address"),
	CONF_STRS(struct egress_conf_rule, paths, "paths, a star at the end stands for any rest; empty: any"),
	CONF_ENUM(struct egress_conf_rule, tls, tls_names, "splice", "pass TLS on untouched, or look inside it"),
	CONF_BOOL(struct egress_conf_rule, override_lists, "false", "allow even what a deny list has"),
	CONF_BOOL(struct egress_conf_rule, websocket, "false", "allow Upgrade"),
	CONF_BOOL(struct egress_conf_rule, grpc, "false", "allow application/grpc"),
	CONF_BOOL(struct egress_conf_rule, doh, "false", "allow DNS over HTTPS and TLS"),
	CONF_END
};

static const struct conf_opt identity_opts[] = {
	CONF_AT(struct egress_conf_identity, at),
	{ .name = "id", .type = CONF_T_STR, .offset = offsetof(struct egress_conf_identity, id),
	  .max = 64, .unit = "id", .help = "name in rules, logs and events", .check = check_id },
	CONF_ENUM(struct egress_conf_identity, kind, kind_names, "application",
	    "refusals of a gateway or an agent are events of their own, egress.anomaly"),
	CONF_STRS(struct egress_conf_identity, sources, "client networks"),
	CONF_STRS(struct egress_conf_identity, users, "user names of proxy authentication"),
	CONF_STRS(struct egress_conf_identity, certificates, "common names of client certificates"),
	CONF_STRS(struct egress_conf_identity, labels, "values of X-LLMSec-Workload from a trusted hop"),
	CONF_END
};

static const struct conf_enum direction_names[] = {
	{ "both", EGRESS_BOTH }, { "up", EGRESS_UP }, { "down", EGRESS_DOWN }, { NULL, 0 }
};

static const struct conf_enum per_names[] = {
	{ "day", EGRESS_PER_DAY }, { "hour", EGRESS_PER_HOUR }, { NULL, 0 }
};

static const struct conf_opt budget_opts[] = {
	CONF_AT(struct egress_conf_budget, at),
	{ .name = "id", .type = CONF_T_STR, .offset = offsetof(struct egress_conf_budget, id),
	  .max = 64, .unit = "id", .help = "name in answers, logs and events", .check = check_id },
	CONF_STRS(struct egress_conf_budget, identities, "ids of identities it is for; empty: everybody"),
	CONF_STRS(struct egress_conf_budget, rules, "ids of rules: what they allow counts; empty: everything"),
	CONF_ENUM(struct egress_conf_budget, direction, direction_names, "both", "bytes to servers, from them, or both"),
	CONF_ENUM(struct egress_conf_budget, per, per_names, "day", "of UTC"),
	{ .name = "bytes", .type = CONF_T_SIZE, .offset = offsetof(struct egress_conf_budget, bytes), .min = 1,
	  .max = (int64_t)1 << 60, .unit = "bytes", .help = "that may pass" },
	CONF_BOOL(struct egress_conf_budget, share, "false", "one count for all identities instead of one each"),
	CONF_END
};

static const struct conf_opt accounts_opts[] = {
	CONF_STR(struct egress_conf_accounts, log, "", "path", "where Squid writes the bytes of each request (llmsec-budget.conf)"),
	CONF_STR(struct egress_conf_accounts, state, "", "path", "where the helper keeps its counts, writable by Squid"),
	CONF_END
};

static const struct conf_opt lists_opts[] = {
	CONF_STR(struct egress_conf_lists, path, "", "path", "lists of llmsecd's API, readable by Squid; empty: none"),
	CONF_BOOL(struct egress_conf_lists, required, "true", "refuse everything while they were never readable"),
	CONF_END
};

const struct conf_opt egress_providers_opts[] = {
	CONF_SEQ(struct egress_providers, groups, n_groups, group_opts, struct egress_conf_group,
	    "named lists of domains"),
	CONF_END
};

static const struct conf_opt events_opts[] = {
	CONF_STR(struct egress_conf_events, socket, "", "path",
	    "socket of llmsecd; empty: events.sock in run_dir"),
	CONF_STR(struct egress_conf_events, spool_dir, "", "path",
	    "where events wait until llmsecd has them, writable by Squid; empty: no events"),
	CONF_END
};

static const struct conf_opt threats_opts[] = {
	CONF_STR(struct egress_conf_threats, domains, "", "path",
	    "domains.set of llmsec-ti-sync, readable by Squid; empty: none"),
	CONF_STR(struct egress_conf_threats, ips, "", "path",
	    "ips.set of llmsec-ti-sync, readable by Squid; empty: none"),
	CONF_INT(struct egress_conf_threats, min_confidence, 0, 100, "50", "per cent",
	    "only entries at least as sure"),
	CONF_BOOL(struct egress_conf_threats, required, "true",
	    "refuse everything while a set that is named was never readable"),
	CONF_END
};

const struct conf_opt egress_conf_opts[] = {
	CONF_ENUM(struct egress_conf, log_level, level_names, "info", "least important line logged"),
	CONF_STR(struct egress_conf, node, "", "name", "name of this node in events; empty: hostname"),
	CONF_STR(struct egress_conf, run_dir, LLMSEC_RUNDIR, "path", "where llmsecd has its socket"),
	CONF_MAP(struct egress_conf, events, events_opts, "where verdicts go"),
	CONF_STR(struct egress_conf, counters_dir, "", "path",
	    "folder of the counters that llmsecd exports, writable by Squid; empty: none"),
	CONF_ENUM(struct egress_conf, mode, mode_names, "enforce",
	    "observe: nothing is refused, what would have been is an event"),
	CONF_STR(struct egress_conf, providers, "", "path",
	    "file of more groups, beside this one unless absolute; empty: none"),
	CONF_STR(struct egress_conf, gate, "", "path",
	    "socket of llmsec-egress-gate, which cuts what is revoked; empty: it goes on"),
	CONF_BOOL(struct egress_conf, allow_missing_sni, "false", "let TLS without a server name pass"),
	CONF_STRS(struct egress_conf, trusted_hops, "networks whose X-LLMSec-Workload is believed"),
	CONF_STRS(struct egress_conf, permit_private, "private networks that rules may open; metadata never"),
	CONF_MAP(struct egress_conf, lists, lists_opts, "lists kept by llmsecd"),
	CONF_SEQ(struct egress_conf, identities, n_identities, identity_opts, struct egress_conf_identity,
	    "who asks; the first that fits"),
	CONF_MAP(struct egress_conf, threats, threats_opts, "hosts and addresses refused, unless a rule overrides lists"),
	CONF_SEQ(struct egress_conf, groups, n_groups, group_opts, struct egress_conf_group,
	    "named lists of domains"),
	CONF_SEQ(struct egress_conf, rules, n_rules, rule_opts, struct egress_conf_rule,
	    "read top down, the first match decides; no match: refused"),
	CONF_MAP(struct egress_conf, accounts, accounts_opts, "bytes that passed; needed for budgets"),
	CONF_SEQ(struct egress_conf, budgets, n_budgets, budget_opts, struct egress_conf_budget,
	    "how much may pass in an hour or a day"),
	CONF_END
};
