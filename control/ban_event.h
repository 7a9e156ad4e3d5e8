/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_BAN_EVENT_H
#define LLMSEC_BAN_EVENT_H
#include <stdbool.h>

struct ban;
struct evline;

/*
 * An "edge.ban" as this edge's vote: detail.scope "ip", the address in actor.ip or a network in detail.cidr, ttl_s from
 * its time on, detail.reason.  False: it bans no address (but a key or a fingerprint, which llmsec-spoad does).
 */
bool	ban_of_event(const struct evline *, struct ban *);
#endif
