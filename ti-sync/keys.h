/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_TI_KEYS_H
#define LLMSEC_TI_KEYS_H
/*
 * Names and networks in the order of a tree.  A name's key is its labels from the last to the first with a space
 * between them, "com example www": a space sorts before whatever a label may hold, so a name stands directly
 * before everything below it.  A network's key is its 16 bytes of address and one of length; bytewise, it stands
 * before everything inside it.  One walk with a stack then sees what covers what, for both.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/cidr.h"

enum ti_kind { TI_DOMAIN = 1, TI_NET = 2 };

#define TI_KEY_MAX	256		/* of either kind, with the byte that ends a name's */
#define TI_NET_KEY	17

/* A canonical name's key, and back.  Both NUL-terminated; returns the length, which is the same. */
size_t	ti_key_of_name(char out[TI_KEY_MAX], const char *name, size_t len);
size_t	ti_name_of_key(char out[TI_KEY_MAX], const void *key, size_t len);
void	ti_key_of_net(uint8_t out[TI_NET_KEY], const struct cidr *);
void	ti_net_of_key(struct cidr *, const void *key);
/* Bytewise, a prefix first. */
int	ti_key_cmp(const void *a, size_t na, const void *b, size_t nb);
/* Is <inner> <outer> itself or something it covers? */
bool	ti_key_covers(enum ti_kind, const void *outer, size_t n_outer, const void *inner, size_t n_inner);

/* A growing list of keys of one kind, sorted once. */
struct ti_ref {
	uint64_t	 cache;		/* the next eight bytes to compare, as a number */
	uint32_t	 at;		/* in text */
	uint32_t	 len;
};

struct ti_keys {
	char		*text;
	size_t		 used, text_cap;
	struct ti_ref	*v;
	size_t		 n, cap;
};

/* 0, -ENOMEM, -EFBIG (more than 4 GiB of text). */
int	ti_keys_add(struct ti_keys *, const void *key, size_t len);
/* Sort and drop what is there twice; returns how many went. */
size_t	ti_keys_sort(struct ti_keys *);
const char *ti_keys_at(const struct ti_keys *, size_t i, size_t *len);
void	ti_keys_free(struct ti_keys *);
#endif
