/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SET_IP_H
#define LLMSEC_SET_IP_H
/*
 * ips.set: is this address in a listed network?  Networks may nest; the longest prefix answers.  The file holds
 * them flattened to ranges, so a lookup is one binary search.  It allocates nothing and takes no lock; any
 * number of threads may ask.
 */
#include <stdbool.h>
#include <stddef.h>

#include "lib/cidr.h"
#include "lib/set_file.h"

struct set_ip;

/* 0, -EBADMSG (see <diag>, may be NULL), or -errno of open or mmap.  On error *out is NULL. */
int	 set_ip_open(struct set_ip **out, const char *path, unsigned flags, struct diag *);
int	 set_ip_open_mem(struct set_ip **out, const void *, size_t, unsigned flags, struct diag *);
void	 set_ip_close(struct set_ip **);

/* <addr>: 4 bytes for AF_INET, 16 for AF_INET6, network order; IPv4-mapped IPv6 is IPv4.  <set> NULL: nothing
   is listed.  <hit> may be NULL. */
bool	 set_ip_find(const struct set_ip *, int family, const void *addr, struct set_hit *hit);
void	 set_ip_info(const struct set_ip *, struct set_info *);
const char *set_ip_category(const struct set_ip *, unsigned i);
/*
 * Every listed range, IPv4 first, in order: for programs that hold the set in another form (XDP tries).  The
 * callback gets it as networks; returns what the callback returned if that isn't 0.
 */
int	 set_ip_each(const struct set_ip *, int (*fn)(void *arg, const struct cidr *, const struct set_class *),
	    void *arg);

struct set_ip_writer;

struct set_ip_writer *set_ip_writer_new(const struct set_meta *);
/* One network; the same one twice: the later counts.  0, -E2BIG: too many classes, -ENOMEM. */
int	 set_ip_writer_add(struct set_ip_writer *, const struct cidr *, const struct set_class *);
size_t	 set_ip_writer_entries(const struct set_ip_writer *);
/* Once: the writer is of no use afterwards.  0 or -errno. */
int	 set_ip_writer_write(struct set_ip_writer *, const char *path);
void	 set_ip_writer_free(struct set_ip_writer **);
#endif
