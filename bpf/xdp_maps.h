/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_XDP_MAPS_H
#define LLMSEC_XDP_MAPS_H
/*
 * The maps of a filter as user space holds them: file descriptors, and the filter mapped.  They come
 * from a folder of pins (any process that may open those files) or from a program this process loaded.
 *
 * Who changes bans or the filter holds the lock of the folder (xdp_maps_lock); the kernel needs none.
 */
#include <stdbool.h>
#include <stdint.h>

#include "bpf/xdp_shared.h"

enum xdp_map {
	XM_CONF, XM_FILTER, XM_CPU, XM_BUDGET, XM_RETRY, XM_BAN4, XM_QUICK4, XM_BAN6, XM_ALLOW, XM_PROTECT,
	XM_TAGS, XM_SRC, XM_EVENTS, XM_MAX
};

struct xdp_maps {
	int	fd[XM_MAX];		/* -1: not there, or not allowed */
	int	dir_fd;			/* what is locked; -1: nobody else knows these maps */
	bool	ro;			/* opened for reading only */
	struct xdpf_filter *filter;	/* mapped; NULL when ro */
	struct xdpf_quick *quick;	/* mapped; NULL when ro */
	uint32_t quick_n;		/* buckets */
	uint64_t secret;		/* of the configuration, as of the last lock */
};

extern const char *const xdp_map_names[XM_MAX];

/* <dir> holds maps/NAME.  0; -ENOENT: nothing is loaded there; -EPROTO: another layout; -errno. */
int	xdp_maps_open(struct xdp_maps *, const char *dir, bool ro);
/* Of a program this process loaded; takes the descriptors. */
int	xdp_maps_adopt(struct xdp_maps *, const int fd[XM_MAX]);
void	xdp_maps_close(struct xdp_maps *);
int	xdp_maps_lock(struct xdp_maps *);
void	xdp_maps_unlock(struct xdp_maps *);
int	xdp_maps_conf_get(const struct xdp_maps *, struct xdpf_conf *);
int	xdp_maps_conf_set(const struct xdp_maps *, const struct xdpf_conf *);
/* How many entries a table has room for. */
unsigned xdp_maps_room(const struct xdp_maps *, enum xdp_map);
uint64_t xdp_now_ns(void);
/* A time <ttl_ms> from now as the kernel compares it; XDPF_FOREVER for ttl_ms < 0. */
uint32_t xdp_tick_in(int64_t ttl_ms);
/* Milliseconds until <tick>; negative: past. */
int64_t	xdp_tick_left_ms(uint32_t tick);
#endif
