/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_EGRESS_TUNNELS_H
#define LLMSEC_EGRESS_TUNNELS_H
/*
 * Which client opened which tunnel, so that a change of policy or lists ends those it would not allow any more.
 * Squid tells when a tunnel begins and not when it ends, so this is a table of the latest that each client address
 * and port asked for; cutting what has ended already is nothing (the gate finds no such connection).  Of fixed size:
 * the oldest of eight that share a bucket makes room for another tunnel, which is counted and logged; nothing but a
 * tunnel takes another client's place, and a random key chooses the buckets.  Single-threaded, like the helper.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "squid-helpers/egress_policy.h"

struct egress_tunnels;
struct egress_policy;

/* NULL: no memory, or no random numbers. */
struct egress_tunnels *egress_tunnels_new(void);
void	egress_tunnels_free(struct egress_tunnels **);
/* Where cuts go, "": nowhere. */
void	egress_tunnels_direct(struct egress_tunnels *, const char *gate);

/* What was just decided about a request of this client port: a tunnel that is allowed is kept in mind. */
void	egress_tunnels_note(struct egress_tunnels *, const struct egress_request *, unsigned client_port, bool allowed);
/* Was there ever one to cut? */
bool	egress_tunnels_open(const struct egress_tunnels *);
/* How many made room for others, and may be open, beyond a change. */
uint64_t egress_tunnels_forgotten(const struct egress_tunnels *);
/* How many are revoked and not sent yet. */
size_t	egress_tunnels_waiting(const struct egress_tunnels *);
/* Judge all of them anew.  How many are revoked by that. */
size_t	egress_tunnels_review(struct egress_tunnels *, const struct egress_policy *);
/* Send what is revoked and not sent yet; what the gate can't take now is tried again with the next call. */
void	egress_tunnels_flush(struct egress_tunnels *);
#endif
