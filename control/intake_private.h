/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_INTAKE_PRIVATE_H
#define LLMSEC_INTAKE_PRIVATE_H
/* The intake's two halves: intake.c talks to senders, intake_jobs.c reads spools. */
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "control/evline.h"
#include "control/spool.h"

struct conn {
	struct conn	*next;
	int		 fd;
	pid_t		 pid;
	bool		 hello;
	bool		 settled;	/* its first spool is read and acknowledged */
	bool		 ack_due;
	uint64_t	 received, acked;	/* seq numbers */
	char		 who[128];
	char		 spool[NAME_MAX + 1];
};

struct job {			/* a spool being read */
	struct job	*next;
	struct spool	*spool;
	bool		 ended;		/* read to its end; over after the next commit */
	char		 who[128];
};

struct intake {
	struct collector *collector;
	struct board	*board;
	struct counters	*ctr;
	char		*socket;	/* path of listen_fd */
	int		 epoll_fd, listen_fd, spool_fd, extra_fd;
	struct conn	*conns;
	unsigned	 n_conns;
	struct job	*jobs;
	unsigned	 n_jobs;
	int64_t		 scan_ms;	/* monotonic, of the next scan */
	char		 datagram[EVLINE_MAX + 64];
};

void	intake_count(struct intake *, int metric, uint64_t n);
/* Read that spool, from its start unless it is being read already.  0 or -errno: it can't be. */
int	intake_job_add(struct intake *, const char *name);
/* Would an acknowledgement to its sender promise too much? */
bool	intake_job_busy(const struct intake *, const char *name);
/* A slice of each; -errno: the collector went down. */
int	intake_jobs_step(struct intake *, unsigned lines);
/* Is there more to read? */
bool	intake_jobs_reading(const struct intake *);
/* Is one waiting for a commit to be over? */
bool	intake_jobs_ended(const struct intake *);
void	intake_jobs_committed(struct intake *);
void	intake_jobs_drop(struct intake *);
/* Read every spool (<all>), or those of dead senders: some now, more with the next scan. */
void	intake_scan(struct intake *, bool all);
#endif
