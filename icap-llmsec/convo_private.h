/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_CONVO_PRIVATE_H
#define LLMSEC_ICAP_CONVO_PRIVATE_H
/* Between convo.c, which remembers, and trajectory.c, which judges. */
#include <stdatomic.h>

#include "icap-llmsec/convo.h"
#include "lib/siphash.h"

#define WAYS		8		/* slots of a bucket */
#define SLOT_WORDS	4		/* name and three words of state */
#define STALE		10		/* seconds after which a writer is taken for dead */
#define PRIME		((UINT64_C(1) << 61) - 1)

enum { NAME_TENANT = 0x80, NAME_ACTOR, NAME_ANSWER, NAME_MEDIA };	/* beside enum span_role */

struct convo_slot {
	_Atomic uint32_t seq;		/* odd: being written */
	_Atomic uint32_t seen;		/* seconds */
	_Atomic uint64_t word[SLOT_WORDS];	/* [0]: name, 0: empty */
};

struct convo_table {
	size_t		 size, mask;
	struct sip_key	 key;
	struct convo_slot slot[];
};

bool	convo_get(struct convo_table *, uint64_t name, uint32_t now, uint32_t expire, uint64_t w[SLOT_WORDS]);
void	convo_put(struct convo_table *, uint32_t now, const uint64_t w[SLOT_WORDS]);
/* The actor's sum as it stands now, without this request; and with it. */
uint32_t traj_actor_sum(const struct traj_conf *, const struct convo *);
void	traj_actor_add(const struct traj_conf *, struct convo *);
#endif
