/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_ICAP_CONVO_H
#define LLMSEC_ICAP_CONVO_H
/*
 * Memory of conversations: which turns have been judged, and how they went.  One table in memory shared by all
 * children (mapped before they are forked), of a fixed size, without locks: slots are written under a
 * sequence number each, whoever meets a slot being written goes on without it.  Nothing of a text is kept: 64-bit
 * tags of SipHash under a key of this boot, and scores.  What is lost (evicted, expired) is judged again.
 *
 * A turn is named by the hash over all turns up to it (role and text; system prompts and tool definitions don't count), its
 * tenant included: nobody can reach, or spoil, what another tenant's key stored.  Each committed request leaves a snapshot
 * under its last turn's name, so branches of one conversation are told apart.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "icap-llmsec/detect.h"
#include "icap-llmsec/span.h"
#include "lib/arena.h"
#include "lib/conf.h"

#define CONVO_RECENT	10	/* scores kept; the Crescendo paper's attacks take at most ten rounds */

struct traj_conf {
	int	 crescendo, many_shot, sum, split;	/* enum detect_mode */
	int64_t	 half_life;		/* ms, of an actor's sum */
	int	 sum_limit, actor_limit;	/* of scores 0..100 */
	int	 shots;			/* pairs of turns inside one text */
	int64_t	 memory;		/* bytes of the table; at start only */
	int64_t	 expire;		/* ms */
};
extern const struct conf_opt traj_conf_opts[];

struct convo_table;

/* <memory> bytes at most, of which the table takes a power of two.  The mapping is shared with children forked later.  0 or -errno. */
int	convo_table_new(struct convo_table **, size_t memory);
void	convo_table_free(struct convo_table **);

struct convo_state {			/* of the known part of a conversation */
	uint32_t sum;			/* of scores worth it, decayed by turn, in 1/256 */
	uint16_t turns;			/* user turns scored */
	uint8_t	 recent[CONVO_RECENT];	/* 0..100, the last is last */
};

struct convo {				/* one request; in its arena */
	struct convo_table *table;	/* NULL: no memory, everything is new */
	int64_t	 now_ms;
	size_t	 n;			/* messages */
	size_t	 known;			/* of these, so many at the front were judged before */
	uint64_t *name;			/* of each message, the part before it included; [n] */
	bool	*ours;			/* assistant turn that a model behind us wrote; [n] */
	struct convo_state state;
	uint64_t actor;
	uint32_t added;			/* by this request's new turns to its actor's sum, in 1/256 */
};

/* <table> may be NULL.  <tenant>: key digest, "" if none; <actor>: client address, may be NULL.  0 or -ENOMEM. */
int	convo_begin(struct convo_table *, const char *tenant, const char *actor, const struct spans *, int64_t now_ms,
	    int64_t expire_ms, struct arena *, struct convo *);
/* Has this span been judged before, so that it need not be again? */
bool	convo_knows(const struct convo *, const struct span *);
/*
 * The user's last turns in one piece, if they are short and the newest is new: what was split over turns shows itself
 * here.  <tight>: without a blank where letters meet, as words that were split do.  *text NULL: nothing to scan, or no letters meet.  At most 4 KiB.
 * 0 or -ENOMEM.
 */
int	convo_joined(const struct convo *, const struct spans *, bool tight, struct arena *, const char **text, size_t *len);
/* Pairs of made-up dialogue turns inside the new spans, for TRAJ-0002. */
size_t	convo_shots(const struct convo *, const struct spans *);
/*
 * Judge the course of things.  <score>: of each message, 0..100, only those of new user turns are read; <joined>: score of the
 * joined text, -1: none.  <block_at>: score from which one turn is refused on its own.  Appends to <findings> (arena).  0 or -ENOMEM.
 */
int	traj_judge(const struct traj_conf *, struct convo *, const struct spans *, const int *score, int joined, int block_at,
	    struct arena *, struct findings *);
/* Remember.  <passed>: the request went on; if not, only the actor's sum does. */
void	convo_commit(const struct traj_conf *, struct convo *, bool passed);

/* ---- the answer's side: what a model wrote is no forgery when it comes back.  White space doesn't count. */
struct convo_answer { uint64_t h; uint64_t letters; };
void	convo_answer_add(struct convo_table *, struct convo_answer *, const char *, size_t);
void	convo_answer_note(struct convo_table *, const char *tenant, const struct convo_answer *, int64_t now_ms);
#endif
