/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "haproxy-spoa/spoad_counters.h"
#include "haproxy-spoa/tls/hello.h"
#include "haproxy-spoa/waf/waf.h"

#define REQ	"llmsec_spoad_requests_total", .help = "Requests judged, by verdict", .kind = COUNTER_COUNTER
#define TRUNC	"llmsec_spoad_truncated_total", \
	.help = "Requests whose body did not fit into HAProxy's buffer, by policy", .kind = COUNTER_COUNTER
#define WAF	"llmsec_spoad_waf_requests_total", .kind = COUNTER_COUNTER, \
	.help = "Requests judged by the WAF, by what it did; monitor: would have refused, but only watches"
#define RESP	"llmsec_spoad_responses_total", .kind = COUNTER_COUNTER, \
	.help = "Answers judged, on routes that ask for it; monitor: would have been refused, but is only watched"
#define WAF_ERR	"llmsec_spoad_waf_errors_total", .kind = COUNTER_COUNTER, \
	.help = "Requests that the WAF could not judge, by the limit that was hit"
#define HELLO	"llmsec_spoad_hellos_total", .help = "TLS ClientHellos looked at, by what they were", .kind = COUNTER_COUNTER
#define BAN	"llmsec_spoad_behave_bans_total", .help = "Bans for behaviour, by whom they concern", .kind = COUNTER_COUNTER
#define BANNED	"llmsec_spoad_behave_refused_total", .help = "Requests refused because of a ban", .kind = COUNTER_COUNTER
#define RELOAD	"llmsec_spoad_reloads_total", .help = "Configuration reloads", .kind = COUNTER_COUNTER
#define FEATURE	"llmsec_spoad_bot_features_total", .kind = COUNTER_COUNTER, \
	.help = "Requests in which a feature of the scores fired (llmsec-spoad explain --table)"
#define PROOF	"llmsec_spoad_crawler_requests_total", .kind = COUNTER_COUNTER, \
	.help = "Requests of clients that say they are crawlers, by what their address proves"
#define LOOKED	"llmsec_spoad_crawler_answers_total", .kind = COUNTER_COUNTER, .help = "The resolver's answers about crawlers"
#define SCORE(which, range) {"llmsec_spoad_scored_requests_total", "score=\"" which "\",range=\"" range "\"", \
	"Requests by score: what a threshold would refuse", COUNTER_COUNTER}
#define SCORES(row, which) \
	[row] = SCORE(which, "0"), [row + 1] = SCORE(which, "1-20"), [row + 2] = SCORE(which, "21-40"), \
	[row + 3] = SCORE(which, "41-60"), [row + 4] = SCORE(which, "61-80"), [row + 5] = SCORE(which, "81-100")
#define COUNT(n, h)	{"llmsec_spoad_" n, NULL, h, COUNTER_COUNTER}

_Static_assert(SPOAD_C_HELLO_NOT_HELLO - SPOAD_C_HELLO_OK == TLS_NOT_HELLO - TLS_OK, "a row for each enum tls_result");
_Static_assert(SPOAD_C_WAF_LATENCY - SPOAD_C_WAF_E_MEMORY == WAF_E_MAX - WAF_E_MEMORY, "a row for each enum waf_error");

const struct counter_def spoad_counters[SPOAD_C_N] = {
	[SPOAD_C_ALLOW] = {REQ, .labels = "action=\"allow\""},
	[SPOAD_C_DENY] = {REQ, .labels = "action=\"deny\""},
	[SPOAD_C_ERROR] = {REQ, .labels = "action=\"error\""},
	[SPOAD_C_TRUNC_FLAG] = {TRUNC, .labels = "policy=\"flag\""},
	[SPOAD_C_TRUNC_DENY] = {TRUNC, .labels = "policy=\"deny\""},
	[SPOAD_C_LATENCY] = {"llmsec_spoad_request_seconds", NULL,
	    "From the arrival of a request's bytes to its verdict", COUNTER_HISTOGRAM},
	[SPOAD_C_WAF_PASS] = {WAF, .labels = "action=\"pass\""},
	[SPOAD_C_WAF_MONITOR] = {WAF, .labels = "action=\"monitor\""},
	[SPOAD_C_WAF_DENY] = {WAF, .labels = "action=\"deny\""},
	[SPOAD_C_WAF_DROP] = {WAF, .labels = "action=\"drop\""},
	[SPOAD_C_WAF_REDIRECT] = {WAF, .labels = "action=\"redirect\""},
	[SPOAD_C_WAF_ALLOW] = {WAF, .labels = "action=\"allow\""},
	[SPOAD_C_WAF_ERROR] = {WAF, .labels = "action=\"error\""},
	[SPOAD_C_WAF_E_MEMORY] = {WAF_ERR, .labels = "kind=\"memory\""},
	[SPOAD_C_WAF_E_TIME] = {WAF_ERR, .labels = "kind=\"time\""},
	[SPOAD_C_WAF_E_REGEX_LIMIT] = {WAF_ERR, .labels = "kind=\"regex-limit\""},
	[SPOAD_C_WAF_E_ARGS] = {WAF_ERR, .labels = "kind=\"arguments\""},
	[SPOAD_C_WAF_E_DEPTH] = {WAF_ERR, .labels = "kind=\"depth\""},
	[SPOAD_C_WAF_E_BODY_LIMIT] = {WAF_ERR, .labels = "kind=\"body-limit\""},
	[SPOAD_C_WAF_E_STORE] = {WAF_ERR, .labels = "kind=\"store\""},
	[SPOAD_C_WAF_LATENCY] = {"llmsec_spoad_waf_seconds", NULL, "What the WAF alone took", COUNTER_HISTOGRAM},
	[SPOAD_C_RESP_ALLOW] = {RESP, .labels = "action=\"allow\""},
	[SPOAD_C_RESP_MONITOR] = {RESP, .labels = "action=\"monitor\""},
	[SPOAD_C_RESP_DENY] = {RESP, .labels = "action=\"deny\""},
	[SPOAD_C_RESP_ERROR] = {RESP, .labels = "action=\"error\""},
	[SPOAD_C_HELLO_OK] = {HELLO, .labels = "result=\"ok\""},
	[SPOAD_C_HELLO_SHORT] = {HELLO, .labels = "result=\"short\""},
	[SPOAD_C_HELLO_MALFORMED] = {HELLO, .labels = "result=\"malformed\""},
	[SPOAD_C_HELLO_NOT_HELLO] = {HELLO, .labels = "result=\"not-hello\""},
#define BOT_FEATURE(e, id, weight, unit, scores, why) [SPOAD_C_BOT_##e] = {FEATURE, .labels = "feature=\"" id "\""},
#include "haproxy-spoa/bot/features.def"
#undef BOT_FEATURE
	[SPOAD_C_BOT_PROOF] = {PROOF, .labels = "result=\"unproven\""},
	[SPOAD_C_BOT_PROOF + 1] = {PROOF, .labels = "result=\"pending\""},
	[SPOAD_C_BOT_PROOF + 2] = {PROOF, .labels = "result=\"verified\""},
	[SPOAD_C_BOT_PROOF + 3] = {PROOF, .labels = "result=\"fake\""},
	SCORES(SPOAD_C_BOT_SCORE, "bot"),
	SCORES(SPOAD_C_THREAT_SCORE, "threat"),
	[SPOAD_C_PROVE_ASKED] = COUNT("crawler_lookups_total", "Questions to the resolver about crawlers' addresses"),
	[SPOAD_C_PROVE_QUEUE_FULL] = COUNT("crawler_lookups_dropped_total", "Questions that found the queue or the cache full"),
	[SPOAD_C_PROVE_TRUE] = {LOOKED, .labels = "result=\"verified\""},
	[SPOAD_C_PROVE_FALSE] = {LOOKED, .labels = "result=\"fake\""},
	[SPOAD_C_PROVE_FAILED] = {LOOKED, .labels = "result=\"failed\""},
	[SPOAD_C_BEHAVE_BAN_IP] = {BAN, .labels = "scope=\"ip\""},
	[SPOAD_C_BEHAVE_BAN_JA4] = {BAN, .labels = "scope=\"ja4\""},
	[SPOAD_C_BEHAVE_BAN_KEY] = {BAN, .labels = "scope=\"key\""},
	[SPOAD_C_BEHAVE_REFUSED_IP] = {BANNED, .labels = "scope=\"ip\""},
	[SPOAD_C_BEHAVE_REFUSED_JA4] = {BANNED, .labels = "scope=\"ja4\""},
	[SPOAD_C_BEHAVE_REFUSED_KEY] = {BANNED, .labels = "scope=\"key\""},
	[SPOAD_C_BEHAVE_ACTIVE] = {"llmsec_spoad_behave_bans", NULL, "Bans in force", COUNTER_GAUGE},
	[SPOAD_C_BEHAVE_BANS_DROPPED] = COUNT("behave_bans_dropped_total",
	    "Bans that ended early because max_bans was reached"),
	[SPOAD_C_BEHAVE_SOURCES] = {"llmsec_spoad_behave_sources", NULL,
	    "Sources with a request in about the last minute", COUNTER_GAUGE},
	[SPOAD_C_BEHAVE_EVICTIONS] = COUNT("behave_evictions_total",
	    "Sources whose last minute was forgotten because the table was full"),
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
