/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "haproxy-spoa/spoad_counters.h"

#define REQ	"llmsec_spoad_requests_total", .help = "Requests judged, by verdict", .kind = COUNTER_COUNTER
#define TRUNC	"llmsec_spoad_truncated_total", \
	.help = "Requests whose body did not fit into HAProxy's buffer, by policy", .kind = COUNTER_COUNTER
#define RELOAD	"llmsec_spoad_reloads_total", .help = "Configuration reloads", .kind = COUNTER_COUNTER
#define COUNT(n, h)	{"llmsec_spoad_" n, NULL, h, COUNTER_COUNTER}

const struct counter_def spoad_counters[SPOAD_C_N] = {
	[SPOAD_C_ALLOW] = {REQ, .labels = "action=\"allow\""},
	[SPOAD_C_DENY] = {REQ, .labels = "action=\"deny\""},
	[SPOAD_C_ERROR] = {REQ, .labels = "action=\"error\""},
	[SPOAD_C_TRUNC_FLAG] = {TRUNC, .labels = "policy=\"flag\""},
	[SPOAD_C_TRUNC_DENY] = {TRUNC, .labels = "policy=\"deny\""},
	[SPOAD_C_LATENCY] = {"llmsec_spoad_request_seconds", NULL,
	    "From the arrival of a request's bytes to its verdict", COUNTER_HISTOGRAM},
	[SPOAD_C_FRAMES] = COUNT("frames_total", "SPOP frames received"),
	[SPOAD_C_REASSEMBLED] = COUNT("reassembled_total", "Messages put together from fragments"),
	[SPOAD_C_CONNS] = COUNT("connections_total", "SPOP connections accepted"),
	[SPOAD_C_CONNS_NOW] = {"llmsec_spoad_connections", NULL, "SPOP connections open", COUNTER_GAUGE},
	[SPOAD_C_CONNS_REFUSED] = COUNT("connections_refused_total", "Connections over max_connections"),
	[SPOAD_C_HEALTHCHECKS] = COUNT("healthchecks_total", "Health checks answered"),
	[SPOAD_C_HUNGUP] = COUNT("protocol_errors_total", "Connections closed for breaking SPOP"),
	[SPOAD_C_TIMEOUTS] = COUNT("timeouts_total", "Connections closed for being idle"),
	[SPOAD_C_RELOAD_OK] = {RELOAD, .labels = "result=\"ok\""},
	[SPOAD_C_RELOAD_FAILED] = {RELOAD, .labels = "result=\"failed\""},
	[SPOAD_C_EVENT_LOST] = COUNT("events_lost_total", "Events that could not even be spooled"),
};
