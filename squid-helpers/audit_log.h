/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_AUDIT_LOG_H
#define LLMSEC_AUDIT_LOG_H
/*
 * The writer of audit segments (audit_chain.h).  A record is in the file when audit_log_write returns 0, and on
 * disk after audit_log_sync.  A full disk: the unfinished line is taken back and the call fails, so that what is in
 * the file is always whole; the caller may try again.
 */
#include "lib/buf.h"
#include "squid-helpers/audit_chain.h"

#define AUDIT_SEGMENT_MAX	((int64_t)64 << 20)

struct audit_log {
	char			 base[4000];
	uint8_t			 key[AUDIT_KEY];
	struct audit_state	 st;		/* of what is in the file */
	struct audit_state	 next;		/* with what waits in <out> */
	struct buf		 out;
	int			 fd, lock_fd;	/* the lock says who writes */
	int64_t			 size;
	size_t			 torn;
	bool			 dirty;		/* there is more than the checkpoint says */
	bool			 fresh;		/* the segment's name isn't on disk yet */
	bool			 broken;	/* half a line that can't be taken back */
	char			 why[300];
};

/* Checks the last segment there is and begins a new segment behind them.  0 or -errno, -EBADMSG: why. */
int	audit_log_open(struct audit_log *, const char *base, const char *key_path);
/* One record; control bytes, and '!' at its start, become '?'.  Memory only, until audit_log_write. */
void	audit_log_add(struct audit_log *, const char *text, size_t len);
/* The record that stands for <lines> that are missing here. */
void	audit_log_add_lost(struct audit_log *, uint64_t lines);
int	audit_log_write(struct audit_log *);
/* To the disk, with a checkpoint. */
int	audit_log_sync(struct audit_log *);
int	audit_log_rotate(struct audit_log *);
void	audit_log_close(struct audit_log *);
#endif
