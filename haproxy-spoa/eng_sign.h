/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ENG_SIGN_H
#define LLMSEC_ENG_SIGN_H
/*
 * The signer, always the last engine: signs the values that HAProxy will send as X-Edge99-* headers
 * (lib/edge_sign.h).  It must see exactly what HAProxy writes, so HAProxy takes every one of them from
 * the variables of this verdict.  Without a keyring (edge_keys: "") nothing is signed, and a gateway with
 * require_edge refuses the traffic.
 */
#include "haproxy-spoa/engine.h"

extern const struct spoad_engine engine_sign;
#endif
