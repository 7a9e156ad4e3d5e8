/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_WAF_PERSIST_RECORD_H
#define LLMSEC_WAF_PERSIST_RECORD_H
/* How a persistent collection lies in the store.  The store is a file: what it holds is checked, not trusted. */
#include "haproxy-spoa/waf/persist.h"

#define PERSIST_KEY_MAX	256

/* Collection and key; a long key is cut and ends in its hash.  Returns the length. */
size_t		 persist_key(unsigned char buf[PERSIST_KEY_MAX], const char *coll, struct waf_str key);
/* 1, 0 expired or no record of ours, -ENOMEM. */
int		 persist_decode(struct persist_record *, const void *, size_t, int64_t now, struct arena *);
void		*persist_encode(const struct persist_record *, size_t *len, struct arena *);
bool		 persist_dead(const void *, size_t, int64_t now);
#endif
