/* SPDX-License-Identifier: MIT */
/* The section `behaviour` of spoad.yaml. */
#include "config.h"

#include "haproxy-spoa/eng_behave.h"

static const struct conf_enum mode_names[] = {
	{"ban", BEHAVE_M_BAN}, {"monitor", BEHAVE_M_MONITOR}, {"off", BEHAVE_M_OFF}, {NULL, 0}
};
static const struct conf_enum action_names[] = {{"score", BEHAVE_SCORE}, {"ban", BEHAVE_BAN}, {NULL, 0}};

/* Limit <var> with its defaults. */
#define LIMIT(var, o, sh, a, sc)								\
static const struct conf_opt var[] = {								\
	CONF_INT(struct behave_limit, over, 0, 390000, o, "in 60 s", "from so many on; 0: no limit"),	\
	CONF_INT(struct behave_limit, share, 0, 100, sh, "percent", "and at least so much of the requests"),	\
	CONF_ENUM(struct behave_limit, action, action_names, a, "score, or ban as well"),	\
	CONF_INT(struct behave_limit, score, 0, 100, sc, "points", "added to the threat score"),	\
	CONF_END											\
}

LIMIT(address_requests, "30000", "0", "score", "10");
LIMIT(address_errors, "60", "50", "ban", "30");
LIMIT(address_paths, "150", "0", "score", "20");
LIMIT(address_waf_hits, "10", "20", "ban", "30");
LIMIT(ja4_requests, "0", "0", "score", "0");
LIMIT(ja4_errors, "300", "80", "score", "20");
LIMIT(ja4_paths, "0", "0", "score", "0");
LIMIT(ja4_waf_hits, "50", "50", "score", "20");
LIMIT(key_requests, "0", "0", "score", "0");
LIMIT(key_errors, "300", "90", "ban", "30");
LIMIT(key_paths, "0", "0", "score", "0");
LIMIT(key_waf_hits, "20", "30", "ban", "30");

#define ROW(n, c, s, h) \
	{.name = n, .type = CONF_T_MAP, .offset = (c) * sizeof(struct behave_limit), .unit = "", .sub = s, .help = h}
#define KIND(var, prefix)									\
static const struct conf_opt var[] = {								\
	ROW("requests", BEHAVE_REQUESTS, prefix##_requests, "requests that were judged"),	\
	ROW("errors", BEHAVE_ERRORS, prefix##_errors, "refused ones, or HAProxy's count of 4xx if that is more"),	\
	ROW("paths", BEHAVE_PATHS, prefix##_paths, "distinct paths, estimated; more than 266 is never seen"),	\
	ROW("waf_hits", BEHAVE_WAF_HITS, prefix##_waf_hits, "requests that the WAF refused"),	\
	CONF_END										\
}

KIND(address_opts, address);
KIND(ja4_opts, ja4);
KIND(key_opts, key);

#define TIME(f, i, d, h) {.name = f, .type = CONF_T_DURATION, .offset = (i) * sizeof(int64_t), .min = 1000, \
	.max = INT64_C(366) * 86400000, .def = d, .unit = "duration", .help = h}
static const struct conf_opt times_opts[] = {
	TIME("first", 0, "1m", "the first ban"),
	TIME("second", 1, "5m", "the next, if the first is not forgotten"),
	TIME("third", 2, "1h", "and the next"),
	TIME("further", 3, "24h", "and all after it"),
	CONF_END
};

#define MAP(n, f, s, h) {.name = n, .type = CONF_T_MAP, .offset = offsetof(struct behave_conf, f), .unit = "", .sub = s, \
	.help = h}
const struct conf_opt behave_conf_opts[] = {
	CONF_ENUM(struct behave_conf, mode, mode_names, "ban",
	    "ban; monitor: tell whom it would ban; off: count nothing"),
	CONF_INT(struct behave_conf, sources, SOURCES_MIN, SOURCES_MAX, "1000000", "sources",
	    "remembered at once; 154 bytes each"),
	CONF_INT(struct behave_conf, max_bans, BANS_MIN, BANS_MAX, "16384", "bans",
	    "remembered at once, with those that still count for the next one's length"),
	CONF_STR(struct behave_conf, state_file, LLMSEC_STATEDIR "/behave.state", "path",
	    "bans that survive a restart; \"\": they don't"),
	CONF_STR(struct behave_conf, orders, LLMSEC_RUNDIR "/spoad.orders", "path",
	    "what llmsecd lifts and bans; \"\": nothing"),
	MAP("ban_times", limits.times.ms, times_opts, "how long"),
	{.name = "decay", .type = CONF_T_DURATION, .offset = offsetof(struct behave_conf, limits.times.decay_ms),
	    .min = 1000, .max = INT64_C(366) * 86400000, .def = "6h", .unit = "duration",
	    .help = "after so long without a ban one of them is forgotten"},
	{.name = "shared_factor", .type = CONF_T_INT, .offset = offsetof(struct behave_conf, limits.shared_factor),
	    .min = 0, .max = 1000, .def = "4", .unit = "",
	    .help = "an address of several clients is banned at so many times its limit; 0: only if all of them misbehave"},
	MAP("address", limits.address, address_opts, "IPv4 /32, IPv6 /64, or each client of a shared one"),
	MAP("ja4", limits.ja4, ja4_opts, "a TLS fingerprint, wherever it comes from"),
	MAP("key", limits.key, key_opts, "an API key, wherever it comes from"),
	CONF_END
};
