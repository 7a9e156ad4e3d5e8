/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_CONTROL_EVENTS_H
#define LLMSEC_CONTROL_EVENTS_H
/*
 * llmsecd's own events (layer "control"), sent to itself as every other program sends its own, so that they are stored,
 * listed and followed like those: ban.add, ban.lift, node.refused, admin.* (docs/events.md).  Thread safe; a NULL does
 * nothing.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ban;
struct cidr;
struct control_events;
struct llmsecd_conf;

/* NULL: no memory. */
struct control_events *control_events_new(const struct llmsecd_conf *);
void	control_events_free(struct control_events **);
/* From the main loop, about once a second or seldomer. */
void	control_events_tick(struct control_events *);
/* One event each, or one for all of many. */
void	control_event_bans(struct control_events *, const struct ban *, size_t n);
void	control_event_lifts(struct control_events *, const struct ban *, size_t n);
/* admin.* of docs/events.md; <detail> is a JSON object, <ip> "" where it isn't known, <target> may be NULL. */
void	control_event_admin(struct control_events *, const char *name, const char *ip, const char *target, const char *detail);
/* May an admin.refused of the token <by> be told of?  One a second; *more: those since the last one that might not. */
bool	control_event_admin_due(struct control_events *, const char *by, uint64_t *more);
/* A request that only another edge may make, refused; at most one event a second. */
void	control_event_refused(struct control_events *, const char *verdict, const char *key_id);
#endif
