/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_BEHAVE_WINDOW_H
#define LLMSEC_BEHAVE_WINDOW_H
/*
 * The last 60 seconds of one source, as six slots of 10.  Any number of threads add and read at the same time without a lock:
 * a slot's numbers and the slot they belong to are one 64-bit word, replaced as a whole, so that an old number is never taken
 * for a new one.  What two threads can do to each other at the turn of a slot is to lose a path or two.
 *
 * Numbers stop at their largest (per slot: 65535 requests, 4095 errors of ours, 255 told ones, 255 WAF hits, 15 pages and
 * assets).
 * Distinct paths are estimated by linear counting over 64 bits (Whang, Vander-Zanden, Taylor, "A linear-time probabilistic
 * counting algorithm", 1990): standard error 11 % at 64 paths, 16 % at 128, and 266 is the most it can say.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define WINDOW_SLOTS	6
#define WINDOW_SLOT_MS	10000
#define WINDOW_PATHS_MAX	266
#define WINDOW_CLIENTS	3	/* of one address in one minute, known apart */

struct window {
	_Atomic uint32_t	last;		/* slot */
	_Atomic uint16_t	first;		/* slot, its low bits */
	_Atomic uint16_t	told;		/* what window_told() was given last; 0: nothing yet */
	_Atomic uint64_t	counts[WINDOW_SLOTS];
	_Atomic uint64_t	clients[2];	/* of this minute and the one before */
	_Atomic uint64_t	paths[WINDOW_SLOTS];
};

struct window_add {
	bool		error, waf_hit, page, asset;
	uint64_t	path;		/* hash of the path */
	unsigned	told;		/* errors that somebody else saw since the last request */
};

struct window_sum {
	unsigned	requests, waf_hits, pages, assets, paths;
	unsigned	errors;		/* ours or told ones, whichever are more: they see the same requests */
	unsigned	slots;		/* with any request */
	unsigned	age_s;		/* since the first request, in steps of 10 */
};

/* Number of the slot of a time in ms; the clock begins anywhere, but never runs backwards. */
static inline uint32_t
window_slot(int64_t ms)
{
	return (uint32_t)(ms / WINDOW_SLOT_MS);
}

void	window_reset(struct window *, uint32_t slot);
void	window_add(struct window *, uint32_t slot, const struct window_add *);
void	window_sum(const struct window *, uint32_t slot, struct window_sum *);
/*
 * Another's count of the source's errors, which only grows (or begins anew, when he forgets): how many are new.  The
 * first time, and after a pause, none are: they belong to no window of ours.
 */
unsigned window_told(struct window *, uint32_t slot, int64_t count);
/* No request in the last 60 s. */
bool	window_over(const struct window *, uint32_t slot);
/* How much would be lost with it: errors and WAF hits first, then requests, then how recent. */
uint64_t window_worth(const struct window *, uint32_t slot);

/*
 * An address has been seen with the client of that hash; <bad>: it misbehaved.  Three are remembered by 16 bits each; of
 * the others, only that there were any, and whether one of them did nothing wrong.
 */
void	window_client_add(struct window *, uint32_t slot, uint64_t client, bool bad);
/* Of the last one to two minutes: more than one client, one who has not misbehaved. */
void	window_clients(const struct window *, uint32_t slot, bool *shared, bool *clean);
#endif
