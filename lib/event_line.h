/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EVENT_LINE_H
#define LLMSEC_EVENT_LINE_H
/* One event as a line of JSON (docs/events.md).  Not thread safe: event.c calls it under its lock. */
#include <stdint.h>

#include "lib/buf.h"
#include "lib/event.h"

#define EVENT_LINE_MAX	16384

struct event_origin {
	char	 node[256], layer[16];
	uint8_t	 rnd[10];	/* low 80 bits of ids: random start, then counted up */
};

int	event_origin_init(struct event_origin *, const char *node, const char *layer);
void	event_origin_reseed(struct event_origin *);
/* Appends the line with its newline.  Text that is no UTF-8 is repaired; over EVENT_LINE_MAX the detail is left out,
   then -EMSGSIZE. */
int	event_line(struct buf *, struct event_origin *, const struct event *);
#endif
