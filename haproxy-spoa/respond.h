/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOAD_RESPOND_H
#define LLMSEC_SPOAD_RESPOND_H
/*
 * Answers to requests: the message `llmsec-response`, which HAProxy sends on routes that ask for it.  The agent keeps
 * nothing of a request, so the request line and the headers come along: the arguments of `llmsec-request` but its body, and
 *
 *	status		status		| txn.llmsec.resp_action	str	allow, deny or error; never absent
 *	rsp_ver		res.ver		| resp_status			int	HTTP status that the rules want; 200 allowed
 *	rsp_hdrs	res.hdrs_bin	| resp_score			int	outbound anomaly score
 *	rsp_body	res.body	| resp_rules			str	ids of what was found, "951110,951240"
 *					| resp_rules_json		str	["951110","951240"]
 *					| resp_reason			str	one token
 *
 * rsp_body is what HAProxy has of the body at that moment; see docs/waf.md.
 */
#include <stddef.h>

#include "haproxy-spoa/req_view.h"

struct judge;
struct wire;
struct wire_out;

#define RESPOND_MESSAGE	"llmsec-response"

struct rsp_view {
	int64_t			 status;	/* 0 unknown */
	struct span		 version, body;
	struct req_header	*headers;
	size_t			 n_headers;
};

/* <args>: the message's; the variables go to <ack>. */
void	respond_message(const struct judge *, struct wire *args, struct wire_out *ack);
#endif
