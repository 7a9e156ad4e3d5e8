/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "control/llmsecd_metrics.h"

#define COUNT(n, l, h)	{ "llmsec_control_" n, l, h, COUNTER_COUNTER }
#define GAUGE(n, h)	{ "llmsec_control_" n, NULL, h, COUNTER_GAUGE }
#define VOTES(e)	{ "llmsec_control_ban_votes", "edge=\"" e "\"", "Votes to ban, of this edge and of the others.", \
			    COUNTER_GAUGE }
#define BANS(b)		COUNT("bans_total", "by=\"" b "\"", "Bans taken, by who asked for them.")
#define NODE(v)		COUNT("node_requests_total", "verdict=\"" v "\"", "Signed requests, by what the signature was.")

const struct counter_def llmsecd_metric_defs[M_N] = {
	[M_STORED] = COUNT("events_stored_total", NULL, "Events written to the database."),
	[M_DUPLICATES] = COUNT("events_duplicate_total", NULL, "Events that were there already."),
	[M_MALFORMED] = COUNT("events_malformed_total", NULL,
	    "Lines that were no event and went to quarantine."),
	[M_PRUNED] = COUNT("events_pruned_total", NULL, "Events deleted by retention."),
	[M_PROTOCOL] = COUNT("protocol_errors_total", NULL, "Connections closed for a protocol error."),
	[M_DB_ERRORS] = COUNT("database_errors_total", NULL, "Batches or probes that failed."),
	[M_DB_ASIDE] = COUNT("database_set_aside_total", NULL, "Damaged databases moved aside."),
	[M_DB_OK] = GAUGE("database_writable", "1 while events can be written."),
	[M_COMMIT] = { "llmsec_control_commit_seconds", NULL, "Time to bring one batch to disk.",
	    COUNTER_HISTOGRAM },
	[M_QUEUE] = GAUGE("queue", "Lines received and not yet on disk."),
	[M_CONNECTIONS] = GAUGE("connections", "Connected senders."),
	[M_SPOOLS] = GAUGE("spools", "Spools being drained."),
	[M_SPOOL_LINES] = COUNT("spool_lines_total", NULL, "Lines read from spools."),
	[M_SPOOLS_REMOVED] = COUNT("spools_removed_total", NULL,
	    "Spools of dead senders drained and removed."),
	[M_FOLLOWERS] = GAUGE("followers", "Clients following the event stream."),
	[M_HTTP_2XX] = COUNT("http_responses_total", "class=\"2xx\"", "HTTP responses."),
	[M_HTTP_4XX] = COUNT("http_responses_total", "class=\"4xx\"", "HTTP responses."),
	[M_HTTP_5XX] = COUNT("http_responses_total", "class=\"5xx\"", "HTTP responses."),
	[M_BANS_OWN] = VOTES("this"),
	[M_BANS_OTHERS] = VOTES("others"),
	[M_BANS_IN_FORCE] = GAUGE("bans_in_force", "Addresses and networks that are banned on this edge."),
	[M_BANS_PENDING] = GAUGE("bans_pending", "Changes that HAProxy has not been told."),
	[M_BANS_HAPROXY] = GAUGE("bans_haproxy_up", "1 while HAProxy's Runtime API answers."),
	[M_BAN_CUT] = COUNT("ban_streams_cut_total", NULL, "Streams of banned clients that were ended."),
	[M_BAN_STRAYS] = COUNT("ban_strays_total", NULL,
	    "Bans in HAProxy's table that nobody here knew of, lifted."),
	[M_BAN_OPERATOR] = BANS("operator"),
	[M_BAN_AGENT] = BANS("edge.ban"),
	[M_BAN_NODE] = BANS("node"),
	[M_BAN_LIFTED] = COUNT("bans_lifted_total", NULL, "Bans lifted before their time."),
	[M_BAN_FORBIDDEN] = COUNT("bans_forbidden_total", NULL, "Bans refused by the never-ban list."),
	[M_NODE_OK] = NODE("ok"),
	[M_NODE_ABSENT] = NODE("absent"),
	[M_NODE_MALFORMED] = NODE("malformed"),
	[M_NODE_UNKNOWN_KEY] = NODE("unknown-key"),
	[M_NODE_STALE] = NODE("stale"),
	[M_NODE_FORGED] = NODE("forged"),
	[M_NODE_REPLAYED] = NODE("replayed"),
	[M_NODE_FULL] = NODE("full"),
	[M_NODE_PUSH] = { "llmsec_control_node_push_seconds", NULL, "Time until another edge had taken what changed here.",
	    COUNTER_HISTOGRAM },
	[M_NODE_FAILED] = COUNT("node_push_failed_total", NULL, "Requests to other edges that failed."),
	[M_NODES_UP] = { "llmsec_control_nodes", "state=\"up\"", "Other edges.", COUNTER_GAUGE },
	[M_NODES_DOWN] = { "llmsec_control_nodes", "state=\"down\"", "Other edges.", COUNTER_GAUGE },
	[M_SOCK_CLIENTS] = GAUGE("bans_socket_clients", "Clients of bans.socket."),
};
