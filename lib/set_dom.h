/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SET_DOM_H
#define LLMSEC_SET_DOM_H
/*
 * domains.set: is this host name, or a name above it, on a list?  An entry stands for itself and everything
 * below it; the most specific entry answers.  A lookup allocates nothing, takes no lock, and costs one cache
 * miss, for a name that is listed two; any number of threads may ask.
 *
 * The file holds no names.  It holds of each a 48-bit piece of a keyed 64-bit hash (SipHash-1-3, Aumasson and
 * Bernstein 2012) in the 64-byte bucket that the other bits choose: 9 in 2^48 is the chance that a name nobody
 * listed seems listed, and the writer takes another key if that would happen to a name its caller cares for.
 */
#include <stdbool.h>
#include <stddef.h>

#include "lib/set_file.h"

struct set_dom;

/* 0, -EBADMSG (see <diag>, may be NULL), or -errno of open or mmap.  On error *out is NULL. */
int	 set_dom_open(struct set_dom **out, const char *path, unsigned flags, struct diag *);
/* The same over memory that the caller keeps: for tests and for what isn't a file. */
int	 set_dom_open_mem(struct set_dom **out, const void *, size_t, unsigned flags, struct diag *);
void	 set_dom_close(struct set_dom **);

/*
 * <name> is canonical: lower case, A-labels, no dot at the end; whatever else it is, it is just not found.
 * <set> NULL: nothing is listed.  <hit> may be NULL.
 */
bool	 set_dom_find(const struct set_dom *, const char *name, size_t len, struct set_hit *hit);
void	 set_dom_info(const struct set_dom *, struct set_info *);
/* Name of category bit <i>; NULL: not in this set. */
const char *set_dom_category(const struct set_dom *, unsigned i);

struct set_dom_writer;

/* Keeps nothing of <meta> but what it copies.  NULL: no memory. */
struct set_dom_writer *set_dom_writer_new(const struct set_meta *);
/* One canonical name, each only once.  0, -EINVAL: no such name can be, -E2BIG: more classes than a set has
   room for (65534), -ENOMEM. */
int	 set_dom_writer_add(struct set_dom_writer *, const char *name, size_t len, const struct set_class *);
/* Would this name seem listed?  Asked about names that no entry covers, before set_dom_writer_write. */
bool	 set_dom_writer_collides(struct set_dom_writer *, const char *name, size_t len);
size_t	 set_dom_writer_entries(const struct set_dom_writer *);
/* Write, fsync, rename to <path>, fsync the folder.  0 or -errno; -EEXIST: two names have one hash, take
   another key. */
int	 set_dom_writer_write(struct set_dom_writer *, const char *path);
void	 set_dom_writer_free(struct set_dom_writer **);
#endif
