/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_PROVE_CACHE_H
#define LLMSEC_PROVE_CACHE_H
/*
 * What was found out about (address, names) pairs.  Fixed size, no lock: an entry is one 64-bit word {40 bits of a keyed
 * hash, 22 bits of minutes until it ends, 2 bits of outcome}, read and written whole.  With the 12 bits that choose the
 * set, two pairs that the key's owner doesn't know how to choose share an entry once in 2^52.
 *
 * A set has four entries.  A new one takes, in this order: its own, an ended one, a question, a refutation, the proof
 * that ends first; but a question never takes a proof's place, so that a flood of claims can't push proofs out.
 */
#include <stdbool.h>
#include <stdint.h>

struct prove_cache;

enum prove_entry { ENTRY_NONE, ENTRY_PENDING, ENTRY_FALSE, ENTRY_TRUE };

struct prove_cache *prove_cache_new(void);	/* NULL: out of memory or no random bytes */
void		 prove_cache_free(struct prove_cache **);
uint64_t	 prove_cache_key(const struct prove_cache *, const uint8_t addr[16], const char *hosts);
/* <minute> on any clock that only goes forward. */
enum prove_entry prove_cache_get(const struct prove_cache *, uint64_t key, uint32_t minute);
/* False: no room (only for ENTRY_PENDING). */
bool		 prove_cache_put(struct prove_cache *, uint64_t key, enum prove_entry, uint32_t minute, uint32_t until);
#endif
