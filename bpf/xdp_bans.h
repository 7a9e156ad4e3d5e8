/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_XDP_BANS_H
#define LLMSEC_XDP_BANS_H
/*
 * Bans, the allow list and the filter before them.  A network can be banned for several reasons at once:
 * by an operator (perhaps only from some ports), by llmsecd, by an imported list.  Each has its own end,
 * and taking one away leaves the others.
 *
 * Every function that changes something takes the lock itself, unless it says otherwise.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/xdp_maps.h"
#include "lib/cidr.h"

struct xdp_ban {
	struct cidr	cidr;
	struct xdpf_ban	val;
};

struct xdp_ban_ports {
	uint16_t lo, hi;		/* lo 0: all ports */
	uint8_t	 proto;			/* 0, 6, 17 */
};

struct xdp_ban_new {
	struct cidr	cidr;
	uint32_t	until;		/* a tick */
};

struct xdp_ban_counts {
	size_t	 v4, v6;		/* entries, expired ones included */
	size_t	 room4, room6;
	size_t	 origin[XO_MAX];	/* in force */
	size_t	 ports;
};

extern const char *const xdp_origin_names[XO_MAX];

/* 0; -EINVAL: everyone (a length of 0); -ENOSPC: the table is full, nothing was changed; -errno. */
int	xdp_ban_add(struct xdp_maps *, const struct cidr *, enum xdpf_origin, uint32_t until,
	    const struct xdp_ban_ports *);
/* What <origin> wants; <origin> XO_MAX: all.  0, or -ENOENT: it wasn't there. */
int	xdp_ban_del(struct xdp_maps *, const struct cidr *, enum xdpf_origin);
int	xdp_ban_get(const struct xdp_maps *, const struct cidr *, struct xdpf_ban *);
/* Packets that this ban has dropped, about. */
uint32_t xdp_ban_hits(const struct xdp_maps *, const struct xdp_ban *);
/* All of <origin>, or of all (XO_MAX).  *n: how many. */
int	xdp_ban_flush(struct xdp_maps *, enum xdpf_origin, size_t *n);
/*
 * <list> becomes all that <origin> bans: what is new is added before what is gone is taken away, so
 * whatever is in both is enforced throughout.  Nothing is changed if it doesn't fit (-ENOSPC).
 */
int	xdp_ban_replace(struct xdp_maps *, enum xdpf_origin, const struct xdp_ban_new *list, size_t n,
	    size_t *added, size_t *removed);
/* Take out what has expired; *n: how many entries went. */
int	xdp_ban_expire(struct xdp_maps *, size_t *n);
/* Each entry; a return that is not 0 stops and is handed back.  No lock: the list may change meanwhile. */
int	xdp_ban_each(const struct xdp_maps *, int (*)(void *arg, const struct xdp_ban *), void *arg);
int	xdp_ban_count(const struct xdp_maps *, struct xdp_ban_counts *);

/* Is it a length of 0: nobody means that. */
bool	xdp_is_everyone(const struct cidr *);

/* The allow list; the same rules. */
int	xdp_allow_add(struct xdp_maps *, const struct cidr *);
int	xdp_allow_del(struct xdp_maps *, const struct cidr *);
int	xdp_allow_each(const struct xdp_maps *, int (*)(void *arg, const struct cidr *), void *arg);
/* Protected addresses: <list> replaces what is there. */
int	xdp_protect_set(struct xdp_maps *, const struct cidr *list, size_t n);

/* Make the filter say exactly what the tables hold. */
int	xdp_filter_rebuild(struct xdp_maps *);
#endif
