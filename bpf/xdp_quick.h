/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_XDP_QUICK_H
#define LLMSEC_XDP_QUICK_H
/*
 * The table that the kernel asks first about IPv4 bans (struct xdpf_quick).  It repeats xf_ban4, never leads: an entry
 * goes into xf_ban4 first, and out of it first.  The caller holds the lock; the kernel reads all the while.
 */
#include <stdint.h>

#include "bpf/xdp_maps.h"

/* How many buckets for so many bans, the one behind the last home included. */
uint32_t xdp_quick_buckets(uint32_t bans);
/* <k> is banned as <b> says. */
void	xdp_quick_put(struct xdp_maps *, const struct xdpf_key4 *k, const struct xdpf_ban *b);
void	xdp_quick_del(struct xdp_maps *, const struct xdpf_key4 *k);
/* Packets that ended here and not in xf_ban4. */
uint32_t xdp_quick_hits(const struct xdp_maps *, const struct xdpf_key4 *k);

/*
 * Take back MORE from buckets that need it no longer: between begin and end, keep is told of every entry of xf_ban4.
 * begin returns NULL without memory; then everything stays as it is.
 */
uint8_t	*xdp_quick_sweep_begin(const struct xdp_maps *);
void	xdp_quick_sweep_keep(const struct xdp_maps *, uint8_t *sweep, const struct xdpf_key4 *k);
void	xdp_quick_sweep_end(struct xdp_maps *, uint8_t *sweep);
#endif
