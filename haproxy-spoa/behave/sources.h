/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_BEHAVE_SOURCES_H
#define LLMSEC_BEHAVE_SOURCES_H
/*
 * The windows of all sources, found by a keyed hash of who they are; the source itself is nowhere.  Fixed size, allocated
 * once (pages come into being as they are used), 128 bytes a place and a fifth more places than sources, so that a million
 * sources take 154 MB.
 *
 * Any number of threads, no lock.  All of them share one table: a source's requests reach any of the workers, and its
 * thresholds are about their sum.  A place is taken by exchanging its tag (old -> busy -> new).  Two races are left, and
 * neither can make a source look worse than it is by more than a request for each thread:
 *	- who found a place just before it was given to another source counts one request there;
 *	- two threads that see a new source at the same moment may give it two places; the later one is found no more,
 *	  and its request is not counted.
 *
 * Full: in both sets of a new source, the window worth least goes (no request for 60 s, else no errors and WAF
 * hits, then fewest requests, then longest idle), and is counted.  What is banned is not kept here (bans.h).
 */
#include <stddef.h>
#include <stdint.h>

#include "lib/siphash.h"
#include "haproxy-spoa/behave/window.h"

struct sources;

#define SOURCES_MIN	1000
#define SOURCES_MAX	100000000

/* For <n> sources; NULL: no memory. */
struct sources	*sources_new(size_t n);
void		 sources_free(struct sources **);
/* Fetch what sources_find will look at. */
void		 sources_prefetch(const struct sources *, struct sip_hash);
struct window	*sources_find(const struct sources *, struct sip_hash);
/* The same, made if it isn't there; NULL: too many others at the same place at the same time. */
struct window	*sources_get(struct sources *, struct sip_hash, uint32_t slot);
/*
 * Give back places without requests in the last 60 s, going on where the last call ended; looks at <n> places.
 * One thread at a time.
 */
void		 sources_sweep(struct sources *, size_t n, uint32_t slot);

struct sources_stats {
	size_t		 places, used, bytes;	/* <bytes> mapped, not yet resident */
	uint64_t	 evicted;	/* windows that still counted, since the start */
	uint64_t	 lost;		/* requests not counted, since the start */
};
void		 sources_stats(const struct sources *, struct sources_stats *);
#endif
