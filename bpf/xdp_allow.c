/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "bpf/xdp_bans.h"
#include "bpf/xdp_filter.h"

int
xdp_allow_add(struct xdp_maps *m, const struct cidr *c)
{
	struct xdp_filter_short s = {0};
	struct xdpf_conf conf;
	struct xdpf_lpm k;
	uint32_t one = 1;
	int r;

	if (xdp_is_everyone(c))
		return -EINVAL;
	r = xdp_maps_lock(m);
	if (r != 0)
		return r;
	xdp_lpm(c, &k);
	if (bpf_map_update_elem(m->fd[XM_ALLOW], &k, &one, BPF_ANY) < 0)
		r = -errno;
	else {
		xdp_filter_allow(m->filter, &s, c);
		r = xdp_maps_conf_get(m, &conf);
		if (r == 0 && s.allow6 != 0 && conf.allow_short6 == 0) {
			conf.allow_short6 = 1;
			r = xdp_maps_conf_set(m, &conf);
		}
	}
	xdp_maps_unlock(m);
	return r;
}

int
xdp_allow_del(struct xdp_maps *m, const struct cidr *c)
{
	struct xdpf_lpm k;
	int r = xdp_maps_lock(m);

	if (r != 0)
		return r;
	xdp_lpm(c, &k);
	if (bpf_map_delete_elem(m->fd[XM_ALLOW], &k) < 0)
		r = -errno;
	xdp_maps_unlock(m);
	return r;
}

int
xdp_allow_each(const struct xdp_maps *m, int (*fn)(void *arg, const struct cidr *), void *arg)
{
	struct xdpf_lpm k, next;
	struct cidr c;
	bool first = true;
	int r = 0;

	while (r == 0 && bpf_map_get_next_key(m->fd[XM_ALLOW], first ? NULL : &k, &next) == 0) {
		memcpy(c.addr, next.addr, 16);
		c.len = (uint8_t) next.len;
		r = fn(arg, &c);
		k = next;
		first = false;
	}
	return r;
}

/* New ones first, so that an address that stays is protected throughout. */
int
xdp_protect_set(struct xdp_maps *m, const struct cidr *list, size_t n)
{
	struct xdpf_lpm k, next;
	uint32_t one = 1;
	bool keep, first = true;
	size_t i;

	for (i = 0; i < n; i++) {
		xdp_lpm(&list[i], &k);
		if (bpf_map_update_elem(m->fd[XM_PROTECT], &k, &one, BPF_ANY) < 0)
			return -errno;
	}
	while (bpf_map_get_next_key(m->fd[XM_PROTECT], first ? NULL : &k, &next) == 0) {
		for (keep = false, i = 0; i < n && !keep; i++)
			keep = list[i].len == next.len && memcmp(list[i].addr, next.addr, 16) == 0;
		if (keep) {
			k = next;
			first = false;
		} else if (bpf_map_delete_elem(m->fd[XM_PROTECT], &next) < 0)
			return -errno;
	}
	return 0;
}
