/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EGRESS_SOURCE_H
#define LLMSEC_EGRESS_SOURCE_H
/*
 * The policy file on disk: read when it changes, kept when the new one is broken.  Single-threaded.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/set_file.h"
#include "squid-helpers/egress_accounts.h"
#include "squid-helpers/egress_threats.h"

struct egress_policy;
struct egress_lists;
struct egress_report;

struct egress_source {
	const char		*path;		/* borrowed */
	struct egress_policy	*policy;	/* the last good one; NULL: none yet */
	struct stat		 seen;		/* what the last attempt looked at */
	int			 err;		/* of the last attempt */
	bool			 tried;
	uint64_t		 digest;	/* of the bytes last read */
	struct egress_threats	 threats;	/* the last good ones of the sets that the policy names */
	struct egress_lists	*lists;		/* the same of llmsecd's lists */
	struct set_stamp	 lists_seen;
	char			 lists_path[4096];
	struct egress_accounts	 accounts;	/* of the policy's budgets */
	unsigned		 changes;	/* how often anything above became another */
};

/*
 * Look at the file; load it if it is not what was seen last, or if <force>.  Tells <report> and the
 * log about a new policy and, once per change, about a broken one.  Returns true if p->policy is new.
 */
bool	egress_source_check(struct egress_source *, struct egress_report *report, bool force);
/* Only whether the lists changed: one stat(2), for just before a decision.  True: others are in force now. */
bool	egress_source_lists(struct egress_source *);
/* Count what passed since.  True: a budget is used up that was not; one read(2), like the above. */
bool	egress_source_accounts(struct egress_source *);
void	egress_source_open(struct egress_source *, const char *path);
void	egress_source_close(struct egress_source *);
#endif
