/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOAD_JUDGE_HELLO_H
#define LLMSEC_SPOAD_JUDGE_HELLO_H
/*
 * The messages about a connection.  Their variables live with it (scope sess).
 *	llmsec-hello	hello=req.payload(0,0), from a TCP front -> sess.llmsec.hello (ok, short, malformed, not-hello) and,
 *			of a whole and sound one, .ja4 and .ja3.
 *	llmsec-lists	hello_id ciphers exts groups formats sigalgs versions alpn (ssl_fc_*), from a frontend without one
 *			-> sess.llmsec.ja, the text of fingerprint.h that later requests bring back.
 * What was no hello has no fingerprint, and no answer at all means the same to HAProxy: TLS is never held up for it.
 */
#include "haproxy-spoa/req_view.h"

#define JUDGE_HELLO	"llmsec-hello"
#define JUDGE_LISTS	"llmsec-lists"

struct judge;
struct wire;
struct wire_out;

void		judge_hello(const struct judge *, struct wire *args, struct wire_out *ack);
/* The text, for the request in the same frame; it lives in the arena.  .n 0: none. */
struct span	judge_lists(const struct judge *, struct wire *args, struct wire_out *ack);
#endif
