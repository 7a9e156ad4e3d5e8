/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_BOARD_H
#define LLMSEC_BOARD_H
/*
 * The notice board between the writer thread, which pins up how it is doing and who it has seen,
 * and the HTTP threads, which read it or wait for news.  Every call is thread safe.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BOARD_COMPONENTS 256

struct board_health {
	bool	 db_ok;
	char	 db_error[256];		/* "" while db_ok */
	unsigned queue;			/* lines received, not yet on disk */
	int64_t	 oldest_ms;		/* monotonic time the oldest of them came; 0: none */
	unsigned spools;		/* spools being drained */
};

struct board_component {
	char	 name[128];		/* program, from its spool's name */
	char	 node[128], layer[16];	/* of its last event; "" before the first */
	pid_t	 pid;			/* of its newest connection; 0: only its spool was seen */
	unsigned connections;
	int64_t	 last_ms;		/* wall clock of the last event; 0: none */
	char	 last_event[65];
	uint64_t stored;		/* new events since llmsecd started */
	int64_t	 pending;		/* received on its connections, not yet acknowledged */
};

struct board;

struct board	*board_new(void);
void		 board_free(struct board **);

void		 board_health_set(struct board *, const struct board_health *);
void		 board_health_get(struct board *, struct board_health *);

/* Component <name>: find or make its row (the longest silent one goes when the board is full). */
void		 board_connected(struct board *, const char *name, pid_t pid, int delta);
void		 board_stored(struct board *, const char *name, const char *node,
		    const char *layer, const char *event, int64_t ts_ms);
void		 board_pending(struct board *, const char *name, int64_t delta);
/* Copy at most <max> rows; returns how many. */
size_t		 board_components(struct board *, struct board_component *, size_t max);

/* Something new is on disk. */
void		 board_news(struct board *);
/*
 * Wait until there is news since *seen (start with 0) or <timeout_ms> passed.  False: the daemon
 * stops, go away.
 */
bool		 board_wait(struct board *, uint64_t *seen, int timeout_ms);
void		 board_stop(struct board *);
#endif
