/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_CTL_SHOW_H
#define LLMSEC_CTL_SHOW_H
/* What llmsecctl prints for people.  Bytes from outside never reach the terminal as control bytes. */
#include <stdio.h>

/* One event (JSON text) as one line, flushed. */
void	ctl_show_event(const char *json, FILE *);
/* /api/status and /healthz (both JSON text) as a table.  0, or -EINVAL: not what was expected. */
int	ctl_show_status(const char *status, const char *health, FILE *);
/* Events of an /api/events answer, one a line: <json> as they came, else for people.  Count or -EINVAL. */
int	ctl_show_events(const char *answer, int json, FILE *);
/* What an error answer says, in <out>. */
const char *ctl_show_error(const char *answer, char out[256]);
#endif
