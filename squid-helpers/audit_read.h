/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_AUDIT_READ_H
#define LLMSEC_AUDIT_READ_H
/* Reading segments (audit_chain.h): is all of it as it was written?  Any thread; nothing is changed. */
#include "squid-helpers/audit_chain.h"

struct audit_found {
	struct audit_state	 last;
	size_t			 torn;		/* bytes behind the last whole line of the last segment */
	uint64_t		 records;	/* that were read, those in place of lost lines too */
	uint64_t		 lost;		/* lines that those say were lost */
	char			 why[300];	/* what is wrong */
};

/*
 * Read all segments of <base>, first to last.  0; -ENOENT: there are none; -EBADMSG: why; or -errno.  Without
 * <head> the checkpoint is not looked at.
 */
int	audit_verify(const char *base, const uint8_t key[AUDIT_KEY], bool head, struct audit_found *);
/*
 * Where a writer goes on.  Reads the last segment, and those before it that it takes to reach the checkpoint; of the
 * others only that they are there.  The checkpoint must fit.  As audit_verify() otherwise.
 */
int	audit_resume(const char *base, const uint8_t key[AUDIT_KEY], struct audit_found *);
#endif
