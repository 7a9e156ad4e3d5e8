/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOAD_COUNTERS_H
#define LLMSEC_SPOAD_COUNTERS_H
/* The rows of spoad.ctr (lib/counters.h).  An entry here is a row of spoad_counters.c. */
#include "lib/counters.h"

enum spoad_counter {
	SPOAD_C_ALLOW, SPOAD_C_DENY, SPOAD_C_ERROR,
	SPOAD_C_TRUNC_FLAG, SPOAD_C_TRUNC_DENY,
	SPOAD_C_LATENCY,
	SPOAD_C_FRAMES, SPOAD_C_REASSEMBLED,
	SPOAD_C_CONNS, SPOAD_C_CONNS_NOW, SPOAD_C_CONNS_REFUSED, SPOAD_C_HEALTHCHECKS,
	SPOAD_C_HUNGUP, SPOAD_C_TIMEOUTS,
	SPOAD_C_RELOAD_OK, SPOAD_C_RELOAD_FAILED,
	SPOAD_C_EVENT_LOST,
	SPOAD_C_N
};

extern const struct counter_def spoad_counters[SPOAD_C_N];
#endif
