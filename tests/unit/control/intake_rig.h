/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_INTAKE_RIG_H
#define LLMSEC_INTAKE_RIG_H
/*
 * A sender by hand against the real intake, collector and database, in one thread: whoever waits turns
 * the intake's loop.  Everything that doesn't come in time fails the test.
 */
#include <stdbool.h>
#include <stdint.h>

#include "control/llmsecd_conf.h"

#define EVENTS	"SELECT count(*) FROM events"
#define REJECTS	"SELECT count(*) FROM quarantine"

struct ctl_test;

struct rig {
	struct ctl_test		*t;
	char			 sock[100], spools[160], db[160];
	struct llmsecd_conf	 conf;
	struct conf_mem		*mem;
	struct board		*board;
	struct collector	*collector;
	struct intake		*in;
};

/* cmocka's setup and teardown; *state is a struct rig that runs. */
int	rig_setup(void **state);
int	rig_teardown(void **state);
/* As if llmsecd died and came again; an open batch is lost. */
void	rig_stop(struct rig *);
void	rig_start(struct rig *);

/* A connection to the intake. */
int	dial(struct rig *);
void	say(int fd, const char *text);
/* "E seq" with a good event. */
void	say_event(int fd, unsigned seq, const char *id);
/* A new spool, locked as long as the descriptor is open, and a good event at its end. */
int	spool_make(struct rig *, const char *name);
void	spool_add(int fd, const char *id);
bool	spool_there(struct rig *, const char *name);

/* The next thing the collector says, "" when it hung up. */
void	hear(struct rig *, int fd, char out[64]);
/* Wait for that acknowledgement; smaller ones may come before. */
void	hear_ack(struct rig *, int fd, unsigned seq);
/* Wait for the end of the connection, and close it. */
void	hear_hangup(struct rig *, int fd);
void	await_sql(struct rig *, const char *sql, int64_t want);
void	await_no_spool(struct rig *, const char *name);
#endif
