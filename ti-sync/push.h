/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_PUSH_H
#define LLMSEC_TI_PUSH_H
/*
 * What is published, sent to other nodes: POST /api/domain-blacklist/import and /api/ip-blacklist/import of their
 * llmsecd for what came, DELETE of the same for what went (docs/egress.md has the contract).  An llmsecd from before it
 * took lists of what went is asked one by one, at most max_removals of each kind in a run.
 *
 * Every publication leaves a list for each node, state_dir/push.NODE.domains and .addresses; what a node took is in
 * the same with .sent behind it.  The difference is what it gets, whether it was away for a minute or a month.
 * All requests may be sent twice: what is there is a duplicate, what is gone is 404.
 */
#include "ti-sync/conf.h"

enum ti_pushed {
	TI_PUSH_SAME,		/* it has everything */
	TI_PUSH_DONE,
	TI_PUSH_UNREACHABLE,	/* after all retries; the next run tries again */
	TI_PUSH_REFUSED,	/* it answered, but not with 200: a wrong token, say */
	TI_PUSH_FAILED		/* here: disk, memory, token_file */
};

struct ti_push_report {
	enum ti_pushed	 outcome;
	size_t		 added, duplicate, invalid, removed, left_out;	/* of both kinds */
	char		 why[200];
};

/*
 * Brings every node of conf->push up to date, several at a time.  <report> has room for all of them.  <whole>: send
 * everything again, whatever they are known to have.  Nobody else may be at state_dir.  Logs what happens.
 * True: all nodes have everything.
 */
bool	ti_push_all(const struct ti_conf *, bool whole, struct ti_push_report *report);
const char *ti_pushed_str(enum ti_pushed);
#endif
