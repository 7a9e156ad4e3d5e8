/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOAD_JUDGE_H
#define LLMSEC_SPOAD_JUDGE_H
/*
 * Between SPOP and the engines: decode the arguments of the message `llmsec-request`, let the policy
 * judge, write the verdict as set-var actions, count it, and tell llmsecd when it is worth telling.
 * judge_hello.h has the messages about a connection.
 *
 *	argument   HAProxy fetch      | variable (txn.llmsec.*)
 *	method     method             | action      str   allow, deny or error; never absent
 *	uri        url                | status      int   HTTP status of a refusal
 *	ver        req.ver            | reason      str   one token
 *	ip, port   src, src_port      | rule_ids, rule_ids_json   "a,b" and ["a","b"]
 *	dst, dport dst, dst_port      | threat_score, bot_score   int 0..100
 *	hdrs       req.hdrs_bin       | country, ja3, ja4, client_ip, request_id   str
 *	body       req.body           | truncated   bool
 *	body_size  req.body_size      | signature   str
 *	rid        unique-id          | waf_score   int   inbound anomaly score; absent: the WAF didn't look
 *	sni        ssl_fc_sni         | waf_rules   str   ids of its detections, "942100,942130"
 *	waf_profile var(txn...)       | waf_redirect str  where a rule redirects to; absent: nowhere
 *	ja  var(sess.llmsec.ja)       | hello     str   ok, short, malformed, not-hello; "" if no hello was seen
 *	tls        ssl_fc             |           (fingerprint.h has the text of `ja`)
 *	                              | asn         int   autonomous system, 0 unknown
 *	err_count  sc_get_gpc(4,0)    | ban         int   seconds that the actor stays out; absent: no ban
 *	err_count_client              | ban_scope   str   ip, ja4 or key: who the actor is
 *	(errors of the client so far  | retry_after int   seconds that a ban lasts yet; absent: nobody is banned
 *	of its address, of its key;
 *	docs/behaviour.md)
 *
 * In place of `uri`, `path` and `query` do as well (configurations before the WAF); one of both ways, because
 * everything shares one frame with the body.
 * Unknown arguments and messages are ignored, so that a newer configuration works with an older agent.
 * One thread at a time per struct judge; policies, counters and events are shared.
 */
#include <stddef.h>
#include <stdint.h>

struct arena;
struct counters;
struct event_client;
struct policy;
struct policy_thread;
struct spop_notify;
struct wire_out;

struct judge {
	const struct policy	*policy;
	struct policy_thread	*thread;	/* of this policy and this thread */
	struct arena		*arena;		/* reset for each request */
	struct counters		*counters;	/* NULL: not counted */
	struct event_client	*events;	/* NULL: not told */
	uint64_t		 since_us;	/* when the bytes arrived; the deadline counts from here */
};

#define JUDGE_MESSAGE	"llmsec-request"

/* One argument of a message into the view: 0, or -errno of req_view_headers. */
struct req_view;
struct span;
struct spop_value;
int	judge_arg(struct req_view *, struct span name, const struct spop_value *, struct arena *);

/* A spop_notify_fn; <arg> is a struct judge. */
int	judge_notify(void *arg, const struct spop_notify *, struct wire_out *ack);
#endif
