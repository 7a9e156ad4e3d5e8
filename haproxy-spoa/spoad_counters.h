/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOAD_COUNTERS_H
#define LLMSEC_SPOAD_COUNTERS_H
/* The rows of spoad.ctr (lib/counters.h).  An entry here is a row of spoad_counters.c. */
#include "lib/counters.h"

enum spoad_counter {
	SPOAD_C_ALLOW, SPOAD_C_DENY, SPOAD_C_ERROR,
	SPOAD_C_TRUNC_FLAG, SPOAD_C_TRUNC_DENY,
	SPOAD_C_LATENCY,
	SPOAD_C_WAF_PASS, SPOAD_C_WAF_MONITOR, SPOAD_C_WAF_DENY, SPOAD_C_WAF_DROP, SPOAD_C_WAF_REDIRECT,
	SPOAD_C_WAF_ALLOW, SPOAD_C_WAF_ERROR,
	/* in the order of enum waf_error */
	SPOAD_C_WAF_E_MEMORY, SPOAD_C_WAF_E_TIME, SPOAD_C_WAF_E_REGEX_LIMIT, SPOAD_C_WAF_E_ARGS,
	SPOAD_C_WAF_E_DEPTH, SPOAD_C_WAF_E_BODY_LIMIT, SPOAD_C_WAF_E_STORE,
	SPOAD_C_WAF_LATENCY,
	/* in the order of enum tls_result */
	SPOAD_C_HELLO_OK, SPOAD_C_HELLO_SHORT, SPOAD_C_HELLO_MALFORMED, SPOAD_C_HELLO_NOT_HELLO,
	/* each feature of the scores, in the order of enum bot_feature; then how proofs of crawlers came out, from PROOF_NONE
	   on; then requests by score: 0, 1-20, ..., 81-100 */
#define BOT_FEATURE(e, id, weight, unit, scores, why) SPOAD_C_BOT_##e,
#include "haproxy-spoa/bot/features.def"
#undef BOT_FEATURE
	SPOAD_C_BOT_PROOF, SPOAD_C_BOT_PROOF_LAST = SPOAD_C_BOT_PROOF + 3,
	SPOAD_C_BOT_SCORE, SPOAD_C_BOT_SCORE_LAST = SPOAD_C_BOT_SCORE + 5,
	SPOAD_C_THREAT_SCORE, SPOAD_C_THREAT_SCORE_LAST = SPOAD_C_THREAT_SCORE + 5,
	SPOAD_C_BOT_END,
	SPOAD_C_BOT_FIRST = SPOAD_C_BOT_TLS_LIBRARY,
	/* in the order of enum prove_stat */
	SPOAD_C_PROVE_ASKED = SPOAD_C_BOT_END, SPOAD_C_PROVE_QUEUE_FULL, SPOAD_C_PROVE_TRUE, SPOAD_C_PROVE_FALSE,
	SPOAD_C_PROVE_FAILED,
	SPOAD_C_FRAMES, SPOAD_C_REASSEMBLED,
	SPOAD_C_CONNS, SPOAD_C_CONNS_NOW, SPOAD_C_CONNS_REFUSED, SPOAD_C_HEALTHCHECKS,
	SPOAD_C_HUNGUP, SPOAD_C_TIMEOUTS,
	SPOAD_C_RELOAD_OK, SPOAD_C_RELOAD_FAILED,
	SPOAD_C_EVENT_LOST,
	SPOAD_C_N
};

extern const struct counter_def spoad_counters[SPOAD_C_N];
#endif
