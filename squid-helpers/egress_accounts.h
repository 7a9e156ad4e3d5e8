/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EGRESS_ACCOUNTS_H
#define LLMSEC_EGRESS_ACCOUNTS_H
/*
 * What Squid says of the bytes that passed, and the counts that come of it.
 *
 * Squid writes a line "TIME IDENTITY BUDGETS UP DOWN" for each request that has a budget into a log of its own
 * (llmsec-budget.conf), when the request has ended.  The log is a queue: what was read of it is counted, the counts
 * and the place are kept together in a state file that is replaced once a second (rename(2)), and what lies before that
 * place is given back to the file system (a hole, fallocate(2)), so the file needs no rotation, and takes it.  The
 * state is on the disk (fdatasync(2)) before it has its name, and its name is before a hole is made.  Hence no line is
 * lost or counted twice when the helper is killed, budgets outlive a loss of power, and several helpers, of Squid's workers, may read one log.
 *
 * Single-threaded.  What can't be read is logged once; counts stay as they are and are tried again.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct egress_conf;
struct egress_usage;

struct egress_accounts {
	struct egress_usage	*usage;		/* NULL: no budget, or what is used is not known */
	char			*log, *state;	/* paths in use; NULL: none */
	int			 fd;		/* of the log, -1: not open */
	ino_t			 ino;		/* of the file that <at> belongs to, open or not yet */
	bool			 seen;		/* the log was open once */
	off_t			 at;		/* read so far */
	off_t			 kept;		/* of that in the state file */
	off_t			 free;		/* a hole up to here */
	bool			 dirty;		/* counted since the state file was written */
	int			 log_err, state_err;	/* of the last try, said once */
	uint64_t		 lines, bad;	/* read, and of them not understood */
	uint64_t		 up, down;	/* bytes */
};

void	egress_accounts_init(struct egress_accounts *);
void	egress_accounts_close(struct egress_accounts *);
/* Another policy is in force: counts of what it has, too, go on.  <conf> must outlive the accounts, or the next call. */
void	egress_accounts_direct(struct egress_accounts *, const struct egress_conf *conf);
/* What is used, as far as it can be known: NULL while there is no log. */
struct egress_usage *egress_accounts_usage(const struct egress_accounts *);
/* Count what was written since.  True: a budget is used up that was not before. */
bool	egress_accounts_check(struct egress_accounts *);
/* About once a second: the state file, the hole, a log that was rotated.  True: as above, by the end of that log. */
bool	egress_accounts_keep(struct egress_accounts *);
/* Count whole lines of <p>, which is changed; how many bytes they were.  For the above, and tests. */
size_t	egress_accounts_lines(struct egress_accounts *, char *p, size_t n, time_t now, bool *over);
/* Only to look, changing nothing: counts as they are in the state file.  NULL: no memory. */
struct egress_usage *egress_accounts_peek(const struct egress_conf *);
#endif
